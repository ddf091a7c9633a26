//! Figures: one JSON line each for programs, a table for people.

use serde_json::{Value, json};

/// Samples of one thing, sorted when asked.
#[derive(Debug, Default, Clone)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub fn append(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that `share` of the samples (0 to 1) do not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a list that fits memory, of a share between 0 and 1"
        )]
        let index = (last as f64 * share).round() as usize;
        sorted.get(index).copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// How far the middle half reaches.
    pub fn spread(&self) -> f64 {
        self.quantile(0.75) - self.quantile(0.25)
    }
}

/// One measured figure.
#[derive(Debug, Clone)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    /// The same of the peer, where there is one.
    pub peer: Option<f64>,
    /// How many samples.
    pub n: usize,
    /// How far the middle half of the turns' values reaches.
    pub spread: f64,
}

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures(Vec<Figure>);

impl Figures {
    pub fn push(&mut self, figure: Figure) {
        self.0.push(figure);
    }

    /// Prints the JSON lines, then the table.
    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    pub fn print(&self) {
        for figure in &self.0 {
            println!("{}", figure.line());
        }
        println!();
        println!(
            "{:<44} {:>12} {:<8} {:>12} {:>7} {:>8} {:>10}",
            "figure", "value", "unit", "direct", "ratio", "n", "spread"
        );
        for Figure { name, value, unit, peer, n, spread } in &self.0 {
            let direct = peer.map_or_else(|| "-".to_owned(), |peer| format!("{peer:.1}"));
            let ratio = peer.map_or_else(|| "-".to_owned(), |peer| format!("{:.2}", value / peer));
            println!("{name:<44} {value:>12.1} {unit:<8} {direct:>12} {ratio:>7} {n:>8} {spread:>10.1}");
        }
    }
}

impl Figure {
    fn line(&self) -> Value {
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        json!({
            "name": self.name, "value": round(self.value), "unit": self.unit, "peer": self.peer.map(round),
            "ratio": self.peer.map(|peer| round(self.value / peer)), "n": self.n, "spread": round(self.spread),
        })
    }
}
