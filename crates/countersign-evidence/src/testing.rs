//! What do tests pack? A small log with a story of each kind, written as the gateway writes it.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::Path;

use countersign_core::Timestamp;
use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::note::{Algorithm, SigningKey};
use countersign_ledger::proof::{ReadTile, TileHashes, inclusion};
use countersign_ledger::receipt::{OpenedBytes, OpenedValue, Receipt, ReceiptEntry};
use countersign_ledger::tile::{Bundle, Tile, Tiles, encode_entries};
use countersign_ledger::{
    ActionPart, Actor, ActorKind, ApprovalPart, Content, Kind, Place, PolicyPart, Record, ResultPart,
};

use crate::pack::{LOG, Pack, Wish};
use crate::rights::Rights;
use crate::{Framework, Period};

pub(crate) const ADA: &str = "per_018f00000000700080000000000000c1";
const OLAF: &str = "per_018f00000000700080000000000000c3";
const AGENT: &str = "agt_018f00000000700080000000000000bb";

pub(crate) fn key() -> SigningKey {
    SigningKey::generate("pack.example/ledger", Algorithm::Ed25519, &[4; 32]).unwrap()
}

pub(crate) fn now() -> Timestamp {
    crate::period::time("2026-12-01T09:00:00.000000Z").unwrap()
}

pub(crate) fn action(number: u8) -> String {
    format!("act_018f000000007000800000000000{number:04x}")
}

/// A log that grows.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<ReceiptEntry>,
    tiles: Tiles,
    last: HashMap<String, [u8; 32]>,
}

impl ReadTile for Log {
    type Error = Infallible;

    fn read(&self, tile: Tile) -> Result<Vec<u8>, Infallible> {
        Ok(self.tiles.bytes(tile).unwrap().to_vec())
    }
}

impl Log {
    /// Writes one entry, at `time` of a day in November.
    pub(crate) fn write(&mut self, time: &str, mut record: Record) {
        record.time = format!("2026-11-{time}:00.000000Z");
        let index = u64::try_from(self.entries.len()).unwrap();
        let prev = self.last.get(&record.case).copied();
        let place = Place { tenant: "default", node: "n1", nseq: index + 1, prev: prev.as_ref() };
        let mut salt = u8::try_from(index).unwrap();
        let encoded = record
            .encode(place, &mut |bytes| {
                bytes.fill(salt);
                salt = salt.wrapping_add(101);
            })
            .unwrap();
        assert!(self.tiles.push(encoded.hash).is_empty(), "tests need no full tiles");
        self.last.insert(record.case.clone(), encoded.hash);
        let opened = record.content.iter().zip(&encoded.salts);
        self.entries.push(ReceiptEntry {
            index,
            leaf: String::from_utf8(encoded.leaf).unwrap(),
            proof: Vec::new(),
            content: opened
                .map(|(content, salt)| {
                    (content.name.clone(), OpenedValue { salt: *salt, value: content.value.clone() })
                })
                .collect::<BTreeMap<_, _>>(),
            payload: encoded.action_salt.map(|salt| OpenedBytes { salt, bytes: b"{}".to_vec() }),
        });
    }

    pub(crate) fn checkpoint(&self) -> String {
        let checkpoint = Checkpoint::new("pack.example/ledger", self.tiles.size(), self.tiles.root());
        checkpoint.unwrap().sign(&[&key()]).unwrap().to_string()
    }

