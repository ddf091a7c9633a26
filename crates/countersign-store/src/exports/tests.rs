//! Is what leaves all of it, in order, and under the signed head; and is that it leaves an entry itself?

use tempfile::TempDir;

use super::*;
use crate::allowed::tests::now;
use crate::tree::tests::{append, options};

fn terms(shown: &str) -> ExportTerms {
    ExportTerms { format: "json".to_owned(), target: "file audit.ndjson".to_owned(), shown: shown.to_owned() }
}

fn told(store: &Store) -> Vec<BTreeMap<String, String>> {
    let read = |conn: &Connection| {
        let sql = "SELECT idx FROM entries WHERE kind = 'audit.exported' ORDER BY idx";
        let indexes: Vec<i64> =
            conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        indexes.into_iter().map(|index| entries::beside(conn, index)).collect::<Result<Vec<_>, _>>()
    };
    let values = |beside: entries::Beside| {
        beside.into_iter().map(|(name, (_, value))| (name, value.unwrap())).collect()
    };
    store.read(read).unwrap().into_iter().map(values).collect()
}

#[tokio::test]
async fn an_export_goes_on_where_its_target_left_off() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 5).await;
    let next = store.begin_export("siem".to_owned(), terms(""), false, now()).await.unwrap();
    assert_eq!(next, 5, "from now on, beginning with the entry that tells of it");
    store.export_reached("siem".to_owned(), 6).await.unwrap();
    store.export_reached("siem".to_owned(), 2).await.unwrap();
    drop(store);
    let store = Store::open(&options(&folder)).unwrap();
    let next = store.begin_export("siem".to_owned(), terms(""), true, now()).await.unwrap();
    assert_eq!(next, 6);
    assert_eq!(told(&store).len(), 1, "going on is not beginning");
    let all = store.begin_export("all".to_owned(), terms(""), true, now()).await.unwrap();
    assert_eq!(all, 0);
    let names: Vec<(String, u64)> =
        store.exports().unwrap().into_iter().map(|export| (export.name, export.next)).collect();
    assert_eq!(names, [("all".to_owned(), 0), ("siem".to_owned(), 6)]);
}

#[tokio::test]
async fn an_export_that_shows_more_than_before_is_recorded_again() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    store.begin_export("siem".to_owned(), terms(""), true, now()).await.unwrap();
    store.export_reached("siem".to_owned(), 1).await.unwrap();
    let next = store.begin_export("siem".to_owned(), terms("name,reason"), true, now()).await.unwrap();
    assert_eq!(next, 1);
    let shown: Vec<String> = told(&store).into_iter().map(|told| told["shown"].clone()).collect();
    assert_eq!(shown, ["", "name,reason"]);
}

#[tokio::test]
async fn what_leaves_is_in_order_and_within_what_was_asked_for() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 10).await;
    let size = store.signed_beyond(9).await.unwrap();
    assert_eq!(size, 10);
    let indexes = |wanted, limit| -> Vec<u64> {
        store.entries(wanted, limit).unwrap().into_iter().map(|entry| entry.index).collect()
    };
    assert_eq!(indexes(Wanted::between(3, size), 4), [3, 4, 5, 6]);
    assert_eq!(indexes(Wanted::between(8, 9), 100), [8]);
    let later =
        Wanted { from: Some(now().plus(std::time::Duration::from_secs(1))), ..Wanted::between(0, size) };
    assert!(indexes(later, 100).is_empty());
    assert_eq!(store.count_entries(Wanted { to: later.from, ..Wanted::between(2, size) }).await.unwrap(), 8);
}

#[tokio::test]
async fn an_export_by_hand_says_how_much_was_taken() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    let wanted = Wanted { from: Some(now()), ..Wanted::between(0, 0) };
    store.record_export(terms("name"), wanted, 17, now()).await.unwrap();
    let told = &told(&store)[0];
    assert_eq!((told["by"].as_str(), told["count"].as_str()), ("administrator", "17"));
    assert_eq!((told["from"].as_str(), told["shown"].as_str()), ("2023-11-14T22:13:20.000000Z", "name"));
    assert!(!told.contains_key("to"));
}
