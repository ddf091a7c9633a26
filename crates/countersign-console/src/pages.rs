//! What do people see and do? One handler per page: ask the gate, draw, or pass an answer on.

pub(crate) mod account;
pub(crate) mod actions;
pub(crate) mod audit;
pub(crate) mod enter;
pub(crate) mod inbox;
pub(crate) mod passed;
pub(crate) mod reviews;

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::Shared;
use crate::codes::{Code, Problem, store_unavailable};
use crate::credential::Caller;
use crate::guard::collect;
use crate::params;
use crate::view::Viewer;

/// The viewer of a page.
pub(crate) fn viewer<'a>(app: &Shared, caller: &'a Caller) -> Result<Viewer<'a>, Problem> {
    let passkeys = app
        .console
        .identity
        .passkeys(caller.reviewer().person())
        .map_err(|error| store_unavailable(&error))?;
    let now = app.console.gate.clock().now();
    Ok(Viewer { signed_in: caller.signed_in(), now, passkey: !passkeys.is_empty() })
}

/// The fields of a form.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The value of a field that stands exactly once.
    pub(crate) fn field(&self, name: &str) -> Result<&str, Problem> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Problem::new(Code::InvalidBody, format!("the form needs the field `{name}` once"))),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = collect(request.into_body()).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
        Ok(Self(params::pairs(text)))
    }
}

/// Goes on to `path`, which must be ASCII, with a cookie when one is to be set.
pub(crate) fn go_on(path: &str, cookie: Option<HeaderValue>) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests;
