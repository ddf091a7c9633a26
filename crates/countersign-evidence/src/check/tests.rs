use std::fs;

use countersign_core::Timestamp;
use countersign_ledger::Kind;
use countersign_ledger::note::{Algorithm, Sign as _, SigningKey};
use tempfile::TempDir;

use super::*;
use crate::pack::{HOW_TO, REPORT};
use crate::testing::{Log, action, changed, key, november, now, requested, system, voted};

fn packed() -> TempDir {
    let folder = TempDir::new().unwrap();
    november().pack(folder.path());
    folder
}

fn verdict(folder: &TempDir) -> Result<Checked, Failure> {
    check(folder.path(), &[key().key().clone()])
}

fn refused(folder: &TempDir) -> (String, &'static str) {
    let failure = verdict(folder).unwrap_err();
    (failure.place, failure.code)
}

/// Signs again what somebody with the key has changed.
fn sign_again(folder: &TempDir) {
    let files = manifest::files(folder.path()).unwrap();
    let sums = manifest::sums(folder.path(), &files).unwrap();
    let manifest = fs::read(folder.path().join(MANIFEST)).unwrap();
    let mut manifest = Manifest::open(&manifest, &[key().key().clone()]).unwrap();
    manifest.sums = Sha256::digest(sums.as_bytes()).into();
    fs::write(folder.path().join(SUMS), sums).unwrap();
    fs::write(folder.path().join(MANIFEST), manifest.sign(&key()).unwrap().to_string()).unwrap();
}

fn edit(folder: &TempDir, place: &str, change: impl Fn(String) -> String) {
    let path = folder.path().join(place);
    let before = fs::read_to_string(&path).unwrap();
    let after = change(before.clone());
    assert_ne!(before, after, "nothing was changed in `{place}`");
    fs::write(path, after).unwrap();
}

#[test]
fn a_pack_that_was_written_holds() {
    let folder = packed();
    let checked = verdict(&folder).unwrap();
    assert_eq!((checked.entries, checked.records, checked.exceptions), (21, 21, 5));
    // Two that people were asked about, one exception, and one drawn.
    assert_eq!((checked.receipts, checked.statements), (4, 2));
    let key = SigningKey::generate("pack.example/ledger", Algorithm::Ed25519, &[5; 32]).unwrap();
    let failure = check(folder.path(), &[key.key().clone()]).unwrap_err();
    assert_eq!((failure.place.as_str(), failure.code), ("manifest.note", "manifest_untrusted"));
}

#[test]
fn any_changed_byte_is_found_and_its_file_named() {
    let folder = packed();
    let mut files = manifest::files(folder.path()).unwrap();
    assert!(files.len() > 12, "{files:?}");
    files.extend([MANIFEST.to_owned(), SUMS.to_owned()]);
    for place in files {
        let path = folder.path().join(&place);
        let before = fs::read(&path).unwrap();
        let step = (before.len() / 40).max(1);
        for at in (0..before.len()).step_by(step) {
            let mut bytes = before.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let failure = verdict(&folder).unwrap_err();
            assert_eq!(failure.place, place, "byte {at}: {failure}");
        }
        fs::write(&path, &before).unwrap();
    }
    verdict(&folder).unwrap();
}

#[test]
fn a_file_too_many_or_too_few_is_named() {
    let folder = packed();
    fs::write(folder.path().join("receipts/more.json"), "{}").unwrap();
    assert_eq!(refused(&folder), ("receipts/more.json".to_owned(), "file_unlisted"));
    fs::remove_file(folder.path().join("receipts/more.json")).unwrap();
    for place in [HOW_TO, REPORT, RECORDS] {
        let before = fs::read(folder.path().join(place)).unwrap();
        fs::remove_file(folder.path().join(place)).unwrap();
        assert_eq!(refused(&folder), (place.to_owned(), "file_missing"));
        fs::write(folder.path().join(place), before).unwrap();
    }
}

/// What is found after somebody who has the log's key has changed a pack and signed it again.
fn signed_again(change: impl Fn(&TempDir)) -> (String, &'static str) {
    let folder = packed();
    change(&folder);
    sign_again(&folder);
    refused(&folder)
}

fn replaced(place: &str, before: &str, after: &str) -> (String, &'static str) {
    signed_again(|folder| edit(folder, place, |text| text.replacen(before, after, 1)))
}

