//! Which routes are there, and who may call each? One table; the router is built from it and from nothing else.

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Router, middleware};
use http::{HeaderValue, Method, header};

use crate::codes::{Code, Problem};
use crate::guard::{guard, show, signed_in_only};
use crate::{Shared, api, assets, log, pages};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody; nothing behind it tells or changes anything of a person.
    Open,
    /// Signed-in people.
    Person,
    /// Programs with an auditor's token; no person.
    Auditor,
}

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    handler: MethodRouter<Shared>,
}

/// Every route. A new one also needs its line in `routes/tests.rs`.
#[rustfmt::skip]
pub(crate) fn table() -> Vec<Route> {
    use Access::{Auditor, Open, Person};
    let get_ = |path, access, handler| Route { method: Method::GET, path, access, handler };
    let post_ = |path, access, handler| Route { method: Method::POST, path, access, handler };
    let delete_ = |path, access, handler| Route { method: Method::DELETE, path, access, handler };
    vec![
        get_("/", Person, get(pages::inbox::page)),
        get_("/reviews/{id}", Person, get(pages::reviews::page)),
        post_("/reviews/{id}/vote", Person, post(pages::reviews::vote)),
        get_("/history", Person, get(pages::actions::history)),
        get_("/actions/{id}", Person, get(pages::actions::page)),
        get_("/passed", Person, get(pages::passed::list)),
        get_("/passed/{id}", Person, get(pages::passed::page)),
        get_("/audit", Person, get(pages::audit::page)),
        get_("/audit/verify", Person, get(pages::audit::verify)),
        get_("/account", Person, get(pages::account::page)),
        post_("/account/sign-out", Person, post(pages::account::sign_out)),
        post_("/account/sessions/end-others", Person, post(pages::account::end_others)),
        post_("/account/passkeys/{id}/remove", Person, post(pages::account::remove_passkey)),
        get_("/enter/{token}", Open, get(pages::enter::page)),
        post_("/enter/{token}", Open, post(pages::enter::accept)),
        get_("/sign-in", Open, get(pages::enter::sign_in)),
        get_("/assets/{name}", Open, get(assets::serve)),

        get_("/api/v1/reviews", Person, get(api::reviews::list)),
        get_("/api/v1/reviews/{id}", Person, get(api::reviews::one)),
        post_("/api/v1/reviews/{id}/votes", Person, post(api::votes::cast)),
        get_("/api/v1/actions", Person, get(api::actions::list)),
        get_("/api/v1/actions/{id}", Person, get(api::actions::one)),
        get_("/api/v1/actions/{id}/timeline", Person, get(api::actions::timeline)),
        get_("/api/v1/actions/{id}/receipt", Person, get(api::actions::receipt)),
        get_("/api/v1/audit.jsonl", Person, get(api::audit::lines)),
        get_("/api/v1/passed", Person, get(api::passed::list)),
        get_("/api/v1/passed/{id}", Person, get(api::passed::one)),
        get_("/api/v1/events", Person, get(api::events::stream)),
        get_("/api/v1/session", Person, get(api::session::current)),
        delete_("/api/v1/session", Person, delete(api::session::end)),
        post_("/api/v1/session", Open, post(api::session::begin)),
        get_("/api/v1/passkeys", Person, get(api::passkeys::list)),
        post_("/api/v1/passkeys/options", Person, post(api::passkeys::enrol_options)),
        post_("/api/v1/passkeys", Person, post(api::passkeys::enrol)),
        delete_("/api/v1/passkeys/{id}", Person, delete(api::passkeys::remove)),
        post_("/api/v1/sign-in/options", Open, post(api::passkeys::sign_in_options)),
        post_("/api/v1/sign-in", Open, post(api::passkeys::sign_in)),
        get_("/api/v1/openapi.json", Open, get(api::openapi)),

        get_("/ledger/checkpoint", Auditor, get(log::checkpoint)),
        get_("/ledger/tile/{*path}", Auditor, get(log::piece)),
    ]
}

/// The router of the table.
pub(crate) fn router(app: Shared) -> Router {
    let mut router = Router::new();
    for Route { method: _, path, access, handler } in table() {
        let handler = match access {
            // The guard lets nobody else through to the log, and its handlers ask for the proof.
            Access::Open | Access::Auditor => handler,
            Access::Person => handler.route_layer(middleware::from_fn(signed_in_only)),
        };
        router = router.route(path, handler);
    }
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

/// Who may call the route; `None` when there is none.
pub(crate) fn access(method: &Method, path: &str) -> Option<Access> {
    table().iter().find(|route| route.method == *method && route.path == path).map(|route| route.access)
}

async fn nothing_here() -> Problem {
    Problem::plain(Code::NotFound)
}

async fn method_not_allowed(request: Request) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let allowed: Vec<String> = table()
        .iter()
        .filter(|route| Some(route.path) == path)
        .flat_map(|route| match route.method {
            Method::GET => vec!["GET".to_owned(), "HEAD".to_owned()],
            _ => vec![route.method.to_string()],
        })
        .collect();
    let mut response = show(Problem::plain(Code::MethodNotAllowed));
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

#[cfg(test)]
mod tests;
