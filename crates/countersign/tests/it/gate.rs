//! Does the gate keep its promises? On a real store in a folder of its own, with a clock that the test moves.

mod attach;
mod attacks;
mod changes;
mod faults;
mod hold;
mod provable;
mod recovery;
mod standing;
mod witness;

use countersign_core::{ReasonCode, Verb};
use countersign_gate::Verdict;
use countersign_testkit::{CountingUpstream, TestCall, World};
use tokio::task::JoinHandle;

/// Starts a call in the background and waits until it is held.
async fn held(world: &World, verb: Verb, object: &str, upstream: &CountingUpstream) -> JoinHandle<Verdict> {
    let call = TestCall::new(upstream);
    let mut is_held = call.held.subscribe();
    let (gate, draft) = (world.gate.clone(), world.draft(verb, object));
    let waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    waiting
}

fn code(verdict: &Verdict) -> Option<ReasonCode> {
    match verdict {
        Verdict::Denied { reason, .. } => Some(reason.code),
        Verdict::Ran { .. } | Verdict::Pending(_) => None,
    }
}

fn ran(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Ran { result, .. } if result.as_ref() == b"{\"result\":\"done\"}")
}

#[tokio::test]
async fn what_policy_permits_passes_and_is_recorded_before_and_after() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let verdict = world.gate.pass(world.draft(Verb::Read, "orders"), TestCall::new(&upstream)).await;
    assert!(ran(&verdict), "{verdict:?}");
    assert_eq!(upstream.received(), [b"{\"read\":\"orders\"}".to_vec()]);
    assert_eq!(kinds_of_newest(&world).await, ["action.requested", "action.executed"]);
}

#[tokio::test]
async fn what_policy_forbids_never_reaches_the_upstream_and_is_recorded() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    for (verb, expected) in [(Verb::Export, ReasonCode::Forbidden), (Verb::Deploy, ReasonCode::NotPermitted)]
    {
        let verdict = world.gate.pass(world.draft(verb, "orders"), TestCall::new(&upstream)).await;
        assert_eq!(code(&verdict), Some(expected));
        assert_eq!(kinds_of_newest(&world).await, ["action.requested"]);
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_payload_above_the_limit_is_denied() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let mut draft = world.draft(Verb::Read, "orders");
    draft.payload = vec![b' '; 8 * 1024 * 1024 + 1];
    let verdict = world.gate.pass(draft, TestCall::new(&upstream)).await;
    assert_eq!(code(&verdict), Some(ReasonCode::TooLarge));
    assert!(upstream.received().is_empty());
}

async fn kinds_of_newest(world: &World) -> Vec<String> {
    // Outcomes of allowed actions are written soon, in order: what is written now comes after them.
    world.store.sweep(countersign_core::Timestamp::from_micros(0)).await.unwrap();
    let query = countersign_core::Query { limit: 1, ..countersign_core::Query::default() };
    let newest = world.gate.records(query).await.unwrap().items.remove(0);
    let story = world.gate.timeline(newest.action.id()).await.unwrap();
    story.into_iter().map(|entry| entry.kind).collect()
}
