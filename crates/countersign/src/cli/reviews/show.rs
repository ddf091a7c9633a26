//! How does a review read on a terminal? Whole, and with nothing in it that could make the terminal show a lie.

use serde_json::Value;

use crate::out;

/// Drawn as the console draws it.
pub(super) use countersign_console::visible_line as visible;

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn items<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn row(name: &str, value: &str) {
    out::line(format_args!("{name:<10} {}", visible(value)));
}

pub(super) fn review(body: &Value) {
    row("review", text(body, "/id"));
    row("state", text(body, "/state"));
    row("agent", text(body, "/action/principal/name"));
    for link in items(body, "/action/principal/links") {
        let line = format!("{} {} ({})", text(link, "/kind"), text(link, "/name"), text(link, "/standing"));
        row("", &line);
    }
    row("resource", text(body, "/action/resource/name"));
    if let Some(labels) = body.pointer("/action/resource/labels").and_then(Value::as_object) {
        for (key, value) in labels {
            row("", &format!("{key} = {}", value.as_str().unwrap_or_default()));
        }
    }
    row("operation", text(body, "/action/operation"));
    for effect in items(body, "/action/effects") {
        row("effect", &format!("{} {}", text(effect, "/verb"), text(effect, "/object")));
    }
    if let Some(reasons) = body.pointer("/reasons").and_then(Value::as_object) {
        for (policy, reason) in reasons {
            row("policy", &format!("{policy}: {}", reason.as_str().unwrap_or_default()));
        }
    }
    for gate in items(body, "/gates") {
        let quorum = gate.pointer("/quorum").and_then(Value::as_u64).unwrap_or(0);
        row("asked", &format!("{quorum} of {} ({})", text(gate, "/group"), text(gate, "/assurance")));
    }
    for vote in items(body, "/votes") {
        row(
            "vote",
            &format!("{} by {}: {}", text(vote, "/answer"), text(vote, "/name"), text(vote, "/reason")),
        );
    }
    if let Some(claim) = body.pointer("/action/claim").and_then(Value::as_str) {
        row("the caller claims", claim);
    }
    row("until", text(body, "/pending_until"));
    let encoding = text(body, "/action/payload/encoding");
    row("payload", &format!("({encoding}, whole)"));
    out::line(visible(text(body, "/action/payload/data")));
    row("digest", text(body, "/digest"));
    if text(body, "/state") == "pending" {
        let short: String = text(body, "/digest").trim_start_matches("sha256:").chars().take(12).collect();
        out::line("");
        out::line(format_args!(
            "countersign reviews approve {} --digest {short}",
            visible(text(body, "/id"))
        ));
        out::line(format_args!(
            "countersign reviews deny    {} --digest {short}",
            visible(text(body, "/id"))
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
