//! Who stands behind a token? Its claims say which pipeline it was issued to, who started that, and for whom its bearer
//! acts. What the issuer says is verified; what can't be tied to a name that the configuration trusts is claimed.

use countersign_core::{Link, LinkKind, PersonId, Standing};
use serde_json::Value;

use super::rules::text;
use crate::agents::cut;
use crate::issuers::{ClaimSet, IssuerConfig, IssuerKind, TokenRefusal};
use crate::{IdentityError, name};

/// Longer chains of delegation are refused.
const ACTORS_MAX: usize = 8;

type Lookup<'l> = &'l dyn Fn(&str) -> Result<Option<PersonId>, IdentityError>;

/// The links that these claims tell. `person` looks a name up among the people who are known here.
pub(crate) fn links(
    issuer: &IssuerConfig,
    claims: &ClaimSet,
    person: Lookup<'_>,
) -> Result<Result<Vec<Link>, TokenRefusal>, IdentityError> {
    let links = match issuer.kind {
        IssuerKind::GitHub | IssuerKind::GitLab => pipeline(issuer, claims, person)?,
        IssuerKind::Kubernetes => Ok(cluster(claims)),
        IssuerKind::Oidc => Ok(Vec::new()),
    };
    let Ok(mut links) = links else { return Ok(links) };
    match behalf(issuer, claims, person)? {
        Ok(more) => links.extend(more),
        Err(refusal) => return Ok(Err(refusal)),
    }
    Ok(Ok(links))
}

fn verified(kind: LinkKind, name: &str) -> Link {
    Link { kind, name: cut(name), person: None, standing: Standing::Verified }
}

/// The repository, the run without its attempt (a repeated run is still the same), and who started it.
fn pipeline(
    issuer: &IssuerConfig,
    claims: &ClaimSet,
    person: Lookup<'_>,
) -> Result<Result<Vec<Link>, TokenRefusal>, IdentityError> {
    let say = |path: &str| text(claims, path);
    let (project, run, actor) = if issuer.kind == IssuerKind::GitHub {
        let run = say("run_id").map(|run| match say("workflow") {
            Some(workflow) => format!("run {run} of {workflow}"),
            None => format!("run {run}"),
        });
        (say("repository"), run, say("actor"))
    } else {
        (say("project_path"), say("pipeline_id").map(|id| format!("pipeline {id}")), say("user_login"))
    };
    let mut links: Vec<Link> =
        [project, run].iter().flatten().map(|name| verified(LinkKind::Pipeline, name)).collect();
    let mut actor = actor.map(|actor| verified(LinkKind::PipelineActor, &actor));
    if let Some(claim) = &issuer.person_claim {
        // Without it nobody would know whom to keep from voting.
        let Some(named) = say(claim) else { return Ok(Err(TokenRefusal::PersonMissing)) };
        let known = person(&name::key(&named))?;
        actor.get_or_insert_with(|| verified(LinkKind::PipelineActor, &named)).person = known;
    }
    links.extend(actor);
    Ok(Ok(links))
}

/// Namespace and service account; the pod is the program that calls.
fn cluster(claims: &ClaimSet) -> Vec<Link> {
    let say = |path: &str| text(claims, path);
    let account = say("kubernetes.io.namespace").zip(say("kubernetes.io.serviceaccount.name"));
    let account = account.map(|(namespace, account)| format!("{namespace}/{account}"));
    let pod = say("kubernetes.io.pod.name").map(|pod| format!("pod {pod}"));
    let links = [(LinkKind::Pipeline, account), (LinkKind::Client, pod)];
    links.into_iter().filter_map(|(kind, name)| Some(verified(kind, &name?))).collect()
}

/// For whom the bearer acts (RFC 8693): the subject, and whoever acted before the bearer.
fn behalf(
    issuer: &IssuerConfig,
    claims: &ClaimSet,
    person: Lookup<'_>,
) -> Result<Result<Vec<Link>, TokenRefusal>, IdentityError> {
    let actors = match actors(claims) {
        Ok(actors) => actors,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !issuer.people {
        // The person would be left out of the chain, and could vote.
        return Ok(if actors.is_empty() { Ok(Vec::new()) } else { Err(TokenRefusal::Delegated) });
    }
    let named = |claims: &ClaimSet| issuer.person_claim.as_ref().and_then(|claim| text(claims, claim));
    let mut found = Vec::new();
    match (named(claims), text(claims, "sub")) {
        (Some(name), _) => found.push((name, Standing::Verified)),
        (None, _) if issuer.person_claim.is_some() && !actors.is_empty() => {
            return Ok(Err(TokenRefusal::PersonMissing));
        }
        // A token that a program got for itself names no person.
        (None, _) if issuer.person_claim.is_some() => {}
        (None, Some(subject)) => found.push((subject, Standing::Claimed)),
        (None, None) => {}
    }
    for (place, actor) in actors.iter().enumerate() {
        match (named(actor), text(actor, "sub")) {
            (Some(name), _) => found.push((name, Standing::Verified)),
            // The first is the bearer, which the agent's rules look at.
            (None, Some(subject)) if place > 0 => found.push((subject, Standing::Claimed)),
            (None, _) => {}
        }
    }
    let mut links = Vec::new();
    for (named, standing) in found {
        let known = person(&name::key(&named))?;
        links.push(Link { kind: LinkKind::OnBehalfOf, name: cut(&named), person: known, standing });
    }
    Ok(Ok(links))
}

/// Who acts, and before them who acted: `act`, and `act` within it.
fn actors(claims: &ClaimSet) -> Result<Vec<&ClaimSet>, TokenRefusal> {
    let mut actors = Vec::new();
    let mut next = claims.get("act");
    while let Some(actor) = next {
        let Value::Object(actor) = actor else { return Err(TokenRefusal::Malformed) };
        if actors.len() == ACTORS_MAX {
            return Err(TokenRefusal::Malformed);
        }
        actors.push(actor);
        next = actor.get("act");
    }
    Ok(actors)
}
