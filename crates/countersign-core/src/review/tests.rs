use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::entropy::Entropy;
use crate::{Gate, Terms};

/// Deterministic bytes; every fill differs.
struct Counter(std::sync::atomic::AtomicU8);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);
const PENDING: Duration = Duration::from_secs(100);
const CLAIM: Duration = Duration::from_secs(50);
const GRANT: Duration = Duration::from_secs(70);

fn id<T>(mint: impl Fn(Timestamp, &dyn Entropy) -> T, seed: u8) -> T {
    mint(START, &Counter(std::sync::atomic::AtomicU8::new(seed)))
}

fn person(seed: u8) -> PersonId {
    id(PersonId::mint, seed)
}

fn groups(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn reviewer(seed: u8, names: &[&str], assurance: Assurance) -> Reviewer {
    Reviewer::signed_in(person(seed), format!("person {seed}"), groups(names), assurance)
}

fn plan(gates: &[(&str, u16, Assurance)]) -> Plan {
    Plan {
        gates: gates
            .iter()
            .map(|(group, quorum, assurance)| {
                let gate = Gate { quorum: *quorum, assurance: *assurance, policies: BTreeSet::new() };
                ((*group).to_owned(), gate)
            })
            .collect(),
        pending_for: PENDING,
        claim_within: CLAIM,
        grant_for: GRANT,
        witnesses: 0,
        reasons: BTreeMap::new(),
        terms: Terms::default(),
    }
}

const REQUESTER: u8 = 99;
const CLAIMED: u8 = 98;

fn open(gates: &[(&str, u16, Assurance)]) -> Review {
    let opening = Opening {
        id: id(ReviewId::mint, 1),
        action: id(ActionId::mint, 2),
        digest: Digest::of(b"the action"),
        plan: plan(gates),
        requesters: BTreeSet::from([person(REQUESTER), person(CLAIMED)]),
        claimed: BTreeSet::from([person(CLAIMED)]),
    };
    Review::open(opening, START)
}

fn dba() -> Review {
    open(&[("dba", 1, Assurance::Session)])
}

fn ballot(review: &Review, answer: Answer) -> Ballot {
    Ballot {
        answer,
        reason: String::new(),
        channel: "console".to_owned(),
        digest: review.digest,
        version: review.version,
    }
}

fn cast(review: &Review, reviewer: &Reviewer, answer: Answer, now: Timestamp) -> Result<Review, Refusal> {
    cast_ballot(review, reviewer, ballot(review, answer), now)
}

fn cast_ballot(
    review: &Review,
    reviewer: &Reviewer,
    ballot: Ballot,
    now: Timestamp,
) -> Result<Review, Refusal> {
    let (vote, grant) = (id(VoteId::mint, 3), id(GrantId::mint, 4));
    review.apply(Event::Cast { reviewer, ballot, vote, grant }, now)
}

/// A review in each state, reached the way that it is reached for real.
fn in_state(state: State) -> Review {
    let voter = reviewer(1, &["dba"], Assurance::Session);
    let approved = || cast(&dba(), &voter, Answer::Approve, START).unwrap();
    let claimed = || approved().apply(Event::Claim { digest: dba().digest }, START).unwrap();
    let review = match state {
        State::Pending => dba(),
        State::Approved => approved(),
        State::Denied => cast(&dba(), &voter, Answer::Deny, START).unwrap(),
        State::Expired => dba().apply(Event::Tick, START.plus(PENDING)).unwrap(),
        State::Cancelled => dba().apply(Event::Cancel, START).unwrap(),
        State::Lapsed => approved().apply(Event::Tick, START.plus(CLAIM)).unwrap(),
        State::Claimed => claimed(),
        State::Executed => claimed().apply(Event::Settle(Status::Executed), START).unwrap(),
        State::Failed => claimed().apply(Event::Settle(Status::Failed), START).unwrap(),
        State::Unknown => claimed().apply(Event::Settle(Status::Unknown), START).unwrap(),
    };
    assert_eq!(review.state, state);
    review
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Asked,
    AskedRequester,
    AskedClaimed,
    Stranger,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Approve(Role),
    Deny(Role),
    Tick,
    Cancel,
    Claim { same_digest: bool },
    Settle(Status),
}

const ROLES: [Role; 4] = [Role::Asked, Role::AskedRequester, Role::AskedClaimed, Role::Stranger];
const STATUSES: [Status; 3] = [Status::Executed, Status::Failed, Status::Unknown];

fn everything() -> Vec<What> {
    let mut all = vec![What::Tick, What::Cancel];
    all.extend(ROLES.map(What::Approve));
    all.extend(ROLES.map(What::Deny));
    all.extend([true, false].map(|same_digest| What::Claim { same_digest }));
    all.extend(STATUSES.map(What::Settle));
    all
}

/// Before any clock, exactly at the claim clock, at the grant clock, at the pending clock, and after all.
fn instants() -> [Duration; 8] {
    let tick = Duration::from_micros(1);
    [Duration::ZERO, CLAIM - tick, CLAIM, GRANT - tick, GRANT, PENDING - tick, PENDING, PENDING * 2]
}

/// The table of what is allowed, written independently of the code under test.
fn expected(state: State, what: What, at: Duration) -> Option<State> {
    let asked = |role| role == Role::Asked && at < PENDING;
    match (state, what) {
        (State::Pending, What::Approve(role)) if asked(role) => Some(State::Approved),
        (State::Pending, What::Deny(role)) if asked(role) || role == Role::AskedClaimed && at < PENDING => {
            Some(State::Denied)
        }
        (State::Pending, What::Tick) if at >= PENDING => Some(State::Expired),
        (State::Pending, What::Cancel) => Some(State::Cancelled),
        (State::Approved, What::Tick) if at >= CLAIM => Some(State::Lapsed),
        (State::Approved, What::Claim { same_digest: true }) if at < CLAIM => Some(State::Claimed),
        (State::Claimed, What::Settle(Status::Executed)) => Some(State::Executed),
        (State::Claimed, What::Settle(Status::Failed)) => Some(State::Failed),
        (State::Claimed, What::Settle(Status::Unknown)) => Some(State::Unknown),
        _ => None,
    }
}

fn happen(review: &Review, what: What, now: Timestamp) -> Result<Review, Refusal> {
    let who = |role| match role {
        Role::Asked => reviewer(7, &["dba"], Assurance::Session),
        Role::AskedRequester => reviewer(REQUESTER, &["dba", "admins"], Assurance::Passkey),
        Role::AskedClaimed => reviewer(CLAIMED, &["dba"], Assurance::Passkey),
        Role::Stranger => reviewer(8, &["admins"], Assurance::Passkey),
    };
    match what {
        What::Approve(role) => cast(review, &who(role), Answer::Approve, now),
        What::Deny(role) => cast(review, &who(role), Answer::Deny, now),
        What::Tick => review.apply(Event::Tick, now),
        What::Cancel => review.apply(Event::Cancel, now),
        What::Claim { same_digest } => {
            let digest = if same_digest { review.digest } else { Digest::of(b"another action") };
            review.apply(Event::Claim { digest }, now)
        }
        What::Settle(status) => review.apply(Event::Settle(status), now),
    }
}

#[test]
fn every_state_takes_exactly_the_events_of_the_table() {
    let mut moved = BTreeSet::new();
    for state in State::ALL {
        let review = in_state(state);
        for what in everything() {
            for at in instants() {
                let result = happen(&review, what, START.plus(at));
                match expected(state, what, at) {
                    Some(to) => {
                        let after =
                            result.unwrap_or_else(|refusal| panic!("{state:?} {what:?} {at:?}: {refusal}"));
                        assert_eq!(after.state, to, "{state:?} {what:?} {at:?}");
                        assert_eq!(after.version, review.version + 1);
                        moved.insert((state, to));
                    }
                    None => assert!(result.is_err(), "{state:?} {what:?} {at:?} moved to {result:?}"),
                }
            }
        }
    }
    assert_eq!(moved.len(), 9, "every arrow of the picture was walked: {moved:?}");
}

#[test]
fn a_final_review_never_moves() {
    for state in State::ALL.into_iter().filter(|state| state.is_final()) {
        let review = in_state(state);
        assert_eq!(review.deadline(), None);
        for what in everything() {
            for at in instants() {
                assert_eq!(happen(&review, what, START.plus(at)), Err(Refusal::NotNow(state)));
            }
        }
    }
}

#[test]
fn a_vote_names_the_digest_and_the_version_that_it_saw() {
    let (review, voter) = (dba(), reviewer(1, &["dba"], Assurance::Session));
    let other = Ballot { digest: Digest::of(b"x"), ..ballot(&review, Answer::Approve) };
    assert_eq!(cast_ballot(&review, &voter, other, START), Err(VoteRefusal::OtherDigest.into()));
    let stale = Ballot { version: 0, ..ballot(&review, Answer::Approve) };
    let refusal = VoteRefusal::OtherVersion { seen: 0, now: 1 };
    assert_eq!(cast_ballot(&review, &voter, stale, START), Err(refusal.into()));
}

#[test]
fn quorum_counts_people_not_votes() {
    let review = open(&[("dba", 2, Assurance::Session)]);
    let (one, two) = (reviewer(1, &["dba"], Assurance::Session), reviewer(2, &["dba"], Assurance::Session));
    let half = cast(&review, &one, Answer::Approve, START).unwrap();
    assert_eq!((half.state, half.missing()), (State::Pending, 1));
    assert_eq!(cast(&half, &one, Answer::Approve, START), Err(VoteRefusal::VotedAlready.into()));
    assert_eq!(cast(&half, &one, Answer::Deny, START), Err(VoteRefusal::VotedAlready.into()));
    assert_eq!(cast(&half, &two, Answer::Approve, START).unwrap().state, State::Approved);
}

#[test]
fn one_person_in_two_groups_fills_one_gate_only() {
    let review = open(&[("dba", 1, Assurance::Session), ("security", 1, Assurance::Session)]);
    let both = reviewer(1, &["dba", "security"], Assurance::Session);
    let half = cast(&review, &both, Answer::Approve, START).unwrap();
    assert_eq!((half.state, half.missing()), (State::Pending, 1));
    // Whichever group the second person is in, the first moves over.
    for group in ["dba", "security"] {
        let second = reviewer(2, &[group], Assurance::Session);
        assert_eq!(cast(&half, &second, Answer::Approve, START).unwrap().state, State::Approved, "{group}");
    }
}

#[test]
fn a_gate_with_assurance_takes_only_people_so_signed_in_and_any_deny() {
    let review = open(&[("dba", 1, Assurance::Passkey)]);
    let weak = reviewer(1, &["dba"], Assurance::Session);
    let refusal = VoteRefusal::AssuranceTooLow(Assurance::Passkey);
    assert_eq!(cast(&review, &weak, Answer::Approve, START), Err(refusal.into()));
    assert_eq!(cast(&review, &weak, Answer::Deny, START).unwrap().state, State::Denied);
    let strong = reviewer(1, &["dba"], Assurance::Passkey);
    assert_eq!(cast(&review, &strong, Answer::Approve, START).unwrap().state, State::Approved);
}

#[test]
fn one_deny_ends_a_review_that_others_approved() {
    let review = open(&[("dba", 3, Assurance::Session)]);
    let one = reviewer(1, &["dba"], Assurance::Session);
    let half = cast(&review, &one, Answer::Approve, START).unwrap();
    let two = reviewer(2, &["dba"], Assurance::Session);
    let denied = cast(&half, &two, Answer::Deny, START).unwrap();
    assert_eq!((denied.state, denied.grant), (State::Denied, None));
}

#[test]
fn a_plan_that_asks_nobody_is_met_by_nobody() {
    let review = open(&[]);
    assert_eq!(review.missing(), 1);
    let anybody = reviewer(1, &["dba", ""], Assurance::Passkey);
    assert_eq!(cast(&review, &anybody, Answer::Approve, START), Err(VoteRefusal::NotAsked.into()));
}

#[test]
fn a_reason_has_a_bound() {
    let (review, voter) = (dba(), reviewer(1, &["dba"], Assurance::Session));
    let long = Ballot { reason: "x".repeat(Ballot::REASON_MAX_BYTES + 1), ..ballot(&review, Answer::Deny) };
    assert_eq!(cast_ballot(&review, &voter, long, START), Err(VoteRefusal::ReasonTooLong.into()));
}

#[test]
fn the_grant_is_spent_by_the_claim() {
    let claimed = in_state(State::Claimed);
    let grant = claimed.grant.unwrap();
    assert_eq!(grant.uses_left, 0);
    assert_eq!(grant.claim(claimed.digest, START), Err(GrantRefusal::UsedUp));
}

#[test]
fn an_earlier_grant_clock_ends_the_approval() {
    let mut review = dba();
    review.plan.grant_for = CLAIM / 2;
    let voter = reviewer(1, &["dba"], Assurance::Session);
    let approved = cast(&review, &voter, Answer::Approve, START).unwrap();
    assert_eq!(approved.deadline(), Some(START.plus(CLAIM / 2)));
    let late = approved.apply(Event::Claim { digest: review.digest }, START.plus(CLAIM / 2));
    assert_eq!(late, Err(GrantRefusal::Ended.into()));
}

/// Who can be seated when every order of seating is tried.
fn seated_by_trial(places: &[&str], voters: &[BTreeSet<String>]) -> usize {
    let Some((voter, rest)) = voters.split_first() else { return 0 };
    let without = seated_by_trial(places, rest);
    let with = (0..places.len()).filter(|place| voter.contains(places[*place])).map(|place| {
        let left: Vec<&str> =
            places.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, group)| *group).collect();
        1 + seated_by_trial(&left, rest)
    });
    with.max().unwrap_or(0).max(without)
}

