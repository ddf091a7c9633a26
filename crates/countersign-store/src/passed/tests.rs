use countersign_core::{Timestamp, Verb};
use tempfile::TempDir;

use super::*;
use crate::batches::tests::{by, id, now, open, outcome, pass, what};
use crate::batches::{Gathered, Line};
use crate::writer::Durability;

fn after(millis: i64) -> Timestamp {
    Timestamp::from_micros(now().as_micros() + millis * 1000)
}

/// A batch of its own with these lines: who, when, and which payload.
async fn batch(store: &Store, lines: &[(&str, u8, i64, &str)]) {
    let mut gathered = Gathered::default();
    let what = store.heading(&what()).unwrap();
    let mut bys = HashMap::new();
    for (name, n, millis, payload) in lines {
        let line = Line {
            id: Some(ActionId::mint(after(*millis), &Same(*n))),
            at: Some(after(*millis).as_micros()),
            by: Some(*bys.entry(*name).or_insert_with(|| store.heading(&by(name)).unwrap())),
            what: Some(what),
            payload: Some(serde_json::from_str(payload).unwrap()),
            ..Line::default()
        };
        gathered.add(after(*millis), &(serde_json::to_string(&line).unwrap() + "\n"));
    }
    store.write(Durability::Relaxed, |tx| gathered.insert(tx)).await.unwrap();
}

struct Same(u8);

impl countersign_core::Entropy for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// `Straße "x"` as JSON.
const STREET: &str = r#""Straße \"x\"""#;

async fn found(store: &Store, query: Query) -> Vec<String> {
    let page = store.passed_records(Query { limit: 200, ..query }).await.unwrap();
    assert_eq!(page.next, None);
    page.items.into_iter().map(|record| record.payload).collect()
}

#[tokio::test]
async fn every_filter_is_for_each_action() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    batch(&store, &[("ann", 1, 0, "1"), ("bob", 2, 5, STREET)]).await;
    batch(&store, &[("ann", 3, 10, "3"), ("ann", 4, 20_000, "4")]).await;
    // A clock that was set back.
    batch(&store, &[("bob", 5, 7, "5")]).await;
    let some = |text: &str| Some(text.to_owned());
    let all = Query::default();
    let table: [(Query, &[&str]); 15] = [
        (all.clone(), &["4", "3", "5", STREET, "1"]),
        (Query { agent: some("ann"), ..all.clone() }, &["4", "3", "1"]),
        (Query { agent: some("an"), ..all.clone() }, &[]),
        (Query { resource: some("orders"), agent: some("bob"), ..all.clone() }, &["5", STREET]),
        (Query { resource: some("other"), ..all.clone() }, &[]),
        (
            Query { operation: some("SELECT"), verb: Some(Verb::Read), ..all.clone() },
            &["4", "3", "5", STREET, "1"],
        ),
        (Query { verb: Some(Verb::Write), ..all.clone() }, &[]),
        (Query { text: some("STRASSE"), ..all.clone() }, &[]),
        (Query { text: some("straß"), ..all.clone() }, &[STREET]),
        // As somebody would type it who has the statement before their eyes.
        (Query { text: some("SSE \"x\""), ..all.clone() }, &[]),
        (Query { text: some("aße \"X\""), ..all.clone() }, &[STREET]),
        (Query { text: some("PUBLIC.T"), ..all.clone() }, &["4", "3", "5", STREET, "1"]),
        (Query { from: Some(after(5)), until: Some(after(10)), ..all.clone() }, &["5", STREET]),
        (Query { from: Some(after(10)), ..all.clone() }, &["4", "3"]),
        (Query { until: Some(after(7)), ..all.clone() }, &[STREET, "1"]),
    ];
    for (query, wanted) in table {
        assert_eq!(found(&store, query.clone()).await, wanted, "{query:?}");
    }
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repetition() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    for n in 0..7 {
        pass(&store, n, "{}");
        if n % 3 == 0 {
            store.catch_up().await;
        }
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.passed_records(Query { limit: 2, cursor, ..Query::default() }).await.unwrap();
        seen.extend(page.items.iter().map(|record| record.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..7).rev().map(id).collect::<Vec<_>>());
    for never_given in [0, u64::from(u32::MAX), i64::MAX.unsigned_abs()] {
        let page =
            store.passed_records(Query { cursor: Some(never_given), ..Query::default() }).await.unwrap();
        assert!(page.items.is_empty() && page.next.is_none());
    }
}

