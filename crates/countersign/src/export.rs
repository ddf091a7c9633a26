//! How do copies of the ledger's entries reach other systems while the gateway runs? One task for each export follows
//! the signed head, a batch at a time, and goes on where the target has taken everything before.
//!
//! An entry is offered until the target says yes, so it arrives at least once, in order; what arrives twice has the same
//! `index`. A target that says no holds up its own export and nothing else.

mod file;
mod syslog;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_export::{Disclosure, Entry, EntryError, LineFormat, otlp};
use countersign_gate::Clock;
use countersign_store::{ExportTerms, Store, StoreError, StoredEntry, Wanted};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, ClientError};
use crate::out;

/// Entries that are offered together at most.
pub(crate) const BATCH_MAX: u16 = 256;
/// Their leaves and content in bytes, unless one alone has more.
const BATCH_MAX_BYTES: usize = 1 << 20;
/// So long after a refusal the batch is offered again, and after the last of these each time.
const RETRY_AFTER_SECONDS: [u64; 6] = [1, 2, 5, 15, 30, 60];
/// More of an answer is not read.
const ANSWER_MAX_BYTES: usize = 64 << 10;
/// More of a refusal is not logged.
const REFUSAL_MAX_CHARS: usize = 200;

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line each.
    Lines(LineFormat),
    /// A request of OTLP over HTTP for each batch.
    Otlp,
}

/// A secret that is not shown.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Where they go.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Url {
        url: String,
        token: Option<Token>,
    },
    /// Host and port.
    Syslog(String),
}

/// One of `[[exports]]`.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    /// Its cursor in the store is kept under this name.
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) place: Place,
    pub(crate) disclosure: Disclosure,
    /// Whether it begins with the ledger's first entry or with now.
    pub(crate) from_start: bool,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the ledger can't be read, or the place in it not be kept")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("the file `{path}` can't be written")]
    File { path: String, source: std::io::Error },
    #[error(transparent)]
    Http(#[from] ClientError),
    #[error("`{url}` answered {status}: {said}")]
    Refused { url: String, status: u16, said: String },
    #[error("`{address}` can't be reached or does not read")]
    Syslog { address: String, source: std::io::Error },
    #[error("the receiver hung up, so the last batch may not have been read")]
    Hung,
}

/// Starts a task for each export. What begins for the first time, or shows something else than before, is recorded first.
pub(crate) async fn start(
    exports: Vec<Export>,
    store: &Store,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let mut tasks = Vec::new();
    for export in exports {
        let delivery = Delivery::begin(export, store.clone(), clock.clone()).await?;
        let stop = stop.clone();
        tasks.push(tokio::spawn(async move {
            stop.run_until_cancelled_owned(delivery.run()).await.unwrap_or(());
        }));
    }
    Ok(tasks)
}

impl Export {
    /// As it is written into the ledger.
    fn terms(&self) -> ExportTerms {
        let format = match self.form {
            Form::Lines(format) => word(format),
            Form::Otlp => "otlp",
        };
        let target = match &self.place {
            Place::File(path) => format!("file {}", path.display()),
            Place::Url { url, .. } => format!("url {}", without_query(url)),
            Place::Syslog(address) => format!("syslog {address}"),
        };
        ExportTerms { format: format.to_owned(), target, shown: self.disclosure.names() }
    }
}

/// The word for a format.
pub(crate) fn word(format: LineFormat) -> &'static str {
    match format {
        LineFormat::Json => "json",
        LineFormat::Ocsf => "ocsf",
        LineFormat::Cef => "cef",
    }
}

/// Some receivers take a credential as a query; it is neither recorded nor logged.
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(url, _)| url)
}

/// Stored entries as they may leave.
pub(crate) fn opened(
    store: &Store,
    entries: Vec<StoredEntry>,
    disclosure: &Disclosure,
) -> Result<Vec<Entry>, EntryError> {
    // A checkpoint's first line is the log's origin.
    let signed = store.signed();
    let log = signed.as_ref().and_then(|signed| signed.note.lines().next()).unwrap_or_default();
    let open = |entry: StoredEntry| Entry::open(log, entry.index, &entry.leaf, entry.content, disclosure);
    entries.into_iter().map(open).collect()
}

/// A place that is open, or is opened again when that is needed.
enum Target {
    File(file::Appender),
    Http { client: Box<Client>, url: String },
    Syslog(syslog::Sender),
}

/// One export on its way.
struct Delivery {
    export: Export,
    store: Store,
    clock: Arc<dyn Clock>,
    target: Target,
    /// The first entry that was not taken.
    next: u64,
    /// Where the last batch began.
    last: u64,
    /// The first entry that was never offered, and whether the last batch has been sent again since that moved.
    furthest: u64,
    repeated: bool,
    /// So often in a row it was not taken.
    refusals: usize,
}

impl Delivery {
    async fn begin(export: Export, store: Store, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let target = match &export.place {
            Place::File(path) => Target::File(file::Appender::new(path.clone())),
            Place::Url { url, token } => {
                let client = Client::new(token.clone().map(|token| token.0));
                Target::Http { client: Box::new(client), url: url.clone() }
            }
            Place::Syslog(address) => Target::Syslog(syslog::Sender::new(address.clone())),
        };
        let (name, terms) = (export.name.clone(), export.terms());
        let next = store.begin_export(name, terms, export.from_start, clock.now()).await?;
        let (last, furthest, repeated, refusals) = (next, next, false, 0);
        Ok(Self { export, store, clock, target, next, last, furthest, repeated, refusals })
    }

