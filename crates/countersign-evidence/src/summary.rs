//! How much happened, how was it decided, and what should an auditor look at? Counted from the records of a period and
//! nothing else, so that everybody who has the records counts the same.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use countersign_core::{Timestamp, span_text};
use countersign_ledger::{Kind, Leaf};
use serde::{Deserialize, Serialize};

use crate::record::Record;

/// The log writes a heartbeat after ten idle minutes; a longer silence means that the gateway did not run.
const SILENCE: Duration = Duration::from_secs(15 * 60);

/// Entries are dated when what they tell of happened, and some come a moment later; further back, a clock was moved.
const BACKWARDS: Duration = Duration::from_secs(2 * 60);

/// What the records of a period say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// How many records there are, and the indexes of the first and the last.
    pub records: u64,
    /// Index of the first record.
    pub first: Option<u64>,
    /// Index of the last.
    pub last: Option<u64>,
    /// Entries by type.
    pub entries: BTreeMap<String, u64>,
    /// Actions that were judged one by one, by policy's decision.
    pub actions: BTreeMap<String, u64>,
    /// Actions that passed on standing answers, as far as `lines` of their batches is shown.
    pub passed: u64,
    /// Reviews that were opened in the period, by their last state in it.
    pub reviews: BTreeMap<String, u64>,
    /// Outcomes in the period.
    pub outcomes: BTreeMap<String, u64>,
    /// Votes by decision and method, for example `approve by passkey`.
    pub votes: BTreeMap<String, u64>,
    /// How long reviews waited for their decision: half of them at most so long, in seconds.
    pub wait_p50_s: Option<u64>,
    /// The same of 95 in 100.
    pub wait_p95_s: Option<u64>,
    /// What should be looked at, in order.
    pub exceptions: Vec<Exception>,
    /// Changes of rights, rules and keys, in order.
    pub changes: Vec<Change>,
}

/// Something that should be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// What it is, one of [`EXCEPTIONS`].
    pub what: String,
    /// The case it belongs to.
    pub case: String,
    /// Index of the entry that shows it.
    pub index: u64,
    /// When.
    pub time: String,
    /// More about it.
    pub detail: String,
}

/// A change of who may do what, or of what applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The entry's type.
    pub what: String,
    /// The case it belongs to.
    pub case: String,
    /// Who did it.
    pub by: String,
    /// Index of the entry.
    pub index: u64,
    /// When.
    pub time: String,
}

/// Every kind of exception, and what it means.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "refused vote",
        "somebody wanted to vote and may not: a requester, somebody of another group, a weak sign-in",
    ),
    ("denial", "people said no"),
    ("expiry", "nobody answered in time, and the action did not run"),
    ("lapse", "it was approved, and nobody came to run it in time"),
    ("policy denial", "policy said no without asking people"),
    ("failure", "an action that was released failed"),
    ("unknown outcome", "the gateway stopped while the action ran; somebody had to look"),
    ("silence", "the log says nothing for longer than a heartbeat takes: the gateway did not run"),
    ("clock set back", "an entry is dated before the one before it: the gateway's clock was moved"),
    ("erasure", "content was destroyed"),
    ("pruning", "old entries are no longer kept"),
];

/// What is known of a review so far.
#[derive(Debug)]
struct Waiting {
    opened: Timestamp,
    state: String,
    decided: Option<Timestamp>,
}

/// Counts records one after the other.
#[derive(Debug, Default)]
pub struct Counting {
    summary: Summary,
    reviews: HashMap<String, Waiting>,
    before: Option<Timestamp>,
}

impl Counting {
    /// Counts the next record, which is the next entry of the log.
    pub fn add(&mut self, record: &Record) {
        let leaf = &record.leaf;
        let summary = &mut self.summary;
        summary.records += 1;
        summary.first.get_or_insert(record.index);
        summary.last = Some(record.index);
        more(&mut summary.entries, leaf.kind.word());
        if let Some(before) = self.before
            && record.time.since(before) >= SILENCE
        {
            let detail = format!("{} since the entry before", span_text(record.time.since(before)));
            self.except("silence", record, detail);
        }
        if let Some(before) = self.before
            && before.since(record.time) >= BACKWARDS
        {
            let detail = format!("{} before the entry before", span_text(before.since(record.time)));
            self.except("clock set back", record, detail);
        }
        self.before = Some(record.time);
        self.count_action(record);
        self.count_review(record);
        self.note(record);
    }

