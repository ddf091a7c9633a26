//! How is a table read so that every mistake is found? Each key is taken once, with its place; what is left over is
//! unknown. A mistake is noted and reading goes on with a default.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use countersign_policy::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, place};

/// Where mistakes are gathered.
#[derive(Clone)]
pub(crate) struct Problems {
    path: Rc<str>,
    text: Rc<str>,
    found: Rc<RefCell<Vec<Problem>>>,
}

impl Problems {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into(), found: Rc::default() }
    }

    pub(crate) fn add(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let (line, column) = place(&self.text, span.start);
        let problem = Problem { path: self.path.to_string(), line, column, message: message.into(), help };
        self.found.borrow_mut().push(problem);
    }

    pub(crate) fn take(&self) -> Vec<Problem> {
        let mut found = std::mem::take(&mut *self.found.borrow_mut());
        found.sort_by_key(|problem| (problem.line, problem.column));
        found
    }
}

/// One table being read.
pub(crate) struct Fields<'t> {
    name: String,
    span: Range<usize>,
    table: Option<&'t DeTable<'t>>,
    taken: RefCell<Vec<&'static str>>,
    problems: Problems,
}

type Value<'t> = &'t Spanned<DeValue<'t>>;

impl<'t> Fields<'t> {
    pub(crate) fn root(table: &'t Spanned<DeTable<'t>>, problems: &Problems) -> Self {
        Self {
            name: String::new(),
            span: 0..0,
            table: Some(table.get_ref()),
            taken: RefCell::default(),
            problems: problems.clone(),
        }
    }

    fn child(&self, name: &str, span: Range<usize>, table: Option<&'t DeTable<'t>>) -> Self {
        let name = if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) };
        Self { name, span, table, taken: RefCell::default(), problems: self.problems.clone() }
    }

    pub(crate) fn problem(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.problems.add(span, message, help);
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The value of `key`, marking the key as known.
    pub(crate) fn value(&self, key: &'static str) -> Option<Value<'t>> {
        self.taken.borrow_mut().push(key);
        self.table?.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn wrong(&self, key: &str, value: Value<'t>, wanted: &str) {
        self.problem(value.span(), format!("`{key}` must be {wanted}"), None);
    }

    fn missing(&self, key: &str, help: &str) {
        let place = if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.name) };
        self.problem(self.span(), format!("`{key}` is missing{place}"), Some(help.to_owned()));
    }

    pub(crate) fn optional_string(&self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Spanned::new(value.span(), text.clone().into_owned())),
            _ => {
                self.wrong(key, value, "a text in quotes");
                None
            }
        }
    }

    /// A text that must be there. Empty, with a problem noted, when it isn't.
    pub(crate) fn string(&self, key: &'static str, help: &str) -> Spanned<String> {
        let had = self.problems.found.borrow().len();
        self.optional_string(key).unwrap_or_else(|| {
            if self.problems.found.borrow().len() == had {
                self.missing(key, help);
            }
            Spanned::new(self.span(), String::new())
        })
    }

    pub(crate) fn integer(
        &self,
        key: &'static str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> u64 {
        let Some(value) = self.value(key) else { return default };
        let number = match value.get_ref() {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => number,
            None => {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong(key, value, &wanted);
                default
            }
        }
    }

    pub(crate) fn boolean(&self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
            _ => {
                self.wrong(key, value, "`true` or `false`");
                default
            }
        }
    }

    pub(crate) fn seconds(&self, key: &'static str, default: Duration, max: u64) -> Duration {
        Duration::from_secs(self.integer(key, default.as_secs(), 0..=max))
    }

    pub(crate) fn strings(&self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let value = self.value(key)?;
        let texts = value.get_ref().as_array().map(|items| {
            items
                .iter()
                .map(|item| item.get_ref().as_str().map(|text| Spanned::new(item.span(), text.to_owned())))
                .collect::<Option<Vec<_>>>()
        });
        if let Some(Some(texts)) = texts {
            return Some(texts);
        }
        self.wrong(key, value, "a list of texts");
        None
    }

    /// A table of free names, such as labels.
    pub(crate) fn free_table(&self, key: &'static str) -> BTreeMap<String, Value<'t>> {
        let Some(value) = self.value(key) else { return BTreeMap::new() };
        match value.get_ref().as_table() {
            Some(table) => {
                table.iter().map(|(name, value)| (name.get_ref().clone().into_owned(), value)).collect()
            }
            None => {
                self.wrong(key, value, "a table");
                BTreeMap::new()
            }
        }
    }

    /// A table of free names with texts.
    pub(crate) fn text_table(&self, key: &'static str) -> BTreeMap<String, Spanned<String>> {
        let mut texts = BTreeMap::new();
        for (name, value) in self.free_table(key) {
            match value.get_ref().as_str() {
                Some(text) => {
                    texts.insert(name, Spanned::new(value.span(), text.to_owned()));
                }
                None => self.wrong(&name, value, "a text in quotes"),
            }
        }
        texts
    }

    /// A section; an absent one reads as empty.
    pub(crate) fn section(&self, key: &'static str) -> Self {
        let Some(value) = self.value(key) else { return self.child(key, self.span(), None) };
        if value.get_ref().as_table().is_none() {
            self.wrong(key, value, "a table");
        }
        self.child(key, value.span(), value.get_ref().as_table())
    }

    /// A list of tables, `[[key]]` or `key = [{…}]`.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        self.tables(key, value)
    }

    /// A value that must be a list of tables.
    pub(crate) fn tables(&self, key: &str, value: Value<'t>) -> Vec<Self> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of tables");
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| {
                let table = item.get_ref().as_table();
                if table.is_none() {
                    self.wrong(key, item, "a list of tables");
                }
                table.map(|table| self.child(key, item.span(), Some(table)))
            })
            .collect()
    }

    /// Notes every key that nobody asked for. Called when everything has been read.
    pub(crate) fn finish(self) {
        let known = self.taken.borrow();
        for (key, _) in self.table.into_iter().flat_map(DeTable::iter) {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let help = match nearest(name, known.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let place = if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.name) };
            self.problem(key.span(), format!("unknown key `{name}`{place}"), Some(help));
        }
    }
}
