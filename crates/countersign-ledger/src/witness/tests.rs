use super::*;
use crate::cosignature::cosign;
use crate::fixtures::{Leaves, ORIGIN, leaf, log_key, root, trusted, witness_key};
use crate::note::{Algorithm, Sign as _, SigningKey};
use crate::proof::consistency;
use crate::tree::Edge;

const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

fn log() -> SigningKey {
    log_key(1)
}

fn witness(name: &str) -> SigningKey {
    witness_key(name, 2)
}

fn proof(old: u64, new: u64) -> Vec<Hash> {
    consistency(&Leaves::numbered(new), old, new).unwrap()
}

fn latest(size: u64) -> Latest {
    Latest { size, root: root(size) }
}

fn note(size: u64, root: Hash) -> Note {
    Checkpoint::new(ORIGIN, size, root).unwrap().sign(&[&log()]).unwrap()
}

/// An honest request.
fn request(old: u64, new: u64) -> AddCheckpoint {
    AddCheckpoint::new(old, proof(old, new), note(new, root(new))).unwrap()
}

#[test]
fn the_request_of_the_specification_is_read_and_written() {
    let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(request.origin(), "example.com/behind-the-sofa");
    assert_eq!((request.old, request.proof.len(), request.checkpoint.size()), (20_852_014, 4, 20_852_163));
    assert_eq!(request.note().signatures().len(), 2);
    assert_eq!(request.to_string(), EXAMPLE);
    let first = self::request(0, 5).to_string();
    assert!(first.starts_with("old 0\n\nexample.com/log\n5\n"), "{first}");
    assert_eq!(AddCheckpoint::parse(first.as_bytes()).unwrap(), self::request(0, 5));
}

