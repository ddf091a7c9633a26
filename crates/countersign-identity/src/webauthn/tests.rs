//! Every check of both procedures: the honest response passes, the one that differs in one thing is refused by code.

mod malformed;
mod recorded;

use serde_json::{Value, json};

use super::authenticator::{
    Authenticator, BACKED_UP, BACKUP_ELIGIBLE, Ceremony, HAS_CREDENTIAL, HAS_EXTENSIONS, USER_PRESENT,
    USER_VERIFIED, cbor, text,
};
use super::relying_party::Used;
use super::{
    AuthenticationResponse, Challenge, ClientData, CreationOptions, Known, Registered, RegistrationResponse,
    RelyingParty, WebauthnRefusal, creation_options, request_options,
};

const CHALLENGE: Challenge = [7; 32];
const USER: &[u8] = b"sixteen bytes id";
const ORIGIN: &str = "https://gate.example";

fn party() -> RelyingParty {
    RelyingParty { id: "gate.example".to_owned(), origin: ORIGIN.to_owned() }
}

fn creation() -> Value {
    let options = CreationOptions { user_handle: USER, name: "ada", enrolled: Vec::new() };
    creation_options(&party(), &CHALLENGE, options)
}

fn register_json(response: Value) -> Result<Registered, WebauthnRefusal> {
    let response = RegistrationResponse::parse(response)?;
    let client_data = ClientData::parse(&response.response.client_data.0)?;
    party().verify_registration(&response, &client_data, &CHALLENGE)
}

fn register(
    key: &mut Authenticator,
    change: impl FnOnce(&mut Ceremony),
) -> Result<Registered, WebauthnRefusal> {
    register_json(key.create(&creation(), change))
}

fn known(registered: &Registered) -> Known<'_> {
    Known {
        credential_id: &registered.credential_id,
        public_key: &registered.public_key,
        sign_count: registered.sign_count,
        backup_eligible: registered.backup_eligible,
        user_handle: USER,
    }
}

fn assert_json(response: Value, known: &Known<'_>) -> Result<Used, WebauthnRefusal> {
    let response = AuthenticationResponse::parse(response)?;
    let client_data = ClientData::parse(&response.response.client_data.0)?;
    party().verify_assertion(&response, &client_data, &CHALLENGE, known)
}

fn sign_in(
    key: &Authenticator,
    known: &Known<'_>,
    change: impl FnOnce(&mut Ceremony),
) -> Result<Used, WebauthnRefusal> {
    assert_json(key.get(&request_options(&party(), &CHALLENGE), change), known)
}

type Change = fn(&mut Ceremony);

#[test]
fn each_kind_of_key_enrols_and_signs_in() {
    for (algorithm, mut key) in [
        (-7, Authenticator::es256("a", ORIGIN)),
        (-8, Authenticator::eddsa("b", ORIGIN)),
        (-257, Authenticator::rs256("c", ORIGIN)),
    ] {
        let registered = register(&mut key, |_| {}).unwrap();
        assert_eq!(registered.algorithm, algorithm);
        assert_eq!(registered.public_key, key.public_key(), "the exact bytes are kept");
        assert_eq!(registered.attestation_format, "none");
        assert_eq!(registered.transports, ["internal", "hybrid"]);
        let used = sign_in(&key, &known(&registered), |_| {}).unwrap();
        assert_eq!(used, Used { sign_count: 0, backed_up: false });
    }
}

#[test]
fn a_registration_that_differs_in_one_thing_is_refused() {
    let cases: &[(&str, Change)] = &[
        ("passkey_type_mismatch", |c| c.client_data["type"] = json!("webauthn.get")),
        ("passkey_challenge_mismatch", |c| c.client_data["challenge"] = json!("AAAA")),
        ("passkey_origin_mismatch", |c| c.client_data["origin"] = json!("https://gate.example.evil")),
        ("passkey_origin_mismatch", |c| c.client_data["origin"] = json!("http://gate.example")),
        ("passkey_origin_mismatch", |c| c.client_data["origin"] = json!("https://gate.example:8443")),
        ("passkey_origin_mismatch", |c| c.client_data["origin"] = json!("https://sub.gate.example")),
        ("passkey_cross_origin", |c| c.client_data["crossOrigin"] = json!(true)),
        ("passkey_cross_origin", |c| c.client_data["topOrigin"] = json!("https://evil.example")),
        ("passkey_relying_party_mismatch", |c| c.rp_id = "evil.example".to_owned()),
        ("passkey_user_absent", |c| c.flags &= !USER_PRESENT),
        ("passkey_user_unverified", |c| c.flags &= !USER_VERIFIED),
        ("passkey_backup_inconsistent", |c| c.flags |= BACKED_UP),
        ("passkey_authenticator_data_malformed", |c| c.flags &= !HAS_CREDENTIAL),
        ("passkey_credential_mismatch", |c| c.response_id = Some(vec![1; 32])),
        ("passkey_credential_id_length", |c| c.credential_id = vec![1; 1024]),
        ("passkey_credential_id_length", |c| c.credential_id = Vec::new()),
        ("passkey_attestation_malformed", |c| c.format = String::new()),
        ("passkey_attestation_malformed", |c| c.statement = vec![(text("x"), text("y"))]),
    ];
    for (number, (code, change)) in cases.iter().enumerate() {
        let mut key = Authenticator::eddsa("a", ORIGIN);
        let refusal = register(&mut key, change).expect_err(code);
        assert_eq!(refusal.code(), *code, "case {number}");
    }
}

