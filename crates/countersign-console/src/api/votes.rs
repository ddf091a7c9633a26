//! How does an answer get in? One vote, bound to digest and version; repeated safely with an `Idempotency-Key`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_core::{Ballot, Digest, DigestWriter, ReviewId};
use countersign_gate::Recall;
use http::{HeaderMap, StatusCode};

use super::{Json, PathText, raw_json};
use crate::Shared;
use crate::codes::{Code, Problem};
use crate::credential::{Caller, Via};
use crate::wire::{ReviewBody, VoteRequest};

/// Longer keys are refused.
const KEY_MAX_BYTES: usize = 128;

/// `POST /api/v1/reviews/{id}/votes`.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/votes", tag = "reviews", operation_id = "vote",
    params(
        ("id" = String, Path, pattern = "^rev_[0-9a-f]{32}$"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$",
            description = "The same key with the same body gets the first answer again; with another body, 422"),
    ),
    request_body = VoteRequest,
    responses((status = 200, description = "The review after the vote", body = ReviewBody)))]
pub(crate) async fn cast(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
    headers: HeaderMap,
    body: Json<VoteRequest>,
) -> Result<Response, Problem> {
    let id: ReviewId = path.id()?;
    let Some(key) = idempotency_key(&headers)? else {
        return vote(&app, &caller, id, body.value).await.map(|bytes| raw_json(StatusCode::OK, bytes));
    };
    let gate = &app.console.gate;
    let person = caller.reviewer().person();
    let request = DigestWriter::new("countersign/request/v1")
        .part(b"vote")
        .part(id.as_bytes())
        .part(&body.bytes)
        .finish();
    match gate.recall(person, &key, request).await? {
        Recall::Same { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            return Ok(raw_json(status, body));
        }
        Recall::OtherRequest => return Err(Problem::plain(Code::IdempotencyKeyReused)),
        Recall::New => {}
    }
    let (status, bytes) = match vote(&app, &caller, id, body.value).await {
        Ok(bytes) => (StatusCode::OK, bytes),
        // Nothing happened, so the same key may try again.
        Err(problem) if problem.code == Code::StoreUnavailable => return Ok(problem.into_response()),
        Err(problem) => (problem.code.status(), serde_json::to_vec(&problem.body()).unwrap_or_default()),
    };
    gate.remember(person, &key, request, status.as_u16(), bytes.clone()).await?;
    Ok(raw_json(status, bytes))
}

async fn vote(app: &Shared, caller: &Caller, id: ReviewId, request: VoteRequest) -> Result<Vec<u8>, Problem> {
    let digest = request
        .digest
        .parse::<Digest>()
        .map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
    let ballot = Ballot {
        answer: request.answer,
        reason: request.reason,
        channel: match caller.via() {
            Via::Cookie => "console".to_owned(),
            Via::Bearer => "api".to_owned(),
        },
        digest,
        version: request.version,
    };
    app.console.gate.vote(caller.reviewer(), id, ballot).await?;
    let body = super::reviews::body_of(app, caller, id).await?;
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or("");
    let fits =
        !key.is_empty() && key.len() <= KEY_MAX_BYTES && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        return Ok(Some(key.to_owned()));
    }
    let why = format!("`Idempotency-Key` has 1 to {KEY_MAX_BYTES} visible ASCII characters");
    Err(Problem::new(Code::InvalidParameter, why))
}
