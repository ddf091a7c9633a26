//! How is a task written, in both forms? Members in the protocol's words, answers of the upstream as they were written.

use std::time::Duration;

use countersign_core::{ReasonCode, Status, Timestamp};
use countersign_gate::{Ticket, Verdict};
use serde_json::{Map, Value, json};

use super::Dialect;
use crate::codec::{Answer, Incoming, Kept, graft, result};
use crate::explain::{self, DISPOSITION, Form};
use crate::forward::CANCELLED;

/// How often a client should ask, in milliseconds.
const POLL_MS: u64 = 5000;
const RELATED: &str = "io.modelcontextprotocol/related-task";
const IMMEDIATE: &str = "io.modelcontextprotocol/model-immediate-response";

/// A task as far as it is known now.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// From its creation on.
    pub(super) lives: Duration,
    pub(super) standing: Standing,
}

/// How a task stands.
#[derive(Debug)]
pub(super) enum Standing {
    /// It has not ended; in words.
    Working(String),
    /// It ended so.
    Ended(Verdict),
    /// Its caller cancelled it while it ran. What became of the call is another question.
    Abandoned,
}

impl Standing {
    fn word(&self, dialect: Dialect) -> &'static str {
        match self {
            Self::Working(_) => "working",
            Self::Abandoned => "cancelled",
            Self::Ended(verdict) if is_cancelled(verdict) => "cancelled",
            Self::Ended(Verdict::Ran { outcome, .. }) if outcome.status == Status::Executed => "completed",
            Self::Ended(_) if dialect == Dialect::Sessions => "failed",
            // There, only an error of the protocol is a failure; a tool that says `isError` has completed.
            Self::Ended(verdict) => match answer(verdict, dialect, Timestamp::from_micros(0)) {
                Some(answer) if !answer.is_error() => "completed",
                _ => "failed",
            },
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Working(text) => text.clone(),
            Self::Abandoned => {
                "cancelled by request after it had been sent; whether it took effect is told with its result"
                    .to_owned()
            }
            Self::Ended(ran @ Verdict::Ran { .. }) if is_cancelled(ran) => {
                "not executed: its caller cancelled it".to_owned()
            }
            Self::Ended(Verdict::Denied { reason, .. }) => format!("not executed: {}", reason.text),
            Self::Ended(Verdict::Pending(_)) => "not executed: waiting for approval".to_owned(),
            Self::Ended(Verdict::Ran { outcome, .. }) => match (outcome.status, outcome.note.as_deref()) {
                (Status::Executed, _) => "executed".to_owned(),
                (Status::Unknown, note) => explain::unknown_text(note),
                (Status::Failed, note) => format!("failed: {}", note.unwrap_or("the tool reported an error")),
            },
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        !matches!(self, Self::Working(_))
    }
}

/// Whether the caller took it back before anything was sent.
pub(super) fn is_cancelled(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Denied { reason, .. } => reason.code == ReasonCode::ReviewCancelled,
        Verdict::Ran { outcome, .. } => {
            let note = outcome.note.as_deref().unwrap_or_default();
            outcome.status == Status::Failed && note.ends_with(CANCELLED)
        }
        Verdict::Pending(_) => false,
    }
}

impl Known {
    /// The members of the task.
    pub(super) fn members(&self, dialect: Dialect) -> Map<String, Value> {
        let (ttl, poll) = match dialect {
            Dialect::Sessions => ("ttl", "pollInterval"),
            Dialect::Extension => ("ttlMs", "pollIntervalMs"),
        };
        let lives = u64::try_from(self.lives.as_millis()).unwrap_or(u64::MAX);
        let task = json!({
            "taskId": self.id,
            "status": self.standing.word(dialect),
            "statusMessage": self.standing.text(),
            "createdAt": self.created.to_string(),
            "lastUpdatedAt": self.updated.to_string(),
            ttl: lives,
            poll: POLL_MS,
        });
        into_map(task)
    }

