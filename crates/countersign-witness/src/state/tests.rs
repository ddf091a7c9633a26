//! Does a witness remember what it signed, and refuse to guess what it can't read?

use std::os::unix::fs::PermissionsExt as _;

use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::note::{Algorithm, Sign as _, SigningKey};
use tempfile::TempDir;

use super::*;

fn key(seed: u8) -> SigningKey {
    SigningKey::generate("example.com/log", Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn log() -> TrustedLog {
    TrustedLog::new(&[key(1).key().clone()]).unwrap()
}

fn note(size: u64, signer: u8) -> Note {
    Checkpoint::new("example.com/log", size, [9; 32]).unwrap().sign(&[&key(signer)]).unwrap()
}

fn only_file(folder: &TempDir) -> PathBuf {
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let mut checkpoints = files.filter(|path| path.extension().is_some_and(|end| end == "checkpoint"));
    let only = checkpoints.next().unwrap();
    assert!(checkpoints.next().is_none());
    only
}

#[test]
fn what_was_kept_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let state = State::open(folder.path()).unwrap();
    assert_eq!(state.latest(&log()).unwrap(), None);
    for size in [3, 70_000] {
        state.keep(log().origin(), &note(size, 1)).unwrap();
        assert_eq!(state.latest(&log()).unwrap(), Some(Latest { size, root: [9; 32] }));
    }
    drop(state);
    let state = State::open(folder.path()).unwrap();
    assert_eq!(state.latest(&log()).unwrap(), Some(Latest { size: 70_000, root: [9; 32] }));
    let mode = std::fs::metadata(only_file(&folder)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A write that a crash cut off is never read.
    std::fs::write(only_file(&folder).with_extension("new"), "half").unwrap();
    assert_eq!(state.latest(&log()).unwrap().unwrap().size, 70_000);
}

#[test]
fn a_folder_has_one_witness() {
    let folder = TempDir::new().unwrap();
    let first = State::open(folder.path()).unwrap();
    assert!(matches!(State::open(folder.path()), Err(StateError::InUse(_))));
    drop(first);
    State::open(folder.path()).unwrap();
}

#[test]
fn what_can_not_be_read_is_never_nothing_seen() {
    let folder = TempDir::new().unwrap();
    let state = State::open(folder.path()).unwrap();
    state.keep(log().origin(), &note(3, 1)).unwrap();
    let (path, good) = (only_file(&folder), note(3, 1).to_string());
    for damaged in [
        String::new(),
        "x".to_owned(),
        good.replace("\n3\n", "\n4\n"),
        good.replace("\n3\n", "\n0\n"),
        note(3, 2).to_string(),
        good.chars().take(good.len() / 2).collect(),
        "x".repeat(NOTE_MAX_BYTES * 2),
    ] {
        std::fs::write(&path, &damaged).unwrap();
        assert!(matches!(state.latest(&log()), Err(StateError::Damaged { .. })), "{damaged:.80}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(state.latest(&log()), Err(StateError::File { .. })), "a folder in its place");
    assert!(matches!(state.keep(log().origin(), &note(4, 1)), Err(StateError::File { .. })));
}
