//! The history, and one action's whole story.

use axum::extract::{RawQuery, State};
use axum::response::Html;
use countersign_core::ActionId;

use super::viewer;
use crate::Shared;
use crate::api::PathText;
use crate::codes::{Code, Problem};
use crate::credential::Caller;
use crate::params;
use crate::shown::Shown;
use crate::view;

/// `GET /history`.
pub(crate) async fn history(
    State(app): State<Shared>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Html<String>, Problem> {
    let query = params::lenient(text.as_deref().unwrap_or(""))?;
    let page = app.console.gate.records(query.clone()).await?;
    let viewer = viewer(&app, &caller)?;
    Ok(view::page(&viewer, "History", "/history", &view::history::history(&viewer, &query, &page)))
}

/// `GET /actions/{id}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
) -> Result<Html<String>, Problem> {
    let id: ActionId = path.id()?;
    let gate = &app.console.gate;
    let record = gate.action(id).await?.ok_or_else(|| Problem::new(Code::NotFound, "no such action"))?;
    let entries = gate.timeline(id).await?;
    let shown = Shown::of(record.action.payload());
    let viewer = viewer(&app, &caller)?;
    let body = view::action::action(&viewer, &record, &shown, &entries);
    Ok(view::page(&viewer, &view::text::plain(record.action.operation()), "/actions", &body))
}
