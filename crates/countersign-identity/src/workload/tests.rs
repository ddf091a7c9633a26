use std::time::Duration;

use countersign_core::{LinkKind, PersonId, Principal, Standing, Timestamp};
use serde_json::{Value, json};

use crate::testing::issuer::{AUDIENCE, LocalIssuer};
use crate::testing::{HOUR, START, World, new_agent};
use crate::{Claims, IdentityError, Issued, IssuerConfig, IssuerKind, KnownBy, NewAgent, Rule, Shown};

fn seconds(at: Timestamp) -> i64 {
    at.as_micros() / 1_000_000
}

/// As GitHub's documentation shows one.
fn github(issuer: &LocalIssuer) -> Value {
    let start = seconds(START);
    json!({
        "jti": "example-id",
        "sub": "repo:octo-org/octo-repo:environment:prod",
        "environment": "prod",
        "aud": AUDIENCE,
        "ref": "refs/heads/main",
        "sha": "example-sha",
        "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org",
        "actor_id": "12",
        "repository_visibility": "private",
        "repository_id": "74",
        "repository_owner_id": "65",
        "run_id": "16588214",
        "run_number": "10",
        "run_attempt": "2",
        "runner_environment": "github-hosted",
        "actor": "octocat",
        "workflow": "example-workflow",
        "head_ref": "",
        "base_ref": "",
        "event_name": "workflow_dispatch",
        "ref_type": "branch",
        "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
        "iss": issuer.url,
        "nbf": start - 600,
        "exp": start + 300,
        "iat": start
    })
}

/// As GitLab's documentation shows one.
fn gitlab(issuer: &LocalIssuer) -> Value {
    let start = seconds(START);
    json!({
        "namespace_id": "72",
        "namespace_path": "my-group",
        "project_id": "20",
        "project_path": "my-group/my-project",
        "user_id": "1",
        "user_login": "sample-user",
        "user_email": "sample-user@example.com",
        "user_identities": [{ "provider": "github", "extern_uid": "2435223452345" }],
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "feature-branch-1",
        "ref_type": "branch",
        "ref_path": "refs/heads/feature-branch-1",
        "ref_protected": "false",
        "groups_direct": ["mygroup/mysubgroup"],
        "environment": "test-environment2",
        "environment_protected": "false",
        "deployment_tier": "testing",
        "environment_action": "start",
        "runner_id": 1,
        "runner_environment": "self-hosted",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "project_visibility": "public",
        "ci_config_ref_uri": "gitlab.example.com/my-group/my-project//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b",
        "iat": start,
        "nbf": start - 5,
        "exp": start + 3600,
        "iss": issuer.url,
        "aud": AUDIENCE,
        "sub": "project_path:my-group/my-project:ref_type:branch:ref:feature-branch-1"
    })
}

