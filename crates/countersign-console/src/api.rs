//! What do programs ask? The JSON API under `/api/v1`: the same questions as the pages, in the shapes of `wire`.

pub(crate) mod actions;
pub(crate) mod audit;
pub(crate) mod events;
pub(crate) mod passed;
pub(crate) mod passkeys;
pub(crate) mod reviews;
pub(crate) mod session;
pub(crate) mod votes;

use std::fmt::Display;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codes::{Code, Problem};
use crate::guard::collect;

/// The one variable part of a path.
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(text)| Self(text))
            .map_err(|error| Problem::new(Code::InvalidParameter, error.body_text()))
    }
}

impl PathText {
    /// The id of the expected kind, in its one spelling.
    pub(crate) fn id<T: FromStr<Err: Display> + Display>(&self) -> Result<T, Problem> {
        let id: T = self
            .0
            .parse()
            .map_err(|error: T::Err| Problem::new(Code::InvalidParameter, error.to_string()))?;
        if id.to_string() == self.0 {
            return Ok(id);
        }
        Err(Problem::new(Code::InvalidParameter, "ids are written in lower case"))
    }
}

/// A JSON body, with the bytes it was read from.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::plain(Code::UnsupportedMediaType));
        }
        let bytes = collect(request.into_body()).await?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
        Ok(Self { value, bytes })
    }
}

/// A JSON answer.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    raw_json(status, serde_json::to_vec(value).unwrap_or_default())
}

/// A JSON answer whose bytes are there already.
pub(crate) fn raw_json(status: StatusCode, bytes: Vec<u8>) -> Response {
    let kind = if status.as_u16() < 400 { "application/json" } else { "application/problem+json" };
    (status, [(header::CONTENT_TYPE, kind)], bytes).into_response()
}

/// `GET /api/v1/openapi.json`.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "description", operation_id = "describe", security(()),
    responses((status = 200, description = "This document", body = Object)))]
pub(crate) async fn openapi() -> Response {
    raw_json(StatusCode::OK, crate::openapi::document().into_bytes())
}

#[cfg(test)]
mod tests;
