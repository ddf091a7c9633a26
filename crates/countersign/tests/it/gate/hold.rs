//! Hold, then ticket: what a held caller and one that comes back hear.

use std::time::Duration;

use countersign_core::{Answer, ReasonCode, State, Verb};
use countersign_gate::{Verdict, VoteError};
use countersign_testkit::{CountingUpstream, TestCall, World};

use super::{code, held, kinds_of_newest, ran};

#[tokio::test]
async fn a_held_call_runs_by_itself_once_approved_with_exactly_the_bytes_shown() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    assert!(upstream.received().is_empty(), "nothing runs before the vote");
    let shown = world.gate.review(review.id).await.unwrap().unwrap().action.payload().to_vec();
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(ran(&waiting.await.unwrap()));
    assert_eq!(upstream.received(), [shown]);
    let story = kinds_of_newest(&world).await;
    let expected =
        ["action.requested", "approval.requested", "approval.decided", "action.released", "action.executed"];
    assert_eq!(story, expected);
}

#[tokio::test]
async fn a_denied_call_hears_who_and_why_and_runs_nothing() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("bob", &review, Answer::Deny).await.unwrap();
    let verdict = waiting.await.unwrap();
    assert_eq!(code(&verdict), Some(ReasonCode::DeniedByReviewer));
    let Verdict::Denied { reason, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(reason.text, "bob denied it: bob says deny");
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn asking_again_after_a_denial_wakes_nobody_until_the_question_would_have_expired() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("bob", &review, Answer::Deny).await.unwrap();
    waiting.await.unwrap();
    for _ in 0..3 {
        let again = world.gate.pass(world.draft(Verb::Delete, "orders"), TestCall::new(&upstream)).await;
        assert_eq!(code(&again), Some(ReasonCode::DeniedByReviewer));
    }
    assert!(world.store.in_state(State::Pending).unwrap().is_empty());
    world.clock.advance(Duration::from_secs(601));
    let asked_anew = held(&world, Verb::Delete, "orders", &upstream).await;
    assert_ne!(world.the_review(State::Pending).await.id, review.id);
    asked_anew.abort();
}

#[tokio::test]
async fn when_the_hold_is_over_the_caller_gets_a_ticket_and_its_next_call_claims() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    world.clock.advance(Duration::from_secs(46));
    let Verdict::Pending(ticket) = waiting.await.unwrap() else { panic!("no ticket") };
    let review = world.the_review(State::Pending).await;
    assert_eq!((ticket.review, ticket.digest), (review.id, review.digest));
    assert_eq!(ticket.link, format!("http://localhost:8811/reviews/{}", review.id));
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(upstream.received().is_empty(), "nobody is there to claim it");
    let back = world.gate.pass(world.draft(Verb::Delete, "orders"), TestCall::new(&upstream)).await;
    assert!(ran(&back));
    assert_eq!(upstream.received().len(), 1);
    // The same request once more is a new question.
    let new = held(&world, Verb::Delete, "orders", &upstream).await;
    assert_eq!(upstream.received().len(), 1);
    new.abort();
}

#[tokio::test]
async fn a_review_expires_while_the_caller_is_held() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let mut call = TestCall::new(&upstream);
    call.hold = Duration::from_secs(3600);
    let mut is_held = call.held.subscribe();
    let (gate, draft) = (world.gate.clone(), world.draft(Verb::Delete, "orders"));
    let waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(code(&waiting.await.unwrap()), Some(ReasonCode::ReviewExpired));
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn an_approval_that_nobody_claims_lapses() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    held(&world, Verb::Delete, "orders", &upstream).await.abort();
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    world.clock.advance(Duration::from_secs(300));
    let late = world.gate.pass(world.draft(Verb::Delete, "orders"), TestCall::new(&upstream)).await;
    assert_eq!(code(&late), Some(ReasonCode::ApprovalLapsed), "{late:?}");
    world.until(review.id, State::Lapsed).await;
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_caller_that_leaves_gives_up_its_call_not_the_review() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(upstream.received().is_empty(), "nobody asks for it any more");
    assert_eq!(world.store.review(review.id).unwrap().unwrap().state, State::Approved);
}

#[tokio::test]
async fn a_caller_that_leaves_after_the_claim_finds_the_answer_when_it_comes_back() {
    let (world, upstream) = (World::new().await, CountingUpstream::silent());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    world.until(review.id, State::Claimed).await;
    waiting.abort();
    upstream.answer(1);
    world.until(review.id, State::Executed).await;
    let back = world.gate.pass(world.draft(Verb::Delete, "orders"), TestCall::new(&upstream)).await;
    assert!(ran(&back), "{back:?}");
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn two_people_must_agree_where_policy_asks_for_two() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Privilege, "role", &upstream).await;
    let review = world.the_review(State::Pending).await;
    let half = world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert_eq!(half.state, State::Pending);
    assert!(upstream.received().is_empty());
    world.vote("bob", &half, Answer::Approve).await.unwrap();
    assert!(ran(&waiting.await.unwrap()));
}

#[tokio::test]
async fn the_requester_can_look_wait_and_take_back_but_only_its_own() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    world.add_agent("other", "carl").await;
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    let (mine, other) = (world.principal("batch"), world.principal("other"));
    assert_eq!(world.gate.status(&other, review.id).unwrap(), None);
    assert_eq!(world.gate.cancel(&other, review.id).await.unwrap(), None);
    assert_eq!(world.gate.result(&other, review.id).unwrap(), None);
    assert_eq!(world.gate.status(&mine, review.id).unwrap().unwrap().state, State::Pending);
    assert_eq!(world.gate.cancel(&mine, review.id).await.unwrap().unwrap().state, State::Cancelled);
    assert_eq!(code(&waiting.await.unwrap()), Some(ReasonCode::ReviewCancelled));
    let late = world.vote("ada", &review, Answer::Approve).await;
    assert!(matches!(late, Err(VoteError::NotPending(State::Cancelled))), "{late:?}");
}

#[tokio::test]
async fn who_waits_for_a_review_wakes_on_the_decision() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    held(&world, Verb::Delete, "orders", &upstream).await.abort();
    let review = world.the_review(State::Pending).await;
    let (gate, mine) = (world.gate.clone(), world.principal("batch"));
    let until = countersign_gate::Clock::now(&world.clock).plus(Duration::from_secs(45));
    let waiting = tokio::spawn(async move { gate.wait(&mine, review.id, until).await });
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().unwrap().state, State::Approved);
}
