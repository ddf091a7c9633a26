//! Does what the store hands out hold without the store?

use std::sync::Arc;

use countersign_core::{Decision, Outcome, Status, Terms};
use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::receipt::Receipt;
use tempfile::TempDir;

use crate::Store;
use crate::allowed::tests::{action, now};
use crate::tree::tests::{append, file, key, options};

fn log() -> TrustedLog {
    TrustedLog::new(&[key().key().clone()]).unwrap()
}

fn executed() -> Outcome {
    Outcome { status: Status::Executed, result: None, rows: Some(3), duration_us: 9, note: None }
}

#[tokio::test]
async fn an_actions_receipt_holds_and_opens_everything() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 300).await;
    let action = action(1);
    let id = action.id();
    store.record_judged(Arc::clone(&action), Decision::Allow(Terms::default())).unwrap();
    store.settle_allowed(id, executed(), None, now()).unwrap();
    append(&store, 300).await;
    let receipt = store.receipt(id).await.unwrap().unwrap();
    let read = Receipt::parse(receipt.to_json().unwrap().as_bytes()).unwrap();
    let report = read.verify(&log()).unwrap();
    assert_eq!((report.outcome, report.released), (Some("executed"), true));
    assert!(report.undisclosed.is_empty(), "{:?}", report.undisclosed);
    assert_eq!(receipt.entries[0].payload.as_ref().unwrap().bytes, action.payload());

    // After the next entries it is another receipt of the same, as good as the first.
    append(&store, 1).await;
    store.receipt(id).await.unwrap().unwrap().verify(&log()).unwrap();
}

#[tokio::test]
async fn what_was_erased_is_said_to_be_and_the_rest_still_holds() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    let action = action(1);
    store.record_judged(Arc::clone(&action), Decision::Allow(Terms::default())).unwrap();
    store.catch_up().await;
    file(&folder).execute_batch("DELETE FROM contents").unwrap();
    let report = store.receipt(action.id()).await.unwrap().unwrap().verify(&log()).unwrap();
    assert_eq!(report.undisclosed.len(), 1);
    assert!(report.undisclosed[0].payload);
}

#[tokio::test]
async fn there_is_no_receipt_of_what_never_was() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    assert_eq!(store.receipt(action(9).id()).await.unwrap(), None);
}

/// With cosignatures as soon as they cover the whole story, and without again when more happens.
#[tokio::test]
async fn a_receipt_carries_the_cosignatures_that_cover_all_of_it() {
    use countersign_ledger::cosignature::cosign;
    use countersign_ledger::note::{Algorithm, Note, SigningKey};
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 300).await;
    let action = action(1);
    store.record_judged(Arc::clone(&action), Decision::Allow(Terms::default())).unwrap();
    store.sign_all().await.unwrap();
    let witness = SigningKey::generate("w1", Algorithm::CosignatureV1, &[1; 32]).unwrap();
    let published = store.publish(now()).await.unwrap().unwrap();
    let note = Note::parse(published.as_bytes()).unwrap();
    let line = cosign(&note, &witness, 7).unwrap();
    store.add_cosignature(301, countersign_ledger::note::Sign::key(&witness), line).await.unwrap();
    append(&store, 300).await;
    store.publish(now()).await.unwrap();

    let keys = [key().key().clone(), countersign_ledger::note::Sign::key(&witness).clone()];
    let witnessed = TrustedLog::new(&keys).unwrap().with_quorum(1);
    let receipt = store.receipt(action.id()).await.unwrap().unwrap();
    assert!(receipt.verify(&witnessed).unwrap().released);

    store.settle_allowed(action.id(), executed(), None, now()).unwrap();
    let receipt = store.receipt(action.id()).await.unwrap().unwrap();
    receipt.verify(&witnessed).unwrap_err();
    assert_eq!(receipt.verify(&log()).unwrap().outcome, Some("executed"), "the end is never left out");
}
