//! What becomes of one request of an agent? Decoded here, judged by the gate, forwarded with its permit, explained.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Principal, Reason, ReasonCode};
use countersign_gate::Verdict;
use http::HeaderMap;
use tokio::sync::oneshot;

use crate::catalog::Tool;
use crate::codec::{Answer, Message, error, reframe};
use crate::decode::{Need, ToolFacts, draft, need};
use crate::definitions::Standing;
use crate::explain::{self, Form, INVALID_PARAMS, METHOD_NOT_FOUND, UPSTREAM};
use crate::forward::ToUpstream;
use crate::inbound::admit;
use crate::session::{CallState, Session};
use crate::tasks::{self, Dialect, Wanted};
use crate::upstream::{Route, Sink, UpstreamError};
use crate::{listing, mirror, tools};

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
        if let Some(answer) = tasks::answer(self).await {
            return answer;
        }
        match tasks::listening(self) {
            Ok(None) => self.run_other(state).await,
            Ok(Some(edited)) => self.with(edited).run_other(state).await,
            Err(refused) => refused,
        }
    }

    /// A request that is neither a call of a tool nor about a task of ours.
    async fn run_other(&self, state: &Arc<CallState>) -> String {
        let method = self.message.method();
        let tasks = &self.session.served.tasks.relayed;
        if !tasks.may_name(self.principal.agent, &self.message) {
            return error(self.id(), INVALID_PARAMS, "no such task of yours", None);
        }
        if need(&self.session.served.rules, &self.message) == Need::Judgement {
            return self.told(self.verdict(None, state, Manner::held(&self.session)).await, Form::Rpc).await;
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
        if method == "server/discover"
            && let Some(edited) = tasks::discovered(self.id(), &answer)
        {
            return edited;
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

    /// The same call with another message.
    pub(crate) fn with(&self, message: Message) -> Self {
        Self {
            session: Arc::clone(&self.session),
            principal: self.principal.clone(),
            message: Arc::new(message),
            reason: self.reason.clone(),
            headers: self.headers.clone(),
            sink: self.sink.clone(),
        }
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
        // Who asked for a task reads a tool's result as a broken answer; an error is understood everywhere.
        let form = if self.message.param("task").is_some() { Form::Rpc } else { Form::Tool };
        if tools::is_ours(&name) {
            if form == Form::Rpc && tasks::dialect(&self.session) == Some(Dialect::Sessions) {
                return error(self.id(), METHOD_NOT_FOUND, "this tool is not called as a task", None);
            }
            return tools::answer(&self.session, &self.principal, &self.message, self.id()).await;
        }
        if let Err(failure) = listing::ensure(&self.session, &self.principal).await {
            return failure.explain(self.id());
        }
        let tool = self.session.catalog.tool(&name);
        if let Some(tool) = &tool {
            if let Some(refused) = self.not_accepted(tool, form).await {
                return refused;
            }
            let headers = self.headers.as_ref();
            if let Some(mismatch) = headers.and_then(|all| mirror::parameters(all, &self.message, tool)) {
                return error(self.id(), mirror::MISMATCH, &mismatch, None);
            }
        }
        match tasks::wanted(&self.session, &self.message, tool.as_deref()) {
            Wanted::Answer => {
                let verdict = self.verdict(Some(tool), state, Manner::held(&self.session)).await;
                self.told(verdict, form).await
            }
            Wanted::AnswerOrTask(dialect) => match self.verdict(Some(tool), state, Manner::AT_ONCE).await {
                Verdict::Pending(ticket) => tasks::held(self, &ticket, dialect),
                verdict => self.told(verdict, form).await,
            },
            Wanted::Task(plain, ttl) => tasks::host(self.with(plain), tool, ttl).await,
            Wanted::Malformed(why) => error(self.id(), INVALID_PARAMS, &why, None),
        }
    }

    /// The answer when people have not accepted the tool's definition.
    async fn not_accepted(&self, tool: &Tool, form: Form) -> Option<String> {
        let served = &self.session.served;
        if !matches!(served.definitions.standing(tool), Standing::Accepted) {
            served.definitions.ask_if_changed(tool, &served.gate, &self.principal);
        }
        let mut asked = match served.definitions.standing(tool) {
            Standing::Accepted => return None,
            Standing::Asked(asked) => asked,
            Standing::NotAccepted => {
                return Some(explain::not_accepted(self.id(), &tool.name, None, form));
            }
        };
        let until = served.now().plus(TICKET_TIMEOUT);
        let ticket = tokio::select! {
            ticket = asked.wait_for(Option::is_some) => ticket.ok().and_then(|ticket| ticket.clone()),
            () = served.clock().sleep_until(until) => None,
        };
        Some(explain::not_accepted(self.id(), &tool.name, ticket.as_ref(), form))
    }

    /// Asks the gate. `tool` is set for calls of tools; its inner value is missing for tools that are not listed.
    pub(crate) async fn verdict(
        &self,
        tool: Option<Option<Arc<Tool>>>,
        state: &Arc<CallState>,
        manner: Manner,
    ) -> Verdict {
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
        match drafted {
            Ok(draft) => {
                let forward = self.forward(tool.flatten().as_deref(), state, manner);
                served.gate.pass(draft, forward).await
            }
            Err(many) => {
                Verdict::Denied { reason: Reason::new(ReasonCode::TooLarge, many.to_string()), review: None }
            }
        }
    }

    /// The verdict in the protocol's words.
    async fn told(&self, verdict: Verdict, form: Form) -> String {
        if let Verdict::Ran { result, .. } = &verdict
            && let Some(refused) = self.refused_after(result).await
        {
            return refused;
        }
        explain::verdict(&verdict, self.id(), form, self.session.served.now())
    }

    /// The answer when what the upstream answered may not reach the agent.
    async fn refused_after(&self, kept: &[u8]) -> Option<String> {
        admit(&self.session, &self.principal, self.id(), kept).await
    }

    fn forward(&self, tool: Option<&Tool>, state: &Arc<CallState>, manner: Manner) -> ToUpstream {
        let header_parameters = tool.map(|tool| tool.header_parameters.clone()).unwrap_or_default();
        let timeout = Some(self.session.served.config.call_timeout)
            .filter(|_| self.message.method() != "subscriptions/listen");
        let link_id = self.session.link().map_or(0, crate::upstream::Link::next_id);
        ToUpstream {
            session: Arc::clone(&self.session),
            message: Arc::clone(&self.message),
            state: Arc::clone(state),
            route: self.route(link_id, timeout, header_parameters),
            hold: manner.hold,
            begun: manner.begun,
            follows: false,
        }
    }
}

/// How one call waits.
#[derive(Debug)]
pub(crate) struct Manner {
    /// How long its connection is held while people decide.
    pub(crate) hold: Duration,
    /// Told when it begins to run.
    pub(crate) begun: Option<oneshot::Sender<()>>,
}

impl Manner {
    /// Not at all.
    pub(crate) const AT_ONCE: Self = Self { hold: Duration::ZERO, begun: None };

    /// As long as the resource holds calls of this client.
    fn held(session: &Session) -> Self {
        Self { hold: session.served.hold(session.client()), begun: None }
    }
}
