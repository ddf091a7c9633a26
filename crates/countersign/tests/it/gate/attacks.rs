//! Who tries to vote without the right to, and what they hear.

use std::time::Duration;

use countersign_core::{Answer, Assurance, Ballot, Digest, Review, State, Verb, VoteRefusal};
use countersign_gate::VoteError;
use countersign_testkit::{CountingUpstream, World, WorldOptions};

use super::held;

async fn pending(
    world: &World,
) -> (Review, CountingUpstream, tokio::task::JoinHandle<countersign_gate::Verdict>) {
    let upstream = CountingUpstream::default();
    let waiting = held(world, Verb::Delete, "orders", &upstream).await;
    (world.the_review(State::Pending).await, upstream, waiting)
}

fn refusal(result: Result<Review, VoteError>) -> VoteRefusal {
    match result {
        Err(VoteError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn ballot(review: &Review) -> Ballot {
    Ballot {
        answer: Answer::Approve,
        reason: String::new(),
        channel: "test".to_owned(),
        digest: review.digest,
        version: review.version,
    }
}

#[tokio::test]
async fn the_owner_of_the_agent_cannot_vote_though_asked() {
    let world = World::new().await;
    let (review, upstream, waiting) = pending(&world).await;
    for answer in [Answer::Approve, Answer::Deny] {
        assert_eq!(refusal(world.vote("olaf", &review, answer).await), VoteRefusal::Requester);
    }
    assert!(upstream.received().is_empty());
    waiting.abort();
}

#[tokio::test]
async fn a_person_whom_the_caller_claims_to_act_for_cannot_vote() {
    let world = World::new().await;
    let token = world.add_agent("second", "carl").await;
    let claims = countersign_identity::Claims {
        on_behalf_of: Some("ADA".to_owned()),
        ..countersign_identity::Claims::default()
    };
    let mut draft = world.draft(Verb::Delete, "orders");
    draft.principal = world.principal_by_token(&token, &claims).await.unwrap();
    let upstream = CountingUpstream::default();
    let call = countersign_testkit::TestCall::new(&upstream);
    let mut is_held = call.held.subscribe();
    let gate = world.gate.clone();
    let waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    let review = world.the_review(State::Pending).await;
    assert_eq!(refusal(world.vote("ada", &review, Answer::Approve).await), VoteRefusal::ClaimedRequester);
    assert_eq!(refusal(world.vote("carl", &review, Answer::Approve).await), VoteRefusal::Requester);
    world.vote("bob", &review, Answer::Approve).await.unwrap();
    assert!(super::ran(&waiting.await.unwrap()));
}

#[tokio::test]
async fn an_agent_cannot_get_rid_of_a_reviewer_by_claiming_to_act_for_her() {
    let world = World::new().await;
    let token = world.add_agent("second", "carl").await;
    let upstream = CountingUpstream::default();
    let draft = async |claimed: Option<&str>| {
        let claims = countersign_identity::Claims {
            on_behalf_of: claimed.map(str::to_owned),
            ..countersign_identity::Claims::default()
        };
        let mut draft = world.draft(Verb::Delete, "orders");
        draft.principal = world.principal_by_token(&token, &claims).await.unwrap();
        draft
    };
    let call = countersign_testkit::TestCall::new(&upstream);
    let mut is_held = call.held.subscribe();
    let (gate, claiming) = (world.gate.clone(), draft(Some("ada")).await);
    let waiting = tokio::spawn(async move { gate.pass(claiming, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    let review = world.the_review(State::Pending).await;
    world.vote("ada", &review, Answer::Deny).await.unwrap();
    assert_eq!(super::code(&waiting.await.unwrap()), Some(countersign_core::ReasonCode::DeniedByReviewer));
    // Naming nobody, or somebody else, is the same request: her denial stands.
    for claimed in [None, Some("bob")] {
        let call = countersign_testkit::TestCall::new(&upstream);
        let again = world.gate.pass(draft(claimed).await, call).await;
        assert_eq!(super::code(&again), Some(countersign_core::ReasonCode::DeniedByReviewer), "{claimed:?}");
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn the_gateways_own_question_is_not_the_agents_to_take_back_nor_counted_against_it() {
    let limits = countersign_gate::Limits { pending_max_per_agent: 1, ..countersign_gate::Limits::default() };
    let world = World::with(WorldOptions { limits, ..WorldOptions::default() }).await;
    let upstream = CountingUpstream::default();
    let call = countersign_testkit::TestCall::new(&upstream);
    let mut is_held = call.held.subscribe();
    let (gate, draft) = (world.gate.clone(), world.draft(Verb::Privilege, "tool definition"));
    let plan = countersign_gate::Gate::plan_for_group("dba");
    let asking = tokio::spawn(async move { gate.ask(draft, plan, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    let review = world.the_review(State::Pending).await;
    let kept = world.gate.cancel(&world.principal("batch"), review.id).await.unwrap().unwrap();
    assert_eq!(kept.state, State::Pending);
    let waiting = held(&world, Verb::Delete, "orders", &upstream).await;
    assert_eq!(world.store.in_state(State::Pending).unwrap().len(), 2);
    waiting.abort();
    asking.abort();
}

#[tokio::test]
async fn who_is_not_asked_cannot_vote() {
    let world = World::new().await;
    let (review, _, waiting) = pending(&world).await;
    assert_eq!(refusal(world.vote("carl", &review, Answer::Approve).await), VoteRefusal::NotAsked);
    waiting.abort();
}

#[tokio::test]
async fn a_vote_on_another_digest_or_version_does_not_count() {
    let world = World::new().await;
    let (review, upstream, waiting) = pending(&world).await;
    let ada = world.reviewer("ada");
    let other = Ballot { digest: Digest::of(b"what I was shown"), ..ballot(&review) };
    assert_eq!(refusal(world.gate.vote(&ada, review.id, other).await), VoteRefusal::OtherDigest);
    let stale = Ballot { version: review.version + 1, ..ballot(&review) };
    let expected = VoteRefusal::OtherVersion { seen: review.version + 1, now: review.version };
    assert_eq!(refusal(world.gate.vote(&ada, review.id, stale).await), expected);
    assert!(upstream.received().is_empty());
    waiting.abort();
}

#[tokio::test]
async fn a_double_click_and_a_second_session_count_once() {
    let world = World::new().await;
    let upstream = CountingUpstream::default();
    let waiting = held(&world, Verb::Privilege, "role", &upstream).await;
    let review = world.the_review(State::Pending).await;
    let (one, two) =
        (world.reviewer_with("ada", Assurance::Session), world.reviewer_with("ada", Assurance::Passkey));
    let (first, second) = tokio::join!(
        world.gate.vote(&one, review.id, ballot(&review)),
        world.gate.vote(&two, review.id, ballot(&review)),
    );
    assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1);
    let now = world.store.review(review.id).unwrap().unwrap();
    assert_eq!((now.votes.len(), now.state), (1, State::Pending));
    let again = Ballot { version: now.version, ..ballot(&now) };
    assert_eq!(refusal(world.gate.vote(&two, review.id, again).await), VoteRefusal::VotedAlready);
    assert!(upstream.received().is_empty());
    waiting.abort();
}

#[tokio::test]
async fn an_expired_review_takes_no_vote_even_before_the_expiry_is_recorded() {
    let world = World::new().await;
    let (review, upstream, waiting) = pending(&world).await;
    waiting.abort();
    world.clock.advance(Duration::from_secs(600));
    let late = world.vote("ada", &review, Answer::Approve).await;
    assert!(
        matches!(
            late,
            Err(VoteError::Refused(VoteRefusal::Expired(_)) | VoteError::NotPending(State::Expired))
        ),
        "{late:?}"
    );
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn policy_can_forbid_a_vote_that_the_gates_would_take() {
    let policy = format!(
        "{}\n@id(\"no-interns\") forbid (principal in Group::\"interns\", action == Action::\"approve\", resource);",
        countersign_testkit::POLICY
    );
    let world = World::with(WorldOptions { policy, ..WorldOptions::default() }).await;
    let groups = ["dba".to_owned(), "interns".to_owned()].into();
    world.identity.set_groups("bob", groups, countersign_gate::Clock::now(&world.clock)).await.unwrap();
    let (review, _, waiting) = pending(&world).await;
    let refused = world.vote("bob", &review, Answer::Approve).await;
    assert!(matches!(&refused, Err(VoteError::Policy(why)) if why.contains("no-interns")), "{refused:?}");
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    assert!(super::ran(&waiting.await.unwrap()));
}

#[tokio::test]
async fn an_agent_token_is_no_session_and_a_session_no_agent_token() {
    let world = World::new().await;
    let now = countersign_gate::Clock::now(&world.clock);
    let agent = world.add_agent("third", "carl").await;
    assert!(world.identity.reviewer(&agent, now).unwrap().is_none());
    assert!(world.identity.accept_invitation(&agent, now).await.unwrap().is_none());
    let link =
        world.identity.invite("dora", ["dba".to_owned()].into(), Duration::from_secs(60), now).await.unwrap();
    let session = world.identity.accept_invitation(&link.token.to_string(), now).await.unwrap().unwrap();
    let claims = countersign_identity::Claims::default();
    assert!(world.principal_by_token(&session.token, &claims).await.is_none());
    assert!(world.principal_by_token(&link.token.to_string(), &claims).await.is_none());
}
