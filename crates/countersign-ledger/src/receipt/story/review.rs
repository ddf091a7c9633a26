//! Did enough people say yes, and did the review move as reviews do? Each entry that moves a review names it, its next
//! version, and the state that follows.

use std::collections::BTreeSet;

use super::super::failure::{Code, Failure};
use super::super::verify::Proved;
use super::{Requester, expect_actor};
use crate::kind::Kind;
use crate::record::{ActorKind, ApprovalPart};
use crate::text::shown;

/// Where a review stands, by the word in the leaf.
type State = &'static str;

const PENDING: State = "pending";
const APPROVED: State = "approved";
const CLAIMED: State = "claimed";

/// A review, as its entries tell it.
#[derive(Debug)]
pub(crate) struct ReviewStory {
    id: String,
    pub(crate) state: State,
    version: u64,
    pub(crate) needed: u32,
    /// The groups that were asked.
    asked: Vec<String>,
    /// Those approvers whose groups are shown, with one that was asked among them.
    in_asked_group: BTreeSet<String>,
    released: bool,
    /// Everybody who answered, yes or no.
    voted: BTreeSet<String>,
    approvers: BTreeSet<String>,
    /// How many of the votes' digests were shown.
    pub(crate) digests_shown: usize,
    digest: Option<String>,
}

impl ReviewStory {
    /// `approval.requested`.
    pub(super) fn open(entry: &Proved<'_>) -> Result<Self, Failure> {
        let approval = part(entry)?;
        let wrong = |detail: &str| entry.fail(Code::PartWrong, detail);
        if approval.state != PENDING || approval.version != 1 {
            return Err(wrong("a review begins `pending` at version 1"));
        }
        let needed =
            approval.n.filter(|n| *n > 0).ok_or_else(|| wrong("a review needs at least one person"))?;
        Ok(Self {
            id: approval.request.clone(),
            state: PENDING,
            version: 1,
            needed,
            asked: approval.of.clone(),
            in_asked_group: BTreeSet::new(),
            released: false,
            voted: BTreeSet::new(),
            approvers: BTreeSet::new(),
            digests_shown: 0,
            digest: None,
        })
    }

    /// Any later entry about the review but its outcome. `digest` is the request's, when it is shown.
    pub(super) fn go_on(
        &mut self,
        entry: &Proved<'_>,
        requester: &Requester,
        digest: Option<&str>,
    ) -> Result<(), Failure> {
        let approval = part(entry)?;
        match entry.leaf.kind {
            Kind::ApprovalViewed | Kind::ApprovalRefused => {
                expect_actor(entry, ActorKind::Human)?;
                self.expect(entry, approval, self.version, self.state)
            }
            Kind::ApprovalDecided => self.vote(entry, approval, requester, digest),
            Kind::ApprovalExpired => self.step(entry, approval, PENDING, "expired"),
            Kind::ApprovalCancelled => self.step(entry, approval, PENDING, "cancelled"),
            Kind::ApprovalLapsed => self.step(entry, approval, APPROVED, "lapsed"),
            _ => self.release(entry, approval),
        }
    }

    /// One person's answer, and the state that it brings.
    fn vote(
        &mut self,
        entry: &Proved<'_>,
        approval: &ApprovalPart,
        requester: &Requester,
        digest: Option<&str>,
    ) -> Result<(), Failure> {
        expect_actor(entry, ActorKind::Human)?;
        let person = &entry.leaf.actor.id;
        if !self.voted.insert(person.clone()) {
            return Err(entry.fail(Code::VotedTwice, format!("`{}` has answered before", shown(person))));
        }
        self.same_digest(entry, digest)?;
        let after = match (approval.decision.as_deref(), approval.state.as_str()) {
            (Some("deny"), "denied") => "denied",
            (Some("approve"), PENDING) => PENDING,
            (Some("approve"), APPROVED) => APPROVED,
            _ => {
                let detail = format!("its answer can't bring the state `{}`", shown(&approval.state));
                return Err(entry.fail(Code::PartWrong, detail));
            }
        };
        if after != "denied" {
            if requester.includes(person) {
                let detail = format!("`{}` stands behind the request and approved it", shown(person));
                return Err(entry.fail(Code::RequesterApproved, detail));
            }
            self.approvers.insert(person.clone());
            if self.is_asked(entry) {
                self.in_asked_group.insert(person.clone());
            }
        }
        if after == APPROVED && self.approvers.len() < usize::try_from(self.needed).unwrap_or(usize::MAX) {
            let detail = format!("approved by {} of {} people", self.approvers.len(), self.needed);
            return Err(entry.fail(Code::TooFewApprovers, detail));
        }
        self.step(entry, approval, PENDING, after)
    }

