//! What would this text do, and what does policy say whatever its parameters are? Worked out once per text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use countersign_core::{Digest, Effect, Effects, Verb};
use countersign_gate::Standing;
use countersign_sql::{Catalog, Classified, Session as Meaning, StatementKind, classify, normal_key};

/// Texts of one connection that are remembered at the same time.
const KEPT_MAX: usize = 512;
/// Longer texts are read anew each time.
const KEPT_TEXT_MAX: usize = 16 * 1024;

/// What texts of one kind would do.
#[derive(Debug)]
pub(crate) struct Sense {
    pub(crate) classified: Classified,
    /// Every effect; an error when there are more than anybody could judge, or the text can't be judged at all.
    pub(crate) effects: Result<Effects, String>,
    /// Preparing such a text runs somebody's code already.
    acts_when_prepared: bool,
    /// The answer that stands for all of them, under the policy with this hash.
    standing: Mutex<Option<(Digest, Option<Arc<Standing>>)>>,
}

impl Sense {
    fn of(classified: Classified, catalog: &Catalog) -> Arc<Self> {
        let effects = effects(&classified);
        let runs_code =
            classified.effects.iter().any(|effect| matches!(effect.verb, Verb::Execute | Verb::Unknown));
        let acts_when_prepared = runs_code && catalog.constants_act();
        Arc::new(Self { classified, effects, acts_when_prepared, standing: Mutex::new(None) })
    }

    /// The answer that stands under the policy in force; `ask` is put when that is another than the last time.
    pub(crate) fn standing(
        &self,
        policy: Digest,
        ask: impl FnOnce() -> Option<Standing>,
    ) -> Option<Arc<Standing>> {
        let mut kept = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((hash, standing)) if *hash == policy => standing.clone(),
            _ => {
                let standing = ask().map(Arc::new);
                *kept = Some((policy, standing.clone()));
                standing
            }
        }
    }
}

/// One text, understood.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) text: Arc<str>,
    pub(crate) sense: Arc<Sense>,
    /// Under which facts it was read.
    facts: u64,
    /// The text as JSON, once somebody wants it.
    json: OnceLock<String>,
}

impl Reading {
    fn of(text: Arc<str>, sense: Arc<Sense>, facts: u64) -> Self {
        Self { text, sense, facts, json: OnceLock::new() }
    }

    pub(crate) fn json(&self) -> &str {
        self.json.get_or_init(|| serde_json::Value::from(&*self.text).to_string())
    }

    /// The words that its command tags begin with, for example `BEGIN; DELETE`.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.sense.classified.statements.iter().map(|statement| statement.tag)
    }

    /// Whether it is one statement that changes rows of a table.
    pub(crate) fn changes_rows(&self) -> bool {
        use StatementKind as Kind;
        let [statement] = self.sense.classified.statements.as_slice() else { return false };
        matches!(statement.kind, Kind::Insert | Kind::Update | Kind::Delete | Kind::Merge | Kind::Truncate)
    }

    /// Whether the server tells in the end how many rows it changed. For TRUNCATE it does not: all of them.
    pub(crate) fn counts_rows(&self) -> bool {
        let truncates = |statement: &countersign_sql::Statement| statement.kind == StatementKind::Truncate;
        self.changes_rows() && !self.sense.classified.statements.iter().any(truncates)
    }

    /// Whether preparing it runs somebody's code already.
    pub(crate) fn acts_when_prepared(&self) -> bool {
        self.sense.acts_when_prepared
    }

    /// The client encoding that it sets, when that is another one than UTF-8.
    pub(crate) fn other_encoding(&self) -> Option<&str> {
        self.sense.classified.encoding.as_deref()
    }

    /// Names of prepared statements that SQL makes or drops; `None` is all of them.
    pub(crate) fn blurs(&self) -> impl Iterator<Item = Option<&str>> {
        self.sense.classified.statements.iter().filter_map(|statement| match &statement.kind {
            StatementKind::Prepare { name } => Some(Some(name.as_str())),
            StatementKind::Deallocate { name } => Some(name.as_deref()),
            StatementKind::DiscardAll => Some(None),
            _ => None,
        })
    }
}

fn effects(classified: &Classified) -> Result<Effects, String> {
    if let Some(problem) = classified.problem.as_ref().filter(|problem| problem.denies()) {
        return Err(problem.to_string());
    }
    let unsure = classified.problem.iter().map(|problem| Effect::new(Verb::Unknown, problem.code()));
    let all = classified.effects.iter().cloned().chain(unsure);
    Effects::new(all, "statement").map_err(|error| error.to_string())
}

/// The facts under which texts are read. Other facts are another reader's.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) meaning: Arc<Meaning>,
}

/// Reads texts and remembers them for as long as the facts stay the same.
#[derive(Debug)]
pub(crate) struct Reader {
    facts: Facts,
    kept: HashMap<Box<[u8]>, Arc<Sense>>,
    last: Option<Arc<Reading>>,
    key: Vec<u8>,
    /// Counts how often the facts have changed.
    changes: u64,
}

impl Reader {
    pub(crate) fn new(facts: Facts) -> Self {
        Self { facts, kept: HashMap::new(), last: None, key: Vec::new(), changes: 0 }
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How often the facts have changed so far.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// From now on under these facts. True when they are others than before.
    pub(crate) fn update(&mut self, facts: Facts) -> bool {
        let same = Arc::ptr_eq(&facts.catalog, &self.facts.catalog) && facts.meaning == self.facts.meaning;
        if !same {
            *self = Self { changes: self.changes + 1, ..Self::new(facts) };
        }
        !same
    }

    pub(crate) fn read(&mut self, text: &str) -> Arc<Reading> {
        if let Some(last) = self.last.as_ref().filter(|last| &*last.text == text) {
            return Arc::clone(last);
        }
        let reading = Arc::new(Reading::of(text.into(), self.sense(text), self.changes));
        self.last = Some(Arc::clone(&reading));
        reading
    }

    /// The same text as it reads now: the server plans a prepared statement anew when names have come to mean something
    /// else.
    pub(crate) fn again(&mut self, reading: &Arc<Reading>) -> Arc<Reading> {
        if reading.facts == self.changes {
            return Arc::clone(reading);
        }
        let text = Arc::clone(&reading.text);
        let sense = self.sense(&text);
        Arc::new(Reading::of(text, sense, self.changes))
    }

    fn sense(&mut self, text: &str) -> Arc<Sense> {
        self.key.clear();
        let keyed = text.len() <= KEPT_TEXT_MAX && normal_key(text, &mut self.key);
        if let Some(known) = self.kept.get(self.key.as_slice()).filter(|_| keyed) {
            return Arc::clone(known);
        }
        let Facts { catalog, meaning } = &self.facts;
        let sense = Sense::of(classify(text, catalog, meaning), catalog);
        // A verdict that looked at a constant, or found a problem in this very text, is not the verdict of the next text
        // with the same key.
        if keyed && !sense.classified.used_constant && sense.classified.problem.is_none() {
            if self.kept.len() >= KEPT_MAX {
                self.kept.clear();
            }
            self.kept.insert(self.key.as_slice().into(), Arc::clone(&sense));
        }
        sense
    }
}
