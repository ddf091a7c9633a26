//! The same request is one question, however often it is sent and however many wait.

use countersign_core::{Answer, ReasonCode, State, Verb};
use countersign_gate::Limits;
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

#[tokio::test]
async fn identical_calls_that_arrive_together_open_one_review() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let (gate, draft, call) =
                (world.gate.clone(), world.draft(Verb::Delete, "orders"), TestCall::new(&upstream));
            let is_held = call.held.subscribe();
            (tokio::spawn(async move { gate.pass(draft, call).await }), is_held)
        })
        .collect();
    let mut waiting = Vec::new();
    for (call, mut is_held) in calls {
        is_held.wait_for(|held| *held).await.unwrap();
        waiting.push(call);
    }
    assert_eq!(world.store.in_state(State::Pending).unwrap().len(), 1);
    for call in waiting {
        call.abort();
    }
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
    for call in calls {
        call.abort();
    }
}