#[test]
fn malformed_requests_are_refused() {
    let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
    for wrong in [
        String::new(),
        "\n\n".to_owned(),
        EXAMPLE.replace("old 20852014\n", ""),
        EXAMPLE.replace("old ", ""),
        EXAMPLE.replace("old ", "old  "),
        EXAMPLE.replace("old ", "Old "),
        EXAMPLE.replace("old ", "old 0"),
        EXAMPLE.replace("old ", "old -"),
        EXAMPLE.replace("old ", "old +"),
        EXAMPLE.replace("old 20852014", "old 99999999999999999999"),
        EXAMPLE.replace("old 20852014", "old 1 "),
        EXAMPLE.replace("PlRNCr", "PlRN"),
        EXAMPLE.replace("pkaw=", "pkax="),
        EXAMPLE.replace("pkaw=", "pkaw"),
        EXAMPLE.replace("\nexample.com/behind-the-sofa\n2", "\n2"),
        EXAMPLE.replace("20852163", "020852163"),
        EXAMPLE.replace('\n', "\r\n"),
        EXAMPLE.replace("\n\n", "\n"),
        EXAMPLE.split("\n\u{2014}").next().unwrap().to_owned(),
        EXAMPLE.replacen(hash, &hash.repeat(61), 1),
    ] {
        assert!(AddCheckpoint::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    AddCheckpoint::parse(EXAMPLE.replacen(hash, &hash.repeat(60), 1).as_bytes()).unwrap();
    assert_eq!(AddCheckpoint::parse(b"old \xff\n\n"), Err(RequestError::Shape));
    let long = vec![b'x'; REQUEST_MAX_BYTES + 1];
    assert_eq!(AddCheckpoint::parse(&long), Err(RequestError::TooLong(long.len())));
    let proof = vec![[0; 32]; PROOF_MAX + 1];
    assert_eq!(AddCheckpoint::new(1, proof, note(5, root(5))), Err(RequestError::ProofTooLong));
}

#[test]
fn honest_requests_are_signed_from_the_first_on() {
    assert_eq!(request(0, 0).judge(Some(&trusted()), None), Ok(latest(0)));
    assert_eq!(request(0, 7).judge(Some(&trusted()), None), Ok(latest(7)));
    for old in 1..20 {
        for new in old..20 {
            assert_eq!(request(old, new).judge(Some(&trusted()), Some(latest(old))), Ok(latest(new)));
        }
    }
}

/// Every rule of the specification, with the status that it gives.
#[test]
fn a_witness_refuses_what_the_specification_refuses() {
    let stranger = SigningKey::generate(ORIGIN, Algorithm::Ed25519, &[9; 32]).unwrap();
    let by_stranger = Checkpoint::new(ORIGIN, 8, root(8)).unwrap().sign(&[&stranger]).unwrap();
    let mut broken = note(8, root(8));
    broken.add(crate::note::SignatureLine::new(log().key(), vec![0; 64]));
    let add = |old, proof: Vec<Hash>, note| AddCheckpoint::new(old, proof, note).unwrap();
    let mut wrong_hash = proof(5, 8);
    wrong_hash[0][0] ^= 1;
    for (what, request, known, status) in [
        ("unknown log", request(5, 8), false, 404),
        ("another key of that name", add(5, proof(5, 8), by_stranger), true, 403),
        ("one wrong signature beside a right one", add(5, proof(5, 8), broken), true, 403),
        ("old above new", add(9, Vec::new(), note(8, root(8))), true, 400),
        ("old below the latest", request(4, 8), true, 409),
        ("old above the latest", request(6, 8), true, 409),
        ("old zero to ask for the size", request(0, 8), true, 409),
        ("a rollback", request(4, 4), true, 409),
        ("another root", add(5, proof(5, 8), note(8, root(9))), true, 422),
        ("another root of the same size", add(5, Vec::new(), note(5, root(6))), true, 422),
        ("no proof", add(5, Vec::new(), note(8, root(8))), true, 422),
        ("too much proof", add(5, [proof(5, 8), vec![[0; 32]]].concat(), note(8, root(8))), true, 422),
        ("a proof of the same size", add(5, vec![[0; 32]], note(5, root(5))), true, 422),
        ("a wrong proof", add(5, wrong_hash, note(8, root(8))), true, 422),
    ] {
        let log = known.then(trusted);
        let refused = request.judge(log.as_ref(), Some(latest(5))).unwrap_err();
        assert_eq!(refused.status(), status, "{what}: {refused}");
        assert_eq!(refused.body(), (status == 409).then(|| "5\n".to_owned()), "{what}");
    }
    let never_seen = request(5, 8).judge(Some(&trusted()), None).unwrap_err();
    assert_eq!((never_seen.status(), never_seen.body()), (409, Some("0\n".to_owned())));
    let proof_from_nothing = add(0, vec![[0; 32]], note(8, root(8)));
    assert_eq!(proof_from_nothing.judge(Some(&trusted()), None).unwrap_err().status(), 422);
    let empty = add(0, Vec::new(), note(0, root(1)));
    assert_eq!(empty.judge(Some(&trusted()), None), Err(Refused::EmptyRoot));
}

#[test]
fn a_rewritten_log_is_not_signed_whatever_its_proof() {
    // The log changes entry 2 after the witness has seen 5 entries, and proves honestly from its new past.
    let mut edge = Edge::new();
    let mut other = |at| edge.push(if at == 2 { leaf(99) } else { leaf(at) });
    (0..8).for_each(&mut other);
    let rewritten = note(8, edge.root());
    for proof in [proof(5, 8), Vec::new(), vec![[0; 32]; 4]] {
        let request = AddCheckpoint::new(5, proof, rewritten.clone()).unwrap();
        assert_eq!(request.judge(Some(&trusted()), Some(latest(5))).unwrap_err().status(), 422);
    }
}

#[test]
fn an_answer_adds_the_cosignatures_of_known_witnesses_only() {
    let (known, unknown) = (witness("w1"), witness("w2"));
    let signed = note(8, root(8));
    let lines = [cosign(&signed, &known, 5).unwrap(), cosign(&signed, &unknown, 6).unwrap()];
    let answer = lines.map(|line| line.to_string()).concat();
    let mut note = signed;
    let keys = [known.key().clone()];
    assert_eq!(take_answer(&mut note, answer.as_bytes(), &keys), Ok(1));
    let trusted = TrustedLog::new(&[log().key().clone(), known.key().clone()]).unwrap().with_quorum(1);
    assert_eq!(trusted.verify_note(&note).unwrap().witnesses(), [("w1".to_owned(), 5)]);
}

#[test]
fn an_answer_that_proves_nothing_changes_nothing() {
    let (known, unknown) = (witness("w1"), witness("w2"));
    let signed = note(8, root(8));
    let about_another = cosign(&note(7, root(7)), &known, 5).unwrap().to_string();
    let by_unknown = cosign(&signed, &unknown, 5).unwrap().to_string();
    let timeless = [
        0_u64.to_be_bytes().as_slice(),
        &known.sign(format!("cosignature/v1\ntime 0\n{}", signed.text()).as_bytes()).unwrap(),
    ]
    .concat();
    let timeless = crate::note::SignatureLine::new(known.key(), timeless).to_string();
    let right = cosign(&signed, &known, 5).unwrap().to_string();
    for answer in [
        "",
        "\n",
        "hello\n",
        &about_another,
        &by_unknown,
        &timeless,
        right.trim_end(),
        &format!("{right}\n"),
        &format!("{right}{about_another}"),
        &right.repeat(crate::note::SIGNATURES_MAX + 1),
    ] {
        let mut note = signed.clone();
        assert!(take_answer(&mut note, answer.as_bytes(), &[known.key().clone()]).is_err(), "{answer}");
        assert_eq!(note, signed, "{answer}");
    }
}
