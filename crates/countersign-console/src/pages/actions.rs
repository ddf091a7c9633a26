//! The history, and one action's whole story.

use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse as _, Response};
use countersign_core::ActionId;

use super::{go_on, viewer};
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
    let query = params::lenient(text.as_deref().unwrap_or(""), params::LIST)?;
    let page = app.console.gate.records(query.clone()).await?;
    let viewer = viewer(&app, &caller)?;
    Ok(view::page(&viewer, "History", "/history", &view::history::history(&viewer, &query, &page)))
}

/// `GET /actions/{id}`; leads on to what passed on a standing answer.
pub(crate) async fn page(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
) -> Result<Response, Problem> {
    let id: ActionId = path.id()?;
    let gate = &app.console.gate;
    let Some(record) = gate.action(id).await? else {
        let passed = gate.passed_record(id).await?;
        passed.ok_or_else(|| Problem::new(Code::NotFound, "no such action"))?;
        return Ok(go_on(&format!("/passed/{id}"), None));
    };
    let entries = gate.timeline(id).await?;
    let shown = Shown::of(record.action.payload());
    let viewer = viewer(&app, &caller)?;
    let body = view::action::action(&viewer, &record, &shown, &entries, &gate.log_key());
    let title = view::text::plain(record.action.operation());
    Ok(view::page(&viewer, &title, "/actions", &body).into_response())
}