#[test]
fn the_longest_credential_id_and_a_synced_passkey_are_accepted() {
    let changes: [Change; 3] = [
        |c| c.credential_id = vec![1; 1023],
        |c| c.flags |= BACKUP_ELIGIBLE | BACKED_UP,
        |c| c.flags |= BACKUP_ELIGIBLE,
    ];
    for change in changes {
        register(&mut Authenticator::eddsa("a", ORIGIN), change).unwrap();
    }
}

#[test]
fn an_attestation_is_recorded_by_format_and_not_evaluated() {
    let registered = register(&mut Authenticator::eddsa("a", ORIGIN), |c| {
        c.format = "packed".to_owned();
        c.statement = vec![(text("alg"), super::authenticator::int(-7))];
    })
    .unwrap();
    assert_eq!(registered.attestation_format, "packed");
    assert!(!registered.attestation_object.is_empty());
}

#[test]
fn unsolicited_extensions_are_ignored() {
    let map = cbor(&ciborium::Value::Map(vec![(text("credProtect"), super::authenticator::int(2))]));
    let mut key = Authenticator::eddsa("a", ORIGIN);
    let registered = register(&mut key, |c| {
        c.flags |= HAS_EXTENSIONS;
        c.trailer.clone_from(&map);
    })
    .unwrap();
    assert_eq!(registered.public_key, key.public_key(), "extensions are no part of the key");
    sign_in(&key, &known(&registered), |c| {
        c.flags |= HAS_EXTENSIONS;
        c.trailer.clone_from(&map);
    })
    .unwrap();
}

#[test]
fn an_assertion_that_differs_in_one_thing_is_refused() {
    let mut key = Authenticator::es256("a", ORIGIN);
    let registered = register(&mut key, |_| {}).unwrap();
    let cases: &[(&str, Change)] = &[
        ("passkey_type_mismatch", |c| c.client_data["type"] = json!("webauthn.create")),
        ("passkey_type_mismatch", |c| c.client_data["type"] = json!("payment.get")),
        ("passkey_challenge_mismatch", |c| c.client_data["challenge"] = json!("AAAA")),
        ("passkey_origin_mismatch", |c| c.client_data["origin"] = json!("https://evil.example")),
        ("passkey_cross_origin", |c| c.client_data["crossOrigin"] = json!(true)),
        ("passkey_cross_origin", |c| c.client_data["topOrigin"] = json!("https://evil.example")),
        ("passkey_relying_party_mismatch", |c| c.rp_id = "evil.example".to_owned()),
        ("passkey_user_absent", |c| c.flags &= !USER_PRESENT),
        ("passkey_user_unverified", |c| c.flags &= !USER_VERIFIED),
        ("passkey_backup_eligibility_changed", |c| c.flags |= BACKUP_ELIGIBLE),
        ("passkey_backup_inconsistent", |c| c.flags |= BACKED_UP),
        ("passkey_credential_mismatch", |c| c.response_id = Some(vec![1; 32])),
        ("passkey_user_handle_mismatch", |c| c.user_handle = Some(b"somebody else...".to_vec())),
        ("passkey_user_handle_mismatch", |c| c.user_handle = None),
        ("passkey_authenticator_data_malformed", |c| c.trailer = vec![0]),
    ];
    for (number, (code, change)) in cases.iter().enumerate() {
        let refusal = sign_in(&key, &known(&registered), change).expect_err(code);
        assert_eq!(refusal.code(), *code, "case {number}");
    }
    sign_in(&key, &known(&registered), |_| {}).unwrap();
}

#[test]
fn bytes_changed_after_signing_are_refused() {
    let mut key = Authenticator::es256("a", ORIGIN);
    let registered = register(&mut key, |_| {}).unwrap();
    let honest = key.get(&request_options(&party(), &CHALLENGE), |_| {});
    let later = key.get(&request_options(&party(), &CHALLENGE), |c| {
        c.sign_count = 9;
        c.client_data["later"] = json!(true);
    });
    for member in ["clientDataJSON", "authenticatorData", "signature"] {
        let mut mixed = honest.clone();
        mixed["response"][member] = later["response"][member].clone();
        let refusal = assert_json(mixed, &known(&registered)).expect_err(member);
        assert_eq!(refusal.code(), "passkey_signature_invalid", "with another {member}");
    }
    assert_json(honest, &known(&registered)).unwrap();
    assert_json(later, &known(&registered)).unwrap();
}

#[test]
fn the_signature_of_another_key_is_refused() {
    let mut key = Authenticator::es256("a", ORIGIN);
    let registered = register(&mut key, |_| {}).unwrap();
    let mut other = Authenticator::es256("a", ORIGIN);
    register(&mut other, |_| {}).unwrap();
    let refusal = sign_in(&other, &known(&registered), |_| {}).unwrap_err();
    assert_eq!(refusal.code(), "passkey_signature_invalid");
}

#[test]
fn a_counter_that_counts_must_rise_and_one_that_does_not_may_stay_zero() {
    let mut key = Authenticator::eddsa("a", ORIGIN);
    let registered = register(&mut key, |_| {}).unwrap();
    for (stored, received, accepted) in
        [(0, 0, true), (0, 1, true), (5, 6, true), (5, 5, false), (5, 4, false), (5, 0, false)]
    {
        let known = Known { sign_count: stored, ..known(&registered) };
        let answer = sign_in(&key, &known, |c| c.sign_count = received);
        assert_eq!(answer.is_ok(), accepted, "from {stored} to {received}");
        if let Err(refusal) = answer {
            assert_eq!(refusal.code(), "passkey_sign_count_regressed");
        }
    }
}

#[test]
fn options_ask_for_what_is_checked() {
    let options = creation();
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["rp"]["id"], "gate.example");
    let request = request_options(&party(), &CHALLENGE);
    assert_eq!(request["userVerification"], "required");
    assert_eq!(request["allowCredentials"], json!([]), "nobody learns who has a passkey");
}
