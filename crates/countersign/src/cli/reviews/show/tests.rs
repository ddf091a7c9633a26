//! What a person at a terminal reads, and what can't be done to that person.

use serde_json::{Value, json};

use super::{lines, visible};

fn body(preview: &Value) -> Value {
    let payload = r#"{"statements":[{"text":"DELETE FROM orders\nWHERE customer_id = $1","parameters":["42",null,"NULL",{"binary":"00ff"}]}]}"#;
    json!({
        "id": "rev_01a201306ac07c3cbc3c3c3c3c3c3c3c", "state": "pending", "version": 1,
        "digest": "sha256:e8a84dcffd0a9bde1e5ee72b1dbb9f36ca8a848e7be201a37e733883f6fb10dc",
        "action": {
            "principal": {"name": "nightly-cleanup", "links": [{"kind": "owner", "name": "Olga Reyes", "standing": "verified"}]},
            "resource": {"name": "orders-db", "protocol": "postgres", "labels": {"env": "prod"}},
            "operation": "delete", "effects": [{"verb": "delete", "object": "public.orders"}],
            "claim": "Cleaning up after ticket OPS-112.",
            "payload": {"encoding": "utf8", "data": payload},
            "preview": preview,
        },
        "reasons": {"prod-delete": "Deleting from production needs a database administrator"},
        "gates": [{"group": "dba", "quorum": 1, "assurance": "session"}],
        "votes": [], "pending_until": "2026-11-22T03:28:00.000000Z",
    })
}

fn preview() -> Value {
    json!({
        "rows": {"known": "exact", "rows": 42},
        "cascades": [
            {"object": "public.order_lines", "what": "delete", "rows": {"known": "exact", "rows": 118}},
            {"object": "public.invoices", "what": "set null", "rows": {"known": "unknown"}},
        ],
        "sample": {"columns": ["id", "email", "note"], "rows": [
            {"before": ["981", "a***@example.com", null]},
            {"before": ["982", "NULL", ""], "after": ["982", null, "closed"]},
        ]},
        "notes": ["The rows were counted at 03:00:05 UTC; others may be written until it runs."],
    })
}

#[test]
fn a_held_statement_reads_well_at_eighty_columns() {
    insta::assert_snapshot!(lines(&body(&preview())).join("\n"));
}

#[test]
fn an_estimate_and_an_unknown_number_say_so() {
    let text = |rows: Value| lines(&body(&json!({"rows": rows, "cascades": [], "notes": []}))).join("\n");
    let estimate = text(json!({"known": "estimate", "rows": 5000}));
    assert!(estimate.contains("would touch about 5,000 rows, estimated: may be far off"), "{estimate}");
    let unknown = text(json!({"known": "unknown"}));
    assert!(unknown.contains("would touch unknown: neither counted nor estimated"), "{unknown}");
    let strange = text(json!({"known": "guessed", "rows": 0}));
    assert!(strange.contains("would touch this version can't read"), "{strange}");
}

#[test]
fn an_outcome_says_how_many_rows() {
    let mut body = body(&preview());
    body["state"] = json!("executed");
    body["action"]["outcome"] = json!({"status": "executed", "rows": 42, "duration_us": 3100});
    let text = lines(&body).join("\n");
    assert!(text.contains("outcome     executed, 42 rows, 3 ms"), "{text}");
    assert!(!text.contains("reviews approve"), "{text}");
}

#[test]
fn no_value_can_pose_as_a_line_of_ours() {
    let lie =
        format!("x\nwould touch 0 rows, counted\u{1b}[1A\r{}would touch 0 rows, counted", "漢 ".repeat(60));
    let rows = json!([{"before": [lie, lie], "after": [lie.clone() + "!", null]}]);
    let mut body = body(&json!({
        "rows": {"known": "exact", "rows": 9}, "notes": [lie],
        "cascades": [{"object": lie, "what": lie, "rows": {"known": "exact", "rows": 1}}],
        "sample": {"columns": [lie, "b"], "rows": rows},
    }));
    let message = json!({"statements": [{"text": lie, "parameters": [lie, {"binary": lie}, {"a": lie, "b": 1}]}, {"prepared": lie}]});
    body["action"]["payload"] = json!({"encoding": "utf8", "data": message.to_string()});
    body["action"]["claim"] = json!(lie);
    let lines = lines(&body);
    let ours: Vec<&String> = lines.iter().filter(|line| line.starts_with("would touch")).collect();
    assert_eq!(ours, ["would touch 9 rows, counted"]);
    for line in &lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn a_megabyte_is_cut_with_its_length_and_the_change_in_it_is_shown() {
    let huge = "A".repeat(1024 * 1024);
    let rows = json!([{"before": [huge], "after": [huge + "!"]}]);
    let preview = json!({
        "rows": {"known": "exact", "rows": 1}, "cascades": [], "notes": [],
        "sample": {"columns": ["blob"], "rows": rows},
    });
    let text = lines(&body(&preview)).join("\n");
    assert!(text.len() < 10_000, "{} bytes", text.len());
    assert!(text.contains("A!” (characters 1,048,557 to"), "{text}");
}

#[test]
fn a_tool_call_with_statements_of_its_own_shows_no_statement() {
    let mut body = body(&preview());
    body["action"]["resource"]["protocol"] = json!("mcp");
    assert!(!lines(&body).iter().any(|line| line.starts_with("statement")));
}

#[test]
fn nothing_can_move_the_cursor_or_hide() {
    let shown = visible("a\u{1b}[2Kb\u{202e}c\u{200b}d\re\nf");
    assert!(!shown.chars().any(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}')), "{shown}");
    assert!(shown.contains("⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩"), "{shown}");
}

#[test]
fn plain_text_stays_as_it_is() {
    assert_eq!(visible("DELETE FROM bücher; -- 東京"), "DELETE FROM bücher; -- 東京");
}
