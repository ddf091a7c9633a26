//! What belongs to one database, whoever connects: its configuration, its catalog, and the way to the gate.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Principal, Timestamp};
use countersign_gate::{Clock, Gate};

use crate::catalog::Keeper;
use crate::codec::ServerKey;
use crate::config::{Authenticate, MaskSecret, ResourceConfig};
use crate::login::upstream;
use crate::masking::Kits;

/// How long a cancel request to the server may take.
const CANCEL_WITHIN: Duration = Duration::from_secs(10);

/// One database with everything that its sessions share.
pub(crate) struct Served {
    config: ResourceConfig,
    gate: Gate,
    authenticate: Arc<dyn Authenticate>,
    catalog: Keeper,
    kits: Kits,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("resource", &self.config.resource.name).finish_non_exhaustive()
    }
}

impl Served {
    pub(crate) fn new(config: ResourceConfig, gate: Gate, authenticate: Arc<dyn Authenticate>) -> Arc<Self> {
        let catalog = Keeper::new(config.upstream.clone(), Arc::clone(gate.clock()));
        let secret = config.mask_secret.clone().unwrap_or_else(|| {
            let mut random = [0; 32];
            gate.entropy().fill(&mut random);
            MaskSecret(random)
        });
        let kits = Kits::new(&secret.0);
        Arc::new(Self { config, gate, authenticate, catalog, kits })
    }

    pub(crate) fn config(&self) -> &ResourceConfig {
        &self.config
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn catalog(&self) -> &Keeper {
        &self.catalog
    }

    pub(crate) fn kits(&self) -> &Kits {
        &self.kits
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.gate.clock()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.gate.clock().now()
    }

    pub(crate) fn agent_stands(&self, principal: &Principal, now: Timestamp) -> bool {
        self.authenticate.stands(principal.agent, now)
    }

    /// Passes a cancel request on, in a task of its own, because it needs a connection of its own.
    pub(crate) fn cancel_at_server(self: &Arc<Self>, key: ServerKey) {
        let served = Arc::clone(self);
        tokio::spawn(async move {
            let deadline = served.clock().sleep_until(served.now().plus(CANCEL_WITHIN));
            if let Err(error) = upstream::cancel(&served.config.upstream, &key, deadline).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a cancel request did not reach the server"
                );
            }
        });
    }
}
