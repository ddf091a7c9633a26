use std::time::Duration;

use countersign_core::{Assurance, Timestamp};

use crate::testing::{DAY, HOUR, MINUTE, START, World, bare, set};
use crate::{Claims, Identity};

const TICK: Duration = Duration::from_micros(1);

fn open(identity: &Identity, token: &str, now: Timestamp) -> bool {
    identity.reviewer(token, now).unwrap().is_some()
}

/// Waits until the writer has done what was handed to it before.
async fn settle(identity: &Identity, now: Timestamp) {
    identity.end_session("css_none", now).await.unwrap();
    identity.begin_sign_in(now).await.unwrap();
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let world = World::new();
    let invitation = world.identity.invite("ada", set(&["dba"]), HOUR, START).await.unwrap();
    let link = invitation.token.to_string();
    for _ in 0..2 {
        let seen = world.identity.invitation(&link, START).unwrap().expect("looking uses nothing up");
        assert_eq!((seen.name.as_str(), seen.expires_at), ("ada", START.plus(HOUR)));
    }
    let session = world.identity.accept_invitation(&link, START).await.unwrap().unwrap();
    let signed_in = world.identity.reviewer(&session.token, START).unwrap().unwrap();
    assert_eq!(signed_in, session.signed_in);
    assert_eq!(signed_in.reviewer.person(), invitation.person);
    assert_eq!(signed_in.reviewer.groups(), &set(&["dba"]));
    assert_eq!(signed_in.reviewer.assurance(), Assurance::Session);
    assert!(world.identity.invitation(&link, START).unwrap().is_none());
    assert!(world.identity.accept_invitation(&link, START).await.unwrap().is_none(), "a second use");
}

#[tokio::test]
async fn of_two_who_use_a_link_at_the_same_time_one_gets_in() {
    let world = World::new();
    let other = world.second_process();
    for round in 0..10 {
        let link = world.identity.invite("ada", set(&[]), HOUR, START).await.unwrap().token.to_string();
        let (a, b, c) = tokio::join!(
            world.identity.accept_invitation(&link, START),
            world.identity.accept_invitation(&link, START),
            other.accept_invitation(&link, START),
        );
        let got_in = [a, b, c].into_iter().filter(|answer| answer.as_ref().unwrap().is_some()).count();
        assert_eq!(got_in, 1, "in round {round}");
    }
}

#[tokio::test]
async fn an_expired_link_signs_nobody_in() {
    let world = World::new();
    let link = world.identity.invite("ada", set(&[]), HOUR, START).await.unwrap().token.to_string();
    let end = START.plus(HOUR);
    assert!(world.identity.invitation(&link, end).unwrap().is_none());
    assert!(world.identity.accept_invitation(&link, end).await.unwrap().is_none());
    let just_before = START.plus(HOUR - TICK);
    assert!(world.identity.invitation(&link, just_before).unwrap().is_some());
    assert!(world.identity.accept_invitation(&link, just_before).await.unwrap().is_some());
}

#[tokio::test]
async fn a_new_link_ends_the_earlier_ones_of_the_same_person_only() {
    let world = World::new();
    let first = world.identity.invite("ada", set(&[]), HOUR, START).await.unwrap().token.to_string();
    let bobs = world.identity.invite("bob", set(&[]), HOUR, START).await.unwrap().token.to_string();
    let second = world.identity.invite("Ada", set(&[]), HOUR, START).await.unwrap().token.to_string();
    assert!(world.identity.accept_invitation(&first, START).await.unwrap().is_none());
    assert!(world.identity.accept_invitation(&second, START).await.unwrap().is_some());
    assert!(world.identity.accept_invitation(&bobs, START).await.unwrap().is_some());
}

