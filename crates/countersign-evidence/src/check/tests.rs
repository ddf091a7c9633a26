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

/// Whoever has the log's key can sign any folder. The log, the records, the receipts and the numbers still have to fit.
#[test]
fn what_does_not_fit_together_is_found_also_when_it_is_signed() {
    let without = |line: usize| {
        move |text: String| -> String {
            text.lines()
                .enumerate()
                .filter(|(at, _)| *at != line)
                .map(|(_, text)| format!("{text}\n"))
                .collect()
        }
    };
    type Change = Box<dyn Fn(&TempDir)>;
    let statement = format!("statements/{}.dsse.json", action(1));
    let other = format!("statements/{}.dsse.json", action(2));
    let receipt = format!("receipts/{}.json", action(1));
    let cases: Vec<(&str, &'static str, Change)> = vec![
        ("records.jsonl", "record_gap", Box::new(move |folder| edit(folder, RECORDS, without(3)))),
        (
            "records.jsonl line 5",
            "record_malformed",
            Box::new(|folder| {
                edit(folder, RECORDS, |text| text.replacen("looked at it", "did not look", 1));
            }),
        ),
        (
            "records.jsonl line 5",
            "record_not_in_log",
            Box::new(|folder| {
                edit(folder, RECORDS, |text| text.replacen("console", "telnet!", 1));
            }),
        ),
        (
            "records.jsonl",
            "record_gap",
            Box::new(|folder| {
                edit(folder, RECORDS, |text| text.replacen(r#""index":1,"#, r#""index":2,"#, 1));
            }),
        ),
        (
            "summary.json",
            "summary_wrong",
            Box::new(|folder| {
                edit(folder, SUMMARY, |text| text.replacen("refused vote", "something else", 1));
            }),
        ),
        (
            "summary.json",
            "summary_wrong",
            Box::new(|folder| {
                edit(folder, SUMMARY, |text| text.replace(r#""allow": 5"#, r#""allow": 4"#));
            }),
        ),
        ("statements", "statement_wrong", {
            let (to, from) = (statement.clone(), other);
            Box::new(move |folder| {
                fs::copy(folder.path().join(&from), folder.path().join(&to)).unwrap();
            })
        }),
        ("receipts", "receipt_wrong", {
            let receipt = receipt.clone();
            Box::new(move |folder| {
                edit(folder, &receipt, |text| text.replacen("looked at it", "did not look", 1))
            })
        }),
        ("receipts", "receipt_missing", {
            Box::new(move |folder| {
                fs::remove_file(folder.path().join(&receipt)).unwrap();
                fs::remove_file(folder.path().join(&statement)).unwrap();
            })
        }),
        (
            "log/tile/entries/000.p/21",
            "log_changed",
            Box::new(|folder| {
                let path = folder.path().join("log/tile/entries/000.p/21");
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
            }),
        ),
        (
            "log/checkpoint",
            "checkpoint_untrusted",
            Box::new(|folder| {
                let mut longer = november();
                longer.write("03T00:00", changed());
                fs::write(folder.path().join("log/checkpoint"), longer.checkpoint()).unwrap();
            }),
        ),
    ];
    for (place, code, change) in cases {
        let folder = packed();
        change(&folder);
        sign_again(&folder);
        let (found, why) = refused(&folder);
        assert!(found.starts_with(place) && why == code, "{place} {code}: {found} {why}");
    }
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
