//! What would an action do? A set of (verb, object) pairs, the same eleven verbs for every protocol.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is done to an object. `unknown` is the answer of doubt and is held or denied, never allowed by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words are their own explanation")]
pub enum Verb {
    Read,
    Write,
    Delete,
    Schema,
    Privilege,
    Secret,
    Export,
    Execute,
    Network,
    Deploy,
    Unknown,
}

impl Verb {
    /// Every verb, in the order of DESIGN.
    pub const ALL: [Self; 11] = [
        Self::Read,
        Self::Write,
        Self::Delete,
        Self::Schema,
        Self::Privilege,
        Self::Secret,
        Self::Export,
        Self::Execute,
        Self::Network,
        Self::Deploy,
        Self::Unknown,
    ];

    /// The word, as in policies, configuration and on screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Schema => "schema",
            Self::Privilege => "privilege",
            Self::Secret => "secret",
            Self::Export => "export",
            Self::Execute => "execute",
            Self::Network => "network",
            Self::Deploy => "deploy",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|verb| verb.word() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|verb| verb.word()).collect();
            format!("`{text}` is not a verb; use one of {}", words.join(", "))
        })
    }
}

/// One thing that an action would do, for example `delete` on `customers`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Effect {
    /// What is done.
    pub verb: Verb,
    /// To what, within the resource.
    pub object: String,
}

impl Effect {
    /// One effect.
    pub fn new(verb: Verb, object: impl Into<String>) -> Self {
        Self { verb, object: object.into() }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object)
    }
}

/// Every effect of one action. Never empty: an action without a known effect has the effect `unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<Effect>", into = "BTreeSet<Effect>")]
pub struct Effects(BTreeSet<Effect>);

/// One action names more effects than a person could judge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("one action has {count} effects; at most {} are judged", Effects::MAX)]
pub struct TooManyEffects {
    count: usize,
}

impl Effects {
    /// More effects than this in one action are denied, not asked about: nobody could read them.
    pub const MAX: usize = 200;

    /// The set of `effects`; empty becomes `unknown` on `object_if_none`.
    ///
    /// # Errors
    /// [`TooManyEffects`] above [`Effects::MAX`].
    pub fn new(
        effects: impl IntoIterator<Item = Effect>,
        object_if_none: &str,
    ) -> Result<Self, TooManyEffects> {
        let mut set: BTreeSet<Effect> = effects.into_iter().collect();
        if set.is_empty() {
            set.insert(Effect::new(Verb::Unknown, object_if_none));
        }
        Self::try_from(set)
    }

    /// The effects in order.
    pub fn iter(&self) -> impl Iterator<Item = &Effect> {
        self.0.iter()
    }
}

impl TryFrom<BTreeSet<Effect>> for Effects {
    type Error = TooManyEffects;

    fn try_from(set: BTreeSet<Effect>) -> Result<Self, TooManyEffects> {
        if set.len() > Self::MAX || set.is_empty() {
            return Err(TooManyEffects { count: set.len() });
        }
        Ok(Self(set))
    }
}

impl From<Effects> for BTreeSet<Effect> {
    fn from(effects: Effects) -> Self {
        effects.0
    }
}
