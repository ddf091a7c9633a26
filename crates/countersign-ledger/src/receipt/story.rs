//! Could it have happened so? The rules of the gateway, read off its entries: nothing runs without a request, an
//! approval by enough people none of whom asked, and a release; and everything happens once.
//!
//! ```text
//! requested, decision deny     ─ nothing more
//! requested, decision allow    ─ released by that very entry ─→ executed | failed | unknown
//! requested, decision review   ─ a review: pending ─→ approved ─→ claimed (released) ─→ executed | failed | unknown
//!                                             │           └─→ lapsed
//!                                             └─→ denied | expired | cancelled
//! ```
//!
//! Looks at a review's page, and entries about reading or erasing the record, may stand anywhere and move nothing.

mod review;

pub(super) use self::review::ReviewStory;
use super::failure::{Code, Failure};
use super::verify::Proved;
use crate::kind::Kind;
use crate::object::Object;
use crate::record::ActorKind;
use crate::text::shown;

/// What policy said, as the request tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    Allow,
    Review,
    Deny,
}

/// The story so far.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) decided: Decided,
    pub(super) review: Option<ReviewStory>,
    /// `executed`, `failed` or `unknown`.
    pub(super) outcome: Option<&'static str>,
    /// The request's digest, when it is shown.
    pub(super) digest: Option<String>,
    requester: Requester,
}

/// Who asked, and who stands behind it, when that is shown.
#[derive(Debug)]
pub(super) struct Requester {
    agent: String,
    /// `None` when the principal was not disclosed.
    chain: Option<Vec<String>>,
}

