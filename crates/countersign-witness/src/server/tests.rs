//! Does the witness answer as the specification says, and sign only what continues what it signed?

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::leaf_hash;
use countersign_ledger::note::{Algorithm, Note, SigningKey};
use countersign_ledger::proof::{Hashes, consistency};
use countersign_ledger::tree::{Edge, Hash, node_hash};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::Remote;

const ORIGIN: &str = "example.com/log";

fn log_key(seed: u8) -> SigningKey {
    SigningKey::generate(ORIGIN, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn witness_key() -> SigningKey {
    SigningKey::generate("w1", Algorithm::CosignatureV1, &[2; 32]).unwrap()
}

/// A log of numbered leaves; `fork` has another leaf from 3 on.
struct Log {
    fork: bool,
}

impl Log {
    fn leaf(&self, at: u64) -> Hash {
        leaf_hash(format!("{at}{}", if self.fork && at >= 3 { "!" } else { "" }).as_bytes())
    }

    fn note(&self, size: u64) -> Note {
        let mut edge = Edge::new();
        (0..size).for_each(|at| edge.push(self.leaf(at)));
        Checkpoint::new(ORIGIN, size, edge.root()).unwrap().sign(&[&log_key(1)]).unwrap()
    }

    fn request(&self, old: u64, new: u64) -> String {
        let proof = consistency(self, old, new).unwrap();
        AddCheckpoint::new(old, proof, self.note(new)).unwrap().to_string()
    }
}

impl Hashes for Log {
    type Error = std::convert::Infallible;

    fn hash(&self, height: u32, index: u64) -> Result<Hash, Self::Error> {
        if height == 0 {
            return Ok(self.leaf(index));
        }
        Ok(node_hash(&self.hash(height - 1, index * 2)?, &self.hash(height - 1, index * 2 + 1)?))
    }
}

const HONEST: Log = Log { fork: false };
const FORK: Log = Log { fork: true };

fn witness(folder: &Path) -> Arc<Witness> {
    let log = TrustedLog::new(&[log_key(1).key().clone()]).unwrap();
    let time = AtomicU64::new(1_700_000_000);
    let clock = Box::new(move || time.fetch_add(1, Ordering::Relaxed));
    Arc::new(Witness::new([log], Box::new(witness_key()), State::open(folder).unwrap(), clock))
}

/// A witness on a port of its own, and the way to it.
async fn served(witness: Arc<Witness>) -> Remote {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router(witness)).await });
    Remote::new(&format!("http://{address}"))
}

