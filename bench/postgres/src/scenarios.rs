//! What is measured? One row each: a load, how many clients, whether TLS is spoken on both legs, how the gateway
//! treats it, and what we want to reach.

use crate::Effort;
use crate::gateway::Through;
use crate::pgbench::{Protocol, Script};
use crate::stream::Stream;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub load: Load,
    pub tls: bool,
    pub through: Through,
    /// What we want of PgBouncer's rate.
    pub aim: Option<f64>,
    /// Whether `--quick` has it.
    quick: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum Load {
    Pgbench { script: Script, protocol: Protocol, clients: u16 },
    Stream(Stream),
}

/// Small statements: at least PgBouncer, although they are understood, judged and recorded.
const SMALL: f64 = 1.0;
/// Rows of 5,000-row answers.
const ROWS: f64 = 1.3;
/// TLS on both legs.
const TLS: f64 = 1.1;

/// The scenarios with `only` in their name; without one, those that this effort has room for.
pub fn wanted(effort: Effort, only: Option<&str>) -> Vec<Scenario> {
    let is_wanted = |scenario: &Scenario| match only {
        Some(only) => scenario.name().contains(only),
        None => scenario.quick || !effort.quick,
    };
    all().into_iter().filter(is_wanted).collect()
}

fn all() -> Vec<Scenario> {
    use Protocol::{Extended, Prepared, Simple};
    let mut all = Vec::new();
    for script in [Script::Select, Script::TpcB] {
        for clients in [1, 16, 64] {
            for protocol in [Simple, Extended, Prepared] {
                let quick = script == Script::Select && clients < 64 && protocol != Extended;
                all.push(Scenario { quick, ..pgbench(script, protocol, clients, SMALL) });
            }
        }
    }
    all.extend([1, 16].map(|clients| pgbench(Script::Literals, Simple, clients, SMALL)));
    for protocol in [Simple, Prepared] {
        all.push(pgbench(Script::Select, protocol, 16, SMALL).recorded());
    }
    all.push(Scenario { quick: true, ..pgbench(Script::Rows("plain"), Simple, 2, ROWS) });
    all.push(pgbench(Script::Rows("plain"), Prepared, 2, ROWS));
    all.push(pgbench(Script::Rows("plain"), Simple, 2, ROWS).recorded());
    all.push(pgbench(Script::Rows("plain"), Simple, 2, ROWS).by(Through::Columns));
    for kind in ["plain", "base64", "digits", "non_ascii"] {
        if kind != "plain" {
            all.push(pgbench(Script::Rows(kind), Simple, 2, ROWS));
        }
        all.push(Scenario { aim: None, ..pgbench(Script::Rows(kind), Simple, 2, ROWS).by(Through::Content) });
    }
    for clients in [1, 16, 64] {
        all.push(Scenario {
            quick: clients == 16,
            ..pgbench(Script::Select, Prepared, clients, TLS).sealed()
        });
    }
    all.push(pgbench(Script::Select, Simple, 16, TLS).sealed());
    all.push(pgbench(Script::Rows("plain"), Simple, 2, TLS).sealed());
    all.extend([Stream::Select, Stream::Copy, Stream::SlowReader].map(stream));
    all
}

/// pgbench's scale, 16 MB each: as many branches as TPC-B has clients, or it would measure their locks.
pub fn scale(scenarios: &[Scenario]) -> u16 {
    let clients = scenarios.iter().filter_map(|scenario| match scenario.load {
        Load::Pgbench { script: Script::TpcB, clients, .. } => Some(clients),
        _ => None,
    });
    clients.max().unwrap_or(1)
}

fn pgbench(script: Script, protocol: Protocol, clients: u16, aim: f64) -> Scenario {
    let load = Load::Pgbench { script, protocol, clients };
    Scenario { load, tls: false, through: Through::Plain, aim: Some(aim), quick: false }
}

fn stream(stream: Stream) -> Scenario {
    let quick = stream == Stream::Select;
    Scenario { load: Load::Stream(stream), tls: false, through: Through::Plain, aim: None, quick }
}

impl Scenario {
    pub fn name(&self) -> String {
        let mut name = match self.load {
            Load::Pgbench { script, protocol, clients } => {
                let plural = if clients == 1 { "" } else { "s" };
                format!("{}, {}, {clients} client{plural}", script.name(), protocol.word())
            }
            Load::Stream(stream) => stream.name().to_owned(),
        };
        if self.tls {
            name.push_str(", TLS");
        }
        name.push_str(match self.through {
            Through::Plain => "",
            Through::Recorded => ", record",
            Through::Columns => ", a column masked",
            Through::Content => ", content masked",
        });
        name
    }

    /// What is counted.
    pub fn unit(&self) -> Unit {
        match self.load {
            Load::Pgbench { .. } => Unit { rate: "tx/s", cpu: "us/tx" },
            Load::Stream(_) => Unit { rate: "MiB/s", cpu: "us/MiB" },
        }
    }

    /// With one client the difference of two rates is the time that is added to each round trip.
    pub fn shows_latency(&self) -> bool {
        matches!(self.load, Load::Pgbench { clients: 1, .. })
    }

    pub fn shows_memory(&self) -> bool {
        matches!(self.load, Load::Stream(_))
    }

    fn sealed(self) -> Self {
        Self { tls: true, ..self }
    }

    fn recorded(self) -> Self {
        self.by(Through::Recorded)
    }

    fn by(self, through: Through) -> Self {
        Self { through, ..self }
    }
}

/// Names of units.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    pub rate: &'static str,
    pub cpu: &'static str,
}
