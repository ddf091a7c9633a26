//! Which agent is calling? A credential, and the chain of people and programs behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_core::{AgentId, Digest, Link, LinkKind, Principal, Standing, Timestamp};
use countersign_store::{AgentAddition, AgentToAdd, NamedPerson, RuleSet, StoredAgent};
use subtle::ConstantTimeEq as _;

use crate::certificate::Certificate;
use crate::token::TokenKind;
use crate::workload::{self, KnownBy};
use crate::{AgentToken, Identity, IdentityError, name};

/// What the caller says about itself, beside its token. Never trusted; longer names are cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The client program.
    pub client: Option<String>,
    /// The language model.
    pub model: Option<String>,
    /// For whom it acts now.
    pub on_behalf_of: Option<String>,
}

impl Claims {
    /// Claimed names are cut to this.
    pub const NAME_MAX_CHARS: usize = 200;
}

/// An agent to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgent {
    /// The name; no other unrevoked agent may have it.
    pub name: String,
    /// The name of the person who answers for it.
    pub owner: String,
    /// The name of the person for whom it acts, when that is fixed.
    pub on_behalf_of: Option<String>,
    /// Its teams; policies say `principal in Team::"data"`.
    pub teams: BTreeSet<String>,
    /// How long it is let in.
    pub lifetime: Duration,
}

/// What a caller shows to prove which agent it is. Everything that is shown must name the same one.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// A token: the gateway's own, or one of an issuer.
    pub bearer: Option<&'a str>,
    /// A client certificate in DER, for which the TLS handshake has seen to it that an authority vouches and that the
    /// caller has its key.
    pub certificate: Option<&'a [u8]>,
}

