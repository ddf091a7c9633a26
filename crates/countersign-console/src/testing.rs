//! What do the tests of this crate ask? The real router over a real gate, identity and store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use countersign_core::{ActionId, Draft, Outcome, Review, State, Verb};
use countersign_testkit::{CountingUpstream, TestCall, World};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;

use crate::Console;

/// The token of an auditor.
pub(crate) const AUDITOR: &str = "an-auditors-token-of-some-length";
pub(crate) const HERE: &str = "http://localhost:8811";

/// The console of a fresh world.
pub(crate) struct Bench {
    pub(crate) world: World,
    router: Router,
    pub(crate) upstream: CountingUpstream,
}

/// A signed-in person's secrets.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) csrf: String,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: axum::body::Bytes,
    /// The same, as far as it is text.
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        body["code"].as_str().unwrap().to_owned()
    }
}

/// A request on its way to being sent.
pub(crate) struct Ask<'a> {
    bench: &'a Bench,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let console = Console {
            gate: world.gate.clone(),
            identity: world.identity.clone(),
            public_url: HERE.to_owned(),
            auditors: crate::Auditors::with([AUDITOR]),
        };
        Self { world, router: crate::router(Arc::new(console)), upstream: CountingUpstream::default() }
    }

    /// Signs a person in by a one-time link.
    pub(crate) async fn sign_in(&self, name: &str) -> Session {
        let now = countersign_gate::Clock::now(&self.world.clock);
        let token = self.invitation(name).await;
        let session = self.world.identity.accept_invitation(&token, now).await.unwrap().unwrap();
        Session { token: session.token, csrf: session.signed_in.csrf }
    }

    /// The token of a fresh one-time link.
    pub(crate) async fn invitation(&self, name: &str) -> String {
        let now = countersign_gate::Clock::now(&self.world.clock);
        let life = Duration::from_secs(3600);
        self.world.identity.invite(name, BTreeSet::new(), life, now).await.unwrap().token.to_string()
    }

    /// A pending review of a delete, which needs one `dba`.
    pub(crate) async fn pending(&self) -> Review {
        self.held(self.world.draft(Verb::Delete, "customers")).await
    }

    /// The pending review of this draft.
    pub(crate) async fn held(&self, draft: Draft) -> Review {
        let (gate, call) = (self.world.gate.clone(), TestCall::new(&self.upstream));
        tokio::spawn(async move { gate.pass(draft, call).await });
        self.world.the_review(State::Pending).await
    }

    /// A read of the agent `batch` that passes on a standing answer, with this payload, and how it went.
    pub(crate) fn passed(&self, payload: &str, outcome: Option<Outcome>) -> ActionId {
        let standing = self.world.gate.standing(&self.world.draft(Verb::Read, "customers")).unwrap();
        let permit = self.world.gate.pass_standing(&standing, payload).unwrap();
        outcome.into_iter().for_each(|outcome| self.world.gate.settle_standing(permit.action(), outcome));
        permit.action()
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let headers = vec![("host".to_owned(), "localhost:8811".to_owned())];
        Ask { bench: self, method, path: path.to_owned(), headers, body: Vec::new() }
    }

    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask<'_> {
        self.ask(Method::POST, path)
    }
}

impl Ask<'_> {
    /// Sets a header, in place of an earlier one of the same name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As a program.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// As a browser that sends the cookie by itself.
    pub(crate) fn cookie(self, session: &Session) -> Self {
        self.header("cookie", &format!("countersign={}", session.token))
    }

    /// As a page of this console.
    pub(crate) fn same_origin(self) -> Self {
        self.header("origin", HERE).header("sec-fetch-site", "same-origin")
    }

    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(key, value)| format!("{key}={}", crate::view::links::escaped(value)))
            .collect();
        self.body = pairs.join("&").into_bytes();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(crate) fn json(self, value: &Value) -> Self {
        self.raw("application/json", value.to_string().into_bytes())
    }

    pub(crate) fn raw(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", kind)
    }

    /// Sends it and hands back the answer with its body unread.
    pub(crate) async fn open(self) -> Response<Body> {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body)).unwrap();
        TowerToHyperService::new(self.bench.router.clone()).call(request).await.unwrap()
    }

    /// Sends it.
    pub(crate) async fn send(self) -> Answer {
        let response = self.open().await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, bytes, text }
    }
}

/// A vote on the review as it stands.
pub(crate) fn vote(review: &Review, answer: &str) -> Value {
    serde_json::json!({
        "answer": answer,
        "reason": "because",
        "digest": review.digest,
        "version": review.version,
    })
}

/// Where an answer sends the browser.
pub(crate) fn location(answer: &Answer) -> &str {
    answer.header(header::LOCATION.as_str())
}
