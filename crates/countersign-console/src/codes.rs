//! What went wrong, in words that programs can rely on? Every error of the people listener has one of these codes.

use axum::response::{IntoResponse, Response};
use countersign_core::{State, VoteRefusal};
use countersign_gate::{GateError, VoteError};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::guard::Shown;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:ident, $title:literal, $hint:literal;)+) => {
        /// A stable error code. Codes are never renamed or reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word in `code` and at the end of `type`.
            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The HTTP status that always goes with the code.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// One line that is the same for every occurrence.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// How to mend it.
            pub(crate) const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)+ }
            }
        }
    };
}

codes! {
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "You are not signed in",
        "Sign in, or send the token of a people session as `Authorization: Bearer`. Agent tokens never work here.";
    Csrf = "csrf", FORBIDDEN, "The request did not come from this console",
        "Reload the page and try again; programs use `Authorization: Bearer` instead of cookies.";
    WrongHost = "wrong_host", BAD_REQUEST, "This console has another name",
        "Use exactly the host and port of the configured public URL.";
    ForbiddenRequester = "forbidden_requester", FORBIDDEN, "You stand behind this request",
        "Somebody who is not in the requester chain must decide.";
    NotAsked = "not_asked", FORBIDDEN, "You are not asked to review this",
        "A member of one of the groups named in `gates` must decide.";
    ForbiddenByPolicy = "forbidden_by_policy", FORBIDDEN, "Policy does not let you vote on this",
        "See the policies for `approve` on reviews.";
    AssuranceTooLow = "assurance_too_low", FORBIDDEN, "This needs a stronger sign-in",
        "Sign in with a passkey and answer again.";
    VotedAlready = "voted_already", CONFLICT, "You have already answered",
        "Every person has one vote per review.";
    ReviewChanged = "review_changed", CONFLICT, "The review changed since you looked",
        "Read the review again and answer with its current version.";
    OtherDigest = "other_digest", CONFLICT, "Your answer names another action",
        "Read the review again and answer with its digest.";
    ReviewExpired = "review_expired", CONFLICT, "The review has expired",
        "The requester can ask again.";
    ReviewNotPending = "review_not_pending", CONFLICT, "The review is no longer open",
        "Read the review again to see how it ended.";
    NotShownWhole = "not_shown_whole", CONFLICT, "This page can't show the whole action",
        "Fetch the payload through the API or the command line, read it all, and answer there.";
    NotFound = "not_found", NOT_FOUND, "There is nothing here",
        "Check the address and the id.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This address does not take that method",
        "See the `Allow` header.";
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "A parameter is not valid",
        "See `detail` and the API description at /api/v1/openapi.json.";
    InvalidBody = "invalid_body", BAD_REQUEST, "The body is not valid",
        "See `detail` and the API description at /api/v1/openapi.json.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body has the wrong type",
        "Send `Content-Type: application/json`.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large",
        "Send at most 65536 bytes.";
    ReasonTooLong = "reason_too_long", UNPROCESSABLE_ENTITY, "The reason is too long",
        "Write at most 4096 bytes.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "This Idempotency-Key was used for another request",
        "Use a new key for every new request.";
    InvitationNotValid = "invitation_not_valid", NOT_FOUND, "This link is used up, expired or unknown",
        "Ask for a new one: countersign people invite NAME";
    PasskeyRefused = "passkey_refused", UNPROCESSABLE_ENTITY, "The passkey was not accepted",
        "Try again, or sign in with a one-time link.";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "The store can't be used right now",
        "Nothing was changed. Try again; if it goes on, see the gateway's log.";
}

/// An error as RFC 9457 tells it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: String,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:countersign:error:review_changed",
    "title": "The review changed since you looked",
    "status": 409,
    "detail": "the review changed since version 1; it is now at version 2",
    "code": "review_changed",
    "hint": "Read the review again and answer with its current version."
}))]
pub(crate) struct ProblemBody {
    /// `urn:countersign:error:` followed by the code.
    #[schema(pattern = "^urn:countersign:error:[a-z_]+$")]
    r#type: String,
    /// The same text for every occurrence of the code.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time.
    detail: String,
    /// Stable; programs look at this.
    #[schema(pattern = "^[a-z_]+$")]
    code: &'static str,
    /// How to mend it.
    hint: &'static str,
}

impl Problem {
    /// A problem with its own detail.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// A problem whose title says it all.
    pub(crate) fn plain(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> ProblemBody {
        ProblemBody {
            r#type: format!("urn:countersign:error:{}", self.code.word()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code.word(),
            hint: self.code.hint(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/problem+json"));
        if self.code == Code::Unauthenticated {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                http::HeaderValue::from_static("Bearer realm=\"countersign people\""),
            );
        }
        response.extensions_mut().insert(Shown(self));
        response
    }
}

impl From<GateError> for Problem {
    fn from(error: GateError) -> Self {
        store_unavailable(&error)
    }
}

/// The store or what stands before it failed: said to the operator in full, to the caller without details.
pub(crate) fn store_unavailable(error: &dyn std::error::Error) -> Problem {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        chain.push_str(": ");
        chain.push_str(&next.to_string());
        source = next.source();
    }
    tracing::error!(error = chain, "a request of the console failed");
    Problem::plain(Code::StoreUnavailable)
}

impl From<VoteError> for Problem {
    fn from(error: VoteError) -> Self {
        let code = match &error {
            VoteError::NotFound => Code::NotFound,
            VoteError::NotPending(State::Expired) | VoteError::Refused(VoteRefusal::Expired(_)) => {
                Code::ReviewExpired
            }
            VoteError::NotPending(_) => Code::ReviewNotPending,
            VoteError::Policy(_) => Code::ForbiddenByPolicy,
            VoteError::Gate(error) => return store_unavailable(error),
            VoteError::Refused(VoteRefusal::OtherDigest) => Code::OtherDigest,
            VoteError::Refused(VoteRefusal::OtherVersion { .. }) => Code::ReviewChanged,
            VoteError::Refused(VoteRefusal::Requester | VoteRefusal::ClaimedRequester) => {
                Code::ForbiddenRequester
            }
            VoteError::Refused(VoteRefusal::VotedAlready) => Code::VotedAlready,
            VoteError::Refused(VoteRefusal::NotAsked) => Code::NotAsked,
            VoteError::Refused(VoteRefusal::AssuranceTooLow(_)) => Code::AssuranceTooLow,
            VoteError::Refused(VoteRefusal::ReasonTooLong) => Code::ReasonTooLong,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests;
