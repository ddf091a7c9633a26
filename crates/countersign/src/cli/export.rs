//! How are entries of the ledger taken away by hand? Recorded first, then written as lines, to a file or standard output.

use std::fs::OpenOptions;
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use countersign_core::{NotATime, Timestamp};
use countersign_export::{CONTENT_NAMES, Disclosure, LineFormat};
use countersign_gate::{Clock as _, SystemClock};
use countersign_store::{ExportTerms, Store, Wanted};

use super::{ConfigArgs, Failure, unusable};
use crate::export::{BATCH_MAX, opened, word};
use crate::out;
use crate::serve::Base;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// How lines are written: `json` (the leaf and its place), `ocsf` (OCSF 1.5.0) or `cef`.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Format,
    /// Not from before, for example `2026-11-01T00:00:00Z`. Default: from the first entry.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only from before. Default: up to now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Content to show, by name, with commas between; docs/LEDGER.md has the names. Default: none, so that no personal
    /// data leaves.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(CONTENT_NAMES), hide_possible_values = true)]
    content: Vec<String>,
    /// Where to write it; `-` is standard output.
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Ocsf,
    Cef,
}

fn time(text: &str) -> Result<Timestamp, NotATime> {
    text.parse()
}

/// What is taken.
struct Taken {
    format: LineFormat,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    disclosure: Disclosure,
    /// As it is recorded.
    target: String,
}

pub(super) async fn run(args: ExportArgs) -> Result<(), Failure> {
    let store = Base::open(&args.config.read()?)?.store;
    let format = match args.format {
        Format::Json => LineFormat::Json,
        Format::Ocsf => LineFormat::Ocsf,
        Format::Cef => LineFormat::Cef,
    };
    let to_screen = args.output == Path::new("-");
    let target =
        if to_screen { "standard output".to_owned() } else { format!("file {}", args.output.display()) };
    let disclosure = Disclosure::of(args.content);
    let taken = Taken { format, from: args.from, to: args.to, disclosure, target };
    if to_screen {
        let written = write(&store, &taken, || Ok(std::io::stdout())).await;
        return written.or_else(|error| if error.is_closed() { Ok(()) } else { Err(error.into()) });
    }
    let open = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&args.output);
    write(&store, &taken, open).await.map_err(|error| match error {
        ExportError::Write(error) => unusable(&args.output, &error),
        error => error.into(),
    })
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] countersign_store::StoreError),
    #[error(transparent)]
    Entry(#[from] countersign_export::EntryError),
    #[error("the lines can't be written")]
    Write(#[source] std::io::Error),
}

impl ExportError {
    /// A closed pipe is the reader's choice.
    fn is_closed(&self) -> bool {
        matches!(self, Self::Write(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Self::new(out::chain(&error))
    }
}

/// Records what is taken, and only then opens the output and writes.
async fn write<W: Write>(
    store: &Store,
    taken: &Taken,
    open: impl FnOnce() -> std::io::Result<W>,
) -> Result<(), ExportError> {
    let end = store.sign_all().await?.size;
    let mut wanted = Wanted { from: taken.from, to: taken.to, ..Wanted::between(0, end) };
    let count = store.count_entries(wanted).await?;
    let terms = ExportTerms {
        format: word(taken.format).to_owned(),
        target: taken.target.clone(),
        shown: taken.disclosure.names(),
    };
    store.record_export(terms, wanted, count, SystemClock.now()).await?;
    let mut lines = BufWriter::new(open().map_err(ExportError::Write)?);
    loop {
        let entries = opened(store, store.entries(wanted, BATCH_MAX)?, &taken.disclosure)?;
        let Some(last) = entries.last() else { break };
        wanted.first = last.index().saturating_add(1);
        for entry in &entries {
            writeln!(lines, "{}", entry.line(taken.format)?).map_err(ExportError::Write)?;
        }
    }
    lines.flush().map_err(ExportError::Write)
}

#[cfg(test)]
mod tests;
