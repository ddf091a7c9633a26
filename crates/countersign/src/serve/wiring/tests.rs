//! Does a folder keep its secret?

use std::os::unix::fs::PermissionsExt as _;

use super::mask_secret;
use crate::system::SystemEntropy;

#[test]
fn the_mask_secret_is_made_once_and_for_the_gateway_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = mask_secret(folder.path(), &SystemEntropy).unwrap();
    let second = mask_secret(folder.path(), &SystemEntropy).unwrap();
    assert_eq!(first.0, second.0);
    let mode = std::fs::metadata(folder.path().join("mask.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(mask_secret(other.path(), &SystemEntropy).unwrap().0, first.0);
    std::fs::write(folder.path().join("mask.key"), b"short").unwrap();
    assert!(
        mask_secret(folder.path(), &SystemEntropy).is_err(),
        "a damaged secret is not replaced in silence"
    );
}

#[test]
fn policies_may_ask_for_every_detector_and_for_no_other() {
    let kinds =
        countersign_mask::Kind::ALL.iter().filter(|kind| **kind != countersign_mask::Kind::QuotedValue);
    let names: Vec<&str> = kinds.map(|kind| kind.name()).collect();
    assert_eq!(names, countersign_policy::DETECTORS);
}
