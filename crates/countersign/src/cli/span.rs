//! How are spans typed? `30m`, `12h`, `90d`.

use std::time::Duration;

/// A span such as `30s`, `15m`, `12h` or `90d`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a span; write `30m`, `12h` or `90d`");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let digits = text.strip_suffix(unit).ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = digits.parse().map_err(|_cause| wrong())?;
    let span = count.checked_mul(seconds).filter(|span| (1..=10 * 365 * 86_400).contains(span));
    span.map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_nonsense_is_not() {
        assert_eq!(parse("90d"), Ok(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse("15m"), Ok(Duration::from_secs(900)));
        for nonsense in ["", "d", "0m", "1w", "-1h", "1.5h", "99999999999999999999d", "4000d", "ä"] {
            assert!(parse(nonsense).is_err(), "{nonsense}");
        }
    }
}
