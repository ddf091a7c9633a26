//! What is wrong in a policy text, and where? One mistake with its line, ready to be read.

use std::fmt;

use cedar_policy::ffi::DetailedError;

/// One mistake or doubt in a policy text. The codes are stable and listed in docs/POLICY.md.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Finding {
    /// The file, as it was named when it was handed in.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What kind of mistake.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, code, message, help } = self;
        write!(f, "{path}:{line}:{column}: {message} ({code})")?;
        match help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl Finding {
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A text that offsets point into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

impl Place<'_> {
    /// A finding at a byte offset.
    pub(crate) fn at(self, offset: usize, code: &'static str, message: impl Into<String>) -> Finding {
        let (line, column) = self.line_and_column(offset);
        Finding { path: self.path.to_owned(), line, column, code, message: message.into(), help: None }
    }

    pub(crate) fn line_and_column(self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let before = self.text.get(..end).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
        (line, column)
    }

    /// Cedar's own finding and those that it relates, one for each. `fallback` is where to point when Cedar
    /// points nowhere.
    pub(crate) fn cedar(self, error: &DetailedError, code: &'static str, fallback: usize) -> Vec<Finding> {
        let offset = error.source_locations.first().map_or(fallback, |label| label.loc.start);
        let mut message = error.message.clone();
        let label = error.source_locations.first().and_then(|label| label.label.as_deref());
        if let Some(label) = label.filter(|label| !message.contains(*label)) {
            message = format!("{message}: {label}");
        }
        let finding = Finding { help: error.help.clone(), ..self.at(offset, code, message) };
        std::iter::once(finding)
            .chain(error.related.iter().flat_map(|related| self.cedar(related, code, fallback)))
            .collect()
    }
}

/// The known word nearest to what was typed, when it is near enough to be a slip.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (distance(typed, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map(|(_, word)| word)
}

/// Levenshtein's edit distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.chars().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != y)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
