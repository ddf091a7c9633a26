//! A person's own sessions and passkeys.

use axum::extract::State;
use axum::response::{Html, Response};

use super::{go_on, viewer};
use crate::Shared;
use crate::api::PathText;
use crate::api::passkeys;
use crate::codes::{Problem, store_unavailable};
use crate::credential::{Caller, clear_cookie};
use crate::view;

/// `GET /account`.
pub(crate) async fn page(State(app): State<Shared>, caller: Caller) -> Result<Html<String>, Problem> {
    let viewer = viewer(&app, &caller)?;
    let identity = &app.console.identity;
    let person = caller.reviewer().person();
    let sessions = identity.sessions(person, viewer.now).map_err(|error| store_unavailable(&error))?;
    let passkeys = identity.passkeys(person).map_err(|error| store_unavailable(&error))?;
    let body = view::account::account(&viewer, &sessions, &passkeys);
    Ok(view::page(&viewer, "Account", "/account", &body))
}

/// `POST /account/sign-out`.
pub(crate) async fn sign_out(State(app): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    app.console.identity.end_session(caller.token(), now).await.map_err(|error| store_unavailable(&error))?;
    Ok(go_on("/sign-in", clear_cookie(&app.site)))
}

/// `POST /account/sessions/end-others`.
pub(crate) async fn end_others(State(app): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    let identity = &app.console.identity;
    let ended = identity.end_other_sessions(caller.reviewer().person(), caller.token(), now).await;
    ended.map_err(|error| store_unavailable(&error))?;
    Ok(go_on("/account", None))
}

/// `POST /account/passkeys/{id}/remove`.
pub(crate) async fn remove_passkey(
    State(app): State<Shared>,
    caller: Caller,
    path: PathText,
) -> Result<Response, Problem> {
    passkeys::remove_passkey(&app, &caller, &path.0).await?;
    Ok(go_on("/account#passkeys", None))
}
