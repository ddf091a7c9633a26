//! Who keeps the task of a call that policy allowed, when the upstream makes none? The gateway, in memory, for a while:
//! it runs the call as ever and keeps its answer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use countersign_core::{AgentId, ReasonCode, Timestamp};
use countersign_gate::Verdict;
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::Dialect;
use super::form::{Known, Standing};
use crate::call::{Call, Manner};
use crate::catalog::Tool;
use crate::codec::error;
use crate::explain::{self, DENIED, Form};
use crate::session::{CallState, Session};

/// Tasks of one agent on one resource. With as many that have not ended, no further call becomes a task.
const PER_AGENT_MAX: usize = 100;
/// How long a task is kept unless its client asks for less or more, and at most.
const LIVES: Duration = Duration::from_secs(15 * 60);
const LIVES_MOST: Duration = Duration::from_secs(3600);
/// What an id begins with; review ids begin otherwise.
const PREFIX: &str = "tsk_";

/// One call that runs, or ran, as a task.
#[derive(Debug)]
pub(super) struct Task {
    id: String,
    created: Timestamp,
    lives: Duration,
    state: Arc<CallState>,
    session: Weak<Session>,
    /// Its caller cancelled it.
    pub(super) abandoned: CancellationToken,
    end: watch::Receiver<Option<Ended>>,
}

#[derive(Debug, Clone)]
struct Ended {
    at: Timestamp,
    verdict: Verdict,
}

impl Ended {
    fn bytes(&self) -> usize {
        match &self.verdict {
            Verdict::Ran { result, .. } => result.len(),
            Verdict::Denied { .. } | Verdict::Pending(_) => 0,
        }
    }
}

impl Task {
    pub(super) fn known(&self) -> Known {
        let ended = self.end.borrow().clone();
        let updated = ended.as_ref().map_or(self.created, |ended| ended.at);
        let standing = match ended {
            _ if self.abandoned.is_cancelled() => Standing::Abandoned,
            Some(ended) => Standing::Ended(ended.verdict),
            None => Standing::Working("it is running".to_owned()),
        };
        Known { id: self.id.clone(), created: self.created, updated, lives: self.lives, standing }
    }

    /// Waits for the end of the call.
    pub(super) async fn ended(&self) -> Option<Verdict> {
        let mut end = self.end.clone();
        let ended = end.wait_for(Option::is_some).await.ok()?;
        ended.clone().map(|ended| ended.verdict)
    }

    /// The call is no longer wanted.
    pub(super) fn abandon(&self) {
        self.abandoned.cancel();
        match self.session.upgrade() {
            Some(session) => session.take_back(&self.state),
            None => self.state.cancelled.cancel(),
        }
    }

    /// The bytes of its answer; `None` while it runs.
    fn kept(&self) -> Option<usize> {
        self.end.borrow().as_ref().map(Ended::bytes)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.kept().is_some() && now >= self.created.plus(self.lives)
    }
}

/// The tasks of every agent on one resource, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Hosted(Mutex<HashMap<AgentId, VecDeque<Arc<Task>>>>);

impl Hosted {
    fn all(&self) -> MutexGuard<'_, HashMap<AgentId, VecDeque<Arc<Task>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent's own tasks, oldest first.
    pub(super) fn own(&self, agent: AgentId, now: Timestamp) -> Vec<Arc<Task>> {
        let mut all = self.all();
        let Some(own) = all.get_mut(&agent) else { return Vec::new() };
        own.retain(|task| !task.is_over(now));
        own.iter().cloned().collect()
    }

    pub(super) fn find(&self, agent: AgentId, id: &str, now: Timestamp) -> Option<Arc<Task>> {
        self.own(agent, now).into_iter().find(|task| task.id == id)
    }

    /// Whether the agent may have one more.
    fn has_room(&self, agent: AgentId, now: Timestamp) -> bool {
        self.own(agent, now).iter().filter(|task| task.kept().is_none()).count() < PER_AGENT_MAX
    }

