use countersign_core::{Assurance, Reviewer};
use serde_json::{Value, json};

use crate::testing::{DAY, MINUTE, ORIGIN, START, World};
use crate::webauthn::authenticator::{Authenticator, USER_VERIFIED};
use crate::{IdentityError, NewSession, PasskeyView};

async fn finish(world: &World, reviewer: &Reviewer, response: Value) -> Result<PasskeyView, IdentityError> {
    world.identity.finish_enrolment(reviewer, response, "laptop", START).await
}

async fn come_back(world: &World, key: &Authenticator) -> Result<Option<NewSession>, IdentityError> {
    let options = world.identity.begin_sign_in(START).await.unwrap();
    world.identity.finish_sign_in(key.get(&options, |_| {}), START).await
}

fn code<T: std::fmt::Debug>(answer: Result<T, IdentityError>) -> &'static str {
    answer.expect_err("a refusal").code()
}

#[tokio::test]
async fn an_enrolled_passkey_signs_in_with_the_higher_assurance() {
    let world = World::new();
    let ada = world.sign_in("ada", &["dba"], START).await.signed_in;
    let key = world.enrol(&ada, "laptop", START).await;
    let later = START.plus(DAY);
    let options = world.identity.begin_sign_in(later).await.unwrap();
    let response = key.get(&options, |c| c.sign_count = 3);
    let session = world.identity.finish_sign_in(response, later).await.unwrap().unwrap();
    let signed_in = world.identity.reviewer(&session.token, later).unwrap().unwrap();
    assert_eq!(signed_in.reviewer.person(), ada.reviewer.person());
    assert_eq!(signed_in.reviewer.assurance(), Assurance::Passkey);
    assert_eq!(signed_in.session.assurance, Assurance::Passkey);
    let passkeys = world.identity.passkeys(ada.reviewer.person()).unwrap();
    assert_eq!(passkeys.len(), 1);
    assert_eq!((passkeys[0].label.as_str(), passkeys[0].enrolled_at), ("laptop", START));
    assert_eq!(passkeys[0].last_used_at, Some(later));

    let options = world.identity.begin_sign_in(later).await.unwrap();
    let copied = key.get(&options, |c| c.sign_count = 3);
    assert_eq!(code(world.identity.finish_sign_in(copied, later).await), "passkey_sign_count_regressed");
}

#[tokio::test]
async fn an_answer_is_good_once() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in.reviewer;
    let options = world.identity.begin_enrolment(&ada, START).await.unwrap();
    let mut key = Authenticator::es256("laptop", ORIGIN);
    let enrolment = key.create(&options, |_| {});
    finish(&world, &ada, enrolment.clone()).await.unwrap();
    assert_eq!(code(finish(&world, &ada, enrolment).await), "passkey_challenge_unknown");

    let options = world.identity.begin_sign_in(START).await.unwrap();
    let response = key.get(&options, |_| {});
    assert!(world.identity.finish_sign_in(response.clone(), START).await.unwrap().is_some());
    let replayed = world.second_process().finish_sign_in(response, START).await;
    assert_eq!(code(replayed), "passkey_challenge_unknown");
}

#[tokio::test]
async fn a_refused_answer_uses_its_challenge_up() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in;
    let key = world.enrol(&ada, "laptop", START).await;
    let options = world.identity.begin_sign_in(START).await.unwrap();
    let unverified = key.get(&options, |c| c.flags &= !USER_VERIFIED);
    assert_eq!(code(world.identity.finish_sign_in(unverified, START).await), "passkey_user_unverified");
    let honest = key.get(&options, |_| {});
    assert_eq!(code(world.identity.finish_sign_in(honest, START).await), "passkey_challenge_unknown");
}

#[tokio::test]
async fn a_challenge_that_nobody_issued_is_refused() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in;
    let key = world.enrol(&ada, "laptop", START).await;
    for challenge in ["A".repeat(43), "AAAA".to_owned(), String::new()] {
        let options = json!({ "challenge": challenge, "rpId": "gate.example" });
        let answer = world.identity.finish_sign_in(key.get(&options, |_| {}), START).await;
        assert_eq!(code(answer), "passkey_challenge_unknown");
    }
}

#[tokio::test]
async fn a_challenge_lives_five_minutes() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in;
    let key = world.enrol(&ada, "laptop", START).await;
    let options = world.identity.begin_sign_in(START).await.unwrap();
    let late = world.identity.finish_sign_in(key.get(&options, |_| {}), START.plus(MINUTE * 5)).await;
    assert_eq!(code(late), "passkey_challenge_expired");
    let options = world.identity.begin_sign_in(START).await.unwrap();
    let in_time = world.identity.finish_sign_in(key.get(&options, |_| {}), START.plus(MINUTE * 4)).await;
    assert!(in_time.unwrap().is_some());
}

