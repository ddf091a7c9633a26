//! Is the tree always the one over the entries, whatever comes between?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_core::{Entropy, Timestamp};
use countersign_ledger::note::{Algorithm, Sign, SignError, SigningKey, VerifierKey};
use countersign_ledger::tile::{Bundle, Tile};
use countersign_ledger::tree::{Edge, leaf_hash};
use futures_util::FutureExt as _;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{ContentKey, Faults, Options, Store, StoreError, WrapKeys};

/// The key of every store in these tests.
pub(crate) fn key() -> Arc<dyn Sign> {
    Arc::new(SigningKey::generate("store.example/ledger", Algorithm::Ed25519, &[9; 32]).unwrap())
}

pub(crate) fn content_key() -> Arc<dyn WrapKeys> {
    Arc::new(ContentKey::new(&[8; 32]).unwrap())
}

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(Counting::default())
}

#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(self.0.fetch_add(1, Ordering::Relaxed) % 251).unwrap();
        }
    }
}

pub(crate) fn options(folder: &TempDir) -> Options {
    options_of(folder, 0)
}

/// With other ids and salts.
pub(crate) fn options_of(folder: &TempDir, seed: u64) -> Options {
    Options::new(folder.path(), Arc::new(Counting(seed.into())), key(), content_key())
}

fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000)
}

/// So many entries, each in a transaction of its own or shared with others, as it comes.
pub(crate) async fn append(store: &Store, count: usize) {
    let all = (0..count).map(|_| store.heartbeat(now()));
    for done in futures_util::future::join_all(all).await {
        done.unwrap();
    }
}

pub(crate) fn file(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join(Store::FILE)).unwrap()
}

/// The root over the leaves as they are in the file, computed leaf by leaf.
fn recomputed(folder: &TempDir) -> (u64, [u8; 32]) {
    let conn = file(folder);
    let mut leaves = conn.prepare("SELECT leaf FROM entries ORDER BY idx").unwrap();
    let mut edge = Edge::new();
    for leaf in leaves.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap() {
        edge.push(leaf_hash(&leaf.unwrap()));
    }
    (edge.size(), edge.root())
}

#[tokio::test]
async fn the_signed_head_is_the_root_over_all_leaves_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    for more in [1, 254, 1, 1, 300, 0, 7] {
        let store = Store::open(&options(&folder)).unwrap();
        append(&store, more).await;
        let signed = store.sign_all().await.unwrap();
        assert_eq!((signed.size, signed.root), recomputed(&folder));
        let note = countersign_ledger::note::Note::parse(signed.note.as_bytes()).unwrap();
        note.verify(std::slice::from_ref(key().key())).unwrap();
    }
    let tiles: i64 = file(&folder).query_row("SELECT count(*) FROM tiles", [], |row| row.get(0)).unwrap();
    assert_eq!(tiles, 2, "564 entries fill two tiles");
}

#[tokio::test]
async fn two_processes_that_append_in_turn_grow_one_tree() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (Store::open(&options(&folder)).unwrap(), Store::open(&options(&folder)).unwrap());
    for _ in 0..3 {
        append(&one, 100).await;
        append(&other, 150).await;
    }
    let (first, second) = (one.sign_all().await.unwrap(), other.sign_all().await.unwrap());
    assert_eq!((first.size, first.root), (second.size, second.root));
    assert_eq!((first.size, first.root), recomputed(&folder));
}

#[tokio::test]
async fn a_store_of_a_version_without_trees_gets_one() {
    let folder = TempDir::new().unwrap();
    append(&Store::open(&options(&folder)).unwrap(), 600).await;
    file(&folder).execute_batch("DELETE FROM tiles; UPDATE log_state SET root = NULL").unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 1).await;
    let signed = store.sign_all().await.unwrap();
    assert_eq!((signed.size, signed.root), recomputed(&folder));
}

