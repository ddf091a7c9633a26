//! What becomes of one request of an agent? Decoded here, judged by the gate, forwarded with its permit, explained.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{Digest, Obligation, Outcome, Principal, Reason, ReasonCode, Status};
use countersign_gate::{Forward, Forwarded, Permit, Ticket, Verdict};
use http::HeaderMap;

use crate::catalog::Tool;
use crate::codec::{Answer, Message, error, reframe};
use crate::decode::{DEFINITION_FACT, Need, ToolFacts, draft, need};
use crate::definitions::Standing;
use crate::explain::{self, Form, INVALID_PARAMS, UPSTREAM};
use crate::inbound::admit;
use crate::mirror;
use crate::session::{CallState, Session};
use crate::upstream::{Event, Route, Sink, UpstreamError};
use crate::{listing, tools};

/// How long an upkeep request may take.
const UPKEEP_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a call waits to learn the number of the review that its tool waits for.
const TICKET_TIMEOUT: Duration = Duration::from_secs(2);

/// One request of an agent.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) session: Arc<Session>,
    pub(crate) principal: Principal,
    pub(crate) message: Arc<Message>,
    /// What the caller says about why, from its header.
    pub(crate) reason: Option<String>,
    /// The request's headers, when the version demands that some repeat the body.
    pub(crate) headers: Option<HeaderMap>,
    /// Where its events go.
    pub(crate) sink: Sink,
}

impl Call {
    /// The JSON-RPC answer. `None` when the caller cancelled it.
    pub(crate) async fn answer(self) -> Option<String> {
        let underway = self.session.begin(self.id());
        let cancelled = underway.state.cancelled.clone();
        let answer = tokio::select! {
            biased;
            () = cancelled.cancelled() => return None,
            answer = self.run(&underway.state) => answer,
        };
        underway.done();
        Some(answer)
    }

    pub(crate) fn id(&self) -> &str {
        self.message.id().unwrap_or("null")
    }

    async fn run(&self, state: &Arc<CallState>) -> String {
        let method = self.message.method();
        if method == "tools/call" {
            return self.call_tool(state).await;
        }
        let tasks = &self.session.served.tasks;
        if !tasks.may_name(self.principal.agent, &self.message) {
            return error(self.id(), INVALID_PARAMS, "no such task of yours", None);
        }
        if need(&self.session.served.rules, &self.message) == Need::Judgement {
            return self.pass(None, state, Form::Rpc).await;
        }
        if method == "tools/list"
            && let Err(failure) = listing::ensure(&self.session, &self.principal).await
        {
            return failure.explain(self.id());
        }
        let answer = match self.relay(state).await {
            Ok(answer) => answer,
            Err(failure) => return explain::upstream(self.id(), &failure),
        };
        if method == "tools/list" {
            return listing::edit(&self.session, &self.principal, self.id(), &answer);
        }
        if method == "tasks/list" {
            let page = tasks.own_page(self.principal.agent, self.id(), &answer);
            return page.unwrap_or_else(|bad| error(self.id(), UPSTREAM, &bad.to_string(), None));
        }
        let kept = answer.keepable();
        if let Some(refused) = self.refused_after(&kept).await {
            return refused;
        }
        reframe(self.id(), &kept).unwrap_or_default()
    }

    /// Sends an upkeep request and brings back its answer as it is.
    pub(crate) async fn relay(&self, state: &CallState) -> Result<Answer, UpstreamError> {
        let link = self.session.link()?;
        let long_lived = self.message.method() == "subscriptions/listen";
        let route = self.route(link.next_id(), (!long_lived).then_some(UPKEEP_TIMEOUT), Vec::new());
        state.sent.get_or_init(|| route.id);
        link.ask(self.session.served.gate.upkeep(&self.principal), &self.message, route).await
    }

    fn route(&self, id: u64, timeout: Option<Duration>, headers: Vec<(String, Vec<String>)>) -> Route {
        Route {
            id,
            agent_id: self.message.id().map(str::to_owned),
            token: self.message.token().map(str::to_owned),
            sink: Some(self.sink.clone()),
            timeout,
            header_parameters: headers,
        }
    }

    async fn call_tool(&self, state: &Arc<CallState>) -> String {
        let Some(name) = self.message.name() else {
            return error(self.id(), INVALID_PARAMS, "`params.name` is not a string", None);
        };
        if tools::is_ours(&name) {
            return tools::answer(&self.session, &self.principal, &self.message, self.id()).await;
        }
        if let Err(failure) = listing::ensure(&self.session, &self.principal).await {
            return failure.explain(self.id());
        }
        let tool = self.session.catalog.tool(&name);
        if let Some(tool) = &tool {
            if let Some(refused) = self.not_accepted(tool).await {
                return refused;
            }
            let headers = self.headers.as_ref();
            if let Some(mismatch) = headers.and_then(|all| mirror::parameters(all, &self.message, tool)) {
                return error(self.id(), mirror::MISMATCH, &mismatch, None);
            }
        }
        // Who asked for a task reads a tool's result as a broken answer; an error is understood everywhere.
        let form = if self.message.param("task").is_some() { Form::Rpc } else { Form::Tool };
        self.pass(Some(tool), state, form).await
    }

