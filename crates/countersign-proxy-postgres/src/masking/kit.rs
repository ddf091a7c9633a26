//! What is needed to mask under these rules in this database? Made once per rules and lineage, shared by sessions.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_mask::{Detectors, Found, Key, Masked, Masking, Mode, Scratch};
use countersign_sql::Classified;

use super::counting::only_counts;
use super::tags::Tags;
use super::{Lineage, Rules, Unmaskable, mode};

/// Sets of rules that one resource keeps at the same time.
const KEPT_MAX: usize = 16;

/// Rules, applied.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) rules: Rules,
    pub(super) tags: Tags,
    groups: Vec<Group>,
    /// Hides what errors quote, and looks for nothing else.
    quotes: Group,
    pub(super) key: Arc<Key>,
}

#[derive(Debug)]
struct Group {
    mode: Mode,
    detectors: Detectors,
}

/// Kits of one resource.
pub(crate) struct Kits {
    key: Arc<Key>,
    kept: Mutex<Vec<Arc<Kit>>>,
}

impl fmt::Debug for Kits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kits").finish_non_exhaustive()
    }
}

impl Kits {
    /// `secret` keeps hashes equal from one session and one start to the next.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self { key: Arc::new(Key::new(secret)), kept: Mutex::new(Vec::new()) }
    }

    /// The kit for these rules in this database.
    pub(crate) fn get(&self, rules: &Rules, lineage: &Arc<Lineage>) -> Result<Arc<Kit>, Unmaskable> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |kit: &&Arc<Kit>| kit.rules == *rules && std::ptr::eq(kit.tags.lineage(), &raw const **lineage);
        if let Some(known) = kept.iter().find(same) {
            return Ok(Arc::clone(known));
        }
        let kit = Arc::new(Kit::new(rules.clone(), Arc::clone(lineage), Arc::clone(&self.key))?);
        kept.retain(|kit| kit.rules != *rules);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.push(Arc::clone(&kit));
        Ok(kit)
    }
}

impl Kit {
    pub(crate) fn new(rules: Rules, lineage: Arc<Lineage>, key: Arc<Key>) -> Result<Self, Unmaskable> {
        let build = |mode, kinds: &[_]| {
            let wrong = |_error| Unmaskable::Rule("detectors".to_owned());
            Ok::<_, Unmaskable>(Group { mode, detectors: Detectors::new(kinds).map_err(wrong)? })
        };
        let content = rules.content()?;
        let groups = content
            .iter()
            .map(|(strictness, kinds)| build(mode(*strictness), kinds))
            .collect::<Result<_, _>>()?;
        let tags = Tags::new(&rules, lineage);
        Ok(Self { rules, tags, groups, quotes: build(Mode::Partial, &[])?, key })
    }

    /// Whether content is searched.
    pub(super) fn searches(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Whether a rule names columns, so that values may be anywhere that a statement can put them.
    pub(crate) fn names_columns(&self) -> bool {
        self.rules.columns().next().is_some()
    }

    /// Whether what a text computes may hold masked values; `None` is one that nobody knows.
    pub(crate) fn may_compute(&self, text: Option<(&str, &Classified)>) -> bool {
        let holds = |(text, read): (&str, &Classified)| {
            self.tags.may_compute(read) && !(read.reads_only() && only_counts(text))
        };
        self.names_columns() && text.is_none_or(holds)
    }
}

/// Buffers of one session, used again for every value.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    scratch: Scratch,
    front: Vec<u8>,
    back: Vec<u8>,
    pub(super) cell: Vec<u8>,
}

impl Tools {
    /// Hides what is found in `value`; the result is appended to `out`.
    pub(super) fn search<'v>(
        &mut self,
        kit: &Kit,
        value: &'v [u8],
        out: &mut Vec<u8>,
        found: &mut Found,
    ) -> Masked<'v> {
        self.each(kit, value, out, &mut |detectors, scratch, value, out, masking| {
            changed(detectors.scan(scratch, value, out, masking, found))
        })
    }

    /// The same for a server's text, which also loses what it quotes.
    pub(super) fn search_text<'v>(
        &mut self,
        kit: &Kit,
        value: &'v [u8],
        out: &mut Vec<u8>,
        found: &mut Found,
    ) -> Masked<'v> {
        self.each(kit, value, out, &mut |detectors, scratch, value, out, masking| {
            changed(detectors.mask_text(scratch, value, out, masking, found))
        })
    }

    /// Puts `value` through every group of detectors, the strictest first.
    fn each<'v>(
        &mut self,
        kit: &Kit,
        value: &'v [u8],
        out: &mut Vec<u8>,
        search: &mut Search<'_>,
    ) -> Masked<'v> {
        let mut any = false;
        let quotes = kit.groups.is_empty().then_some(&kit.quotes);
        for group in kit.groups.iter().chain(quotes) {
            let masking = Masking { mode: group.mode, key: &kit.key };
            self.back.clear();
            let input = if any { self.front.as_slice() } else { value };
            match search(&group.detectors, &mut self.scratch, input, &mut self.back, masking) {
                None => return Masked::Null,
                Some(false) => {}
                Some(true) => {
                    any = true;
                    std::mem::swap(&mut self.front, &mut self.back);
                }
            }
        }
        if !any {
            return Masked::Same(value);
        }
        out.extend_from_slice(&self.front);
        Masked::Changed
    }
}

type Search<'a> = dyn FnMut(&Detectors, &mut Scratch, &[u8], &mut Vec<u8>, Masking<'_>) -> Option<bool> + 'a;

/// `None` for NULL.
const fn changed(masked: Masked<'_>) -> Option<bool> {
    match masked {
        Masked::Same(_) => Some(false),
        Masked::Changed => Some(true),
        Masked::Null => None,
    }
}
