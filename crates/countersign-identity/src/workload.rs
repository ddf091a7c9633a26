//! Which agent is it that shows a credential which somebody else issued? The one whose rules hold of it, all of them;
//! nobody when they hold for none or for more than one.

mod chain;
mod rules;

use std::sync::Arc;

use countersign_core::{AgentId, Timestamp};
use countersign_store::{Rule, RuleSet, StoredAgent};

use crate::certificate::Certificate;
use crate::issuers::{TokenRefusal, Verified};
use crate::{Identity, IdentityError};

pub(crate) use chain::links;
pub use rules::RuleRefusal;
pub(crate) use rules::{certificate_rules, token_rules};

/// By what an agent is known. Each of them alone is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownBy {
    /// A token of the gateway's own.
    pub token: bool,
    /// Tokens of an issuer.
    pub issued: Option<Issued>,
    /// Client certificates: what `subject`, `URI` and `DNS` must be.
    pub certificate: Vec<Rule>,
}

/// Which tokens of an issuer name an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The issuer's name in the configuration.
    pub issuer: String,
    /// What each claim must be.
    pub claims: Vec<Rule>,
}

impl KnownBy {
    /// By a token of the gateway's own.
    pub fn token() -> Self {
        Self { token: true, ..Self::default() }
    }
}

/// A question of the kind *which agent is this?*, for [`Identity::only`].
struct Asked<'a> {
    issuer: Option<&'a str>,
    holds: &'a dyn Fn(&Rule) -> bool,
}

impl Identity {
    /// What an agent is known by, checked, as it is stored.
    pub(crate) fn rule_sets(
        &self,
        known_by: &KnownBy,
        now: Timestamp,
    ) -> Result<Vec<RuleSet>, IdentityError> {
        let mut sets = Vec::new();
        if let Some(issued) = &known_by.issued {
            let issuer = self.issuers.named(&issued.issuer);
            let issuer = issuer.ok_or_else(|| RuleRefusal::IssuerUnknown(issued.issuer.clone()))?;
            let rules = token_rules(issuer.kind, &issued.claims)?;
            sets.push(RuleSet { issuer: Some(issuer.issuer.clone()), rules });
        }
        if !known_by.certificate.is_empty() {
            sets.push(RuleSet { issuer: None, rules: certificate_rules(&known_by.certificate)? });
        }
        if sets.is_empty() && !known_by.token {
            return Err(RuleRefusal::Nothing.into());
        }
        for set in &sets {
            self.refuse_overlap(set, now)?;
        }
        Ok(sets)
    }

    /// Where one agent's rules are among another's, what names the one names the other, and both would be refused.
    fn refuse_overlap(&self, set: &RuleSet, now: Timestamp) -> Result<(), IdentityError> {
        let (candidates, _) = self.store.candidates(set.issuer.as_deref(), now)?;
        let within = |one: &[Rule], other: &[Rule]| one.iter().all(|rule| other.contains(rule));
        let same = candidates
            .into_iter()
            .find(|candidate| within(&set.rules, &candidate.rules) || within(&candidate.rules, &set.rules));
        let Some(same) = same else { return Ok(()) };
        let name = self.store.agent_and_rules(same.agent)?.0.map(|agent| agent.name);
        Err(RuleRefusal::Overlap(name.unwrap_or_default()).into())
    }

    /// The agent that a verified token names.
    pub(crate) fn named_by(
        &self,
        token: &Arc<Verified>,
        now: Timestamp,
    ) -> Result<Result<StoredAgent, TokenRefusal>, IdentityError> {
        if let Some((agent, rules_then)) = token.named() {
            let (agent, rules) = self.store.agent_and_rules(agent)?;
            // Another agent may have been added meanwhile that the token names as well.
            if let Some(agent) = agent.filter(|agent| rules == rules_then && agent.works(now)) {
                return Ok(Ok(agent));
            }
        }
        let holds = |rule: &Rule| rules::holds(rule, &token.claims);
        let asked = Asked { issuer: Some(&token.issuer().issuer), holds: &holds };
        let (found, rules) = self.only(&asked, now)?;
        Ok(match found {
            Ok(agent) => {
                self.issuers.remember(token, agent.id, rules);
                Ok(agent)
            }
            Err(refusal) => {
                let issuer = &token.issuer().name;
                tracing::warn!(issuer, code = refusal.code(), "a token names no agent: {refusal}");
                Err(refusal)
            }
        })
    }

    /// The agent that a client certificate names.
    pub(crate) fn certified(
        &self,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Result<Result<StoredAgent, TokenRefusal>, IdentityError> {
        let holds = |rule: &Rule| certificate.says(rule);
        Ok(self.only(&Asked { issuer: None, holds: &holds }, now)?.0)
    }

    fn only(
        &self,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<(Result<StoredAgent, TokenRefusal>, i64), IdentityError> {
        let (candidates, rules) = self.store.candidates(asked.issuer, now)?;
        let mut named = candidates.into_iter().filter(|candidate| {
            // Rules that hold of everything name nobody.
            !candidate.rules.is_empty() && candidate.rules.iter().all(asked.holds)
        });
        let found: Result<AgentId, TokenRefusal> = match (named.next(), named.next()) {
            (None, _) => Err(TokenRefusal::NoAgent),
            (Some(one), None) => Ok(one.agent),
            (Some(_), Some(_)) => Err(TokenRefusal::TwoAgents),
        };
        let agent = match found {
            Ok(agent) => self.store.agent_and_rules(agent)?.0.filter(|agent| agent.works(now)),
            Err(refusal) => return Ok((Err(refusal), rules)),
        };
        Ok((agent.ok_or(TokenRefusal::NoAgent), rules))
    }
}

#[cfg(test)]
mod tests;
