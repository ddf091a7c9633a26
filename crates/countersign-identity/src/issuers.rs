//! Whose tokens are believed beside our own? Issuers of the configuration, each with its keys, its audience and what
//! its claims mean.
//!
//! A token is read strictly, its signature checked with a key of exactly the issuer that it names, then its claims. One
//! that names an agent is remembered by its SHA-256 until it ends, as long as the issuer's keys stay the same.

mod claims;
mod fetch;
mod keys;
mod ring;
mod seen;
mod strict;
mod token;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_core::{AgentId, Digest, Timestamp};
use serde_json::{Map, Value};

pub use fetch::{UrlProblem, fetchable};
pub use token::TokenRefusal;

use fetch::{Fetch, Source};
use ring::Ring;
use seen::Seen;

/// The claims of a token.
pub(crate) type ClaimSet = Map<String, Value>;

/// What an issuer's claims mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerKind {
    /// GitHub Actions: repositories, workflows, runs.
    GitHub,
    /// GitLab CI/CD: projects and pipelines.
    GitLab,
    /// Kubernetes: service accounts and pods.
    Kubernetes,
    /// Any other issuer of JWTs.
    Oidc,
}

impl IssuerKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::GitHub, Self::GitLab, Self::Kubernetes, Self::Oidc];

    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Kubernetes => "kubernetes",
            Self::Oidc => "oidc",
        }
    }

    /// What an issuer is unless the configuration says otherwise.
    pub fn of(issuer: &str) -> Self {
        match issuer {
            "https://token.actions.githubusercontent.com" => Self::GitHub,
            "https://gitlab.com" => Self::GitLab,
            _ => Self::Oidc,
        }
    }
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// Where the issuer's `/.well-known/openid-configuration` says.
    Discovery,
    /// A JWK set at this URL.
    Url(String),
    /// A JWK set in this file.
    File(PathBuf),
}

/// One issuer of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerConfig {
    /// What `countersign agents add --issuer` calls it.
    pub name: String,
    /// Its URL, exactly as in the claim `iss`.
    pub issuer: String,
    /// Must be in the claim `aud`: the gateway's own name there.
    pub audience: String,
    /// Where its keys are.
    pub keys: KeySource,
    /// What its claims mean.
    pub kind: IssuerKind,
    /// Whether a token's subject is a person for whom its bearer acts.
    pub people: bool,
    /// The claim that holds the name of a person who is known here.
    pub person_claim: Option<String>,
    /// Tokens that live longer are refused.
    pub max_lifetime: Duration,
}

/// One issuer with its keys.
pub(crate) struct Issuer {
    pub(crate) config: IssuerConfig,
    ring: Ring,
}

/// A token whose signature and claims hold.
pub(crate) struct Verified {
    issuer: Arc<Issuer>,
    pub(crate) claims: ClaimSet,
    hash: Digest,
    ends_at: Timestamp,
    /// With which state of the issuer's keys it was verified.
    generation: u64,
    /// Which agent it names, and how many sets of rules there were then.
    named: Mutex<Option<(AgentId, i64)>>,
}

impl Verified {
    pub(crate) fn issuer(&self) -> &IssuerConfig {
        &self.issuer.config
    }

    pub(crate) fn named(&self) -> Option<(AgentId, i64)> {
        *self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every issuer of the configuration.
#[derive(Default)]
pub(crate) struct Issuers {
    all: Vec<Arc<Issuer>>,
    seen: Seen<Verified>,
}

impl Issuers {
    pub(crate) fn new(configs: Vec<IssuerConfig>) -> Self {
        let fetch = Arc::new(Fetch::default());
        let issuer = |config: IssuerConfig| {
            let source = match &config.keys {
                KeySource::Discovery => Source::Discovery(config.issuer.clone()),
                KeySource::Url(url) => Source::Url(url.clone()),
                KeySource::File(path) => Source::File(path.clone()),
            };
            Arc::new(Issuer { ring: Ring::new(&config.name, source, Arc::clone(&fetch)), config })
        };
        Self { all: configs.into_iter().map(issuer).collect(), seen: Seen::default() }
    }

    /// The issuer with this name.
    pub(crate) fn named(&self, name: &str) -> Option<&IssuerConfig> {
        self.all.iter().map(|issuer| &issuer.config).find(|config| config.name == name)
    }

    /// The name of the issuer with this URL.
    pub(crate) fn name_of(&self, url: &str) -> Option<&str> {
        let found = self.all.iter().find(|issuer| issuer.config.issuer == url);
        found.map(|issuer| issuer.config.name.as_str())
    }

    /// A token of one of the issuers, checked. Waits for the issuer's keys where they have to be fetched.
    pub(crate) async fn verified(&self, bearer: &str, now: Timestamp) -> Result<Arc<Verified>, TokenRefusal> {
        if self.all.is_empty() {
            return Err(TokenRefusal::NotAToken);
        }
        let hash = Digest::of(token::bounded(bearer)?.as_bytes());
        if let Some(seen) = self.seen.get(&hash)
            && now < seen.ends_at
            && seen.issuer.ring.generation(now) == Some(seen.generation)
        {
            return Ok(seen);
        }
        self.verify(bearer, hash, now).await.map(Arc::new)
    }

    /// Remembers which agent a token names. Others are forgotten: with some issuers everybody can get a token that is
    /// for us.
    pub(crate) fn remember(&self, token: &Arc<Verified>, agent: AgentId, rules: i64) {
        *token.named.lock().unwrap_or_else(PoisonError::into_inner) = Some((agent, rules));
        self.seen.put(token.hash, Arc::clone(token));
    }

    async fn verify(&self, bearer: &str, hash: Digest, now: Timestamp) -> Result<Verified, TokenRefusal> {
        let token = token::read(bearer)?;
        // Not believed yet: it only says whose keys the signature is checked with.
        let said = token.claims.get("iss").and_then(Value::as_str).ok_or(TokenRefusal::Issuer)?;
        let issuer = self.all.iter().find(|issuer| issuer.config.issuer == said);
        let issuer = issuer.ok_or(TokenRefusal::Issuer)?;
        let keys = issuer.ring.keys_for(token.key_id.as_deref(), now).await;
        let (keys, generation) = keys.ok_or(TokenRefusal::KeysUnavailable)?;
        keys.verify(&token)?;
        let ends_at = claims::check(&token.claims, &issuer.config, now).inspect_err(|refusal| {
            // Only who holds the issuer's key comes this far, so nobody can fill the log.
            tracing::warn!(
                issuer = issuer.config.name,
                code = refusal.code(),
                "a token is refused: {refusal}"
            );
        })?;
        Ok(Verified {
            issuer: Arc::clone(issuer),
            claims: token.claims,
            hash,
            ends_at,
            generation,
            named: Mutex::default(),
        })
    }
}

#[cfg(test)]
mod tests;
