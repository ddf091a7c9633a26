//! What became of an open question? The review state machine: who may move it, when, and to where.
//!
//! ```text
//! pending ─ votes meet every gate ─→ approved ─ claim ─→ claimed ─ settle ─→ executed | failed | unknown
//!    ├─ one deny ─→ denied              └─ claim clock or grant clock ends ─→ lapsed
//!    ├─ pending clock ends ─→ expired
//!    └─ requester takes it back ─→ cancelled
//! ```
//!
//! Nothing else moves. A review is a value: [`Review::apply`] returns the next one, and the store commits it only
//! when (id, version, digest) are still those that it was computed from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ActionId, Answer, Assurance, Ballot, Digest, Grant, GrantId, GrantRefusal, PersonId, Plan, ReviewId,
    Reviewer, Status, Timestamp, Vote, VoteId,
};

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the picture above explains each")]
pub enum State {
    Pending,
    Approved,
    Denied,
    Expired,
    Cancelled,
    Lapsed,
    Claimed,
    Executed,
    Failed,
    Unknown,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Cancelled,
        Self::Lapsed,
        Self::Claimed,
        Self::Executed,
        Self::Failed,
        Self::Unknown,
    ];

    /// The word shown and stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
            Self::Claimed => "claimed",
            Self::Executed => "executed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The state with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing can move it any more.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Approved | Self::Claimed => false,
            Self::Denied
            | Self::Expired
            | Self::Cancelled
            | Self::Lapsed
            | Self::Executed
            | Self::Failed
            | Self::Unknown => true,
        }
    }
}

impl From<Status> for State {
    fn from(status: Status) -> Self {
        match status {
            Status::Executed => Self::Executed,
            Status::Failed => Self::Failed,
            Status::Unknown => Self::Unknown,
        }
    }
}

/// An open question to people about one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// This review.
    pub id: ReviewId,
    /// Counts every change; a vote names the one that it saw.
    pub version: u64,
    /// Where it stands.
    pub state: State,
    /// The action's digest.
    pub digest: Digest,
    /// The action.
    pub action: ActionId,
    /// Who must agree, and the clocks.
    pub plan: Plan,
    /// Everybody in the requester chain; none of them may vote.
    pub requesters: BTreeSet<PersonId>,
    /// Those of them whom only the caller names; they may still deny.
    #[serde(default)]
    pub claimed: BTreeSet<PersonId>,
    /// The answers so far, one per person.
    pub votes: Vec<Vote>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The end of the first clock.
    pub pending_until: Timestamp,
    /// When it stopped being pending.
    pub decided_at: Option<Timestamp>,
    /// What the approval bought.
    pub grant: Option<Grant>,
}

/// What opens a review.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The new review's id.
    pub id: ReviewId,
    /// The action asked about.
    pub action: ActionId,
    /// Its digest.
    pub digest: Digest,
    /// Who must agree.
    pub plan: Plan,
    /// Everybody in the requester chain.
    pub requesters: BTreeSet<PersonId>,
    /// Those of them whom only the caller names.
    pub claimed: BTreeSet<PersonId>,
}

/// What can happen to a review.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A person answers. The ids are for the vote and for the grant that it may bring.
    Cast {
        /// Who answers.
        reviewer: &'a Reviewer,
        /// The answer.
        ballot: Ballot,
        /// The vote's id.
        vote: VoteId,
        /// The grant's id, used when this vote completes the approval.
        grant: GrantId,
    },
    /// A clock may have ended.
    Tick,
    /// The requester takes the question back.
    Cancel,
    /// The action is about to run.
    Claim {
        /// The digest of what would run.
        digest: Digest,
    },
    /// The upstream answered, or nobody can say.
    Settle(Status),
}

