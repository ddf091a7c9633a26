//! What does a receipt that holds tell people? What was proved, what stayed closed, and what no receipt can prove.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Receipt;
use super::story::{Decided, ReviewStory, Story};
use super::verify::Proved;
use crate::checkpoint::VerifiedCheckpoint;
use crate::leaf::Leaf;
use crate::text::{hex, utc, visible};

/// Longer values are cut where people read them; the report itself has them whole.
const SHOWN_MAX_CHARS: usize = 120;

/// A receipt that holds, for people ([`fmt::Display`]) and for programs (JSON).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The action.
    pub action: String,
    /// The log's origin.
    pub log: String,
    /// The checkpoint's size.
    pub size: u64,
    /// The checkpoint's root, hexadecimal.
    pub root: String,
    /// The trusted witnesses that cosigned, with their times in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
    /// What policy decided: `allow`, `review` or `deny`.
    pub decision: &'static str,
    /// The review's last state in this receipt, when people were asked.
    pub review: Option<&'static str>,
    /// The ids of the people who approved.
    pub approvers: Vec<String>,
    /// How many people had to.
    pub needed: Option<u32>,
    /// Whether the action was released to the protected system.
    pub released: bool,
    /// `executed`, `failed` or `unknown`; `None` when no outcome is in the receipt.
    pub outcome: Option<&'static str>,
    /// The entries, in order.
    pub steps: Vec<Step>,
    /// What was proved, a sentence each.
    pub proved: Vec<String>,
    /// What was not shown.
    pub undisclosed: Vec<Undisclosed>,
    /// What this receipt does not prove, a sentence each.
    pub unproved: Vec<String>,
}

/// One entry, proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its index in the log.
    pub index: u64,
    /// When, by the gateway's clock.
    pub time: String,
    /// What happened: the entry's type.
    pub kind: &'static str,
    /// `agent`, `human` or `system`.
    pub actor_kind: &'static str,
    /// Who did it, by pseudonym.
    pub actor: String,
    /// The rest of the leaf in words.
    pub told: String,
    /// The content that was shown.
    pub content: BTreeMap<String, String>,
    /// How many bytes of the action were shown.
    pub payload_bytes: Option<usize>,
}

/// What an entry commits to and the receipt doesn't show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undisclosed {
    /// The entry's index in the log.
    pub index: u64,
    /// So many values of content.
    pub values: usize,
    /// The action's bytes.
    pub payload: bool,
}

