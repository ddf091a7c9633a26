//! What do session tests stand on? The router on a real socket, a real gate, and an upstream that records.
#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use countersign_core::{Draft, Resource, Timestamp, Verb};
use countersign_testkit::World;
use globset::Glob;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use crate::pins::{Pin, PinError, PinFuture, Pins, Visibility};
use crate::{
    Authenticate, Claims, EffectTemplate, McpProxy, PrincipalFuture, ResourceConfig, ToolRule, Upstream,
    router,
};

pub(crate) struct Tokens(Arc<countersign_identity::Identity>);

impl Authenticate for Tokens {
    fn principal<'a>(
        &'a self,
        bearer: Option<&'a str>,
        claims: &'a Claims,
        now: Timestamp,
    ) -> PrincipalFuture<'a> {
        let claims = countersign_identity::Claims {
            client: claims.client.clone(),
            model: claims.model.clone(),
            on_behalf_of: claims.on_behalf_of.clone(),
        };
        Box::pin(async move { self.0.principal(bearer?, &claims, now).await.unwrap() })
    }
}

type Pinned = BTreeMap<String, BTreeMap<String, Pin>>;

#[derive(Default)]
pub(crate) struct MemoryPins(Mutex<Pinned>);

impl Pins for MemoryPins {
    fn pinned(&self, resource: &str) -> Result<Option<BTreeMap<String, Pin>>, PinError> {
        Ok(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(resource).cloned())
    }

    fn pin<'a>(&'a self, resource: &'a str, pins: BTreeMap<String, Pin>) -> PinFuture<'a> {
        self.0.lock().unwrap().entry(resource.to_owned()).or_default().extend(pins);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Tools whose name begins with `never_` can never run.
struct NeverByName;

impl Visibility for NeverByName {
    fn never(&self, draft: &Draft) -> bool {
        draft.operation.starts_with("tools/call never_")
    }
}

/// What the recording upstream was sent, and what it lists.
#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) received: Arc<Mutex<Vec<String>>>,
    pub(crate) tools: Arc<Mutex<Value>>,
    /// Answers to `tools/call`, first come first served; then a plain result.
    pub(crate) answers: Arc<Mutex<Vec<(u16, String)>>>,
    /// What it says about itself.
    pub(crate) capabilities: Arc<Mutex<Value>>,
    /// Results of other methods, each as often as it is asked; the last one stays.
    pub(crate) results: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
}

pub(crate) fn tool(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object" } })
}

impl Default for Recorder {
    fn default() -> Self {
        let tools =
            json!([tool("read_rows", "Reads"), tool("delete_rows", "Deletes"), tool("never_this", "Never")]);
        Self {
            received: Arc::default(),
            tools: Arc::new(Mutex::new(tools)),
            answers: Arc::default(),
            capabilities: Arc::new(Mutex::new(json!({ "tools": {} }))),
            results: Arc::default(),
        }
    }
}

impl Recorder {
    pub(crate) fn calls(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|text| text.contains("\"tools/call\"")).cloned().collect()
    }

    /// Answers this method so, one after the other.
    pub(crate) fn results(&self, method: &str, mut results: Vec<Value>) {
        results.reverse();
        self.results.lock().unwrap().insert(method.to_owned(), results);
    }

    fn scripted(&self, method: &str) -> Option<Value> {
        let mut all = self.results.lock().unwrap();
        let results = all.get_mut(method)?;
        if results.len() > 1 { results.pop() } else { results.last().cloned() }
    }

    async fn start(&self) -> String {
        let app = axum::Router::new().fallback(axum::routing::any(record)).with_state(self.clone());
        serve(app).await
    }
}

async fn record(State(recorder): State<Recorder>, request: Request) -> Response {
    if request.method() != http::Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    recorder.received.lock().unwrap().push(text.clone());
    let message: Value = serde_json::from_str(&text).unwrap();
    let Some(id) = message.get("id").filter(|_| message.get("method").is_some()) else {
        return StatusCode::ACCEPTED.into_response();
    };
    let method = message["method"].as_str().unwrap();
    let scripted = recorder.scripted(method);
    let result = match method {
        _ if scripted.is_some() => scripted.unwrap(),
        "initialize" => json!({ "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": recorder.capabilities.lock().unwrap().clone(),
            "serverInfo": { "name": "recorder", "version": "1" } }),
        "server/discover" => json!({ "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": recorder.capabilities.lock().unwrap().clone() }),
        "tools/list" => json!({ "tools": recorder.tools.lock().unwrap().clone(), "x-kept": [1.50, "ü"] }),
        "tools/call" => {
            let scripted = { recorder.answers.lock().unwrap().pop() };
            if let Some((status, body)) = scripted {
                let body = body.replace("$ID", &id.to_string());
                let kind = if body.starts_with("data:") || body.starts_with("id:") {
                    "text/event-stream"
                } else {
                    "application/json"
                };
                let status = StatusCode::from_u16(status).unwrap();
                return (status, [("content-type", kind)], body).into_response();
            }
            json!({ "content": [{ "type": "text", "text": "done" }] })
        }
        "tasks/list" => json!({ "tasks": [{ "taskId": "t-1" }, { "taskId": "t-2" }] }),
        _ => json!({}),
    };
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    ([("content-type", "application/json"), ("mcp-session-id", "upstream-session")], answer.to_string())
        .into_response()
}

