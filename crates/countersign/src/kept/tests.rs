//! Is a secret made once, and for the gateway alone?

use std::os::unix::fs::PermissionsExt as _;

use countersign_ledger::note::Sign as _;

use super::*;
use crate::system::SystemEntropy;

#[test]
fn a_key_is_made_once_and_nobody_else_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("log.key");
    let first = log_key(&place, "one.example/ledger", &SystemEntropy).unwrap();
    let again = log_key(&place, "two.example/ledger", &SystemEntropy).unwrap();
    assert_eq!(first.key(), again.key());
    assert_eq!(again.key().name(), "one.example/ledger");
    assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_file_that_is_no_key_is_refused_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("log.key");
    std::fs::write(&place, "nonsense").unwrap();
    log_key(&place, "one.example", &SystemEntropy).unwrap_err();
    assert_eq!(std::fs::read(&place).unwrap(), b"nonsense");
}
