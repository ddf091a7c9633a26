//! The way in: one-time links and the sign-in page.

use axum::extract::{RawQuery, State};
use axum::response::{Html, Response};

use super::go_on;
use crate::Shared;
use crate::api::PathText;
use crate::api::passkeys::session_cookie;
use crate::codes::{Code, Problem, store_unavailable};
use crate::params;
use crate::site::local_path;
use crate::view;

/// `GET /enter/{token}`: shows whom the link signs in, and uses nothing up. Link previews may look.
pub(crate) async fn page(
    State(app): State<Shared>,
    path: PathText,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Problem> {
    let now = app.console.gate.clock().now();
    let invitation =
        app.console.identity.invitation(&path.0, now).map_err(|error| store_unavailable(&error))?;
    let invitation = invitation.ok_or_else(|| Problem::plain(Code::InvitationNotValid))?;
    Ok(view::enter::enter(&path.0, local_path(next(query).as_deref()), &invitation, now))
}

/// `POST /enter/{token}`: uses the link up and begins a session.
pub(crate) async fn accept(
    State(app): State<Shared>,
    path: PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let now = app.console.gate.clock().now();
    let accepted = app.console.identity.accept_invitation(&path.0, now).await;
    let session = accepted
        .map_err(|error| store_unavailable(&error))?
        .ok_or_else(|| Problem::plain(Code::InvitationNotValid))?;
    let cookie = session_cookie(&app, &session, now);
    Ok(go_on(local_path(next(query).as_deref()), cookie))
}

/// `GET /sign-in`.
pub(crate) async fn sign_in(RawQuery(query): RawQuery) -> Html<String> {
    view::enter::sign_in(local_path(next(query).as_deref()))
}

fn next(query: Option<String>) -> Option<String> {
    params::pairs(&query?).into_iter().find(|(key, _)| key == "next").map(|(_, value)| value)
}
