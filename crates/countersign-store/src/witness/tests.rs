//! Does a cosignature count for what it says, and for nothing else?

use countersign_core::Timestamp;
use countersign_ledger::checkpoint::{Checkpoint, TrustedLog};
use countersign_ledger::cosignature::cosign;
use countersign_ledger::note::{Algorithm, Note, Sign as _, SigningKey, VerifierKey};
use countersign_ledger::proof::verify_consistency;
use tempfile::TempDir;

use crate::tree::tests::{append, file, key, options};
use crate::{Signed, Store};

fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000)
}

fn witness(name: &str, seed: u8) -> SigningKey {
    SigningKey::generate(name, Algorithm::CosignatureV1, &[seed; 32]).unwrap()
}

fn keys(witnesses: &[&SigningKey]) -> Vec<VerifierKey> {
    witnesses.iter().map(|witness| witness.key().clone()).collect()
}

async fn store(folder: &TempDir, entries: usize) -> Store {
    let store = Store::open(&options(folder)).unwrap();
    append(&store, entries).await;
    store
}

async fn publish(store: &Store) -> Note {
    Note::parse(store.publish(now()).await.unwrap().unwrap().as_bytes()).unwrap()
}

fn size(note: &Note) -> u64 {
    Checkpoint::from_text(note.text()).unwrap().size()
}

async fn cosigned(store: &Store, note: &Note, witness: &SigningKey) {
    let line = cosign(note, witness, 7).unwrap();
    assert!(store.add_cosignature(size(note), witness.key(), line).await.unwrap());
}

#[tokio::test]
async fn a_cosigned_checkpoint_is_what_leaves_the_house() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder, 5).await;
    let (first, second) = (witness("w1", 1), witness("w2", 2));
    let note = publish(&store).await;
    cosigned(&store, &note, &first).await;
    cosigned(&store, &note, &second).await;
    // Asked again, it stays with the first answer.
    cosigned(&store, &note, &first).await;
    let published = store.published().unwrap().unwrap();
    let keys = [vec![key().key().clone()], keys(&[&first, &second])].concat();
    let log = TrustedLog::new(&keys).unwrap().with_quorum(2);
    assert_eq!(log.verify(published.as_bytes()).unwrap().checkpoint().size(), 5);
    assert_eq!(Note::parse(published.as_bytes()).unwrap().signatures().len(), 3);
    assert_eq!(std::fs::read_to_string(folder.path().join("checkpoint")).unwrap(), published);
    assert_eq!(store.publish(now()).await.unwrap(), Some(published));
    assert_eq!(
        (store.cosigned_by(first.key()).unwrap(), store.cosigned_by(&key_of("w3", 3)).unwrap()),
        (5, 0)
    );
    drop(store);
    Store::open(&options(&folder)).unwrap();
}

fn key_of(name: &str, seed: u8) -> VerifierKey {
    witness(name, seed).key().clone()
}

#[tokio::test]
async fn there_is_nothing_to_add_to_what_was_never_published() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder, 5).await;
    let note = publish(&store).await;
    let first = witness("w1", 1);
    let line = cosign(&note, &first, 7).unwrap();
    assert!(!store.add_cosignature(4, first.key(), line).await.unwrap());
    assert_eq!(store.cosigned_by(first.key()).unwrap(), 0);
}

fn seen(store: &Store, index: u64, witnesses: &[&SigningKey], needed: u16) -> Option<u64> {
    let covered = store.witnessed(index, &keys(witnesses), needed).unwrap();
    covered.map(|covered| {
        assert_eq!(covered.index(), index);
        covered.checkpoint().size
    })
}

#[tokio::test]
async fn an_entry_is_witnessed_by_a_checkpoint_that_covers_it_and_by_nothing_older() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder, 5).await;
    let first = witness("w1", 1);
    let note = publish(&store).await;
    assert_eq!(seen(&store, 4, &[&first], 1), None);
    cosigned(&store, &note, &first).await;
    append(&store, 1).await;
    publish(&store).await;
    assert_eq!(seen(&store, 4, &[&first], 1), Some(5));
    assert_eq!(seen(&store, 5, &[&first], 1), None, "an older checkpoint does not cover it");
    cosigned(&store, &publish(&store).await, &first).await;
    assert_eq!(seen(&store, 5, &[&first], 1), Some(6));
}

#[tokio::test]
async fn only_different_and_known_witnesses_count() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder, 5).await;
    let (first, again, second) = (witness("w1", 1), witness("w1", 3), witness("w2", 2));
    let note = publish(&store).await;
    cosigned(&store, &note, &first).await;
    cosigned(&store, &note, &again).await;
    assert_eq!(seen(&store, 4, &[&first, &again, &second], 2), None, "two keys of one witness are one");
    assert_eq!(seen(&store, 4, &[&second], 1), None, "nobody trusts the one that signed");
    cosigned(&store, &note, &second).await;
    assert_eq!(seen(&store, 4, &[&first, &again, &second], 2), Some(5));
    assert_eq!(seen(&store, 4, &[&first, &again, &second], 3), None);
}

/// Whoever can write the file still can't make a witness have signed.
#[tokio::test]
async fn a_forged_cosignature_in_the_file_counts_for_nothing() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder, 5).await;
    let first = witness("w1", 1);
    let note = publish(&store).await;
    let other = Checkpoint::new("store.example/ledger", 4, [3; 32]).unwrap().sign(&[&*key()]).unwrap();
    for (what, forged) in [
        ("over another checkpoint", cosign(&other, &first, 7).unwrap()),
        ("by another key of that name", {
            let stranger = cosign(&note, &witness("w1", 9), 7).unwrap();
            countersign_ledger::note::SignatureLine::new(first.key(), stranger.signature().to_vec())
        }),
    ] {
        let mut with = note.clone();
        with.add(forged);
        let sql = "UPDATE checkpoints SET note = ?1, cosigned = 1";
        file(&folder).execute(sql, [with.to_string()]).unwrap();
        assert_eq!(seen(&store, 4, &[&first], 1), None, "{what}");
    }
}

#[tokio::test]
async fn proofs_between_any_two_sizes_hold() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder, 3).await;
    let mut heads: Vec<std::sync::Arc<Signed>> = vec![store.signed().unwrap()];
    for more in [1, 252, 1, 300] {
        append(&store, more).await;
        heads.push(store.sign_all().await.unwrap());
    }
    for old in &heads {
        for new in heads.iter().filter(|new| new.size >= old.size) {
            let proof = store.consistency(old.size, new.size).unwrap();
            verify_consistency((old.size, &old.root), (new.size, &new.root), &proof).unwrap();
        }
    }
    store.consistency(5, 4).unwrap_err();
    store.consistency(4, 100_000).unwrap_err();
}

/// After a ledger got another name, a witness that never saw it has forgotten nothing.
#[tokio::test]
async fn what_was_cosigned_under_another_name_of_the_ledger_is_of_another_log() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder, 5).await;
    let first = witness("w1", 1);
    cosigned(&store, &publish(&store).await, &first).await;
    drop(store);
    std::fs::remove_file(folder.path().join("checkpoint")).unwrap();
    let renamed = SigningKey::generate("other.example/ledger", Algorithm::Ed25519, &[9; 32]).unwrap();
    let options = crate::Options { signer: std::sync::Arc::new(renamed), ..options(&folder) };
    let store = Store::open(&options).unwrap();
    append(&store, 1).await;
    assert_eq!(store.cosigned_by(first.key()).unwrap(), 0);
    assert_eq!(seen(&store, 4, &[&first], 1), None, "the other log's checkpoint is none of this one");
}
