use std::time::Duration;

use countersign_core::{LinkKind, Standing};

use crate::testing::{DAY, HOUR, START, World, bare, new_agent, set};
use crate::{Claims, NewAgent};

#[tokio::test]
async fn a_token_names_its_agent_its_teams_and_the_verified_chain() {
    let world = World::new();
    let ada = world.sign_in("Ada", &[], START).await.signed_in.reviewer.person();
    let bob = world.sign_in("Bob", &[], START).await.signed_in.reviewer.person();
    let new = NewAgent { on_behalf_of: Some("bob".to_owned()), ..new_agent("importer", "ada") };
    let (view, token) = world.identity.add_agent(new, START).await.unwrap();
    let principal =
        world.identity.principal(&token.to_string(), &Claims::default(), START).await.unwrap().unwrap();
    assert_eq!((principal.agent, principal.name.as_str()), (view.id, "importer"));
    assert_eq!(principal.teams, set(&["data"]));
    let chain: Vec<_> = principal
        .links
        .iter()
        .map(|link| (link.kind, link.name.as_str(), link.person, link.standing))
        .collect();
    assert_eq!(
        chain,
        [
            (LinkKind::Owner, "Ada", Some(ada), Standing::Verified),
            (LinkKind::OnBehalfOf, "Bob", Some(bob), Standing::Verified),
        ]
    );
}

#[tokio::test]
async fn what_the_caller_says_is_claimed_and_can_only_take_rights_away() {
    let world = World::new();
    let ada = world.sign_in("Ada", &[], START).await.signed_in.reviewer.person();
    let eve = world.sign_in("Eve", &[], START).await.signed_in.reviewer.person();
    let token = world.agent("importer", "ada", START).await;
    let claims = Claims {
        client: Some("x".repeat(500)),
        model: Some("  ".to_owned()),
        on_behalf_of: Some(" EVE ".to_owned()),
    };
    let principal = world.identity.principal(&token, &claims, START).await.unwrap().unwrap();
    assert!(principal.links[1..].iter().all(|link| link.standing == Standing::Claimed));
    let kinds: Vec<_> = principal.links.iter().map(|link| link.kind).collect();
    assert_eq!(kinds, [LinkKind::Owner, LinkKind::OnBehalfOf, LinkKind::Client], "an empty claim is none");
    assert_eq!(principal.links[2].name.chars().count(), Claims::NAME_MAX_CHARS);
    assert_eq!(principal.requesters(), [ada, eve].into(), "the claimed person may not vote either");
    let claims = Claims { on_behalf_of: Some("nobody here".to_owned()), ..Claims::default() };
    let principal = world.identity.principal(&token, &claims, START).await.unwrap().unwrap();
    assert_eq!(principal.links[1].person, None);
    assert_eq!(principal.requesters(), [ada].into());
}

#[tokio::test]
async fn a_claim_that_repeats_the_registered_person_adds_nothing() {
    let world = World::new();
    world.sign_in("Ada", &[], START).await;
    let new = NewAgent { on_behalf_of: Some("ada".to_owned()), ..new_agent("importer", "ada") };
    let (_, token) = world.identity.add_agent(new, START).await.unwrap();
    let claims = Claims { on_behalf_of: Some("ADA".to_owned()), ..Claims::default() };
    let principal = world.identity.principal(&token.to_string(), &claims, START).await.unwrap().unwrap();
    assert!(principal.links.iter().all(|link| link.standing == Standing::Verified));
}

#[tokio::test]
async fn an_expired_token_is_refused_from_its_last_instant_on() {
    let world = World::new();
    world.sign_in("ada", &[], START).await;
    let token = world.agent("importer", "ada", START).await;
    let end = START.plus(DAY);
    let works =
        async |now| world.identity.principal(&token, &Claims::default(), now).await.unwrap().is_some();
    assert!(works(START.plus(DAY - Duration::from_micros(1))).await);
    assert!(!works(end).await);
    assert!(!works(end.plus(HOUR)).await);
}

