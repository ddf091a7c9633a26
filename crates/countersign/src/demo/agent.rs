//! What does an agent see? A scripted MCP client that knows nothing of Countersign but an address and a token.

use http::Method;
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::client::Client;
use crate::out;

const ANSWER_MAX_BYTES: usize = 4 << 20;
const VERSION: &str = "2025-11-25";

/// An agent with an MCP session.
pub(super) struct Agent {
    client: Client,
    url: String,
    session: Option<String>,
    next_id: u64,
}

impl Agent {
    /// Opens an MCP session (Streamable HTTP, protocol version 2025-11-25).
    pub(super) async fn connect(url: &str, token: &str) -> Result<Self, Failure> {
        let client = Client::new(Some(token.to_owned()));
        let mut agent = Self { client, url: url.to_owned(), session: None, next_id: 1 };
        let params = json!({
            "protocolVersion": VERSION, "capabilities": {},
            "clientInfo": { "name": "demo-agent", "version": env!("CARGO_PKG_VERSION") },
        });
        agent.request("initialize", params).await?;
        agent.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        let listed = agent.request("tools/list", json!({})).await?;
        let tools: Vec<&str> = listed
            .pointer("/result/tools")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|tool| tool.get("name").and_then(Value::as_str))
            .collect();
        out::line(format_args!("agent `{}` connects and sees: {}", super::AGENT, tools.join(", ")));
        Ok(agent)
    }

    pub(super) async fn sees_a_call_pass(&mut self) -> Result<(), Failure> {
        out::line("\n  1. it calls list_orders {\"status\":\"open\"}");
        let text = self.call("list_orders", json!({ "status": "open" })).await?;
        out::line(format_args!("     allowed at once: {text}"));
        expect(text.starts_with("12 orders"), "the harmless call did not return the orders")
    }

    pub(super) async fn sees_a_call_refused(&mut self) -> Result<(), Failure> {
        out::line("\n  2. it calls export_customers {}");
        let text = self.call("export_customers", json!({})).await?;
        out::line(format_args!("     refused: {}", text.lines().next().unwrap_or_default()));
        expect(text.contains("forbidden") && !text.contains("@example.com"), "the export was not refused")
    }

    /// True when it ran in the end.
    pub(super) async fn asks_for_something_risky(&mut self) -> Result<bool, Failure> {
        out::line("\n  3. it calls delete_orders {\"status\":\"cancelled\"}");
        out::line("     held: the agent's connection waits for a person");
        let text = self.call("delete_orders", json!({ "status": "cancelled" })).await?;
        out::line(format_args!("     the agent receives: {text}"));
        Ok(text.starts_with("deleted"))
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Result<String, Failure> {
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = self.request("tools/call", params).await?;
        let texts = answer.pointer("/result/content").and_then(Value::as_array).into_iter().flatten();
        let text: Vec<&str> = texts.filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
        if text.is_empty() {
            return Err(Failure::new(format!("the answer has no text: {answer}")));
        }
        Ok(text.join("\n"))
    }

    async fn request(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        let id = self.next_id;
        self.next_id += 1;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let messages = self.post(&message).await?;
        messages
            .into_iter()
            .find(|message| message.get("id") == Some(&json!(id)))
            .ok_or_else(|| Failure::new(format!("`{method}` got no answer")))
    }

    /// Posts one message; returns the messages of the answer, which is JSON or an event stream.
    async fn post(&mut self, message: &Value) -> Result<Vec<Value>, Failure> {
        let mut headers =
            vec![("accept", "application/json, text/event-stream"), ("mcp-protocol-version", VERSION)];
        if let Some(session) = &self.session {
            headers.push(("mcp-session-id", session));
        }
        let response = self
            .client
            .send(Method::POST, &self.url, &headers, Some(message))
            .await
            .map_err(|error| Failure::new(out::chain(&error)))?;
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, kind) = (response.status(), header("content-type").unwrap_or_default());
        if let Some(session) = header("mcp-session-id") {
            self.session = Some(session);
        }
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES)
            .collect()
            .await
            .map_err(|error| Failure::new(format!("the answer broke off: {error}")))?
            .to_bytes();
        let text = String::from_utf8_lossy(&body);
        if !status.is_success() {
            return Err(Failure::new(format!("the gateway answers {status}: {text}")));
        }
        let lines: Vec<&str> = if kind.starts_with("text/event-stream") {
            text.lines().filter_map(|line| line.strip_prefix("data:")).collect()
        } else {
            vec![text.as_ref()]
        };
        Ok(lines.into_iter().filter_map(|line| serde_json::from_str(line.trim()).ok()).collect())
    }
}

fn expect(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::new(otherwise)) }
}
