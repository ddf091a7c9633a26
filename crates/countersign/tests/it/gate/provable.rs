//! Does anything that people approved run without a proof that it is in the ledger?

use countersign_core::{Answer, ReasonCode, State, Verb};
use countersign_gate::Verdict;
use countersign_testkit::{CountingUpstream, LogKey, World, WorldOptions};

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
    let call = countersign_testkit::TestCall::new(&upstream);
    let verdict = world.gate.pass(world.draft(Verb::Read, "orders"), call).await;
    assert!(matches!(verdict, Verdict::Ran { .. }), "{verdict:?}");
    assert!(upstream.covered().iter().all(Option::is_none));
}
