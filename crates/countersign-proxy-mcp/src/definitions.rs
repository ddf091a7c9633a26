//! Did people accept this definition of the tool? The first listing is taken as it is; every change is asked about.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_core::{
    Assurance, Digest, Draft, Effect, Effects, Gate as Group, Obligation, Outcome, Plan, Principal,
    ReasonCode, Resource, Review, Status, Terms, Verb,
};
use countersign_gate::{Forward, Forwarded, Gate, Permit, Ticket, Verdict};
use serde_json::json;
use tokio::sync::watch;

use crate::catalog::{Tool, pins};
use crate::config::ResourceConfig;
use crate::pins::{Pin, PinError, Pins};

/// A changed definition may wait long: nothing runs meanwhile.
const PENDING_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// The accepted definitions of one resource and the open questions about new ones.
pub(crate) struct Definitions {
    resource: Resource,
    reviewers: String,
    store: Arc<dyn Pins>,
    known: Arc<Mutex<Known>>,
    /// Two sessions that list first at the same time must not both be taken for the first.
    first: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    accepted: BTreeMap<String, Pin>,
    /// The open question about a tool's definition; a refused one keeps no ticket and is not asked again.
    asked: HashMap<(String, Digest), Asked>,
}

#[derive(Debug)]
enum Asked {
    Open(watch::Receiver<Option<Ticket>>),
    Refused,
}

/// How a tool's definition stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is the accepted one.
    Accepted,
    /// People are being asked.
    Asked(watch::Receiver<Option<Ticket>>),
    /// People said no, or nobody was asked yet.
    NotAccepted,
}

