//! What was approved may have changed before it runs: then it does not run.

use countersign_core::{Answer, ReasonCode, State, Verb};
use countersign_policy::Source;
use countersign_testkit::{CountingUpstream, POLICY, TestCall, World, WorldOptions};

use super::{code, held, ran};

fn replace(world: &World, from: &str, to: &str) {
    assert!(POLICY.contains(from));
    let source = Source { path: "test.cedar".to_owned(), text: POLICY.replace(from, to) };
    world.policy.replace(&[source]).unwrap();
}

/// An approved review that nobody has claimed yet.
async fn approved(world: &World, upstream: &CountingUpstream) {
    held(world, Verb::Delete, "orders", upstream).await.abort();
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
}

async fn claim(world: &World, upstream: &CountingUpstream) -> countersign_gate::Verdict {
    world.gate.pass(world.draft(Verb::Delete, "orders"), TestCall::new(upstream)).await
}

#[tokio::test]
async fn an_approval_does_not_outlive_a_new_forbid() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    replace(&world, "action == Action::\"export\"", "action in [Action::\"export\", Action::\"delete\"]");
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert_eq!(code(&waiting.await.unwrap()), Some(ReasonCode::Forbidden));
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn an_approval_does_not_satisfy_a_policy_that_now_asks_for_more() {
    for (from, to) in [
        ("@review(\"dba\") @expires", "@review(\"dba\") @quorum(\"2\") @expires"),
        ("@review(\"dba\") @expires", "@review(\"security\") @expires"),
        ("@review(\"dba\") @expires", "@review(\"dba\") @assurance(\"passkey\") @expires"),
    ] {
        let (world, upstream) = (World::new().await, CountingUpstream::default());
        approved(&world, &upstream).await;
        replace(&world, from, to);
        assert_eq!(code(&claim(&world, &upstream).await), Some(ReasonCode::ChangedSinceApproval), "{to}");
        assert!(upstream.received().is_empty());
    }
}

#[tokio::test]
async fn an_unrelated_policy_change_does_not_wake_people_again() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    approved(&world, &upstream).await;
    replace(&world, "@id(\"everyday\")", "@id(\"every-day\")");
    assert!(ran(&claim(&world, &upstream).await));
}

#[tokio::test]
async fn an_approval_of_somebody_who_lost_the_right_does_not_count() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    approved(&world, &upstream).await;
    let now = countersign_gate::Clock::now(&world.clock);
    world.identity.remove_person("ada", now).await.unwrap();
    assert_eq!(code(&claim(&world, &upstream).await), Some(ReasonCode::ChangedSinceApproval));
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_revoked_agent_does_not_get_what_was_approved_for_it() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    let review = world.the_review(State::Pending).await;
    world.identity.revoke_agent("batch", countersign_gate::Clock::now(&world.clock)).await.unwrap();
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert_eq!(code(&waiting.await.unwrap()), Some(ReasonCode::ChangedSinceApproval));
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn an_approval_does_not_outlive_the_facts_it_was_given_for() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    approved(&world, &upstream).await;
    let mut call = TestCall::new(&upstream);
    call.facts.insert("tool definition".to_owned(), "another".to_owned());
    let verdict = world.gate.pass(world.draft(Verb::Delete, "orders"), call).await;
    assert_eq!(code(&verdict), Some(ReasonCode::ChangedSinceApproval));
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_condition_that_the_proxy_cannot_meet_is_a_denial() {
    let mask = "\n@id(\"pii\") @obligation(\"mask\") @columns(\"email\")\n\
                permit (principal, action == Action::\"read\", resource);";
    let world =
        World::with(WorldOptions { policy: format!("{POLICY}{mask}"), ..WorldOptions::default() }).await;
    let upstream = CountingUpstream::default();
    let verdict = world.gate.pass(world.draft(Verb::Read, "orders"), TestCall::new(&upstream)).await;
    assert_eq!(code(&verdict), Some(ReasonCode::ObligationUnsupported));
    assert!(upstream.received().is_empty());
}