/// As the documentation of Kubernetes shows one.
fn kubernetes(issuer: &LocalIssuer) -> Value {
    let start = seconds(START);
    json!({
        "aud": [AUDIENCE],
        "exp": start + 3600,
        "iat": start,
        "iss": issuer.url,
        "jti": "aed34954-b33a-4142-b1ec-389d6bbb4936",
        "kubernetes.io": {
            "namespace": "my-namespace",
            "node": { "name": "my-node", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1" },
            "pod": { "name": "my-pod", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3" },
            "serviceaccount": { "name": "my-serviceaccount", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798" }
        },
        "nbf": start,
        "sub": "system:serviceaccount:my-namespace:my-serviceaccount"
    })
}

/// A world with ada, who owns agents, and an issuer.
async fn world(config: impl FnOnce(IssuerConfig) -> IssuerConfig) -> (World, LocalIssuer) {
    let issuer = LocalIssuer::start().await;
    let world = World::new().believing(vec![config(issuer.config(IssuerKind::Oidc))]);
    world.sign_in("ada", &[], START).await;
    (world, issuer)
}

async fn world_of(kind: IssuerKind) -> (World, LocalIssuer) {
    world(|config| IssuerConfig { kind, ..config }).await
}

/// Kind, name, person and standing of what comes after the owner.
fn links(principal: &Principal) -> Vec<(LinkKind, &str, Option<PersonId>, Standing)> {
    let links = principal.links.iter().skip(1);
    links.map(|link| (link.kind, link.name.as_str(), link.person, link.standing)).collect()
}

fn changed(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_github_workflow_is_the_agent_whose_repository_ref_and_environment_it_has() {
    let (world, issuer) = world_of(IssuerKind::GitHub).await;
    let rules = [("repository", "octo-org/octo-repo"), ("ref", "refs/heads/main"), ("environment", "prod")];
    let agent = world.workload("deployer", &rules).await.unwrap();
    let principal = world.who(&issuer.token(&github(&issuer)), START).await.unwrap();
    assert_eq!((principal.agent, principal.name.as_str()), (agent, "deployer"));
    assert_eq!(
        links(&principal),
        [
            (LinkKind::Pipeline, "octo-org/octo-repo", None, Standing::Verified),
            (LinkKind::Pipeline, "run 16588214 of example-workflow", None, Standing::Verified),
            (LinkKind::PipelineActor, "octocat", None, Standing::Verified),
        ]
    );
    for (claim, value) in [
        ("repository", json!("octo-org/octo-repo2")),
        ("repository", json!("Octo-org/octo-repo")),
        ("ref", json!("refs/heads/main ")),
        ("ref", json!("refs/pull/1/merge")),
        ("environment", json!("staging")),
        ("environment", json!(null)),
        ("environment", json!(["prod"])),
        ("environment", json!({ "prod": true })),
    ] {
        let token = issuer.token(&changed(github(&issuer), claim, value.clone()));
        assert_eq!(world.who(&token, START).await, None, "{claim} {value}");
    }
}

#[tokio::test]
async fn a_gitlab_pipeline_is_the_agent_whose_project_it_has() {
    let (world, issuer) = world_of(IssuerKind::GitLab).await;
    let agent = world.workload("tests", &[("project_id", "20"), ("runner_id", "1")]).await.unwrap();
    let principal = world.who(&issuer.token(&gitlab(&issuer)), START).await.unwrap();
    assert_eq!(principal.agent, agent);
    assert_eq!(
        links(&principal),
        [
            (LinkKind::Pipeline, "my-group/my-project", None, Standing::Verified),
            (LinkKind::Pipeline, "pipeline 574", None, Standing::Verified),
            (LinkKind::PipelineActor, "sample-user", None, Standing::Verified),
        ]
    );
}

#[tokio::test]
async fn a_pod_is_the_agent_whose_service_account_it_has() {
    let (world, issuer) = world_of(IssuerKind::Kubernetes).await;
    let rules = [
        ("kubernetes.io.namespace", "my-namespace"),
        ("kubernetes.io.serviceaccount.name", "my-serviceaccount"),
    ];
    let agent = world.workload("job", &rules).await.unwrap();
    let principal = world.who(&issuer.token(&kubernetes(&issuer)), START).await.unwrap();
    assert_eq!(principal.agent, agent);
    assert_eq!(
        links(&principal),
        [
            (LinkKind::Pipeline, "my-namespace/my-serviceaccount", None, Standing::Verified),
            (LinkKind::Client, "pod my-pod", None, Standing::Verified),
        ]
    );
    let mut other = kubernetes(&issuer);
    other["kubernetes.io"]["namespace"] = json!("other");
    assert_eq!(world.who(&issuer.token(&other), START).await, None);
    // A claim beside the real one makes it doubtful which was meant.
    let doubtful = changed(kubernetes(&issuer), "kubernetes.io.namespace", json!("my-namespace"));
    assert_eq!(world.who(&issuer.token(&doubtful), START).await, None);
}

#[tokio::test]
async fn a_spiffe_id_is_a_rule_on_the_subject() {
    let (world, issuer) = world_of(IssuerKind::Oidc).await;
    let agent = world.workload("batch", &[("sub", "spiffe://example.org/ns/prod/sa/batch")]).await.unwrap();
    let start = seconds(START);
    let svid = |id: &str| {
        let claims =
            json!({ "iss": issuer.url, "aud": [AUDIENCE], "sub": id, "iat": start, "exp": start + 300 });
        issuer.token(&claims)
    };
    assert_eq!(world.who(&svid("spiffe://example.org/ns/prod/sa/batch"), START).await.unwrap().agent, agent);
    assert_eq!(world.who(&svid("spiffe://example.org/ns/prod/sa/batch/x"), START).await, None);
}

#[tokio::test]
async fn a_token_of_two_agents_is_nobodys_until_one_is_revoked() {
    let (world, issuer) = world_of(IssuerKind::GitHub).await;
    let token = issuer.token(&github(&issuer));
    let first = world.workload("first", &[("repository", "octo-org/octo-repo"), ("ref", "refs/heads/main")]);
    let first = first.await.unwrap();
    assert_eq!(world.who(&token, START).await.unwrap().agent, first);
    // Remembered, and added by another process: the very next request counts.
    world.workload("second", &[("repository_id", "74")]).await.unwrap();
    assert_eq!(world.who(&token, START).await, None);
    world.second_process().revoke_agent("second", START).await.unwrap();
    assert_eq!(world.who(&token, START).await.unwrap().agent, first);
    world.second_process().revoke_agent("first", START).await.unwrap();
    assert_eq!(world.who(&token, START).await, None, "revoking ends it at once");
    let again = world.workload("first", &[("repository", "octo-org/octo-repo")]).await.unwrap();
    assert_eq!(world.who(&token, START).await.unwrap().agent, again);
}

#[tokio::test]
async fn removing_the_owner_ends_the_workload_and_so_does_its_own_end() {
    let (world, issuer) = world_of(IssuerKind::GitHub).await;
    world.workload("deployer", &[("repository", "octo-org/octo-repo")]).await.unwrap();
    let later = START.plus(24 * HOUR);
    let start = seconds(later);
    let mut fresh = github(&issuer);
    for (claim, at) in [("iat", start - 10), ("nbf", start - 10), ("exp", start + 300)] {
        fresh[claim] = json!(at);
    }
    let before = later.as_micros() - 1;
    assert!(world.who(&issuer.token(&fresh), Timestamp::from_micros(before)).await.is_some());
    assert_eq!(world.who(&issuer.token(&fresh), later).await, None, "it was added for a day");
    let token = issuer.token(&github(&issuer));
    assert!(world.who(&token, START).await.is_some());
    world.identity.remove_person("ada", START).await.unwrap();
    assert_eq!(world.who(&token, START).await, None);
}

fn code(added: Result<countersign_core::AgentId, IdentityError>) -> &'static str {
    added.map_or_else(|refused| refused.code(), |_| "added")
}

#[tokio::test]
async fn rules_that_hold_for_anybody_are_refused() {
    for (kind, rules, wanted) in [
        (IssuerKind::GitHub, [].as_slice(), "rules_too_wide"),
        (IssuerKind::GitHub, &[("ref", "refs/heads/main")], "rules_too_wide"),
        (IssuerKind::GitHub, &[("repository_owner", "acme"), ("environment", "prod")], "rules_too_wide"),
        (IssuerKind::GitHub, &[("repository_id", "74")], "added"),
        (IssuerKind::GitHub, &[("sub", "repo:acme/app:ref:refs/heads/main")], "added"),
        (IssuerKind::GitLab, &[("ref_protected", "true")], "rules_too_wide"),
        (IssuerKind::GitLab, &[("namespace_path", "my-group")], "rules_too_wide"),
        (IssuerKind::GitLab, &[("project_path", "my-group/my-project")], "added"),
        (IssuerKind::Kubernetes, &[("kubernetes.io.namespace", "prod")], "rules_too_wide"),
        (IssuerKind::Kubernetes, &[("kubernetes.io.serviceaccount.name", "default")], "rules_too_wide"),
        (IssuerKind::Kubernetes, &[("sub", "system:serviceaccount:prod:default")], "added"),
        (IssuerKind::Oidc, &[], "rules_too_wide"),
        (IssuerKind::Oidc, &[("aud", AUDIENCE), ("email_verified", "true")], "rules_too_wide"),
        (IssuerKind::Oidc, &[("client_id", "robot")], "added"),
        (IssuerKind::Oidc, &[("sub", "")], "rule_invalid"),
        (IssuerKind::Oidc, &[("", "robot")], "rule_invalid"),
        (IssuerKind::Oidc, &[("sub", "a"), ("sub", "b")], "rule_invalid"),
        (IssuerKind::Oidc, &[("sub", "a\nb")], "rule_invalid"),
        (IssuerKind::Oidc, &[("a.b.c.d.e.f.g.h.i.j", "x")], "rule_invalid"),
    ] {
        let (world, _issuer) = world_of(kind).await;
        assert_eq!(code(world.workload("agent", rules).await), wanted, "{kind:?} {rules:?}");
    }
    let (world, _issuer) = world_of(IssuerKind::Oidc).await;
    let issued = Some(Issued { issuer: "nobody".to_owned(), claims: vec![Rule::new("sub", "robot")] });
    for (known_by, wanted) in [
        (KnownBy { issued, ..KnownBy::default() }, "issuer_unknown"),
        (KnownBy::default(), "credential_missing"),
        (KnownBy { certificate: vec![Rule::new("issuer", "x")], ..KnownBy::default() }, "rule_invalid"),
    ] {
        let added = world.identity.add_known_agent(new_agent("agent", "ada"), &known_by, START).await;
        assert_eq!(added.unwrap_err().code(), wanted, "{known_by:?}");
    }
}

#[tokio::test]
async fn rules_that_are_among_those_of_another_agent_are_refused() {
    let (world, _issuer) = world_of(IssuerKind::Oidc).await;
    world.workload("first", &[("sub", "robot"), ("team", "data")]).await.unwrap();
    assert_eq!(code(world.workload("same", &[("team", "data"), ("sub", "robot")]).await), "rules_overlap");
    assert_eq!(code(world.workload("wider", &[("sub", "robot")]).await), "rules_overlap");
    let narrower = [("sub", "robot"), ("team", "data"), ("env", "prod")];
    assert_eq!(code(world.workload("narrower", &narrower).await), "rules_overlap");
    assert_eq!(code(world.workload("other", &[("sub", "robot"), ("team", "web")]).await), "added");
    world.identity.revoke_agent("first", START).await.unwrap();
    assert_eq!(code(world.workload("same", &[("team", "data"), ("sub", "robot")]).await), "added");
}

#[tokio::test]
async fn an_agent_can_have_a_token_and_rules_and_revoking_ends_both() {
    let (world, issuer) = world_of(IssuerKind::GitHub).await;
    let claims = vec![Rule::new("repository", "octo-org/octo-repo")];
    let issued = Some(Issued { issuer: "local".to_owned(), claims });
    let known_by = KnownBy { token: true, issued, ..KnownBy::default() };
    let new: NewAgent = new_agent("both", "ada");
    let (view, token) = world.identity.add_known_agent(new, &known_by, START).await.unwrap();
    let shown = [token.unwrap().to_string(), issuer.token(&github(&issuer))];
    for token in &shown {
        assert_eq!(world.who(token, START).await.unwrap().agent, view.id);
    }
    let listed = world.identity.agents().unwrap();
    assert!(listed[0].has_token);
    assert_eq!(listed[0].rules[0].issuer.as_deref(), Some(issuer.url.as_str()));
    world.identity.revoke_agent("both", START).await.unwrap();
    for token in &shown {
        assert_eq!(world.who(token, START).await, None);
    }
}

#[tokio::test]
async fn everything_that_is_shown_must_name_the_same_agent() {
    let (world, _issuer) = world_of(IssuerKind::Oidc).await;
    let one = world.agent("one", "ada", START).await;
    let who = async |shown: Shown<'_>| {
        world.identity.principal_shown(shown, &Claims::default(), START).await.unwrap()
    };
    assert!(who(Shown { bearer: Some(&one), certificate: None }).await.is_some());
    assert_eq!(who(Shown::default()).await, None, "nothing is nobody");
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["one.example".to_owned()]).unwrap();
    let der = certificate.self_signed(&key).unwrap().der().to_vec();
    let both = Shown { bearer: Some(&one), certificate: Some(&der) };
    assert_eq!(who(both).await, None, "the certificate names nobody");
    let add = async |name: &str, dns: &str| {
        let known_by = KnownBy { certificate: vec![Rule::new("DNS", dns)], ..KnownBy::default() };
        world.identity.add_known_agent(new_agent(name, "ada"), &known_by, START).await.unwrap()
    };
    add("two", "one.example").await;
    let by_certificate = who(Shown { bearer: None, certificate: Some(&der) }).await.unwrap();
    assert_eq!(by_certificate.name, "two");
    assert_eq!(who(both).await, None, "token and certificate name two agents");
    assert_eq!(who(Shown { bearer: Some("csa_x"), certificate: Some(&der) }).await, None);
    assert_eq!(who(Shown { bearer: None, certificate: Some(&der[1..]) }).await, None);
}

mod people {
    use super::*;

    /// A token for ada's agent, on behalf of somebody.
    fn delegated(issuer: &LocalIssuer, more: &Value) -> String {
        let start = seconds(START);
        let mut claims = json!({
            "iss": issuer.url, "aud": AUDIENCE, "sub": "u-77", "client_id": "desk", "iat": start, "exp": start + 60
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        issuer.token(&claims)
    }

    async fn desk(people: bool, claim: Option<&str>) -> (World, LocalIssuer, PersonId) {
        let person_claim = claim.map(str::to_owned);
        let (world, issuer) = world(|config| IssuerConfig { people, person_claim, ..config }).await;
        let eve = world.sign_in("Eve", &[], START).await.signed_in.reviewer.person();
        world.workload("desk", &[("client_id", "desk")]).await.unwrap();
        (world, issuer, eve)
    }

    #[tokio::test]
    async fn the_subject_of_a_delegated_token_stands_in_the_chain_and_is_verified_by_the_named_claim() {
        let (world, issuer, eve) = desk(true, Some("preferred_username")).await;
        let token = delegated(&issuer, &json!({ "preferred_username": "EVE", "act": { "sub": "desk" } }));
        let principal = world.who(&token, START).await.unwrap();
        assert_eq!(links(&principal), [(LinkKind::OnBehalfOf, "EVE", Some(eve), Standing::Verified)]);
        assert!(principal.verified_requesters().contains(&eve));
        // A name that nobody has here is shown, and bars nobody.
        let token = delegated(&issuer, &json!({ "preferred_username": "mallory", "act": { "sub": "desk" } }));
        let principal = world.who(&token, START).await.unwrap();
        assert_eq!(links(&principal), [(LinkKind::OnBehalfOf, "mallory", None, Standing::Verified)]);
    }

    #[tokio::test]
    async fn without_a_named_claim_the_subject_is_only_claimed() {
        let (world, issuer, eve) = desk(true, None).await;
        let principal = world.who(&delegated(&issuer, &json!({ "sub": "eve" })), START).await.unwrap();
        assert_eq!(links(&principal), [(LinkKind::OnBehalfOf, "eve", Some(eve), Standing::Claimed)]);
        assert!(!principal.verified_requesters().contains(&eve));
        assert!(principal.requesters().contains(&eve), "a claim takes rights away all the same");
    }

    #[tokio::test]
    async fn everybody_who_acted_before_stands_in_the_chain() {
        let (world, issuer, eve) = desk(true, Some("preferred_username")).await;
        let bob = world.sign_in("Bob", &[], START).await.signed_in.reviewer.person();
        let act = json!({ "sub": "desk", "act": { "sub": "s-1", "preferred_username": "bob", "act": { "sub": "ada" } } });
        let token = delegated(&issuer, &json!({ "preferred_username": "eve", "act": act }));
        let principal = world.who(&token, START).await.unwrap();
        let ada = principal.links[0].person;
        assert_eq!(
            links(&principal),
            [
                (LinkKind::OnBehalfOf, "eve", Some(eve), Standing::Verified),
                (LinkKind::OnBehalfOf, "bob", Some(bob), Standing::Verified),
                (LinkKind::OnBehalfOf, "ada", ada, Standing::Claimed),
            ]
        );
    }

    #[tokio::test]
    async fn a_delegated_token_that_hides_its_person_is_refused() {
        let (world, issuer, _) = desk(true, Some("preferred_username")).await;
        let alone = delegated(&issuer, &json!({}));
        assert!(world.who(&alone, START).await.is_some(), "a program's own token names nobody");
        let hidden = delegated(&issuer, &json!({ "act": { "sub": "desk" } }));
        assert_eq!(world.who(&hidden, START).await, None);
        for odd in [json!("desk"), json!([]), json!({ "sub": "desk", "act": 1 })] {
            let token = delegated(&issuer, &json!({ "preferred_username": "eve", "act": odd }));
            assert_eq!(world.who(&token, START).await, None, "{odd}");
        }
        let deep = (0..9).fold(json!({ "sub": "x" }), |inner, _| json!({ "sub": "x", "act": inner }));
        let token = delegated(&issuer, &json!({ "preferred_username": "eve", "act": deep }));
        assert_eq!(world.who(&token, START).await, None);
        let (world, issuer, _) = desk(false, None).await;
        let token = delegated(&issuer, &json!({ "act": { "sub": "desk" } }));
        assert_eq!(world.who(&token, START).await, None, "the issuer does not speak for people");
        assert!(world.who(&delegated(&issuer, &json!({})), START).await.is_some());
    }

    #[tokio::test]
    async fn who_started_the_pipeline_stands_in_the_chain() {
        let config = |config| IssuerConfig {
            kind: IssuerKind::GitHub,
            person_claim: Some("actor".to_owned()),
            ..config
        };
        let (world, issuer) = world(config).await;
        world.workload("deployer", &[("repository_id", "74")]).await.unwrap();
        let token = issuer.token(&github(&issuer));
        let principal = world.who(&token, START).await.unwrap();
        assert_eq!(links(&principal)[2], (LinkKind::PipelineActor, "octocat", None, Standing::Verified));
        // From the moment on in which the account's owner is known here.
        let octocat = world.sign_in("Octocat", &[], START).await.signed_in.reviewer.person();
        let principal = world.who(&token, START).await.unwrap();
        let wanted = (LinkKind::PipelineActor, "octocat", Some(octocat), Standing::Verified);
        assert_eq!(links(&principal)[2], wanted);
        assert!(principal.verified_requesters().contains(&octocat));
        let nobody = issuer.token(&changed(github(&issuer), "actor", json!(null)));
        assert_eq!(world.who(&nobody, START).await, None);
    }

    #[tokio::test]
    async fn what_the_caller_claims_beside_its_token_adds_to_the_chain_and_replaces_nothing() {
        let (world, issuer, eve) = desk(true, Some("preferred_username")).await;
        let token = delegated(&issuer, &json!({ "preferred_username": "eve" }));
        let who = async |name: &str| {
            let claims = Claims { on_behalf_of: Some(name.to_owned()), ..Claims::default() };
            world.identity.principal(&token, &claims, START).await.unwrap().unwrap()
        };
        let verified = (LinkKind::OnBehalfOf, "eve", Some(eve), Standing::Verified);
        assert_eq!(links(&who("Eve").await), [verified], "the same person once");
        let other = who("mallory").await;
        assert_eq!(links(&other), [verified, (LinkKind::OnBehalfOf, "mallory", None, Standing::Claimed)]);
    }
}

/// The bound of the design: a token that comes again costs less than 20 µs.
#[tokio::test]
#[ignore = "a measurement: cargo test --release -p countersign-identity -- --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
async fn what_a_known_token_costs() {
    let (world, issuer) = world_of(IssuerKind::GitHub).await;
    for number in 0..1_000 {
        let repository = format!("octo-org/repo-{number}");
        world.workload(&format!("agent-{number}"), &[("repository", &repository)]).await.unwrap();
    }
    let token = issuer.token(&changed(github(&issuer), "repository", json!("octo-org/repo-500")));
    let own = world.agent("own", "ada", START).await;
    for (name, token) in [("a workload's", &token), ("our own", &own)] {
        let mut times = Vec::new();
        for _ in 0..20_000 {
            let begin = std::time::Instant::now();
            assert!(world.who(token, START).await.is_some());
            times.push(begin.elapsed());
        }
        let first = times[0];
        times.sort_unstable();
        let (p50, p99) = (times[10_000], times[19_800]);
        println!("{name} token: first {first:?}, p50 {p50:?}, p99 {p99:?}");
        assert!(cfg!(debug_assertions) || p50 < Duration::from_micros(20));
    }
}
