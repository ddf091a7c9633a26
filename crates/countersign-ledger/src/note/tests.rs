use proptest::prelude::*;

use super::*;

/// From the specification.
const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// From the documentation of Go's `sumdb/note`.
const GO_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn signer(name: &str, seed: u8) -> SigningKey {
    SigningKey::generate(name, Algorithm::Ed25519, &[seed; 32]).unwrap()
}

fn signed(text: &str, signers: &[&SigningKey]) -> Note {
    let mut note = Note::new(text.to_owned()).unwrap();
    for signer in signers {
        note.sign(*signer).unwrap();
    }
    note
}

#[test]
fn the_notes_of_the_specification_and_of_go_verify() {
    let note = Note::parse(SPEC_NOTE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.verify(&[key(SPEC_KEY)]).unwrap()[0].key.name(), "example.com/foo");
    assert_eq!(note.to_string(), SPEC_NOTE);
    let go = format!("{GO_TEXT}\n{GO_LINE}");
    assert_eq!(Note::parse(go.as_bytes()).unwrap().verify(&[key(GO_KEY)]).unwrap().len(), 1);
}

#[test]
fn gos_key_signs_the_same_bytes_here() {
    let signer = SigningKey::from_secret_text(GO_SECRET).unwrap();
    assert_eq!(signer.key().to_string(), GO_KEY);
    assert_eq!(signer.secret_text(), GO_SECRET);
    assert_eq!(signed(GO_TEXT, &[&signer]).to_string(), format!("{GO_TEXT}\n{GO_LINE}"));
}

