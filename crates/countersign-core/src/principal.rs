//! Who asks, and on whose behalf? The agent and every link of the chain behind it, each verified or only claimed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::digest::DigestWriter;
use crate::{AgentId, PersonId};

/// What a link says about the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// The person who answers for the agent.
    Owner,
    /// The person for whom the agent acts now.
    OnBehalfOf,
    /// The language model.
    Model,
    /// The client program.
    Client,
    /// The pipeline run.
    Pipeline,
    /// Who started the pipeline run.
    PipelineActor,
}

impl LinkKind {
    /// The word shown and stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::OnBehalfOf => "on behalf of",
            Self::Model => "model",
            Self::Client => "client",
            Self::Pipeline => "pipeline",
            Self::PipelineActor => "pipeline actor",
        }
    }
}

/// How far a link can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Comes from a credential that was checked.
    Verified,
    /// Was said by the caller; shown as such, and never widens what is allowed.
    Claimed,
}

impl Standing {
    /// The word shown and stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Claimed => "claimed",
        }
    }
}

/// One link of the chain behind an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What the link says.
    pub kind: LinkKind,
    /// The name as people read it.
    pub name: String,
    /// The person, when the name is one that is known here.
    pub person: Option<PersonId>,
    /// Verified or claimed.
    pub standing: Standing,
}

/// Who acts: an agent with its verified teams and the chain behind it.
///
/// A principal can't become a [`crate::Reviewer`]: there is no conversion, and the two are made from different
/// credentials on different listeners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The agent, from its credential.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// The teams it was registered with; policies say `principal in Team::"data"`.
    pub teams: BTreeSet<String>,
    /// The chain, in the order in which it was established.
    pub links: Vec<Link>,
}

impl Principal {
    /// Every person who stands anywhere in the chain, verified or claimed. None of them may vote: a claim can
    /// only take rights away.
    pub fn requesters(&self) -> BTreeSet<PersonId> {
        self.links.iter().filter_map(|link| link.person).collect()
    }

    /// Those of [`Principal::requesters`] whom only the caller names. An agent may name anybody, so the name stops
    /// that person from approving, but not from saying no.
    pub fn claimed_requesters(&self) -> BTreeSet<PersonId> {
        let verified = self.verified_requesters();
        self.requesters().into_iter().filter(|person| !verified.contains(person)).collect()
    }

    /// Every person in the chain who is known from a credential.
    pub fn verified_requesters(&self) -> BTreeSet<PersonId> {
        let verified = self.links.iter().filter(|link| link.standing == Standing::Verified);
        verified.filter_map(|link| link.person).collect()
    }

    pub(crate) fn write(&self, mut writer: DigestWriter) -> DigestWriter {
        writer = writer.part(self.agent.as_bytes()).part(b"teams");
        for team in &self.teams {
            writer = writer.part(team.as_bytes());
        }
        writer = writer.part(b"links");
        for link in &self.links {
            let person = link.person.map(|person| person.to_string()).unwrap_or_default();
            writer = writer
                .part(link.kind.word().as_bytes())
                .part(link.name.as_bytes())
                .part(person.as_bytes())
                .part(link.standing.word().as_bytes());
        }
        writer
    }
}
