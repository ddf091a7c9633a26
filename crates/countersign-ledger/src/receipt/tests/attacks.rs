//! What somebody with a pen might do to a receipt, and what a gateway that lies might write. Each is refused, with the
//! place and the word.

use super::*;
use crate::checkpoint::TrustedLog;
use crate::fixtures::public;

/// The honest receipt, changed.
fn changed(change: impl FnOnce(&mut Receipt)) -> Failure {
    let mut receipt = receipt_of(&approved_story());
    receipt.verify(&trusted()).unwrap();
    change(&mut receipt);
    receipt.verify(&trusted()).unwrap_err()
}

fn expect(failure: &Failure, place: Place, code: Code) {
    assert_eq!((failure.place, failure.code), (place, code), "{failure}");
    assert!(failure.to_string().starts_with(&format!("{place}: {}: ", code.word())), "{failure}");
}

#[test]
fn a_changed_leaf_is_not_in_the_log() {
    for (from, to) in [("approve", "deny"), (ADA, BO), ("05:03:14", "05:03:15"), ("\"v\":1", "\"v\":2")] {
        let failure = changed(|receipt| {
            let leaf = receipt.entries[3].leaf.replacen(from, to, 1);
            assert_ne!(leaf, receipt.entries[3].leaf);
            receipt.entries[3].leaf = leaf;
        });
        expect(&failure, Place::Entry(21), Code::NotIncluded);
    }
}

