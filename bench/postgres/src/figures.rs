//! Figures: one JSON line each for programs, a table for people.

use std::error::Error;

use serde_json::{Value, json};

use crate::rounds::{ADDED, CPU, GROWN, LOGIN, Measured, Of, RATE, Round};
use crate::samples::Samples;
use crate::scenarios::Scenario;
use crate::site::Peer::{self, Countersign, Direct, PgBouncer};

/// Streaming may not take more memory than this, in MiB.
const GROWTH_MAX: f64 = 64.0;

/// One figure: a value, and a peer's in the same rounds.
#[derive(Debug)]
struct Figure {
    name: String,
    unit: &'static str,
    value: f64,
    peer: f64,
    ratios: Samples,
    n: usize,
}

/// All figures of a run.
#[derive(Debug)]
pub struct Figures {
    machine: String,
    measured: Vec<Measured>,
}

impl Figures {
    pub fn new(machine: String) -> Self {
        Self { machine, measured: Vec::new() }
    }

    pub fn push(&mut self, measured: Measured) {
        self.measured.push(measured);
    }

    /// Prints the JSON lines, then the table.
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    pub fn print(&self) {
        for figure in self.measured.iter().flat_map(figures) {
            println!("{}", figure.line());
        }
        println!("\n{}", self.machine);
        println!("P = PgBouncer in session mode, C = Countersign, D = direct; medians of the rounds\n");
        println!("{}", heading());
        for measured in &self.measured {
            println!("{}", row(measured));
        }
        let notes: Vec<String> = self.measured.iter().filter_map(login).collect();
        section("one login, in ms", &notes);
        let notes: Vec<String> = self.measured.iter().filter_map(growth).collect();
        section("memory that streaming takes, at most, in MiB", &notes);
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn section(title: &str, lines: &[String]) {
    if !lines.is_empty() {
        println!("\n{title}\n{}", lines.join("\n"));
    }
}

/// Says how far the run is.
#[expect(clippy::print_stderr, reason = "a run takes minutes")]
pub fn progress(scenario: &Scenario, round: usize, rounds: usize, done: &Round) {
    let [direct, pgbouncer, countersign] = Peer::ALL.map(|peer| done.of(peer).rate);
    eprintln!(
        "{} ({}/{rounds}): {direct:.0} direct, {pgbouncer:.0} PgBouncer, {countersign:.0} Countersign {}",
        scenario.name(),
        round + 1,
        scenario.unit().rate
    );
}

/// Says why there are no figures.
#[expect(clippy::print_stderr, reason = "the end of a command")]
pub fn failed(error: &dyn Error) {
    eprintln!("error: {error}");
}

fn figures(measured: &Measured) -> Vec<Figure> {
    let unit = measured.scenario.unit();
    let mut figures: Vec<Figure> = [(Countersign, PgBouncer), (Countersign, Direct), (PgBouncer, Direct)]
        .into_iter()
        .map(|(one, other)| {
            let what = format!("{} to {}", word(one), word(other));
            figure(measured, (&what, unit.rate), (one, other), RATE)
        })
        .collect();
    let mut compare = |what, unit, of| {
        figures.push(figure(measured, (what, unit), (Countersign, PgBouncer), of));
    };
    compare("processor time", unit.cpu, CPU);
    if measured.scenario.shows_latency() {
        compare("added time", "us", ADDED);
        compare("login", "ms", LOGIN);
    }
    if measured.scenario.shows_memory() {
        let most = |peer| measured.of(peer, GROWN).largest();
        let growth = figure(measured, ("memory growth", "MiB"), (Countersign, PgBouncer), GROWN);
        figures.push(Figure { value: most(Countersign), peer: most(PgBouncer), ..growth });
    }
    figures
}

fn figure(
    measured: &Measured,
    (what, unit): (&str, &'static str),
    (one, other): (Peer, Peer),
    of: Of,
) -> Figure {
    Figure {
        name: format!("{}: {what}", measured.scenario.name()),
        unit,
        value: measured.of(one, of).median(),
        peer: measured.of(other, of).median(),
        ratios: measured.ratio(one, other, of),
        n: measured.of(one, of).len(),
    }
}

fn word(peer: Peer) -> &'static str {
    match peer {
        Direct => "direct",
        PgBouncer => "PgBouncer",
        Countersign => "Countersign",
    }
}

fn heading() -> String {
    format!(
        "{:<38} {:>8} {:>8} {:>8} {:<5} | {:>5} {:>5} {:>5} {:>5} {:<11} | {:>8} {:>8} {:>6} | {:>8} {:>8}",
        "scenario",
        "direct",
        "P",
        "C",
        "",
        "P/D",
        "C/D",
        "C/P",
        "±",
        "aim",
        "P CPU us",
        "C CPU us",
        "C/P",
        "P adds",
        "C adds"
    )
}

fn row(measured: &Measured) -> String {
    let scenario = &measured.scenario;
    let [direct, pgbouncer, countersign] = Peer::ALL.map(|peer| measured.of(peer, RATE).median());
    let ratio = |one, other, of| measured.ratio(one, other, of).median();
    let to_pgbouncer = measured.ratio(Countersign, PgBouncer, RATE);
    let aim = scenario
        .aim
        .map_or_else(String::new, |aim| format!("{aim:.1} {}", verdict(to_pgbouncer.median() >= aim)));
    let [cpu_pgbouncer, cpu_countersign] =
        [PgBouncer, Countersign].map(|peer| known(measured.of(peer, CPU).median(), 1));
    let [added_pgbouncer, added_countersign] = [PgBouncer, Countersign].map(|peer| {
        if scenario.shows_latency() {
            format!("{:.0} us", measured.of(peer, ADDED).median())
        } else {
            String::new()
        }
    });
    format!(
        "{:<38} {direct:>8.0} {pgbouncer:>8.0} {countersign:>8.0} {:<5} | {:>5.2} {:>5.2} {:>5.2} {:>5.2} {aim:<11} | \
         {cpu_pgbouncer:>8} {cpu_countersign:>8} {:>6} | {added_pgbouncer:>8} {added_countersign:>8}",
        scenario.name(),
        scenario.unit().rate,
        ratio(PgBouncer, Direct, RATE),
        ratio(Countersign, Direct, RATE),
        to_pgbouncer.median(),
        to_pgbouncer.spread(),
        known(ratio(Countersign, PgBouncer, CPU), 2),
    )
}

fn login(measured: &Measured) -> Option<String> {
    let [direct, pgbouncer, countersign] = Peer::ALL.map(|peer| measured.of(peer, LOGIN).median());
    let name = measured.scenario.name();
    let line = format!("{name:<38} {direct:>8.1} {pgbouncer:>8.1} {countersign:>8.1}   direct, P, C");
    measured.scenario.shows_latency().then_some(line)
}

fn growth(measured: &Measured) -> Option<String> {
    let [pgbouncer, countersign] = [PgBouncer, Countersign].map(|peer| measured.of(peer, GROWN).largest());
    let name = measured.scenario.name();
    let verdict = verdict(countersign <= GROWTH_MAX);
    let line =
        format!("{name:<38} {pgbouncer:>8.1} {countersign:>8.1}   P, C; aim {GROWTH_MAX:.0} {verdict}");
    measured.scenario.shows_memory().then_some(line)
}

fn verdict(is_reached: bool) -> &'static str {
    if is_reached { "reached" } else { "missed" }
}

/// A turn may have been too short to see any processor time.
fn known(value: f64, digits: usize) -> String {
    if value.is_finite() { format!("{value:.digits$}") } else { "-".to_owned() }
}

impl Figure {
    /// The ratio is the median of the rounds' ratios, which is not the ratio of the medians; the spread is how far the
    /// middle half of them reaches. `null` is what could not be told.
    fn line(&self) -> Value {
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        json!({
            "name": self.name, "value": round(self.value), "unit": self.unit, "peer": round(self.peer),
            "ratio": round(self.ratios.median()), "n": self.n, "spread": round(self.ratios.spread()),
        })
    }
}
