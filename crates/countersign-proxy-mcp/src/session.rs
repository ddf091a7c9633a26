//! Who is connected to what? One agent's session with its own upstream link; nothing is shared between agents.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use countersign_core::{AgentId, Principal, Timestamp};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::codec::{Incoming, Message};
use crate::outbox::Outbox;
use crate::served::Served;
use crate::upstream::{Event, Inbound, Link, Sink, UpstreamError};

/// Which family of protocol versions the session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2025-06-18 and 2025-11-25: opened by `initialize`.
    Sessions,
    /// 2026-07-28: every request stands alone; the session only holds the link.
    Stateless,
}

/// What the upstream said at `initialize`.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The version spoken from then on.
    pub(crate) version: String,
    /// Whether it has tools.
    pub(crate) has_tools: bool,
    /// Whether it makes tasks of calls.
    pub(crate) makes_tasks: bool,
}

/// One agent's connection to one upstream.
pub(crate) struct Session {
    me: Weak<Self>,
    pub(crate) id: String,
    pub(crate) agent: AgentId,
    pub(crate) era: Era,
    pub(crate) served: Arc<Served>,
    pub(crate) catalog: Catalog,
    /// Messages to the agent that answer no request.
    pub(crate) outbox: Outbox,
    link: OnceLock<Link>,
    client: OnceLock<String>,
    settled: OnceLock<Settled>,
    principal: Mutex<Principal>,
    over: CancellationToken,
    /// Requests of the upstream that wait for the agent's answer, by id.
    asked: Mutex<HashMap<String, oneshot::Sender<Message>>>,
    /// Requests of the agent that are under way, by id.
    calls: Mutex<HashMap<String, Arc<CallState>>>,
    last_used: AtomicI64,
    busy: AtomicUsize,
}

/// What can still be done about a request that is under way.
#[derive(Debug, Default)]
pub(crate) struct CallState {
    /// The agent took it back.
    pub(crate) cancelled: CancellationToken,
    /// Its id on the link, once it was sent.
    pub(crate) sent: OnceLock<u64>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("agent", &self.agent).field("era", &self.era).finish_non_exhaustive()
    }
}