#[tokio::test]
async fn a_token_revoked_by_another_process_is_refused_at_once() {
    let world = World::new();
    world.sign_in("ada", &[], START).await;
    let token = world.agent("importer", "ada", START).await;
    let works = async || world.identity.principal(&token, &Claims::default(), START).await.unwrap().is_some();
    assert!(works().await);
    let view = world.second_process().revoke_agent("importer", START).await.unwrap();
    assert_eq!(view.revoked_at, Some(START));
    assert!(!works().await);
    let again = world.identity.revoke_agent("importer", START).await.unwrap_err();
    assert_eq!(again.code(), "agent_unknown");
}

#[tokio::test]
async fn a_text_that_is_no_token_is_refused() {
    let world = World::new();
    world.sign_in("ada", &[], START).await;
    let token = world.agent("importer", "ada", START).await;
    let body = bare(&token);
    let wrong = [
        String::new(),
        "csa_".to_owned(),
        body.to_owned(),
        format!("{token}="),
        format!("{token}A"),
        format!(" {token}"),
        format!("CSA_{body}"),
        format!("css_{body}"),
        format!("csi_{body}"),
        format!("csa_{}", "A".repeat(43)),
        "x".repeat(1_000_000),
    ];
    for text in wrong {
        let found = world.identity.principal(&text, &Claims::default(), START).await.unwrap();
        assert!(found.is_none(), "`{}` was accepted", text.chars().take(60).collect::<String>());
    }
}

#[tokio::test]
async fn an_agent_needs_an_owner_who_is_known_and_a_name_that_is_free() {
    let world = World::new();
    let add = |new| world.identity.add_agent(new, START);
    assert_eq!(add(new_agent("importer", "ada")).await.unwrap_err().code(), "person_unknown");
    world.sign_in("ada", &[], START).await;
    let for_nobody = NewAgent { on_behalf_of: Some("bob".to_owned()), ..new_agent("importer", "ada") };
    assert_eq!(add(for_nobody).await.unwrap_err().code(), "person_unknown");
    let for_no_time = NewAgent { lifetime: Duration::ZERO, ..new_agent("importer", "ada") };
    assert_eq!(add(for_no_time).await.unwrap_err().code(), "lifetime_invalid");
    let hidden_team = NewAgent { teams: set(&["data\u{200b}"]), ..new_agent("importer", "ada") };
    assert_eq!(add(hidden_team).await.unwrap_err().code(), "name_invalid");
    let (first, _) = add(new_agent("importer", "ada")).await.unwrap();
    assert_eq!(add(new_agent(" importer ", "ada")).await.unwrap_err().code(), "agent_name_taken");
    world.identity.revoke_agent("importer", START).await.unwrap();
    let (second, _) = add(new_agent("importer", "ada")).await.unwrap();
    assert_ne!(first.id, second.id, "a new token is a new agent");
    let works: Vec<bool> = world.identity.agents().unwrap().iter().map(|agent| agent.works(START)).collect();
    assert_eq!(works, [false, true]);
}

#[tokio::test]
async fn no_secret_stands_in_the_files_nor_in_debug_output() {
    let world = World::new();
    let invitation = world.identity.invite("ada", set(&[]), HOUR, START).await.unwrap();
    let link = invitation.token.to_string();
    let session = world.identity.accept_invitation(&link, START).await.unwrap().unwrap();
    let (view, token) = world.identity.add_agent(new_agent("importer", "ada"), START).await.unwrap();
    let shown = format!("{invitation:?}{session:?}{view:?}{token:?}");
    let secrets = [link, session.token, token.to_string()];
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in &secrets {
            let body = bare(secret).as_bytes();
            assert!(!bytes.windows(body.len()).any(|window| window == body));
        }
    }
    assert!(secrets.iter().all(|secret| !shown.contains(bare(secret))));
}
