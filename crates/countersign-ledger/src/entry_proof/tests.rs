use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature::cosign;
use crate::fixtures::{leaf, log_key, public, trusted, witness_key};
use crate::note::{Algorithm, Sign as _, SigningKey};
use crate::proof::{TileHashes, inclusion};
use crate::tile::{Tile, Tiles};

const SIZE: u64 = 77;

fn log() -> SigningKey {
    log_key(1)
}

struct Open(Tiles);

impl crate::proof::ReadTile for Open {
    type Error = String;

    fn read(&self, tile: Tile) -> Result<Vec<u8>, String> {
        self.0.bytes(tile).map(<[u8]>::to_vec).ok_or(tile.to_string())
    }
}

fn entry_proof(index: u64, extra: Option<Vec<u8>>) -> EntryProof {
    let mut tiles = Tiles::new();
    (0..SIZE).for_each(|at| assert_eq!(tiles.push(leaf(at)), []));
    let checkpoint = Checkpoint::new("example.com/log", SIZE, tiles.root()).unwrap();
    let proof = inclusion(&TileHashes::new(&Open(tiles), SIZE), index, SIZE).unwrap();
    EntryProof::new(index, proof, checkpoint.sign(&[&log()]).unwrap().to_string(), extra).unwrap()
}

#[test]
fn a_proof_has_the_form_of_the_specification_and_verifies() {
    let text = entry_proof(76, Some(b"extra".to_vec())).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 76"]);
    assert_eq!((lines[3].len(), lines[6], lines[7]), (44, "", "example.com/log"));
    for (index, extra) in [(0, None), (1, Some(vec![0, 255])), (75, None), (76, Some(vec![1; 9000]))] {
        let proof = entry_proof(index, extra.clone());
        let read = EntryProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(read, proof);
        assert_eq!((read.index(), read.extra()), (index, extra.as_deref()));
        let verified = read.verify(&leaf(index), &trusted()).unwrap();
        assert_eq!(verified.checkpoint().size(), SIZE);
        let other = read.verify(&leaf(index + 1), &trusted());
        assert_eq!(other, Err(EntryVerifyError::Inclusion(InclusionError::Root { index, size: SIZE })));
    }
}

#[test]
fn the_only_leaf_of_a_log_needs_no_hashes() {
    let checkpoint = Checkpoint::new("example.com/log", 1, leaf(0)).unwrap();
    let proof =
        EntryProof::new(0, Vec::new(), checkpoint.sign(&[&log()]).unwrap().to_string(), None).unwrap();
    assert!(proof.to_string().starts_with("c2sp.org/tlog-proof@v1\nindex 0\n\nexample.com/log\n1\n"));
    EntryProof::parse(proof.to_string().as_bytes()).unwrap().verify(&leaf(0), &trusted()).unwrap();
}

#[test]
fn every_flipped_bit_of_a_proof_is_refused() {
    let text = entry_proof(76, None).to_string();
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let verified = EntryProof::parse(&bytes).ok().map(|proof| proof.verify(&leaf(76), &trusted()));
            assert!(!matches!(verified, Some(Ok(_))), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn malformed_proofs_are_refused() {
    let text = entry_proof(5, Some(b"x".to_vec())).to_string();
    let hash = text.lines().nth(3).unwrap().to_owned() + "\n";
    for wrong in [
        String::new(),
        text.replace("@v1", "@v2"),
        text.replacen("c2sp", "\nc2sp", 1),
        text.replace("extra eA==", "extra "),
        text.replace("extra eA==", "extra eA"),
        text.replace("extra eA==", "extra eB=="),
        text.replace("extra eA==", "Extra eA=="),
        text.replace("extra eA==", "extra eA==\nextra eA=="),
        text.replace("index 5", "index 05"),
        text.replace("index 5", "index +5"),
        text.replace("index 5", "index 5 "),
        text.replace("index 5", "index"),
        text.replace("index 5", "index 99999999999999999999"),
        text.replace("index 5\n", ""),
        text.replace(&hash, &hash.replace('=', "")),
        text.replace(&hash, &format!(" {hash}")),
        text.replacen(&hash, &hash.repeat(PROOF_MAX + 1), 1),
        text.replace("\n\nexample", "\nexample"),
        text.replace('\n', "\r\n"),
    ] {
        assert!(EntryProof::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    assert_eq!(EntryProof::parse(&[0xff; 9]), Err(EntryProofError::Shape));
    let long = vec![b' '; ENTRY_PROOF_MAX_BYTES + 1];
    assert_eq!(EntryProof::parse(&long), Err(EntryProofError::TooLong(long.len())));
    let new = |proof, extra| EntryProof::new(0, proof, String::new(), extra);
    assert_eq!(new(vec![[0; 32]; 64], None), Err(EntryProofError::ProofTooLong));
    assert_eq!(new(Vec::new(), Some(Vec::new())), Err(EntryProofError::Extra));
    assert_eq!(new(Vec::new(), Some(vec![0; EXTRA_MAX_BYTES + 1])), Err(EntryProofError::Extra));
}

#[test]
fn a_proof_under_an_untrusted_checkpoint_proves_nothing() {
    let other = TrustedLog::new(&public(&[&log_key(2)])).unwrap();
    let verified = entry_proof(5, None).verify(&leaf(5), &other);
    assert!(matches!(verified, Err(EntryVerifyError::Checkpoint(_))), "{verified:?}");
    let quorum = trusted().with_quorum(1);
    let verified = entry_proof(5, None).verify(&leaf(5), &quorum);
    assert!(matches!(verified, Err(EntryVerifyError::Checkpoint(TrustError::Quorum { .. }))), "{verified:?}");
}

/// The vector of docs/LEDGER.md: three entries `one`, `two`, `three`, a log's key of 32 bytes `2a`, a witness's of
/// 32 bytes `2b`.
#[test]
fn the_vector_in_the_document_is_what_is_written() {
    let log = SigningKey::generate("example.com/log", Algorithm::Ed25519, &[0x2a; 32]).unwrap();
    let witness = witness_key("witness.example/w1", 0x2b);
    let mut tiles = Tiles::new();
    for entry in ["one", "two", "three"] {
        tiles.push(crate::leaf_hash(entry.as_bytes()));
    }
    let checkpoint = Checkpoint::new("example.com/log", 3, tiles.root()).unwrap();
    let mut note = checkpoint.sign(&[&log]).unwrap();
    note.add(cosign(&note, &witness, 1_795_348_996).unwrap());
    let proof = inclusion(&TileHashes::new(&Open(tiles.clone()), 3), 1, 3).unwrap();
    let proof = EntryProof::new(1, proof, note.to_string(), None).unwrap();
    let vector = format!(
        "```text\n{}\n{}\n```\n\n```text\n{}\n```\n\n```text\n{proof}```\n",
        log.key(),
        witness.key(),
        crate::hex(&tiles.edge().to_bytes()),
    );
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/LEDGER.md");
    let document = std::fs::read_to_string(document).unwrap();
    assert!(document.contains(&vector), "docs/LEDGER.md does not hold:\n{vector}");
    let trusted = TrustedLog::new(&public(&[&log, &witness])).unwrap().with_quorum(1);
    proof.verify(&crate::leaf_hash(b"two"), &trusted).unwrap();
}