impl Report {
    pub(super) fn new(
        receipt: &Receipt,
        verified: &VerifiedCheckpoint,
        entries: &[Proved<'_>],
        story: Story,
    ) -> Self {
        let checkpoint = verified.checkpoint();
        let (proved, unproved) = (proved(verified, entries, &story), unproved(verified, entries, &story));
        let released = story.is_released();
        let review = story.review;
        Self {
            action: receipt.action.clone(),
            log: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: hex(checkpoint.root()),
            witnesses: verified.witnesses().to_vec(),
            decision: match story.decided {
                Decided::Allow => "allow",
                Decided::Review => "review",
                Decided::Deny => "deny",
            },
            review: review.as_ref().map(|review| review.state),
            needed: review.as_ref().map(|review| review.needed),
            approvers: review.map(|review| review.approvers().iter().cloned().collect()).unwrap_or_default(),
            released,
            outcome: story.outcome,
            steps: entries.iter().map(Step::of).collect(),
            proved,
            undisclosed: entries.iter().filter_map(Undisclosed::of).collect(),
            unproved,
        }
    }

    /// The story in one line.
    pub fn conclusion(&self) -> String {
        let asked = match (self.decision, self.review) {
            ("allow", _) => "policy allowed it".to_owned(),
            ("deny", _) => "policy denied it".to_owned(),
            (_, None) => "people were to be asked".to_owned(),
            (_, Some("pending")) => "people have not decided".to_owned(),
            (_, Some(state @ ("denied" | "expired" | "cancelled"))) => format!("the review was {state}"),
            (_, Some(state)) => {
                let (found, needed) = (self.approvers.len(), self.needed.unwrap_or_default());
                let lapsed = if state == "lapsed" { ", but the approval lapsed" } else { "" };
                format!("approved by {found} of {needed} people{lapsed}")
            }
        };
        match (self.released, self.outcome) {
            (true, Some("unknown")) => format!("{asked}, released, outcome unknown"),
            (true, Some(outcome)) => format!("{asked}, released, {outcome}"),
            (true, None) => format!("{asked}, released"),
            (false, _) => format!("{asked}, not released"),
        }
    }
}

/// What the checks have shown, so that nobody has to know the checks.
fn proved(verified: &VerifiedCheckpoint, entries: &[Proved<'_>], story: &Story) -> Vec<String> {
    let last = entries.last().map_or(0, |entry| entry.index);
    let mut proved = vec![
        "the log has signed the checkpoint, and every entry above is in it, unchanged".to_owned(),
        format!("these are all entries of this action up to entry {last}, from its request on"),
    ];
    if let Some((name, time)) = verified.witnesses().iter().min_by_key(|(_, time)| *time) {
        proved.push(format!(
            "all of it was in the log by {}, says the witness {}",
            utc(*time),
            visible(name)
        ));
    }
    let shown: usize = entries.iter().map(|entry| entry.entry.content.len()).sum();
    if shown > 0 {
        proved
            .push(format!("what is shown of the content ({}) is what was recorded", counted(shown, "value")));
    }
    if let Some(payload) = entries.iter().find_map(|entry| entry.entry.payload.as_ref()) {
        let bytes = counted(payload.bytes.len(), "byte");
        proved.push(format!("the action's bytes ({bytes}) are exactly those that were recorded"));
    }
    let Some(review) = &story.review else { return proved };
    if review.approvers().len() >= usize::try_from(review.needed).unwrap_or(usize::MAX) {
        let found = counted(review.approvers().len(), "different person");
        proved.push(format!("{found} approved it, and {} had to", review.needed));
        proved.push(if story.chain_is_known() {
            "none of them is the requester or stands behind the request".to_owned()
        } else {
            "none of them is the requester".to_owned()
        });
    }
    if review.all_were_asked() {
        proved
            .push("every approver was in a group that was asked, as the gateway recorded it then".to_owned());
    }
    if review.digests_shown > 0 && story.digest.is_some() {
        let votes = counted(review.digests_shown, "vote");
        proved.push(format!("{votes} of {} named the digest of the request", review.votes()));
    }
    if story.is_released() {
        proved.push("it was released once, after the approval".to_owned());
    }
    proved
}

/// What somebody might believe of a receipt that it doesn't show.
fn unproved(verified: &VerifiedCheckpoint, entries: &[Proved<'_>], story: &Story) -> Vec<String> {
    let mut unproved = vec![format!(
        "whether the action has later entries, in a log beyond {} entries or held back",
        verified.checkpoint().size()
    )];
    if verified.witnesses().is_empty() {
        unproved
            .push("the time: it is the gateway's own, and no witness that you trust has cosigned".to_owned());
        unproved.push("that the log shows everybody the same entries: that takes a witness".to_owned());
    }
    if let Some(review) = &story.review {
        if !story.chain_is_known() {
            unproved.push("that no approver stands behind the request: `principal` is not shown".to_owned());
        }
        if review.votes() > 0 && (review.digests_shown < review.votes() || story.digest.is_none()) {
            unproved.push("that every vote is about this request's digest: not all are shown".to_owned());
        }
    }
    let unsaid = |review: &ReviewStory| !review.approvers().is_empty() && !review.all_were_asked();
    if story.review.as_ref().is_some_and(unsaid) {
        unproved.push("that the approvers were in the groups asked: `groups` is not shown".to_owned());
    }
    if entries.iter().any(|entry| entry.value("digest").is_some()) {
        unproved.push("that the digest is that of the bytes: it covers more than a receipt holds".to_owned());
    }
    unproved
}

fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "different person") => format!("{count} different people"),
        _ => format!("{count} {what}s"),
    }
}

