//! Who connects, to which database, and what is in place before the first statement? From an accepted connection to a
//! session.

mod settings;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_core::{AgentId, Principal};
use countersign_gate::Gate;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::cancel::Cancels;
use crate::codec::TransactionStatus;
use crate::codec::back::Complaint;
use crate::config::{Authenticate, ResourceConfig, Shown};
use crate::control;
use crate::explain;
use crate::login::client::{Arrival, ClientRules, ClientSession, greet, welcome};
use crate::login::upstream::{Upstream, connect};
use crate::login::{Secret, deny};
use crate::reading::Facts;
use crate::served::Served;
use crate::session::{MEANING_QUESTION, Parts, Session, parse_meaning};
use crate::workers::Workers;

/// A client that has not logged in by then is let go.
const LOGIN_WITHIN: Duration = Duration::from_secs(20);
/// The server has to let us in by then.
const UPSTREAM_WITHIN: Duration = Duration::from_secs(15);
/// Connections at the same time. Held statements keep theirs.
const CONNECTIONS_MAX: usize = 10_000;
/// After an error of the operating system, such as no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// An answer about a few settings. Bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// Every protected database behind one listener.
pub struct PostgresProxy {
    databases: HashMap<String, Arc<Served>>,
    gate: Gate,
    authenticate: Arc<dyn Authenticate>,
    rules: ClientRules,
    cancels: Cancels,
    connected: Mutex<HashMap<(AgentId, String), usize>>,
}

impl std::fmt::Debug for PostgresProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresProxy").field("databases", &self.databases.keys()).finish_non_exhaustive()
    }
}

/// One of an agent's places, given back when dropped.
struct Place {
    proxy: Arc<PostgresProxy>,
    key: (AgentId, String),
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connected = self.proxy.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connected.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                connected.remove(&self.key);
            }
        }
    }
}

impl PostgresProxy {
    /// A proxy in front of these databases; clients reach each by its resource's name.
    pub fn new(
        databases: Vec<ResourceConfig>,
        gate: &Gate,
        authenticate: &Arc<dyn Authenticate>,
        rules: ClientRules,
    ) -> Arc<Self> {
        let served = |config: ResourceConfig| {
            (config.resource.name.clone(), Served::new(config, gate.clone(), Arc::clone(authenticate)))
        };
        Arc::new(Self {
            databases: databases.into_iter().map(served).collect(),
            gate: gate.clone(),
            authenticate: Arc::clone(authenticate),
            rules,
            cancels: Cancels::default(),
            connected: Mutex::default(),
        })
    }

