//! What does a person do? Played through the real review API, as any program of theirs could.

use std::time::Duration;

use countersign_core::{ReviewId, State};
use http::Method;
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::client::Client;
use crate::out;
use crate::serve::Running;

/// What has run is in the record soon after the agent has its answer.
const RECORDED_WITHIN: Duration = Duration::from_secs(10);

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

/// A person with a session of the review API.
pub(super) struct Person {
    client: Client,
    api: String,
}

impl Person {
    /// Signs in with the link's token.
    pub(super) async fn sign_in(url: &str, invitation: &str) -> Result<Self, Failure> {
        let api = format!("{url}/api/v1");
        let invitation = json!({ "invitation": invitation });
        let signed_in =
            ask(&Client::new(None), Method::POST, &format!("{api}/session"), Some(&invitation)).await?;
        let token = signed_in.get("token").and_then(Value::as_str);
        Ok(Self { client: Client::new(token.map(str::to_owned)), api })
    }

    /// The review as people get it.
    pub(super) async fn reads(&self, review: &ReviewId) -> Result<Value, Failure> {
        ask(&self.client, Method::GET, &format!("{}/reviews/{review}", self.api), None).await
    }

    /// Approves exactly what the review shows, which must hold these words.
    pub(super) async fn approves(&self, review: &ReviewId, words: &[&str]) -> Result<(), Failure> {
        let shown = self.reads(review).await?;
        let payload = shown.pointer("/action/payload/data").and_then(Value::as_str).unwrap_or_default();
        if !words.iter().all(|word| payload.contains(word)) {
            return Err(Failure::new(format!("the review does not show the action: {shown}")));
        }
        out::line(format_args!("     {} reads {review} and approves it", super::REVIEWER));
        let vote = json!({
            "answer": "approve", "reason": "cancelled orders may go",
            "digest": shown.get("digest"), "version": shown.get("version"),
        });
        let votes = format!("{}/reviews/{review}/votes", self.api);
        let voted = ask(&self.client, Method::POST, &votes, Some(&vote)).await?;
        match voted.get("state").and_then(Value::as_str) {
            Some("approved" | "claimed" | "executed") => Ok(()),
            _ => Err(Failure::new(format!("the vote did not approve: {voted}"))),
        }
    }
}

/// Checks that the whole story of what people approved can be read, once it has run.
pub(super) async fn reads_the_story(running: &Running, review: ReviewId) -> Result<(), Failure> {
    let failed = |error: countersign_gate::GateError| Failure::new(out::chain(&error));
    let mut notices = running.gate.notices(Some(0));
    let ran = async {
        while let Some(notice) = notices.recv().await {
            if notice.review == review && notice.state == State::Executed {
                return;
            }
        }
    };
    tokio::time::timeout(RECORDED_WITHIN, ran)
        .await
        .map_err(|_late| Failure::new(format!("{review} is not in the history as executed")))?;
    let record = running.gate.review(review).await.map_err(failed)?;
    let record = record.ok_or_else(|| Failure::new("the approved action is not in the history"))?;
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
