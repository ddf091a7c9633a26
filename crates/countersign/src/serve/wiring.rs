//! Who answers each part's questions about the others? Thin translations, without decisions of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use countersign_core::{AgentId, Draft, Entropy, PersonId, Principal, Timestamp};
use countersign_gate::{Clock as _, Directory, SystemClock};
use countersign_identity::{Claims, Identity, Shown};
use countersign_policy::{Live, Question};
use countersign_proxy_mcp::{Pin, PinError, PinFuture, Pins, Visibility};
use countersign_proxy_postgres::MaskSecret;
use countersign_store::{Definition, Store};

use crate::kept;

/// What hashes of masked values are made with: made once for each folder, so that they stay equal from one start to the
/// next, and for nobody but the gateway to read.
pub(super) fn mask_secret(folder: &Path, entropy: &dyn Entropy) -> std::io::Result<MaskSecret> {
    let fresh = || {
        let mut secret = [0; 32];
        entropy.fill(&mut secret);
        Ok(secret.to_vec())
    };
    let wrong = |_length| std::io::Error::new(ErrorKind::InvalidData, "`mask.key` doesn't hold 32 bytes");
    kept::kept(&folder.join("mask.key"), fresh)?.try_into().map(MaskSecret).map_err(wrong)
}

/// Rights at this moment. What can't be read is a right that is not there.
pub(super) struct StoreDirectory(pub(super) Store);

impl Directory for StoreDirectory {
    fn groups(&self, person: PersonId) -> Option<BTreeSet<String>> {
        self.0.groups_of(person).unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a person's groups can't be read");
            None
        })
    }

    fn agent_stands(&self, agent: AgentId, now: Timestamp) -> bool {
        self.0.agent_stands(agent, now).unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "an agent's standing can't be read");
            false
        })
    }
}

/// Credentials of agents, handed to identity as they came.
pub(super) struct IdentityAuthenticate(pub(super) Arc<Identity>, pub(super) StoreDirectory);

impl IdentityAuthenticate {
    async fn who(&self, shown: Shown<'_>, claims: Claims, now: Timestamp) -> Option<Principal> {
        self.0.principal_shown(shown, &claims, now).await.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a credential can't be looked up");
            None
        })
    }
}

impl countersign_proxy_mcp::Authenticate for IdentityAuthenticate {
    fn principal<'a>(
        &'a self,
        bearer: Option<&'a str>,
        claims: &'a countersign_proxy_mcp::Claims,
        now: Timestamp,
    ) -> countersign_proxy_mcp::PrincipalFuture<'a> {
        let claims = Claims {
            client: claims.client.clone(),
            model: claims.model.clone(),
            on_behalf_of: claims.on_behalf_of.clone(),
        };
        Box::pin(self.who(Shown { bearer, certificate: None }, claims, now))
    }
}

impl countersign_proxy_postgres::Authenticate for IdentityAuthenticate {
    fn principal<'a>(
        &'a self,
        shown: countersign_proxy_postgres::Shown<'a>,
        client: Option<&'a str>,
        now: Timestamp,
    ) -> countersign_proxy_postgres::PrincipalFuture<'a> {
        let claims = Claims { client: client.map(str::to_owned), ..Claims::default() };
        let shown = Shown { bearer: shown.password, certificate: shown.certificate };
        Box::pin(self.who(shown, claims, now))
    }

    fn stands(&self, agent: AgentId, now: Timestamp) -> bool {
        self.1.agent_stands(agent, now)
    }
}

/// Accepted tool definitions.
pub(super) struct StorePins(pub(super) Store);

impl Pins for StorePins {
    fn pinned(&self, resource: &str) -> Result<Option<BTreeMap<String, Pin>>, PinError> {
        let pins = self.0.definitions(resource).map_err(|error| PinError { source: error.into() })?;
        let pins: BTreeMap<String, Pin> = pins
            .into_iter()
            .map(|pin| (pin.tool, Pin { digest: pin.digest, definition: pin.definition }))
            .collect();
        Ok((!pins.is_empty()).then_some(pins))
    }

    fn pin<'a>(&'a self, resource: &'a str, pins: BTreeMap<String, Pin>) -> PinFuture<'a> {
        let definitions = pins
            .into_iter()
            .map(|(tool, pin)| Definition { tool, digest: pin.digest, definition: pin.definition })
            .collect();
        Box::pin(async move {
            self.0
                .pin(resource.to_owned(), definitions, SystemClock.now())
                .await
                .map_err(|error| PinError { source: error.into() })
        })
    }
}

/// What policy can never allow.
pub(super) struct PolicyVisibility(pub(super) Arc<Live>);

impl Visibility for PolicyVisibility {
    fn never(&self, draft: &Draft) -> bool {
        self.0.current().never(&Question {
            principal: &draft.principal,
            resource: &draft.resource,
            operation: &draft.operation,
            effects: &draft.effects,
            arguments: &draft.arguments,
            facts: &draft.facts,
            now: SystemClock.now(),
        })
    }
}

#[cfg(test)]
mod tests;