#[tokio::test]
async fn an_outcome_is_found_past_the_edge_of_the_page() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    for n in 0..4 {
        pass(&store, n, "{}");
    }
    store.catch_up().await;
    for n in 0..4 {
        store.passed(id(n), outcome(u64::from(n)), after(30)).unwrap();
        store.catch_up().await;
    }
    let mut cursor = None;
    for n in (0..4).rev() {
        let page = store.passed_records(Query { limit: 1, cursor, ..Query::default() }).await.unwrap();
        assert_eq!(page.items[0].outcome, Some(outcome(n)));
        cursor = page.next;
    }
    let early = Query { until: Some(after(1)), limit: 9, ..Query::default() };
    let page = store.passed_records(early).await.unwrap();
    assert!(page.items.iter().all(|record| record.outcome.is_some()));
    let one = store.passed_record(id(2)).await.unwrap().unwrap();
    assert_eq!((one.id, one.outcome), (id(2), Some(outcome(2))));
}

#[tokio::test]
async fn one_is_found_by_its_id_and_only_it() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    batch(&store, &[("ann", 1, -50_000, "1"), ("ann", 2, 0, "2"), ("ann", 3, 0, "3")]).await;
    batch(&store, &[("ann", 4, 0, "4"), ("ann", 5, 1, "5")]).await;
    for (n, millis) in [(1, -50_000), (2, 0), (3, 0), (4, 0), (5, 1)] {
        let record = store.passed_record(ActionId::mint(after(millis), &Same(n))).await.unwrap().unwrap();
        assert_eq!(record.payload, n.to_string());
    }
    for (n, millis) in [(6, 0), (1, -49_999), (5, 2)] {
        assert_eq!(store.passed_record(ActionId::mint(after(millis), &Same(n))).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_search_looks_at_so_much_says_how_far_it_came_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    batch(&store, &[("rare", 1, -10, "\"needle\"")]).await;
    let many = vec![("bot", 2, 0, "{}"); usize::try_from(LOOKED_AT_MAX).unwrap() / 2];
    for _ in 0..3 {
        batch(&store, &many).await;
    }
    let rare = Query { agent: Some("rare".to_owned()), limit: 9, ..Query::default() };
    let first = store.passed_records(rare.clone()).await.unwrap();
    assert_eq!((first.items.len(), first.looked_at), (0, LOOKED_AT_MAX));
    assert_eq!(first.looked_back_to, Some(now()));
    let second = store.passed_records(Query { cursor: first.next, ..rare }).await.unwrap();
    assert_eq!(second.items.iter().map(|record| &record.payload).collect::<Vec<_>>(), ["\"needle\""]);
    assert_eq!((second.looked_at, second.next, second.looked_back_to), (LOOKED_AT_MAX / 2 + 1, None, None));
}

/// The searches must be found by the index, not by reading every batch.
#[tokio::test]
async fn no_search_reads_the_whole_table() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let plan = |conn: &Connection| {
        let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {PAGE}"))?;
        let rows = statement.query_map(params![0, 0, 0, 0, 0], |row| row.get(3))?;
        Ok(rows.collect::<Result<Vec<String>, _>>()?)
    };
    let plan = store.read(plan).unwrap();
    assert_eq!(plan, ["SEARCH batches USING INDEX batches_by_time (last_at>? AND last_at<?)"]);
}