#[tokio::test]
async fn no_credential_stands_in_for_another() {
    let world = World::new();
    let session = world.sign_in("ada", &[], START).await.token;
    let agent = world.agent("importer", "ada", START).await;
    let link = world.identity.invite("bob", set(&[]), HOUR, START).await.unwrap().token.to_string();
    // Secret scanners and people tell them apart by what they begin with.
    assert!(agent.starts_with("csa_") && session.starts_with("css_") && link.starts_with("csi_"));
    let claims = Claims::default();
    let bodies = [&session, &agent, &link].map(|token| bare(token).to_owned());
    for body in bodies {
        for prefix in ["csa_", "css_", "csi_", ""] {
            let token = format!("{prefix}{body}");
            let as_agent = world.identity.principal(&token, &claims, START).await.unwrap().is_some();
            let as_person = open(&world.identity, &token, START);
            let as_link = world.identity.invitation(&token, START).unwrap().is_some();
            assert_eq!(as_agent, token == agent, "`{prefix}` as an agent's token");
            assert_eq!(as_person, token == session, "`{prefix}` as a session");
            assert_eq!(as_link, token == link, "`{prefix}` as a link");
            if token != link {
                assert!(world.identity.accept_invitation(&token, START).await.unwrap().is_none());
            }
        }
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_is_over_after_twelve_hours() {
    let world = World::new();
    let token = world.sign_in("ada", &[], START).await.token;
    let idle = HOUR * 12;
    assert!(!open(&world.identity, &token, START.plus(idle)));
    let used_at = START.plus(idle - TICK);
    assert!(open(&world.identity, &token, used_at), "and this use is noted");
    settle(&world.identity, used_at).await;
    assert!(!open(&world.identity, &token, used_at.plus(idle)));
    assert!(open(&world.identity, &token, used_at.plus(idle - TICK)));
}

#[tokio::test]
async fn uses_within_a_minute_are_not_written_down() {
    let world = World::new();
    let new = world.sign_in("ada", &[], START).await;
    let ends_at = |now| world.identity.reviewer(&new.token, now).unwrap().unwrap().session.expires_at;
    let soon = START.plus(MINUTE - TICK);
    ends_at(soon);
    settle(&world.identity, soon).await;
    assert_eq!(ends_at(soon), START.plus(HOUR * 12));
    let later = START.plus(MINUTE);
    ends_at(later);
    settle(&world.identity, later).await;
    assert_eq!(ends_at(later), later.plus(HOUR * 12));
}

#[tokio::test]
async fn no_session_lasts_longer_than_seven_days() {
    let world = World::new();
    let token = world.sign_in("ada", &[], START).await.token;
    let mut now = START;
    while now < START.plus(DAY * 7 - HOUR) {
        now = now.plus(HOUR);
        assert!(open(&world.identity, &token, now));
        settle(&world.identity, now).await;
    }
    assert!(open(&world.identity, &token, START.plus(DAY * 7 - TICK)));
    assert!(!open(&world.identity, &token, START.plus(DAY * 7)));
}

#[tokio::test]
async fn signing_out_ends_this_session_for_good() {
    let world = World::new();
    let first = world.sign_in("ada", &[], START).await;
    let second = world.sign_in("ada", &[], START).await;
    world.identity.end_session(&first.token, START).await.unwrap();
    world.identity.end_session(&first.token, START).await.unwrap();
    assert!(!open(&world.identity, &first.token, START));
    assert!(open(&world.identity, &second.token, START));
}

#[tokio::test]
async fn a_person_can_end_every_other_session_of_theirs() {
    let world = World::new();
    let mine = world.sign_in("ada", &[], START).await;
    let bobs = world.sign_in("bob", &[], START).await;
    let person = mine.signed_in.reviewer.person();
    for keep in [mine.token.clone(), mine.signed_in.session.id.clone()] {
        let other = world.sign_in("ada", &[], START).await;
        assert_eq!(world.identity.sessions(person, START).unwrap().len(), 2);
        world.identity.end_other_sessions(person, &keep, START).await.unwrap();
        assert!(!open(&world.identity, &other.token, START));
        let left = world.identity.sessions(person, START).unwrap();
        assert_eq!(left, std::slice::from_ref(&mine.signed_in.session));
    }
    assert!(open(&world.identity, &bobs.token, START));
}

#[tokio::test]
async fn the_form_value_belongs_to_one_session_and_does_not_tell_its_token() {
    let world = World::new();
    let first = world.sign_in("ada", &[], START).await;
    let second = world.sign_in("ada", &[], START).await;
    assert_ne!(first.signed_in.csrf, second.signed_in.csrf);
    let again = world.identity.reviewer(&first.token, START).unwrap().unwrap();
    assert_eq!(again.csrf, first.signed_in.csrf);
    assert!(!first.token.contains(&first.signed_in.csrf));
}