#[test]
fn keys_are_read_in_the_one_form_in_which_they_are_written() {
    assert_eq!(key(SPEC_KEY).to_string(), SPEC_KEY);
    for (wrong, expected) in [
        ("", "a verifier key is"),
        ("example.com/foo", "a verifier key is"),
        ("example.com/foo+530d903a", "a verifier key is"),
        ("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "`` is not a key's name"),
        ("a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "`a b` is not"),
        ("a\u{a0}b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "is not a key's name"),
        ("a\tb+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "is not a key's name"),
        ("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "is not a key's id"),
        ("example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "is not a key's id"),
        ("example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "is not a key's id"),
        ("example.com/foo++530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "is not a key's id"),
        ("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "has the id 530d903a"),
        ("example.com/fo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "has the id"),
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l", "has the id"),
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2", "is not base64"),
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", "is not base64"),
        ("example.com/foo+530d903a+", "is not base64"),
        ("example.com/foo+530d903a+AQ==", "is not base64"),
        ("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "signature type 0x02"),
        ("example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "has the id"),
    ] {
        let error = wrong.parse::<VerifierKey>().unwrap_err().to_string();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
}

#[test]
fn a_secret_is_read_strictly_and_never_shown() {
    let signer = signer("example.com/log", 7);
    let secret = signer.secret_text();
    assert!(secret.starts_with("PRIVATE+KEY+example.com/log+"));
    assert_eq!(SigningKey::from_secret_text(&secret).unwrap().key(), signer.key());
    let encoded = base64([[1].as_slice(), &[7; 32]].concat());
    assert!(secret.ends_with(&encoded));
    assert!(!format!("{signer:?}").contains(&encoded), "{signer:?}");
    for wrong in
        [secret.replace("PRIVATE+KEY+", ""), secret.replace("/log", "/lag"), secret.replace(&encoded, "")]
    {
        let error = SigningKey::from_secret_text(&wrong).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&encoded), "{error:?}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let line = SPEC_NOTE.split_once("\n\n").unwrap().1;
    let many = line.repeat(SIGNATURES_MAX + 1);
    for (wrong, expected) in [
        (String::new(), NoteError::NoSignatures),
        ("text\n".to_owned(), NoteError::NoSignatures),
        ("text\n\n".to_owned(), NoteError::NoSignatures),
        (line.to_owned(), NoteError::NoSignatures),
        (format!("\n{line}"), NoteError::NoSignatures),
        (format!("text\n{line}"), NoteError::NoSignatures),
        (format!("text{line}\n"), NoteError::NoSignatures),
        (format!("text\n\n{line}\n"), NoteError::NoSignatures),
        (format!("text\n\n{line}more\n"), NoteError::Line("more".to_owned())),
        (format!("text\n\n{}", line.trim_end()), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace('\u{2014}', "-")), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace("\u{2014} ", "\u{2014}")), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace("/foo ", "/foo  ")), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace("/foo ", "/f+o ")), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace("example.com/foo ", " ")), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace('=', "")), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace("aQM=", "aQN=")), NoteError::Line(String::new())),
        (format!("text\n\n{}", line.replace("Uw2Q", "Uw2Q\u{a0}")), NoteError::Line(String::new())),
        ("text\n\n\u{2014} example.com/foo Uw2QOg==\n".to_owned(), NoteError::Line(String::new())),
        (format!("te\rxt\n\n{line}"), NoteError::Control(13)),
        (format!("te\0xt\n\n{line}"), NoteError::Control(0)),
        (format!("te\txt\n\n{line}"), NoteError::Control(9)),
        (format!("text\n\n{many}"), NoteError::TooMany),
        (format!("{}\n\n{line}", "x".repeat(NOTE_MAX_BYTES)), NoteError::TooLong(0)),
    ] {
        let found = Note::parse(wrong.as_bytes()).unwrap_err();
        let same = std::mem::discriminant(&found) == std::mem::discriminant(&expected);
        assert!(same, "{found:?}, not {expected:?}, for {:?}", wrong.chars().take(300).collect::<String>());
    }
    assert_eq!(Note::parse(b"te\xffxt\n\n"), Err(NoteError::Encoding));
    assert_eq!(Note::new("no end".to_owned()), Err(NoteError::Unended));
}

#[test]
fn sixteen_signatures_of_five_kilobytes_are_read() {
    let log = signer("example.com/log", 1);
    let mut note = signed("text\n", &[&log]);
    for at in 0..15_u32 {
        note.add(SignatureLine { name: format!("witness.example/{at}"), id: at, signature: vec![9; 5_000] });
    }
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read, note);
    read.verify(&[log.key().clone()]).unwrap();
}

#[test]
fn empty_lines_belong_to_the_text_but_for_the_last() {
    let log = signer("example.com/log", 1);
    let text = "one\n\n\u{2014} two AAAAAAA=\n\nthree\n\n";
    let note = Note::parse(signed(text, &[&log]).to_string().as_bytes()).unwrap();
    assert_eq!(note.text(), text);
    note.verify(&[log.key().clone()]).unwrap();
}

#[test]
fn lines_of_unknown_keys_are_ignored_even_with_a_known_name_or_id() {
    let (log, other, same_name) = (signer("log", 1), signer("other", 2), signer("log", 3));
    let keys = [log.key().clone()];
    let note = signed("text\n", &[&other, &log, &same_name]);
    assert_eq!(note.verify(&keys).unwrap().len(), 1);
    let mut same_id = signed("text\n", &[&log]);
    same_id.add(SignatureLine { name: "other".to_owned(), id: log.key().id(), signature: vec![1; 64] });
    same_id.verify(&keys).unwrap();
    let unsigned = signed("text\n", &[&other, &same_name]);
    assert_eq!(unsigned.verify(&keys), Err(NoteVerifyError::Unsigned));
    assert_eq!(note.verify(&[]), Err(NoteVerifyError::Unsigned));
}

#[test]
fn one_wrong_signature_of_a_known_key_refuses_the_note() {
    let (log, other) = (signer("log", 1), signer("other", 2));
    let keys = [log.key().clone(), other.key().clone()];
    let mut note = signed("text\n", &[&log]);
    note.add(SignatureLine::new(other.key(), vec![0; 64]));
    assert_eq!(note.verify(&keys), Err(NoteVerifyError::Signature("other".to_owned())));
    // Neither does a second, right line of the same key make up for it, nor the other way round.
    let mut note = signed("text\n", &[&other]);
    note.add(SignatureLine::new(other.key(), vec![0; 64]));
    assert_eq!(note.verify(&keys), Err(NoteVerifyError::Signature("other".to_owned())));
    // A signature of another length is a wrong one.
    for length in [1, 63, 65, 72] {
        let mut note = signed("text\n", &[&log]);
        note.add(SignatureLine::new(other.key(), vec![0; length]));
        assert_eq!(note.verify(&keys), Err(NoteVerifyError::Signature("other".to_owned())));
    }
}

#[test]
fn a_key_that_signs_twice_counts_once() {
    let log = signer("log", 1);
    let note = signed("text\n", &[&log, &log]);
    assert_eq!(note.verify(&[log.key().clone(), log.key().clone()]).unwrap().len(), 1);
}

#[test]
fn a_witness_key_signs_no_plain_note() {
    let witness = SigningKey::generate("witness", Algorithm::CosignatureV1, &[1; 32]).unwrap();
    let mut note = Note::new("text\n".to_owned()).unwrap();
    assert!(matches!(note.sign(&witness), Err(SignError::OtherUse(_))));
    assert!(note.signatures().is_empty());
}

#[test]
fn every_flipped_bit_of_a_note_is_refused() {
    let log = signer("example.com/log", 1);
    let whole =
        signed("example.com/log\n12\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", &[&log]).to_string();
    let keys = [log.key().clone()];
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let verified = Note::parse(&bytes).ok().and_then(|note| note.verify(&keys).ok().map(|_| note));
            assert!(verified.is_none(), "bit {bit} of byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn a_note_goes_through_text(text in "([ -~\u{e4}-\u{ff}]{0,20}\n){1,5}", name in "[!-*,-~]{1,12}", seed: u8) {
        let signer = signer(&name, seed);
        let note = signed(&text, &[&signer]);
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&read, &note);
        prop_assert!(read.verify(&[signer.key().clone()]).is_ok());
        let parsed: VerifierKey = signer.key().to_string().parse().unwrap();
        prop_assert_eq!(&parsed, signer.key());
    }

    #[test]
    fn what_is_read_as_a_note_is_written_so(text in "(\u{2014} [a-z]{0,3} [A-Za-z+/]{0,12}={0,2}\n|[a-z\u{2014} ]{0,6}\n){1,6}") {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text);
        }
    }
}