impl Story {
    /// Reads the entries, which are in order.
    pub(super) fn of(entries: &[Proved<'_>]) -> Result<Self, Failure> {
        let mut entries = entries.iter();
        let first = entries.next().filter(|entry| entry.leaf.kind == Kind::ActionRequested);
        let Some(first) = first else {
            let detail = "the first entry is not the request";
            return Err(Failure::new(super::Place::Receipt, Code::NotRequested, detail));
        };
        let mut story = Self::begin(first)?;
        for entry in entries {
            story.go_on(entry)?;
        }
        Ok(story)
    }

    fn begin(entry: &Proved<'_>) -> Result<Self, Failure> {
        let leaf = &entry.leaf;
        expect_actor(entry, ActorKind::Agent)?;
        let (Some(policy), Some(_), None, None) = (&leaf.policy, &leaf.action, &leaf.approval, &leaf.result)
        else {
            return Err(entry.fail(Code::PartWrong, "a request has an action and a policy, and nothing else"));
        };
        let decided = match policy.decision.as_str() {
            "allow" => Decided::Allow,
            "review" => Decided::Review,
            "deny" => Decided::Deny,
            other => {
                let detail = format!("policy can't decide `{}`", shown(other));
                return Err(entry.fail(Code::PartWrong, detail));
            }
        };
        Ok(Self {
            decided,
            review: None,
            outcome: None,
            digest: entry.value("digest").map(str::to_owned),
            requester: Requester::read(entry)?,
        })
    }

    fn go_on(&mut self, entry: &Proved<'_>) -> Result<(), Failure> {
        let leaf = &entry.leaf;
        if leaf.kind != Kind::ActionRequested && (leaf.action.is_some() || leaf.policy.is_some()) {
            return Err(entry.fail(Code::PartWrong, "only the request has an action and a policy"));
        }
        let outcome = outcome_of(leaf.kind);
        if leaf.result.is_some() && outcome.is_none() {
            return Err(entry.fail(Code::PartWrong, "only an outcome has a result"));
        }
        match leaf.kind {
            Kind::ActionRequested => Err(entry.fail(Code::RequestedTwice, "the action was requested before")),
            Kind::ApprovalRequested => self.open_review(entry),
            Kind::ApprovalViewed
            | Kind::ApprovalRefused
            | Kind::ApprovalDecided
            | Kind::ApprovalExpired
            | Kind::ApprovalCancelled
            | Kind::ApprovalLapsed
            | Kind::ActionReleased => self.move_review(entry),
            Kind::ActionExecuted | Kind::ActionFailed | Kind::ActionUnknown => {
                self.end(entry, outcome.unwrap_or_default())
            }
            // About the record, not about the action.
            Kind::SubjectErased | Kind::AuditRead | Kind::AuditExported => Ok(()),
            Kind::ActionsPassed
            | Kind::PolicyChanged
            | Kind::DefinitionPinned
            | Kind::CredentialEnrolled
            | Kind::CredentialRevoked
            | Kind::AgentAdded
            | Kind::AgentRevoked
            | Kind::PersonInvited
            | Kind::PersonSignedIn
            | Kind::PersonRemoved
            | Kind::SessionEnded
            | Kind::LogHeartbeat
            | Kind::KeyRotated
            | Kind::LogPruned => {
                let detail = format!("`{}` is not part of an action's story", leaf.kind.word());
                Err(entry.fail(Code::Foreign, detail))
            }
        }
    }

    fn open_review(&mut self, entry: &Proved<'_>) -> Result<(), Failure> {
        if self.decided != Decided::Review || self.review.is_some() {
            let detail = "people are asked once, and only when policy says so";
            return Err(entry.fail(Code::ReviewUnexpected, detail));
        }
        self.review = Some(ReviewStory::open(entry)?);
        Ok(())
    }

    fn move_review(&mut self, entry: &Proved<'_>) -> Result<(), Failure> {
        let released = entry.leaf.kind == Kind::ActionReleased;
        let Some(review) = &mut self.review else {
            if released {
                return Err(entry.fail(Code::ReleasedUnapproved, "it was released, but nobody was asked"));
            }
            return Err(entry.fail(Code::ReviewUnexpected, "it is about a review, but none was opened"));
        };
        review.go_on(entry, &self.requester, self.digest.as_deref())
    }

    /// An outcome, once, of what was released: by the request itself, or by the claim of an approval.
    fn end(&mut self, entry: &Proved<'_>, outcome: &'static str) -> Result<(), Failure> {
        let leaf = &entry.leaf;
        if self.outcome.is_some() {
            return Err(entry.fail(Code::OutcomeTwice, "its outcome was recorded before"));
        }
        if leaf.result.as_ref().is_none_or(|result| result.status != outcome) {
            let detail = format!("its result does not say `{outcome}`");
            return Err(entry.fail(Code::PartWrong, detail));
        }
        match (self.decided, &mut self.review) {
            (Decided::Allow, None) if leaf.approval.is_none() => {}
            (Decided::Allow, None) => {
                return Err(entry.fail(Code::PartWrong, "it names a review, but nobody was asked"));
            }
            (Decided::Review, Some(review)) => review.end(entry, outcome)?,
            (Decided::Deny | Decided::Review | Decided::Allow, _) => {
                return Err(entry.fail(Code::OutcomeUnreleased, "it ran, but nothing released it"));
            }
        }
        self.outcome = Some(outcome);
        Ok(())
    }

    /// Whether who stands behind the request was shown, so that the approvers could be compared with them.
    pub(super) fn chain_is_known(&self) -> bool {
        self.requester.chain.is_some()
    }

    /// Whether it was released to the protected system.
    pub(super) fn is_released(&self) -> bool {
        self.decided == Decided::Allow || self.review.as_ref().is_some_and(ReviewStory::is_released)
    }
}

impl Requester {
    /// The requesting actor, and the persons in `principal`, when that is shown.
    fn read(entry: &Proved<'_>) -> Result<Self, Failure> {
        let agent = entry.leaf.actor.id.clone();
        let Some(principal) = entry.value("principal") else { return Ok(Self { agent, chain: None }) };
        let unreadable = || {
            let detail = "`principal` does not say who stands behind the request";
            entry.fail(Code::PrincipalUnreadable, detail)
        };
        let Object(principal): Object<Principal> =
            serde_json::from_str(principal).map_err(|_cause| unreadable())?;
        if principal.agent != agent {
            return Err(unreadable());
        }
        let chain = principal.links.into_iter().filter_map(|Object(link)| link.person).collect();
        Ok(Self { agent, chain: Some(chain) })
    }

    /// Whether this actor asked, or stands behind who asked.
    fn includes(&self, actor: &str) -> bool {
        let behind = self.chain.as_ref().is_some_and(|chain| chain.iter().any(|person| person == actor));
        self.agent == actor || behind
    }
}

/// As much of the content `principal` as is needed here.
#[derive(serde::Deserialize)]
struct Principal {
    agent: String,
    links: Vec<Object<Link>>,
}

#[derive(serde::Deserialize)]
struct Link {
    person: Option<String>,
}

fn outcome_of(kind: Kind) -> Option<&'static str> {
    let outcomes = [
        (Kind::ActionExecuted, "executed"),
        (Kind::ActionFailed, "failed"),
        (Kind::ActionUnknown, "unknown"),
    ];
    outcomes.into_iter().find(|(of, _)| *of == kind).map(|(_, outcome)| outcome)
}

fn expect_actor(entry: &Proved<'_>, kind: ActorKind) -> Result<(), Failure> {
    if entry.leaf.actor.kind == kind {
        return Ok(());
    }
    let (found, kind) = (entry.leaf.actor.kind.word(), kind.word());
    let detail = format!("`{}` is done by `{kind}`, not by `{found}`", entry.leaf.kind.word());
    Err(entry.fail(Code::ActorWrong, detail))
}
