//! Is everything found, once, and never looked for without end?

use std::sync::Arc;

use countersign_core::{AuditPage, AuditQuery, Bearing, Decision, Outcome, Status, Terms, Timestamp};
use rusqlite::params;
use tempfile::TempDir;

use super::{BY_CASE, BY_TIME, BYTES_MAX, LOOKED_AT_MAX};
use crate::Store;
use crate::allowed::tests::{action, now};
use crate::tree::tests::{append, file, options};

fn query() -> AuditQuery {
    AuditQuery { limit: 100, ..AuditQuery::default() }
}

fn open() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    (folder, store)
}

/// Entries of `case` from `first` on, one a microsecond, which nothing but this reads.
fn put(folder: &TempDir, first: u64, count: u64, kind: &str, leaf: &[u8]) {
    let sql = "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
               INSERT INTO entries SELECT i, ?3, i, 'log', ?4, zeroblob(32) FROM n";
    file(folder)
        .execute(sql, params![first.cast_signed(), (first + count - 1).cast_signed(), kind, leaf])
        .unwrap();
}

fn indexes(page: &AuditPage) -> Vec<u64> {
    page.items.iter().map(|entry| entry.index).collect()
}

#[tokio::test]
async fn filters_narrow_by_type_family_case_actor_resource_agent_and_time() {
    let (_folder, store) = open();
    append(&store, 3).await;
    let some = action(1);
    store.record_judged(Arc::clone(&some), Decision::Allow(Terms::default())).unwrap();
    let outcome = Outcome { status: Status::Failed, result: None, rows: None, duration_us: 9, note: None };
    store.settle_allowed(some.id(), outcome, None, now()).unwrap();
    let all = store.audit(query()).await.unwrap();
    assert_eq!((indexes(&all), all.next, all.looked_back_to), (vec![4, 3, 2, 1, 0], None, None));
    let text = |value: &str| Some(value.to_owned());
    let agent = some.principal().agent.to_string();
    for (what, asked, found) in [
        ("type", AuditQuery { kind: text("action.failed"), ..query() }, vec![4]),
        ("family", AuditQuery { kind: text("action"), ..query() }, vec![4, 3]),
        ("half a word", AuditQuery { kind: text("act"), ..query() }, vec![]),
        ("case", AuditQuery { case: Some(some.id().to_string()), ..query() }, vec![4, 3]),
        ("actor", AuditQuery { actor: Some(agent), ..query() }, vec![3]),
        ("resource", AuditQuery { resource: text("orders"), ..query() }, vec![4, 3]),
        ("another resource", AuditQuery { resource: text("order"), ..query() }, vec![]),
        ("agent", AuditQuery { agent: text("batch"), ..query() }, vec![4, 3]),
        ("both", AuditQuery { agent: text("batch"), resource: text("other"), ..query() }, vec![]),
        ("from", AuditQuery { from: Some(now()), ..query() }, vec![4, 3, 2, 1, 0]),
        ("until", AuditQuery { until: Some(now()), ..query() }, vec![]),
        (
            "case in time",
            AuditQuery { case: Some(some.id().to_string()), until: Some(now()), ..query() },
            vec![],
        ),
    ] {
        assert_eq!(indexes(&store.audit(asked).await.unwrap()), found, "{what}");
    }
    let times = store.audit_times(AuditQuery { cursor: Some(1), ..query() }).await.unwrap();
    let bearings: Vec<Bearing> = times.marks.iter().map(|(_, bearing)| *bearing).collect();
    assert_eq!(bearings[..2], [Bearing::Failed, Bearing::Allowed]);
    assert_eq!(bearings.len(), 5);
}

