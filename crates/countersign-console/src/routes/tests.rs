//! A ratchet: every route stands in this list with its access, and each is tried by strangers, agents and other
//! sites. A route that is added to the table without its line here fails the build of trust.

use http::{Method, StatusCode};

use super::{Access, table};
use crate::testing::{Bench, HERE, Session, location};

/// Method, path, access, and a path to try it with.
const ROUTES: [(&str, &str, Access, &str); 40] = {
    use Access::{Auditor, Open, Person};
    [
        ("GET", "/", Person, "/"),
        ("GET", "/reviews/{id}", Person, "/reviews/rev_00000000000070008000000000000000"),
        ("POST", "/reviews/{id}/vote", Person, "/reviews/rev_00000000000070008000000000000000/vote"),
        ("GET", "/history", Person, "/history"),
        ("GET", "/actions/{id}", Person, "/actions/act_00000000000070008000000000000000"),
        ("GET", "/passed", Person, "/passed"),
        ("GET", "/passed/{id}", Person, "/passed/act_00000000000070008000000000000000"),
        ("GET", "/audit", Person, "/audit"),
        ("GET", "/audit/verify", Person, "/audit/verify"),
        ("GET", "/account", Person, "/account"),
        ("POST", "/account/sign-out", Person, "/account/sign-out"),
        ("POST", "/account/sessions/end-others", Person, "/account/sessions/end-others"),
        ("POST", "/account/passkeys/{id}/remove", Person, "/account/passkeys/x/remove"),
        ("GET", "/enter/{token}", Open, "/enter/x"),
        ("POST", "/enter/{token}", Open, "/enter/x"),
        ("GET", "/sign-in", Open, "/sign-in"),
        ("GET", "/assets/{name}", Open, "/assets/x"),
        ("GET", "/api/v1/reviews", Person, "/api/v1/reviews"),
        ("GET", "/api/v1/reviews/{id}", Person, "/api/v1/reviews/rev_00000000000070008000000000000000"),
        (
            "POST",
            "/api/v1/reviews/{id}/votes",
            Person,
            "/api/v1/reviews/rev_00000000000070008000000000000000/votes",
        ),
        ("GET", "/api/v1/actions", Person, "/api/v1/actions"),
        ("GET", "/api/v1/actions/{id}", Person, "/api/v1/actions/act_00000000000070008000000000000000"),
        (
            "GET",
            "/api/v1/actions/{id}/timeline",
            Person,
            "/api/v1/actions/act_00000000000070008000000000000000/timeline",
        ),
        (
            "GET",
            "/api/v1/actions/{id}/receipt",
            Person,
            "/api/v1/actions/act_00000000000070008000000000000000/receipt",
        ),
        ("GET", "/api/v1/audit.jsonl", Person, "/api/v1/audit.jsonl"),
        ("GET", "/api/v1/passed", Person, "/api/v1/passed"),
        ("GET", "/api/v1/passed/{id}", Person, "/api/v1/passed/act_00000000000070008000000000000000"),
        ("GET", "/api/v1/events", Person, "/api/v1/events"),
        ("GET", "/api/v1/session", Person, "/api/v1/session"),
        ("DELETE", "/api/v1/session", Person, "/api/v1/session"),
        ("POST", "/api/v1/session", Open, "/api/v1/session"),
        ("GET", "/api/v1/passkeys", Person, "/api/v1/passkeys"),
        ("POST", "/api/v1/passkeys/options", Person, "/api/v1/passkeys/options"),
        ("POST", "/api/v1/passkeys", Person, "/api/v1/passkeys"),
        ("DELETE", "/api/v1/passkeys/{id}", Person, "/api/v1/passkeys/x"),
        ("POST", "/api/v1/sign-in/options", Open, "/api/v1/sign-in/options"),
        ("POST", "/api/v1/sign-in", Open, "/api/v1/sign-in"),
        ("GET", "/api/v1/openapi.json", Open, "/api/v1/openapi.json"),
        ("GET", "/ledger/checkpoint", Auditor, "/ledger/checkpoint"),
        ("GET", "/ledger/tile/{*path}", Auditor, "/ledger/tile/0/000.p/1"),
    ]
};

fn method(word: &str) -> Method {
    word.parse().unwrap()
}

