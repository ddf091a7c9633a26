//! What passed on an answer of policy that stands?

use axum::extract::{RawQuery, State};
use axum::response::Response;
use countersign_core::ActionId;
use http::StatusCode;

use super::{PathText, json};
use crate::Shared;
use crate::codes::{Code, Problem};
use crate::credential::Caller;
use crate::params;
use crate::wire::{PassedBody, PassedPageBody};

/// `GET /api/v1/passed`.
#[utoipa::path(get, path = "/api/v1/passed", tag = "passed", operation_id = "list_passed",
    params(
        ("resource" = Option<String>, Query, description = "Only this resource", min_length = 1, max_length = 256),
        ("agent" = Option<String>, Query, description = "Only the agent of this name", min_length = 1, max_length = 256),
        ("operation" = Option<String>, Query, description = "Only exactly this operation", min_length = 1, max_length = 256),
        ("verb" = Option<String>, Query, description = "Only actions with an effect of this verb",
            pattern = "^(read|write|delete|schema|privilege|secret|export|execute|network|deploy|unknown)$"),
        ("q" = Option<String>, Query, description = "Only actions whose operation, effects or bytes contain this text, in any case", min_length = 1, max_length = 256),
        ("from" = Option<String>, Query, format = DateTime, description = "Received at or after this instant (RFC 3339)"),
        ("until" = Option<String>, Query, format = DateTime, description = "Received before this instant (RFC 3339)"),
        ("cursor" = Option<u64>, Query, description = "The `next` of the page before", maximum = 9_223_372_036_854_775_807_u64),
        ("limit" = Option<u16>, Query, description = "Page size, 50 unless told", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "Newest first. A page ends when it is full or when enough was looked at; as long as there is a `next`, more may match", body = PassedPageBody)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    _: Caller,
    RawQuery(text): RawQuery,
) -> Result<Response, Problem> {
    let query = params::strict(text.as_deref().unwrap_or(""), params::PASSED)?;
    let page = app.console.gate.passed_records(query).await?;
    Ok(json(StatusCode::OK, &PassedPageBody::of(&page)))
}

/// `GET /api/v1/passed/{id}`.
#[utoipa::path(get, path = "/api/v1/passed/{id}", tag = "passed", operation_id = "read_passed",
    params(("id" = String, Path, pattern = "^act_[0-9a-f]{32}$")),
    responses((status = 200, description = "The action and what became of it", body = PassedBody)))]
pub(crate) async fn one(State(app): State<Shared>, _: Caller, path: PathText) -> Result<Response, Problem> {
    let id: ActionId = path.id()?;
    let record = app.console.gate.passed_record(id).await?;
    let record = record.ok_or_else(|| Problem::new(Code::NotFound, "no such action passed"))?;
    Ok(json(StatusCode::OK, &PassedBody::of(&record)))
}
