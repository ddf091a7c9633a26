//! The ledger: its entries, and the check of a receipt that somebody brings along.

use axum::extract::{RawQuery, State};
use axum::response::Html;

use super::viewer;
use crate::Shared;
use crate::codes::Problem;
use crate::credential::Caller;
use crate::params;
use crate::view;

/// `GET /audit`.
pub(crate) async fn page(
    State(app): State<Shared>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Html<String>, Problem> {
    let query = params::audit::lenient(text.as_deref().unwrap_or(""))?;
    let gate = &app.console.gate;
    let page = gate.audit(query.clone()).await?;
    let times = gate.audit_times(query.clone()).await?;
    let viewer = viewer(&app, &caller)?;
    Ok(view::page(&viewer, "Audit", "/audit", &view::audit::audit(&viewer, &query, &page, &times)))
}

/// `GET /audit/verify`.
pub(crate) async fn verify(State(app): State<Shared>, caller: Caller) -> Result<Html<String>, Problem> {
    let viewer = viewer(&app, &caller)?;
    let body = view::verify::page(&app.console.gate.log_key());
    Ok(view::page(&viewer, "Verify a receipt", view::verify::PATH, &body))
}
