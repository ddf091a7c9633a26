//! What does the API promise? The OpenAPI 3.1 document, made from the handlers' own descriptions.

use std::sync::LazyLock;

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::api;
use crate::codes::ProblemBody;

/// The document as JSON text.
pub(crate) fn document() -> String {
    static DOCUMENT: LazyLock<String> =
        LazyLock::new(|| Document::openapi().to_pretty_json().unwrap_or_default());
    DOCUMENT.clone()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign review API",
        description = "For people and their programs: read what waits, answer it, and read what happened. \
            Agents have no credential for this API.\n\n\
            Errors are RFC 9457 problems (`application/problem+json`) with a stable `code`. Bodies have at most \
            65536 bytes. Lists are pages of at most 200; `next` is the `cursor` of the following page.\n\n\
            Authenticate with `Authorization: Bearer` and the token of a people session (`POST /api/v1/session`). \
            Browsers use the session's cookie; their unsafe requests also carry `X-CSRF-Token` and come from the \
            console's own origin.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This gateway's people listener")),
    paths(
        api::reviews::list, api::reviews::one, api::votes::cast,
        api::actions::list, api::actions::one, api::actions::timeline, api::actions::receipt,
        api::passed::list, api::passed::one,
        api::audit::lines,
        api::events::stream,
        api::session::current, api::session::begin, api::session::end,
        api::passkeys::list, api::passkeys::enrol_options, api::passkeys::enrol, api::passkeys::remove,
        api::passkeys::sign_in_options, api::passkeys::sign_in,
        api::openapi,
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "reviews", description = "Questions to people and their answers"),
        (name = "actions", description = "Everything that was asked, with its story"),
        (name = "passed", description = "Statements that passed on an answer of policy that stands, without being judged each time"),
        (name = "audit", description = "The entries of the ledger, as they were hashed and signed"),
        (name = "session", description = "Who is signed in"),
        (name = "passkeys", description = "Enrolling and signing in with WebAuthn"),
        (name = "description", description = "This document"),
    ),
    security(("session" = []), ("cookie" = [])),
    modifiers(&Security, &Problems),
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("session", bearer);
        let cookie = ApiKeyValue::with_description("countersign", "`__Host-countersign` over https");
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Every operation can meet these; each says when.
const EVERYWHERE: [(&str, &str); 3] = [
    (
        "400",
        "A parameter or the body is not valid, or the `Host` is another: `invalid_parameter`, `invalid_body`, `wrong_host`",
    ),
    ("401", "No people session, or a credential that is none: `unauthenticated`"),
    ("503", "The store can't be used; nothing was changed: `store_unavailable`"),
];
const WITH_ID: [(&str, &str); 1] = [("404", "Nothing has this id: `not_found`")];
const UNSAFE: [(&str, &str); 1] = [("403", "The request does not come from the console: `csrf`")];
const WITH_BODY: [(&str, &str); 2] = [
    ("413", "More than 65536 bytes: `body_too_large`"),
    ("415", "Not `application/json`: `unsupported_media_type`"),
];
const VOTE: [(&str, &str); 3] = [
    (
        "403",
        "This person's vote does not count: `forbidden_requester`, `not_asked`, `forbidden_by_policy`, `assurance_too_low`, `csrf`",
    ),
    (
        "409",
        "It is not as it was seen: `review_changed`, `other_digest`, `review_expired`, `review_not_pending`, `voted_already`",
    ),
    ("422", "`reason_too_long`, `idempotency_key_reused`"),
];
const PASSKEY: [(&str, &str); 1] = [("422", "The passkey was not accepted: `passkey_refused`")];
const INVITATION: [(&str, &str); 1] = [("404", "Used up, expired or unknown: `invitation_not_valid`")];

struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let operations = [(&mut item.get, false), (&mut item.post, true), (&mut item.delete, true)];
            for (operation, changes) in operations {
                if let Some(operation) = operation {
                    add(operation, path, changes);
                }
            }
        }
    }
}

/// A parameter may be left out, but `null` has no spelling in a query string.
fn never_null(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let types = match &mut parameter.schema {
            Some(RefOr::T(Schema::Object(object))) => &mut object.schema_type,
            Some(RefOr::T(Schema::Array(array))) => &mut array.schema_type,
            _ => continue,
        };
        if let SchemaType::Array(several) = types {
            several.retain(|one| *one != Type::Null);
            if let [only] = several.as_slice() {
                *types = SchemaType::Type(only.clone());
            }
        }
    }
}

fn add(operation: &mut Operation, path: &str, changes: bool) {
    never_null(operation);
    let id = operation.operation_id.clone().unwrap_or_default();
    let mut problems: Vec<(&str, &str)> = EVERYWHERE.to_vec();
    if changes {
        problems.extend(UNSAFE);
    }
    if operation.request_body.is_some() {
        problems.extend(WITH_BODY);
    }
    if path.contains("{id}") {
        problems.extend(WITH_ID);
    }
    match id.as_str() {
        "vote" => problems.extend(VOTE),
        "begin_session" => problems.extend(INVITATION),
        "begin_enrolment" | "enrol_passkey" | "remove_passkey" | "begin_sign_in" | "sign_in" => {
            problems.extend(PASSKEY);
        }
        _ => {}
    }
    for (status, why) in problems {
        operation.responses.responses.insert(status.to_owned(), RefOr::T(problem(why)));
    }
}

fn problem(why: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(why).content("application/problem+json", content).build()
}

#[cfg(test)]
mod tests;