    /// The answer to the call that became this task. `ticket` when people are asked.
    pub(super) fn created(&self, id: &str, dialect: Dialect, ticket: Option<&Ticket>) -> String {
        let mut meta = Map::new();
        if let Some(ticket) = ticket {
            meta.insert(DISPOSITION.to_owned(), "pending-not-executed".into());
            meta.insert("countersign/details".to_owned(), explain::ticket_details(ticket));
            meta.insert(IMMEDIATE.to_owned(), immediate(ticket).into());
        }
        match dialect {
            Dialect::Sessions => {
                meta.insert(RELATED.to_owned(), json!({ "taskId": self.id }));
                result(id, &json!({ "task": self.members(dialect), "_meta": meta }))
            }
            Dialect::Extension => {
                let mut task = self.members(dialect);
                task.insert("resultType".to_owned(), "task".into());
                task.insert("_meta".to_owned(), meta.into());
                result(id, &Value::Object(task))
            }
        }
    }

    /// The answer to `tasks/get` and, in 2025-11-25, to `tasks/cancel`.
    pub(super) fn shown(&self, id: &str, dialect: Dialect, now: Timestamp) -> String {
        let mut task = self.members(dialect);
        if dialect == Dialect::Sessions {
            return result(id, &Value::Object(task));
        }
        task.insert("resultType".to_owned(), "complete".into());
        let ended = match &self.standing {
            Standing::Ended(verdict) if !is_cancelled(verdict) => answer(verdict, dialect, now),
            Standing::Ended(_) | Standing::Working(_) | Standing::Abandoned => None,
        };
        if let Standing::Ended(Verdict::Denied { .. }) = &self.standing {
            task.insert("_meta".to_owned(), json!({ DISPOSITION: "denied-not-executed" }));
        }
        let text = result(id, &Value::Object(task));
        let inner = text.strip_suffix("}}").unwrap_or_default();
        match ended {
            Some(answer) => {
                let word = if answer.is_error() { "error" } else { "result" };
                format!("{inner},\"{word}\":{}}}}}", answer.body())
            }
            None => text,
        }
    }

    /// The answer to `tasks/result` once the call has ended so.
    pub(super) fn outcome(&self, id: &str, verdict: &Verdict, now: Timestamp) -> String {
        let Some(answer) = answer(verdict, Dialect::Sessions, now) else {
            return explain::verdict(verdict, id, Form::Tool, now);
        };
        if answer.is_error() {
            return format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{}}}", answer.body());
        }
        let related = into_map(json!({ "_meta": { RELATED: { "taskId": self.id } } }));
        let body = graft(answer.body(), &related).unwrap_or_else(|_| answer.body().to_owned());
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{body}}}")
    }
}

/// What the call itself would have been answered with.
fn answer(verdict: &Verdict, dialect: Dialect, now: Timestamp) -> Option<Answer> {
    let form = match (verdict, dialect) {
        (Verdict::Denied { .. }, Dialect::Extension) => Form::Rpc,
        _ => Form::Tool,
    };
    let text = match verdict {
        Verdict::Ran { outcome, result, .. } if result.is_empty() && outcome.status != Status::Unknown => {
            explain::no_longer_kept("0", outcome.status)
        }
        Verdict::Ran { result, .. } => match Kept::read(result) {
            Ok(kept) if kept.wants_input() => explain::wants_input("0"),
            Ok(kept) if kept.is_handle => explain::made_a_task("0", kept.task.as_deref().unwrap_or("?")),
            _ => explain::verdict(verdict, "0", form, now),
        },
        Verdict::Denied { .. } | Verdict::Pending(_) => explain::verdict(verdict, "0", form, now),
    };
    Incoming::parse(text.into_bytes()).ok()?.into_answer()
}

/// What the model may be told at once.
fn immediate(ticket: &Ticket) -> String {
    format!(
        "Not executed: this call waits for people to approve it, in review {} ({}). It runs by itself once they have \
         agreed. You can't approve it yourself.",
        ticket.review, ticket.link
    )
}

fn into_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
