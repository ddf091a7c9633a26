use countersign_core::{Decision, Terms};
use tempfile::TempDir;

use super::*;
use crate::allowed::tests::{action, now};
use crate::tree::tests::{append, options};

/// A store with one action in it that was published, and a copy.
async fn copied() -> (TempDir, TempDir, Copied) {
    let (folder, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = Store::open(&options(&folder)).unwrap();
    store.record_judged(action(1), Decision::Allow(Terms::default())).unwrap();
    append(&store, 300).await;
    store.publish(now()).await.unwrap();
    // The gateway runs on.
    let made = back_up(folder.path(), &to.path().join("monday")).unwrap();
    (folder, to, made)
}

fn forget(folder: &TempDir) {
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        if !path.ends_with("checkpoint") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[tokio::test]
async fn a_copy_put_back_is_the_same_ledger_and_opens_what_it_held() {
    let (folder, to, made) = copied().await;
    let before = Store::open(&options(&folder)).unwrap().sign_all().await.unwrap();
    assert_eq!((made.entries, before.size), (301, 301));
    forget(&folder);
    let back = restore(&to.path().join("monday"), &options(&folder)).unwrap();
    assert_eq!(back.entries, 301);
    let store = Store::open(&options(&folder)).unwrap();
    assert_eq!(store.sign_all().await.unwrap().root, before.root);
    let kept = store.action(action(1).id()).unwrap().unwrap();
    assert_eq!(kept.action.payload(), action(1).payload());
}

#[tokio::test]
async fn a_copy_without_its_keys_proves_everything_and_shows_nothing() {
    let (folder, to, made) = copied().await;
    std::fs::remove_file(made.keys).unwrap();
    forget(&folder);
    restore(&to.path().join("monday"), &options(&folder)).unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    let receipt = store.receipt(action(1).id()).await.unwrap().unwrap();
    assert!(receipt.entries.iter().all(|entry| entry.content.is_empty() && entry.payload.is_none()));
    let log = countersign_ledger::checkpoint::TrustedLog::new(&[crate::tree::tests::key().key().clone()]);
    receipt.verify(&log.unwrap()).unwrap();
}

#[tokio::test]
async fn the_copy_itself_holds_no_key() {
    let (_folder, _to, made) = copied().await;
    let count = |place: &Path| -> i64 {
        Connection::open(place).unwrap().query_row("SELECT count(*) FROM keys", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&made.store), 0);
    assert!(count(&made.keys) > 0);
    let keys = Connection::open(&made.keys).unwrap();
    let wrapped: Vec<u8> = keys.query_row("SELECT wrapped FROM keys LIMIT 1", [], |row| row.get(0)).unwrap();
    let bytes = std::fs::read(&made.store).unwrap();
    assert!(!bytes.windows(wrapped.len()).any(|window| window == wrapped), "it was only unlinked");
}

#[tokio::test]
async fn a_copy_that_is_older_than_what_was_published_is_not_put_back_silently() {
    let (folder, to, _) = copied().await;
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 1).await;
    store.publish(now()).await.unwrap();
    drop(store);
    forget(&folder);
    let error = restore(&to.path().join("monday"), &options(&folder)).unwrap_err();
    assert!(matches!(&error, StoreError::RolledBack { .. }), "{error}");
    assert!(error.to_string().contains("it has 301 entries, and 302 were published"), "{error}");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["checkpoint"], "nothing was put into place");
}

#[tokio::test]
async fn nothing_that_is_there_is_overwritten() {
    let (folder, to, _) = copied().await;
    let monday = to.path().join("monday");
    back_up(folder.path(), &monday).unwrap_err();
    restore(&monday, &options(&folder)).unwrap_err();
    forget(&folder);
    std::fs::write(folder.path().join("journal-a"), b"").unwrap();
    restore(&monday, &options(&folder)).unwrap_err();
    std::fs::remove_file(folder.path().join("journal-a")).unwrap();
    let other = Arc::new(crate::ContentKey::new(&[1; 32]).unwrap());
    let wrong = Options { content_key: other, ..options(&folder) };
    assert!(matches!(restore(&monday, &wrong), Err(StoreError::OtherContentKey)));
    restore(&monday, &options(&folder)).unwrap();
}