#[test]
fn every_route_of_the_table_is_in_this_list() {
    let table: Vec<(String, &str, Access)> =
        table().iter().map(|route| (route.method.to_string(), route.path, route.access)).collect();
    let list: Vec<(String, &str, Access)> =
        ROUTES.iter().map(|(method, path, access, _)| ((*method).to_owned(), *path, *access)).collect();
    assert_eq!(table, list);
}

#[tokio::test]
async fn a_stranger_reaches_no_route_of_a_person() {
    let bench = Bench::new().await;
    for (word, _, access, path) in ROUTES {
        if access == Access::Open {
            continue;
        }
        let answer = bench.ask(method(word), path).send().await;
        if path.starts_with("/api/") || access == Access::Auditor {
            assert_eq!(answer.code(), "unauthenticated", "{word} {path}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        } else {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{word} {path}");
            assert!(location(&answer).starts_with("/sign-in?next=%2F"), "{word} {path}");
        }
    }
}

#[tokio::test]
async fn an_agent_token_reaches_no_route_at_all() {
    let bench = Bench::new().await;
    let agent = bench.world.add_agent("intruder", "olaf").await;
    let as_cookie = Session { token: agent.clone(), csrf: String::new() };
    for (word, _, access, path) in ROUTES {
        let answer = bench.ask(method(word), path).bearer(&agent).send().await;
        assert_eq!(answer.code(), "unauthenticated", "{word} {path}");
        if access == Access::Person {
            let answer = bench.ask(method(word), path).cookie(&as_cookie).send().await;
            assert!(matches!(answer.status.as_u16(), 303 | 401), "{word} {path} {}", answer.status);
        }
    }
}

#[tokio::test]
async fn another_site_changes_nothing_with_a_persons_cookie() {
    let bench = Bench::new().await;
    let session = bench.sign_in("ada").await;
    let lines: [&[(&str, &str)]; 6] = [
        &[("origin", "https://evil.example"), ("x-csrf-token", &session.csrf)],
        &[("origin", "null"), ("x-csrf-token", &session.csrf)],
        &[("origin", HERE), ("sec-fetch-site", "cross-site"), ("x-csrf-token", &session.csrf)],
        &[("sec-fetch-site", "same-site"), ("x-csrf-token", &session.csrf)],
        &[("origin", HERE), ("x-csrf-token", "guessed")],
        &[("origin", HERE)],
    ];
    for (word, _, access, path) in ROUTES {
        if word == "GET" {
            continue;
        }
        for headers in lines {
            // What anybody may call needs no token, only not to come from elsewhere.
            let elsewhere = headers.iter().any(|(name, value)| {
                (*name == "origin" && *value != HERE)
                    || (*name == "sec-fetch-site" && *value != "same-origin")
            });
            if access == Access::Open && !elsewhere {
                continue;
            }
            let mut ask = bench.ask(method(word), path).cookie(&session);
            for (name, value) in headers {
                ask = ask.header(name, value);
            }
            let answer = ask.send().await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{word} {path} {headers:?}");
        }
    }
    let still = bench.get("/api/v1/session").cookie(&session).send().await;
    assert_eq!(still.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_to_another_host_name_is_turned_away_everywhere() {
    let bench = Bench::new().await;
    let session = bench.sign_in("ada").await;
    for (word, _, _, path) in ROUTES {
        let answer =
            bench.ask(method(word), path).cookie(&session).header("host", "evil.example").send().await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{word} {path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers() {
    let bench = Bench::new().await;
    let session = bench.sign_in("ada").await;
    let more = [
        ("GET", "", Access::Open, "/nothing"),
        ("PUT", "", Access::Open, "/"),
        ("GET", "", Access::Open, "/api/x"),
    ];
    for (word, _, _, path) in ROUTES.into_iter().chain(more) {
        if path == "/api/v1/events" {
            continue;
        }
        let answer = bench.ask(method(word), path).cookie(&session).send().await;
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{word} {path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{word} {path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{word} {path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{word} {path}");
    }
}

#[tokio::test]
async fn a_wrong_method_hears_which_are_allowed() {
    let bench = Bench::new().await;
    let answer = bench.ask(Method::PUT, "/api/v1/session").send().await;
    assert_eq!(answer.code(), "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET, HEAD, DELETE, POST");
}
