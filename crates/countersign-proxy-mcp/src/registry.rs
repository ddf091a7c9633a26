//! Which resources are served, and which sessions are open? The proxy as a whole.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use countersign_core::{AgentId, Principal, Timestamp};
use countersign_gate::Gate;

use crate::auth::Authenticate;
use crate::codec::{Message, scan};
use crate::config::ResourceConfig;
use crate::listing::own_meta;
use crate::pins::{Pins, Visibility};
use crate::served::Served;
use crate::session::{Era, Session};
use crate::upstream::{self, Route, UpstreamError};

/// Idle sessions are looked for this often.
const SWEEP: Duration = Duration::from_secs(30);
/// How long an upstream that did not answer `server/discover` is taken to speak only older versions.
const LEGACY_FOR: Duration = Duration::from_secs(300);
/// An agent that has as many sessions as it may can open another one when one was not used for so long.
const UNUSED: Duration = Duration::from_secs(60);
/// How long a child may take to say whether it speaks 2026-07-28.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The proxy could not be made.
#[derive(Debug, thiserror::Error)]
#[error("connections to MCP servers can't be made")]
pub struct StartError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Every MCP resource with its sessions.
pub struct McpProxy {
    pub(crate) authenticate: Arc<dyn Authenticate>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) gate: Gate,
    served: HashMap<String, Arc<Served>>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    sweeper: OnceLock<()>,
}

impl fmt::Debug for McpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpProxy").field("resources", &self.served.keys()).finish_non_exhaustive()
    }
}

