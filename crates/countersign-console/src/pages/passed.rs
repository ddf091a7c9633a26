//! What passed on an answer that stands: a search, and one of them.

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

/// `GET /passed`.
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Html<String>, Problem> {
    let query = params::lenient(text.as_deref().unwrap_or(""), params::PASSED)?;
    let page = app.console.gate.passed_records(query.clone()).await?;
    let viewer = viewer(&app, &caller)?;
    Ok(view::page(&viewer, "Passed", "/history", &view::passed::passed(&viewer, &query, &page)))
}

/// `GET /passed/{id}`.
pub(crate) async fn page(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
) -> Result<Html<String>, Problem> {
    let id: ActionId = path.id()?;
    let record = app.console.gate.passed_record(id).await?;
    let record = record.ok_or_else(|| Problem::new(Code::NotFound, "no such action passed"))?;
    let shown = Shown::of(record.payload.as_bytes());
    let viewer = viewer(&app, &caller)?;
    let title = view::text::plain(&record.operation);
    Ok(view::page(&viewer, &title, "/actions", &view::passed::one(&record, &shown)))
}