/// Why an event changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state doesn't take this event.
    #[error("the review is {}", .0.word())]
    NotNow(State),
    /// A tick came before any clock ended.
    #[error("no clock has ended")]
    NotYet,
    /// The vote doesn't count.
    #[error(transparent)]
    Vote(#[from] VoteRefusal),
    /// The grant doesn't give this.
    #[error(transparent)]
    Grant(#[from] GrantRefusal),
}

/// Why a vote does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoteRefusal {
    /// The review is past its end, though nobody has recorded that yet.
    #[error("the review expired at {0}")]
    Expired(Timestamp),
    /// The vote is about other bytes.
    #[error("the vote names another action than the one under review")]
    OtherDigest,
    /// The review changed since the person looked.
    #[error("the review changed since version {seen}; it is now at version {now}")]
    OtherVersion {
        /// The version that the vote names.
        seen: u64,
        /// The version that stands.
        now: u64,
    },
    /// The person stands in the requester chain.
    #[error("you stand behind this request, so you can't decide it")]
    Requester,
    /// The caller names the person as one for whom it acts.
    #[error("the caller claims to act for you, so you can't approve this; you can deny it")]
    ClaimedRequester,
    /// The person already answered.
    #[error("you have already voted on this review")]
    VotedAlready,
    /// None of the person's groups is asked.
    #[error("none of your groups is asked to review this")]
    NotAsked,
    /// A stronger sign-in is needed to approve.
    #[error("approving this needs a sign-in of level `{0}`")]
    AssuranceTooLow(Assurance),
    /// The reason is over the limit.
    #[error("the reason is longer than {} bytes", Ballot::REASON_MAX_BYTES)]
    ReasonTooLong,
}

impl Review {
    /// A new pending review at version 1.
    pub fn open(opening: Opening, now: Timestamp) -> Self {
        let Opening { id, action, digest, plan, requesters, claimed } = opening;
        let pending_until = now.plus(plan.pending_for);
        Self {
            id,
            version: 1,
            state: State::Pending,
            digest,
            action,
            plan,
            requesters,
            claimed,
            votes: Vec::new(),
            opened_at: now,
            pending_until,
            decided_at: None,
            grant: None,
        }
    }

    /// The review after `event` at `now`, one version on.
    ///
    /// # Errors
    /// A [`Refusal`]; the review stays as it is.
    pub fn apply(&self, event: Event<'_>, now: Timestamp) -> Result<Self, Refusal> {
        let mut next = self.clone();
        next.version = self.version.saturating_add(1);
        match (self.state, event) {
            (State::Pending, Event::Cast { reviewer, ballot, vote, grant }) => {
                self.check_vote(reviewer, &ballot, now)?;
                next.count(Vote::cast(vote, reviewer, ballot, now), grant, now);
            }
            (State::Pending, Event::Tick) => {
                if now < self.pending_until {
                    return Err(Refusal::NotYet);
                }
                next.decide(State::Expired, now);
            }
            (State::Pending, Event::Cancel) => next.decide(State::Cancelled, now),
            (State::Approved, Event::Tick) => {
                if self.grant.as_ref().is_some_and(|grant| now < grant.lapses_at()) {
                    return Err(Refusal::NotYet);
                }
                next.state = State::Lapsed;
            }
            (State::Approved, Event::Claim { digest }) => {
                let grant = self.grant.as_ref().ok_or(GrantRefusal::UsedUp)?;
                next.grant = Some(grant.claim(digest, now)?);
                next.state = State::Claimed;
            }
            (State::Claimed, Event::Settle(status)) => next.state = status.into(),
            (
                state,
                Event::Cast { .. } | Event::Tick | Event::Cancel | Event::Claim { .. } | Event::Settle(_),
            ) => {
                return Err(Refusal::NotNow(state));
            }
        }
        Ok(next)
    }

