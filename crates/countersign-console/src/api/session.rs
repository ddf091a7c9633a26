//! Who am I, and how does a program begin and end a session?

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::{Json, json};
use crate::Shared;
use crate::codes::{Code, Problem, store_unavailable};
use crate::credential::{Caller, Via, clear_cookie};
use crate::wire::{InvitationRequest, NewSessionBody, SessionBody};

/// `GET /api/v1/session`.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", operation_id = "read_session",
    responses((status = 200, description = "Who is signed in", body = SessionBody)))]
pub(crate) async fn current(caller: Caller) -> Response {
    json(StatusCode::OK, &SessionBody::of(caller.signed_in()))
}

/// `POST /api/v1/session`.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", operation_id = "begin_session",
    request_body = InvitationRequest,
    security(()),
    responses((status = 201, description = "The link is used up and a session has begun", body = NewSessionBody)))]
pub(crate) async fn begin(
    State(app): State<Shared>,
    body: Json<InvitationRequest>,
) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    let accepted = app.console.identity.accept_invitation(&body.value.invitation, now).await;
    let session = accepted
        .map_err(|error| store_unavailable(&error))?
        .ok_or_else(|| Problem::plain(Code::InvitationNotValid))?;
    let answer = NewSessionBody { session: SessionBody::of(&session.signed_in), token: session.token };
    Ok(json(StatusCode::CREATED, &answer))
}

/// `DELETE /api/v1/session`.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", operation_id = "end_session",
    responses((status = 204, description = "The session has ended")))]
pub(crate) async fn end(State(app): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    app.console.identity.end_session(caller.token(), now).await.map_err(|error| store_unavailable(&error))?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let (Via::Cookie, Some(cookie)) = (caller.via(), clear_cookie(&app.site)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
