//! What can be typed? One tree of subcommands; each acts in its own file.

mod agents;
mod backup;
mod check;
mod erase;
mod evidence;
mod export;
mod ledger;
mod people;
mod receipt;
mod resources;
mod reviews;
pub(crate) mod serving;
mod span;
mod witness;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::serve::ServeError;
use crate::{demo, out};

/// Countersign: an action-level approval gateway.
///
/// It stands between AI agents or pipelines and the systems they act on. Every action is judged by policy:
/// harmless ones pass, forbidden ones are refused, risky ones wait until people have agreed, and everything is
/// recorded.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    after_help = "Exit codes: 0 done, 1 failed or refused, 2 wrong usage, configuration or policy.\n\
                  Try it: `countersign demo`. Logging: set COUNTERSIGN_LOG, for example to `debug`."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway: agents connect to one listener, people to another.
    Serve(ConfigArgs),
    /// Judge the configuration and the policies without starting; report every mistake at once.
    Check(ConfigArgs),
    /// Show the whole story on this machine within a minute: a call passes, one is refused, one waits for you.
    Demo(demo::DemoArgs),
    /// The agents and their tokens.
    #[command(subcommand)]
    Agents(agents::AgentsCommand),
    /// The people who decide, and their one-time links.
    #[command(subcommand)]
    People(people::PeopleCommand),
    /// The protected systems: look at a database and write the beginning of its configuration.
    #[command(subcommand)]
    Resources(resources::ResourcesCommand),
    /// See and decide reviews from the terminal, through the review API.
    #[command(subcommand)]
    Reviews(reviews::ReviewsCommand),
    /// Write the receipt of an action: a small file that proves offline what was asked, judged, approved and done.
    Receipt(receipt::ReceiptArgs),
    /// Check a receipt, with nothing but the file and the ledger's key. Exit code 0 only when all of it holds.
    Verify(receipt::VerifyArgs),
    /// Make what was recorded about a person or an action unreadable for ever. The ledger and every proof stay valid.
    Erase(erase::EraseArgs),
    /// Copy the state of a gateway, which may be running, into a folder.
    Backup(backup::BackupArgs),
    /// Put such a copy back where there is no state. Refused when the published ledger was longer.
    Restore(backup::RestoreArgs),
    /// Write a folder for auditors about a period: records, proofs, receipts, policies, rights and a report, with the
    /// commands to check it all.
    Evidence(evidence::EvidenceArgs),
    /// Write entries of the ledger as lines for other systems. That is recorded before anything is written.
    Export(export::ExportArgs),
    /// The ledger: its key, the log for mirrors, and how far the exports have come.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Run a witness of somebody's ledger: it cosigns each checkpoint that continues the one before, and no other.
    Witness(witness::WitnessArgs),
    /// The demo's protected system: an MCP server on standard streams with a small database of orders.
    #[command(hide = true)]
    DemoUpstream {
        /// The SQLite file.
        #[arg(long)]
        database: PathBuf,
    },
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file.
    #[arg(long, short, default_value = "countersign.toml", value_name = "FILE")]
    config: PathBuf,
}

impl ConfigArgs {
    fn read(&self) -> Result<Config, Failure> {
        Config::read(&self.config).map_err(|problems| ServeError::Config(problems).into())
    }
}

/// Why a command did not do it, with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) code: u8,
}

impl Failure {
    /// Exit code 1.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1 }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let code = if matches!(error, ServeError::Config(_) | ServeError::Policy(_)) { 2 } else { 1 };
        Self { text: out::chain(&error), code }
    }
}

impl From<countersign_identity::IdentityError> for Failure {
    fn from(error: countersign_identity::IdentityError) -> Self {
        Self::new(out::chain(&error))
    }
}

impl From<countersign_store::StoreError> for Failure {
    fn from(error: countersign_store::StoreError) -> Self {
        Self::new(out::chain(&error))
    }
}

impl From<countersign_evidence::pack::PackError> for Failure {
    fn from(error: countersign_evidence::pack::PackError) -> Self {
        Self::new(out::chain(&error))
    }
}

/// A file that can't be read or written.
fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(format!("`{}` can't be used: {}", path.display(), out::chain(error)))
}

/// Logs go to standard error, so that output stays for programs.
pub(crate) fn start_log() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::builder()
        .with_env_var("COUNTERSIGN_LOG")
        .with_default_directive(tracing_subscriber::filter::LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}

/// Runs what was typed.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Serve(args) => serving::run(&args).await,
        Command::Check(args) => check::run(&args),
        Command::Demo(args) => demo::run(args).await,
        Command::Agents(command) => agents::run(command).await,
        Command::People(command) => people::run(command).await,
        Command::Erase(args) => erase::run(args).await,
        Command::Evidence(args) => evidence::run(args).await,
        Command::Backup(args) => backup::make(&args),
        Command::Restore(args) => backup::put_back(&args),
        Command::Resources(command) => resources::run(command).await,
        Command::Reviews(command) => reviews::run(command).await,
        Command::Receipt(args) => receipt::write(args).await,
        Command::Verify(args) => receipt::verify(&args),
        Command::Export(args) => export::run(args).await,
        Command::Ledger(command) => ledger::run(command).await,
        Command::Witness(args) => witness::run(args).await,
        Command::DemoUpstream { database } => demo::upstream(&database).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::note(format_args!("error: {}", failure.text));
            ExitCode::from(failure.code)
        }
    }
}
