//! What does the gateway cost? It is measured against the same upstream directly, in one run, in turns.
//!
//! The upstream and the load live in this process; the gateway is the real release binary in its own process, with
//! its store on disk and recording on.

mod client;
mod gateway;
mod latency;
mod pending;
mod upstream;
mod vote;

use std::error::Error;
use std::path::PathBuf;

use bench_figures::Figures;
use gateway::Gateway;
use upstream::Upstream;

/// Any failure ends the run: a figure that could not be measured is not made up.
type Failure = Box<dyn Error + Send + Sync>;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Turns of each side; every figure's spread is over them.
    turns: usize,
    /// Calls per turn with one client.
    calls: usize,
    /// Calls per turn and client with many clients.
    calls_each: usize,
    /// Held calls waiting at once.
    pending: usize,
    /// Votes timed one after the other.
    votes: usize,
}

impl Effort {
    const FULL: Self = Self { turns: 20, calls: 1_000, calls_each: 100, pending: 10_000, votes: 500 };
    const QUICK: Self = Self { turns: 6, calls: 300, calls_each: 30, pending: 1_000, votes: 60 };
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (binary, effort) = arguments()?;
    let upstream = Upstream::start().await?;
    let gateway = Gateway::start(&binary, upstream.address()).await?;
    let measured = measure(&gateway, &upstream, effort).await;
    gateway.stop().await?;
    measured?.print();
    Ok(())
}

async fn measure(gateway: &Gateway, upstream: &Upstream, effort: Effort) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    latency::one_client(gateway, upstream, effort, &mut figures).await?;
    latency::many_clients(gateway, upstream, effort, &mut figures).await?;
    vote::to_upstream(gateway, upstream, effort, &mut figures).await?;
    pending::memory(gateway, effort, &mut figures).await?;
    Ok(figures)
}

fn arguments() -> Result<(PathBuf, Effort), Failure> {
    let mut binary = None;
    let mut effort = Effort::FULL;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => effort = Effort::QUICK,
            "--countersign" => binary = words.next().map(PathBuf::from),
            other => return Err(format!("unknown option `{other}`; use bench/run").into()),
        }
    }
    Ok((binary.ok_or("--countersign PATH is missing; use bench/run")?, effort))
}
