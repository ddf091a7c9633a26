//! Bytes that no honest authenticator sends: refused with a code, and never a panic.

use ciborium::Value as Cbor;
use serde_json::{Value, json};

use super::super::authenticator::{Authenticator, cbor, cose, decode, int, text};
use super::super::encode_base64url;
use super::super::key::PublicKey;
use super::{
    CHALLENGE, ORIGIN, assert_json, creation, known, party, register, register_json, request_options,
};

#[test]
fn json_of_another_form_is_refused() {
    let good = Authenticator::eddsa("a", ORIGIN).create(&creation(), |_| {});
    let changes: [fn(&mut Value); 6] = [
        |json| *json = json!(null),
        |json| json["type"] = json!("password"),
        |json| json["rawId"] = json!("not base64url!"),
        |json| json["rawId"] = json!("YWJjZA=="),
        |json| json["response"] = json!({}),
        |json| json["response"]["clientDataJSON"] = json!(5),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        let refusal = register_json(bad).expect_err("malformed");
        assert_eq!(refusal.code(), "passkey_response_malformed", "case {number}");
    }
    let mut two_ids = good;
    two_ids["id"] = json!("AAAA");
    assert_eq!(register_json(two_ids).unwrap_err().code(), "passkey_credential_mismatch");
}

#[test]
fn client_data_that_says_something_twice_is_refused() {
    let good = Authenticator::eddsa("a", ORIGIN).create(&creation(), |_| {});
    let client_data = String::from_utf8(decode(&good["response"]["clientDataJSON"])).unwrap();
    for bad in [
        client_data.replacen('{', r#"{"origin":"https://evil.example","#, 1),
        client_data.replacen('{', r#"{"type":"webauthn.get","#, 1),
        format!("{client_data} "),
        format!("{client_data}x"),
        String::new(),
    ] {
        let mut response = good.clone();
        response["response"]["clientDataJSON"] = json!(encode_base64url(bad.as_bytes()));
        let answer = register_json(response);
        if bad.ends_with(' ') {
            answer.unwrap();
        } else {
            assert_eq!(answer.unwrap_err().code(), "passkey_client_data_malformed", "{bad}");
        }
    }
}

#[test]
fn attestation_objects_of_another_form_are_refused() {
    let good = Authenticator::eddsa("a", ORIGIN).create(&creation(), |_| {});
    let object = decode(&good["response"]["attestationObject"]);
    let Cbor::Map(members) = ciborium::from_reader::<Cbor, _>(object.as_slice()).unwrap() else {
        panic!("an attestation object is a map");
    };
    let with = |extra: Vec<(Cbor, Cbor)>| cbor(&Cbor::Map([members.clone(), extra].concat()));
    let without = |name: &str| {
        cbor(&Cbor::Map(members.iter().filter(|(key, _)| *key != text(name)).cloned().collect()))
    };
    let bad = [
        Vec::new(),
        [object, vec![0]].concat(),
        with(vec![(text("fmt"), text("none"))]),
        with(vec![(text("more"), text("none"))]),
        without("fmt"),
        without("attStmt"),
        without("authData"),
        cbor(&Cbor::Array(vec![])),
        // Maps within maps, deeper than anything has a reason to be.
        [[0xa1, 0x61, 0x61].repeat(100_000), vec![0xa0]].concat(),
        // An array that announces more than there is.
        vec![0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for (number, bytes) in bad.iter().enumerate() {
        let mut response = good.clone();
        response["response"]["attestationObject"] = json!(encode_base64url(bytes));
        let refusal = register_json(response).expect_err("malformed");
        assert_eq!(refusal.code(), "passkey_attestation_malformed", "case {number}");
    }
}

#[test]
fn authenticator_data_cut_at_any_byte_is_refused() {
    let mut key = Authenticator::es256("a", ORIGIN);
    let registered = register(&mut key, |_| {}).unwrap();
    let good = key.get(&request_options(&party(), &CHALLENGE), |_| {});
    let data = decode(&good["response"]["authenticatorData"]);
    for length in 0..data.len() {
        let mut response = good.clone();
        response["response"]["authenticatorData"] = json!(encode_base64url(&data[..length]));
        let refusal = assert_json(response, &known(&registered)).expect_err("cut");
        assert_eq!(refusal.code(), "passkey_authenticator_data_malformed", "{length} bytes");
    }
}

#[test]
fn keys_that_were_not_asked_for_are_refused() {
    let x = || Cbor::Bytes(vec![9; 32]);
    let bad = [
        vec![0xff],
        cose(vec![]),
        // A good point that claims to be on P-384, and one for ES384.
        on_another_curve(),
        cose(vec![(1, int(2)), (3, int(-35)), (-1, int(1)), (-2, x()), (-3, x())]),
        // A compressed point, and one that is not on the curve.
        cose(vec![(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, x()), (-3, Cbor::Bool(true))]),
        cose(vec![(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, x()), (-3, x())]),
        // Ed25519 with the wrong type, curve and length.
        cose(vec![(1, int(2)), (3, int(-8)), (-1, int(6)), (-2, x())]),
        cose(vec![(1, int(1)), (3, int(-8)), (-1, int(4)), (-2, x())]),
        cose(vec![(1, int(1)), (3, int(-8)), (-1, int(6)), (-2, Cbor::Bytes(vec![9; 31]))]),
        // No algorithm; the same member twice.
        cose(vec![(1, int(1)), (-1, int(6)), (-2, x())]),
        cose(vec![(1, int(1)), (3, int(-8)), (-1, int(6)), (-2, x()), (-2, x())]),
        // RSA with 1024 bits, with an even exponent, with exponent one.
        rsa(&[0xff; 128], &[1, 0, 1]),
        rsa(&[0xff; 256], &[2]),
        rsa(&[0xff; 256], &[1]),
        rsa(&[0xff; 256], &[]),
        rsa(&[0; 257], &[1, 0, 1]),
    ];
    for (number, bytes) in bad.iter().enumerate() {
        let refusal = PublicKey::from_cose(bytes).expect_err("unsupported");
        assert_eq!(refusal.code(), "passkey_key_unsupported", "case {number}");
    }
}

fn rsa(n: &[u8], e: &[u8]) -> Vec<u8> {
    let bytes = |bytes: &[u8]| Cbor::Bytes(bytes.to_vec());
    cose(vec![(1, int(3)), (3, int(-257)), (-1, bytes(n)), (-2, bytes(e))])
}

fn on_another_curve() -> Vec<u8> {
    let key = Authenticator::es256("a", ORIGIN).public_key();
    let Cbor::Map(mut members) = ciborium::from_reader::<Cbor, _>(key.as_slice()).unwrap() else {
        panic!("a COSE key is a map");
    };
    let curve = members.iter_mut().find(|(label, _)| *label == int(-1)).unwrap();
    curve.1 = int(2);
    cbor(&Cbor::Map(members))
}