impl fmt::Debug for Definitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definitions").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Definitions {
    pub(crate) fn new(config: &ResourceConfig, store: Arc<dyn Pins>) -> Self {
        Self {
            resource: config.resource.clone(),
            reviewers: config.definition_reviewers.clone(),
            store,
            known: Arc::default(),
            first: tokio::sync::Mutex::default(),
        }
    }

    /// How this definition stands now.
    pub(crate) fn standing(&self, tool: &Tool) -> Standing {
        let known = lock(&self.known);
        if known.accepted.get(&tool.name).is_some_and(|pin| pin.digest == tool.pin.digest) {
            return Standing::Accepted;
        }
        match known.asked.get(&(tool.name.clone(), tool.pin.digest)) {
            Some(Asked::Open(ticket)) => Standing::Asked(ticket.clone()),
            Some(Asked::Refused) | None => Standing::NotAccepted,
        }
    }

    /// Takes a complete listing: accepts it when it is the resource's first, else asks about what changed.
    pub(crate) async fn observe(
        &self,
        tools: &[Tool],
        gate: &Gate,
        principal: &Principal,
    ) -> Result<(), PinError> {
        let one_at_a_time = self.first.lock().await;
        let accepted = match self.store.pinned(&self.resource.name)? {
            Some(accepted) => accepted,
            None => {
                let first = pins(tools);
                self.store.pin(&self.resource.name, first.clone()).await?;
                first
            }
        };
        lock(&self.known).accepted = accepted;
        drop(one_at_a_time);
        for tool in tools {
            self.ask_if_changed(tool, gate, principal);
        }
        Ok(())
    }

    /// Opens one review about a definition that is neither accepted nor asked about.
    pub(crate) fn ask_if_changed(&self, tool: &Tool, gate: &Gate, principal: &Principal) {
        let key = (tool.name.clone(), tool.pin.digest);
        let (draft, show) = {
            let mut known = lock(&self.known);
            let old = known.accepted.get(&tool.name);
            if old.is_some_and(|pin| pin.digest == tool.pin.digest) || known.asked.contains_key(&key) {
                return;
            }
            let Ok(draft) = self.draft(tool, old, principal) else { return };
            let (show, ticket) = watch::channel(None);
            known.asked.insert(key.clone(), Asked::Open(ticket));
            (draft, show)
        };
        let accept = Accept {
            resource: self.resource.name.clone(),
            tool: tool.clone(),
            store: Arc::clone(&self.store),
            known: Arc::clone(&self.known),
            show,
        };
        let (gate, plan, known) = (gate.clone(), self.plan(&tool.name), Arc::clone(&self.known));
        tokio::spawn(async move {
            let verdict = gate.ask(draft, plan, accept).await;
            let mut known = lock(&known);
            match verdict {
                Verdict::Denied { reason, .. } if reason.code == ReasonCode::DeniedByReviewer => {
                    known.asked.insert(key, Asked::Refused);
                }
                // Accepted, or nobody answered: then the next listing asks again.
                Verdict::Ran { .. } | Verdict::Denied { .. } | Verdict::Pending(_) => {
                    known.asked.remove(&key);
                }
            }
        });
    }

    fn plan(&self, tool: &str) -> Plan {
        let policies = std::iter::once(RULE.to_owned()).collect();
        let group = Group { quorum: 1, assurance: Assurance::Session, policies };
        Plan {
            gates: std::iter::once((self.reviewers.clone(), group)).collect(),
            pending_for: PENDING_FOR,
            claim_within: Plan::CLAIM_WITHIN,
            grant_for: Plan::GRANT_FOR,
            witnesses: 0,
            reasons: std::iter::once((
                RULE.to_owned(),
                format!("the upstream changed the definition of the tool `{tool}`; agents would read it as instructions"),
            ))
            .collect(),
            terms: Terms::default(),
        }
    }

    fn draft(
        &self,
        tool: &Tool,
        old: Option<&Pin>,
        principal: &Principal,
    ) -> Result<Draft, countersign_core::TooManyEffects> {
        let parse =
            |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|_| text.into());
        let shown = json!({
            "tool": tool.name,
            "old": old.map(|pin| parse(&pin.definition)),
            "new": parse(&tool.pin.definition),
        });
        let payload = json_canon::to_string(&shown).unwrap_or_else(|_| shown.to_string()).into_bytes();
        let object = format!("tool-definition:{}", tool.name);
        Ok(Draft {
            resource: self.resource.clone(),
            principal: principal.clone(),
            operation: format!("tools/accept {}", tool.name),
            effects: Effects::new([Effect::new(Verb::Privilege, &*object)], &object)?,
            sameness: Digest::of(&payload),
            payload,
            arguments: BTreeMap::new(),
            facts: std::iter::once(("tool definition".to_owned(), tool.pin.digest.to_string())).collect(),
            preview: None,
            claim: None,
        })
    }
}

/// Whether a review is about a tool's definition, and so not about a call of the agent that it names.
pub(crate) fn asks_about_definition(review: &Review) -> bool {
    review.plan.reasons.contains_key(RULE)
}

/// The id under which the review says why it was opened.
const RULE: &str = "tool-definition";

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stores the new definition once people agreed.
struct Accept {
    resource: String,
    tool: Tool,
    store: Arc<dyn Pins>,
    known: Arc<Mutex<Known>>,
    show: watch::Sender<Option<Ticket>>,
}

impl Forward for Accept {
    fn hold(&self) -> Duration {
        PENDING_FOR
    }

    fn held(&self, ticket: &Ticket) {
        self.show.send_replace(Some(ticket.clone()));
    }

    fn performs(&self, obligation: &Obligation) -> bool {
        *obligation == Obligation::Record
    }

    fn facts(&self) -> BTreeMap<String, String> {
        std::iter::once(("tool definition".to_owned(), self.tool.pin.digest.to_string())).collect()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        let new = pins([&self.tool]);
        let (status, note) = match self.store.pin(&self.resource, new.clone()).await {
            Ok(()) => (Status::Executed, None),
            Err(error) => (Status::Failed, Some(error.to_string())),
        };
        if status == Status::Executed {
            lock(&self.known).accepted.extend(new);
        }
        drop(permit);
        let outcome = Outcome { status, result: None, rows: None, duration_us: 0, note };
        Forwarded { outcome, result: bytes::Bytes::from_static(b"{\"result\":{}}") }
    }
}

#[cfg(test)]
mod tests;
