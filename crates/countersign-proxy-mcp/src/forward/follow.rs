//! What became of the task that the upstream made of an approved call? Asked until it has ended, because the call has
//! no other answer and nobody else is there to ask.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Principal, Timestamp};
use countersign_gate::Permit;
use serde_json::json;

use super::CallState;
use crate::codec::{Answer, Incoming, Kept, Kind, Message, View, scan};
use crate::listing::own_meta;
use crate::session::{Era, Session};
use crate::tasks::EXTENSION;
use crate::upstream::{Route, UpstreamError};

/// One question may take this long.
const ASK_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait between two questions, unless the upstream says so, and the bounds of what it may say.
const POLL: Duration = Duration::from_secs(1);
const POLL_LEAST: Duration = Duration::from_millis(100);
const POLL_MOST: Duration = Duration::from_secs(60);
/// A task is followed for this long, unless the upstream says so, and no longer than this whatever it says.
const LIVES: Duration = Duration::from_secs(3600);
const LIVES_MOST: Duration = Duration::from_secs(24 * 3600);

/// Who follows a task of the upstream.
pub(super) struct Follow {
    session: Arc<Session>,
    state: Arc<CallState>,
    principal: Principal,
}

/// A task that the upstream made.
pub(super) struct Made {
    id: String,
    lives: Duration,
}

/// The task that this answer is the handle of.
pub(super) fn made(answer: &Answer) -> Option<Made> {
    let kept = answer.keepable();
    let kept = Kept::read(&kept).ok().filter(|kept| kept.is_handle)?;
    let nodes = scan(kept.result?).ok()?;
    let root = View::root(kept.result?, &nodes);
    let task = root.get("task").filter(|task| task.kind() == Kind::Object).unwrap_or(root);
    let lives = task.get("ttl").or_else(|| task.get("ttlMs")).and_then(millis).unwrap_or(LIVES);
    Some(Made { id: kept.task?, lives: lives.min(LIVES_MOST) })
}

impl Follow {
    pub(super) fn of(session: &Arc<Session>, state: &Arc<CallState>, permit: &Permit) -> Self {
        let principal = permit.action().principal().clone();
        Self { session: Arc::clone(session), state: Arc::clone(state), principal }
    }

    /// The answer of the call that the task stands for.
    pub(super) async fn to_the_end(&self, task: &Made) -> Result<Answer, UpstreamError> {
        let clock = self.session.served.clock();
        let until = clock.now().plus(task.lives);
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = self.state.cancelled.cancelled() => {
                    drop(self.ask("tasks/cancel", task, Some(ASK_TIMEOUT)).await);
                    return Err(UpstreamError::Cancelled);
                }
                () = clock.sleep_until(clock.now().plus(pause)) => {}
            }
            if clock.now() >= until {
                return Err(UpstreamError::Lost("the upstream's task had not ended".to_owned()));
            }
            match self.ask("tasks/get", task, Some(ASK_TIMEOUT)).await {
                Ok(state) if state.is_error() => {
                    return Err(UpstreamError::Lost(
                        "the upstream does not know its task any more".to_owned(),
                    ));
                }
                Ok(state) => match self.ended(task, &state, until).await? {
                    Some(answer) => return Ok(answer),
                    None => pause = poll(&state),
                },
                // The link is over, and with it the upstream's task.
                Err(failure) if failure.did_nothing() && self.session.is_over() => {
                    return Err(UpstreamError::Lost(failure.to_string()));
                }
                Err(failure) => {
                    tracing::debug!(%failure, "the upstream's task could not be asked after");
                    pause = pause.saturating_mul(2).clamp(POLL, POLL_MOST);
                }
            }
        }
    }

    /// The answer, when this state of the task is its last or leads to it.
    async fn ended(
        &self,
        task: &Made,
        state: &Answer,
        until: Timestamp,
    ) -> Result<Option<Answer>, UpstreamError> {
        let nodes = scan(state.body()).map_err(|bad| UpstreamError::Garbage(bad.to_string()))?;
        let root = View::root(state.body(), &nodes);
        let status = root.get("status").and_then(|status| status.string()).unwrap_or_default();
        if status == "working" {
            return Ok(None);
        }
        if self.session.era == Era::Sessions {
            // Also what asks the agent for input comes on this answer's stream; it is judged as ever.
            let left = until.since(self.session.served.now());
            return self.ask("tasks/result", task, Some(left)).await.map(Some);
        }
        let part = |word| {
            root.get(word).map(|part| format!("{{\"jsonrpc\":\"2.0\",\"id\":0,\"{word}\":{}}}", part.raw()))
        };
        let message = match &*status {
            "completed" => part("result"),
            "failed" => part("error"),
            "input_required" => {
                drop(self.ask("tasks/cancel", task, Some(ASK_TIMEOUT)).await);
                let why = "the upstream's task wants input, which a task of the gateway can't carry";
                return Err(UpstreamError::Lost(why.to_owned()));
            }
            other => return Err(UpstreamError::Lost(format!("the upstream's task is `{other}`"))),
        };
        let message = message.and_then(|message| Incoming::parse(message.into_bytes()).ok());
        match message.and_then(Incoming::into_answer) {
            Some(answer) => Ok(Some(answer)),
            None => Err(UpstreamError::Garbage("its task ended without a result".to_owned())),
        }
    }

    async fn ask(
        &self,
        method: &str,
        task: &Made,
        timeout: Option<Duration>,
    ) -> Result<Answer, UpstreamError> {
        let params = match self.session.era {
            Era::Sessions => json!({ "taskId": task.id }),
            Era::Stateless => json!({ "taskId": task.id, "_meta": own_meta(&json!({ EXTENSION: {} })) }),
        };
        let request = json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params });
        let message = Message::parse(request.to_string().into_bytes())
            .map_err(|bad| UpstreamError::NotSent(bad.to_string()))?;
        let link = self.session.link()?;
        let route = Route { id: link.next_id(), timeout, ..Route::default() };
        link.ask(self.session.served.gate.upkeep(&self.principal), &message, route).await
    }
}

fn poll(state: &Answer) -> Duration {
    let said = scan(state.body()).ok().and_then(|nodes| {
        let root = View::root(state.body(), &nodes);
        root.get("pollInterval").or_else(|| root.get("pollIntervalMs")).and_then(millis)
    });
    said.unwrap_or(POLL).clamp(POLL_LEAST, POLL_MOST)
}

fn millis(number: View<'_>) -> Option<Duration> {
    number.raw().parse().ok().map(Duration::from_millis)
}
