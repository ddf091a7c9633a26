//! The store fails at the n-th write, for every n: nothing runs twice, nothing runs unrecorded, and everybody finds
//! an answer after the restart.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Answer, State, Status, Verb};
use countersign_gate::Verdict;
use countersign_testkit::{CountingUpstream, FailFrom, TestCall, World, WorldOptions};

use crate::ledger;

/// One held call with its approval, as far as it comes. Returns the caller's verdict.
async fn script(world: &World, upstream: &CountingUpstream) -> Verdict {
    let mut call = TestCall::new(upstream);
    call.hold = Duration::from_secs(1);
    let mut is_held = call.held.subscribe();
    let (gate, draft) = (world.gate.clone(), world.draft(Verb::Delete, "orders"));
    let mut waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    tokio::select! {
        verdict = &mut waiting => return verdict.unwrap(),
        held = is_held.wait_for(|held| *held) => if held.is_err() { return waiting.await.unwrap() },
    }
    let pending = world.store.in_state(State::Pending).unwrap();
    let review = world.store.review(pending[0]).unwrap().unwrap();
    if world.vote("ada", &review, Answer::Approve).await.is_err() {
        world.clock.advance(Duration::from_secs(2));
    }
    waiting.await.unwrap()
}

#[tokio::test]
async fn a_store_that_fails_from_the_nth_write_on_runs_nothing_twice_and_nothing_unrecorded() {
    let mut n = 0;
    loop {
        let faults = Arc::new(FailFrom::never());
        let options = WorldOptions { faults: Some(faults.clone()), ..WorldOptions::default() };
        let (world, upstream) = (World::with(options).await, CountingUpstream::default());
        faults.arm(n);
        let before = faults.seen();
        let verdict = script(&world, &upstream).await;
        let writes = faults.seen() - before;
        check_run(n, &world, &upstream, &verdict);

        let restarted = world.reopen().await;
        check_restart(n, &restarted, &upstream).await;
        ledger::check(&restarted);
        if writes <= n {
            assert!(
                matches!(verdict, Verdict::Ran { .. }),
                "without a fault the story ends well: {verdict:?}"
            );
            assert!(n > 10, "the story has more writes than {n}");
            return;
        }
        n += 1;
    }
}

/// While the disk is broken: what reached the upstream was claimed on disk first.
fn check_run(n: u64, world: &World, upstream: &CountingUpstream, verdict: &Verdict) {
    let received = upstream.received().len();
    assert!(received <= 1, "write {n}: ran {received} times");
    let claimed: usize = [State::Claimed, State::Executed]
        .iter()
        .map(|state| world.store.in_state(*state).unwrap().len())
        .sum();
    assert_eq!(received, claimed, "write {n}: ran without a durable claim, or claimed without running");
    if received == 0 {
        assert!(!matches!(verdict, Verdict::Ran { .. }), "write {n}: {verdict:?}");
    }
}

/// After the restart on a good disk: what may have run is settled, and the caller who comes back hears the truth.
async fn check_restart(n: u64, world: &World, upstream: &CountingUpstream) {
    assert!(world.store.in_state(State::Claimed).unwrap().is_empty());
    let ran_before = upstream.received().len();
    let approved = world.store.in_state(State::Approved).unwrap().len();
    let mut call = TestCall::new(upstream);
    call.hold = Duration::ZERO;
    let verdict = world.gate.pass(world.draft(Verb::Delete, "orders"), call).await;
    match verdict {
        Verdict::Ran { outcome, .. } if ran_before == 1 => {
            assert!(matches!(outcome.status, Status::Executed | Status::Unknown), "write {n}");
            assert_eq!(upstream.received().len(), 1, "write {n}: retried silently");
        }
        Verdict::Ran { .. } => assert_eq!(approved, 1, "write {n}: ran without approval"),
        Verdict::Pending(_) => assert_eq!(upstream.received().len(), ran_before, "write {n}"),
        Verdict::Denied { reason, .. } => panic!("write {n}: {reason:?}"),
    }
}

#[tokio::test]
async fn an_allowed_action_does_not_run_when_it_cannot_be_recorded() {
    let faults = Arc::new(FailFrom::never());
    let options = WorldOptions { faults: Some(faults.clone()), ..WorldOptions::default() };
    let (world, upstream) = (World::with(options).await, CountingUpstream::default());
    faults.arm(0);
    let verdict = world.gate.pass(world.draft(Verb::Read, "orders"), TestCall::new(&upstream)).await;
    assert!(matches!(&verdict, Verdict::Denied { reason, .. } if reason.code.word() == "store_unavailable"));
    assert!(upstream.received().is_empty());
    faults.mend();
    let verdict = world.gate.pass(world.draft(Verb::Read, "orders"), TestCall::new(&upstream)).await;
    assert!(super::ran(&verdict), "the gateway goes on by itself: {verdict:?}");
}