impl Step {
    fn of(proved: &Proved<'_>) -> Self {
        let leaf = &proved.leaf;
        let content = proved.entry.content.iter();
        Self {
            index: proved.index,
            time: leaf.time.clone(),
            kind: leaf.kind.word(),
            actor_kind: leaf.actor.kind.word(),
            actor: leaf.actor.id.clone(),
            told: told(leaf),
            content: content.map(|(name, opened)| (name.clone(), opened.value.clone())).collect(),
            payload_bytes: proved.entry.payload.as_ref().map(|payload| payload.bytes.len()),
        }
    }
}

/// What the leaf says beside its head.
fn told(leaf: &Leaf) -> String {
    let mut told = Vec::new();
    if let Some(action) = &leaf.action {
        told.push(format!("`{}` ({})", action.tool, action.class.join(" ")));
    }
    if let Some(policy) = &leaf.policy {
        let rules =
            if policy.rules.is_empty() { String::new() } else { format!(" by {}", policy.rules.join(" ")) };
        told.push(format!("policy: {}{rules}", policy.decision));
    }
    if let Some(approval) = &leaf.approval {
        if let Some(decision) = &approval.decision {
            let by = [&approval.method, &approval.channel].into_iter().flatten().cloned();
            told.push(format!("{decision}, by {}", by.collect::<Vec<_>>().join(" in ")));
        }
        if let Some(n) = approval.n {
            told.push(format!("{n} of {}", approval.of.join(" ")));
        }
        told.push(format!("review {} {} (version {})", approval.request, approval.state, approval.version));
    }
    if let Some(result) = &leaf.result {
        told.push(format!("{} after {} µs", result.status, result.dur_us));
    }
    told.join("; ")
}

impl Undisclosed {
    fn of(proved: &Proved<'_>) -> Option<Self> {
        let (values, payload) = (proved.unopened.values, proved.unopened.payload);
        (values > 0 || payload).then_some(Self { index: proved.index, values, payload })
    }
}

impl fmt::Display for Undisclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = (self.values > 0).then(|| counted(self.values, "value"));
        let payload = self.payload.then(|| "the action's bytes".to_owned());
        let what: Vec<String> = [values, payload].into_iter().flatten().collect();
        let commitments =
            if self.values + usize::from(self.payload) == 1 { "commitment" } else { "commitments" };
        write!(f, "entry {}: {} erased or withheld, {commitments} intact", self.index, what.join(" and "))
    }
}

/// For people. Nothing in it can move a terminal's cursor or turn the direction of text.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "receipt of {}: holds\n", visible(&self.action))?;
        writeln!(f, "  {}\n", self.conclusion())?;
        writeln!(f, "log         {}", visible(&self.log))?;
        writeln!(f, "checkpoint  {} entries, root {}", self.size, self.root)?;
        for (name, time) in &self.witnesses {
            writeln!(f, "witness     {}, {}", visible(name), utc(*time))?;
        }
        writeln!(f)?;
        self.steps.iter().try_for_each(|step| step.fmt(f))?;
        list(f, "proved", &self.proved)?;
        let undisclosed: Vec<String> = self.undisclosed.iter().map(ToString::to_string).collect();
        list(f, "not shown", &undisclosed)?;
        list(f, "not proved", &self.unproved)
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(f, "  - {line}"))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {:<4} {}  {:<19} ", self.index, self.time, self.kind)?;
        writeln!(f, "{} {}", self.actor_kind, visible(&self.actor))?;
        if !self.told.is_empty() {
            writeln!(f, "           {}", visible(&self.told))?;
        }
        for (name, value) in &self.content {
            let cut: String = value.chars().take(SHOWN_MAX_CHARS).collect();
            let more = if cut.len() < value.len() { "…" } else { "" };
            writeln!(f, "           {}: {}{more}", visible(name), visible(&cut))?;
        }
        match self.payload_bytes {
            Some(bytes) => writeln!(f, "           the action: {bytes} bytes"),
            None => Ok(()),
        }
    }
}