#[tokio::test]
async fn a_challenge_is_good_for_one_purpose_and_one_person() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in;
    let bob = world.sign_in("bob", &[], START).await.signed_in;
    let mut key = world.enrol(&ada, "laptop", START).await;

    let for_ada = world.identity.begin_enrolment(&ada.reviewer, START).await.unwrap();
    let response = Authenticator::es256("other", ORIGIN).create(&for_ada, |_| {});
    assert_eq!(code(finish(&world, &bob.reviewer, response).await), "passkey_challenge_person");

    let mut for_ada = world.identity.begin_enrolment(&ada.reviewer, START).await.unwrap();
    for_ada["rpId"] = json!("gate.example");
    let answer = world.identity.finish_sign_in(key.get(&for_ada, |_| {}), START).await;
    assert_eq!(code(answer), "passkey_challenge_purpose");

    let sign_in = world.identity.begin_sign_in(START).await.unwrap();
    let mut options = world.identity.begin_enrolment(&ada.reviewer, START).await.unwrap();
    options["challenge"] = sign_in["challenge"].clone();
    let response = key.create(&options, |_| {});
    assert_eq!(code(finish(&world, &ada.reviewer, response).await), "passkey_challenge_purpose");
}

#[tokio::test]
async fn a_passkey_cannot_sign_in_as_another_person() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in;
    let bob = world.sign_in("bob", &[], START).await.signed_in;
    let adas = world.enrol(&ada, "adas", START).await;
    let bobs = world.enrol(&bob, "bobs", START).await;
    let options = world.identity.begin_sign_in(START).await.unwrap();
    let response = bobs.get(&options, |c| c.user_handle = Some(ada.reviewer.person().as_bytes().to_vec()));
    assert_eq!(code(world.identity.finish_sign_in(response, START).await), "passkey_user_handle_mismatch");
    let options = world.identity.begin_sign_in(START).await.unwrap();
    let response = bobs.get(&options, |c| {
        c.user_handle = Some(ada.reviewer.person().as_bytes().to_vec());
        c.credential_id.clone_from(&adas.credential_id);
    });
    assert_eq!(code(world.identity.finish_sign_in(response, START).await), "passkey_signature_invalid");
}

#[tokio::test]
async fn a_passkey_is_enrolled_once_whoever_tries() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in;
    let bob = world.sign_in("bob", &[], START).await.signed_in;
    let mut key = world.enrol(&ada, "laptop", START).await;
    let options = world.identity.begin_enrolment(&ada.reviewer, START).await.unwrap();
    assert_eq!(options["excludeCredentials"].as_array().unwrap().len(), 1);
    for reviewer in [&ada.reviewer, &bob.reviewer] {
        let options = world.identity.begin_enrolment(reviewer, START).await.unwrap();
        let response = key.create(&options, |_| {});
        assert_eq!(code(finish(&world, reviewer, response).await), "passkey_enrolled_already");
    }
}

#[tokio::test]
async fn one_person_has_at_most_twenty_passkeys() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in;
    for number in 0..20 {
        world.enrol(&ada, &format!("key {number}"), START).await;
    }
    let options = world.identity.begin_enrolment(&ada.reviewer, START).await.unwrap();
    let response = Authenticator::es256("one more", ORIGIN).create(&options, |_| {});
    assert_eq!(code(finish(&world, &ada.reviewer, response).await), "passkeys_full");
}

#[tokio::test]
async fn a_removed_passkey_signs_nobody_in_and_ends_what_it_began() {
    let world = World::new();
    let link = world.sign_in("ada", &[], START).await;
    let bob = world.sign_in("bob", &[], START).await.signed_in.reviewer;
    let ada = &link.signed_in.reviewer;
    let key = world.enrol(&link.signed_in, "laptop", START).await;
    let session = come_back(&world, &key).await.unwrap().unwrap();
    let id = world.identity.passkeys(ada.person()).unwrap()[0].id.clone();

    assert!(!world.identity.remove_passkey(&bob, &id, START).await.unwrap(), "it is not Bob's");
    assert!(come_back(&world, &key).await.unwrap().is_some());

    assert!(world.identity.remove_passkey(ada, &id, START).await.unwrap());
    assert!(come_back(&world, &key).await.unwrap().is_none());
    assert!(world.identity.reviewer(&session.token, START).unwrap().is_none());
    assert!(world.identity.reviewer(&link.token, START).unwrap().is_some(), "it began otherwise");
    assert!(!world.identity.remove_passkey(ada, &id, START).await.unwrap());
    world.enrol(&link.signed_in, "laptop", START).await;
}

#[tokio::test]
async fn a_label_that_cannot_be_read_is_refused() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in.reviewer;
    let options = world.identity.begin_enrolment(&ada, START).await.unwrap();
    let response = Authenticator::es256("laptop", ORIGIN).create(&options, |_| {});
    let refused = world.identity.finish_enrolment(&ada, response, "\u{202e}", START).await;
    assert_eq!(code(refused), "name_invalid");
}

#[tokio::test]
async fn where_browsers_offer_no_passkeys_links_still_sign_in() {
    let world = World::at("http://127.0.0.1:8443");
    let ada = world.sign_in("ada", &[], START).await.signed_in.reviewer;
    assert!(!world.identity.offers_passkeys());
    assert_eq!(code(world.identity.begin_enrolment(&ada, START).await), "passkeys_unavailable");
    assert_eq!(code(world.identity.begin_sign_in(START).await), "passkeys_unavailable");
    assert_eq!(code(world.identity.finish_sign_in(json!({}), START).await), "passkeys_unavailable");
}