    /// Whether the vote shows groups of the person, one of which was asked.
    fn is_asked(&self, entry: &Proved<'_>) -> bool {
        let groups =
            entry.value("groups").and_then(|groups| serde_json::from_str::<Vec<String>>(groups).ok());
        groups.is_some_and(|groups| groups.iter().any(|group| self.asked.contains(group)))
    }

    /// Whether every approver is shown to have been in a group that was asked.
    pub(crate) fn all_were_asked(&self) -> bool {
        !self.approvers.is_empty() && self.in_asked_group == self.approvers
    }

    /// What the person saw is what was asked about; votes among themselves, when the request doesn't show it.
    fn same_digest(&mut self, entry: &Proved<'_>, request: Option<&str>) -> Result<(), Failure> {
        let Some(seen) = entry.value("digest") else { return Ok(()) };
        let expected = request.or(self.digest.as_deref());
        if expected.is_some_and(|expected| expected != seen) {
            return Err(entry.fail(Code::DigestMismatch, "the vote is about another action than the request"));
        }
        self.digests_shown += 1;
        self.digest = Some(seen.to_owned());
        Ok(())
    }

    fn release(&mut self, entry: &Proved<'_>, approval: &ApprovalPart) -> Result<(), Failure> {
        if self.released {
            return Err(entry.fail(Code::ReleasedTwice, "it was released before"));
        }
        if self.state != APPROVED {
            let detail = format!("it was released while its review was `{}`", self.state);
            return Err(entry.fail(Code::ReleasedUnapproved, detail));
        }
        self.step(entry, approval, APPROVED, CLAIMED)?;
        self.released = true;
        Ok(())
    }

    /// The outcome, which is the review's last state.
    pub(super) fn end(&mut self, entry: &Proved<'_>, outcome: State) -> Result<(), Failure> {
        if !self.released {
            return Err(entry.fail(Code::OutcomeUnreleased, "it ran, but its approval was not claimed"));
        }
        self.step(entry, part(entry)?, CLAIMED, outcome)
    }

    fn step(
        &mut self,
        entry: &Proved<'_>,
        approval: &ApprovalPart,
        from: State,
        to: State,
    ) -> Result<(), Failure> {
        if self.state != from {
            let detail = format!("a review that is `{}` does not become `{to}`", self.state);
            return Err(entry.fail(Code::ReviewMismatch, detail));
        }
        self.expect(entry, approval, self.version.saturating_add(1), to)?;
        (self.state, self.version) = (to, approval.version);
        Ok(())
    }

    /// The entry is about this review, at this version and in this state.
    fn expect(
        &self,
        entry: &Proved<'_>,
        approval: &ApprovalPart,
        version: u64,
        state: State,
    ) -> Result<(), Failure> {
        if approval.request == self.id && approval.version == version && approval.state == state {
            return Ok(());
        }
        let detail = format!("it is not about `{}` at version {version}, `{state}`", shown(&self.id));
        Err(entry.fail(Code::ReviewMismatch, detail))
    }

    /// The people who said yes, by their ids.
    pub(crate) fn approvers(&self) -> &BTreeSet<String> {
        &self.approvers
    }

    /// How many people answered.
    pub(crate) fn votes(&self) -> usize {
        self.voted.len()
    }

    pub(super) fn is_released(&self) -> bool {
        self.released
    }
}

fn part<'a>(entry: &'a Proved<'_>) -> Result<&'a ApprovalPart, Failure> {
    let missing = || entry.fail(Code::PartWrong, "it does not say which review it is about");
    entry.leaf.approval.as_ref().ok_or_else(missing)
}
