//! Who may do what at the moment at which a pack is made? People with their groups and passkeys, agents with those who
//! answer for them, and what policy asks of whom.

use serde::{Deserialize, Serialize};

/// Everybody with a right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    /// Those who decide.
    pub people: Vec<Person>,
    /// Those who ask.
    pub agents: Vec<Agent>,
    /// Ids of the policies in force.
    pub policies: Vec<String>,
}

/// Somebody who decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// `per_…`, as in the ledger.
    pub id: String,
    /// The name, where names are shown.
    pub name: Option<String>,
    /// Groups at this moment.
    pub groups: Vec<String>,
    /// Enrolled passkeys.
    pub passkeys: Vec<Passkey>,
}

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// As in the ledger.
    pub id: String,
    /// When it was enrolled.
    pub enrolled_at: String,
    /// Whether it may leave the device on which it was made.
    pub may_leave_device: bool,
    /// The COSE key, in base64.
    pub public_key: String,
}

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// `agt_…`, as in the ledger.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `per_…` of who answers for it.
    pub owner: String,
    /// Its teams.
    pub teams: Vec<String>,
    /// When it ends.
    pub expires_at: String,
}
