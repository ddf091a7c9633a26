//! Does every reading leave its trace, and no more than one?

use std::sync::Arc;

use countersign_core::{Decision, PersonId, Terms};
use countersign_ledger::checkpoint::TrustedLog;
use tempfile::TempDir;

use super::*;
use crate::allowed::tests::{action, now};
use crate::tree::tests::{file, key, options};

fn ada(options: &crate::Options) -> Reader {
    Reader::Person { id: PersonId::mint(now(), options.entropy.as_ref()), name: "ada".to_owned() }
}

fn reads(folder: &TempDir) -> i64 {
    let sql = "SELECT count(*) FROM entries WHERE kind = 'audit.read'";
    file(folder).query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_receipt_tells_who_has_read_it_and_still_holds() {
    let folder = TempDir::new().unwrap();
    let options = options(&folder);
    let store = Store::open(&options).unwrap();
    let action = action(1);
    store.record_judged(Arc::clone(&action), Decision::Allow(Terms::default())).unwrap();
    let ada = ada(&options);
    let receipt = store.read_receipt(action.id(), ada.clone(), now()).await.unwrap().unwrap();
    let log = TrustedLog::new(&[key().key().clone()]).unwrap();
    let report = receipt.verify(&log).unwrap();
    assert!(report.undisclosed.is_empty());
    let last = receipt.entries.last().unwrap();
    assert!(last.leaf.contains("\"type\":\"audit.read\""), "{}", last.leaf);
    assert!(last.leaf.contains(&ada.actor().id), "{}", last.leaf);
    assert!(!last.leaf.contains("ada"), "the name is content: {}", last.leaf);
    assert_eq!(last.content["name"].value, "ada");

    store.read_receipt(action.id(), Reader::Administrator, now()).await.unwrap().unwrap();
    assert_eq!(reads(&folder), 2);
}

#[tokio::test]
async fn who_reads_on_and_on_does_not_fill_the_case() {
    let folder = TempDir::new().unwrap();
    let options = options(&folder);
    let store = Store::open(&options).unwrap();
    let action = action(1);
    store.record_judged(Arc::clone(&action), Decision::Allow(Terms::default())).unwrap();
    let ada = ada(&options);
    for _ in 0..20 {
        store.read_receipt(action.id(), ada.clone(), now()).await.unwrap().unwrap();
    }
    assert_eq!(reads(&folder), 1);
    store.read_receipt(action.id(), ada, now().plus(ONCE_WITHIN)).await.unwrap().unwrap();
    assert_eq!(reads(&folder), 2);
}

#[tokio::test]
async fn asking_for_what_never_was_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    assert_eq!(store.read_receipt(action(9).id(), Reader::Administrator, now()).await.unwrap(), None);
    assert_eq!(reads(&folder), 0);
}