async fn serve(app: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

/// A place in a child's script, reached when it writes to the path.
pub(crate) struct Mark {
    pub(crate) path: std::path::PathBuf,
}

impl Mark {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-{name}-{}", std::process::id()));
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { path }
    }

    /// Completes when the script has been here once more.
    pub(crate) async fn reached(&self) {
        let path = self.path.clone();
        let (say, said) = tokio::sync::oneshot::channel();
        // Opening waits for the other end.
        std::thread::spawn(move || say.send(std::fs::read(path).unwrap()));
        said.await.unwrap();
    }

    /// Lets a script go on that reads the path.
    pub(crate) async fn release(&self) {
        let path = self.path.clone();
        let (say, said) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || say.send(std::fs::write(path, "go\n")).unwrap());
        said.await.unwrap().unwrap();
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).unwrap();
    }
}

/// A gateway in front of one upstream.
pub(crate) struct Rig {
    pub(crate) world: World,
    pub(crate) recorder: Recorder,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) mcp: Arc<McpProxy>,
    upstream: Upstream,
    pins: Arc<MemoryPins>,
    client: crate::upstream::HttpClient,
}

fn rule(pattern: &str, verb: Verb, object: &str) -> ToolRule {
    ToolRule {
        pattern: Glob::new(pattern).unwrap(),
        effects: vec![EffectTemplate { verb, object: object.to_owned() }],
    }
}

pub(crate) fn config(upstream: Upstream) -> ResourceConfig {
    let resource = Resource {
        name: "orders".to_owned(),
        protocol: "mcp".to_owned(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
    };
    let mut config = ResourceConfig::new(resource, upstream, "dba");
    config.max_message_bytes = 64 << 10;
    config.rules = vec![
        rule("read_*", Verb::Read, "orders"),
        rule("delete_*", Verb::Delete, "orders/{table}"),
        rule("never_*", Verb::Read, "orders"),
    ];
    let roots = EffectTemplate { verb: Verb::Read, object: "mcp:roots".to_owned() };
    config.methods.insert("roots/list".to_owned(), vec![roots]);
    config
}

impl Rig {
    pub(crate) async fn http() -> Self {
        let recorder = Recorder::default();
        let url = recorder.start().await;
        Self::before(Upstream::Http { url, headers: BTreeMap::new() }, recorder).await
    }

    pub(crate) async fn stdio(script: &str) -> Self {
        let args = vec!["-c".to_owned(), script.to_owned()];
        let upstream = Upstream::Stdio { command: "sh".to_owned(), args, env: BTreeMap::new(), cwd: None };
        Self::before(upstream, Recorder::default()).await
    }

    async fn before(upstream: Upstream, recorder: Recorder) -> Self {
        let world = World::new().await;
        let token = world.add_agent("robot", "carl").await;
        Self::over(world, upstream, recorder, token, Arc::default()).await
    }

    async fn over(
        world: World,
        upstream: Upstream,
        recorder: Recorder,
        token: String,
        pins: Arc<MemoryPins>,
    ) -> Self {
        let tokens = Arc::new(Tokens(world.identity.clone()));
        let mut other = config(upstream.clone());
        other.resource.name = "other".to_owned();
        let resources = vec![config(upstream.clone()), other];
        let mcp = McpProxy::new(world.gate.clone(), tokens, pins.clone(), Arc::new(NeverByName), resources);
        let mcp = Arc::new(mcp.unwrap());
        let url = format!("{}/mcp/orders", serve(router(mcp.clone())).await);
        let client = crate::upstream::client().unwrap();
        Self { world, recorder, url, token, mcp, upstream, pins, client }
    }

    /// The same folder, upstream and pins in a new gateway, as after the process was killed.
    pub(crate) async fn reopen(&self) -> Self {
        let world = self.world.reopen().await;
        let (recorder, token) = (self.recorder.clone(), self.token.clone());
        Self::over(world, self.upstream.clone(), recorder, token, self.pins.clone()).await
    }

    /// The same gateway by its other resource, which the same upstream serves.
    pub(crate) fn elsewhere(self) -> Self {
        Self { url: self.url.replace("/mcp/orders", "/mcp/other"), ..self }
    }

    /// One POST of raw bytes.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send("POST", headers, body).await
    }

    pub(crate) async fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = http::Request::builder().method(method).uri(&self.url);
        let mut all: BTreeMap<&str, String> = BTreeMap::from([
            ("authorization", format!("Bearer {}", self.token)),
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
        ]);
        all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        for (name, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(bytes::Bytes::from(body.to_owned()))).unwrap();
        let response = tokio::time::timeout(Duration::from_secs(20), self.client.request(request))
            .await
            .unwrap()
            .unwrap();
        Reply { status: response.status(), headers: response.headers().clone(), body: response.into_body() }
    }

    /// Opens a session and gives its id.
    pub(crate) async fn initialize(&self) -> String {
        let reply = self.post(&[], INITIALIZE).await;
        assert_eq!(reply.status, StatusCode::OK);
        let session = reply.headers["mcp-session-id"].to_str().unwrap().to_owned();
        let body = reply.text().await;
        assert!(body.contains("2025-11-25"), "{body}");
        session
    }

    pub(crate) async fn in_session(&self, session: &str, body: &str) -> Reply {
        self.post(&[("mcp-session-id", session)], body).await
    }
}

pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"tester","version":"7"}}}"#;

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: hyper::body::Incoming,
}

impl Reply {
    pub(crate) async fn text(self) -> String {
        let collected =
            tokio::time::timeout(Duration::from_secs(20), self.body.collect()).await.unwrap().unwrap();
        String::from_utf8(collected.to_bytes().to_vec()).unwrap()
    }

    pub(crate) async fn json(self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The next piece of a stream.
    pub(crate) async fn piece(&mut self) -> String {
        let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await.unwrap();
        frame
            .map(|frame| String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
            .unwrap_or_default()
    }
}
