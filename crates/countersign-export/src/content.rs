//! What may leave of that which stands beside a leaf? Nothing that the operator has not named.

use std::collections::{BTreeMap, BTreeSet};

/// The names of content that entries have. docs/LEDGER.md says which entry has which.
pub const CONTENT_NAMES: &[&str] = &[
    "aaguid",
    "algorithm",
    "assurance",
    "attestation_format",
    "attestation_object",
    "backed_up",
    "backup_eligible",
    "batch",
    "bundle",
    "by",
    "claim",
    "count",
    "credential_id",
    "decision",
    "definition",
    "digest",
    "earlier",
    "effects",
    "expires_at",
    "format",
    "from",
    "groups",
    "key",
    "known_by",
    "label",
    "lines",
    "name",
    "note",
    "on_behalf_of",
    "operation",
    "owner",
    "passkey",
    "pending_until",
    "principal",
    "public_key",
    "reason",
    "resource",
    "result",
    "session",
    "shown",
    "target",
    "teams",
    "to",
    "tool",
    "vote",
    "why",
];

/// The names of the content that an export shows. The default shows none: leaves hold no personal data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disclosure(BTreeSet<String>);

impl Disclosure {
    /// Shows these, whatever they hold.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in order, with commas between.
    pub fn names(&self) -> String {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }

    /// What is shown of this content.
    pub(crate) fn shown(&self, mut content: BTreeMap<String, String>) -> BTreeMap<String, String> {
        content.retain(|name, _| self.0.contains(name));
        content
    }
}

#[cfg(test)]
mod tests;
