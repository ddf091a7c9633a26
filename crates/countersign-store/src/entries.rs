//! How does each change read in the ledger? One function per kind of entry; personal data only in the content.

use std::collections::BTreeMap;

use countersign_core::{
    Action, ActionId, Decision, Digest, Outcome, PersonId, Review, Reviewer, Status, Timestamp, Vote,
};
use countersign_ledger::{
    ActionPart, Actor, ActorKind, ApprovalPart, Content, Kind, PolicyPart, Record, ResultPart,
};

use rusqlite::Connection;

use crate::{StoreError, Tx};

/// Longer operations are cut in the leaf; the content holds them whole.
const TOOL_MAX_CHARS: usize = 200;

pub(crate) fn system() -> Actor {
    Actor { kind: ActorKind::System, id: "gateway".to_owned() }
}

pub(crate) fn person(id: PersonId) -> Actor {
    Actor { kind: ActorKind::Human, id: id.to_string() }
}

fn head(tx: &Tx<'_>, kind: Kind, case: &ActionId, actor: Actor, now: Timestamp) -> Record {
    Record::new(kind, tx.record_id(now), now.to_string(), case.to_string(), actor)
}

/// `action.requested`: what arrived, from whom, and what policy said.
pub(crate) fn requested(tx: &Tx<'_>, action: &Action, decision: &Decision) -> Result<Record, StoreError> {
    let agent = Actor { kind: ActorKind::Agent, id: action.principal().agent.to_string() };
    let mut record = head(tx, Kind::ActionRequested, &action.id(), agent, action.received_at());
    let mut class: Vec<String> = action.effects().iter().map(|effect| effect.verb.to_string()).collect();
    class.dedup();
    record.action = Some(ActionPart {
        tool: action.operation().chars().take(TOOL_MAX_CHARS).collect(),
        class,
        bytes: action.payload().to_vec(),
    });
    record.policy = Some(PolicyPart {
        bundle: action.policy().to_string(),
        rules: rules(decision),
        decision: decision.word().to_owned(),
    });
    record.content = vec![
        Content::new("digest", action.digest().to_string()),
        Content::new("resource", action.resource().name.clone()),
        Content::new("operation", action.operation()),
        Content::new("principal", serde_json::to_string(action.principal())?),
        Content::new("effects", serde_json::to_string(action.effects())?),
        Content::new("decision", serde_json::to_string(decision)?),
    ];
    if let Some(claim) = action.claim() {
        record.content.push(Content::new("claim", claim));
    }
    Ok(record)
}

fn rules(decision: &Decision) -> Vec<String> {
    match decision {
        Decision::Allow(terms) => terms.policies.iter().cloned().collect(),
        Decision::Review(plan) => {
            plan.gates.values().flat_map(|gate| gate.policies.iter().cloned()).collect()
        }
        Decision::Deny(reason) => reason.policies.iter().cloned().collect(),
    }
}

/// What every entry about a review's change says of it.
fn approval(review: &Review) -> ApprovalPart {
    ApprovalPart {
        request: review.id.to_string(),
        state: review.state.word().to_owned(),
        version: review.version,
        ..ApprovalPart::default()
    }
}

/// `approval.requested`: who is asked and until when.
pub(crate) fn opened(tx: &Tx<'_>, review: &Review, now: Timestamp) -> Record {
    let mut record = head(tx, Kind::ApprovalRequested, &review.action, system(), now);
    record.approval = Some(ApprovalPart {
        of: review.plan.gates.keys().cloned().collect(),
        n: Some(review.plan.gates.values().map(|gate| u32::from(gate.quorum)).sum()),
        ..approval(review)
    });
    record.content = vec![Content::new("pending_until", review.pending_until.to_string())];
    record
}

/// `approval.viewed`: a person opened the page.
pub(crate) fn viewed(tx: &Tx<'_>, review: &Review, by: PersonId, name: &str, now: Timestamp) -> Record {
    let mut record = head(tx, Kind::ApprovalViewed, &review.action, person(by), now);
    record.approval = Some(approval(review));
    record.content = vec![Content::new("name", name).about(by.to_string())];
    record
}