#[test]
fn records_that_do_not_fit_the_log_are_found_also_when_they_are_signed() {
    let without = |line: usize| {
        let kept = move |text: String| -> String {
            text.lines()
                .enumerate()
                .filter(|(at, _)| *at != line)
                .map(|(_, text)| format!("{text}\n"))
                .collect()
        };
        signed_again(|folder| edit(folder, RECORDS, kept))
    };
    assert_eq!(without(3), (RECORDS.to_owned(), "record_gap"));
    assert_eq!(without(20), (RECORDS.to_owned(), "record_gap"));
    let line = |number: u32| format!("{RECORDS} line {number}");
    assert_eq!(replaced(RECORDS, "looked at it", "did not look"), (line(5), "record_malformed"));
    assert_eq!(replaced(RECORDS, "console", "telnet!"), (line(5), "record_not_in_log"));
    assert_eq!(replaced(RECORDS, r#""index":1,"#, r#""index":2,"#), (RECORDS.to_owned(), "record_gap"));
    let twice = signed_again(|folder| {
        edit(folder, RECORDS, |text| format!("{text}{}\n", text.lines().last().unwrap()));
    });
    assert_eq!(twice, (line(22), "record_not_in_log"));
}

#[test]
fn a_log_that_is_not_the_signed_one_is_found_also_when_it_is_signed_along() {
    let entries = format!("{LOG}/tile/entries/000.p/21");
    let cut = signed_again(|folder| {
        let path = folder.path().join(&entries);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    });
    assert_eq!(cut, (entries.clone(), "log_changed"));
    // Log and records agree, and the tree is another one.
    let both = signed_again(|folder| {
        edit(folder, RECORDS, |text| text.replacen("console", "telnet!", 1));
        let path = folder.path().join(&entries);
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(7).position(|window| window == b"console").unwrap();
        fs::write(&path, [&bytes[..at], b"telnet!", &bytes[at + 7..]].concat()).unwrap();
    });
    assert_eq!(both, (LOG.to_owned(), "log_changed"));
    let other = signed_again(|folder| {
        let checkpoint = folder.path().join(LOG).join("checkpoint");
        let mut longer = november();
        longer.write("03T00:00", changed());
        fs::write(checkpoint, longer.checkpoint()).unwrap();
    });
    assert_eq!(other, (format!("{LOG}/checkpoint"), "checkpoint_untrusted"));
}

#[test]
fn numbers_receipts_and_statements_are_checked_also_when_they_are_signed() {
    let wrong = (SUMMARY.to_owned(), "summary_wrong");
    assert_eq!(replaced(SUMMARY, "refused vote", "something else"), wrong);
    assert_eq!(replaced(SUMMARY, r#""allow": 5"#, r#""allow": 4"#), wrong);

    let receipt = format!("{RECEIPTS}/{}.json", action(1));
    let statement = |number: u8| format!("{STATEMENTS}/{}.dsse.json", action(number));
    assert_eq!(replaced(&receipt, "looked at it", "did not look"), (receipt.clone(), "receipt_wrong"));
    let gone = signed_again(|folder| {
        fs::remove_file(folder.path().join(&receipt)).unwrap();
        fs::remove_file(folder.path().join(statement(1))).unwrap();
    });
    assert_eq!(gone, (receipt.clone(), "receipt_missing"));
    let anothers = signed_again(|folder| {
        fs::copy(folder.path().join(statement(2)), folder.path().join(statement(1))).unwrap();
    });
    assert_eq!(anothers, (statement(1), "statement_wrong"));
    let unsigned = signed_again(|folder| {
        edit(folder, &statement(1), |text| text.replacen("\"sig\":\"", "\"sig\":\"AA", 1));
    });
    assert_eq!(unsigned, (statement(1), "statement_wrong"));
}

#[test]
fn what_was_not_wished_for_is_shown_nowhere() {
    let folder = TempDir::new().unwrap();
    november().pack_with(folder.path(), &["digest"]);
    verdict(&folder).unwrap();
    for place in manifest::files(folder.path()).unwrap() {
        let text = String::from_utf8_lossy(&fs::read(folder.path().join(&place)).unwrap()).into_owned();
        for secret in ["looked at it", "a secret claim", "Olaf", "stands behind it", "\"payload\":["] {
            assert!(!text.contains(secret), "`{secret}` in {place}");
        }
    }
}

#[test]
fn an_approval_by_the_requester_does_not_pass_as_evidence() {
    let mut log = Log::default();
    log.write("02T08:00", requested(1, "review"));
    log.write("02T08:00", system(Kind::ApprovalRequested, 1, "pending", 1));
    log.write("02T08:05", voted(1, "approve", "approved", 2));
    log.write("02T08:05", voted(1, "approve", "approved", 3));
    let folder = TempDir::new().unwrap();
    log.pack(folder.path());
    let (place, code) = refused(&folder);
    assert_eq!((place, code), (format!("receipts/{}.json", action(1)), "receipt_wrong"));
}

#[test]
fn the_report_shows_hidden_letters_and_promises_nothing() {
    let folder = packed();
    let report = fs::read_to_string(folder.path().join(REPORT)).unwrap();
    assert!(report.contains("⟨U+202E⟩") && !report.contains('\u{202e}'));
    assert!(!report.to_lowercase().contains("complian"));
    assert!(!report.contains("<script"), "it is a document");
}

#[test]
fn the_times_of_a_manifest_are_read_back() {
    let folder = packed();
    let manifest = fs::read(folder.path().join(MANIFEST)).unwrap();
    let manifest = Manifest::open(&manifest, &[key().key().clone()]).unwrap();
    assert_eq!(manifest.made, now());
    assert!(manifest.period.contains(Timestamp::from_micros(1_793_600_000_000_000)));
}
