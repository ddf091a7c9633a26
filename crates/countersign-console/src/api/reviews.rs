//! Which questions are open, and what exactly is asked?

use axum::extract::{RawQuery, State};
use axum::response::Response;
use countersign_core::{ReviewId, State as ReviewState};
use http::StatusCode;

use super::{PathText, json};
use crate::Shared;
use crate::codes::{Code, Problem};
use crate::credential::Caller;
use crate::params;
use crate::wire::{PageBody, ReviewBody, ReviewSummary, StateWord, You};

/// `GET /api/v1/reviews`.
#[utoipa::path(get, path = "/api/v1/reviews", tag = "reviews", operation_id = "list_reviews",
    params(
        ("state" = inline(Option<Vec<StateWord>>), Query, description = "Only these states; without it `pending`. Repeatable"),
        ("resource" = Option<String>, Query, description = "Only this resource", min_length = 1, max_length = 256),
        ("agent" = Option<String>, Query, description = "Only the agent of this name", min_length = 1, max_length = 256),
        ("q" = Option<String>, Query, description = "Only actions that contain this text, in any case", min_length = 1, max_length = 256),
        ("cursor" = Option<u64>, Query, description = "The `next` of the page before", maximum = 9_223_372_036_854_775_807_u64),
        ("limit" = Option<u16>, Query, description = "Page size, 50 unless told", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "Newest first", body = PageBody<ReviewSummary>)))]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Response, Problem> {
    let mut query = params::strict(
        text.as_deref().unwrap_or(""),
        &["state", "resource", "agent", "q", "cursor", "limit"],
    )?;
    if query.states.is_empty() {
        query.states.push(ReviewState::Pending);
    }
    let gate = &app.console.gate;
    let page = gate.records(query).await?;
    let body =
        PageBody::of(&page, |record| ReviewSummary::of(record, You::of(gate, caller.reviewer(), record)));
    Ok(json(StatusCode::OK, &body))
}

/// `GET /api/v1/reviews/{id}`.
#[utoipa::path(get, path = "/api/v1/reviews/{id}", tag = "reviews", operation_id = "read_review",
    params(("id" = String, Path, pattern = "^rev_[0-9a-f]{32}$")),
    responses((status = 200, description = "Everything there is to judge from", body = ReviewBody)))]
pub(crate) async fn one(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
) -> Result<Response, Problem> {
    body_of(&app, &caller, path.id()?).await.map(|body| json(StatusCode::OK, &body))
}

/// The review as this person may see it now.
pub(crate) async fn body_of(app: &Shared, caller: &Caller, id: ReviewId) -> Result<ReviewBody, Problem> {
    let gate = &app.console.gate;
    let record = gate.review(id).await?;
    record
        .and_then(|record| {
            let you = You::of(gate, caller.reviewer(), &record);
            ReviewBody::of(&record, you)
        })
        .ok_or_else(|| Problem::new(Code::NotFound, "no such review"))
}
