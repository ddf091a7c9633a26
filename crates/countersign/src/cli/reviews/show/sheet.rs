//! How does text lie on a terminal of 80 columns? Names on the left, values on the right, and nothing that a value
//! contains can begin a line of its own.

use countersign_console::{visible_line, visible_lines};

/// The usual width.
const COLUMNS: usize = 80;
/// Values begin here.
const INDENT: usize = 12;
/// Begins every line that only goes on with the one above. No value can begin a line with anything else.
const GOES_ON: &str = "↳ ";
/// Begins every line of a block.
const BLOCK: &str = "  | ";

/// Lines to be printed.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) lines: Vec<String>,
}

impl Sheet {
    /// A name of our own and its value; without a name it belongs to the row above.
    pub(super) fn row(&mut self, name: &str, value: &str) {
        let start = format!("{name:<width$}", width = INDENT.saturating_sub(1));
        self.wrapped(&format!("{start} "), INDENT, &visible_line(value));
    }

    /// A value beneath a row, further in, with a name of somebody else's making.
    pub(super) fn cell(&mut self, sign: &str, name: &str, value: &str) {
        let name = visible_line(name);
        let start = format!("{}{sign} {name:<14} ", " ".repeat(INDENT));
        // A long name gets a line of its own, so that values still begin below each other.
        if columns(&start) > COLUMNS / 2 {
            self.wrapped(&format!("{}{sign} ", " ".repeat(INDENT)), INDENT.saturating_add(2), &name);
            let indent = INDENT.saturating_add(17);
            self.wrapped(&" ".repeat(indent), indent, &visible_line(value));
        } else {
            self.wrapped(&start, columns(&start), &visible_line(value));
        }
    }

    /// A text of several lines, each marked as part of the block.
    pub(super) fn block(&mut self, text: &str) {
        for line in visible_lines(text) {
            self.wrapped(BLOCK, BLOCK.len(), &line);
        }
    }

    /// A line just as it is, for text of our own making.
    pub(super) fn plain(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// `value` was made visible before.
    fn wrapped(&mut self, start: &str, indent: usize, value: &str) {
        let mut begin = start.to_owned();
        let mut rest = value;
        loop {
            let (line, more) = split(rest, COLUMNS.saturating_sub(columns(&begin)));
            self.lines.push(format!("{begin}{line}").trim_end().to_owned());
            if more.is_empty() {
                return;
            }
            begin = format!("{}{GOES_ON}", " ".repeat(indent));
            rest = more;
        }
    }
}

/// As much as fits, to the last space when that isn't far, and the rest. Never empty-handed.
fn split(text: &str, room: usize) -> (&str, &str) {
    const SEARCH_BACK: usize = 24;
    let mut used: usize = 0;
    let overflow = text.char_indices().skip(1).find(|(at, _)| {
        used = used.saturating_add(before(text, *at).map_or(0, columns_of));
        text.get(*at..)
            .and_then(|rest| rest.chars().next())
            .is_some_and(|next| used.saturating_add(columns_of(next)) > room)
    });
    let Some((end, _)) = overflow else { return (text, "") };
    let head = text.get(..end).unwrap_or(text);
    let near = head.rfind(' ').filter(|space| end.saturating_sub(*space) <= SEARCH_BACK && *space > 0);
    let end = near.map_or(end, |space| space.saturating_add(1));
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// East Asian ideographs and emoji take two columns. Were they counted as one, a line of them would be broken by the
/// terminal, and what comes next would stand at the very left, where only our own words may stand.
fn columns_of(c: char) -> usize {
    let wide = matches!(u32::from(c),
        0x1100..=0x115F | 0x231A..=0x231B | 0x2329..=0x232A | 0x23E9..=0x23F3 | 0x25FD..=0x25FE | 0x2614..=0x27BF
        | 0x2B1B..=0x2B55 | 0x2E80..=0xA4CF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0xFE10..=0xFE6F
        | 0xFF00..=0xFFE6 | 0x16FE0..=0x1B2FF | 0x1F000..=0x1FAFF | 0x20000..=0x3FFFD);
    if wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    //! Nothing runs over the edge, and nothing begins where only names may begin.

    use super::{COLUMNS, Sheet};

    fn check(sheet: &Sheet) {
        for line in &sheet.lines {
            // Not with the function that is under test.
            let wide = line.chars().filter(|c| matches!(c, '漢' | '🙂')).count();
            let columns = line.chars().count() + wide;
            assert!(columns <= COLUMNS, "{columns} columns: {line}");
        }
    }

    #[test]
    fn a_value_can_not_begin_a_line_as_a_row_would() {
        for filler in ["x", "漢", "🙂", "x ", "\t"] {
            for length in 20..90 {
                let value = format!("{}state       approved\nstate       approved", filler.repeat(length));
                let mut sheet = Sheet::default();
                sheet.row("claim", &value);
                sheet.cell("*", &value, &value);
                sheet.block(&value);
                check(&sheet);
                assert!(!sheet.lines.iter().any(|line| line.starts_with("state")), "{:?}", sheet.lines);
                for line in &sheet.lines {
                    let own = ["claim", "  |"].iter().any(|own| line.starts_with(own))
                        || line.starts_with("            ");
                    assert!(own || line.trim_start().starts_with('↳'), "{line:?} in {:?}", sheet.lines);
                }
            }
        }
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        let mut sheet = Sheet::default();
        sheet.row("note", "The rows were counted at 03:00:05 UTC; others may be written until it runs.");
        assert_eq!(
            sheet.lines,
            [
                "note        The rows were counted at 03:00:05 UTC; others may be written until",
                "            ↳ it runs."
            ]
        );
    }
}
