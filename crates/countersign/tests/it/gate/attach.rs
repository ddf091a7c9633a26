//! The same request is one question, however often it is sent and however many wait.

use std::sync::Arc;

use countersign_core::{
    Action, ActionId, Answer, Decision, Opening, ReasonCode, Review, ReviewId, State, Verb,
};
use countersign_gate::{Clock as _, Gate, Limits};
use countersign_store::Asked;
use countersign_testkit::{CountingUpstream, TestCall, World, WorldOptions};

use super::{code, held, ran};

#[tokio::test]
async fn identical_calls_attach_to_one_review_run_once_and_all_hear_the_answer() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(held(&world, Verb::Delete, "orders", &upstream).await);
    }
    assert_eq!(world.store.in_state(State::Pending).unwrap().len(), 1);
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    for call in waiting {
        assert!(ran(&call.await.unwrap()));
    }
    assert_eq!(upstream.received().len(), 1);
}

/// What the gate does when its first look found nothing.
async fn open_in_store(world: &World) -> Asked {
    let now = world.clock.now();
    let entropy = world.gate.entropy().as_ref();
    let draft = world.draft(Verb::Delete, "orders");
    let policy = world.policy.current().hash();
    let action = Arc::new(Action::bind(draft, policy, ActionId::mint(now, entropy), now));
    let plan = Gate::plan_for_group("dba");
    let opening = Opening {
        id: ReviewId::mint(now, entropy),
        action: action.id(),
        digest: action.digest(),
        plan: plan.clone(),
        requesters: action.principal().requesters(),
        claimed: action.principal().claimed_requesters(),
    };
    let review = Review::open(opening, now);
    world.store.open_review(action, Decision::Review(plan), review, 10, now).await.unwrap()
}

#[tokio::test]
async fn identical_calls_that_arrive_together_open_one_review() {
    let world = World::new().await;
    // Both have looked and found nothing; now both open.
    let (first, second) = tokio::join!(open_in_store(&world), open_in_store(&world));
    let Asked::Opened(opened) = first else { panic!("{first:?}") };
    let Asked::Attached(attached) = second else { panic!("{second:?}") };
    assert_eq!(opened.id, attached.id);
}

#[tokio::test]
async fn another_request_or_another_agent_does_not_attach() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    world.add_agent("other", "olaf").await;
    let first = held(&world, Verb::Delete, "orders", &upstream).await;
    let second = held(&world, Verb::Delete, "customers", &upstream).await;
    let mut draft = world.draft(Verb::Delete, "orders");
    draft.principal = world.principal("other");
    let call = TestCall::new(&upstream);
    let mut is_held = call.held.subscribe();
    let gate = world.gate.clone();
    let third = tokio::spawn(async move { gate.pass(draft, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    assert_eq!(world.store.in_state(State::Pending).unwrap().len(), 3);
    for call in [first, second, third] {
        call.abort();
    }
}

#[tokio::test]
async fn an_agent_can_have_only_so_many_pending_reviews() {
    let limits = Limits { pending_max_per_agent: 2, ..Limits::default() };
    let world = World::with(WorldOptions { limits, ..WorldOptions::default() }).await;
    let upstream = CountingUpstream::default();
    let calls =
        [held(&world, Verb::Delete, "a", &upstream).await, held(&world, Verb::Delete, "b", &upstream).await];
    let third = world.gate.pass(world.draft(Verb::Delete, "c"), TestCall::new(&upstream)).await;
    assert_eq!(code(&third), Some(ReasonCode::TooManyPending));
    assert_eq!(super::kinds_of_newest(&world).await, ["action.requested"], "refused, and recorded");
    for call in calls {
        call.abort();
    }
}
