//! May the upstream ask the agent for this? Sampling, elicitation and roots are judged like any other action.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{Digest, Obligation, Outcome, Principal, Status};
use countersign_gate::{Forward, Forwarded, Permit, Ticket, Verdict};
use serde_json::json;

use crate::codec::{Incoming, Kept, Malformed, Message, View, error, reframe, result, scan};
use crate::decode::draft;
use crate::explain::{self, DENIED, INVALID_REQUEST, METHOD_NOT_FOUND, PENDING, UPSTREAM};
use crate::session::{Era, Session};
use crate::upstream::Sink;

/// Judges a request of the upstream in a task of its own and answers it.
pub(crate) fn judge(session: Arc<Session>, message: &Incoming, near: Option<Sink>) {
    let text = message.text().to_owned();
    tokio::spawn(async move {
        let answer = answer(&session, text, near).await;
        if let Err(error) = session.tell(answer).await {
            tracing::debug!(%error, "the upstream's request could not be answered");
        }
    });
}

async fn answer(session: &Arc<Session>, text: String, near: Option<Sink>) -> String {
    let message = match Message::parse(text.into_bytes()) {
        Ok(message) => Arc::new(message),
        Err(malformed) => return error("null", INVALID_REQUEST, &malformed.to_string(), None),
    };
    let id = message.id().unwrap_or("null").to_owned();
    if message.method() == "ping" {
        return result(&id, &json!({}));
    }
    if session.era == Era::Stateless {
        return error(&id, METHOD_NOT_FOUND, "servers send no requests in this protocol version", None);
    }
    let served = &session.served;
    let drafted = draft(&served.config.resource, session.principal(), &served.rules, &message, None, None);
    let Ok(drafted) = drafted else {
        return error(&id, DENIED, "the request has too many effects", Some(json!({ "code": "too_large" })));
    };
    let forward = ToAgent { session: Arc::clone(session), message, near };
    match served.gate.pass(drafted, forward).await {
        Verdict::Ran { result, .. } => reframe(&id, &result)
            .unwrap_or_else(|| error(&id, DENIED, "no answer", Some(json!({ "code": "outcome_unknown" })))),
        Verdict::Denied { reason, .. } => {
            error(&id, DENIED, &reason.text, Some(json!({ "code": reason.code.word() })))
        }
        Verdict::Pending(ticket) => {
            let data = json!({ "code": "pending", "review": ticket.review });
            error(&id, PENDING, "waiting for approval", Some(data))
        }
    }
}

/// Takes what the upstream answered before the agent sees any of it: notes the task that it made, and judges what it
/// asks the agent for. `Some` is the answer that the agent gets instead.
pub(crate) async fn admit(
    session: &Arc<Session>,
    principal: &Principal,
    id: &str,
    kept: &[u8],
) -> Option<String> {
    let garbage = |malformed: Malformed| Some(error(id, UPSTREAM, &malformed.to_string(), None));
    let kept = match Kept::read(kept) {
        Ok(kept) => kept,
        Err(malformed) => return garbage(malformed),
    };
    if let Some(task) = &kept.task {
        session.served.tasks.relayed.note(principal.agent, task);
    }
    let result = kept.result.filter(|_| kept.wants_input())?;
    let nodes = match scan(result) {
        Ok(nodes) => nodes,
        Err(malformed) => return garbage(malformed),
    };
    let root = View::root(result, &nodes);
    let requests: Vec<String> =
        root.get("inputRequests").map(|all| all.children().map(as_message).collect()).unwrap_or_default();
    for request in requests {
        let message = match Message::parse(request.into_bytes()) {
            Ok(message) => message,
            Err(malformed) => return garbage(malformed),
        };
        let served = &session.served;
        let drafted = draft(&served.config.resource, principal.clone(), &served.rules, &message, None, None);
        let Ok(drafted) = drafted else {
            return Some(error(id, DENIED, "the request has too many effects", None));
        };
        let shown = Shown { hold: served.hold(session.client()) };
        match served.gate.pass(drafted, shown).await {
            Verdict::Ran { .. } => {}
            refused => return Some(explain::input_refused(&refused, id, message.method())),
        }
    }
    None
}

/// An input request as the message that it would have been in earlier versions.
fn as_message(request: View<'_>) -> String {
    let part = |name| request.get(name).map_or("null", |part| part.raw());
    let params = request.get("params").map_or("{}", |params| params.raw());
    format!(r#"{{"jsonrpc":"2.0","id":0,"method":{},"params":{params}}}"#, part("method"))
}

/// A permitted input request reaches the agent within the answer that carries it.
struct Shown {
    hold: Duration,
}

impl Forward for Shown {
    fn hold(&self) -> Duration {
        self.hold
    }

    fn held(&self, _: &Ticket) {}

    fn performs(&self, obligation: &Obligation) -> bool {
        *obligation == Obligation::Record
    }

    fn facts(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        drop(permit);
        let outcome =
            Outcome { status: Status::Executed, result: None, rows: None, duration_us: 0, note: None };
        Forwarded { outcome, result: Bytes::from_static(b"{\"result\":{}}") }
    }
}

/// Hands a permitted request of the upstream to the agent and brings back its answer.
struct ToAgent {
    session: Arc<Session>,
    message: Arc<Message>,
    near: Option<Sink>,
}

impl Forward for ToAgent {
    fn hold(&self) -> Duration {
        self.session.served.hold(self.session.client())
    }

    fn held(&self, _: &Ticket) {}

    fn performs(&self, obligation: &Obligation) -> bool {
        *obligation == Obligation::Record
    }

    fn facts(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        let served = &self.session.served;
        let started = served.now();
        let Some(id) = self.message.id() else { return failed("it has no id", 0) };
        let payload = Message::parse(permit.action().payload().to_vec());
        drop(permit);
        // Another sending of the same request may be the one that people saw; only its id is this one's.
        let text = match payload {
            Ok(approved) => match approved.root().get("id") {
                Some(theirs) => approved.replaced(theirs.span(), id),
                None => return failed("the approved bytes have no id", 0),
            },
            Err(error) => return failed(&error.to_string(), 0),
        };
        let answered = self.session.expect(id);
        self.session.send(&text, self.near.as_ref());
        let until = started.plus(served.config.call_timeout);
        let answer = tokio::select! {
            answer = answered => answer.ok(),
            () = served.clock().sleep_until(until) => None,
            () = self.session.until_over() => None,
        };
        self.session.forget(id);
        let duration_us = u64::try_from(served.now().since(started).as_micros()).unwrap_or(u64::MAX);
        let body = |word| answer.as_ref().and_then(|answer| Some((word, answer.root().get(word)?.raw())));
        match body("result").or_else(|| body("error")) {
            Some((word, raw)) => {
                let status = if word == "result" { Status::Executed } else { Status::Failed };
                let result = Some(Digest::of(raw.as_bytes()));
                Forwarded {
                    outcome: Outcome { status, result, rows: None, duration_us, note: None },
                    result: Bytes::from(format!("{{\"{word}\":{raw}}}")),
                }
            }
            None => Forwarded {
                outcome: Outcome { duration_us, ..Outcome::unknown("the agent did not answer") },
                result: Bytes::new(),
            },
        }
    }
}

fn failed(note: &str, duration_us: u64) -> Forwarded {
    let outcome = Outcome {
        status: Status::Failed,
        result: None,
        rows: None,
        duration_us,
        note: Some(note.to_owned()),
    };
    Forwarded { outcome, result: Bytes::new() }
}