    /// Takes connections until `stop`. A stop ends them at once: held statements find their review again.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let (proxy, ended) = (Arc::clone(&self), stop.clone());
        let workers = Workers::start(move |stream, place: OwnedSemaphorePermit| {
            let (proxy, ended) = (Arc::clone(&proxy), ended.clone());
            async move {
                tokio::select! {
                    () = proxy.connection(stream) => {}
                    () = ended.cancelled() => {}
                }
                drop(place);
            }
        });
        let workers = match workers {
            Ok(workers) => workers,
            Err(error) => return tracing::error!(%error, "no threads for connections"),
        };
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            // Both are cancel safe.
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, _peer)) => workers.take(stream, place),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    self.gate.clock().sleep_until(self.gate.clock().now().plus(ACCEPT_PAUSE)).await;
                }
            }
        }
    }

    async fn connection(self: &Arc<Self>, stream: TcpStream) {
        let clock = self.gate.clock();
        let deadline = clock.sleep_until(clock.now().plus(LOGIN_WITHIN));
        let wire = match crate::wire::Wire::tcp(stream) {
            Ok(wire) => wire,
            Err(error) => return tracing::debug!(%error, "a connection was gone at once"),
        };
        match welcome(wire, &self.rules, deadline).await {
            Ok(Arrival::Cancel(key)) => self.cancels.cancel(&key),
            Ok(Arrival::Session(client)) => self.admit(*client).await,
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "nobody logged in"),
        }
    }

    async fn admit(self: &Arc<Self>, client: ClientSession) {
        let (principal, served) = match self.who_and_what(&client).await {
            Ok(found) => found,
            Err(complaint) => return deny::refuse(client.wire, &complaint).await,
        };
        let Some(_place) = self.place(&principal, &served) else {
            return deny::refuse(client.wire, &deny::too_many_connections()).await;
        };
        let (upstream, facts) = match self.prepare(&client, &principal, &served).await {
            Ok(ready) => ready,
            Err(complaint) => return deny::refuse(client.wire, &complaint).await,
        };
        let (cancel, cancels) = mpsc::channel(1);
        let registration = self.cancels.register(self.gate.entropy().as_ref(), client.version, cancel);
        let mut hello = Vec::new();
        let greeted =
            greet(&mut hello, &upstream.parameter_status, registration.key(), TransactionStatus::Idle);
        let mut wire = client.wire;
        if greeted.is_err() || wire.write_all(&hello).await.is_err() || wire.flush().await.is_err() {
            return;
        }
        let parts = Parts {
            served,
            principal,
            client: wire,
            server: upstream.wire,
            server_key: upstream.backend_key,
            facts,
            cancels,
        };
        let ended = Session::new(parts).run().await;
        tracing::debug!(error = &ended as &dyn std::error::Error, "a session ended");
    }

    /// Password and certificate say who it is; nothing is said about databases to anybody without one.
    async fn who_and_what(
        &self,
        client: &ClientSession,
    ) -> Result<(Principal, Arc<Served>), Complaint<'static>> {
        let program = client.startup.parameter("application_name").filter(|name| !name.is_empty());
        let now = self.gate.clock().now();
        let password = client.password.as_ref().map(Secret::expose);
        let shown = Shown { password, certificate: client.certificate.as_deref() };
        let principal =
            self.authenticate.principal(shown, program, now).await.ok_or_else(|| match password {
                Some(_) => deny::wrong_password(&client.user),
                None => deny::wrong_certificate(&client.user),
            })?;
        if principal.name != client.user {
            return Err(explain::other_user(&client.user));
        }
        let served = self.databases.get(&client.database);
        let served = served.cloned().ok_or_else(|| deny::unknown_database(&client.database))?;
        Ok((principal, served))
    }

    fn place(self: &Arc<Self>, principal: &Principal, served: &Served) -> Option<Place> {
        let key = (principal.agent, served.config().resource.name.clone());
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connected.entry(key.clone()).or_default();
        if *count >= served.config().connections_per_agent {
            return None;
        }
        *count += 1;
        drop(connected);
        Some(Place { proxy: Arc::clone(self), key })
    }

    /// Logs in at the server, learns what names mean there, and makes the settings that the client brought along.
    async fn prepare(
        &self,
        client: &ClientSession,
        principal: &Principal,
        served: &Arc<Served>,
    ) -> Result<(Upstream, Facts), Complaint<'static>> {
        let wanted = settings::wanted(&client.startup)?;
        let mut settings = wanted.harmless;
        settings.push(("client_encoding".to_owned(), "UTF8".to_owned()));
        let clock = self.gate.clock();
        let deadline = clock.sleep_until(clock.now().plus(UPSTREAM_WITHIN));
        let mut upstream =
            connect(&served.config().upstream, &settings, deadline).await.map_err(|error| {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "no connection to the protected database"
                );
                deny::upstream(&error)
            })?;
        served.catalog().load(true).await;
        let mut facts = learn(&mut upstream, served).await?;
        for (name, value) in &wanted.judged {
            upstream.wire = settings::set(served, principal, &facts, upstream.wire, (name, value)).await?;
            facts = learn(&mut upstream, served).await?;
        }
        Ok((upstream, facts))
    }
}

/// What names mean in a new session.
async fn learn(upstream: &mut Upstream, served: &Served) -> Result<Facts, Complaint<'static>> {
    let answer = control::ask(&mut upstream.wire, MEANING_QUESTION, ANSWER_MAX).await;
    let meaning = answer.ok().and_then(|answer| {
        let row: Vec<Option<&[u8]>> = answer.rows.first()?.iter().map(Option::as_deref).collect();
        parse_meaning(&row).map(|told| told.meaning)
    });
    let meaning = meaning.ok_or_else(explain::lost_server)?;
    Ok(Facts { catalog: served.catalog().current(), meaning: Arc::new(meaning) })
}