    pub(crate) fn receipt(&self, case: &str) -> Receipt {
        let size = self.tiles.size();
        let ours = self.entries.iter().filter(|entry| entry.leaf.contains(&format!(r#""case":"{case}""#)));
        let entries = ours.map(|entry| ReceiptEntry {
            proof: inclusion(&TileHashes::new(self, size), entry.index, size).unwrap(),
            ..entry.clone()
        });
        Receipt { action: case.to_owned(), checkpoint: self.checkpoint(), entries: entries.collect() }
    }

    /// Writes the pack of November.
    pub(crate) fn pack(&self, folder: &Path) {
        self.pack_with(folder, &["name", "reason", "digest", "groups", "why", "lines", "principal"]);
    }

    pub(crate) fn pack_with(&self, folder: &Path, shown: &[&str]) {
        let size = self.tiles.size();
        let write = |place: String, bytes: &[u8]| {
            let path = folder.join(LOG).join(place);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        let leaves = encode_entries(self.entries.iter().map(|entry| entry.leaf.as_bytes())).unwrap();
        write(Bundle::in_tree(0, size).unwrap().to_string(), &leaves);
        let tile = Tile::in_tree(0, 0, size).unwrap();
        write(tile.to_string(), self.tiles.bytes(tile).unwrap());
        write("checkpoint".to_owned(), self.checkpoint().as_bytes());
        let wish = Wish {
            period: Period::parse("2026-11-01", "2026-11-30").unwrap(),
            framework: Framework::Soc2,
            shown: shown.iter().map(|name| (*name).to_owned()).collect(),
            payloads: false,
            sample: 1,
        };
        let mut pack = Pack::begin(folder, wish, &self.checkpoint()).unwrap();
        for entry in &self.entries {
            pack.add(entry).unwrap();
        }
        for case in pack.wanted() {
            pack.receipt(&self.receipt(&case), &key()).unwrap();
        }
        pack.policy("sha256:00", 0, "permit (principal, action, resource);").unwrap();
        pack.finish(&Rights::default(), &key(), now()).unwrap();
    }
}

fn record(kind: Kind, actor: (ActorKind, &str), case: &str) -> Record {
    let actor = Actor { kind: actor.0, id: actor.1.to_owned() };
    let id = "018f0000-0000-7000-8000-000000000000".to_owned();
    Record::new(kind, id, String::new(), case.to_owned(), actor)
}

pub(crate) fn requested(number: u8, decision: &str) -> Record {
    let mut record = record(Kind::ActionRequested, (ActorKind::Agent, AGENT), &action(number));
    record.action = Some(ActionPart {
        tool: "tools/call delete_rows".to_owned(),
        class: vec!["delete".to_owned()],
        bytes: b"{}".to_vec(),
    });
    let rules = vec!["prod-delete".to_owned()];
    record.policy = Some(PolicyPart { bundle: "sha256:00".to_owned(), rules, decision: decision.to_owned() });
    record.content = vec![
        Content::new("digest", format!("sha256:{number:064x}")),
        Content::new("claim", "a secret claim"),
    ];
    record
}

pub(crate) fn system(kind: Kind, number: u8, state: &str, version: u64) -> Record {
    let mut record = record(kind, (ActorKind::System, "gateway"), &action(number));
    record.approval = Some(approval(number, state, version));
    if kind == Kind::ApprovalRequested
        && let Some(approval) = &mut record.approval
    {
        (approval.of, approval.n) = (vec!["dba".to_owned()], Some(1));
    }
    record
}

fn approval(number: u8, state: &str, version: u64) -> ApprovalPart {
    let request = format!("rev_018f000000007000800000000000{number:04x}");
    ApprovalPart { request, state: state.to_owned(), version, ..ApprovalPart::default() }
}

pub(crate) fn voted(number: u8, answer: &str, state: &str, version: u64) -> Record {
    let mut record = record(Kind::ApprovalDecided, (ActorKind::Human, ADA), &action(number));
    record.approval = Some(ApprovalPart {
        decision: Some(answer.to_owned()),
        method: Some("passkey".to_owned()),
        channel: Some("console".to_owned()),
        ..approval(number, state, version)
    });
    record.content = vec![
        Content::new("name", "Ada"),
        Content::new("reason", "looked at it"),
        Content::new("groups", r#"["dba"]"#),
        Content::new("digest", format!("sha256:{number:064x}")),
    ];
    record
}

pub(crate) fn refused(number: u8) -> Record {
    let mut record = record(Kind::ApprovalRefused, (ActorKind::Human, OLAF), &action(number));
    record.approval = Some(approval(number, "pending", 1));
    record.content = vec![Content::new("name", "Olaf"), Content::new("why", "stands behind it\u{202e}")];
    record
}

pub(crate) fn ended(kind: Kind, number: u8, review: Option<u64>) -> Record {
    let status = kind.word().trim_start_matches("action.").to_owned();
    let mut record = record(kind, (ActorKind::System, "gateway"), &action(number));
    record.approval = review.map(|version| approval(number, &status, version));
    record.result = Some(ResultPart { status, dur_us: 765 });
    record
}

pub(crate) fn passed(lines: u64) -> Record {
    let mut record = record(Kind::ActionsPassed, (ActorKind::System, "gateway"), "passed");
    record.content = vec![Content::new("batch", "sha256:00"), Content::new("lines", lines.to_string())];
    record
}

pub(crate) fn changed() -> Record {
    record(Kind::PolicyChanged, (ActorKind::System, "gateway"), "policy")
}

/// An allowed action of October, and November: an approval with a vote that was refused before, a denial, an unknown
/// outcome after a silence, allowed actions and a batch.
pub(crate) fn november() -> Log {
    let mut log = Log::default();
    log.write("01T00:00", changed());
    log.write("02T08:00", requested(1, "review"));
    log.write("02T08:00", system(Kind::ApprovalRequested, 1, "pending", 1));
    log.write("02T08:01", refused(1));
    log.write("02T08:05", voted(1, "approve", "approved", 2));
    log.write("02T08:05", system(Kind::ActionReleased, 1, "claimed", 3));
    log.write("02T08:06", ended(Kind::ActionExecuted, 1, Some(4)));
    log.write("02T08:07", requested(2, "review"));
    log.write("02T08:07", system(Kind::ApprovalRequested, 2, "pending", 1));
    log.write("02T08:09", voted(2, "deny", "denied", 2));
    for number in 3..7 {
        log.write("02T08:10", requested(number, "allow"));
        log.write("02T08:10", ended(Kind::ActionExecuted, number, None));
    }
    log.write("02T08:11", passed(40));
    log.write("02T09:00", requested(7, "allow"));
    log.write("02T09:01", ended(Kind::ActionUnknown, 7, None));
    log
}