impl Session {
    /// A session with its link started.
    pub(crate) fn start(
        id: String,
        era: Era,
        served: Arc<Served>,
        principal: Principal,
    ) -> Result<Arc<Self>, UpstreamError> {
        let now = served.now();
        let session = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            id,
            agent: principal.agent,
            era,
            served,
            catalog: Catalog::default(),
            outbox: Outbox::default(),
            link: OnceLock::new(),
            client: OnceLock::new(),
            settled: OnceLock::new(),
            principal: Mutex::new(principal),
            over: CancellationToken::new(),
            asked: Mutex::default(),
            calls: Mutex::default(),
            last_used: AtomicI64::new(now.as_micros()),
            busy: AtomicUsize::new(0),
        });
        let served = &session.served;
        let inbound = session.me.clone();
        let link = Link::start(&served.config, &served.http, Arc::clone(served.clock()), inbound)?;
        session.link.get_or_init(|| link);
        Ok(session)
    }

    /// The way to the upstream.
    pub(crate) fn link(&self) -> Result<&Link, UpstreamError> {
        self.link.get().ok_or_else(|| UpstreamError::NotSent("the session has no link".to_owned()))
    }

    /// Claimed name of the client program.
    pub(crate) fn client(&self) -> Option<&str> {
        self.client.get().map(String::as_str)
    }

    pub(crate) fn name_client(&self, client: String) {
        self.client.get_or_init(|| client);
    }

    /// Notes what `initialize` settled.
    pub(crate) fn settle(&self, settled: Settled) {
        self.settled.get_or_init(|| settled);
    }

    /// What `initialize` settled; nothing for sessions without it.
    pub(crate) fn settled(&self) -> Option<&Settled> {
        self.settled.get()
    }

    /// The principal as last seen.
    pub(crate) fn principal(&self) -> Principal {
        lock(&self.principal).clone()
    }

    /// Notes a request of this session.
    pub(crate) fn touch(&self, principal: &Principal, now: Timestamp) {
        self.last_used.store(now.as_micros(), Ordering::Relaxed);
        let mut seen = lock(&self.principal);
        if *seen != *principal {
            *seen = principal.clone();
        }
    }

    /// Keeps the session from idling out as long as the guard lives.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Whether nothing happened for the configured time.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        self.unused_for(now).is_some_and(|unused| unused >= self.served.config.session_idle)
    }

    /// How long nobody used it; `None` while it is in use.
    pub(crate) fn unused_for(&self, now: Timestamp) -> Option<Duration> {
        let last = Timestamp::from_micros(self.last_used.load(Ordering::Relaxed));
        (self.busy.load(Ordering::Relaxed) == 0).then(|| now.since(last))
    }

    /// Whether the link is over.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Completes when the link is over.
    pub(crate) async fn until_over(&self) {
        self.over.cancelled().await;
    }

    /// Nothing new begins on it. What runs keeps its link, which ends with the last who holds the session.
    pub(crate) fn end(&self) {
        self.over.cancel();
        self.outbox.close();
    }

    /// Notes a request of the agent, so that it can be cancelled.
    pub(crate) fn begin(self: &Arc<Self>, id: &str) -> Underway {
        let state = Arc::new(CallState::default());
        lock(&self.calls).insert(id.to_owned(), Arc::clone(&state));
        Underway { session: Arc::clone(self), id: id.to_owned(), state, done: false, _busy: self.busy() }
    }

    /// The agent takes back a request.
    pub(crate) fn cancel(self: &Arc<Self>, id: &str) {
        let state = lock(&self.calls).get(id).cloned();
        if let Some(state) = state {
            self.take_back(&state);
        }
    }

    /// A request is no longer wanted: it is not sent any more, or the upstream hears that it is cancelled.
    pub(crate) fn take_back(self: &Arc<Self>, state: &CallState) {
        state.cancelled.cancel();
        if let Some(sent) = state.sent.get().copied() {
            let session = Arc::clone(self);
            tokio::spawn(async move {
                let permit = session.served.gate.upkeep(&session.principal());
                if let Ok(link) = session.link() {
                    link.cancel(permit, sent).await;
                }
            });
        }
    }

    /// Waits for the agent's answer to a request of the upstream.
    pub(crate) fn expect(&self, id: &str) -> oneshot::Receiver<Message> {
        let (answer, answered) = oneshot::channel();
        lock(&self.asked).insert(id.to_owned(), answer);
        answered
    }

    pub(crate) fn forget(&self, id: &str) {
        lock(&self.asked).remove(id);
    }

    /// Takes the agent's answer to a request of the upstream. An answer that nobody asked for goes nowhere.
    pub(crate) fn answered(&self, message: Message) {
        let waiting = message.id().and_then(|id| lock(&self.asked).remove(id));
        let taken = waiting.is_some_and(|waiting| waiting.send(message).is_ok());
        if !taken {
            tracing::debug!("an answer came from the agent that nobody waits for");
        }
    }

    /// Sends a message to the agent: on the response stream it belongs to, or on the session's own.
    pub(crate) fn send(&self, text: &str, near: Option<&Sink>) {
        let on_stream = near.is_some_and(|sink| sink.try_send(Event::Message(text.to_owned())).is_ok());
        if !on_stream && self.era == Era::Sessions {
            self.outbox.push(text);
        }
    }

    /// Sends a message that answers the upstream or tells it something.
    pub(crate) async fn tell(&self, text: String) -> Result<(), UpstreamError> {
        let permit = self.served.gate.upkeep(&self.principal());
        self.link()?.tell(permit, text).await
    }
}

impl Inbound for Session {
    fn take(&self, message: Incoming, near: Option<&Sink>) {
        if message.id().is_some() {
            if let Some(me) = self.me.upgrade() {
                crate::inbound::judge(me, &message, near.cloned());
            }
            return;
        }
        if message.method().as_deref() == Some("notifications/tools/list_changed")
            && let Some(me) = self.me.upgrade()
        {
            crate::listing::again(me);
        }
        self.send(message.text(), near);
    }

    fn ended(&self, why: &str) {
        tracing::debug!(why, "the link to the upstream is over");
        self.end();
    }
}

/// A request that is under way; forgotten when dropped.
#[derive(Debug)]
pub(crate) struct Underway {
    session: Arc<Session>,
    id: String,
    pub(crate) state: Arc<CallState>,
    done: bool,
    _busy: Busy,
}

impl Underway {
    /// It has its answer.
    pub(crate) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut calls = lock(&self.session.calls);
        if calls.get(&self.id).is_some_and(|state| Arc::ptr_eq(state, &self.state)) {
            calls.remove(&self.id);
        }
        drop(calls);
        // Closing the stream is a cancel there, and nothing else says so.
        if self.session.era == Era::Stateless && !self.done {
            self.session.take_back(&self.state);
        }
    }
}

/// Keeps a session from idling out.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Session>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        self.0.last_used.store(self.0.served.now().as_micros(), Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