#[tokio::test]
async fn a_tree_that_does_not_belong_to_its_entries_is_not_opened() {
    for damage in [
        "UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 299",
        "UPDATE log_state SET root = zeroblob(32)",
        "DELETE FROM entries WHERE idx = 299",
        "UPDATE log_state SET size = size - 1",
        "DELETE FROM tiles",
        "UPDATE tiles SET bytes = zeroblob(8192)",
    ] {
        let folder = TempDir::new().unwrap();
        append(&Store::open(&options(&folder)).unwrap(), 300).await;
        file(&folder).execute_batch(damage).unwrap();
        let opened = Store::open(&options(&folder));
        assert!(matches!(opened, Err(StoreError::Tree(_))), "{damage}: {opened:?}");
    }
}

#[tokio::test]
async fn what_is_served_is_what_was_published() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&options(&folder)).unwrap();
    append(&store, 258).await;
    let tile = |level, index, width| store.tile(Tile::new(level, index, width).unwrap()).unwrap();
    assert_eq!(tile(0, 0, 1), None, "nothing was published yet");
    let note = store.publish(now()).await.unwrap().unwrap();
    assert!(note.starts_with("store.example/ledger\n258\n"), "{note}");
    assert_eq!(store.published().unwrap(), Some(note));
    append(&store, 5).await;
    let full = tile(0, 0, 256).unwrap();
    assert_eq!(tile(0, 0, 255).unwrap(), full[..255 * 32]);
    assert_eq!(tile(0, 1, 2).unwrap().len(), 64);
    assert_eq!(tile(0, 1, 3), None, "it was appended later");
    assert_eq!(tile(1, 0, 1).unwrap().len(), 32);
    assert_eq!(tile(1, 0, 2), None);
    let bundle = store.bundle(Bundle::new(1, 2).unwrap()).unwrap().unwrap();
    assert_eq!(leaf_hash(&bundle[1]), tile(0, 1, 2).unwrap()[32..]);
    assert_eq!(store.bundle(Bundle::new(1, 3).unwrap()).unwrap(), None);
}

/// A commit that fails leaves the tree as it was.
#[tokio::test]
async fn a_failed_commit_leaves_no_trace_in_the_tree() {
    struct Failing(std::sync::atomic::AtomicBool);
    impl Faults for Failing {
        fn before(&self, point: &'static str) -> Result<(), std::io::Error> {
            let fails = point == "commit" && self.0.load(Ordering::Relaxed);
            if fails { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }
    let folder = TempDir::new().unwrap();
    let faults = Arc::new(Failing(false.into()));
    let store = Store::open(&Options { faults: Some(faults.clone()), ..options(&folder) }).unwrap();
    append(&store, 255).await;
    faults.0.store(true, Ordering::Relaxed);
    store.heartbeat(now()).await.unwrap_err();
    faults.0.store(false, Ordering::Relaxed);
    append(&store, 2).await;
    let signed = store.sign_all().await.unwrap();
    assert_eq!((signed.size, signed.root), recomputed(&folder));
    drop(store);
    Store::open(&options(&folder)).unwrap();
}

/// A key that can be made to fail.
#[derive(Debug)]
struct Moody(Arc<dyn Sign>, std::sync::atomic::AtomicBool);

impl Sign for Moody {
    fn key(&self) -> &VerifierKey {
        self.0.key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.1.load(Ordering::Relaxed) {
            let name = self.key().name().to_owned();
            return Err(SignError::Failed { name, source: "the key is out of reach".into() });
        }
        self.0.sign(message)
    }
}

#[tokio::test]
async fn without_a_signature_nothing_counts_as_covered() {
    let folder = TempDir::new().unwrap();
    let moody = Arc::new(Moody(key(), false.into()));
    let store = Store::open(&Options { signer: moody.clone(), ..options(&folder) }).unwrap();
    append(&store, 3).await;
    assert_eq!(store.covered(2).unwrap().checkpoint().size, 3);
    moody.1.store(true, Ordering::Relaxed);
    append(&store, 1).await;
    assert!(matches!(store.covered(3), Err(StoreError::Unsigned)));
    assert!(matches!(store.sign_all().await, Err(StoreError::Unsigned)));
    assert_eq!(store.signed_beyond(3).now_or_never(), None, "and nothing of it leaves");
    moody.1.store(false, Ordering::Relaxed);
    append(&store, 1).await;
    assert_eq!(store.covered(3).unwrap().index(), 3);
}
