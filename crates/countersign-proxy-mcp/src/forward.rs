//! How does a permitted request get to the upstream? With its permit, once, and with what the answer means for the record.

mod follow;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{Digest, Obligation, Outcome, Status};
use countersign_gate::{Forward, Forwarded, Permit, Ticket};
use tokio::sync::oneshot;

use crate::codec::{Answer, Message};
use crate::decode::DEFINITION_FACT;
use crate::explain;
use crate::session::{CallState, Session};
use crate::upstream::{Event, Route, UpstreamError};
use follow::Follow;

/// Forwards a permitted request to the upstream.
pub(crate) struct ToUpstream {
    pub(crate) session: Arc<Session>,
    pub(crate) message: Arc<Message>,
    pub(crate) state: Arc<CallState>,
    pub(crate) route: Route,
    /// How long the caller waits for people.
    pub(crate) hold: Duration,
    /// Told when the permit is there, just before anything is sent.
    pub(crate) begun: Option<oneshot::Sender<()>>,
    /// Whether a task that the upstream makes of the call is followed to its end.
    pub(crate) follows: bool,
}

impl Forward for ToUpstream {
    fn hold(&self) -> Duration {
        self.hold
    }

    fn held(&self, ticket: &Ticket) {
        if let Some(sink) = self.route.sink.as_ref().filter(|_| !self.hold.is_zero())
            && sink.try_send(Event::Held(ticket.clone())).is_err()
        {
            tracing::debug!("the caller left when its call began to wait");
        }
    }

    fn performs(&self, obligation: &Obligation) -> bool {
        *obligation == Obligation::Record
    }

    fn facts(&self) -> BTreeMap<String, String> {
        if self.message.method() != "tools/call" {
            return BTreeMap::new();
        }
        let name = self.message.name().unwrap_or_default();
        let catalog = &self.session.catalog;
        let tool = catalog.tool(&name).and_then(|tool| tool.facts().definition);
        // While the tools are listed anew nobody knows whether this one is still what people saw.
        let known = catalog.listed_at().is_some();
        let definition = tool.filter(|_| known).unwrap_or_else(|| "not listed".to_owned());
        std::iter::once((DEFINITION_FACT.to_owned(), definition)).collect()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        let clock = Arc::clone(self.session.served.clock());
        let started = clock.now();
        let follow = self.follows.then(|| Follow::of(&self.session, &self.state, &permit));
        let mut answer = self.send(permit).await;
        if let (Some(follow), Ok(made)) = (follow, &answer)
            && let Some(task) = follow::made(made)
        {
            answer = follow.to_the_end(&task).await;
        }
        let duration_us = u64::try_from(clock.now().since(started).as_micros()).unwrap_or(u64::MAX);
        forwarded(answer, duration_us)
    }
}

impl ToUpstream {
    async fn send(self, permit: Permit) -> Result<Answer, UpstreamError> {
        // Nobody may wait for it.
        let _told = self.begun.map(|begun| begun.send(()));
        if self.state.cancelled.is_cancelled() {
            return Err(UpstreamError::NotSent(CANCELLED.to_owned()));
        }
        self.state.sent.get_or_init(|| self.route.id);
        self.session.link()?.call(permit, &self.message, self.route).await
    }
}

/// Why nothing was sent, when the caller took the call back before.
pub(crate) const CANCELLED: &str = "its caller had cancelled it";

/// What the upstream's answer, or its absence, means for the record.
fn forwarded(answer: Result<Answer, UpstreamError>, duration_us: u64) -> Forwarded {
    match answer {
        Ok(answer) => {
            let (status, note) = match (answer.is_error(), answer.is_tool_error()) {
                (true, _) => (Status::Failed, Some("the upstream answered with an error".to_owned())),
                (false, true) => (Status::Failed, Some("the tool reported an error".to_owned())),
                (false, false) => (Status::Executed, None),
            };
            let result = Some(Digest::of(answer.body().as_bytes()));
            Forwarded {
                outcome: Outcome { status, result, rows: None, duration_us, note },
                result: answer.keepable(),
            }
        }
        Err(failure) => {
            let status = if failure.did_nothing() { Status::Failed } else { Status::Unknown };
            let note = Some(failure.to_string());
            let kept = explain::upstream("null", &failure);
            let kept = kept.replacen("\"jsonrpc\":\"2.0\",\"id\":null,", "", 1);
            Forwarded {
                outcome: Outcome { status, result: None, rows: None, duration_us, note },
                result: Bytes::from(kept),
            }
        }
    }
}
