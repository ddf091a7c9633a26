//! What does a person do? Played through the real review API, as any program of theirs could.

use countersign_core::{Query, ReviewId, State};
use http::Method;
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::client::Client;
use crate::out;
use crate::serve::Running;

/// The review that the agent's call opens; waits for it.
pub(super) async fn first_pending(running: &Running) -> Result<ReviewId, Failure> {
    let mut notices = running.gate.notices(Some(0));
    while let Some(notice) = notices.recv().await {
        if notice.state == State::Pending {
            return Ok(notice.review);
        }
    }
    Err(Failure::new("no review was opened"))
}

/// Signs in with the link's token, reads the review, and approves exactly what it shows.
pub(super) async fn play(url: &str, invitation: &str, review: &ReviewId) -> Result<(), Failure> {
    let api = format!("{url}/api/v1");
    let signed_in = ask(
        &Client::new(None),
        Method::POST,
        &format!("{api}/session"),
        Some(&json!({ "invitation": invitation })),
    )
    .await?;
    let client = Client::new(signed_in.get("token").and_then(Value::as_str).map(str::to_owned));
    let shown = ask(&client, Method::GET, &format!("{api}/reviews/{review}"), None).await?;
    let payload = shown.pointer("/action/payload/data").and_then(Value::as_str).unwrap_or_default();
    if !payload.contains("delete_orders") || !payload.contains("cancelled") {
        return Err(Failure::new(format!("the review does not show the call: {shown}")));
    }
    out::line(format_args!("     {} reads {review} and approves it", super::REVIEWER));
    let vote = json!({
        "answer": "approve", "reason": "cancelled orders may go",
        "digest": shown.get("digest"), "version": shown.get("version"),
    });
    let voted = ask(&client, Method::POST, &format!("{api}/reviews/{review}/votes"), Some(&vote)).await?;
    match voted.get("state").and_then(Value::as_str) {
        Some("approved" | "claimed" | "executed") => Ok(()),
        _ => Err(Failure::new(format!("the vote did not approve: {voted}"))),
    }
}

/// Checks that the action's whole story can be read afterwards.
pub(super) async fn reads_the_story(running: &Running) -> Result<(), Failure> {
    let failed = |error: countersign_gate::GateError| Failure::new(out::chain(&error));
    let query = Query { states: vec![State::Executed], limit: 1, ..Query::default() };
    let page = running.gate.records(query).await.map_err(failed)?;
    let record = page.items.first().ok_or_else(|| Failure::new("no executed review is in the history"))?;
    let story = running.gate.timeline(record.action.id()).await.map_err(failed)?;
    let kinds: Vec<&str> = story.iter().map(|entry| entry.kind.as_str()).collect();
    out::line(format_args!("     the ledger tells: {}", kinds.join(" → ")));
    let wanted =
        ["action.requested", "approval.requested", "approval.decided", "action.released", "action.executed"];
    let seen = wanted.iter().all(|kind| kinds.contains(kind));
    if seen { Ok(()) } else { Err(Failure::new("the ledger does not tell the whole story")) }
}

async fn ask(client: &Client, method: Method, url: &str, body: Option<&Value>) -> Result<Value, Failure> {
    let answer = client.json(method, url, body).await.map_err(|error| Failure::new(out::chain(&error)))?;
    if (200..300).contains(&answer.status) {
        return Ok(answer.body);
    }
    Err(Failure::new(format!("{url} answers {}: {}", answer.status, answer.body)))
}
