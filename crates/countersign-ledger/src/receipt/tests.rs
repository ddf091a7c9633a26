mod attacks;
mod document;
mod stories;

use super::*;
use crate::Content;
use crate::checkpoint::Checkpoint;
use crate::fixtures::{Leaves, log_key, trusted};
use crate::kind::Kind;
use crate::leaf_hash;
use crate::note::Note;
use crate::proof::inclusion;
use crate::record::{
    ActionPart, Actor, ActorKind, ApprovalPart, Place as LogPlace, PolicyPart, Record, ResultPart,
};

const ACTION: &str = "act_018f00000000700080000000000000aa";
const AGENT: &str = "agt_018f00000000700080000000000000bb";
const ADA: &str = "per_018f00000000700080000000000000c1";
const BO: &str = "per_018f00000000700080000000000000c2";
const OWNER: &str = "per_018f00000000700080000000000000c3";
const REVIEW: &str = "rev_018f00000000700080000000000000dd";
const DIGEST: &str = "sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";

fn record(kind: Kind, actor: ActorKind, id: &str) -> Record {
    let time = "2026-11-22T05:03:14.123456Z".to_owned();
    let actor = Actor { kind: actor, id: id.to_owned() };
    Record::new(kind, "018f0000-0000-7000-8000-000000000000".to_owned(), time, ACTION.to_owned(), actor)
}

/// As the store writes `action.requested`.
fn requested(decision: &str) -> Record {
    let mut record = record(Kind::ActionRequested, ActorKind::Agent, AGENT);
    record.action = Some(ActionPart {
        tool: "tools/call delete_rows".to_owned(),
        class: vec!["delete".to_owned()],
        bytes: b"{\"table\":\"orders\"}".to_vec(),
    });
    record.policy = Some(PolicyPart {
        bundle: "sha256:00".to_owned(),
        rules: vec!["prod-delete".to_owned()],
        decision: decision.to_owned(),
    });
    let principal = format!(
        r#"{{"agent":"{AGENT}","name":"batch","teams":["data"],"links":[{{"kind":"owner","name":"Olga","person":"{OWNER}","standing":"verified"}},{{"kind":"model","name":"opus","person":null,"standing":"claimed"}}]}}"#
    );
    record.content = vec![
        Content::new("digest", DIGEST),
        Content::new("resource", "orders"),
        Content::new("principal", principal),
    ];
    record
}

fn system(kind: Kind, state: &str, version: u64) -> Record {
    let mut record = record(kind, ActorKind::System, "gateway");
    record.approval = Some(approval(state, version));
    record
}

fn approval(state: &str, version: u64) -> ApprovalPart {
    ApprovalPart { request: REVIEW.to_owned(), state: state.to_owned(), version, ..ApprovalPart::default() }
}

fn opened(n: u32) -> Record {
    let mut record = system(Kind::ApprovalRequested, "pending", 1);
    record.approval = Some(ApprovalPart { of: vec!["dba".to_owned()], n: Some(n), ..approval("pending", 1) });
    record.content = vec![Content::new("pending_until", "2026-11-22T05:18:14.123456Z")];
    record
}

fn viewed(person: &str, state: &str, version: u64) -> Record {
    let mut record = record(Kind::ApprovalViewed, ActorKind::Human, person);
    record.approval = Some(approval(state, version));
    record.content = vec![Content::new("name", "Ada Lovelace")];
    record
}

fn voted(person: &str, answer: &str, state: &str, version: u64) -> Record {
    let mut record = record(Kind::ApprovalDecided, ActorKind::Human, person);
    record.approval = Some(ApprovalPart {
        decision: Some(answer.to_owned()),
        method: Some("passkey".to_owned()),
        channel: Some("console".to_owned()),
        ..approval(state, version)
    });
    record.content = vec![
        Content::new("name", "Ada Lovelace"),
        Content::new("reason", "rows are of the test tenant"),
        Content::new("digest", DIGEST),
    ];
    record
}

fn ended(kind: Kind, review: Option<u64>) -> Record {
    let status = kind.word().trim_start_matches("action.").to_owned();
    let mut record = record(kind, ActorKind::System, "gateway");
    record.approval = review.map(|version| approval(&status, version));
    record.result = Some(ResultPart { status, dur_us: 765 });
    record
}

/// Two people approve, it is released and executed.
fn approved_story() -> Vec<Record> {
    vec![
        requested("review"),
        opened(2),
        viewed(ADA, "pending", 1),
        voted(ADA, "approve", "pending", 2),
        voted(BO, "approve", "approved", 3),
        system(Kind::ActionReleased, "claimed", 4),
        ended(Kind::ActionExecuted, Some(5)),
    ]
}

/// The receipt of these records, in a log with entries of other cases before, between and after them. Everything is
/// shown. Chains, proofs and signature are right whatever the records say.
fn receipt_of(records: &[Record]) -> Receipt {
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    let mut entries = Vec::new();
    let mut prev = None;
    let mut salt = 0_u8;
    for (at, record) in records.iter().enumerate() {
        leaves.extend((0..at + 3).map(|other| format!("another case {at}.{other}").into_bytes()));
        let place =
            LogPlace { tenant: "default", node: "n1", nseq: leaves.len() as u64, prev: prev.as_ref() };
        let mut fill = |bytes: &mut [u8]| {
            for byte in bytes {
                (*byte, salt) = (salt, salt.wrapping_add(1));
            }
        };
        let encoded = record.encode(place, &mut fill).unwrap();
        prev = Some(encoded.hash);
        let content = record.content.iter().zip(&encoded.salts).map(|(content, salt)| {
            (content.name.clone(), OpenedValue { salt: *salt, value: content.value.clone() })
        });
        let payload = record.action.as_ref().zip(encoded.action_salt);
        entries.push(ReceiptEntry {
            index: leaves.len() as u64,
            leaf: String::from_utf8(encoded.leaf.clone()).unwrap(),
            proof: Vec::new(),
            content: content.collect(),
            payload: payload.map(|(action, salt)| OpenedBytes { salt, bytes: action.bytes.clone() }),
        });
        leaves.push(encoded.leaf);
    }
    leaves.push(b"one more".to_vec());
    let (checkpoint, hashes) = signed(&leaves);
    for entry in &mut entries {
        entry.proof = inclusion(&hashes, entry.index, leaves.len() as u64).unwrap();
    }
    Receipt { action: ACTION.to_owned(), checkpoint: checkpoint.to_string(), entries }
}

fn signed(leaves: &[Vec<u8>]) -> (Note, Leaves) {
    let hashes = Leaves::of(leaves.iter().map(|leaf| leaf_hash(leaf)).collect());
    let size = leaves.len() as u64;
    let root = crate::proof::root(&hashes, size).unwrap();
    let checkpoint = Checkpoint::new(crate::fixtures::ORIGIN, size, root).unwrap();
    (checkpoint.sign(&[&log_key(1)]).unwrap(), hashes)
}

fn verify(records: &[Record]) -> Result<Report, Failure> {
    receipt_of(records).verify(&trusted())
}

fn code(records: &[Record]) -> Code {
    verify(records).unwrap_err().code
}
