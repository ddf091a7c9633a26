//! The inbox.

use axum::extract::State;
use axum::response::Html;
use countersign_core::{Query, State as ReviewState};

use super::viewer;
use crate::Shared;
use crate::codes::Problem;
use crate::credential::Caller;
use crate::view::{self, inbox::Waiting};
use crate::wire::You;

/// `GET /`.
pub(crate) async fn page(State(app): State<Shared>, caller: Caller) -> Result<Html<String>, Problem> {
    let gate = &app.console.gate;
    let query = Query { states: vec![ReviewState::Pending], limit: Query::LIMIT_MAX, ..Query::default() };
    let page = gate.records(query).await?;
    let more = page.next.is_some();
    let mut waiting: Vec<Waiting> = page
        .items
        .into_iter()
        .map(|record| Waiting { you: You::of(gate, caller.reviewer(), &record), record })
        .collect();
    // What ends first stands first.
    waiting.sort_by_key(|one| one.record.review.as_ref().map(|review| review.pending_until));
    let viewer = viewer(&app, &caller)?;
    let mine = waiting.iter().filter(|one| one.you.may_approve || one.you.may_deny).count();
    let title = if mine == 0 { "Inbox".to_owned() } else { format!("({mine}) Inbox") };
    Ok(view::page(&viewer, &title, "/", &view::inbox::inbox(&viewer, &waiting, more)))
}