async fn ask(remote: &Remote, request: String) -> (u16, String) {
    let (status, body) = remote.ask(request).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn what_continues_is_signed_and_what_does_not_is_refused_with_its_status() {
    let folder = TempDir::new().unwrap();
    let remote = served(witness(folder.path())).await;
    let (status, line) = ask(&remote, HONEST.request(0, 5)).await;
    assert_eq!(status, 200, "{line}");
    let mut note = HONEST.note(5);
    let keys = [witness_key().key().clone()];
    assert_eq!(countersign_ledger::witness::take_answer(&mut note, line.as_bytes(), &keys), Ok(1));
    assert_eq!(line.lines().count(), 1);

    let by_stranger = HONEST.note(8).text().to_owned();
    let by_stranger = Checkpoint::from_text(&by_stranger).unwrap().sign(&[&log_key(9)]).unwrap();
    let by_stranger = AddCheckpoint::new(5, consistency(&HONEST, 5, 8).unwrap(), by_stranger).unwrap();
    for (what, request, status, body) in [
        ("the wrong old size", HONEST.request(4, 8), 409, Some("5\n")),
        ("a rollback", HONEST.request(4, 4), 409, Some("5\n")),
        ("a fork with its own proof", FORK.request(5, 8), 422, None),
        ("a fork of the same size", FORK.request(5, 5), 422, None),
        ("another key", by_stranger.to_string(), 403, None),
        ("another log", HONEST.request(5, 8).replace(ORIGIN, "example.com/other"), 404, None),
        ("old above new", HONEST.request(5, 5).replace("old 5", "old 6"), 400, None),
        ("no request", "hello".to_owned(), 400, None),
        ("too long", "x".repeat(REQUEST_MAX_BYTES + 1), 400, None),
    ] {
        let (found, answer) = ask(&remote, request).await;
        assert_eq!(found, status, "{what}: {answer}");
        assert!(body.is_none_or(|body| body == answer), "{what}: {answer}");
        assert!(!answer.contains('\u{2014}'), "{what}: a cosignature came all the same");
    }
    // Nothing of that was taken in.
    assert_eq!(ask(&remote, HONEST.request(5, 8)).await.0, 200);
    assert_eq!(ask(&remote, HONEST.request(8, 8)).await.0, 200, "asked again, it signs again");
}

#[tokio::test]
async fn a_restarted_witness_refuses_a_fork_of_what_it_signed_before() {
    let folder = TempDir::new().unwrap();
    witness(folder.path()).add_checkpoint(HONEST.request(0, 5).as_bytes()).unwrap();
    let again = witness(folder.path());
    let refused = again.add_checkpoint(FORK.request(5, 8).as_bytes()).unwrap_err();
    assert!(matches!(refused, Uncosigned::Refused(Refused::Inconsistent(_))), "{refused}");
    let refused = again.add_checkpoint(FORK.request(0, 8).as_bytes()).unwrap_err();
    assert!(matches!(refused, Uncosigned::Refused(Refused::Conflict { latest: 5, .. })), "{refused}");
}

/// The promise of the specification: whoever comes to hold a cosignature, the witness remembers it.
#[tokio::test]
async fn nothing_is_signed_that_could_not_be_kept() {
    let folder = TempDir::new().unwrap();
    let witness = witness(folder.path());
    witness.add_checkpoint(HONEST.request(0, 5).as_bytes()).unwrap();
    // The new file can't be written: a folder has its name.
    let kept = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let kept = kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "checkpoint")).unwrap();
    std::fs::create_dir(kept.with_extension("new")).unwrap();
    let remote = served(Arc::clone(&witness)).await;
    let (status, answer) = ask(&remote, HONEST.request(5, 8)).await;
    assert_eq!(status, 500, "{answer}");
    assert!(!answer.contains('\u{2014}'), "{answer}");
    std::fs::remove_dir(kept.with_extension("new")).unwrap();
    assert_eq!(ask(&remote, HONEST.request(5, 8)).await.0, 200);
}

#[tokio::test]
async fn a_damaged_state_is_an_error_and_no_fresh_start() {
    let folder = TempDir::new().unwrap();
    let witness = witness(folder.path());
    witness.add_checkpoint(HONEST.request(0, 5).as_bytes()).unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(file.unwrap().path(), "").unwrap();
    }
    let remote = served(witness).await;
    for request in [FORK.request(0, 8), HONEST.request(5, 8), HONEST.request(0, 5)] {
        assert_eq!(ask(&remote, request).await.0, 500);
    }
}

/// Eight that come from the same size at the same instant: one is signed, the others hear of it.
#[test]
fn of_two_views_of_a_log_at_the_same_time_one_is_signed() {
    let requests: Vec<String> = (0..8).map(|at| Log { fork: at % 2 == 0 }.request(2, 6 + at)).collect();
    for _ in 0..50 {
        let folder = TempDir::new().unwrap();
        let witness = witness(folder.path());
        witness.add_checkpoint(HONEST.request(0, 2).as_bytes()).unwrap();
        let start = std::sync::Barrier::new(requests.len());
        let ask = |request: &str| {
            start.wait();
            witness.add_checkpoint(request.as_bytes())
        };
        let signed = std::thread::scope(|scope| {
            let asks: Vec<_> = requests.iter().map(|request| scope.spawn(|| ask(request))).collect();
            let answers = asks.into_iter().map(|asked| asked.join().unwrap());
            answers
                .filter(|answer| match answer {
                    Ok(_line) => true,
                    Err(Uncosigned::Refused(Refused::Conflict { .. })) => false,
                    Err(error) => panic!("{error}"),
                })
                .count()
        });
        assert_eq!(signed, 1);
    }
}
