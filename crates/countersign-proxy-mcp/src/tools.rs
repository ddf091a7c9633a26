//! How does an agent come back for its answer? Three tools of our own. None of them can vote.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Answer, Principal, Review, ReviewId, State, span_text};
use countersign_gate::{GateError, Verdict};
use serde_json::json;

use crate::codec::{Message, error, reframe, result};
use crate::definitions::asks_about_definition;
use crate::explain::{INVALID_PARAMS, UPSTREAM};
use crate::inbound::admit;
use crate::session::Session;

const WAIT: &str = "approval_wait";
const STATUS: &str = "approval_status";
const CANCEL: &str = "approval_cancel";
const WAIT_MAX: Duration = Duration::from_secs(45);

/// The definitions as they stand in a listing.
pub(crate) const DEFINITIONS: [&str; 3] = [
    r#"{"name":"approval_wait","title":"Wait for an approval","description":"Waits until people have answered a review that one of your calls opened, at most wait_seconds (up to 45), then says how it stands. Once it says `approved`, send the original call again with identical arguments to run it. Call again while it says `pending`.","inputSchema":{"type":"object","properties":{"id":{"type":"string","description":"The review, for example rev_0192…"},"wait_seconds":{"type":"integer","minimum":0,"maximum":45,"description":"How long to wait; 45 if left out"}},"required":["id"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}}"#,
    r#"{"name":"approval_status","title":"Look at an approval","description":"Says how a review stands that one of your calls opened.","inputSchema":{"type":"object","properties":{"id":{"type":"string","description":"The review, for example rev_0192…"}},"required":["id"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}}"#,
    r#"{"name":"approval_cancel","title":"Take back a request","description":"Takes back a review that one of your calls opened, so that people are no longer asked. The call will not run.","inputSchema":{"type":"object","properties":{"id":{"type":"string","description":"The review, for example rev_0192…"}},"required":["id"],"additionalProperties":false},"annotations":{"readOnlyHint":false,"destructiveHint":false,"openWorldHint":false}}"#,
];

/// Whether a tool's name is one of ours; an upstream's tool of the same name can't be reached.
pub(crate) fn is_ours(name: &str) -> bool {
    matches!(name, WAIT | STATUS | CANCEL)
}

/// The answer to a call of one of our tools.
pub(crate) async fn answer(
    session: &Arc<Session>,
    principal: &Principal,
    message: &Message,
    id: &str,
) -> String {
    let argument = |name| message.param("arguments").and_then(|arguments| arguments.get(name));
    let review = argument("id").and_then(|review| review.string());
    let review: ReviewId = match review.as_deref().map(str::parse) {
        Some(Ok(review)) => review,
        Some(Err(bad)) => return error(id, INVALID_PARAMS, &format!("{bad}"), None),
        None => return error(id, INVALID_PARAMS, "`arguments.id` is missing", None),
    };
    let served = &session.served;
    let gate = &served.gate;
    let found = match message.name().as_deref() {
        Some(WAIT) => {
            let seconds = argument("wait_seconds").and_then(|wait| wait.raw().parse().ok());
            let wait = seconds.map_or(WAIT_MAX, Duration::from_secs).min(WAIT_MAX);
            gate.wait(principal, review, served.now().plus(wait)).await
        }
        Some(CANCEL) => match gate.status(principal, review) {
            // Opened for this agent, but by the gateway: whether a definition is accepted is not its to take back.
            Ok(Some(review)) if asks_about_definition(&review) => {
                let details = json!({ "found": true, "id": review.id, "state": review.state });
                return said(id, "This review is the gateway's own and can't be taken back.", &details, true);
            }
            Ok(Some(_)) => gate.cancel(principal, review).await,
            other => other,
        },
        _ => gate.status(principal, review),
    };
    match found {
        Ok(Some(review)) => tell(session, principal, &review, id).await,
        Ok(None) => {
            said(id, &format!("There is no review {review} of yours."), &json!({ "found": false }), true)
        }
        Err(failure) => broken(id, &failure),
    }
}

async fn tell(session: &Arc<Session>, principal: &Principal, review: &Review, id: &str) -> String {
    let served = &session.served;
    let own = asks_about_definition(review);
    if !own && matches!(review.state, State::Executed | State::Failed | State::Unknown) {
        match served.gate.result(principal, review.id) {
            Ok(Some(Verdict::Ran { result, .. })) if !result.is_empty() => {
                if let Some(refused) = admit(session, principal, id, &result).await {
                    return refused;
                }
                if let Some(answer) = reframe(id, &result) {
                    return answer;
                }
            }
            Ok(_) => {}
            Err(failure) => return broken(id, &failure),
        }
    }
    let now = served.now();
    let left = review.deadline().map(|deadline| span_text(deadline.since(now))).unwrap_or_default();
    let why = review.votes.iter().find(|vote| vote.answer == Answer::Deny).map(|vote| vote.reason.as_str());
    let text = match review.state {
        State::Pending => {
            format!("Not executed yet: still pending; it ends unanswered in {left}. Wait again.")
        }
        State::Approved if own => "People agreed; the tool can be called in a moment.".to_owned(),
        State::Approved => format!(
            "Approved, not executed yet: send the original call again with identical arguments within {left} to run it."
        ),
        State::Denied => format!("Not executed: denied. {}", why.unwrap_or_default()),
        State::Expired => "Not executed: nobody answered in time.".to_owned(),
        State::Cancelled => "Not executed: the request was taken back.".to_owned(),
        State::Lapsed => "Not executed: it was approved, but the call was not sent again in time.".to_owned(),
        State::Claimed => "It is running now.".to_owned(),
        State::Executed if own => "People accepted the tool's definition; the tool can be called.".to_owned(),
        State::Executed => "It was executed; its result is no longer kept.".to_owned(),
        State::Failed => "It was sent and failed.".to_owned(),
        State::Unknown => "Outcome unknown: it was sent, but its answer never came.".to_owned(),
    };
    let details = json!({
        "found": true,
        "id": review.id,
        "state": review.state,
        "deadline": review.deadline().map(|deadline| deadline.to_string()),
    });
    said(id, &text, &details, false)
}

fn said(id: &str, text: &str, details: &serde_json::Value, is_error: bool) -> String {
    result(
        id,
        &json!({
            "content": [{ "type": "text", "text": text }],
            "structuredContent": details,
            "isError": is_error,
            "resultType": "complete",
        }),
    )
}

fn broken(id: &str, failure: &GateError) -> String {
    error(id, UPSTREAM, &failure.to_string(), Some(json!({ "code": "store_unavailable" })))
}
