//! What became of an action, and does the proof hold? Receipts are written from the store and checked without it.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_core::ActionId;
use countersign_gate::{Clock as _, SystemClock};
use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::note::VerifierKey;
use countersign_ledger::receipt::Receipt;
use countersign_store::Reader;

use super::{ConfigArgs, Failure, unusable};
use crate::out;
use crate::serve::Base;

#[derive(Debug, Args)]
pub(crate) struct ReceiptArgs {
    /// The action, for example `act_018f…`.
    action: String,
    /// Where to write it; `-` is standard output. Default: `ACTION.receipt.json` here.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The receipt, or the folder that `countersign evidence` wrote.
    file: PathBuf,
    /// A verifier key, or a file with one a line: the log's (from `countersign ledger key`, best obtained long before),
    /// and those of witnesses. May be given several times.
    #[arg(long = "key", value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// So many of the witnesses must have cosigned.
    #[arg(long, default_value_t = 0, value_name = "N")]
    witnesses: usize,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Longer key files are not read.
const KEYS_MAX_BYTES: u64 = 64 * 1024;

pub(super) async fn write(args: ReceiptArgs) -> Result<(), Failure> {
    let unreadable = |_cause| Failure::new(format!("`{}` is not an action's id", args.action));
    let action: ActionId = args.action.parse().map_err(unreadable)?;
    let base = Base::open(&args.config.read()?)?;
    let receipt = base.store.read_receipt(action, Reader::Administrator, SystemClock.now()).await;
    let receipt = receipt.map_err(|error| Failure::new(out::chain(&error)))?;
    let receipt = receipt.ok_or_else(|| {
        let help = "an action that passed on a standing answer is a line of a batch, which docs/LEDGER.md says how to check";
        Failure::new(format!("`{action}` has no entries of its own\n    help: {help}"))
    })?;
    let text = receipt.to_json().map_err(|error| Failure::new(out::chain(&error)))?;
    match args.output {
        Some(path) if path == Path::new("-") => out::line(text),
        path => {
            let path = path.unwrap_or_else(|| PathBuf::from(format!("{action}.receipt.json")));
            std::fs::write(&path, format!("{text}\n")).map_err(|error| unusable(&path, &error))?;
            out::line(path.display());
        }
    }
    Ok(())
}

pub(super) fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for key in &args.keys {
        keys.extend(verifier_keys(key)?);
    }
    if args.file.is_dir() {
        return verify_pack(args, &keys);
    }
    let log = TrustedLog::new(&keys).map_err(|error| Failure::new(out::chain(&error)))?;
    let log = log.with_quorum(args.witnesses);
    let bytes = std::fs::read(&args.file).map_err(|error| unusable(&args.file, &error))?;
    let receipt = Receipt::parse(&bytes).map_err(|error| Failure::new(out::chain(&error)))?;
    let report = receipt
        .verify(&log)
        .map_err(|failure| Failure::new(format!("the receipt does not hold: {failure}")))?;
    if args.json {
        out::line(serde_json::to_string(&report).map_err(|error| Failure::new(out::chain(&error)))?);
    } else {
        out::line(report);
    }
    Ok(())
}

fn verify_pack(args: &VerifyArgs, keys: &[VerifierKey]) -> Result<(), Failure> {
    let checked = countersign_evidence::check::check(&args.file, keys)
        .map_err(|failure| Failure::new(format!("the pack does not hold: {failure}")))?;
    if args.json {
        out::line(serde_json::to_string(&checked).map_err(|error| Failure::new(out::chain(&error)))?);
    } else {
        out::line(checked);
    }
    Ok(())
}

/// A key as it was typed, or those in the file of that name.
pub(super) fn verifier_keys(typed: &str) -> Result<Vec<VerifierKey>, Failure> {
    use std::io::Read as _;
    let parse = |text: &str| {
        let key: Result<VerifierKey, _> = text.trim().parse();
        key.map_err(|error| Failure::new(format!("{error}; `countersign ledger key` prints the ledger's")))
    };
    // A key has a `+`, and is no file that anybody has.
    let Ok(file) = std::fs::File::open(typed) else { return Ok(vec![parse(typed)?]) };
    let mut text = String::new();
    let read = file.take(KEYS_MAX_BYTES).read_to_string(&mut text);
    read.map_err(|error| unusable(Path::new(typed), &error))?;
    text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
}
