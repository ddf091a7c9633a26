//! How is the upstream reached when the agent is not connected? Over a session of the gateway's own, for one call.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::Principal;
use serde_json::json;

use crate::codec::Message;
use crate::served::Served;
use crate::session::{Era, Session};
use crate::tasks::settled;
use crate::upstream::{Route, UpstreamError};

const TIMEOUT: Duration = Duration::from_secs(60);
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// A session that ends when this is dropped.
pub(crate) struct Own(Arc<Session>);

impl Own {
    /// Opens one in the name of this agent. It declares no abilities, so the upstream has nobody to ask for input.
    pub(crate) async fn open(
        served: &Arc<Served>,
        principal: &Principal,
        era: Era,
    ) -> Result<Self, UpstreamError> {
        let own = Self(Session::start(String::new(), era, Arc::clone(served), principal.clone())?);
        if era == Era::Sessions {
            initialize(&own.0, principal).await?;
        }
        Ok(own)
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.0
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn initialize(session: &Arc<Session>, principal: &Principal) -> Result<(), UpstreamError> {
    let request = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": crate::mirror::TASKS_VERSION,
            "capabilities": {},
            "clientInfo": { "name": "countersign", "version": env!("CARGO_PKG_VERSION") },
        },
    });
    let message = Message::parse(request.to_string().into_bytes())
        .map_err(|bad| UpstreamError::NotSent(bad.to_string()))?;
    let link = session.link()?;
    let route = Route { id: link.next_id(), timeout: Some(TIMEOUT), ..Route::default() };
    let answer = link.ask(session.served.gate.upkeep(principal), &message, route).await?;
    let settled = settled(answer.body()).filter(|_| !answer.is_error());
    let settled = settled.ok_or_else(|| UpstreamError::Refused("it refused `initialize`".to_owned()))?;
    link.settle_version(&settled.version);
    session.settle(settled);
    session.tell(INITIALIZED.to_owned()).await
}
