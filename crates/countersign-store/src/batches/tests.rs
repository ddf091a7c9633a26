//! Does every passed action come back as it was recorded?

use countersign_core::{AgentId, Effect, Entropy, PassedRecord, Query, Status, Verb};
use tempfile::TempDir;

use rusqlite::Connection;

use super::*;
use crate::Options;

struct Counting(std::sync::atomic::AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000)
}

pub(crate) fn open(folder: &TempDir) -> Store {
    Store::open(&Options::new(
        folder.path(),
        std::sync::Arc::new(Counting(0.into())),
        crate::tree::tests::key(),
        crate::tree::tests::content_key(),
    ))
    .unwrap()
}

pub(crate) fn by(name: &str) -> By {
    By {
        principal: Principal {
            agent: AgentId::mint(now(), &Counting(9.into())),
            name: name.to_owned(),
            teams: BTreeSet::new(),
            links: Vec::new(),
        },
        resource: Resource { name: "orders".to_owned(), protocol: "postgres".to_owned(), labels: [].into() },
        policy: Digest::of(b"policy"),
        policies: BTreeSet::from(["reads".to_owned()]),
        facts: BTreeMap::new(),
    }
}

pub(crate) fn what() -> What {
    What {
        operation: "SELECT".to_owned(),
        effects: Effects::new([Effect::new(Verb::Read, "public.t")], "t").unwrap(),
    }
}

pub(crate) fn id(n: u8) -> ActionId {
    ActionId::mint(now(), &Counting(n.into()))
}

pub(crate) fn pass(store: &Store, n: u8, payload: &str) {
    let (by, what) = (store.heading(&by("bot")).unwrap(), store.heading(&what()).unwrap());
    store.passes(id(n), now(), &Headings::new(by, what), payload).unwrap();
}

pub(crate) fn outcome(rows: u64) -> Outcome {
    Outcome { status: Status::Executed, result: None, rows: Some(rows), duration_us: 7, note: None }
}

async fn all(store: &Store) -> Vec<PassedRecord> {
    store.passed_records(Query { limit: 200, ..Query::default() }).await.unwrap().items
}

#[tokio::test]
async fn what_passed_comes_back_with_what_became_of_it() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    pass(&store, 1, r#"{"statements":[{"text":"SELECT '\n'"}]}"#);
    pass(&store, 2, "{}");
    store.passed(id(1), outcome(3), now()).unwrap();
    let records = all(&store).await;
    assert_eq!(records.iter().map(|record| record.id).collect::<Vec<_>>(), [id(2), id(1)]);
    assert_eq!(records[0].outcome, None);
    assert_eq!(records[1].outcome, Some(outcome(3)));
    assert_eq!(records[1].payload, r#"{"statements":[{"text":"SELECT '\n'"}]}"#);
    assert_eq!(
        (records[1].principal.clone(), records[1].effects.clone()),
        (by("bot").principal, what().effects)
    );
}

#[tokio::test]
async fn one_entry_commits_to_all_lines_of_a_batch() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    for n in 1..=3 {
        pass(&store, n, "{}");
    }
    store.catch_up().await;
    let sql = "SELECT b.body, CAST(opened(c.owner, k.wrapped, 'contents.' || c.idx, c.body) AS TEXT)
         FROM batches b JOIN contents c ON c.idx = b.entry JOIN keys k ON k.owner = c.owner
         JOIN entries e ON e.idx = b.entry WHERE e.kind = 'actions.passed'";
    let read = |conn: &Connection| {
        let mut statement = conn.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<Vec<(Vec<u8>, String)>, _>>()?)
    };
    let batches = store.read(read).unwrap();
    let lines: usize = batches.iter().map(|(body, _)| body.split(|byte| *byte == b'\n').count() - 1).sum();
    assert_eq!(lines, 3);
    for (body, content) in batches {
        assert!(content.contains(&Digest::of(&body).to_string()), "{content}");
    }
}

#[tokio::test]
async fn what_a_crash_left_is_found_and_headings_with_it() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = crate::journal::Journal::open(folder.path(), 0, None).unwrap();
    let body = |heading: &str| frame(HEADING, heading.as_bytes());
    let (by, what) = (serde_json::to_string(&by("bot")).unwrap(), serde_json::to_string(&what()).unwrap());
    journal.append(&body(&by), ()).unwrap();
    journal.append(&body(&what), ()).unwrap();
    let line = Line {
        id: Some(id(1)),
        at: Some(5),
        by: Some(Digest::of(by.as_bytes())),
        what: Some(Digest::of(what.as_bytes())),
        payload: serde_json::from_str("{\"a\":1}").unwrap(),
        ..Line::default()
    };
    let line = format!("{}\n", serde_json::to_string(&line).unwrap());
    journal.append(&frame(LINE, line.as_bytes()), ()).unwrap();
    drop(journal);
    let store = open(&folder);
    let [record] = all(&store).await.try_into().unwrap();
    assert_eq!((record.id, record.outcome), (id(1), None));
}

#[tokio::test]
async fn no_batch_spans_more_than_a_minute() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let (by, what) = (store.heading(&by("bot")).unwrap(), store.heading(&what()).unwrap());
    // A clock that was set back, and one that was set forward again.
    for (n, seconds) in [(1, 0), (2, 60), (3, -1), (4, 7_200), (5, 7_201)] {
        let at = Timestamp::from_micros(now().as_micros() + seconds * 1_000_000);
        store.passes(id(n), at, &Headings::new(by, what), "{}").unwrap();
    }
    store.catch_up().await;
    let read = |conn: &Connection| {
        let mut statement = conn.prepare("SELECT last_at - first_at, count FROM batches ORDER BY seq")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<Vec<(i64, i64)>, _>>()?)
    };
    let spans = store.read(read).unwrap();
    assert!(spans.iter().all(|(span, _)| *span <= 60_000_000), "{spans:?}");
    assert_eq!(spans.iter().map(|(_, count)| count).sum::<i64>(), 5);
    assert_eq!(all(&store).await.len(), 5);
}