    fn insert(&self, agent: AgentId, task: Arc<Task>) {
        self.all().entry(agent).or_default().push_back(task);
    }

    /// Forgets the oldest ended tasks of the agent until the others, and their answers, are within bounds. The newest
    /// one stays whatever it weighs: the upstream's answers have a bound of their own.
    fn trim(&self, agent: AgentId, bytes_max: usize) {
        let mut all = self.all();
        let Some(own) = all.get_mut(&agent) else { return };
        let mut bytes: usize = own.iter().filter_map(|task| task.kept()).sum();
        while own.len() > PER_AGENT_MAX || (bytes > bytes_max && own.len() > 1) {
            let Some(oldest) = own.iter().position(|task| task.kept().is_some()) else { return };
            let dropped = own.remove(oldest).and_then(|task| task.kept());
            bytes = bytes.saturating_sub(dropped.unwrap_or_default());
        }
    }
}

/// Answers a call whose client wants a task that the upstream does not make. The call goes through the gate in the
/// background: it runs, is refused, or is held, and is answered as soon as that is known.
pub(crate) async fn host(call: Call, tool: Option<Arc<Tool>>, ttl: Option<Duration>) -> String {
    let session = Arc::clone(&call.session);
    let served = Arc::clone(&session.served);
    let (agent, id, now) = (session.agent, call.id().to_owned(), served.now());
    if !served.tasks.hosted.has_room(agent, now) {
        let text =
            format!("not executed: {PER_AGENT_MAX} of your tasks have not ended; wait for one of them");
        return error(&id, DENIED, &text, Some(json!({ "code": "too_many_tasks" })));
    }
    let state = Arc::new(CallState::default());
    let (begin, mut begun) = oneshot::channel();
    let (show, end) = watch::channel(None);
    let call = Arc::new(call);
    let mut running = tokio::spawn(run(Arc::clone(&call), tool, Arc::clone(&state), begin, show));
    let verdict = tokio::select! {
        biased;
        Ok(()) = &mut begun => None,
        verdict = &mut running => Some(verdict),
    };
    match verdict {
        Some(Ok(Verdict::Pending(ticket))) => super::held(&call, &ticket, Dialect::Sessions),
        Some(Ok(refused @ Verdict::Denied { .. })) => explain::verdict(&refused, &id, Form::Rpc, now),
        // It runs, or ran so fast that its end came first.
        None | Some(Ok(Verdict::Ran { .. })) => {
            let lives = ttl.unwrap_or(LIVES).min(LIVES_MOST);
            let task = Task {
                id: mint(&session),
                created: now,
                lives,
                state,
                session: Arc::downgrade(&session),
                abandoned: CancellationToken::new(),
                end,
            };
            let mut told = task.known();
            told.standing = Standing::Working("it is running".to_owned());
            served.tasks.hosted.insert(agent, Arc::new(task));
            told.created(&id, Dialect::Sessions, None)
        }
        Some(Err(_panicked)) => {
            let data = json!({ "code": ReasonCode::StoreUnavailable.word() });
            error(&id, DENIED, "the gateway failed in the middle of it", Some(data))
        }
    }
}

/// Takes the call through the gate, whatever becomes of its caller.
async fn run(
    call: Arc<Call>,
    tool: Option<Arc<Tool>>,
    state: Arc<CallState>,
    begin: oneshot::Sender<()>,
    show: watch::Sender<Option<Ended>>,
) -> Verdict {
    let _busy = call.session.busy();
    let manner = Manner { hold: Duration::ZERO, begun: Some(begin) };
    let verdict = call.verdict(Some(tool), &state, manner).await;
    let served = &call.session.served;
    show.send_replace(Some(Ended { at: served.now(), verdict: verdict.clone() }));
    served.tasks.hosted.trim(call.session.agent, served.config.max_answer_bytes.saturating_mul(2));
    verdict
}

fn mint(session: &Session) -> String {
    let mut random = [0_u8; 16];
    session.served.gate.entropy().fill(&mut random);
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{digits}")
}