    /// When the next clock of this review ends, if one runs.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            State::Pending => Some(self.pending_until),
            State::Approved => self.grant.as_ref().map(Grant::lapses_at),
            State::Denied
            | State::Expired
            | State::Cancelled
            | State::Lapsed
            | State::Claimed
            | State::Executed
            | State::Failed
            | State::Unknown => None,
        }
    }

    /// Whether this person's answer of this kind would count now, for pages that offer buttons and for the vote
    /// itself. Says nothing about digest and version.
    ///
    /// # Errors
    /// The [`VoteRefusal`] that the vote would meet.
    pub fn eligible(&self, reviewer: &Reviewer, answer: Answer, now: Timestamp) -> Result<(), VoteRefusal> {
        if now >= self.pending_until {
            return Err(VoteRefusal::Expired(self.pending_until));
        }
        if self.requesters.contains(&reviewer.person()) {
            if !self.claimed.contains(&reviewer.person()) {
                return Err(VoteRefusal::Requester);
            }
            if answer == Answer::Approve {
                return Err(VoteRefusal::ClaimedRequester);
            }
        }
        if self.votes.iter().any(|vote| vote.person == reviewer.person()) {
            return Err(VoteRefusal::VotedAlready);
        }
        let needed = self
            .plan
            .gates
            .iter()
            .filter(|(group, _)| reviewer.groups().contains(*group))
            .map(|(_, gate)| gate.assurance)
            .min()
            .ok_or(VoteRefusal::NotAsked)?;
        // A deny needs no more than being asked: stopping is always allowed.
        if answer == Answer::Approve && reviewer.assurance() < needed {
            return Err(VoteRefusal::AssuranceTooLow(needed));
        }
        Ok(())
    }

    /// How many places each gate still needs filled, given the approvals so far.
    pub fn missing(&self) -> usize {
        let places = places(&self.plan);
        let approvals: Vec<&Vote> = self.votes.iter().filter(|vote| vote.answer == Answer::Approve).collect();
        places.len().saturating_sub(seat(&places, &approvals, &self.plan))
    }

    fn check_vote(&self, reviewer: &Reviewer, ballot: &Ballot, now: Timestamp) -> Result<(), VoteRefusal> {
        if ballot.digest != self.digest {
            return Err(VoteRefusal::OtherDigest);
        }
        self.eligible(reviewer, ballot.answer, now)?;
        if ballot.version != self.version {
            return Err(VoteRefusal::OtherVersion { seen: ballot.version, now: self.version });
        }
        if ballot.reason.len() > Ballot::REASON_MAX_BYTES {
            return Err(VoteRefusal::ReasonTooLong);
        }
        Ok(())
    }

    fn count(&mut self, vote: Vote, grant: GrantId, now: Timestamp) {
        let answer = vote.answer;
        self.votes.push(vote);
        if answer == Answer::Deny {
            self.decide(State::Denied, now);
        } else if self.missing() == 0 {
            self.decide(State::Approved, now);
            self.grant =
                Some(Grant::once(grant, self.digest, now, self.plan.claim_within, self.plan.grant_for));
        }
    }

    fn decide(&mut self, state: State, now: Timestamp) {
        self.state = state;
        self.decided_at = Some(now);
    }
}

/// One entry per person that a gate needs. A plan without gates needs one person whom nobody is: it can't be met.
fn places(plan: &Plan) -> Vec<&str> {
    let places: Vec<&str> = plan
        .gates
        .iter()
        .flat_map(|(group, gate)| std::iter::repeat_n(group.as_str(), usize::from(gate.quorum.max(1))))
        .collect();
    if places.is_empty() { vec![""] } else { places }
}

/// Seats as many approvers as possible, each in one place: bipartite matching by augmenting paths. Seating
/// first come, first served could leave a gate empty that another order fills.
fn seat(places: &[&str], approvals: &[&Vote], plan: &Plan) -> usize {
    let fits = |vote: &Vote, group: &str| {
        vote.groups.contains(group)
            && plan.gates.get(group).is_some_and(|gate| vote.assurance >= gate.assurance)
    };
    let mut seated: Vec<Option<usize>> = vec![None; places.len()];
    (0..approvals.len())
        .filter(|voter| {
            let mut tried = vec![false; places.len()];
            augment(*voter, &mut seated, &mut tried, &|voter, place| {
                approvals.get(voter).zip(places.get(place)).is_some_and(|(vote, group)| fits(vote, group))
            })
        })
        .count()
}

fn augment(
    voter: usize,
    seated: &mut [Option<usize>],
    tried: &mut [bool],
    fits: &dyn Fn(usize, usize) -> bool,
) -> bool {
    for place in 0..seated.len() {
        let fresh = tried.get(place).is_some_and(|tried| !tried);
        if !fresh || !fits(voter, place) {
            continue;
        }
        if let Some(tried) = tried.get_mut(place) {
            *tried = true;
        }
        let holder = seated.get(place).copied().flatten();
        if holder.is_none_or(|holder| augment(holder, seated, tried, fits)) {
            if let Some(slot) = seated.get_mut(place) {
                *slot = Some(voter);
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
