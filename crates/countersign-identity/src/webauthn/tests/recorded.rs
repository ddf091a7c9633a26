//! What a real browser sent: Chromium's virtual authenticator, recorded once by `recorded/record.mjs`. An independent
//! reading of the specification than our own test authenticator's.

use serde_json::{Value, json};

use super::super::authenticator::decode;
use super::super::encode_base64url;
use super::{
    AuthenticationResponse, CHALLENGE, ClientData, Known, Registered, RegistrationResponse, RelyingParty,
    USER, Used, WebauthnRefusal,
};

struct Recorded {
    party: RelyingParty,
    algorithm: i64,
    backup: bool,
    registration: Value,
    assertion: Value,
}

fn recorded() -> Vec<Recorded> {
    let file: Value = serde_json::from_str(include_str!("recorded/chromium.json")).unwrap();
    let origin = file["origin"].as_str().unwrap();
    let ceremonies = file["ceremonies"].as_array().unwrap();
    ceremonies
        .iter()
        .map(|ceremony| Recorded {
            party: RelyingParty { id: "localhost".to_owned(), origin: origin.to_owned() },
            algorithm: ceremony["alg"].as_i64().unwrap(),
            backup: ceremony["backup"].as_bool().unwrap(),
            registration: ceremony["registration"].clone(),
            assertion: ceremony["assertion"].clone(),
        })
        .collect()
}

impl Recorded {
    fn register(&self, response: Value) -> Result<Registered, WebauthnRefusal> {
        let response = RegistrationResponse::parse(response)?;
        let client_data = ClientData::parse(&response.response.client_data.0)?;
        self.party.verify_registration(&response, &client_data, &CHALLENGE)
    }

    fn sign_in(&self, registered: &Registered, response: Value) -> Result<Used, WebauthnRefusal> {
        let response = AuthenticationResponse::parse(response)?;
        let client_data = ClientData::parse(&response.response.client_data.0)?;
        let known = Known { user_handle: USER, ..super::known(registered) };
        self.party.verify_assertion(&response, &client_data, &CHALLENGE, &known)
    }
}

#[test]
fn what_chromium_enrols_and_signs_is_accepted() {
    let all = recorded();
    assert_eq!(all.iter().map(|one| one.algorithm).collect::<Vec<_>>(), [-7, -8, -257, -7]);
    for one in all {
        let registered = one.register(one.registration.clone()).unwrap();
        assert_eq!(registered.algorithm, one.algorithm);
        assert_eq!((registered.backup_eligible, registered.backed_up), (one.backup, one.backup));
        assert_eq!(registered.attestation_format, "none");
        let used = one.sign_in(&registered, one.assertion.clone()).unwrap();
        assert!(used.sign_count > registered.sign_count, "Chromium's authenticator counts");
    }
}

#[test]
fn no_bit_of_what_chromium_signed_can_be_changed() {
    for one in recorded() {
        let registered = one.register(one.registration.clone()).unwrap();
        for member in ["clientDataJSON", "authenticatorData", "signature"] {
            let bytes = decode(&one.assertion["response"][member]);
            for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let mut response = one.assertion.clone();
                response["response"][member] = json!(encode_base64url(&changed));
                let answer = one.sign_in(&registered, response);
                assert!(answer.is_err(), "bit {bit} of byte {at} of {member}, algorithm {}", one.algorithm);
            }
        }
    }
}

#[test]
fn what_chromium_signed_elsewhere_is_refused() {
    for mut one in recorded() {
        let registered = one.register(one.registration.clone()).unwrap();
        one.party.origin = "http://localhost:1".to_owned();
        let refusal = one.sign_in(&registered, one.assertion.clone()).unwrap_err();
        assert_eq!(refusal.code(), "passkey_origin_mismatch");
    }
}
