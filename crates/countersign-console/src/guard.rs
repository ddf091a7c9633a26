//! May this request come in at all? Host, credential and origin are checked here, once, before any handler.

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::Shared;
use crate::codes::{Code, Problem};
use crate::credential::{Caller, Via};
use crate::routes::{self, Access};
use crate::site::Provenance;
use crate::view;

/// The largest body that is read.
pub(crate) const BODY_MAX_BYTES: usize = 64 * 1024;

/// Wraps every route, the fallback included.
pub(crate) async fn guard(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let for_programs = ["/api/", "/ledger/"].iter().any(|prefix| uri.path().starts_with(prefix));
    let programs = for_programs || request.headers().contains_key(header::AUTHORIZATION);
    let mut response = match admit(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => show(problem),
    };
    if !programs && let Some(Shown(problem)) = response.extensions_mut().remove::<Shown>() {
        response = for_people(&problem, &uri);
    }
    dress(response.headers_mut(), app.site.secure);
    response
}

/// Wraps the routes that need a person.
pub(crate) async fn signed_in_only(request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(_) => next.run(request).await,
        None => show(Problem::plain(Code::Unauthenticated)),
    }
}

/// A problem that travels with its response, so that pages can tell it in HTML.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Problem);

/// The response of a problem, for programs until [`guard`] sees that a page was asked for.
pub(crate) fn show(problem: Problem) -> Response {
    problem.into_response()
}

fn for_people(problem: &Problem, uri: &Uri) -> Response {
    if problem.code == Code::Unauthenticated {
        let next = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        return Redirect::to(&format!("/sign-in?next={}", view::links::escaped(next))).into_response();
    }
    (problem.code.status(), view::problem(problem)).into_response()
}

async fn admit(app: &Shared, mut request: Request) -> Result<Request, Problem> {
    if !app.site.is_addressed(request.uri(), request.headers()) {
        return Err(Problem::plain(Code::WrongHost));
    }
    if access(&request) == Some(Access::Auditor) {
        let auditor = app.console.auditors.admit(request.headers());
        let auditor = auditor.ok_or_else(|| Problem::plain(Code::Unauthenticated))?;
        request.extensions_mut().insert(auditor);
        return Ok(request);
    }
    let now = app.console.gate.clock().now();
    let caller = Caller::of(request.headers(), &app.site, &app.console.identity, now)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        request = check_origin(app, request, caller.as_ref()).await?;
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    Ok(request)
}

/// An unsafe request with a cookie must come from our own page and carry the session's CSRF token. One that needs no
/// session, or brings it as a bearer token, may be from a program, which says nothing about its origin, but never
/// from another site.
async fn check_origin(app: &Shared, request: Request, caller: Option<&Caller>) -> Result<Request, Problem> {
    let refused = |why: &str| Err(Problem::new(Code::Csrf, why));
    let provenance = app.site.provenance(request.headers());
    let by_cookie = caller.filter(|caller| caller.via() == Via::Cookie);
    let Some(caller) = by_cookie.filter(|_| !is_open(&request)) else {
        return match provenance {
            Provenance::Elsewhere => refused("the request comes from another site"),
            Provenance::Here | Provenance::Unsaid => Ok(request),
        };
    };
    if provenance != Provenance::Here {
        return refused("the request does not come from a page of this console");
    }
    if let Some(said) = request.headers().get("x-csrf-token") {
        return match said.to_str() {
            Ok(said) if caller.has_csrf(said) => Ok(request),
            _ => refused("the X-CSRF-Token is not this session's"),
        };
    }
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if !form {
        return refused("there is no CSRF token");
    }
    let (parts, body) = request.into_parts();
    let bytes = collect(body).await?;
    if !form_field(&bytes, "csrf").is_some_and(|said| caller.has_csrf(&said)) {
        return refused("the form's CSRF token is not this session's");
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Whether the route does the same for everybody, so that the session that a cookie brings along plays no part.
fn is_open(request: &Request) -> bool {
    access(request) == Some(Access::Open)
}

/// Who may call the route of this request.
fn access(request: &Request) -> Option<Access> {
    let path = request.extensions().get::<MatchedPath>()?;
    // What answers GET answers HEAD.
    let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
    routes::access(method, path.as_str())
}

/// The whole body, up to [`BODY_MAX_BYTES`].
pub(crate) async fn collect(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, BODY_MAX_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::plain(Code::BodyTooLarge)),
        Err(_) => Err(Problem::new(Code::InvalidBody, "the body ended early")),
    }
}

/// The one value of a field of a form; `None` when it is missing or stands twice.
fn form_field(form: &[u8], name: &str) -> Option<String> {
    let pairs = crate::params::pairs(std::str::from_utf8(form).ok()?);
    let mut values = pairs.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                   connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// `same-origin` and not `no-referrer`: with the latter browsers send `Origin: null` with our own forms.
const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

fn dress(headers: &mut HeaderMap, secure: bool) {
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
