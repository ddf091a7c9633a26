//! A client that speaks MCP over one kept connection and costs next to nothing itself.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::Failure;

/// Where to talk to, and as whom.
#[derive(Debug, Clone)]
pub struct Door {
    pub address: SocketAddr,
    /// What `Host` says.
    pub host: String,
    pub path: String,
    pub token: Option<String>,
}

/// One HTTP connection.
#[derive(Debug)]
pub struct Connection {
    door: Door,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub async fn open(door: &Door) -> Result<Self, Failure> {
        let stream = TcpStream::connect(door.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { door: door.clone(), sender })
    }

    /// Sends one request and reads the whole answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(StatusCode, hyper::HeaderMap, Bytes), Failure> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.door.host);
        if let Some(token) = &self.door.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let (parts, body) = response.into_parts();
        Ok((parts.status, parts.headers, body.collect().await?.to_bytes()))
    }
}

/// One MCP session, as a client of 2025-11-25 keeps it.
#[derive(Debug)]
pub struct Session {
    connection: Connection,
    id: Option<String>,
    calls: u64,
}

impl Session {
    pub async fn open(door: &Door) -> Result<Self, Failure> {
        let mut session = Self { connection: Connection::open(door).await?, id: None, calls: 0 };
        let hello = json!({
            "jsonrpc": "2.0", "id": "hello", "method": "initialize",
            "params": { "protocolVersion": VERSION, "capabilities": {}, "clientInfo": { "name": "bench", "version": "1" } },
        });
        let (status, headers, body) = session.post(hello.to_string().into_bytes()).await?;
        if !status.is_success() {
            return Err(format!("no session: {status} {}", String::from_utf8_lossy(&body)).into());
        }
        session.id = headers.get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        session.post(ready.to_string().into_bytes()).await?;
        let list = json!({ "jsonrpc": "2.0", "id": "list", "method": "tools/list", "params": {} });
        session.post(list.to_string().into_bytes()).await?;
        Ok(session)
    }

    /// The same session over one more connection, with other message ids.
    pub async fn beside(&self, number: u64) -> Result<Self, Failure> {
        let connection = Connection::open(&self.connection.door).await?;
        Ok(Self { connection, id: self.id.clone(), calls: number << 32 })
    }

    /// Calls `tool` with one key and gives the answer's text.
    pub async fn call(&mut self, tool: &str, key: &str) -> Result<Bytes, Failure> {
        self.calls += 1;
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"key":"{key}"}}}}}}"#,
            self.calls
        );
        let (status, _, answer) = self.post(body.into_bytes()).await?;
        if status.is_success() { Ok(answer) } else { Err(format!("call failed: {status} {answer:?}").into()) }
    }

    async fn post(&mut self, body: Vec<u8>) -> Result<(StatusCode, hyper::HeaderMap, Bytes), Failure> {
        let path = self.connection.door.path.clone();
        let id = self.id.clone();
        let mut headers = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", VERSION),
        ];
        if let Some(id) = &id {
            headers.push(("mcp-session-id", id));
        }
        self.connection.send(Method::POST, &path, &headers, body).await
    }
}

const VERSION: &str = "2025-11-25";

/// The people's API over one connection.
#[derive(Debug)]
pub struct People(Connection);

impl People {
    pub async fn open(door: &Door) -> Result<Self, Failure> {
        Connection::open(door).await.map(Self)
    }

    /// Sends JSON, demands success, gives JSON.
    pub async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let headers: &[(&str, &str)] =
            if body.is_some() { &[("content-type", "application/json")] } else { &[] };
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let (status, _, answer) = self.0.send(method, path, headers, bytes).await?;
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(serde_json::from_slice(&answer)?)
    }
}
