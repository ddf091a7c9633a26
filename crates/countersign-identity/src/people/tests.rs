use std::time::Duration;

use crate::testing::{HOUR, START, World, new_agent, set};
use crate::webauthn::authenticator::Authenticator;
use crate::{Claims, NewAgent};

#[tokio::test]
async fn groups_count_from_the_next_call_on() {
    let world = World::new();
    let token = world.sign_in("ada", &["dba"], START).await.token;
    let groups = || world.identity.reviewer(&token, START).unwrap().unwrap().reviewer.groups().clone();
    assert_eq!(groups(), set(&["dba"]));
    world.second_process().set_groups("Ada", set(&["ops"]), START).await.unwrap();
    assert_eq!(groups(), set(&["ops"]));
    world.identity.invite("ada", set(&[]), HOUR, START).await.unwrap();
    assert_eq!(groups(), set(&["ops"]), "an invitation without groups leaves them");
    world.identity.invite("ada", set(&["sre"]), HOUR, START).await.unwrap();
    assert_eq!(groups(), set(&["sre"]));
    world.identity.set_groups("ada", set(&[]), START).await.unwrap();
    assert_eq!(groups(), set(&[]));
    let unknown = world.identity.set_groups("bob", set(&[]), START).await.unwrap_err();
    assert_eq!(unknown.code(), "person_unknown");
}

#[tokio::test]
async fn names_that_differ_in_letter_case_are_one_person() {
    let world = World::new();
    let first = world.identity.invite("Ada", set(&[]), HOUR, START).await.unwrap();
    let second = world.identity.invite(" ADA ", set(&[]), HOUR, START).await.unwrap();
    assert_eq!((second.person, second.name.as_str()), (first.person, "Ada"));
    assert_eq!(world.identity.people(START).unwrap().len(), 1);
}

#[tokio::test]
async fn an_invitation_needs_a_readable_name_and_a_lifetime() {
    let world = World::new();
    let refused = world.identity.invite("a\u{202e}da", set(&[]), HOUR, START).await.unwrap_err();
    assert_eq!(refused.code(), "name_invalid");
    let refused = world.identity.invite("ada", set(&[""]), HOUR, START).await.unwrap_err();
    assert_eq!(refused.code(), "name_invalid");
    let refused = world.identity.invite("ada", set(&[]), Duration::ZERO, START).await.unwrap_err();
    assert_eq!(refused.code(), "lifetime_invalid");
}

#[tokio::test]
async fn the_list_counts_passkeys_and_open_sessions() {
    let world = World::new();
    let ada = world.sign_in("ada", &["dba"], START).await;
    world.sign_in("ada", &[], START).await;
    world.sign_in("bob", &[], START).await;
    world.enrol(&ada.signed_in, "laptop", START).await;
    let list = world.identity.people(START).unwrap();
    let counts: Vec<_> =
        list.iter().map(|person| (person.name.as_str(), person.passkeys, person.sessions)).collect();
    assert_eq!(counts, [("ada", 1, 2), ("bob", 0, 1)]);
    assert_eq!(world.identity.end_sessions("ada", START).await.unwrap(), 2);
    assert_eq!(world.identity.people(START).unwrap()[0].sessions, 0);
}

/// A person with everything that one can have, then removed.
struct Removed {
    world: World,
    session: String,
    link: String,
    owned: String,
    acting: String,
    key: Authenticator,
}

async fn removed() -> Removed {
    let world = World::new();
    let session = world.sign_in("ada", &["dba"], START).await;
    world.sign_in("bob", &[], START).await;
    let key = world.enrol(&session.signed_in, "laptop", START).await;
    let owned = world.agent("owned", "ada", START).await;
    let acting = NewAgent { on_behalf_of: Some("ada".to_owned()), ..new_agent("acting", "bob") };
    let acting = world.identity.add_agent(acting, START).await.unwrap().1.to_string();
    let link = world.identity.invite("ada", set(&[]), HOUR, START).await.unwrap().token.to_string();
    world.second_process().remove_person("ADA", START).await.unwrap();
    Removed { world, session: session.token, link, owned, acting, key }
}

impl Removed {
    async fn nothing_works(&self) {
        let identity = &self.world.identity;
        assert!(identity.reviewer(&self.session, START).unwrap().is_none(), "the session");
        assert!(identity.invitation(&self.link, START).unwrap().is_none(), "the link");
        assert!(identity.accept_invitation(&self.link, START).await.unwrap().is_none(), "the link");
        for agent in [&self.owned, &self.acting] {
            assert!(
                identity.principal(agent, &Claims::default(), START).await.unwrap().is_none(),
                "an agent"
            );
        }
        let options = identity.begin_sign_in(START).await.unwrap();
        let response = self.key.get(&options, |_| {});
        assert!(identity.finish_sign_in(response, START).await.unwrap().is_none(), "the passkey");
    }
}

#[tokio::test]
async fn nothing_of_a_removed_person_works() {
    let removed = removed().await;
    removed.nothing_works().await;
    let identity = &removed.world.identity;
    assert!(identity.people(START).unwrap().iter().all(|person| person.name != "ada"));
    let again = identity.remove_person("ada", START).await.unwrap_err();
    assert_eq!(again.code(), "person_unknown");
    let owner = identity.add_agent(new_agent("new", "ada"), START).await.unwrap_err();
    assert_eq!(owner.code(), "person_unknown", "a removed person can't answer for an agent");
}

#[tokio::test]
async fn who_comes_back_is_the_same_person_and_gets_nothing_old_back() {
    let world = World::new();
    let before = world.sign_in("ada", &[], START).await.signed_in.reviewer.person();
    world.identity.remove_person("ada", START).await.unwrap();
    let after = world.sign_in("Ada", &[], START).await.signed_in.reviewer;
    assert_eq!(after.person(), before, "else they could approve what their old self asked for");

    let removed = removed().await;
    let back = removed.world.sign_in("ada", &[], START).await.signed_in.reviewer;
    assert!(back.groups().is_empty());
    removed.nothing_works().await;
}

#[tokio::test]
async fn a_person_removed_while_enrolling_gets_no_passkey() {
    let world = World::new();
    let ada = world.sign_in("ada", &[], START).await.signed_in.reviewer;
    let options = world.identity.begin_enrolment(&ada, START).await.unwrap();
    let response = Authenticator::es256("laptop", crate::testing::ORIGIN).create(&options, |_| {});
    world.identity.remove_person("ada", START).await.unwrap();
    let refused = world.identity.finish_enrolment(&ada, response, "laptop", START).await.unwrap_err();
    assert_eq!(refused.code(), "person_unknown");
}