proptest! {
    #[test]
    fn seating_equals_trying_every_order(
        quorums in proptest::collection::vec(1_u16..=2, 1..=3),
        memberships in proptest::collection::vec(proptest::collection::btree_set(0_usize..3, 0..=3), 0..=4),
    ) {
        let names = ["a", "b", "c"];
        let gates: Vec<(&str, u16, Assurance)> =
            quorums.iter().zip(names).map(|(quorum, name)| (name, *quorum, Assurance::Session)).collect();
        let mut review = open(&gates);
        let voters: Vec<BTreeSet<String>> =
            memberships.iter().map(|set| set.iter().map(|at| names[*at].to_owned()).collect()).collect();
        for (seed, groups) in (1_u8..).zip(&voters) {
            let voter = Reviewer::signed_in(person(seed), "p".to_owned(), groups.clone(), Assurance::Session);
            let ballot = ballot(&review, Answer::Approve);
            review.votes.push(Vote::cast(id(VoteId::mint, seed), &voter, ballot, START));
        }
        let places = places(&review.plan);
        let best = seated_by_trial(&places, &voters);
        prop_assert_eq!(review.missing(), places.len() - best);
    }

    #[test]
    fn no_sequence_of_events_claims_twice_or_without_the_quorum(
        steps in proptest::collection::vec((0_usize..15, 0_u64..150), 0..30),
    ) {
        let all = everything();
        let mut review = open(&[("dba", 1, Assurance::Session)]);
        let (mut claims, mut now) = (0, START);
        for (which, seconds) in steps {
            now = now.plus(Duration::from_secs(seconds % 20));
            if let Ok(next) = happen(&review, all[which % all.len()], now) {
                if next.state == State::Claimed {
                    claims += 1;
                    prop_assert_eq!(next.missing(), 0);
                    prop_assert!(next.votes.iter().all(|vote| !next.requesters.contains(&vote.person)));
                }
                prop_assert!(!review.state.is_final());
                review = next;
            }
        }
        prop_assert!(claims <= 1);
    }
}
