//! How is a verdict told in MCP's words? So that a model understands what ran, what did not, and how to go on.

use countersign_core::{Reason, ReviewId, Status, Timestamp, span_text};
use countersign_gate::{Ticket, Verdict};
use serde_json::{Value, json};

use crate::codec::{error, reframe, result};
use crate::upstream::UpstreamError;

/// JSON-RPC codes of our own; `data.code` says which case it is.
pub(crate) const DENIED: i32 = -32010;
pub(crate) const PENDING: i32 = -32011;
pub(crate) const UPSTREAM: i32 = -32012;
pub(crate) const INVALID_PARAMS: i32 = -32602;
pub(crate) const INVALID_REQUEST: i32 = -32600;
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;

pub(crate) const DISPOSITION: &str = "io.modelcontextprotocol/tool-approval-disposition";

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A tool's result that the model reads.
    Tool,
    /// A JSON-RPC error that the client reads.
    Rpc,
}

/// The answer to the request with this id.
pub(crate) fn verdict(verdict: &Verdict, id: &str, form: Form, now: Timestamp) -> String {
    match verdict {
        Verdict::Ran { review, outcome, result } => {
            if outcome.status == Status::Unknown && form == Form::Tool {
                return unknown(id, outcome.note.as_deref(), *review);
            }
            match reframe(id, result) {
                Some(answer) => answer,
                None => unknown(id, Some("its answer is no longer kept"), *review),
            }
        }
        Verdict::Denied { reason, review } => denied(id, reason, *review, form),
        Verdict::Pending(ticket) => pending(id, ticket, form, now),
    }
}

/// A result that the model reads as a failure.
pub(crate) fn tool_failure(id: &str, text: &str, disposition: &str, details: &Value) -> String {
    let meta = json!({ DISPOSITION: disposition, "countersign/details": details });
    result(
        id,
        &json!({
            "content": [{ "type": "text", "text": text }],
            "isError": true,
            "_meta": meta,
            "resultType": "complete",
        }),
    )
}

fn unknown(id: &str, note: Option<&str>, review: Option<ReviewId>) -> String {
    tool_failure(
        id,
        &unknown_text(note),
        "outcome-unknown",
        &json!({ "code": "outcome_unknown", "review": review }),
    )
}

/// What is said when nobody knows what became of a call.
pub(crate) fn unknown_text(note: Option<&str>) -> String {
    let why = note.unwrap_or("its answer never came");
    format!(
        "Outcome unknown: the call was sent, but {why}. It may or may not have taken effect. Do not repeat it \
         before you have checked what happened."
    )
}

fn denied(id: &str, reason: &Reason, review: Option<ReviewId>, form: Form) -> String {
    let details = json!({
        "code": reason.code.word(),
        "reason": reason.text,
        "policies": reason.policies,
        "review": review,
    });
    if form == Form::Rpc {
        return error(id, DENIED, &format!("not executed: {}", reason.text), Some(details));
    }
    let text = format!(
        "Not executed: {} ({}). Repeating the same call will not change this.",
        reason.text,
        reason.code.word()
    );
    tool_failure(id, &text, "denied-not-executed", &details)
}

/// The answer when the hold is over. Nothing was executed, and it says so first.
pub(crate) fn pending(id: &str, ticket: &Ticket, form: Form, now: Timestamp) -> String {
    let details = ticket_details(ticket);
    if form == Form::Rpc {
        return error(id, PENDING, "not executed: waiting for approval", Some(details));
    }
    let text = format!(
        "Not executed: this call waits for people to approve it.\n\
         Review: {review}\n\
         Where people decide: {link}\n\
         The review ends unanswered in {left} (at {until}).\n\
         To go on: call the tool `approval_wait` with {{\"id\": \"{review}\"}}, and once it says `approved`, send \
         this call again with identical arguments; only then does it run. You can't approve it yourself.",
        review = ticket.review,
        link = ticket.link,
        left = span_text(ticket.pending_until.since(now)),
        until = ticket.pending_until,
    );
    tool_failure(id, &text, "pending-not-executed", &details)
}

/// What a program needs to know about the review that a call waits for.
pub(crate) fn ticket_details(ticket: &Ticket) -> Value {
    json!({
        "code": "pending",
        "review": ticket.review,
        "link": ticket.link,
        "digest": ticket.digest,
        "expires_at": ticket.pending_until.to_string(),
    })
}

/// The answer of a call that ended long ago.
pub(crate) fn no_longer_kept(id: &str, status: Status) -> String {
    let text = match status {
        Status::Executed => "It was executed; its result is no longer kept.",
        Status::Failed => "It was sent and failed; its answer is no longer kept.",
        Status::Unknown => return unknown(id, Some("its answer is no longer kept"), None),
    };
    let failed = status == Status::Failed;
    result(
        id,
        &json!({ "content": [{ "type": "text", "text": text }], "isError": failed, "resultType": "complete" }),
    )
}

/// The answer of a task whose call the upstream does not go on with before it gets input.
pub(crate) fn wants_input(id: &str) -> String {
    let text = "The call was sent, but the upstream wants input before it goes on, which a task of the gateway can't \
                carry. Send the call without asking for a task.";
    tool_failure(id, text, "execution-error", &json!({ "code": "input_required" }))
}

/// The answer of a task whose call the upstream turned into a task of its own that nobody followed.
pub(crate) fn made_a_task(id: &str, task: &str) -> String {
    let text = format!("The call was sent, and the upstream made a task of it: ask for `{task}`.");
    let details = json!({ "task": task });
    let told = json!({ "content": [{ "type": "text", "text": text }], "isError": false, "resultType": "complete",
        "_meta": { "countersign/details": details } });
    result(id, &told)
}

/// The answer when the upstream asks for input in the middle of a call and may not have it. The call itself was sent,
/// so nothing here says that it was not.
pub(crate) fn input_refused(verdict: &Verdict, id: &str, asked: &str) -> String {
    let (number, code, why, review) = match verdict {
        Verdict::Denied { reason, review } => {
            (DENIED, reason.code.word(), reason.text.as_str(), review.as_ref())
        }
        Verdict::Pending(ticket) => (PENDING, "pending", "people are asked", Some(&ticket.review)),
        Verdict::Ran { review, .. } => (DENIED, "outcome_unknown", "it is not known", review.as_ref()),
    };
    let text = format!("the request was sent, but the upstream wants `{asked}` before it goes on: {why}");
    error(id, number, &text, Some(json!({ "code": code, "review": review })))
}

/// The answer when a tool can't be called because people have not accepted its definition.
pub(crate) fn not_accepted(id: &str, tool: &str, ticket: Option<&Ticket>, form: Form) -> String {
    let (review, link) = ticket.map_or((None, None), |ticket| (Some(ticket.review), Some(&ticket.link)));
    let wait = match ticket {
        Some(ticket) => format!(
            "People are asked in review {} ({}). Wait with `approval_wait`, then call again.",
            ticket.review, ticket.link
        ),
        None => "People have not accepted the new definition.".to_owned(),
    };
    let text = format!("Not executed: the upstream changed the definition of the tool `{tool}`. {wait}");
    let details = json!({ "code": "definition_changed", "tool": tool, "review": review, "link": link });
    if form == Form::Rpc {
        return error(id, DENIED, &text, Some(details));
    }
    tool_failure(id, &text, "denied-not-executed", &details)
}

/// The answer when an upkeep request failed.
pub(crate) fn upstream(id: &str, failure: &UpstreamError) -> String {
    error(id, UPSTREAM, &failure.to_string(), Some(json!({ "code": failure.word() })))
}
