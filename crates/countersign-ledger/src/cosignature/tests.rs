use super::*;
use crate::checkpoint::Checkpoint;
use crate::fixtures::witness_key;
use crate::note::{NoteVerifyError, SigningKey};

const TIME: u64 = 1_679_315_147;

fn witness(seed: u8) -> SigningKey {
    witness_key("witness.example.com/w1", seed)
}

fn checkpoint() -> Note {
    let root = crate::text::read_hash("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=").unwrap();
    let log = Checkpoint::new("example.com/behind-the-sofa", 20_852_163, root).unwrap();
    Note::new(log.text()).unwrap()
}

#[test]
fn a_witness_signs_the_message_of_the_specification() {
    assert_eq!(
        message(checkpoint().text(), TIME),
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    );
}

#[test]
fn a_cosignature_is_a_time_and_a_signature() {
    let (mut note, witness) = (checkpoint(), witness(1));
    let line = cosign(&note, &witness, TIME).unwrap();
    assert_eq!(line.signature().len(), 72);
    assert_eq!(line.signature()[..8], TIME.to_be_bytes());
    note.add(line);
    let keys = [witness.key().clone()];
    let verified = Note::parse(note.to_string().as_bytes()).unwrap().verify(&keys).unwrap()[0].time;
    assert_eq!(verified, Some(TIME));
}

#[test]
fn the_same_secret_has_another_id_as_a_witness() {
    let log = SigningKey::generate("witness.example.com/w1", Algorithm::Ed25519, &[1; 32]).unwrap();
    assert_eq!(log.key().public(), witness(1).key().public());
    assert_ne!(log.key().id(), witness(1).key().id());
    let text = witness(1).key().to_string();
    assert_eq!(text.parse::<VerifierKey>().unwrap(), *witness(1).key());
    assert_eq!(SigningKey::from_secret_text(&witness(1).secret_text()).unwrap().key(), witness(1).key());
}

#[test]
fn every_flipped_bit_of_a_cosignature_is_refused() {
    let (note, witness) = (checkpoint(), witness(1));
    let line = cosign(&note, &witness, TIME).unwrap();
    for bit in 0..line.signature().len() * 8 {
        let mut signature = line.signature().to_vec();
        signature[bit / 8] ^= 1 << (bit % 8);
        let mut changed = note.clone();
        changed.add(SignatureLine::new(witness.key(), signature));
        let keys = [witness.key().clone()];
        assert!(matches!(changed.verify(&keys), Err(NoteVerifyError::Signature(_))), "bit {bit}");
    }
}

#[test]
fn a_logs_signature_is_no_cosignature_and_a_cosignature_no_logs_signature() {
    let (note, witness) = (checkpoint(), witness(1));
    let log = SigningKey::generate("witness.example.com/w1", Algorithm::Ed25519, &[1; 32]).unwrap();
    assert!(matches!(cosign(&note, &log, TIME), Err(SignError::OtherUse(_))));
    let plain = log.sign(note.text().as_bytes()).unwrap();
    for signature in [plain.clone(), [TIME.to_be_bytes().as_slice(), &plain].concat()] {
        let mut changed = note.clone();
        changed.add(SignatureLine::new(witness.key(), signature));
        changed.verify(&[witness.key().clone()]).unwrap_err();
    }
}

#[test]
fn times_beyond_the_specifications_are_refused() {
    let (note, witness) = (checkpoint(), witness(1));
    cosign(&note, &witness, TIME_MAX).unwrap();
    assert!(matches!(cosign(&note, &witness, TIME_MAX + 1), Err(SignError::Time(_))));
    assert!(matches!(cosign(&note, &witness, 0), Err(SignError::Time(0))));
    let late = TIME_MAX + 1;
    let signature = witness.sign(message(note.text(), late).as_bytes()).unwrap();
    let mut changed = note;
    changed.add(SignatureLine::new(witness.key(), [late.to_be_bytes().as_slice(), &signature].concat()));
    changed.verify(&[witness.key().clone()]).unwrap_err();
}