    /// Delivers for as long as the store is open.
    async fn run(mut self) {
        while let Some(end) = self.store.signed_beyond(self.next).await {
            match self.offer(end).await {
                Ok(next) => self.taken(next, end),
                Err(SendError::Hung) => self.go_back(),
                Err(error) => {
                    self.refused(&error, end);
                    let after = RETRY_AFTER_SECONDS.get(self.refusals.saturating_sub(1));
                    let after = Duration::from_secs(*after.or(RETRY_AFTER_SECONDS.last()).unwrap_or(&60));
                    self.clock.sleep_until(self.clock.now().plus(after)).await;
                }
            }
        }
    }

    /// Offers the next batch, of entries before `end`, and gives the first entry after it.
    async fn offer(&mut self, end: u64) -> Result<u64, SendError> {
        let batch = within(self.store.entries(Wanted::between(self.next, end), BATCH_MAX)?);
        let entries = opened(&self.store, batch, &self.export.disclosure)?;
        let Some(next) = entries.last().map(|entry| entry.index().saturating_add(1)) else { return Ok(end) };
        self.send(&entries).await?;
        self.store.export_reached(self.export.name.clone(), next).await?;
        Ok(next)
    }

    async fn send(&mut self, entries: &[Entry]) -> Result<(), SendError> {
        let form = self.export.form;
        match &mut self.target {
            Target::File(file) => file.append(written(form, entries)?).await,
            Target::Syslog(sender) => {
                let Form::Lines(format) = form else { return Ok(()) };
                let frames: Result<Vec<_>, _> = entries.iter().map(|entry| entry.syslog(format)).collect();
                sender.send(&frames?.concat()).await
            }
            Target::Http { client, url } => {
                let body = Bytes::from(written(form, entries)?);
                let (status, answer) = client.post(url, content_type(form), body, ANSWER_MAX_BYTES).await?;
                if !(200..300).contains(&status) {
                    let said =
                        String::from_utf8_lossy(&answer).chars().take(REFUSAL_MAX_CHARS).collect::<String>();
                    let (url, said) = (url.clone(), said.escape_debug().to_string());
                    return Err(SendError::Refused { url, status, said });
                }
                if form == Form::Otlp {
                    self.note_rejected(&answer, entries);
                }
                Ok(())
            }
        }
    }

    /// OTLP forbids to send again what a receiver took and threw away in part.
    fn note_rejected(&self, answer: &[u8], entries: &[Entry]) {
        let Some((count, why)) = otlp::rejected(answer) else { return };
        let (first, last) = (entries.first().map(Entry::index), entries.last().map(Entry::index));
        tracing::error!(
            export = self.export.name, count, ?first, ?last, why = %why.escape_debug(),
            "the collector threw entries away; the ledger still has them"
        );
    }

    /// An error as it may be logged.
    fn told(&self, error: &SendError) -> String {
        let told = out::chain(error);
        match &self.export.place {
            Place::Url { url, .. } => told.replace(url, without_query(url)),
            Place::File(_) | Place::Syslog(_) => told,
        }
    }

    /// Told once, when it begins to fail.
    fn refused(&mut self, error: &SendError, end: u64) {
        self.refusals += 1;
        if self.refusals == 1 {
            let behind = end.saturating_sub(self.next);
            let error = self.told(error);
            tracing::error!(
                export = self.export.name,
                next = self.next,
                behind,
                error,
                "an export is not taken; it is tried again until it is"
            );
        }
    }

    /// The last batch is sent again, once: a receiver that hangs up after each batch gets all the same.
    fn go_back(&mut self) {
        if !self.repeated {
            (self.next, self.repeated) = (self.last, true);
        }
    }

    /// Told once, when it works again.
    fn taken(&mut self, next: u64, end: u64) {
        (self.last, self.next) = (self.next, next);
        if next > self.furthest {
            (self.furthest, self.repeated) = (next, false);
        }
        if std::mem::take(&mut self.refusals) > 0 {
            let behind = end.saturating_sub(self.next);
            tracing::warn!(export = self.export.name, next = self.next, behind, "an export is taken again");
        }
    }
}

/// As many of the first entries as make a batch.
fn within(mut entries: Vec<StoredEntry>) -> Vec<StoredEntry> {
    let mut bytes: usize = 0;
    let mut fit = 0;
    for entry in &entries {
        let content: usize = entry.content.iter().map(|(name, value)| name.len() + value.len()).sum();
        bytes = bytes.saturating_add(entry.leaf.len()).saturating_add(content);
        if fit > 0 && bytes > BATCH_MAX_BYTES {
            break;
        }
        fit += 1;
    }
    entries.truncate(fit);
    entries
}

fn content_type(form: Form) -> &'static str {
    match form {
        Form::Lines(LineFormat::Json | LineFormat::Ocsf) => "application/x-ndjson",
        Form::Lines(LineFormat::Cef) => "text/plain; charset=utf-8",
        Form::Otlp => otlp::CONTENT_TYPE,
    }
}

/// A batch as bytes: lines with their line feeds, or one request.
fn written(form: Form, entries: &[Entry]) -> Result<Vec<u8>, EntryError> {
    let Form::Lines(format) = form else { return Ok(otlp::request(entries)) };
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(entry.line(format)?.as_bytes());
        bytes.push(b'\n');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
