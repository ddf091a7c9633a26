//! How do the parts become one gateway? Opened in order, wired once, closed together.

mod wiring;
mod witness;

use std::sync::Arc;

use countersign_console::Console;
use countersign_core::Timestamp;
use countersign_gate::{Clock, Gate, Parts, SystemClock, Wakers};
use countersign_identity::Identity;
use countersign_ledger::note::Sign;
use countersign_policy::{Bundle, Finding, Live, Source};
use countersign_proxy_mcp::McpProxy;
use countersign_proxy_postgres::PostgresProxy;
use countersign_store::{Options, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Problem};
use crate::kept::{content_key, earlier_log_key, log_key};
use crate::system::{FolderLock, SystemEntropy, create_private};
use crate::{export, listen, policy_watch};

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The configuration or policy is wrong; the problems are for people to read.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<Problem>),
    #[error("the policy is wrong:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Policy(Vec<Finding>),
    #[error("another gateway uses the folder `{0}`; stop it first, or name another folder in `state`")]
    InUse(String),
    #[error("can't use the folder `{path}`")]
    Folder { path: String, source: std::io::Error },
    #[error("the ledger's key `{path}` can't be used")]
    LogKey { path: String, source: std::io::Error },
    #[error("the content key `{path}` can't be used")]
    ContentKey { path: String, source: std::io::Error },
    #[error("the store can't be opened")]
    Store(#[from] countersign_store::StoreError),
    #[error("identity can't be set up")]
    Identity(#[from] countersign_identity::IdentityError),
    #[error("the gate can't start")]
    Gate(#[from] countersign_gate::GateError),
    #[error("the MCP proxy can't start")]
    Mcp(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("can't listen on `{address}`")]
    Listen { address: String, source: std::io::Error },
    #[error("policy files can't be watched")]
    Watch(#[source] notify::Error),
}

/// A running gateway. Dropping it without [`Running::stop`] leaves the listeners to the runtime.
pub(crate) struct Running {
    pub(crate) identity: Arc<Identity>,
    pub(crate) gate: Gate,
    pub(crate) agents: std::net::SocketAddr,
    /// Where clients of databases connect.
    pub(crate) databases_at: std::net::SocketAddr,
    pub(crate) public_url: String,
    pub(crate) resources: Vec<String>,
    pub(crate) databases: Vec<String>,
    stop: CancellationToken,
    listeners: Vec<tokio::task::JoinHandle<()>>,
    _watch: policy_watch::Watch,
    _lock: FolderLock,
}

/// Everything below the listeners, which commands without a listener use as well.
pub(crate) struct Base {
    pub(crate) store: Store,
    pub(crate) wakers: Wakers,
    pub(crate) identity: Arc<Identity>,
}

impl Base {
    /// Opens the store and who is known in it.
    pub(crate) fn open(config: &Config) -> Result<Self, ServeError> {
        Self::opened(config, false)
    }

    /// `records_actions` is for the gateway alone.
    fn opened(config: &Config, records_actions: bool) -> Result<Self, ServeError> {
        let wakers = Wakers::default();
        let entropy = Arc::new(SystemEntropy);
        let mut options = store_options(config)?;
        options.records_actions = records_actions;
        options.on_commit = wakers.on_commit();
        let store = Store::open(&options)?;
        let identity = Identity::new(store.clone(), entropy, &config.public_url)?;
        let identity = Arc::new(identity.with_issuers(config.issuers.clone()));
        Ok(Self { store, wakers, identity })
    }
}

/// How the store of this configuration is opened by a command.
pub(crate) fn store_options(config: &Config) -> Result<Options, ServeError> {
    let folder = |source| ServeError::Folder { path: config.state.display().to_string(), source };
    create_private(&config.state).map_err(folder)?;
    let signer = log_key(&config.ledger.key, &config.ledger.origin, &SystemEntropy);
    let key = |source| ServeError::LogKey { path: config.ledger.key.display().to_string(), source };
    let content = content_key(&config.ledger.content_key, &SystemEntropy);
    let unread =
        |source| ServeError::ContentKey { path: config.ledger.content_key.display().to_string(), source };
    let (signer, content) = (Arc::new(signer.map_err(key)?), Arc::new(content.map_err(unread)?));
    let mut options = Options::new(&config.state, Arc::new(SystemEntropy), signer, content);
    let earlier = earlier_log_key(&config.ledger.key).map_err(key)?;
    options.earlier_signer = earlier.map(|earlier| Arc::new(earlier) as Arc<dyn Sign>);
    options.checkpoint_file.clone_from(&config.ledger.checkpoint_file);
    options.records_actions = false;
    Ok(options)
}

/// Reads and judges the policy files.
pub(crate) fn bundle(config: &Config) -> Result<Bundle, ServeError> {
    let sources = config.policy_sources().map_err(ServeError::Config)?;
    judged(&sources, config.ledger.witnesses.len()).map_err(ServeError::Policy)
}

/// The bundle of these texts, when it is right and asks for no more witnesses than there are.
pub(crate) fn judged(sources: &[Source], witnesses: usize) -> Result<Bundle, Vec<Finding>> {
    let bundle = Bundle::load(sources)?;
    let findings = bundle.beyond_witnesses(witnesses);
    if findings.is_empty() { Ok(bundle) } else { Err(findings) }
}

/// Starts everything. Returns when both listeners accept connections.
pub(crate) async fn start(config: Config) -> Result<Running, ServeError> {
    let sources = config.policy_sources().map_err(ServeError::Config)?;
    let bundle = Bundle::load(&sources).map_err(ServeError::Policy)?;
    let folder = |source| ServeError::Folder { path: config.state.display().to_string(), source };
    let lock = FolderLock::take(&config.state)
        .map_err(folder)?
        .ok_or_else(|| ServeError::InUse(config.state.display().to_string()))?;
    let Base { store, wakers, identity } = Base::opened(&config, true)?;
    store.policy_changed(bundle.hash(), policy_watch::kept_texts(&sources), SystemClock.now()).await?;
    let policy = Arc::new(Live::new(bundle));
    let gate = Gate::start(parts(&config, store.clone(), wakers, policy.clone())).await?;
    gate.start_publishing();
    let watch = policy_watch::start(&config, policy.clone(), store.clone())?;

    let resources: Vec<String> =
        config.resources.iter().map(|resource| resource.resource.name.clone()).collect();
    let databases: Vec<String> =
        config.databases.iter().map(|database| database.resource.name.clone()).collect();
    let authenticate =
        || Arc::new(wiring::IdentityAuthenticate(identity.clone(), wiring::StoreDirectory(store.clone())));
    let mask_secret = wiring::mask_secret(&config.state, &SystemEntropy).map_err(folder)?;
    let mut protected = config.databases;
    protected.iter_mut().for_each(|database| database.mask_secret = Some(mask_secret.clone()));
    let postgres = postgres(protected, config.postgres.rules, &gate, authenticate());
    let mcp = McpProxy::new(
        gate.clone(),
        authenticate(),
        Arc::new(wiring::StorePins(store.clone())),
        Arc::new(wiring::PolicyVisibility(policy)),
        config.resources,
    )
    .map_err(|error| ServeError::Mcp(error.into()))?;
    let console = Console {
        gate: gate.clone(),
        identity: identity.clone(),
        public_url: config.public_url.clone(),
        auditors: config.ledger.auditors,
    };
    let stop = CancellationToken::new();
    let (agents_listener, agents) = bind(config.agents).await?;
    let (people_listener, _) = bind(config.people).await?;
    let routers = [
        (agents_listener, countersign_proxy_mcp::router(Arc::new(mcp))),
        (people_listener, countersign_console::router(Arc::new(console))),
    ];
    let serve = |(listener, router)| tokio::spawn(listen::serve(listener, router, stop.clone()));
    let mut listeners: Vec<_> = routers.into_iter().map(serve).collect();
    let databases_at = match postgres {
        Some(postgres) => {
            let (listener, bound) = bind(config.postgres.listen).await?;
            listeners.push(tokio::spawn(postgres.serve(listener, stop.clone())));
            bound
        }
        None => config.postgres.listen,
    };
    listeners.extend(export::start(config.exports, &store, gate.clock(), &stop).await?);
    let public_url = config.public_url;
    Ok(Running {
        identity,
        gate,
        agents,
        databases_at,
        public_url,
        resources,
        databases,
        stop,
        listeners,
        _watch: watch,
        _lock: lock,
    })
}

fn parts(config: &Config, store: Store, wakers: Wakers, policy: Arc<Live>) -> Parts {
    Parts {
        directory: Arc::new(wiring::StoreDirectory(store.clone())),
        store,
        wakers,
        policy,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        limits: config.limits,
        witnesses: witness::all(&config.ledger.witnesses),
        people_url: config.public_url.clone(),
    }
}

/// The proxy in front of the databases, when there are any.
fn postgres(
    databases: Vec<countersign_proxy_postgres::ResourceConfig>,
    rules: countersign_proxy_postgres::login::client::ClientRules,
    gate: &Gate,
    authenticate: Arc<wiring::IdentityAuthenticate>,
) -> Option<Arc<PostgresProxy>> {
    let authenticate: Arc<dyn countersign_proxy_postgres::Authenticate> = authenticate;
    (!databases.is_empty()).then(|| PostgresProxy::new(databases, gate, &authenticate, rules))
}

async fn bind(address: std::net::SocketAddr) -> Result<(TcpListener, std::net::SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Running {
    pub(crate) fn now(&self) -> Timestamp {
        self.gate.clock().now()
    }

    /// Where agents reach a resource.
    pub(crate) fn agent_url(&self, resource: &str) -> String {
        format!("http://{}/mcp/{resource}", self.agents)
    }

    /// How a client reaches a database; the password is the agent's token.
    pub(crate) fn database_url(&self, database: &str) -> String {
        format!("postgres://AGENT@{}/{database}", self.databases_at)
    }

    /// Ends the listeners and their connections. The store closes with the last of its users.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for listener in self.listeners {
            if let Err(error) = listener.await {
                tracing::warn!(%error, "a listener ended abruptly");
            }
        }
    }
}