    fn count_action(&mut self, record: &Record) {
        let leaf = &record.leaf;
        if let Some(policy) = &leaf.policy {
            more(&mut self.summary.actions, &policy.decision);
        }
        if let Some(result) = &leaf.result {
            more(&mut self.summary.outcomes, &result.status);
        }
        if leaf.kind == Kind::ActionsPassed {
            let lines = record.shown("lines").and_then(|lines| lines.parse::<u64>().ok());
            self.summary.passed = self.summary.passed.saturating_add(lines.unwrap_or(0));
        }
    }

    fn count_review(&mut self, record: &Record) {
        let Some(approval) = &record.leaf.approval else { return };
        if record.leaf.kind == Kind::ApprovalRequested {
            let opened = Waiting { opened: record.time, state: approval.state.clone(), decided: None };
            self.reviews.insert(approval.request.clone(), opened);
        } else if let Some(review) = self.reviews.get_mut(&approval.request) {
            if review.state == "pending" && approval.state != "pending" {
                review.decided = Some(record.time);
            }
            review.state.clone_from(&approval.state);
        }
        if let (Some(decision), Some(method)) = (&approval.decision, &approval.method) {
            more(&mut self.summary.votes, &format!("{decision} by {method}"));
        }
    }

    /// Every kind is looked at, so that a new one can't be forgotten here.
    fn note(&mut self, record: &Record) {
        let leaf = &record.leaf;
        let shown = |name: &str| record.shown(name).unwrap_or("not shown").to_owned();
        match leaf.kind {
            Kind::ActionRequested => {
                if let Some(policy) = leaf.policy.as_ref().filter(|policy| policy.decision == "deny") {
                    self.except("policy denial", record, policy.rules.join(" "));
                }
            }
            Kind::ApprovalRefused => {
                self.except("refused vote", record, format!("{}: {}", leaf.actor.id, shown("why")));
            }
            Kind::ApprovalDecided => {
                if state(leaf) == Some("denied") {
                    self.except("denial", record, format!("{}: {}", leaf.actor.id, shown("reason")));
                }
            }
            Kind::ApprovalExpired => self.except("expiry", record, String::new()),
            Kind::ApprovalLapsed => self.except("lapse", record, String::new()),
            Kind::ActionFailed => self.except("failure", record, shown("note")),
            Kind::ActionUnknown => self.except("unknown outcome", record, shown("note")),
            Kind::SubjectErased => self.except("erasure", record, String::new()),
            Kind::LogPruned => self.except("pruning", record, String::new()),
            Kind::PolicyChanged
            | Kind::DefinitionPinned
            | Kind::CredentialEnrolled
            | Kind::CredentialRevoked
            | Kind::AgentAdded
            | Kind::AgentRevoked
            | Kind::PersonInvited
            | Kind::PersonRemoved
            | Kind::KeyRotated => self.change(record),
            Kind::ActionsPassed
            | Kind::ApprovalRequested
            | Kind::ApprovalViewed
            | Kind::ApprovalCancelled
            | Kind::ActionReleased
            | Kind::ActionExecuted
            | Kind::PersonSignedIn
            | Kind::SessionEnded
            | Kind::LogHeartbeat
            | Kind::AuditRead
            | Kind::AuditExported => {}
        }
    }

    fn except(&mut self, what: &str, record: &Record, detail: String) {
        self.summary.exceptions.push(Exception {
            what: what.to_owned(),
            case: record.leaf.case.clone(),
            index: record.index,
            time: record.leaf.time.clone(),
            detail,
        });
    }

    fn change(&mut self, record: &Record) {
        self.summary.changes.push(Change {
            what: record.leaf.kind.word().to_owned(),
            case: record.leaf.case.clone(),
            by: record.leaf.actor.id.clone(),
            index: record.index,
            time: record.leaf.time.clone(),
        });
    }

    /// What was counted.
    pub fn finish(mut self) -> Summary {
        let mut waits = Vec::new();
        for review in self.reviews.into_values() {
            more(&mut self.summary.reviews, &review.state);
            if let Some(decided) = review.decided {
                waits.push(decided.since(review.opened).as_secs());
            }
        }
        waits.sort_unstable();
        self.summary.wait_p50_s = rank(&waits, 50);
        self.summary.wait_p95_s = rank(&waits, 95);
        self.summary
    }
}

fn state(leaf: &Leaf) -> Option<&str> {
    leaf.approval.as_ref().map(|approval| approval.state.as_str())
}

fn more(counts: &mut BTreeMap<String, u64>, what: &str) {
    let count = counts.entry(what.to_owned()).or_default();
    *count = count.saturating_add(1);
}

/// The smallest value that so many percent do not exceed.
fn rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let place = (sorted.len().saturating_mul(percent)).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests;