/// Why no session could be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("this agent has {0} sessions open here; end one first")]
    TooMany(usize),
    #[error("the upstream speaks only MCP versions with sessions; send `initialize`")]
    Legacy,
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl McpProxy {
    /// Makes the proxy. Nothing is started before an agent asks for it.
    ///
    /// # Errors
    /// [`StartError`] when the system's root certificates can't be read.
    pub fn new(
        gate: Gate,
        authenticate: Arc<dyn Authenticate>,
        pins: Arc<dyn Pins>,
        visibility: Arc<dyn Visibility>,
        resources: Vec<ResourceConfig>,
    ) -> Result<Self, StartError> {
        let http = upstream::client().map_err(|error| StartError(Box::new(error)))?;
        let shared = (pins, visibility);
        let serve = |config: ResourceConfig| {
            let (pins, visibility) = shared.clone();
            let name = config.resource.name.clone();
            (name, Arc::new(Served::new(config, gate.clone(), pins, visibility, http.clone())))
        };
        let served = resources.into_iter().map(serve).collect();
        let allowed_origins = Vec::new();
        Ok(Self {
            authenticate,
            allowed_origins,
            served,
            sessions: Mutex::default(),
            sweeper: OnceLock::new(),
            gate,
        })
    }

    /// Answers pages of these origins as well; without, only those of this machine are answered.
    #[must_use]
    pub fn allow_origins(mut self, origins: Vec<String>) -> Self {
        self.allowed_origins = origins;
        self
    }

    pub(crate) fn served(&self, resource: &str) -> Option<Arc<Served>> {
        self.served.get(resource).cloned()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn session(&self, id: &str) -> Option<Arc<Session>> {
        let session = self.sessions().get(id).cloned()?;
        if session.is_over() {
            self.sessions().remove(id);
            return None;
        }
        Some(session)
    }

    pub(crate) fn close(&self, id: &str) {
        if let Some(session) = self.sessions().remove(id) {
            session.end();
        }
    }

    /// Opens a session of the versions that have them.
    pub(crate) fn open(
        self: &Arc<Self>,
        served: &Arc<Served>,
        principal: Principal,
    ) -> Result<Arc<Session>, OpenError> {
        self.start_sweeper();
        self.make_room(principal.agent, served)?;
        let mut random = [0_u8; 24];
        self.gate.entropy().fill(&mut random);
        let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let session = Session::start(id.clone(), Era::Sessions, Arc::clone(served), principal)?;
        self.sessions().insert(id, Arc::clone(&session));
        Ok(session)
    }

    /// Leaves room for one more session of this agent. Clients that went away without a word make no others wait.
    fn make_room(&self, agent: AgentId, served: &Served) -> Result<(), OpenError> {
        let (most, now) = (served.config.max_sessions_per_agent, served.now());
        let own: Vec<Arc<Session>> = {
            let sessions = self.sessions();
            let own = |session: &&Arc<Session>| {
                session.agent == agent && session.served.name() == served.name() && !session.is_over()
            };
            sessions.values().filter(own).cloned().collect()
        };
        if own.len() < most {
            return Ok(());
        }
        let unused = own.iter().filter_map(|session| Some((session.unused_for(now)?, session)));
        let longest = unused.filter(|(unused, _)| *unused >= UNUSED).max_by_key(|(unused, _)| *unused);
        let (_, session) = longest.ok_or(OpenError::TooMany(most))?;
        self.close(&session.id);
        Ok(())
    }

    /// The link that this agent's requests without session share. A child process is asked first whether it speaks
    /// that version: an older one might take a lone `tools/call` for its own.
    pub(crate) async fn stateless(
        self: &Arc<Self>,
        served: &Arc<Served>,
        principal: &Principal,
    ) -> Result<Arc<Session>, OpenError> {
        self.start_sweeper();
        let slot = served.stateless().slot(principal.agent);
        let mut slot = slot.lock().await;
        if let Some(session) = slot.as_ref().filter(|session| !session.is_over()) {
            return Ok(Arc::clone(session));
        }
        let legacy_until = served.stateless().legacy_until;
        if legacy_until.is_some_and(|until| served.now() < until) {
            return Err(OpenError::Legacy);
        }
        let session = Session::start(String::new(), Era::Stateless, Arc::clone(served), principal.clone())?;
        if matches!(served.config.upstream, crate::config::Upstream::Stdio { .. }) {
            probe(served, &session).await?;
        }
        *slot = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Ends sessions that nobody used for the configured time.
    pub fn sweep(&self, now: Timestamp) {
        let gone: Vec<Arc<Session>> = {
            let mut sessions = self.sessions();
            let ids: Vec<String> = sessions
                .iter()
                .filter(|(_, session)| session.is_over() || session.is_idle(now))
                .map(|(id, _)| id.clone())
                .collect();
            ids.iter().filter_map(|id| sessions.remove(id)).collect()
        };
        gone.iter().for_each(|session| session.end());
        for served in self.served.values() {
            served.stateless().sweep(now);
        }
    }

    fn start_sweeper(self: &Arc<Self>) {
        self.sweeper.get_or_init(|| {
            tokio::spawn(sweep(Arc::downgrade(self)));
        });
    }
}

async fn sweep(proxy: Weak<McpProxy>) {
    loop {
        let Some(clock) = proxy.upgrade().map(|proxy| Arc::clone(proxy.gate.clock())) else { return };
        clock.sleep_until(clock.now().plus(SWEEP)).await;
        let Some(proxy) = proxy.upgrade() else { return };
        proxy.sweep(clock.now());
    }
}

async fn probe(served: &Served, session: &Session) -> Result<(), OpenError> {
    let request = serde_json::json!({
        "jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": { "_meta": own_meta(&serde_json::json!({})) }
    });
    let message = Message::parse(request.to_string().into_bytes())
        .map_err(|error| UpstreamError::NotSent(error.to_string()))?;
    let link = session.link()?;
    let route = Route { id: link.next_id(), timeout: Some(PROBE_TIMEOUT), ..Route::default() };
    let answer = link.ask(served.gate.upkeep(&session.principal()), &message, route).await;
    let modern = match answer {
        Ok(answer) => match answer.code() {
            None => scan(answer.body()).is_ok(),
            Some(code) => (-32022..=-32020).contains(&code),
        },
        Err(error @ UpstreamError::NotSent(_)) => return Err(error.into()),
        // Silence or an end says nothing about other children: this caller falls back, others ask for themselves.
        Err(_) => {
            session.end();
            return Err(OpenError::Legacy);
        }
    };
    if modern {
        return Ok(());
    }
    session.end();
    served.stateless().legacy_until = Some(served.now().plus(LEGACY_FOR));
    Err(OpenError::Legacy)
}
