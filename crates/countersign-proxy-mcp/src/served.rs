//! What belongs to one resource, whoever asks: its configuration, rules, accepted definitions and shared links.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_core::{AgentId, Draft, Timestamp};
use countersign_gate::{Clock, Gate};
use globset::GlobMatcher;

use crate::config::ResourceConfig;
use crate::decode::Rules;
use crate::definitions::Definitions;
use crate::pins::{Pins, Visibility};
use crate::session::Session;
use crate::tasks::Tasks;
use crate::upstream::HttpClient;

/// One resource with everything that its sessions share.
pub(crate) struct Served {
    pub(crate) config: ResourceConfig,
    pub(crate) rules: Arc<Rules>,
    pub(crate) gate: Gate,
    pub(crate) http: HttpClient,
    pub(crate) definitions: Definitions,
    pub(crate) tasks: Tasks,
    stateless: Mutex<Stateless>,
    visibility: Arc<dyn Visibility>,
    holds: Vec<(GlobMatcher, Duration)>,
}

/// The link of one agent, once it has one. Locked while it is made, so that only that agent waits.
pub(crate) type Slot = Arc<tokio::sync::Mutex<Option<Arc<Session>>>>;

/// The links that 2026-07-28 requests share, one per agent.
#[derive(Debug, Default)]
pub(crate) struct Stateless {
    by_agent: HashMap<AgentId, Slot>,
    /// Until when the upstream is taken to speak only older versions.
    pub(crate) legacy_until: Option<Timestamp>,
}

impl Stateless {
    pub(crate) fn slot(&mut self, agent: AgentId) -> Slot {
        Arc::clone(self.by_agent.entry(agent).or_default())
    }

    /// Forgets links that are over or that nobody used.
    pub(crate) fn sweep(&mut self, now: Timestamp) {
        self.by_agent.retain(|_, slot| {
            let Ok(slot) = slot.try_lock() else { return true };
            slot.as_ref().is_some_and(|session| !session.is_over() && !session.is_idle(now))
        });
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("resource", &self.config.resource.name).finish_non_exhaustive()
    }
}

impl Served {
    pub(crate) fn new(
        config: ResourceConfig,
        gate: Gate,
        pins: Arc<dyn Pins>,
        visibility: Arc<dyn Visibility>,
        http: HttpClient,
    ) -> Self {
        Self {
            rules: Arc::new(Rules::new(&config)),
            holds: config.hold_by_client.iter().map(|(glob, hold)| (glob.compile_matcher(), *hold)).collect(),
            definitions: Definitions::new(&config, pins),
            tasks: Tasks::default(),
            stateless: Mutex::default(),
            config,
            gate,
            http,
            visibility,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.resource.name
    }

    pub(crate) fn stateless(&self) -> MutexGuard<'_, Stateless> {
        self.stateless.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.gate.clock()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// How long a call of this client is held. A claimed name may shorten or lengthen the wait, nothing else.
    pub(crate) fn hold(&self, client: Option<&str>) -> Duration {
        let client = client.unwrap_or_default();
        let matching = self.holds.iter().find(|(glob, _)| glob.is_match(client));
        matching.map_or(self.config.hold, |(_, hold)| *hold)
    }

    pub(crate) fn never(&self, draft: &Draft) -> bool {
        self.visibility.never(draft)
    }
}
