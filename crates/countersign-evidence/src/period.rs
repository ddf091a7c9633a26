//! Which span of time is asked about? From an instant up to another, in UTC.

use std::fmt;

use countersign_core::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// From `from` up to and without `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
}

/// Why a text names no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// It is no date and no time.
    #[error("`{0}` is not a date like 2026-11-01 or a time like 2026-11-01T08:00:00Z")]
    Time(String),
    /// It ends before it begins.
    #[error("a period from {from} to {until} has no time in it")]
    Empty {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        until: Timestamp,
    },
}

impl Period {
    /// From and to, each a date or a time in RFC 3339; a date at the end means the whole of that day, in UTC.
    ///
    /// # Errors
    /// [`PeriodError`].
    pub fn parse(from: &str, to: &str) -> Result<Self, PeriodError> {
        Self::new(instant(from, false)?, instant(to, true)?)
    }

    /// From `from` up to and without `until`.
    ///
    /// # Errors
    /// [`PeriodError::Empty`].
    pub fn new(from: Timestamp, until: Timestamp) -> Result<Self, PeriodError> {
        if from < until { Ok(Self { from, until }) } else { Err(PeriodError::Empty { from, until }) }
    }

    /// Whether it happened in this period.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.until
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.from, self.until)
    }
}

fn instant(text: &str, end: bool) -> Result<Timestamp, PeriodError> {
    let wrong = || PeriodError::Time(text.to_owned());
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        let date = if end { date.tomorrow().map_err(|_far| wrong())? } else { date };
        let midnight = date.to_zoned(TimeZone::UTC).map_err(|_far| wrong())?;
        return Ok(Timestamp::from_micros(midnight.timestamp().as_microsecond()));
    }
    time(text).ok_or_else(wrong)
}

/// The time of a leaf, or any other in RFC 3339.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_make_periods() {
        let day = Period::parse("2026-11-01", "2026-11-01").unwrap();
        assert_eq!(day.to_string(), "2026-11-01T00:00:00.000000Z 2026-11-02T00:00:00.000000Z");
        let hour = Period::parse("2026-11-01T08:00:00+01:00", "2026-11-01T08:00:00Z").unwrap();
        assert_eq!(hour.until.since(hour.from).as_secs(), 3600);
        assert!(hour.contains(hour.from) && !hour.contains(hour.until));
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for (from, to) in [
            ("yesterday", "2026-11-01"),
            ("2026-11-02", "2026-11-01"),
            ("2026-02-30", "2026-11-01"),
            ("", ""),
        ] {
            Period::parse(from, to).unwrap_err();
        }
    }
}
