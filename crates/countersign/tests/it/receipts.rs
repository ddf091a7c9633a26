//! Does every action that the gateway recorded have a receipt that holds? Made from the store's file with a key of the
//! test's own, and verified as an auditor would.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use countersign_core::{Answer, State, Verb};
use countersign_ledger::checkpoint::{Checkpoint, TrustedLog};
use countersign_ledger::note::{Algorithm, Sign as _, SigningKey};
use countersign_ledger::proof::{ReadTile, TileHashes, inclusion};
use countersign_ledger::receipt::{OpenedBytes, OpenedValue, Receipt, ReceiptEntry, Report};
use countersign_ledger::tile::{Tile, Tiles};
use countersign_store::Store;
use countersign_testkit::{CountingUpstream, TestCall, World};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use crate::sealed;

/// The receipts of all actions in this folder, verified: the actions, in the order of their requests.
pub(crate) fn of_folder(folder: &Path) -> Vec<Report> {
    let db = sealed::file(folder);
    let mut statement = db.prepare("SELECT case_id, leaf FROM entries ORDER BY idx").unwrap();
    let rows: Vec<(String, Vec<u8>)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let log = Log::of(rows.iter().map(|(_, leaf)| leaf.as_slice()));
    let mut cases: Vec<&String> = Vec::new();
    for (case, _) in &rows {
        if case.starts_with("act_") && !cases.contains(&case) {
            cases.push(case);
        }
    }
    cases.into_iter().map(|case| report(&db, &log, &rows, case)).collect()
}

fn report(db: &Connection, log: &Log, rows: &[(String, Vec<u8>)], case: &str) -> Report {
    let ours = rows.iter().enumerate().filter(|(_, row)| row.0 == case);
    let entries = ours.map(|(index, (_, leaf))| entry(db, log, index, leaf)).collect();
    let receipt = Receipt { action: case.to_owned(), checkpoint: log.checkpoint.clone(), entries };
    let sent = Receipt::parse(receipt.to_json().unwrap().as_bytes()).unwrap();
    let report = sent.verify(&log.trusted).unwrap_or_else(|failure| panic!("{case}: {failure}"));
    assert!(report.undisclosed.is_empty(), "everything stands beside its leaf: {report}");
    report
}

/// An entry with all that stands beside it.
fn entry(db: &Connection, log: &Log, index: usize, leaf: &[u8]) -> ReceiptEntry {
    let index = u64::try_from(index).unwrap();
    let case = "SELECT case_id FROM entries WHERE idx = ?1";
    let case: String = db.query_row(case, [index.cast_signed()], |row| row.get(0)).unwrap();
    let bytes: Option<Vec<u8>> = db.query_row(sealed::PAYLOAD, [case], |row| row.get(0)).optional().unwrap();
    let body = serde_json::to_value(sealed::beside(db, index.cast_signed())).unwrap();
    let body: BTreeMap<String, (String, Option<String>)> = serde_json::from_value(body).unwrap();
    let mut entry = ReceiptEntry {
        index,
        leaf: String::from_utf8(leaf.to_vec()).unwrap(),
        proof: inclusion(&TileHashes::new(log, log.tiles.size()), index, log.tiles.size()).unwrap(),
        content: BTreeMap::new(),
        payload: None,
    };
    for (name, (salt, value)) in body {
        match value {
            Some(value) => {
                entry.content.insert(name, OpenedValue { salt: unhex(&salt), value });
            }
            None => entry.payload = Some(OpenedBytes { salt: unhex(&salt), bytes: bytes.clone().unwrap() }),
        }
    }
    entry
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    let digits: Vec<&str> = (0..N).map(|at| text.get(at * 2..at * 2 + 2).unwrap()).collect();
    std::array::from_fn(|at| u8::from_str_radix(digits[at], 16).unwrap())
}

/// The tree over the store's leaves, signed by a key that only this test has.
struct Log {
    tiles: Tiles,
    full: BTreeMap<Tile, Vec<u8>>,
    checkpoint: String,
    trusted: TrustedLog,
}

impl Log {
    fn of<'a>(leaves: impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut tiles, mut full) = (Tiles::new(), BTreeMap::new());
        for leaf in leaves {
            let done = tiles.push(countersign_ledger::leaf_hash(leaf));
            full.extend(done.into_iter().map(|done| (done.tile, done.bytes)));
        }
        let key = SigningKey::generate("test.example/log", Algorithm::Ed25519, &[7; 32]).unwrap();
        let checkpoint = Checkpoint::new("test.example/log", tiles.size(), tiles.root()).unwrap();
        let checkpoint = checkpoint.sign(&[&key]).unwrap().to_string();
        let trusted = TrustedLog::new(&[key.key().clone()]).unwrap();
        Self { tiles, full, checkpoint, trusted }
    }
}

