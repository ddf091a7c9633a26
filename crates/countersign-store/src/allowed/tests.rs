//! Is what the journal holds in the database afterwards, once, whatever happened in between?

use std::collections::BTreeMap;

use countersign_core::{
    AgentId, Digest, Draft, Effect, Effects, Entropy, Principal, Reason, ReasonCode, Resource, Status, Terms,
    Verb,
};
use tempfile::TempDir;

use super::*;
use crate::journal::Journal;
use crate::{Durability, Options};

struct Counting(std::sync::atomic::AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

fn options(folder: &TempDir) -> Options {
    Options::new(
        folder.path(),
        Arc::new(Counting(0.into())),
        crate::tree::tests::key(),
        crate::tree::tests::content_key(),
    )
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000)
}

pub(crate) fn action(n: u8) -> Arc<Action> {
    let entropy = Counting(n.into());
    let draft = Draft {
        resource: Resource { name: "orders".to_owned(), protocol: "mcp".to_owned(), labels: BTreeMap::new() },
        principal: Principal {
            agent: AgentId::mint(now(), &entropy),
            name: "batch".to_owned(),
            teams: std::collections::BTreeSet::new(),
            links: Vec::new(),
        },
        operation: "tools/call list".to_owned(),
        effects: Effects::new([Effect::new(Verb::Read, "rows")], "rows").unwrap(),
        payload: vec![n; 3],
        sameness: Digest::of(&[n]),
        arguments: BTreeMap::new(),
        facts: BTreeMap::new(),
        preview: None,
        claim: None,
    };
    let id = ActionId::mint(now(), &entropy);
    Arc::new(Action::bind(draft, Digest::of(b"policy"), id, now()))
}

fn allowed() -> Decision {
    Decision::Allow(Terms::default())
}

fn outcome() -> Outcome {
    Outcome { status: Status::Executed, result: None, rows: None, duration_us: 5, note: None }
}

fn entries(store: &Store) -> Vec<String> {
    let kinds = |conn: &rusqlite::Connection| {
        let mut statement = conn.prepare("SELECT kind FROM entries ORDER BY idx")?;
        let kinds = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(kinds)
    };
    store.read(kinds).unwrap()
}

#[tokio::test]
async fn an_allowed_action_and_its_outcome_are_one_row_and_two_entries() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    let act = action(1);
    store.record_judged(act.clone(), allowed()).unwrap();
    store.settle_allowed(act.id(), outcome(), Some(b"rows".to_vec()), now()).unwrap();
    store.settle_allowed(act.id(), Outcome::unknown("late"), None, now()).unwrap();
    store.catch_up().await;
    let record = store.action(act.id()).unwrap().unwrap();
    assert_eq!((record.action, record.outcome), ((*act).clone(), Some(outcome())));
    assert_eq!(record.result.as_deref(), Some(b"rows".as_slice()));
    assert_eq!(entries(&store), ["action.requested", "action.executed"]);
}

#[tokio::test]
async fn an_outcome_that_comes_later_finds_its_action() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    let act = action(1);
    store.record_judged(act.clone(), allowed()).unwrap();
    store.catch_up().await;
    assert_eq!(store.released_without_review().unwrap(), [act.id()]);
    store.settle_allowed(act.id(), outcome(), None, now()).unwrap();
    store.catch_up().await;
    assert!(store.released_without_review().unwrap().is_empty());
    assert_eq!(store.action(act.id()).unwrap().unwrap().outcome, Some(outcome()));
    assert_eq!(entries(&store), ["action.requested", "action.executed"]);
}

#[tokio::test]
async fn a_denied_action_is_never_released() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    let act = action(1);
    let reason = Reason::new(ReasonCode::Forbidden, "no");
    store.record_judged(act.clone(), Decision::Deny(reason)).unwrap();
    store.settle_allowed(act.id(), outcome(), None, now()).unwrap();
    store.catch_up().await;
    assert!(store.released_without_review().unwrap().is_empty());
    assert_eq!(store.action(act.id()).unwrap().unwrap().outcome, None);
    assert_eq!(entries(&store), ["action.requested"]);
}

