//! Who may answer? A person who signed in on the people listener; never an agent.

use std::collections::BTreeSet;

use crate::{Assurance, PersonId};

/// A signed-in person. Made only by `countersign-identity` from a people credential (`tests/it/tidy.rs` keeps
/// that), and never from a [`crate::Principal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    person: PersonId,
    name: String,
    groups: BTreeSet<String>,
    assurance: Assurance,
}

impl Reviewer {
    /// The person behind a checked people credential, with the groups held at this moment.
    pub fn signed_in(person: PersonId, name: String, groups: BTreeSet<String>, assurance: Assurance) -> Self {
        Self { person, name, groups, assurance }
    }

    /// The person.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// The name as people read it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Groups at this moment.
    pub fn groups(&self) -> &BTreeSet<String> {
        &self.groups
    }

    /// How the person signed in.
    pub fn assurance(&self) -> Assurance {
        self.assurance
    }
}