impl ReadTile for Log {
    type Error = Infallible;

    fn read(&self, tile: Tile) -> Result<Vec<u8>, Infallible> {
        Ok(self.tiles.bytes(tile).map_or_else(|| self.full[&tile].clone(), <[u8]>::to_vec))
    }
}

async fn held(world: &World, object: &str, upstream: &CountingUpstream) -> countersign_core::Review {
    let call = TestCall::new(upstream);
    let mut is_held = call.held.subscribe();
    let (gate, draft) = (world.gate.clone(), world.draft(Verb::Delete, object));
    let waiting = tokio::spawn(async move { gate.pass(draft, call).await });
    is_held.wait_for(|held| *held).await.unwrap();
    waiting.abort();
    world.the_review(State::Pending).await
}

/// Every end that an action can have, in one ledger, up to a stop with one action on its way.
#[tokio::test]
async fn every_way_that_an_action_can_go_has_a_receipt_that_holds() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    for verb in [Verb::Read, Verb::Export, Verb::Deploy] {
        world.gate.pass(world.draft(verb, "orders"), TestCall::new(&upstream)).await;
    }
    let review = held(&world, "looked at, approved, executed", &upstream).await;
    world.gate.viewed(&world.reviewer("ada"), review.id, review.version).await.unwrap();
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    let draft = world.draft(Verb::Delete, "looked at, approved, executed");
    world.gate.pass(draft, TestCall::new(&upstream)).await;
    world.gate.viewed(&world.reviewer("bob"), review.id, review.version).await.unwrap();
    let review = held(&world, "denied", &upstream).await;
    world.vote("bob", &review, Answer::Deny).await.unwrap();
    let review = held(&world, "approved, then late", &upstream).await;
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    world.until(review.id, State::Lapsed).await;
    let review = held(&world, "expired", &upstream).await;
    world.clock.advance(Duration::from_secs(3600));
    world.until(review.id, State::Expired).await;
    let review = held(&world, "stopped while it ran", &CountingUpstream::silent()).await;
    let silent = TestCall::new(&CountingUpstream::silent());
    let (gate, draft) = (world.gate.clone(), world.draft(Verb::Delete, "stopped while it ran"));
    let running = tokio::spawn(async move { gate.pass(draft, silent).await });
    world.vote("ada", &review, Answer::Approve).await.unwrap();
    world.until(review.id, State::Claimed).await;
    let world = world.reopen().await;
    running.abort();
    world.store.catch_up().await;
    let told: Vec<String> = of_folder(&world.folder()).iter().map(Report::conclusion).collect();
    assert_eq!(
        told,
        [
            "policy allowed it, released, executed",
            "policy denied it, not released",
            "policy denied it, not released",
            "approved by 1 of 1 people, released, executed",
            "the review was denied, not released",
            "approved by 1 of 1 people, but the approval lapsed, not released",
            "the review was expired, not released",
            "approved by 1 of 1 people, released, outcome unknown",
        ]
    );
}

/// Whoever writes the file can build the tree anew, but a changed leaf breaks the chain of its case.
#[tokio::test]
async fn a_ledger_that_was_changed_in_its_file_has_no_receipts() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    world.gate.pass(world.draft(Verb::Read, "orders"), TestCall::new(&upstream)).await;
    world.store.catch_up().await;
    let reports = of_folder(&world.folder());
    let db = Connection::open(world.folder().join(Store::FILE)).unwrap();
    let sql = "SELECT leaf FROM entries WHERE kind = 'action.requested'";
    let leaf: Vec<u8> = db.query_row(sql, [], |row| row.get(0)).unwrap();
    let value: Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!(reports[0].action, value["case"].as_str().unwrap());
    // The leaf says `deny` now; its outcome stands behind it.
    let denied = String::from_utf8(leaf).unwrap().replace("\"decision\":\"allow\"", "\"decision\":\"deny\"");
    db.execute("UPDATE entries SET leaf = ?1 WHERE kind = 'action.requested'", [denied.into_bytes()])
        .unwrap();
    drop(db);
    let folder = world.folder();
    let changed = std::panic::catch_unwind(|| of_folder(&folder));
    let failure = *changed.unwrap_err().downcast::<String>().unwrap();
    assert!(failure.contains("chain_broken"), "{failure}");
}
