//! How many rows, in words that can't be misread? Counted, estimated or unknown are never drawn alike.

use countersign_core::Rows;

/// The number and how surely it is known, for example `42 rows, counted`, `about 5,000 rows, estimated: may be far
/// off` or `unknown: neither counted nor estimated`.
pub fn rows_text(rows: Rows) -> String {
    let (number, surety) = rows_parts(rows);
    format!("{number}{surety}")
}

/// The same in two parts: the number, and what goes right behind it.
pub(crate) fn rows_parts(rows: Rows) -> (String, &'static str) {
    match rows {
        Rows::Exact(rows) => (counted(rows, "row"), ", counted"),
        Rows::Estimate(rows) => (format!("about {}", counted(rows, "row")), ", estimated: may be far off"),
        Rows::Unknown => ("unknown".to_owned(), ": neither counted nor estimated"),
    }
}

/// `1 row`, `5,000 rows`.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// A number with a comma between each three digits, because `50000` and `500000` look alike at night.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let ahead = digits.len() % 3;
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == ahead {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What stands behind the word of an outcome's status: `, 42 rows, 3 ms`. Nothing is said of what isn't known.
pub fn outcome_tail(rows: Option<u64>, duration_us: u64) -> String {
    let rows = rows.map(|rows| format!(", {}", counted(rows, "row"))).unwrap_or_default();
    match duration_us {
        0 => rows,
        us => format!("{rows}, {}", duration_text(us)),
    }
}

/// A duration in the unit that people would choose: `840 µs`, `41 ms`, `2.5 s`.
fn duration_text(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us / 100_000 % 10),
    }
}

/// How the rows that are drawn relate to all: three rows must never pass for everything.
pub fn scope_text(drawn: usize, rows: Rows) -> String {
    let drawn = number_of(drawn);
    match rows {
        Rows::Exact(all) if all == drawn => "all of them".to_owned(),
        Rows::Exact(all) => format!("{} of {}", grouped(drawn), grouped(all)),
        Rows::Estimate(all) => format!("{} of about {}", grouped(drawn), grouped(all)),
        Rows::Unknown => format!("{} of an unknown number", grouped(drawn)),
    }
}

/// A count of something in memory.
pub(crate) fn number_of(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
