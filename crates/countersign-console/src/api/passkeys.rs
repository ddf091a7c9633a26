//! How does a person enrol a passkey and sign in with it? The JSON is WebAuthn's; identity checks it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_identity::IdentityError;
use http::{HeaderValue, StatusCode, header};

use super::{Json, PathText, json};
use crate::Shared;
use crate::codes::{Code, Problem, store_unavailable};
use crate::credential::{Caller, set_cookie};
use crate::wire::{EnrolRequest, PageBody, PasskeyBody, SessionBody, SignInRequest};

/// Longer labels are refused.
const LABEL_MAX_CHARS: usize = 64;

/// `GET /api/v1/passkeys`.
#[utoipa::path(get, path = "/api/v1/passkeys", tag = "passkeys", operation_id = "list_passkeys",
    responses((status = 200, description = "The caller's passkeys", body = PageBody<PasskeyBody>)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let passkeys = app
        .console
        .identity
        .passkeys(caller.reviewer().person())
        .map_err(|error| store_unavailable(&error))?;
    let items = passkeys.iter().map(PasskeyBody::of).collect();
    Ok(json(StatusCode::OK, &PageBody { items, next: None }))
}

/// `POST /api/v1/passkeys/options`.
#[utoipa::path(post, path = "/api/v1/passkeys/options", tag = "passkeys", operation_id = "begin_enrolment",
    responses((status = 200, description = "A `PublicKeyCredentialCreationOptionsJSON`", body = Object)))]
pub(crate) async fn enrol_options(State(app): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    let options = app.console.identity.begin_enrolment(caller.reviewer(), now).await;
    Ok(json(StatusCode::OK, &options.map_err(refused)?))
}

/// `POST /api/v1/passkeys`.
#[utoipa::path(post, path = "/api/v1/passkeys", tag = "passkeys", operation_id = "enrol_passkey",
    request_body = EnrolRequest,
    responses((status = 201, description = "The passkey is enrolled", body = PasskeyBody)))]
pub(crate) async fn enrol(
    State(app): State<Shared>,
    caller: Caller,
    body: Json<EnrolRequest>,
) -> Result<Response, Problem> {
    let label = body.value.label.trim();
    if !(1..=LABEL_MAX_CHARS).contains(&label.chars().count()) {
        return Err(Problem::new(
            Code::InvalidBody,
            format!("`label` has 1 to {LABEL_MAX_CHARS} characters"),
        ));
    }
    let now = app.console.gate.clock().now();
    let identity = &app.console.identity;
    let passkey = identity.finish_enrolment(caller.reviewer(), body.value.response, label, now).await;
    Ok(json(StatusCode::CREATED, &PasskeyBody::of(&passkey.map_err(refused)?)))
}

/// `DELETE /api/v1/passkeys/{id}`.
#[utoipa::path(delete, path = "/api/v1/passkeys/{id}", tag = "passkeys", operation_id = "remove_passkey",
    params(("id" = String, Path)),
    responses((status = 204, description = "The passkey no longer signs anybody in")))]
pub(crate) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
) -> Result<Response, Problem> {
    remove_passkey(&app, &caller, &path.0).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Removes one of the caller's own passkeys.
pub(crate) async fn remove_passkey(app: &Shared, caller: &Caller, id: &str) -> Result<(), Problem> {
    let identity = &app.console.identity;
    let mine = identity.passkeys(caller.reviewer().person()).map_err(|error| store_unavailable(&error))?;
    if !mine.iter().any(|passkey| passkey.id == id) {
        return Err(Problem::new(Code::NotFound, "no such passkey"));
    }
    let now = app.console.gate.clock().now();
    identity.remove_passkey(caller.reviewer(), id, now).await.map_err(refused)?;
    Ok(())
}

/// `POST /api/v1/sign-in/options`.
#[utoipa::path(post, path = "/api/v1/sign-in/options", tag = "passkeys", operation_id = "begin_sign_in",
    security(()),
    responses((status = 200, description = "A `PublicKeyCredentialRequestOptionsJSON`", body = Object)))]
pub(crate) async fn sign_in_options(State(app): State<Shared>) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    Ok(json(StatusCode::OK, &app.console.identity.begin_sign_in(now).await.map_err(refused)?))
}

/// `POST /api/v1/sign-in`.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "passkeys", operation_id = "sign_in",
    request_body = SignInRequest,
    security(()),
    responses((status = 200, description = "Signed in; the session is in the cookie", body = SessionBody)))]
pub(crate) async fn sign_in(
    State(app): State<Shared>,
    body: Json<SignInRequest>,
) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    let session = app.console.identity.finish_sign_in(body.value.response, now).await.map_err(refused)?;
    let session = session.ok_or_else(|| Problem::plain(Code::PasskeyRefused))?;
    let mut response = json(StatusCode::OK, &SessionBody::of(&session.signed_in));
    if let Some(cookie) = session_cookie(&app, &session, now) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The cookie that lives as long as the session.
pub(crate) fn session_cookie(
    app: &Shared,
    session: &countersign_identity::NewSession,
    now: countersign_core::Timestamp,
) -> Option<HeaderValue> {
    set_cookie(&app.site, &session.token, session.signed_in.session.expires_at.since(now).as_secs())
}

/// Identity's refusals are about the passkey, unless the store failed.
#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn refused(error: IdentityError) -> Problem {
    match error.code() {
        "store_unavailable" => store_unavailable(&error),
        _ => Problem::new(Code::PasskeyRefused, error.to_string()),
    }
}
