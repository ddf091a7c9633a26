//! What is in the ledger? Leaves as they were hashed, one a line.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};

use crate::Shared;
use crate::codes::Problem;
use crate::credential::Caller;
use crate::params;

const NEXT: HeaderName = HeaderName::from_static("x-next");

/// `GET /api/v1/audit.jsonl`.
#[utoipa::path(get, path = "/api/v1/audit.jsonl", tag = "audit", operation_id = "list_entries",
    params(
        ("kind" = Option<String>, Query, description = "Only entries of this type, for example `approval.decided`, or of \
            this family, for example `approval`; docs/LEDGER.md lists them",
            pattern = "^(action(\\.(requested|released|executed|failed|unknown))?|actions(\\.passed)?\
                |approval(\\.(requested|viewed|refused|decided|expired|cancelled|lapsed))?|policy(\\.changed)?|definition(\\.pinned)?\
                |credential(\\.(enrolled|revoked))?|agent(\\.(added|revoked))?|person(\\.(invited|signed_in|removed))?\
                |session(\\.ended)?|log(\\.(heartbeat|pruned))?|key(\\.rotated)?|subject(\\.erased)?|audit(\\.(read|exported))?)$"),
        ("case" = Option<String>, Query, description = "Only entries of this case, for example `act_…`", min_length = 1, max_length = 256),
        ("actor" = Option<String>, Query, description = "Only entries by the actor of this id", min_length = 1, max_length = 256),
        ("resource" = Option<String>, Query, description = "Only entries about actions on this resource", min_length = 1, max_length = 256),
        ("agent" = Option<String>, Query, description = "Only entries about actions of the agent of this name", min_length = 1, max_length = 256),
        ("from" = Option<String>, Query, format = DateTime, description = "Made at or after this instant (RFC 3339)"),
        ("until" = Option<String>, Query, format = DateTime, description = "Made before this instant (RFC 3339)"),
        ("cursor" = Option<u64>, Query, description = "The `x-next` of the answer before", maximum = 9_223_372_036_854_775_807_u64),
        ("limit" = Option<u16>, Query, description = "So many entries, 10,000 unless told", minimum = 1, maximum = 10_000),
    ),
    responses((status = 200, description = "The leaves of the entries, newest first, each as it was hashed, with a line feed \
        behind it. An answer ends when it is full or when enough was looked at; as long as there is an `x-next`, more may match",
        content_type = "application/jsonl", body = String,
        headers(("x-next" = Option<u64>, description = "The `cursor` of the next answer; missing when everything was looked at")))))]
pub(crate) async fn lines(
    State(app): State<Shared>,
    _: Caller,
    RawQuery(text): RawQuery,
) -> Result<Response, Problem> {
    let query = params::audit::strict(text.as_deref().unwrap_or(""))?;
    let page = app.console.gate.audit(query).await?;
    let body: String = page.items.iter().flat_map(|entry| [entry.leaf.as_str(), "\n"]).collect();
    let headers = [
        (CONTENT_TYPE, "application/jsonl"),
        (CONTENT_DISPOSITION, "attachment; filename=\"countersign-audit.jsonl\""),
    ];
    let mut response = (headers, body).into_response();
    if let Some(next) = page.next {
        response.headers_mut().insert(NEXT, HeaderValue::from(next));
    }
    Ok(response)
}
