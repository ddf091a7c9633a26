//! Where are the effects and relations of a statement gathered?

use std::collections::BTreeSet;

use countersign_core::{Effect, Effects, Verb};

use crate::catalog::Relation;
use crate::classified::RelationUse;
use crate::object;

/// Beyond this many the statement is denied anyway; nothing more is gathered.
const ENOUGH: usize = Effects::MAX + 1;

/// Rows are read.
pub(crate) const READ: u8 = 1;
/// Rows are added.
pub(crate) const INSERT: u8 = 2;
/// Rows are changed.
pub(crate) const UPDATE: u8 = 4;
/// Rows are removed one by one.
pub(crate) const DELETE: u8 = 8;
/// All rows are removed.
pub(crate) const TRUNCATE: u8 = 16;
/// Rows or the table are locked.
pub(crate) const LOCK: u8 = 32;

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) effects: BTreeSet<Effect>,
    pub(crate) relations: Vec<RelationUse>,
    /// The relations in the outermost FROM of a view's definition: whoever writes to the view writes to them.
    pub(crate) bases: Vec<u32>,
    pub(crate) used_constant: bool,
    /// A function gives another value each time: the same statement may find other rows.
    pub(crate) varies: bool,
    /// The client encoding that it sets, when that is another one than UTF-8.
    pub(crate) encoding: Option<String>,
}

impl Found {
    pub(crate) fn add(&mut self, verb: Verb, object: impl Into<String>) {
        if self.effects.len() < ENOUGH {
            self.effects.insert(Effect::new(verb, object));
        }
    }

    /// Notes `access` on a relation and the effects that follow from its name alone.
    pub(crate) fn relation(&mut self, relation: &Relation, access: u8, via_view: Option<&str>) {
        let object = object::qualified(&relation.schema, &relation.name);
        let read = access & READ != 0;
        let written = access & (INSERT | UPDATE | LOCK) != 0;
        let deleted = access & (DELETE | TRUNCATE) != 0;
        for (verb, happens) in [(Verb::Read, read), (Verb::Write, written), (Verb::Delete, deleted)] {
            if happens {
                self.add(verb, object.as_str());
            }
        }
        self.note(&RelationUse {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            oid: relation.oid,
            read,
            written,
            deleted,
            via_view: via_view.map(str::to_owned),
        });
    }

    fn note(&mut self, used: &RelationUse) {
        let known =
            self.relations.iter_mut().find(|known| known.oid == used.oid && known.via_view == used.via_view);
        if let Some(known) = known {
            known.read |= used.read;
            known.written |= used.written;
            known.deleted |= used.deleted;
        } else if self.relations.len() < ENOUGH {
            self.relations.push(used.clone());
        }
    }

    /// Takes over what a definition does. Relations that have no view yet are reached through `via_view`.
    pub(crate) fn merge(&mut self, other: &Self, via_view: Option<&str>) {
        for effect in &other.effects {
            self.add(effect.verb, effect.object.as_str());
        }
        for used in &other.relations {
            let via_view = via_view.map(str::to_owned).or_else(|| used.via_view.clone());
            self.note(&RelationUse { via_view, ..used.clone() });
        }
        self.used_constant |= other.used_constant;
        self.varies |= other.varies;
        if self.encoding.is_none() {
            self.encoding.clone_from(&other.encoding);
        }
    }

    /// The same with every change of data or schema turned into a read: what EXPLAIN without ANALYZE does.
    pub(crate) fn planned(mut self) -> Self {
        self.effects = std::mem::take(&mut self.effects)
            .into_iter()
            .map(|effect| match effect.verb {
                Verb::Write | Verb::Delete | Verb::Schema | Verb::Export => {
                    Effect::new(Verb::Read, effect.object)
                }
                Verb::Read
                | Verb::Privilege
                | Verb::Secret
                | Verb::Execute
                | Verb::Network
                | Verb::Deploy
                | Verb::Unknown => effect,
            })
            .collect();
        for used in &mut self.relations {
            used.read |= used.written | used.deleted;
            used.written = false;
            used.deleted = false;
        }
        self
    }
}
