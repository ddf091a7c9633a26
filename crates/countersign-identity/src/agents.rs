//! Which agent is calling? A bearer token, and the chain of people and programs behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_core::{AgentId, Link, LinkKind, Principal, Standing, Timestamp};
use countersign_store::{AgentAddition, AgentToAdd, NamedPerson, StoredAgent};
use subtle::ConstantTimeEq as _;

use crate::token::TokenKind;
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
    /// How long its token works.
    pub lifetime: Duration,
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
    /// When it was added.
    pub added_at: Timestamp,
    /// When its token ends.
    pub expires_at: Timestamp,
    /// When its token was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl AgentView {
    /// Whether its token works now.
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
            added_at: agent.added_at,
            expires_at: agent.expires_at,
            revoked_at: agent.revoked_at,
        }
    }
}

impl Identity {
    /// Adds an agent. The token is given only here.
    ///
    /// # Errors
    /// When a name can't be used or is taken, a person is unknown, or the store can't be written.
    pub async fn add_agent(
        &self,
        new: NewAgent,
        now: Timestamp,
    ) -> Result<(AgentView, AgentToken), IdentityError> {
        if new.lifetime.is_zero() {
            return Err(IdentityError::Lifetime);
        }
        let agent_name = name::checked("agent", &new.name)?;
        let (token, token_hash) = TokenKind::Agent.mint(self.entropy.as_ref());
        let to_add = AgentToAdd {
            id: AgentId::mint(now, self.entropy.as_ref()),
            name: agent_name.clone(),
            owner_key: name::key(&new.owner),
            on_behalf_of_key: new.on_behalf_of.as_deref().map(name::key),
            teams: name::checked_set("team", &new.teams)?,
            token_hash,
            expires_at: now.plus(new.lifetime),
        };
        match self.store.add_agent(to_add, now).await? {
            AgentAddition::Added(agent) => Ok(((*agent).into(), AgentToken(token))),
            AgentAddition::NameTaken => Err(IdentityError::AgentNameTaken(agent_name)),
            AgentAddition::OwnerUnknown => Err(IdentityError::PersonUnknown(new.owner)),
            AgentAddition::OnBehalfOfUnknown => {
                Err(IdentityError::PersonUnknown(new.on_behalf_of.unwrap_or_default()))
            }
        }
    }

    /// Revokes an agent's token; its next request is refused.
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
    /// ended or was revoked; the caller is not told which.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn principal(
        &self,
        bearer: &str,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Option<Principal>, IdentityError> {
        let Some(hash) = TokenKind::Agent.hash(bearer) else { return Ok(None) };
        let Some(agent) = self.store.agent_by_token(&hash)? else { return Ok(None) };
        // The index compares byte by byte, but of hashes that the caller can't choose; this one takes the same time
        // for every hash.
        let same = bool::from(agent.token_hash.as_bytes().ct_eq(hash.as_bytes()));
        if !same || agent.revoked_at.is_some() || agent.expires_at <= now {
            return Ok(None);
        }
        let links = self.chain(&agent, claims)?;
        Ok(Some(Principal { agent: agent.id, name: agent.name, teams: agent.teams, links }))
    }

    /// What is registered is verified; what the caller adds is claimed, and a claimed name of a person who is known
    /// counts as that person, so that a claim can take rights away.
    fn chain(&self, agent: &StoredAgent, claims: &Claims) -> Result<Vec<Link>, IdentityError> {
        let verified = |kind, person: &NamedPerson| Link {
            kind,
            name: person.name.clone(),
            person: Some(person.id),
            standing: Standing::Verified,
        };
        let mut links = vec![verified(LinkKind::Owner, &agent.owner)];
        links.extend(agent.on_behalf_of.as_ref().map(|person| verified(LinkKind::OnBehalfOf, person)));
        if let Some(name) = claimed(claims.on_behalf_of.as_deref()) {
            let person = self.store.person_by_name(&name::key(&name))?.map(|person| person.id);
            let known = person.is_some() && person == agent.on_behalf_of.as_ref().map(|verified| verified.id);
            if !known {
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

fn claimed(name: Option<&str>) -> Option<String> {
    let name: String = name?.trim().chars().take(Claims::NAME_MAX_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests;
