use super::*;
use crate::cosignature::cosign;
use crate::fixtures::{ORIGIN, log_key, public, witness_key};
use crate::note::{Algorithm, NoteVerifyError, SigningKey};
use crate::tree::EMPTY_ROOT;

fn checkpoint() -> Checkpoint {
    Checkpoint::new(ORIGIN, 12, [7; 32]).unwrap()
}

#[test]
fn the_checkpoint_of_the_specification_is_read_and_written() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let read = Checkpoint::from_text(text).unwrap();
    assert_eq!(read.origin(), "example.com/behind-the-sofa");
    assert_eq!(read.size(), 20_852_163);
    assert_eq!(read.root()[..3], [0x0a, 0xc5, 0x18]);
    assert_eq!(read.text(), text);
    let extended = format!("{text}more\nand more\n");
    let read = Checkpoint::from_text(&extended).unwrap();
    assert_eq!(read.extensions(), ["more", "and more"]);
    assert_eq!(read.text(), extended);
}

#[test]
fn the_empty_log_has_a_checkpoint() {
    let text = Checkpoint::new(ORIGIN, 0, EMPTY_ROOT).unwrap().text();
    assert_eq!(text, "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    assert_eq!(Checkpoint::from_text(&text).unwrap().size(), 0);
}

#[test]
fn malformed_checkpoints_are_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for wrong in [
        String::new(),
        "\n".to_owned(),
        "a\n1\n".to_owned(),
        format!("a\n1\n{root}"),
        format!("\n1\n{root}\n"),
        format!("a\n\n{root}\n"),
        format!("a\n01\n{root}\n"),
        format!("a\n00\n{root}\n"),
        format!("a\n+1\n{root}\n"),
        format!("a\n-1\n{root}\n"),
        format!("a\n 1\n{root}\n"),
        format!("a\n1 \n{root}\n"),
        format!("a\n0x1\n{root}\n"),
        format!("a\n1_0\n{root}\n"),
        format!("a\n١\n{root}\n"),
        format!("a\n9223372036854775808\n{root}\n"),
        format!("a\n99999999999999999999\n{root}\n"),
        format!("a\n1\n{}\n", root.trim_end_matches('=')),
        format!("a\n1\n{}\n", root.replace("q2I=", "q2J=")),
        format!("a\n1\n{}\n", root.replace('/', "_")),
        format!("a\n1\n{root} \n"),
        format!("a\n1\n{root}\n\n"),
        format!("a\n1\n{root}\nx\n\ny\n"),
        "a\n1\nAAAA\n".to_owned(),
        format!("a\tb\n1\n{root}\n"),
    ] {
        assert!(Checkpoint::from_text(&wrong).is_err(), "{wrong:?}");
    }
    Checkpoint::from_text(&format!("a\n9223372036854775807\n{root}\n")).unwrap();
    for origin in ["", "a\nb", "a\r", "\0"] {
        assert!(Checkpoint::new(origin, 1, [0; 32]).is_err(), "{origin:?}");
    }
    Checkpoint::new("a", u64::MAX, [0; 32]).unwrap_err();
}

#[test]
fn a_checkpoint_that_the_log_signed_is_believed() {
    let log = log_key(1);
    let signed = checkpoint().sign(&[&log]).unwrap().to_string();
    let verified = TrustedLog::new(&public(&[&log])).unwrap().verify(signed.as_bytes()).unwrap();
    assert_eq!(verified.checkpoint(), &checkpoint());
    assert_eq!(verified.witnesses(), []);
}

#[test]
fn while_a_key_is_replaced_either_is_believed() {
    let (old, new) = (log_key(1), log_key(2));
    let signed = checkpoint().sign(&[&old, &new]).unwrap();
    for trusted in [public(&[&old]), public(&[&new]), public(&[&old, &new])] {
        TrustedLog::new(&trusted).unwrap().verify_note(&signed).unwrap();
    }
}

#[test]
fn a_checkpoint_of_another_log_or_by_another_key_is_not_believed() {
    let (log, stranger) = (log_key(1), log_key(2));
    let trusted = TrustedLog::new(&public(&[&log])).unwrap();
    let by_stranger = checkpoint().sign(&[&stranger]).unwrap();
    assert_eq!(trusted.verify_note(&by_stranger), Err(TrustError::Signature(NoteVerifyError::Unsigned)));
    let other = Checkpoint::new("example.com/other", 12, [7; 32]).unwrap().sign(&[&log]).unwrap();
    assert!(matches!(trusted.verify_note(&other), Err(TrustError::Origin { .. })));
    let no_checkpoint = Note::new("example.com/log\nhello\n".to_owned()).unwrap();
    assert!(matches!(trusted.verify_note(&no_checkpoint), Err(TrustError::Checkpoint(_))));
    assert!(matches!(trusted.verify(b"nonsense"), Err(TrustError::Checkpoint(_))));
}

#[test]
fn keys_of_no_log_or_of_two_are_no_trust() {
    let other = SigningKey::generate("example.com/other", Algorithm::Ed25519, &[3; 32]).unwrap();
    assert_eq!(TrustedLog::new(&[]), Err(TrustError::NoLogKey));
    assert_eq!(TrustedLog::new(&public(&[&witness_key("w", 1)])), Err(TrustError::NoLogKey));
    let two = TrustedLog::new(&public(&[&log_key(1), &other]));
    assert_eq!(two, Err(TrustError::TwoLogs(ORIGIN.to_owned(), "example.com/other".to_owned())));
}

#[test]
fn witnesses_alone_are_not_the_log() {
    let (log, witness) = (log_key(1), witness_key("witness.example/w1", 2));
    let mut note = checkpoint().sign(&[]).unwrap();
    note.add(cosign(&note, &witness, 5).unwrap());
    let trusted = TrustedLog::new(&public(&[&log, &witness])).unwrap();
    assert_eq!(trusted.verify_note(&note), Err(TrustError::LogUnsigned(ORIGIN.to_owned())));
}

#[test]
fn a_quorum_counts_witnesses_not_signatures() {
    let (log, one, again, two) =
        (log_key(1), witness_key("w1", 2), witness_key("w1", 3), witness_key("w2", 4));
    let mut note = checkpoint().sign(&[&log]).unwrap();
    note.add(cosign(&note, &one, 5).unwrap());
    note.add(cosign(&note, &one, 6).unwrap());
    note.add(cosign(&note, &again, 7).unwrap());
    let trusted = TrustedLog::new(&public(&[&log, &one, &again, &two])).unwrap().with_quorum(2);
    assert_eq!(trusted.verify_note(&note), Err(TrustError::Quorum { found: 1, needed: 2 }));
    note.add(cosign(&note, &two, 8).unwrap());
    let verified = trusted.verify_note(&note).unwrap();
    let witnesses: Vec<(&str, u64)> =
        verified.witnesses().iter().map(|(name, time)| (name.as_str(), *time)).collect();
    assert_eq!(witnesses, [("w1", 5), ("w1", 7), ("w2", 8)]);
}
