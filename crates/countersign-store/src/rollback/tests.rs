//! Is a ledger noticed that is not the one that was published?

use tempfile::TempDir;

use countersign_core::Timestamp;
use countersign_ledger::note::{Algorithm, Note, Sign, SigningKey};

use crate::tree::tests::{append, file, options, options_of};
use crate::{Options, Store, StoreError};

fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000)
}

/// A store of 20 entries, 10 of which an older copy has; returns the older copy.
async fn published() -> (TempDir, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 10).await;
    drop(store);
    let older = std::fs::read(folder.path().join(Store::FILE)).unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 10).await;
    store.publish(now()).await.unwrap();
    (folder, older)
}

#[tokio::test]
async fn a_store_that_was_put_back_to_an_earlier_day_is_refused() {
    let (folder, older) = published().await;
    Store::open(&options(&folder)).unwrap();
    std::fs::write(folder.path().join(Store::FILE), older).unwrap();
    let error = Store::open(&options(&folder)).unwrap_err();
    assert!(matches!(&error, StoreError::RolledBack { .. }), "{error}");
    assert!(error.to_string().contains("it has 10 entries, and 20 were published"), "{error}");
    // Going on is a decision that somebody has to make.
    std::fs::remove_file(folder.path().join("checkpoint")).unwrap();
    Store::open(&options(&folder)).unwrap();
}

#[tokio::test]
async fn a_fork_that_has_grown_beyond_what_was_published_is_refused() {
    let (folder, older) = published().await;
    let copy = std::fs::read(folder.path().join("checkpoint")).unwrap();
    std::fs::write(folder.path().join(Store::FILE), older).unwrap();
    std::fs::remove_file(folder.path().join("checkpoint")).unwrap();
    append(&Store::open(&options_of(&folder, 100)).unwrap(), 15).await;
    std::fs::write(folder.path().join("checkpoint"), copy).unwrap();
    let error = Store::open(&options(&folder)).unwrap_err();
    assert!(error.to_string().contains("was rewritten"), "{error}");
}

#[tokio::test]
async fn a_copy_that_says_nothing_reliable_is_refused_as_well() {
    let (folder, _) = published().await;
    let path = folder.path().join("checkpoint");
    let copy = std::fs::read_to_string(&path).unwrap();
    for wrong in [copy.replace("\n20\n", "\n10\n"), "nonsense".to_owned(), String::new()] {
        std::fs::write(&path, wrong).unwrap();
        assert!(matches!(Store::open(&options(&folder)), Err(StoreError::RolledBack { .. })));
    }
    let elsewhere = Options { checkpoint_file: folder.path().join("nowhere"), ..options(&folder) };
    Store::open(&elsewhere).unwrap();
    assert_eq!(
        file(&folder).query_row("SELECT size FROM log_state", [], |row| row.get::<_, i64>(0)).unwrap(),
        20
    );
}

#[tokio::test]
async fn a_key_that_was_replaced_signs_along_and_a_strange_one_is_refused() {
    let folder = TempDir::new().unwrap();
    let another = |seed: u8| -> std::sync::Arc<dyn Sign> {
        std::sync::Arc::new(
            SigningKey::generate("store.example/ledger", Algorithm::Ed25519, &[seed; 32]).unwrap(),
        )
    };
    let (earlier, key) = (crate::tree::tests::key(), another(77));
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 3).await;
    store.key_rotated(earlier.key().to_string(), key.key().to_string(), now()).await.unwrap();
    store.publish(now()).await.unwrap();
    drop(store);

    let alone = Options { signer: key.clone(), ..options(&folder) };
    assert!(matches!(Store::open(&alone), Err(StoreError::RolledBack { .. })), "nobody knows this key yet");
    let both = Options { signer: key.clone(), earlier_signer: Some(earlier.clone()), ..options(&folder) };
    let store = Store::open(&both).unwrap();
    store.heartbeat(now()).await.unwrap();
    let note = store.publish(now()).await.unwrap().unwrap();
    drop(store);
    let note = Note::parse(note.as_bytes()).unwrap();
    for signer in [&earlier, &key] {
        note.verify(std::slice::from_ref(signer.key())).unwrap();
    }

    // From now on the earlier one can go, and no other comes.
    Store::open(&alone).unwrap();
    let strange = Options { signer: another(78), ..options(&folder) };
    assert!(matches!(Store::open(&strange), Err(StoreError::RolledBack { .. })));
}
