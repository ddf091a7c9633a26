use super::*;
use crate::tree::tests::{append, content_key, entropy, file, options};
use crate::{Options, Store};
use tempfile::TempDir;

fn seals() -> Seals {
    Seals::new(content_key(), entropy())
}

/// A connection that has a key of `act_1` and a value that it sealed.
fn sealed_value() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    seals().teach(&connection).unwrap();
    seals().teach_sealing(&connection).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE kept (owner, wrapped, what, body);
             INSERT INTO kept (owner, wrapped, what) VALUES ('act_1', fresh_key('act_1'), 'actions.body');
             UPDATE kept SET body = sealed(owner, wrapped, what, 'the rows of alice');",
        )
        .unwrap();
    connection
}

fn opened(connection: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    connection.query_row("SELECT opened(owner, wrapped, what, body) FROM kept", [], |row| row.get(0))
}

#[test]
fn what_was_sealed_is_opened_and_nothing_of_it_can_be_read_otherwise() {
    let connection = sealed_value();
    assert_eq!(opened(&connection).unwrap().as_deref(), Some(b"the rows of alice".as_slice()));
    let body: Vec<u8> = connection.query_row("SELECT body FROM kept", [], |row| row.get(0)).unwrap();
    assert_eq!(body.len(), 12 + "the rows of alice".len() + 16);
    assert!(!body.windows(5).any(|window| window == b"alice"));
}

#[test]
fn a_value_opens_only_for_its_owner_at_its_place_and_unchanged() {
    for change in [
        "UPDATE kept SET owner = 'act_2'",
        "UPDATE kept SET what = 'actions.payload'",
        "UPDATE kept SET body = CAST(substr(body, 1, length(body) - 1) || x'00' AS BLOB)",
        "UPDATE kept SET body = substr(body, 1, 11)",
        "UPDATE kept SET body = x''",
        "UPDATE kept SET wrapped = fresh_key(owner)",
        "UPDATE kept SET wrapped = fresh_key('act_2')",
        "UPDATE kept SET wrapped = x''",
    ] {
        let connection = sealed_value();
        assert_eq!(connection.execute(change, []).unwrap(), 1);
        let error = opened(&connection).unwrap_err().to_string();
        assert!(error.contains("can't be opened"), "{change}: {error}");
    }
}

#[test]
fn without_its_key_a_value_is_gone() {
    let connection = sealed_value();
    connection.execute("UPDATE kept SET wrapped = NULL", []).unwrap();
    assert_eq!(opened(&connection).unwrap(), None);
}

#[test]
fn the_same_value_is_never_sealed_to_the_same_bytes() {
    let connection = sealed_value();
    let body = || -> Vec<u8> { connection.query_row("SELECT body FROM kept", [], |row| row.get(0)).unwrap() };
    let first = body();
    let again = "UPDATE kept SET body = sealed(owner, wrapped, what, 'the rows of alice')";
    connection.execute(again, []).unwrap();
    assert_ne!(first, body());
}

#[tokio::test]
async fn another_content_key_does_not_open_the_store() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    store
        .policy_changed(countersign_core::Digest::of(b"one"), Vec::new(), crate::allowed::tests::now())
        .await
        .unwrap();
    append(&store, 1).await;
    drop(store);
    let size =
        || -> i64 { file(&folder).query_row("SELECT size FROM log_state", [], |row| row.get(0)).unwrap() };
    let before = size();
    let other = Arc::new(ContentKey::new(&[1; 32]).unwrap());
    let wrong = Options { content_key: other, ..options(&folder) };
    assert!(matches!(Store::open(&wrong), Err(StoreError::OtherContentKey)));
    assert_eq!(size(), before, "nothing was written under it");
    Store::open(&options(&folder)).unwrap();
}
