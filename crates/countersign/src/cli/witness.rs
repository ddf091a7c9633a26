//! How does somebody else confirm a ledger? A witness, which its owner runs out of reach of the gateway's operators.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use countersign_core::Entropy as _;
use countersign_gate::{Clock as _, SystemClock};
use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::hex;
use countersign_ledger::note::{Algorithm, Sign as _, SigningKey, VerifierKey};
use countersign_witness::{State, Witness, router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::receipt::verifier_keys;
use super::serving::wait_for_stop;
use super::{Failure, unusable};
use crate::kept::named_key;
use crate::system::{SystemEntropy, create_private};
use crate::{listen, out};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct WitnessArgs {
    #[command(subcommand)]
    command: Option<WitnessCommand>,
    #[command(flatten)]
    run: Option<RunArgs>,
}

#[derive(Debug, Subcommand)]
enum WitnessCommand {
    /// Print the witness's verifier key, for `[[ledger.witnesses]]` and `countersign verify`.
    Key(KeyArgs),
}

#[derive(Debug, Args)]
struct KeyArgs {
    /// The folder with the witness's key and what it has seen. Made when it is missing; nobody but the witness may write
    /// there.
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// The witness's name, when its key is first made; no blanks, no `+`. Default: `witness-` and eight random digits.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Where the gateway asks, in plain HTTP: put a reverse proxy with TLS before it when that is another machine.
    #[arg(long, default_value = "127.0.0.1:8813", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// A log's verifier key (from `countersign ledger key`), or a file with one a line. May be given several times.
    #[arg(long = "log", value_name = "KEY", required = true)]
    logs: Vec<String>,
    /// The folder with the witness's key and what it has seen. Made when it is missing; nobody but the witness may write
    /// there.
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// The witness's name, when its key is first made; no blanks, no `+`. Default: `witness-` and eight random digits.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(super) async fn run(args: WitnessArgs) -> Result<(), Failure> {
    match (args.command, args.run) {
        (Some(WitnessCommand::Key(args)), _) => {
            out::line(signing_key(&args.state, args.name.as_deref())?.key());
            Ok(())
        }
        (None, Some(args)) => serve(args).await,
        (None, None) => Err(Failure { text: "name a log with `--log`".to_owned(), code: 2 }),
    }
}

async fn serve(args: RunArgs) -> Result<(), Failure> {
    let refused = |error: &dyn std::error::Error| Failure::new(out::chain(error));
    let logs = logs(&args.logs)?;
    let state = State::open(&args.state).map_err(|error| refused(&error))?;
    let key = signing_key(&args.state, args.name.as_deref())?;
    // What can't be read is told now, not only when the log asks.
    let mut seen = Vec::new();
    for log in &logs {
        let latest = state.latest(log).map_err(|error| refused(&error))?;
        seen.push(format!(
            "log      {} ({} entries seen)",
            log.origin(),
            latest.map_or(0, |latest| latest.size)
        ));
    }
    let failed = |error: std::io::Error| Failure::new(format!("can't listen on `{}`: {error}", args.listen));
    let listener = TcpListener::bind(args.listen).await.map_err(failed)?;
    out::line(format_args!("witness  http://{}", listener.local_addr().map_err(failed)?));
    out::line(format_args!("key      {}", key.key()));
    seen.iter().for_each(out::line);
    let clock = Box::new(|| u64::try_from(SystemClock.now().as_micros()).unwrap_or(0) / 1_000_000);
    let witness = Arc::new(Witness::new(logs, Box::new(key), state, clock));
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listen::serve(listener, router(witness), stop.clone()));
    wait_for_stop().await;
    stop.cancel();
    serving.await.map_err(|error| refused(&error))
}

/// The logs whose keys these are; a log may have two while its key is replaced.
fn logs(typed: &[String]) -> Result<Vec<TrustedLog>, Failure> {
    let wrong = |text: String| Failure { text, code: 2 };
    let mut by_origin: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
    for typed in typed {
        for key in verifier_keys(typed)? {
            if key.algorithm() != Algorithm::Ed25519 {
                return Err(wrong(format!("`{key}` is a witness's key, not a log's")));
            }
            by_origin.entry(key.name().to_owned()).or_default().push(key);
        }
    }
    let logs = by_origin.values().map(|keys| TrustedLog::new(keys));
    logs.collect::<Result<_, _>>().map_err(|error| wrong(out::chain(&error)))
}

/// The key that cosigns, made when there is none.
fn signing_key(state: &Path, name: Option<&str>) -> Result<SigningKey, Failure> {
    let place = state.join("witness.key");
    let key = create_private(state).and_then(|()| kept_key(&place, name));
    let key = key.map_err(|error| unusable(&place, &error))?;
    if key.key().algorithm() != Algorithm::CosignatureV1 {
        return Err(Failure::new(format!("`{}` is a log's key, not a witness's", place.display())));
    }
    match name {
        Some(name) if name != key.key().name() => {
            let text =
                format!("the key in `{}` has the name `{}` already", place.display(), key.key().name());
            Err(Failure { text, code: 2 })
        }
        _ => Ok(key),
    }
}

fn kept_key(place: &Path, name: Option<&str>) -> std::io::Result<SigningKey> {
    let name = name.map(str::to_owned).unwrap_or_else(|| {
        let mut random = [0; 4];
        SystemEntropy.fill(&mut random);
        format!("witness-{}", hex(&random))
    });
    named_key(place, &name, Algorithm::CosignatureV1, &SystemEntropy)
}
