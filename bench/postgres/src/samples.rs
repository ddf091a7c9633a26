//! Numbers of several rounds: their middle, and how far they reach.

/// Numbers of one thing.
#[derive(Debug, Default, Clone)]
pub struct Samples(Vec<f64>);

impl FromIterator<f64> for Samples {
    /// Keeps what is a number.
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        Self(sorted)
    }
}

impl Samples {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// How far the middle half reaches.
    pub fn spread(&self) -> f64 {
        self.quantile(0.75) - self.quantile(0.25)
    }

    pub fn largest(&self) -> f64 {
        self.quantile(1.0)
    }

    /// The value that `share` of the samples (0 to 1) do not exceed.
    fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a list that fits memory, of a share between 0 and 1"
        )]
        let index = (last as f64 * share).round() as usize;
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }
}
