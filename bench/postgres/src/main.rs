//! What does the gateway cost in front of PostgreSQL? It is measured against the database directly and against
//! PgBouncer in session mode, in one run, in turns.
//!
//! Everything is started here, on loopback, in a folder that goes away: the database, two PgBouncers (plain and TLS on
//! both legs) and the real release binary with its store on disk, recording on, and 1,000 rules. `pgbench` makes the
//! load; only what it can't do is written here.

mod certificates;
mod database;
mod door;
mod figures;
mod gateway;
mod installed;
mod pgbench;
mod pooler;
mod process;
mod rounds;
mod rules;
mod samples;
mod scenarios;
mod site;
mod stream;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use figures::Figures;
use site::Site;

/// Any failure ends the run: a figure that could not be measured is not made up.
type Failure = Box<dyn Error + Send + Sync>;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Rounds of each scenario; every peer has one turn in each, in another order.
    rounds: usize,
    /// Seconds of one turn of `pgbench`.
    seconds: u16,
    /// What is streamed in one turn, in MiB.
    stream_mib: u32,
    /// Only the scenarios that say so, unless some are named.
    quick: bool,
}

impl Effort {
    const FULL: Self = Self { rounds: 5, seconds: 3, stream_mib: 1024, quick: false };
    const QUICK: Self = Self { rounds: 1, seconds: 2, stream_mib: 128, quick: true };
}

/// What was asked for.
#[derive(Debug)]
struct Request {
    binary: PathBuf,
    effort: Effort,
    /// Only scenarios whose name contains this, whatever the effort.
    only: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(figures) => {
            figures.print();
            ExitCode::SUCCESS
        }
        Err(error) => {
            figures::failed(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Whatever happens, everything that was started ends.
async fn run() -> Result<Figures, Failure> {
    let request = arguments()?;
    let (mut interrupted, mut ended) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut site = Site::new(&request.binary)?;
    let measured = tokio::select! {
        measured = measure(&mut site, &request) => measured,
        _ = interrupted.recv() => Err("interrupted".into()),
        _ = ended.recv() => Err("ended from outside".into()),
    };
    let story = if measured.is_err() { site.logs() } else { String::new() };
    site.stop().await?;
    measured.map_err(|error| format!("{error}\n{story}").into())
}

async fn measure(site: &mut Site, request: &Request) -> Result<Figures, Failure> {
    let wanted = scenarios::wanted(request.effort, request.only.as_deref());
    if wanted.is_empty() {
        return Err("no scenario has this in its name; they are in bench/postgres/src/scenarios.rs".into());
    }
    site.start(scenarios::scale(&wanted)).await?;
    let mut figures = Figures::new(site.describe().await?);
    for scenario in wanted {
        // Memory that an earlier scenario took and kept would hide what this one takes.
        site.renew_gateway(scenario.shows_memory()).await?;
        figures.push(rounds::interleaved(site, &scenario, request.effort).await?);
    }
    Ok(figures)
}

fn arguments() -> Result<Request, Failure> {
    let (mut binary, mut effort, mut only) = (None, Effort::FULL, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--only" => only = Some(words.next().ok_or("--only TEXT: the text is missing")?),
            "--countersign" => binary = words.next().map(PathBuf::from),
            other => return Err(format!("unknown option `{other}`; use bench/run").into()),
        }
    }
    let binary = binary.ok_or("--countersign PATH is missing; use bench/run")?.canonicalize()?;
    Ok(Request { binary, effort, only })
}
