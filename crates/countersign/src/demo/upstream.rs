//! What is protected in the demo? A small but real MCP server over standard streams, on a real SQLite database.

use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::cli::Failure;

/// How many orders are cancelled at the start.
pub(super) const CANCELLED: i64 = 42;
const OPEN: i64 = 12;
const MESSAGE_MAX_BYTES: u64 = 1 << 20;

fn failed(error: &rusqlite::Error) -> Failure {
    Failure::new(format!("the demo's database: {error}"))
}

/// Makes the database with its orders.
pub(super) fn fill(path: &Path) -> Result<(), Failure> {
    let made = || -> rusqlite::Result<()> {
        let mut database = Connection::open(path)?;
        let transaction = database.transaction()?;
        transaction.execute_batch(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, status TEXT NOT NULL)",
        )?;
        for id in 1..=OPEN + CANCELLED {
            let status = if id <= OPEN { "open" } else { "cancelled" };
            let insert = "INSERT INTO orders (id, customer, status) VALUES (?1, ?2, ?3)";
            transaction.execute(insert, params![id, format!("customer-{}@example.com", id % 7), status])?;
        }
        transaction.commit()
    };
    made().map_err(|error| failed(&error))
}

/// How many orders there are.
pub(super) fn count(path: &Path) -> Result<i64, Failure> {
    Connection::open(path)
        .and_then(|database| database.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)))
        .map_err(|error| failed(&error))
}

/// Answers one JSON-RPC message a line until standard input ends.
pub(super) async fn serve(path: &Path) -> Result<(), Failure> {
    let database = Connection::open(path).map_err(|error| failed(&error))?;
    let broken = |error: std::io::Error| Failure::new(format!("standard streams: {error}"));
    let mut input = BufReader::new(tokio::io::stdin());
    let mut output = tokio::io::stdout();
    loop {
        let mut line = Vec::new();
        let read = tokio::io::AsyncReadExt::take(&mut input, MESSAGE_MAX_BYTES)
            .read_until(b'\n', &mut line)
            .await
            .map_err(broken)?;
        if read == 0 {
            return Ok(());
        }
        let Ok(message) = serde_json::from_slice::<Value>(&line) else { continue };
        // Notifications have no id and get no answer.
        let Some(id) = message.get("id") else { continue };
        let answer = match answer(&database, &message) {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err((code, text)) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } })
            }
        };
        output.write_all(format!("{answer}\n").as_bytes()).await.map_err(broken)?;
        output.flush().await.map_err(broken)?;
    }
}

fn answer(database: &Connection, message: &Value) -> Result<Value, (i64, String)> {
    match message.get("method").and_then(Value::as_str) {
        Some("initialize") => {
            let asked = message.pointer("/params/protocolVersion").and_then(Value::as_str);
            let version = asked.filter(|version| ["2025-06-18", "2025-11-25"].contains(version));
            Ok(json!({
                "protocolVersion": version.unwrap_or("2025-11-25"),
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "demo-orders", "version": env!("CARGO_PKG_VERSION") },
            }))
        }
        Some("ping") => Ok(json!({})),
        Some("tools/list") => Ok(tools()),
        Some("tools/call") => call(database, message.get("params").unwrap_or(&Value::Null)),
        other => Err((-32601, format!("unknown method `{}`", other.unwrap_or_default()))),
    }
}

fn tools() -> Value {
    let status = json!({
        "type": "object", "properties": { "status": { "type": "string" } }, "required": ["status"],
    });
    json!({ "tools": [
        { "name": "list_orders", "description": "List the orders with a status", "inputSchema": status },
        { "name": "delete_orders", "description": "Delete every order with a status", "inputSchema": status },
        { "name": "export_customers", "description": "Export the customers' addresses",
          "inputSchema": { "type": "object" } },
    ] })
}

fn call(database: &Connection, params: &Value) -> Result<Value, (i64, String)> {
    let status = params.pointer("/arguments/status").and_then(Value::as_str);
    let done = match (params.get("name").and_then(Value::as_str), status) {
        (Some("list_orders"), Some(status)) => list(database, status),
        (Some("delete_orders"), Some(status)) => database
            .execute("DELETE FROM orders WHERE status = ?1", [status])
            .map(|deleted| format!("deleted {deleted} orders")),
        (Some("export_customers"), _) => export(database),
        (Some(_), None) => return Err((-32602, "`status` is missing".to_owned())),
        (other, _) => return Err((-32602, format!("unknown tool `{}`", other.unwrap_or_default()))),
    };
    let text = done.map_err(|error| (-32603, error.to_string()))?;
    Ok(json!({ "content": [{ "type": "text", "text": text }] }))
}

fn list(database: &Connection, status: &str) -> rusqlite::Result<String> {
    let mut statement = database.prepare("SELECT id FROM orders WHERE status = ?1 ORDER BY id")?;
    let ids: Vec<i64> = statement.query_map([status], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(format!("{} orders: {ids:?}", ids.len()))
}

fn export(database: &Connection) -> rusqlite::Result<String> {
    let mut statement = database.prepare("SELECT DISTINCT customer FROM orders ORDER BY customer")?;
    let customers: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(customers.join("\n"))
}
