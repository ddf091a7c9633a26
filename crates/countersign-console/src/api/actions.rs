//! What was ever asked, and how did each action's story go?

use axum::extract::{RawQuery, State};
use axum::response::Response;
use countersign_core::ActionId;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};

use super::{PathText, json, raw_json};
use crate::Shared;
use crate::codes::{Code, Problem, store_unavailable};
use crate::credential::Caller;
use crate::params;
use crate::wire::{ActionBody, ActionSummary, PageBody, StateWord, TimelineEntryBody};

/// `GET /api/v1/actions`.
#[utoipa::path(get, path = "/api/v1/actions", tag = "actions", operation_id = "list_actions",
    params(
        ("state" = inline(Option<Vec<StateWord>>), Query, description = "Only actions with a review in one of these states. Repeatable"),
        ("decision" = Option<String>, Query, description = "`allow`, `review` or `deny`", pattern = "^(allow|review|deny)$"),
        ("resource" = Option<String>, Query, description = "Only this resource", min_length = 1, max_length = 256),
        ("agent" = Option<String>, Query, description = "Only the agent of this name", min_length = 1, max_length = 256),
        ("operation" = Option<String>, Query, description = "Only exactly this operation", min_length = 1, max_length = 256),
        ("verb" = Option<String>, Query, description = "Only actions with an effect of this verb",
            pattern = "^(read|write|delete|schema|privilege|secret|export|execute|network|deploy|unknown)$"),
        ("q" = Option<String>, Query, description = "Only actions that contain this text, in any case", min_length = 1, max_length = 256),
        ("from" = Option<String>, Query, format = DateTime, description = "Received at or after this instant (RFC 3339)"),
        ("until" = Option<String>, Query, format = DateTime, description = "Received before this instant (RFC 3339)"),
        ("cursor" = Option<u64>, Query, description = "The `next` of the page before", maximum = 9_223_372_036_854_775_807_u64),
        ("limit" = Option<u16>, Query, description = "Page size, 50 unless told", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "Newest first", body = PageBody<ActionSummary>)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    _: Caller,
    RawQuery(text): RawQuery,
) -> Result<Response, Problem> {
    let query = params::strict(text.as_deref().unwrap_or(""), params::LIST)?;
    let page = app.console.gate.records(query).await?;
    Ok(json(StatusCode::OK, &PageBody::of(&page, |record| Some(ActionSummary::of(record)))))
}

/// `GET /api/v1/actions/{id}`.
#[utoipa::path(get, path = "/api/v1/actions/{id}", tag = "actions", operation_id = "read_action",
    params(("id" = String, Path, pattern = "^act_[0-9a-f]{32}$")),
    responses((status = 200, description = "The action and what became of it", body = ActionBody)))]
pub(crate) async fn one(State(app): State<Shared>, _: Caller, path: PathText) -> Result<Response, Problem> {
    let id: ActionId = path.id()?;
    let record = app.console.gate.action(id).await?;
    let record = record.ok_or_else(|| Problem::new(Code::NotFound, "no such action"))?;
    Ok(json(StatusCode::OK, &ActionBody::of(&record)))
}

/// `GET /api/v1/actions/{id}/timeline`.
#[utoipa::path(get, path = "/api/v1/actions/{id}/timeline", tag = "actions", operation_id = "read_timeline",
    params(("id" = String, Path, pattern = "^act_[0-9a-f]{32}$")),
    responses((status = 200, description = "The action's ledger entries, oldest first", body = PageBody<TimelineEntryBody>)))]
pub(crate) async fn timeline(
    State(app): State<Shared>,
    _: Caller,
    path: PathText,
) -> Result<Response, Problem> {
    let id: ActionId = path.id()?;
    let gate = &app.console.gate;
    gate.action(id).await?.ok_or_else(|| Problem::new(Code::NotFound, "no such action"))?;
    let items = gate.timeline(id).await?.iter().map(TimelineEntryBody::of).collect();
    Ok(json(StatusCode::OK, &PageBody { items, next: None }))
}

/// `GET /api/v1/actions/{id}/receipt`.
#[utoipa::path(get, path = "/api/v1/actions/{id}/receipt", tag = "actions", operation_id = "read_receipt",
    params(("id" = String, Path, pattern = "^act_[0-9a-f]{32}$")),
    responses((status = 200, description = "The action's receipt: its entries, a proof of each, and a signed \
        checkpoint. `countersign verify` checks it offline; docs/LEDGER.md has its form", body = serde_json::Value)))]
pub(crate) async fn receipt(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
) -> Result<Response, Problem> {
    let id: ActionId = path.id()?;
    let receipt = app.console.gate.receipt(caller.reviewer(), id).await?;
    let receipt = receipt.ok_or_else(|| Problem::new(Code::NotFound, "no such action"))?;
    let text = receipt.to_json().map_err(|error| store_unavailable(&error))?;
    let mut response = raw_json(StatusCode::OK, text.into_bytes());
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{id}.receipt.json\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