#[tokio::test]
async fn pages_hold_every_entry_once_though_all_are_of_one_microsecond() {
    let (_folder, store) = open();
    append(&store, 40).await;
    for case in [None, Some("log".to_owned())] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = AuditQuery { limit: 7, cursor, case: case.clone(), ..query() };
            let page = store.audit(page).await.unwrap();
            found.extend(indexes(&page));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, (0..40).rev().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn entries_of_a_clock_that_was_set_back_are_found_by_their_time() {
    let (folder, store) = open();
    for (index, time) in [(0, 100), (1, 200), (2, 50), (3, 300), (4, 150)] {
        let sql = "INSERT INTO entries VALUES (?1, 'log.heartbeat', ?2, 'log', x'7b7d', zeroblob(32))";
        file(&folder).execute(sql, [index, time]).unwrap();
    }
    let between = |from, until| AuditQuery {
        from: Some(Timestamp::from_micros(from)),
        until: Some(Timestamp::from_micros(until)),
        ..query()
    };
    assert_eq!(indexes(&store.audit(between(50, 201)).await.unwrap()), [1, 4, 0, 2]);
    let first = store.audit(AuditQuery { limit: 2, ..between(50, 201) }).await.unwrap();
    let second = store.audit(AuditQuery { cursor: first.next, ..between(50, 201) }).await.unwrap();
    assert_eq!((indexes(&first), indexes(&second)), (vec![1, 4], vec![0, 2]));
}

#[tokio::test]
async fn a_search_looks_at_so_many_entries_says_so_and_goes_on_from_there() {
    let (folder, store) = open();
    put(&folder, 0, 1, "policy.changed", b"{}");
    put(&folder, 1, 2 * LOOKED_AT_MAX + 5, "log.heartbeat", b"{}");
    for case in [None, Some("log".to_owned())] {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let rare =
                AuditQuery { kind: Some("policy.changed".to_owned()), case: case.clone(), cursor, ..query() };
            let page = store.audit(rare).await.unwrap();
            cursor = page.next;
            pages.push(page);
            if cursor.is_none() {
                break;
            }
        }
        let looked: Vec<u64> = pages.iter().map(|page| page.looked_at).collect();
        assert_eq!(looked, [LOOKED_AT_MAX, LOOKED_AT_MAX, 6]);
        assert_eq!(indexes(&pages[2]), [0]);
        assert!(
            pages[0].items.is_empty()
                && pages[0].looked_back_to.is_some()
                && pages[2].looked_back_to.is_none()
        );
    }
    let times = store.audit_times(query()).await.unwrap();
    assert_eq!(times.marks.len() as u64, LOOKED_AT_MAX);
    assert!(times.looked_back_to.is_some());
    let whole =
        store.audit_times(AuditQuery { until: Some(Timestamp::from_micros(9)), ..query() }).await.unwrap();
    assert_eq!((whole.marks.len(), whole.looked_back_to), (9, None));
}

#[tokio::test]
async fn a_page_of_large_leaves_ends_early_and_goes_on() {
    let (folder, store) = open();
    let leaf = vec![b' '; 60_000];
    let count = u64::try_from(BYTES_MAX / leaf.len()).unwrap() + 20;
    put(&folder, 0, count, "log.heartbeat", &leaf);
    let first = store.audit(AuditQuery { limit: AuditQuery::LIMIT_MAX, ..query() }).await.unwrap();
    assert!(first.items.len() as u64 <= count - 19, "{} of {count}", first.items.len());
    let second = store
        .audit(AuditQuery { limit: AuditQuery::LIMIT_MAX, cursor: first.next, ..query() })
        .await
        .unwrap();
    assert_eq!((first.items.len() + second.items.len()) as u64, count);
    assert_eq!(second.next, None);
}

#[test]
fn searches_walk_an_index_and_sort_nothing() {
    let (folder, _store) = open();
    let conn = file(&folder);
    for (sql, count) in [(BY_TIME, 3), (BY_CASE, 2)] {
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![0; count];
        let rows = plan.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = rows.map(Result::unwrap).collect();
        assert_eq!(steps.len(), 1, "{steps:?}");
        assert!(steps[0].starts_with("SEARCH entries USING INDEX entries_by_"), "{steps:?}");
    }
}
