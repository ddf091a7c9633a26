//! How does a review read on a terminal? Whole, and with nothing in it that could make the terminal show a lie.

use serde_json::Value;

use crate::out;

/// Every control, bidirectional and invisible character as ⟨U+XXXX⟩, so that what is seen is what is there.
pub(super) fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_deceptive(c) {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            shown.push(c);
        }
        shown
    })
}

fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF
            | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

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
        assert_eq!(shown, "a⟨U+001B⟩[2Kb⟨U+202E⟩c⟨U+200B⟩d⟨U+000D⟩e⟨U+000A⟩f");
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(visible("DELETE FROM bücher; -- 東京"), "DELETE FROM bücher; -- 東京");
    }
}