    /// The answer when people have not accepted the tool's definition.
    async fn not_accepted(&self, tool: &Tool) -> Option<String> {
        let served = &self.session.served;
        if !matches!(served.definitions.standing(tool), Standing::Accepted) {
            served.definitions.ask_if_changed(tool, &served.gate, &self.principal);
        }
        let mut asked = match served.definitions.standing(tool) {
            Standing::Accepted => return None,
            Standing::Asked(asked) => asked,
            Standing::NotAccepted => return Some(explain::not_accepted(self.id(), &tool.name, None)),
        };
        let until = served.now().plus(TICKET_TIMEOUT);
        let ticket = tokio::select! {
            ticket = asked.wait_for(Option::is_some) => ticket.ok().and_then(|ticket| ticket.clone()),
            () = served.clock().sleep_until(until) => None,
        };
        Some(explain::not_accepted(self.id(), &tool.name, ticket.as_ref()))
    }

    /// Asks the gate. `tool` is set for calls of tools; its inner value is missing for tools that are not listed.
    async fn pass(&self, tool: Option<Option<Arc<Tool>>>, state: &Arc<CallState>, form: Form) -> String {
        let served = &self.session.served;
        let facts =
            tool.as_ref().map(|tool| tool.as_ref().map_or_else(ToolFacts::default, |tool| tool.facts()));
        let drafted = draft(
            &served.config.resource,
            self.principal.clone(),
            &served.rules,
            &self.message,
            facts.as_ref(),
            self.reason.clone(),
        );
        let verdict = match drafted {
            Ok(draft) => served.gate.pass(draft, self.forward(tool.flatten().as_deref(), state)).await,
            Err(many) => {
                Verdict::Denied { reason: Reason::new(ReasonCode::TooLarge, many.to_string()), review: None }
            }
        };
        if let Verdict::Ran { result, .. } = &verdict
            && let Some(refused) = self.refused_after(result).await
        {
            return refused;
        }
        explain::verdict(&verdict, self.id(), form, served.now())
    }

    /// The answer when what the upstream answered may not reach the agent.
    async fn refused_after(&self, kept: &[u8]) -> Option<String> {
        admit(&self.session, &self.principal, self.id(), kept).await
    }

    fn forward(&self, tool: Option<&Tool>, state: &Arc<CallState>) -> ToUpstream {
        let header_parameters = tool.map(|tool| tool.header_parameters.clone()).unwrap_or_default();
        let timeout = Some(self.session.served.config.call_timeout)
            .filter(|_| self.message.method() != "subscriptions/listen");
        let link_id = self.session.link().map_or(0, crate::upstream::Link::next_id);
        ToUpstream {
            session: Arc::clone(&self.session),
            message: Arc::clone(&self.message),
            names_tool: self.message.method() == "tools/call",
            state: Arc::clone(state),
            route: self.route(link_id, timeout, header_parameters),
        }
    }
}

/// Forwards a permitted request to the upstream.
struct ToUpstream {
    session: Arc<Session>,
    message: Arc<Message>,
    names_tool: bool,
    state: Arc<CallState>,
    route: Route,
}

impl Forward for ToUpstream {
    fn hold(&self) -> Duration {
        self.session.served.hold(self.session.client())
    }

    fn held(&self, ticket: &Ticket) {
        if let Some(sink) = &self.route.sink
            && sink.try_send(Event::Held(ticket.clone())).is_err()
        {
            tracing::debug!("the caller left when its call began to wait");
        }
    }

    fn performs(&self, obligation: &Obligation) -> bool {
        *obligation == Obligation::Record
    }

    fn facts(&self) -> BTreeMap<String, String> {
        if !self.names_tool {
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
        let answer = self.send(permit).await;
        let duration_us = u64::try_from(clock.now().since(started).as_micros()).unwrap_or(u64::MAX);
        forwarded(answer, duration_us)
    }
}

impl ToUpstream {
    async fn send(self, permit: Permit) -> Result<Answer, UpstreamError> {
        if self.state.cancelled.is_cancelled() {
            return Err(UpstreamError::NotSent("its caller had cancelled it".to_owned()));
        }
        self.state.sent.get_or_init(|| self.route.id);
        self.session.link()?.call(permit, &self.message, self.route).await
    }
}

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
            Forwarded { outcome: Outcome { status, result, duration_us, note }, result: answer.keepable() }
        }
        Err(failure) => {
            let status = if failure.did_nothing() { Status::Failed } else { Status::Unknown };
            let note = Some(failure.to_string());
            let kept = explain::upstream("null", &failure);
            let kept = kept.replacen("\"jsonrpc\":\"2.0\",\"id\":null,", "", 1);
            Forwarded {
                outcome: Outcome { status, result: None, duration_us, note },
                result: Bytes::from(kept),
            }
        }
    }
}
