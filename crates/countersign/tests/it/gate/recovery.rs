//! A stop at any point loses nothing: what waited goes on, what ran without a recorded outcome is unknown.

use std::time::Duration;

use countersign_core::{Answer, ReasonCode, State, Status, Verb};
use countersign_gate::Verdict;
use countersign_testkit::{CountingUpstream, TestCall, World};

use super::{code, held, kinds_of_newest, ran};

#[tokio::test]
async fn a_pending_review_survives_and_its_caller_claims_after_the_restart() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    held(&world, Verb::Delete, "orders", &upstream).await.abort();
    let world = world.reopen().await;
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(ran(&waiting.await.unwrap()));
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn an_approval_survives_and_runs_once_after_the_restart() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    held(&world, Verb::Delete, "orders", &upstream).await.abort();
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    let world = world.reopen().await;
    let back = world.gate.pass(world.draft(Verb::Delete, "orders"), TestCall::new(&upstream)).await;
    assert!(ran(&back));
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn a_stop_between_claim_and_outcome_is_unknown_never_done_and_never_retried() {
    let (world, upstream) = (World::new().await, CountingUpstream::silent());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    world.until(review.id, State::Claimed).await;
    let restarted = world.reopen().await;
    assert_eq!(restarted.store.review(review.id).unwrap().unwrap().state, State::Unknown);
    let back = restarted.gate.pass(restarted.draft(Verb::Delete, "orders"), TestCall::new(&upstream)).await;
    let Verdict::Ran { outcome, .. } = back else { panic!("{back:?}") };
    assert_eq!(outcome.status, Status::Unknown);
    assert_eq!(kinds_of_newest(&restarted).await.last().unwrap(), "action.unknown");
    assert_eq!(upstream.received().len(), 1, "not retried");
    // Having heard that, the caller may ask again: people decide anew.
    let again = held(&restarted, Verb::Delete, "orders", &upstream).await;
    assert_eq!(upstream.received().len(), 1);
    again.abort();
    waiting.abort();
}

#[tokio::test]
async fn an_allowed_action_without_outcome_is_unknown_after_the_restart() {
    let (world, upstream) = (World::new().await, CountingUpstream::silent());
    let (gate, draft, call) =
        (world.gate.clone(), world.draft(Verb::Read, "orders"), TestCall::new(&upstream));
    let waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    while upstream.received().is_empty() {
        tokio::task::yield_now().await;
    }
    let restarted = world.reopen().await;
    assert_eq!(kinds_of_newest(&restarted).await, ["action.requested", "action.unknown"]);
    waiting.abort();
}

#[tokio::test]
async fn clocks_that_ended_while_nobody_ran_have_ended_at_the_start() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    held(&world, Verb::Delete, "orders", &upstream).await.abort();
    let review = world.the_review(State::Pending).await;
    let clock = world.clock.clone();
    let folder_world = world;
    clock.advance(Duration::from_secs(3600));
    let restarted = folder_world.reopen().await;
    assert_eq!(restarted.store.review(review.id).unwrap().unwrap().state, State::Expired);
    let back = restarted.gate.pass(restarted.draft(Verb::Delete, "orders"), TestCall::new(&upstream)).await;
    assert_eq!(code(&back), Some(ReasonCode::ReviewExpired), "the answer is found by who comes back");
}
