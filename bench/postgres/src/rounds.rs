//! The peers take turns in every round, in another order each time, so that whatever else the machine does hits all of
//! them. Only ratios within one round count.

use std::error::Error;

use crate::figures::progress;
use crate::pgbench;
use crate::samples::Samples;
use crate::scenarios::{Load, Scenario};
use crate::site::{Peer, Site};
use crate::stream;
use crate::{Effort, Failure};

/// What one peer did in one round.
#[derive(Debug, Default, Clone, Copy)]
pub struct Turn {
    /// Per second.
    pub rate: f64,
    /// Processor time of the process in the middle, in microseconds for each.
    pub cpu_us: Option<f64>,
    /// How long one client took to log in, in milliseconds, where that is told.
    pub login_ms: Option<f64>,
    /// By how much its memory grew, in MiB, where that is watched.
    pub grown_mib: Option<f64>,
}

/// One turn of each.
#[derive(Debug, Default, Clone, Copy)]
pub struct Round {
    direct: Turn,
    pgbouncer: Turn,
    countersign: Turn,
}

impl Round {
    pub fn of(&self, peer: Peer) -> &Turn {
        match peer {
            Peer::Direct => &self.direct,
            Peer::PgBouncer => &self.pgbouncer,
            Peer::Countersign => &self.countersign,
        }
    }

    fn place(&mut self, peer: Peer) -> &mut Turn {
        match peer {
            Peer::Direct => &mut self.direct,
            Peer::PgBouncer => &mut self.pgbouncer,
            Peer::Countersign => &mut self.countersign,
        }
    }
}

/// A scenario, measured.
#[derive(Debug)]
pub struct Measured {
    pub scenario: Scenario,
    rounds: Vec<Round>,
}

/// A number of one peer in one round, where there is one.
pub type Of = fn(&Round, Peer) -> Option<f64>;

/// Statements, or MiB, in a second.
pub const RATE: Of = |round, peer| Some(round.of(peer).rate);
pub const CPU: Of = |round, peer| round.of(peer).cpu_us;
pub const LOGIN: Of = |round, peer| round.of(peer).login_ms;
pub const GROWN: Of = |round, peer| round.of(peer).grown_mib;
/// What a peer adds to one round trip, in microseconds.
pub const ADDED: Of = |round, peer| Some(1e6 / round.of(peer).rate - 1e6 / round.direct.rate);

impl Measured {
    pub fn of(&self, peer: Peer, of: Of) -> Samples {
        self.rounds.iter().filter_map(|round| of(round, peer)).collect()
    }

    /// How one peer is to another in the same round.
    pub fn ratio(&self, one: Peer, other: Peer, of: Of) -> Samples {
        self.rounds.iter().filter_map(|round| Some(of(round, one)? / of(round, other)?)).collect()
    }
}

/// Measures one scenario.
pub async fn interleaved(site: &Site, scenario: &Scenario, effort: Effort) -> Result<Measured, Failure> {
    let mut rounds = Vec::new();
    for number in 0..effort.rounds {
        let mut order = Peer::ALL;
        order.rotate_left(number % Peer::ALL.len());
        let mut round = Round::default();
        for peer in order {
            let turn = turn(site, scenario, peer, effort).await;
            *round.place(peer) =
                turn.map_err(|error| format!("{}, {peer:?}: {}", scenario.name(), whole(error.as_ref())))?;
        }
        progress(scenario, number, effort.rounds, &round);
        rounds.push(round);
    }
    Ok(Measured { scenario: *scenario, rounds })
}

async fn turn(site: &Site, scenario: &Scenario, peer: Peer, effort: Effort) -> Result<Turn, Failure> {
    let door = site.door(peer, scenario.through, scenario.tls)?;
    let process = site.process(peer, scenario.tls);
    match scenario.load {
        Load::Pgbench { script, protocol, clients } => {
            pgbench::turn(site, (script, protocol, clients), (&door, process), effort).await
        }
        Load::Stream(stream) => stream::turn(stream, (&door, process), effort).await,
    }
}

/// An error with everything behind it.
fn whole(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