/// The token is not shown.
impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// An agent, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// Which.
    pub id: AgentId,
    /// The name.
    pub name: String,
    /// The name of the person who answers for it.
    pub owner: String,
    /// The name of the person for whom it acts.
    pub on_behalf_of: Option<String>,
    /// Its teams.
    pub teams: BTreeSet<String>,
    /// Whether it has a token of the gateway's own.
    pub has_token: bool,
    /// By which other credentials it is known.
    pub rules: Vec<RuleSet>,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl AgentView {
    /// Whether it is let in now.
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

impl From<StoredAgent> for AgentView {
    fn from(agent: StoredAgent) -> Self {
        Self {
            id: agent.id,
            name: agent.name,
            owner: agent.owner.name,
            on_behalf_of: agent.on_behalf_of.map(|person| person.name),
            teams: agent.teams,
            has_token: agent.token_hash.is_some(),
            rules: agent.rules,
            added_at: agent.added_at,
            expires_at: agent.expires_at,
            revoked_at: agent.revoked_at,
        }
    }
}

impl Identity {
    /// Adds an agent with a token of the gateway's own. The token is given only here.
    ///
    /// # Errors
    /// When a name can't be used or is taken, a person is unknown, or the store can't be written.
    pub async fn add_agent(
        &self,
        new: NewAgent,
        now: Timestamp,
    ) -> Result<(AgentView, AgentToken), IdentityError> {
        let (view, token) = self.add_known_agent(new, &KnownBy::token(), now).await?;
        Ok((view, token.ok_or(workload::RuleRefusal::Nothing)?))
    }

    /// Adds an agent that is known by this. A token is given only here.
    ///
    /// # Errors
    /// As [`Identity::add_agent`]; also when the rules can't be used, would let in anybody, or name another agent too.
    pub async fn add_known_agent(
        &self,
        new: NewAgent,
        known_by: &KnownBy,
        now: Timestamp,
    ) -> Result<(AgentView, Option<AgentToken>), IdentityError> {
        if new.lifetime.is_zero() {
            return Err(IdentityError::Lifetime);
        }
        let agent_name = name::checked("agent", &new.name)?;
        let (token, token_hash) =
            known_by.token.then(|| TokenKind::Agent.mint(self.entropy.as_ref())).unzip();
        let to_add = AgentToAdd {
            id: AgentId::mint(now, self.entropy.as_ref()),
            name: agent_name.clone(),
            owner_key: name::key(&new.owner),
            on_behalf_of_key: new.on_behalf_of.as_deref().map(name::key),
            teams: name::checked_set("team", &new.teams)?,
            token_hash,
            rules: self.rule_sets(known_by, now)?,
            expires_at: now.plus(new.lifetime),
        };
        match self.store.add_agent(to_add, now).await? {
            AgentAddition::Added(agent) => Ok(((*agent).into(), token.map(AgentToken))),
            AgentAddition::NameTaken => Err(IdentityError::AgentNameTaken(agent_name)),
            AgentAddition::OwnerUnknown => Err(IdentityError::PersonUnknown(new.owner)),
            AgentAddition::OnBehalfOfUnknown => {
                Err(IdentityError::PersonUnknown(new.on_behalf_of.unwrap_or_default()))
            }
        }
    }

    /// Revokes an agent, by whatever it is known; its next request is refused.
    ///
    /// # Errors
    /// When no unrevoked agent has this name, or the store can't be written.
    pub async fn revoke_agent(&self, name: &str, now: Timestamp) -> Result<AgentView, IdentityError> {
        let revoked = self.store.revoke_agent(name.trim().to_owned(), now).await?;
        revoked.map(AgentView::from).ok_or_else(|| IdentityError::AgentUnknown(name.to_owned()))
    }

    /// Every agent that ever was, oldest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn agents(&self) -> Result<Vec<AgentView>, IdentityError> {
        Ok(self.store.agents()?.into_iter().map(AgentView::from).collect())
    }

    /// The agent with this bearer token and the chain behind it. `None` when the token is not one, is unknown, has
    /// ended or was revoked; the caller is not told which. Waits where an issuer's keys have to be fetched first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn principal(
        &self,
        bearer: &str,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Option<Principal>, IdentityError> {
        self.principal_shown(Shown { bearer: Some(bearer), certificate: None }, claims, now).await
    }

    /// The agent that everything which was shown names, and the chain behind it. `None` when nothing was shown, when
    /// anything of it is not good, or when it names two agents; the caller is not told which.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn principal_shown(
        &self,
        shown: Shown<'_>,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Option<Principal>, IdentityError> {
        let mut known = Vec::new();
        if let Some(bearer) = shown.bearer {
            known.push(self.by_bearer(bearer, now).await?);
        }
        if let Some(der) = shown.certificate {
            known.push(self.by_certificate(der, now)?);
        }
        let Some(known) = known.into_iter().collect::<Option<Vec<Known>>>() else { return Ok(None) };
        let mut known = known.into_iter();
        let Some(mut first) = known.next() else { return Ok(None) };
        for other in known {
            if other.agent.id != first.agent.id {
                return Ok(None);
            }
            first.links.extend(other.links);
        }
        let links = self.chain(&first, claims)?;
        let agent = first.agent;
        Ok(Some(Principal { agent: agent.id, name: agent.name, teams: agent.teams, links }))
    }

    async fn by_bearer(&self, bearer: &str, now: Timestamp) -> Result<Option<Known>, IdentityError> {
        if let Some(hash) = TokenKind::Agent.hash(bearer) {
            let agent = self.store.agent_by_token(&hash)?;
            // The index compares byte by byte, but of hashes that the caller can't choose; this one takes the same
            // time for every hash.
            let same = |stored: Digest| bool::from(stored.as_bytes().ct_eq(hash.as_bytes()));
            let agent = agent.filter(|agent| agent.token_hash.is_some_and(same) && agent.works(now));
            return Ok(agent.map(|agent| Known { agent, links: Vec::new() }));
        }
        let token = match self.issuers.verified(bearer, now).await {
            Ok(token) => token,
            Err(refusal) => {
                tracing::debug!(code = refusal.code(), "a bearer is not let in: {refusal}");
                return Ok(None);
            }
        };
        let Ok(agent) = self.named_by(&token, now)? else { return Ok(None) };
        let person = |key: &str| Ok(self.store.person_by_name(key)?.map(|person| person.id));
        let links = workload::links(token.issuer(), &token.claims, &person)?;
        let links = links.inspect_err(|refusal| {
            let (issuer, agent) = (&token.issuer().name, &agent.name);
            tracing::warn!(issuer, agent, code = refusal.code(), "a token is refused: {refusal}");
        });
        Ok(links.ok().map(|links| Known { agent, links }))
    }

    fn by_certificate(&self, der: &[u8], now: Timestamp) -> Result<Option<Known>, IdentityError> {
        let Some(certificate) = Certificate::read(der) else { return Ok(None) };
        let agent = match self.certified(&certificate, now)? {
            Ok(agent) => agent,
            Err(refusal) => {
                let shown = certificate.name();
                tracing::warn!(certificate = shown, code = refusal.code(), "a certificate names no agent");
                return Ok(None);
            }
        };
        let link = Link {
            kind: LinkKind::Client,
            name: cut(&format!("certificate {}", certificate.name())),
            person: None,
            standing: Standing::Verified,
        };
        Ok(Some(Known { agent, links: vec![link] }))
    }

    /// What is registered or comes from the credential is verified; what the caller adds is claimed, and a claimed name
    /// of a person who is known counts as that person, so that a claim can take rights away.
    fn chain(&self, known: &Known, claims: &Claims) -> Result<Vec<Link>, IdentityError> {
        let agent = &known.agent;
        let verified = |kind, person: &NamedPerson| Link {
            kind,
            name: person.name.clone(),
            person: Some(person.id),
            standing: Standing::Verified,
        };
        let mut links = vec![verified(LinkKind::Owner, &agent.owner)];
        links.extend(agent.on_behalf_of.as_ref().map(|person| verified(LinkKind::OnBehalfOf, person)));
        links.extend(known.links.iter().cloned());
        if let Some(name) = claimed(claims.on_behalf_of.as_deref()) {
            let person = self.store.person_by_name(&name::key(&name))?.map(|person| person.id);
            let same = |link: &Link| link.kind == LinkKind::OnBehalfOf && link.person == person;
            if person.is_none() || !links.iter().any(same) {
                let standing = Standing::Claimed;
                links.push(Link { kind: LinkKind::OnBehalfOf, name, person, standing });
            }
        }
        for (kind, claim) in [(LinkKind::Client, &claims.client), (LinkKind::Model, &claims.model)] {
            if let Some(name) = claimed(claim.as_deref()) {
                links.push(Link { kind, name, person: None, standing: Standing::Claimed });
            }
        }
        Ok(links)
    }
}

/// An agent that a credential names, and what the credential says about who stands behind it.
struct Known {
    agent: StoredAgent,
    links: Vec<Link>,
}

fn claimed(name: Option<&str>) -> Option<String> {
    let name = cut(name?.trim());
    (!name.is_empty()).then_some(name)
}

/// A name as it stands in a link.
pub(crate) fn cut(name: &str) -> String {
    name.chars().take(Claims::NAME_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests;