/// The frames that a crash left, as the process wrote them.
fn crash(folder: &TempDir, acts: &[Arc<Action>], settled: &Action) {
    let (journal, _) = Journal::open(folder.path(), 0, None).unwrap();
    for act in acts {
        let (body, judged) = (serde_json::to_vec(&**act).unwrap(), serde_json::to_vec(&allowed()).unwrap());
        journal.append(&frame(JUDGED, &[&body, &judged], act.payload()).unwrap(), ()).unwrap();
    }
    let ended = Ended { outcome: outcome(), result: Some(Vec::new()), at: now() };
    let head = serde_json::to_vec(&(settled.id(), &ended)).unwrap();
    journal.append(&frame(SETTLED_WITH_RESULT, &[&head], b"rows").unwrap(), ()).unwrap();
}

#[tokio::test]
async fn what_a_crash_left_in_the_journal_is_recorded_at_the_next_start_and_only_once() {
    let folder = TempDir::new().unwrap();
    let acts = [action(1), action(2)];
    crash(&folder, &acts, &acts[0]);
    for start in 0..3 {
        let store = Store::open(&options(&folder)).unwrap();
        assert_eq!(store.released_without_review().unwrap(), [acts[1].id()], "start {start}");
        let first = store.action(acts[0].id()).unwrap().unwrap();
        assert_eq!((first.outcome, first.result.as_deref()), (Some(outcome()), Some(b"rows".as_slice())));
        let kinds = ["action.requested", "action.executed", "action.requested"];
        assert_eq!(entries(&store), kinds, "start {start}");
    }
}

#[tokio::test]
async fn a_journal_that_was_moved_already_is_not_moved_again() {
    let folder = TempDir::new().unwrap();
    let acts = [action(1)];
    crash(&folder, &acts, &acts[0]);
    let kept = std::fs::read(folder.path().join("journal-a")).unwrap();
    drop(Store::open(&options(&folder)).unwrap());
    // As if the crash had come after the commit and before the file was emptied.
    std::fs::write(folder.path().join("journal-a"), kept).unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    assert_eq!(entries(&store), ["action.requested", "action.executed"]);
}

#[test]
fn frames_of_any_bytes_are_refused_or_read_but_never_panic() {
    for kind in [JUDGED, SETTLED, b'?'] {
        for length in [0_u32, 1, 4, u32::MAX] {
            let frame = [&[kind], length.to_be_bytes().as_slice(), b"{}"].concat();
            assert!(parse(&frame).is_none());
        }
    }
    assert!(parse(b"").is_none());
}

/// Commands open the store while the gateway is appending to the journal.
#[tokio::test]
async fn a_process_that_records_nothing_leaves_the_journal_to_the_gateway() {
    let folder = TempDir::new().unwrap();
    let gateway = Store::open(&options(&folder)).unwrap();
    for n in 0..20 {
        gateway.record_judged(action(n), allowed()).unwrap();
        let command = Store::open(&Options { records_actions: false, ..options(&folder) }).unwrap();
        command.record_judged(action(100 + n), allowed()).unwrap_err();
        command.heartbeat(now()).await.unwrap();
        drop(command);
        gateway.write(Durability::Relaxed, |_tx| Ok(())).await.unwrap();
    }
    for n in 0..20 {
        assert!(gateway.action(action(n).id()).unwrap().is_some(), "{n}");
        assert!(gateway.action(action(100 + n).id()).unwrap().is_none());
    }
}

/// A gateway that was left behind and one that took its place find the same frames.
#[tokio::test]
async fn what_another_has_moved_is_not_moved_again() {
    let folder = TempDir::new().unwrap();
    for n in 0..20 {
        let old = Store::open(&options(&folder)).unwrap();
        old.record_judged(action(n), allowed()).unwrap();
        let new = Store::open(&options(&folder)).unwrap();
        old.write(Durability::Relaxed, |_tx| Ok(())).await.unwrap();
        new.write(Durability::Relaxed, |_tx| Ok(())).await.unwrap();
        assert!(new.action(action(n).id()).unwrap().is_some(), "{n}");
    }
}
