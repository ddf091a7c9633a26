//! Everything that the gateway writes is a story that holds, and is told to people as it was.

use super::*;
use crate::checkpoint::TrustedLog;
use crate::cosignature::cosign;
use crate::fixtures::{public, witness_key};

fn conclusion(records: &[Record]) -> String {
    verify(records).unwrap().conclusion()
}

#[test]
fn a_story_of_two_approvals_is_told_to_people() {
    let witness = witness_key("witness.example/w1", 2);
    let mut receipt = receipt_of(&approved_story());
    let mut note = Note::parse(receipt.checkpoint.as_bytes()).unwrap();
    note.add(cosign(&note, &witness, 1_795_348_996).unwrap());
    receipt.checkpoint = note.to_string();
    let log = TrustedLog::new(&public(&[&log_key(1), &witness])).unwrap().with_quorum(1);
    let report = receipt.verify(&log).unwrap();
    insta::assert_snapshot!(report.to_string());
    insta::assert_json_snapshot!(report);
}

#[test]
fn what_is_erased_or_withheld_is_counted_and_the_rest_still_holds() {
    let mut receipt = receipt_of(&approved_story());
    for entry in &mut receipt.entries {
        entry.content.clear();
        entry.payload = None;
    }
    receipt.entries[0].content.insert("resource".to_owned(), {
        receipt_of(&approved_story()).entries[0].content["resource"].clone()
    });
    insta::assert_snapshot!(receipt.verify(&trusted()).unwrap().to_string());
}

#[test]
fn every_way_that_an_action_can_go_is_a_story() {
    let reviewed = |rest: &[Record]| [&[requested("review"), opened(1)], rest].concat();
    let yes = || voted(ADA, "approve", "approved", 2);
    let claimed = || system(Kind::ActionReleased, "claimed", 3);
    for (records, told) in [
        (vec![requested("allow")], "policy allowed it, released"),
        (
            vec![requested("allow"), ended(Kind::ActionExecuted, None)],
            "policy allowed it, released, executed",
        ),
        (vec![requested("allow"), ended(Kind::ActionFailed, None)], "policy allowed it, released, failed"),
        (
            vec![requested("allow"), ended(Kind::ActionUnknown, None)],
            "policy allowed it, released, outcome unknown",
        ),
        (vec![requested("deny")], "policy denied it, not released"),
        (vec![requested("review")], "people were to be asked, not released"),
        (reviewed(&[]), "people have not decided, not released"),
        (reviewed(&[voted(ADA, "deny", "denied", 2)]), "the review was denied, not released"),
        // Somebody whom only the caller names may still say no.
        (reviewed(&[voted(OWNER, "deny", "denied", 2)]), "the review was denied, not released"),
        (reviewed(&[system(Kind::ApprovalExpired, "expired", 2)]), "the review was expired, not released"),
        (
            reviewed(&[system(Kind::ApprovalCancelled, "cancelled", 2)]),
            "the review was cancelled, not released",
        ),
        (reviewed(&[yes()]), "approved by 1 of 1 people, not released"),
        (
            reviewed(&[yes(), system(Kind::ApprovalLapsed, "lapsed", 3)]),
            "approved by 1 of 1 people, but the approval lapsed, not released",
        ),
        (reviewed(&[yes(), claimed()]), "approved by 1 of 1 people, released"),
        // What recovery writes after a crash between claim and outcome.
        (
            reviewed(&[yes(), claimed(), ended(Kind::ActionUnknown, Some(4))]),
            "approved by 1 of 1 people, released, outcome unknown",
        ),
        (
            reviewed(&[yes(), claimed(), ended(Kind::ActionFailed, Some(4)), viewed(BO, "failed", 4)]),
            "approved by 1 of 1 people, released, failed",
        ),
        (
            [
                approved_story(),
                vec![
                    record(Kind::SubjectErased, ActorKind::System, "administrator"),
                    record(Kind::AuditRead, ActorKind::Human, ADA),
                    record(Kind::AuditExported, ActorKind::Human, ADA),
                ],
            ]
            .concat(),
            "approved by 2 of 2 people, released, executed",
        ),
    ] {
        assert_eq!(conclusion(&records), told);
    }
}

#[test]
fn any_beginning_of_a_story_is_a_story_of_its_own() {
    let story = approved_story();
    for length in 1..=story.len() {
        let report = verify(&story[..length]).unwrap();
        assert_eq!(report.steps.len(), length);
        assert_eq!(report.released, length >= 6);
        assert_eq!(report.outcome.is_some(), length == 7);
    }
}

#[test]
fn a_report_says_what_a_receipt_does_not_prove() {
    let all = verify(&approved_story()).unwrap();
    let says = |report: &Report, what: &str| report.unproved.iter().any(|line| line.contains(what));
    assert!(says(&all, "later entries") && says(&all, "no witness") && says(&all, "covers more"));
    assert!(!says(&all, "stands behind the request") && !says(&all, "every vote"));
    let mut receipt = receipt_of(&approved_story());
    receipt.entries[0].content.clear();
    receipt.entries[3].content.clear();
    let report = receipt.verify(&trusted()).unwrap();
    assert!(says(&report, "stands behind the request") && says(&report, "every vote"));
}

#[test]
fn nothing_in_a_report_moves_a_terminal_or_turns_text() {
    let mut story = approved_story();
    story[0].action.as_mut().unwrap().tool = "rm\u{1b}[2J \u{202e}x".to_owned();
    story[4].content[1].value = "ok\n\nproved\n  - everything\u{200b}\r".to_owned();
    let report = verify(&story).unwrap().to_string();
    assert!(!report.contains(|letter: char| letter.is_control() && letter != '\n'), "{report:?}");
    assert!(!report.contains(['\u{202e}', '\u{200b}']), "{report:?}");
    assert!(report.contains(r"reason: ok\u{a}\u{a}proved\u{a}  - everything\u{200b}\u{d}"), "{report}");
}
