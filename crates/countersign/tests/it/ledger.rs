//! Is the ledger whole? Checked from the file with a plain SQLite connection, not through our store.

use std::collections::HashMap;

use countersign_testkit::{CountingUpstream, TestCall, World};
use rusqlite::Connection;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{receipts, sealed};

/// Indexes without gaps, hashes of the exact leaves, cases chained, counts matching, every commitment opened by the
/// content beside it, and a receipt of every action that holds.
pub(crate) fn check(world: &World) {
    let db = sealed::file(&world.folder());
    let size: i64 = db.query_row("SELECT size FROM log_state", [], |row| row.get(0)).unwrap();
    let mut statement =
        db.prepare("SELECT idx, case_id, leaf, leaf_hash, kind FROM entries ORDER BY idx").unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .collect::<Result<Vec<(i64, String, Vec<u8>, [u8; 32], String)>, _>>()
        .unwrap();
    assert_eq!(rows.len(), usize::try_from(size).unwrap());
    let root: Option<[u8; 32]> = db.query_row("SELECT root FROM log_state", [], |row| row.get(0)).unwrap();
    let hashes: Vec<[u8; 32]> = rows.iter().map(|row| row.3).collect();
    assert_eq!(root, Some(tree_head(&hashes)), "the root is not that of the leaves");
    let mut last: HashMap<String, String> = HashMap::new();
    for (at, (index, case, leaf, hash, kind)) in rows.into_iter().enumerate() {
        assert_eq!(index, i64::try_from(at).unwrap(), "a gap");
        let computed: [u8; 32] = Sha256::new().chain_update([0]).chain_update(&leaf).finalize().into();
        assert_eq!(computed, hash);
        let value: Value = serde_json::from_slice(&leaf).unwrap();
        assert_eq!(value["type"], kind.as_str());
        assert_eq!(value["case"], case.as_str());
        assert_eq!(value.get("prev").and_then(Value::as_str), last.get(&case).map(String::as_str));
        last.insert(case, hex(&hash));
        check_contents(&db, index, &value);
    }
    receipts::of_folder(&world.folder());
}

/// Every leaf, in order.
pub(crate) fn leaves(world: &World) -> Vec<Value> {
    let db = Connection::open(world.folder().join(countersign_store::Store::FILE)).unwrap();
    let mut statement = db.prepare("SELECT leaf FROM entries ORDER BY idx").unwrap();
    let leaves = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    leaves.map(|leaf| serde_json::from_slice(&leaf.unwrap()).unwrap()).collect()
}

/// The Merkle tree head exactly as RFC 6962, section 2.1, defines it.
fn tree_head(hashes: &[[u8; 32]]) -> [u8; 32] {
    match hashes {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let split = hashes.len().next_power_of_two() / 2;
            let (left, right) = (tree_head(&hashes[..split]), tree_head(&hashes[split..]));
            Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
        }
    }
}

fn check_contents(db: &Connection, index: i64, leaf: &Value) {
    let body = sealed::beside(db, index);
    let contents: Vec<(String, Vec<u8>, Option<String>)> = body
        .into_iter()
        .map(|(name, pair)| (name, unhex(pair[0].as_str().unwrap()), pair[1].as_str().map(str::to_owned)))
        .collect();
    let mut opened: Vec<String> = contents
        .iter()
        .filter_map(|(name, salt, value)| {
            let pair = serde_json::to_string(&(name, value.as_ref()?)).unwrap();
            Some(hex(&Sha256::new().chain_update(salt).chain_update(pair).finalize()))
        })
        .collect();
    let mut committed: Vec<String> =
        leaf["sd"].as_array().into_iter().flatten().map(|sd| sd.as_str().unwrap().to_owned()).collect();
    opened.sort();
    committed.sort();
    assert_eq!(opened, committed);
    if let Some(commit) = leaf.pointer("/action/commit") {
        let salt = &contents.iter().find(|(name, ..)| name == "action").unwrap().1;
        let payload: Vec<u8> =
            db.query_row(sealed::PAYLOAD, [leaf["case"].as_str()], |row| row.get(0)).unwrap();
        let computed = Sha256::new()
            .chain_update(b"countersign/action/v1\0")
            .chain_update(salt)
            .chain_update(payload)
            .finalize();
        assert_eq!(commit, hex(&computed).as_str());
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn concurrent_actions_leave_a_gapless_ledger_whose_commitments_open() {
    let (world, upstream) = (World::new().await, CountingUpstream::default());
    let calls: Vec<_> = (0..40)
        .map(|at| {
            let verb =
                if at % 3 == 0 { countersign_core::Verb::Export } else { countersign_core::Verb::Read };
            let (gate, draft) = (world.gate.clone(), world.draft(verb, &format!("orders-{at}")));
            let call = TestCall::new(&upstream);
            tokio::spawn(async move { gate.pass(draft, call).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    check(&world);
}

#[tokio::test]
async fn leaves_hold_no_name_no_payload_and_no_reason() {
    let world = World::new().await;
    let upstream = CountingUpstream::default();
    let mut draft = world.draft(countersign_core::Verb::Read, "alice@example.com");
    draft.claim = Some("because alice@example.com asked".to_owned());
    draft.operation = "read".to_owned();
    world.gate.pass(draft, TestCall::new(&upstream)).await;
    let db = Connection::open(world.folder().join(countersign_store::Store::FILE)).unwrap();
    let mut statement = db.prepare("SELECT leaf FROM entries").unwrap();
    let leaves: Vec<Vec<u8>> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(leaves.len() > 2);
    for leaf in leaves {
        let text = String::from_utf8(leaf).unwrap();
        // `ada` could also be in a hash.
        for secret in ["alice", "olaf", "batch", "\"ada"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