#[test]
fn every_flipped_bit_of_a_receipt_is_refused() {
    let honest = receipt_of(&[requested("allow"), ended(Kind::ActionExecuted, None)]);
    honest.verify(&trusted()).unwrap();
    let refused = |receipt: &Receipt| receipt.verify(&trusted()).is_err();
    for (at, entry) in honest.entries.iter().enumerate() {
        for bit in 0..64 {
            let mut receipt = honest.clone();
            receipt.entries[at].index ^= 1 << bit;
            assert!(refused(&receipt), "bit {bit} of the index of entry {at}");
        }
        for bit in 0..entry.proof.len() * 256 {
            let mut receipt = honest.clone();
            receipt.entries[at].proof[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
            assert!(refused(&receipt), "bit {bit} of the proof of entry {at}");
        }
        for bit in 0..entry.leaf.len() * 8 {
            let mut leaf = entry.leaf.clone().into_bytes();
            leaf[bit / 8] ^= 1 << (bit % 8);
            let Ok(leaf) = String::from_utf8(leaf) else { continue };
            let mut receipt = honest.clone();
            receipt.entries[at].leaf = leaf;
            assert!(refused(&receipt), "bit {bit} of the leaf of entry {at}");
        }
    }
    for bit in 0..honest.checkpoint.len() * 8 {
        let mut checkpoint = honest.checkpoint.clone().into_bytes();
        checkpoint[bit / 8] ^= 1 << (bit % 8);
        let Ok(checkpoint) = String::from_utf8(checkpoint) else { continue };
        let receipt = Receipt { checkpoint, ..honest.clone() };
        assert!(refused(&receipt), "bit {bit} of the checkpoint");
    }
}

#[test]
fn every_flipped_bit_of_what_is_shown_is_refused() {
    let honest = receipt_of(&approved_story());
    let payload = honest.entries[0].payload.clone().unwrap();
    for bit in 0..payload.bytes.len() * 8 {
        let mut receipt = honest.clone();
        receipt.entries[0].payload.as_mut().unwrap().bytes[bit / 8] ^= 1 << (bit % 8);
        expect(&receipt.verify(&trusted()).unwrap_err(), Place::Entry(3), Code::PayloadMismatch);
    }
    for bit in 0..256 {
        let mut receipt = honest.clone();
        receipt.entries[0].payload.as_mut().unwrap().salt[bit / 8] ^= 1 << (bit % 8);
        expect(&receipt.verify(&trusted()).unwrap_err(), Place::Entry(3), Code::PayloadMismatch);
    }
    for bit in 0..128 {
        let mut receipt = honest.clone();
        receipt.entries[3].content.get_mut("reason").unwrap().salt[bit / 8] ^= 1 << (bit % 8);
        expect(&receipt.verify(&trusted()).unwrap_err(), Place::Entry(21), Code::ContentMismatch);
    }
    let failure = changed(|receipt| receipt.entries[3].content.get_mut("reason").unwrap().value.push('!'));
    expect(&failure, Place::Entry(21), Code::ContentMismatch);
}

#[test]
fn a_value_under_another_name_twice_or_in_another_entry_is_refused() {
    let renamed = changed(|receipt| {
        let reason = receipt.entries[3].content.remove("reason").unwrap();
        receipt.entries[3].content.insert("claim".to_owned(), reason);
    });
    expect(&renamed, Place::Entry(21), Code::ContentMismatch);
    let invented = changed(|receipt| {
        let invented = OpenedValue { salt: [0; 16], value: "yes".to_owned() };
        receipt.entries[3].content.insert("more".to_owned(), invented);
    });
    expect(&invented, Place::Entry(21), Code::ContentMismatch);
    let moved = changed(|receipt| {
        let reason = receipt.entries[3].content["reason"].clone();
        receipt.entries[4].content.insert("reason".to_owned(), reason);
    });
    expect(&moved, Place::Entry(29), Code::ContentMismatch);
    let payload = changed(|receipt| receipt.entries[1].payload = receipt.entries[0].payload.clone());
    expect(&payload, Place::Entry(8), Code::PayloadMismatch);
}

#[test]
fn a_missing_repeated_or_reordered_entry_is_noticed() {
    let first = changed(|receipt| drop(receipt.entries.remove(0)));
    expect(&first, Place::Entry(8), Code::ChainBroken);
    let middle = changed(|receipt| drop(receipt.entries.remove(3)));
    expect(&middle, Place::Entry(29), Code::ChainBroken);
    let view = changed(|receipt| drop(receipt.entries.remove(2)));
    expect(&view, Place::Entry(21), Code::ChainBroken);
    let repeated = changed(|receipt| receipt.entries.insert(3, receipt.entries[3].clone()));
    expect(&repeated, Place::Entry(21), Code::OutOfOrder);
    let reordered = changed(|receipt| receipt.entries.swap(3, 4));
    expect(&reordered, Place::Entry(29), Code::ChainBroken);
    let behind = changed(|receipt| receipt.entries.push(receipt.entries[0].clone()));
    expect(&behind, Place::Entry(3), Code::OutOfOrder);
    let none = changed(|receipt| receipt.entries.clear());
    expect(&none, Place::Receipt, Code::NoEntries);
}

#[test]
fn an_entry_of_another_action_is_no_part_of_it() {
    let mut story = approved_story();
    for record in &mut story[3..] {
        record.case = "act_other".to_owned();
    }
    expect(&verify(&story).unwrap_err(), Place::Entry(21), Code::OtherCase);
    let renamed = changed(|receipt| receipt.action = "act_other".to_owned());
    expect(&renamed, Place::Entry(3), Code::OtherCase);
}

#[test]
fn a_second_beginning_is_no_continuation() {
    let (one, two) = (receipt_of(&[requested("allow")]), requested("allow"));
    let place = LogPlace { tenant: "default", node: "n1", nseq: 9, prev: None };
    let again = two.encode(place, &mut |bytes| bytes.fill(9)).unwrap().leaf;
    let leaves = [one.entries[0].leaf.clone().into_bytes(), again.clone()];
    let (checkpoint, hashes) = signed(&leaves);
    let entry = |index: u64, leaf: &[u8]| ReceiptEntry {
        index,
        leaf: String::from_utf8(leaf.to_vec()).unwrap(),
        proof: inclusion(&hashes, index, 2).unwrap(),
        content: BTreeMap::new(),
        payload: None,
    };
    let entries = vec![entry(0, &leaves[0]), entry(1, &again)];
    let receipt = Receipt { action: ACTION.to_owned(), checkpoint: checkpoint.to_string(), entries };
    expect(&receipt.verify(&trusted()).unwrap_err(), Place::Entry(1), Code::ChainBroken);
}

#[test]
fn a_checkpoint_of_somebody_else_is_not_trusted() {
    let receipt = receipt_of(&approved_story());
    let stranger = TrustedLog::new(&public(&[&log_key(9)])).unwrap();
    expect(&receipt.verify(&stranger).unwrap_err(), Place::Checkpoint, Code::CheckpointUntrusted);
    let with_witness = trusted().with_quorum(1);
    expect(&receipt.verify(&with_witness).unwrap_err(), Place::Checkpoint, Code::CheckpointUntrusted);
    let failure = changed(|receipt| receipt.checkpoint = "nonsense".to_owned());
    expect(&failure, Place::Checkpoint, Code::CheckpointUntrusted);
}

#[test]
fn a_leaf_in_another_form_is_refused_even_when_it_is_in_the_log() {
    for leaf in ["hello", "{\"v\":1}", "{\"v\":2,\"type\":\"action.requested\"}"] {
        let (checkpoint, _) = signed(&[leaf.as_bytes().to_vec()]);
        let entry = ReceiptEntry {
            index: 0,
            leaf: leaf.to_owned(),
            proof: Vec::new(),
            content: BTreeMap::new(),
            payload: None,
        };
        let receipt =
            Receipt { action: ACTION.to_owned(), checkpoint: checkpoint.to_string(), entries: vec![entry] };
        expect(&receipt.verify(&trusted()).unwrap_err(), Place::Entry(0), Code::LeafMalformed);
    }
}

fn reviewed(rest: &[Record]) -> Vec<Record> {
    [&[requested("review"), opened(1)], rest].concat()
}

fn yes() -> Record {
    voted(ADA, "approve", "approved", 2)
}

fn claimed(version: u64) -> Record {
    system(Kind::ActionReleased, "claimed", version)
}

fn done(version: Option<u64>) -> Record {
    ended(Kind::ActionExecuted, version)
}

fn with(mut record: Record, change: impl FnOnce(&mut Record)) -> Record {
    change(&mut record);
    record
}

fn of_other(record: Record) -> Record {
    with(record, |record| record.approval.as_mut().unwrap().request = "rev_x".to_owned())
}

fn by(kind: ActorKind, record: Record) -> Record {
    with(record, |record| record.actor.kind = kind)
}

/// Stories that no gateway may write, though every hash and signature of them is right.
fn refused(lies: &[(&str, Vec<Record>, Code)]) {
    for (what, records, code) in lies {
        let found = verify(records);
        assert_eq!(found.as_ref().map_err(|failure| failure.code), Err(*code), "{what}: {found:?}");
    }
}

#[test]
fn requests_that_cannot_be_are_refused() {
    use Code::{ActorWrong, NotRequested, PartWrong, PrincipalUnreadable, RequestedTwice};
    let allow = || requested("allow");
    let principal = |value: &str| vec![with(allow(), |record| record.content[2].value = value.to_owned())];
    let of_another = allow().content[2].value.replace(AGENT, "agt_x");
    refused(&[
        ("no request", vec![opened(1)], NotRequested),
        ("two requests", vec![allow(), allow()], RequestedTwice),
        ("another decision", vec![requested("perhaps")], PartWrong),
        ("no policy", vec![with(allow(), |record| record.policy = None)], PartWrong),
        ("no action", vec![with(allow(), |record| record.action = None)], PartWrong),
        ("by a person", vec![by(ActorKind::Human, allow())], ActorWrong),
        ("a principal that says nothing", principal("{}"), PrincipalUnreadable),
        ("a principal of another agent", principal(&of_another), PrincipalUnreadable),
        ("a list for a principal", principal(&format!("[\"{AGENT}\",[]]")), PrincipalUnreadable),
        ("an action again", reviewed(&[with(yes(), |record| record.action = allow().action)]), PartWrong),
        (
            "a result in a vote",
            reviewed(&[with(yes(), |record| record.result = done(None).result)]),
            PartWrong,
        ),
    ]);
}

#[test]
fn entries_of_another_kind_of_story_are_refused() {
    for kind in Kind::ALL {
        let ours = kind.word().starts_with("action.") || kind.word().starts_with("approval.");
        let about_the_record = [Kind::SubjectErased, Kind::AuditRead, Kind::AuditExported].contains(kind);
        if ours || about_the_record {
            continue;
        }
        let story = [requested("allow"), record(*kind, ActorKind::System, "gateway")];
        assert_eq!(code(&story), Code::Foreign, "{}", kind.word());
    }
}

#[test]
fn reviews_that_cannot_be_are_refused() {
    use Code::{PartWrong, ReviewMismatch, ReviewUnexpected};
    let later = with(opened(1), |record| record.approval.as_mut().unwrap().version = 2);
    let lapsed = |version| system(Kind::ApprovalLapsed, "lapsed", version);
    let expired = |version| system(Kind::ApprovalExpired, "expired", version);
    refused(&[
        ("though policy allows", vec![requested("allow"), opened(1)], ReviewUnexpected),
        ("though policy denies", vec![requested("deny"), opened(1)], ReviewUnexpected),
        ("two reviews", reviewed(&[opened(1)]), ReviewUnexpected),
        ("a vote without a review", vec![requested("review"), yes()], ReviewUnexpected),
        ("a review for nobody", vec![requested("review"), opened(0)], PartWrong),
        ("a review that begins later", vec![requested("review"), later], PartWrong),
        ("a view of another review", reviewed(&[of_other(viewed(ADA, "pending", 1))]), ReviewMismatch),
        ("a view of a later version", reviewed(&[viewed(ADA, "pending", 2)]), ReviewMismatch),
        ("an expiry after the decision", reviewed(&[yes(), expired(3)]), ReviewMismatch),
        ("a lapse before a decision", reviewed(&[lapsed(2)]), ReviewMismatch),
    ]);
}

#[test]
fn votes_that_cannot_be_are_refused() {
    use Code::{ActorWrong, DigestMismatch, PartWrong, ReviewMismatch};
    let no_answer = with(yes(), |record| record.approval.as_mut().unwrap().decision = None);
    let no_review = with(yes(), |record| record.approval = None);
    let elsewhere = with(yes(), |record| record.content[2].value = DIGEST.replace("5f", "6f"));
    let viewed_by_agent = by(ActorKind::Agent, viewed(ADA, "pending", 1));
    refused(&[
        ("about another review", reviewed(&[of_other(yes())]), ReviewMismatch),
        ("a skipped version", reviewed(&[voted(ADA, "approve", "approved", 3)]), ReviewMismatch),
        ("a version again", reviewed(&[voted(ADA, "approve", "approved", 1)]), ReviewMismatch),
        ("after the decision", reviewed(&[yes(), voted(BO, "deny", "denied", 3)]), ReviewMismatch),
        ("a deny that approves", reviewed(&[voted(ADA, "deny", "approved", 2)]), PartWrong),
        ("an approval that denies", reviewed(&[voted(ADA, "approve", "denied", 2)]), PartWrong),
        ("a vote that claims", reviewed(&[voted(ADA, "approve", "claimed", 2)]), PartWrong),
        ("no answer", reviewed(&[no_answer]), PartWrong),
        ("no review's name", reviewed(&[no_review]), PartWrong),
        ("by the gateway", reviewed(&[by(ActorKind::System, yes())]), ActorWrong),
        ("by an agent", reviewed(&[by(ActorKind::Agent, yes())]), ActorWrong),
        ("a look by an agent", reviewed(&[viewed_by_agent]), ActorWrong),
        ("about another digest", reviewed(&[elsewhere]), DigestMismatch),
    ]);
}

#[test]
fn approvals_by_too_few_or_by_those_who_ask_are_refused() {
    use Code::{RequesterApproved, TooFewApprovers, VotedTwice};
    let first = || voted(ADA, "approve", "pending", 2);
    let for_two = |votes: &[Record]| [&[requested("review"), opened(2)], votes].concat();
    refused(&[
        ("one of two people", for_two(&[yes()]), TooFewApprovers),
        ("one person as two", for_two(&[first(), voted(ADA, "approve", "approved", 3)]), VotedTwice),
        ("the owner", reviewed(&[voted(OWNER, "approve", "approved", 2)]), RequesterApproved),
        ("the requester", reviewed(&[voted(AGENT, "approve", "approved", 2)]), RequesterApproved),
        (
            "the owner beside another",
            for_two(&[first(), voted(OWNER, "approve", "approved", 3)]),
            RequesterApproved,
        ),
    ]);
    // The requester itself is in the leaf, so it is found whatever is shown.
    let mut receipt = receipt_of(&reviewed(&[voted(AGENT, "approve", "approved", 2)]));
    receipt.entries[0].content.clear();
    assert_eq!(receipt.verify(&trusted()).unwrap_err().code, RequesterApproved);
}

#[test]
fn releases_without_an_approval_in_force_are_refused() {
    use Code::{ReleasedTwice, ReleasedUnapproved, ReviewMismatch};
    let lapsed = system(Kind::ApprovalLapsed, "lapsed", 3);
    refused(&[
        ("without being asked", vec![requested("review"), claimed(1)], ReleasedUnapproved),
        ("though policy denies", vec![requested("deny"), claimed(1)], ReleasedUnapproved),
        ("while pending", reviewed(&[claimed(2)]), ReleasedUnapproved),
        ("after a deny", reviewed(&[voted(ADA, "deny", "denied", 2), claimed(3)]), ReleasedUnapproved),
        ("after it lapsed", reviewed(&[yes(), lapsed, claimed(4)]), ReleasedUnapproved),
        ("twice", reviewed(&[yes(), claimed(3), claimed(4)]), ReleasedTwice),
        ("by another review", reviewed(&[yes(), of_other(claimed(3))]), ReviewMismatch),
    ]);
}

#[test]
fn outcomes_of_what_was_not_released_or_is_over_are_refused() {
    use Code::{OutcomeTwice, OutcomeUnreleased, PartWrong, ReviewMismatch};
    let allowed = |rest: &[Record]| [&[requested("allow")], rest].concat();
    let unknown = ended(Kind::ActionUnknown, None);
    refused(&[
        ("ran though denied", vec![requested("deny"), done(None)], OutcomeUnreleased),
        ("ran before people were asked", vec![requested("review"), done(None)], OutcomeUnreleased),
        ("ran while pending", reviewed(&[done(Some(2))]), OutcomeUnreleased),
        ("ran without a claim", reviewed(&[yes(), done(Some(3))]), OutcomeUnreleased),
        ("ran twice", allowed(&[done(None), done(None)]), OutcomeTwice),
        ("ran twice with people", reviewed(&[yes(), claimed(3), done(Some(4)), done(Some(5))]), OutcomeTwice),
        ("unknown, then executed", allowed(&[unknown, done(None)]), OutcomeTwice),
        (
            "of another word",
            allowed(&[with(done(None), |record| record.kind = Kind::ActionFailed)]),
            PartWrong,
        ),
        ("without a result", allowed(&[with(done(None), |record| record.result = None)]), PartWrong),
        ("allowed, with a review", allowed(&[done(Some(2))]), PartWrong),
        ("held, without its review", reviewed(&[yes(), claimed(3), done(None)]), PartWrong),
        ("a skipped version", reviewed(&[yes(), claimed(3), done(Some(5))]), ReviewMismatch),
    ]);
}

#[test]
fn votes_must_agree_among_themselves_when_the_request_stays_closed() {
    let mut story = approved_story();
    story[4].content[2].value = DIGEST.replace("5f", "6f");
    let mut receipt = receipt_of(&story);
    receipt.entries[0].content.clear();
    assert_eq!(receipt.verify(&trusted()).unwrap_err().code, Code::DigestMismatch);
    assert_eq!(code(&story), Code::DigestMismatch);
}