/// `approval.decided`: one vote, and the state that it brought.
pub(crate) fn voted(tx: &Tx<'_>, review: &Review, vote: &Vote, now: Timestamp) -> Result<Record, StoreError> {
    let mut record = head(tx, Kind::ApprovalDecided, &review.action, person(vote.person), now);
    record.approval = Some(ApprovalPart {
        decision: Some(vote.answer.word().to_owned()),
        method: Some(vote.assurance.word().to_owned()),
        channel: Some(vote.channel.clone()),
        ..approval(review)
    });
    record.content = vec![
        Content::new("vote", vote.id.to_string()),
        Content::new("name", vote.name.clone()).about(vote.person.to_string()),
        Content::new("reason", vote.reason.clone()).about(vote.person.to_string()),
        Content::new("groups", serde_json::to_string(&vote.groups)?).about(vote.person.to_string()),
        Content::new("digest", vote.digest.to_string()),
    ];
    Ok(record)
}

/// `approval.refused`: a person wanted to vote and may not.
pub(crate) fn refused(tx: &Tx<'_>, review: &Review, by: &Reviewer, why: &str, now: Timestamp) -> Record {
    let mut record = head(tx, Kind::ApprovalRefused, &review.action, person(by.person()), now);
    record.approval = Some(approval(review));
    let about = by.person().to_string();
    record.content =
        vec![Content::new("name", by.name()).about(&about), Content::new("why", why).about(&about)];
    record
}

/// A change of a review that no vote made: expired, cancelled, lapsed or released.
pub(crate) fn moved(tx: &Tx<'_>, kind: Kind, review: &Review, now: Timestamp) -> Record {
    let mut record = head(tx, kind, &review.action, system(), now);
    record.approval = Some(approval(review));
    record
}

/// `action.executed`, `action.failed` or `action.unknown`.
pub(crate) fn settled(
    tx: &Tx<'_>,
    action: &ActionId,
    review: Option<&Review>,
    outcome: &Outcome,
    now: Timestamp,
) -> Record {
    let kind = match outcome.status {
        Status::Executed => Kind::ActionExecuted,
        Status::Failed => Kind::ActionFailed,
        Status::Unknown => Kind::ActionUnknown,
    };
    let mut record = head(tx, kind, action, system(), now);
    record.approval = review.map(approval);
    record.result =
        Some(ResultPart { status: outcome.status.word().to_owned(), dur_us: outcome.duration_us });
    let result = outcome.result.as_ref().map(Digest::to_string);
    record.content = [("result", result), ("note", outcome.note.clone())]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| Content::new(name, value)))
        .collect();
    record
}

/// An entry that belongs to no action, for example of an agent, a person or a resource.
pub(crate) fn about(
    tx: &Tx<'_>,
    kind: Kind,
    case: &str,
    actor: Actor,
    content: Vec<Content>,
    now: Timestamp,
) -> Record {
    let mut record = Record::new(kind, tx.record_id(now), now.to_string(), case.to_owned(), actor);
    record.content = content;
    record
}

/// What stands beside a leaf and can be read: by name, the salt in hexadecimal and the value. An action's bytes have
/// no value here, they are in its row.
pub(crate) type Beside = BTreeMap<String, (String, Option<String>)>;

/// What stands beside the leaf of this index, as far as it was not erased.
pub(crate) fn beside(conn: &Connection, index: i64) -> Result<Beside, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT opened(c.owner, k.wrapped, 'contents.' || c.idx, c.body)
         FROM contents c JOIN keys k ON k.owner = c.owner WHERE c.idx = ?1",
    )?;
    let mut beside = Beside::new();
    for body in statement.query_map([index], |row| row.get::<_, Vec<u8>>(0))? {
        beside.append(&mut serde_json::from_slice::<Beside>(&body?)?);
    }
    Ok(beside)
}
