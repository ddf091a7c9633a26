//! Is the log served whole, to auditors and to nobody else?

use countersign_core::Verb;
use countersign_gate::Clock as _;
use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::note::Sign as _;
use countersign_ledger::tree::{Edge, leaf_hash};
use countersign_testkit::{LogKey, TestCall};
use http::StatusCode;

use crate::testing::{AUDITOR, Bench};

async fn published() -> Bench {
    let bench = Bench::new().await;
    let draft = bench.world.draft(Verb::Read, "orders");
    bench.world.gate.pass(draft, TestCall::new(&bench.upstream)).await;
    bench.world.store.sign_all().await.unwrap();
    bench.world.store.publish(bench.world.clock.now()).await.unwrap();
    bench
}

#[tokio::test]
async fn what_an_auditor_reads_adds_up_to_the_checkpoint() {
    let bench = published().await;
    let get = async |path: &str| bench.get(path).bearer(AUDITOR).send().await;
    let note = get("/ledger/checkpoint").await;
    assert_eq!(note.status, StatusCode::OK, "{}", note.text);
    let log = TrustedLog::new(&[LogKey::new().key().clone()]).unwrap();
    let verified = log.verify(note.text.as_bytes()).unwrap();
    let size = verified.checkpoint().size();
    assert!((6..256).contains(&size));
    let entries = get(&format!("/ledger/tile/entries/000.p/{size}")).await;
    let (mut rest, mut edge) = (&*entries.bytes, Edge::new());
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (leaf, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
        edge.push(leaf_hash(leaf));
        rest = after;
    }
    assert_eq!((edge.size(), edge.root()), (size, *verified.checkpoint().root()));
    assert_eq!(get(&format!("/ledger/tile/0/000.p/{size}")).await.status, StatusCode::OK);
    for nowhere in [
        format!("/ledger/tile/0/000.p/{}", size + 1),
        "/ledger/tile/0/0".to_owned(),
        "/ledger/tile/x/000".to_owned(),
    ] {
        assert_eq!(get(&nowhere).await.code(), "not_found", "{nowhere}");
    }
}

#[tokio::test]
async fn an_auditors_token_opens_the_log_alone_and_no_other_opens_it() {
    let bench = published().await;
    let ada = bench.sign_in("ada").await;
    let agent = bench.world.add_agent("intruder", "olaf").await;
    for path in ["/ledger/checkpoint", "/ledger/tile/0/000.p/1", "/ledger/tile/entries/000.p/1"] {
        for token in [ada.token.as_str(), &agent, "", "0123456789012345678901234567890"] {
            assert_eq!(bench.get(path).bearer(token).send().await.code(), "unauthenticated", "{path}");
        }
        assert_eq!(bench.get(path).cookie(&ada).send().await.code(), "unauthenticated", "{path}");
    }
    for path in ["/", "/api/v1/reviews", "/api/v1/actions", "/api/v1/session", "/history"] {
        assert_eq!(bench.get(path).bearer(AUDITOR).send().await.code(), "unauthenticated", "{path}");
    }
}
