//! The fastest possible MCP server: it answers from memory, so that what is measured is the gateway.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::Failure;

/// When a risky call arrived, and with which mark.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub at: Instant,
    pub mark: String,
}

/// A running upstream in this process.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    arrivals: broadcast::Sender<Arrival>,
}

impl Upstream {
    pub async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (arrivals, _) = broadcast::channel(64);
        tokio::spawn(accept(listener, arrivals.clone()));
        Ok(Self { address, arrivals })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every risky call from now on.
    pub fn arrivals(&self) -> broadcast::Receiver<Arrival> {
        self.arrivals.subscribe()
    }
}

async fn accept(listener: TcpListener, arrivals: broadcast::Sender<Arrival>) {
    while let Ok((stream, _)) = listener.accept().await {
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let arrivals = arrivals.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, arrivals.clone()));
            // A connection that ends early shows up at the side that waits for its answer.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    arrivals: broadcast::Sender<Arrival>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let at = Instant::now();
    if request.method() != Method::POST {
        return Ok(status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let Ok(body) = request.into_body().collect().await else { return Ok(status(StatusCode::BAD_REQUEST)) };
    let Ok(message) = serde_json::from_slice::<Value>(&body.to_bytes()) else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let (Some(id), Some(method)) = (message.get("id"), message.get("method").and_then(Value::as_str)) else {
        return Ok(status(StatusCode::ACCEPTED));
    };
    if message.pointer("/params/name").and_then(Value::as_str) == Some("remove") {
        let mark = message.pointer("/params/arguments/key").and_then(Value::as_str).unwrap_or_default();
        // Nobody listens while nothing is timed.
        drop(arrivals.send(Arrival { at, mark: mark.to_owned() }));
    }
    let body = match result_of(method, &message) {
        Some(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        None => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no such method" } })
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

fn result_of(method: &str, message: &Value) -> Option<Value> {
    let schema =
        json!({ "type": "object", "properties": { "key": { "type": "string" } }, "required": ["key"] });
    match method {
        "initialize" => Some(json!({
            "protocolVersion": message.pointer("/params/protocolVersion"),
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "bench", "version": "1" },
        })),
        "tools/list" => Some(json!({ "tools": [
            { "name": "lookup", "description": "Looks one row up", "inputSchema": schema },
            { "name": "remove", "description": "Removes one row", "inputSchema": schema },
        ] })),
        "tools/call" => Some(json!({ "content": [{ "type": "text", "text": "one row" }] })),
        "ping" => Some(json!({})),
        _ => None,
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
