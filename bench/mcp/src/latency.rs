//! What does an allowed call cost? The gateway and the upstream itself are called in turns, over equal connections.

use std::time::{Duration, Instant};

use crate::client::{Door, Session};
use crate::gateway::Gateway;
use crate::upstream::Upstream;
use crate::{Effort, Failure};
use bench_figures::{Figure, Figures, Samples};

/// Many clients are this many.
const MANY: usize = 64;

/// What one side did in all turns.
#[derive(Debug, Default)]
struct Side {
    /// Every call, in microseconds.
    calls: Samples,
    /// Of each turn.
    p50: Samples,
    p99: Samples,
    per_second: Samples,
}

impl Side {
    fn add(&mut self, turn: &Samples, took: Duration) {
        self.calls.append(turn);
        self.p50.push(turn.median());
        self.p99.push(turn.quantile(0.99));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 calls")]
        self.per_second.push(turn.len() as f64 / took.as_secs_f64());
    }
}

fn directly(upstream: &Upstream) -> Door {
    let address = upstream.address();
    Door { address, host: address.to_string(), path: "/mcp".to_owned(), token: None }
}

/// One client, one call after the other.
pub async fn one_client(
    gateway: &Gateway,
    upstream: &Upstream,
    effort: Effort,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut direct = Session::open(&directly(upstream)).await?;
    let mut through = Session::open(gateway.agents()).await?;
    let (mut side_direct, mut side_through) = (Side::default(), Side::default());
    for turn in 0..=effort.turns {
        for (session, side) in [(&mut direct, &mut side_direct), (&mut through, &mut side_through)] {
            let began = Instant::now();
            let samples = calls(session, effort.calls).await?;
            // The first turn warms both up.
            if turn > 0 {
                side.add(&samples, began.elapsed());
            }
        }
    }
    report("1 client", &side_direct, &side_through, figures);
    Ok(())
}

/// Many clients, each one call after the other.
pub async fn many_clients(
    gateway: &Gateway,
    upstream: &Upstream,
    effort: Effort,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut direct = sessions(&directly(upstream)).await?;
    let mut through = sessions(gateway.agents()).await?;
    let (mut side_direct, mut side_through) = (Side::default(), Side::default());
    for turn in 0..=effort.turns {
        for (clients, side) in [(&mut direct, &mut side_direct), (&mut through, &mut side_through)] {
            let began = Instant::now();
            let samples = together(clients, effort.calls_each).await?;
            if turn > 0 {
                side.add(&samples, began.elapsed());
            }
        }
    }
    report("64 clients", &side_direct, &side_through, figures);
    Ok(())
}

async fn sessions(door: &Door) -> Result<Vec<Session>, Failure> {
    let mut clients = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        clients.push(Session::open(door).await?);
    }
    Ok(clients)
}

async fn together(clients: &mut Vec<Session>, count: usize) -> Result<Samples, Failure> {
    let running: Vec<_> = std::mem::take(clients)
        .into_iter()
        .map(|mut session| {
            tokio::spawn(async move {
                let samples = calls(&mut session, count).await?;
                Ok::<_, Failure>((session, samples))
            })
        })
        .collect();
    let mut all = Samples::default();
    for client in running {
        let (session, samples) = client.await??;
        all.append(&samples);
        clients.push(session);
    }
    Ok(all)
}

async fn calls(session: &mut Session, count: usize) -> Result<Samples, Failure> {
    let mut samples = Samples::default();
    for number in 0..count {
        let key = format!("row-{number}");
        let began = Instant::now();
        let answer = session.call("lookup", &key).await?;
        samples.push(began.elapsed().as_secs_f64() * 1e6);
        if !answer.windows(7).any(|window| window == b"one row") {
            return Err(format!("not the upstream's answer: {}", String::from_utf8_lossy(&answer)).into());
        }
    }
    Ok(samples)
}

fn report(clients: &str, direct: &Side, through: &Side, figures: &mut Figures) {
    let n = through.calls.len();
    for (word, share, turns) in [("p50", 0.5, &through.p50), ("p99", 0.99, &through.p99)] {
        let (value, peer) = (through.calls.quantile(share), direct.calls.quantile(share));
        let figure =
            |name: String, value, peer| Figure { name, value, unit: "us", peer, n, spread: turns.spread() };
        figures.push(figure(format!("tools/call latency {word}, {clients}"), value, Some(peer)));
        figures.push(figure(format!("tools/call added latency {word}, {clients}"), value - peer, None));
    }
    figures.push(Figure {
        name: format!("tools/call throughput, {clients}"),
        value: through.per_second.median(),
        unit: "1/s",
        peer: Some(direct.per_second.median()),
        n,
        spread: through.per_second.spread(),
    });
}
