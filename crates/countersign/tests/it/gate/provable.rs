//! Does anything that people approved run without a proof that it is in the ledger?

use countersign_core::{Answer, ReasonCode, State, Verb};
use countersign_gate::Verdict;
use countersign_testkit::{CountingUpstream, LogKey, TestCall, World, WorldOptions};

use super::{code, held, ran};
use crate::ledger;

async fn world(key: &std::sync::Arc<LogKey>) -> World {
    World::with(WorldOptions { signer: key.clone(), ..WorldOptions::default() }).await
}

#[tokio::test]
async fn an_approved_action_runs_with_its_release_under_a_signed_checkpoint() {
    let (world, upstream) = (world(&LogKey::new()).await, CountingUpstream::default());
    let call = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(ran(&call.await.unwrap()));
    let covered = upstream.covered();
    let [Some(covered)] = covered.as_slice() else { panic!("{covered:?}") };
    let entries = ledger::leaves(&world);
    let released = &entries[usize::try_from(covered.index()).unwrap()];
    assert_eq!(released["type"], "action.released");
    assert_eq!(released["approval"]["request"], review.id.to_string());
    assert!(covered.checkpoint().size > covered.index());
}

#[tokio::test]
async fn an_approved_action_does_not_run_when_its_release_can_not_be_signed() {
    let key = LogKey::new();
    let (world, upstream) = (world(&key).await, CountingUpstream::default());
    let call = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    key.set_gone(true);
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    let verdict = call.await.unwrap();
    assert_eq!(code(&verdict), Some(ReasonCode::StoreUnavailable), "{verdict:?}");
    assert!(upstream.received().is_empty(), "it ran without a proof");
    // The claim is spent, and the record says that nothing was sent.
    world.until(review.id, State::Failed).await;
    key.set_gone(false);
    let restarted = world.reopen().await;
    ledger::check(&restarted);
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn what_needs_nobody_goes_on_without_a_signature() {
    let key = LogKey::new();
    let (world, upstream) = (world(&key).await, CountingUpstream::default());
    key.set_gone(true);
    let call = TestCall::new(&upstream);
    let verdict = world.gate.pass(world.draft(Verb::Read, "orders"), call).await;
    assert!(matches!(verdict, Verdict::Ran { .. }), "{verdict:?}");
    assert!(upstream.covered().iter().all(Option::is_none));
}

#[tokio::test]
async fn who_tries_to_vote_and_may_not_leaves_a_trace_once() {
    let world = World::new().await;
    let upstream = CountingUpstream::default();
    let (gate, call) = (world.gate.clone(), TestCall::new(&upstream));
    let draft = world.draft(Verb::Delete, "orders");
    let held = tokio::spawn(async move { gate.pass(draft, call).await });
    let review = world.the_review(State::Pending).await;
    for _ in 0..3 {
        world.vote("olaf", &review, Answer::Approve).await.unwrap_err();
    }
    let timeline = world.store.timeline(review.action).await.unwrap();
    let refused: Vec<_> = timeline.iter().filter(|entry| entry.kind == "approval.refused").collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].content["name"], "olaf");
    assert!(refused[0].content["why"].contains("you stand behind this request"), "{:?}", refused[0].content);
    // It moves nothing, and who comes late tries nothing.
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    held.await.unwrap();
    world.until(review.id, State::Executed).await;
    world.vote("olaf", &review, Answer::Approve).await.unwrap_err();
    let kinds = |kind: &str| ledger::leaves(&world).iter().filter(|leaf| leaf["type"] == kind).count();
    assert_eq!((kinds("approval.refused"), kinds("action.executed")), (1, 1));
    ledger::check(&world);
}
