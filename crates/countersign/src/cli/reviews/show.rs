//! How does a review read on a terminal? Whole, and with nothing in it that could make the terminal show a lie.

mod reach;
mod sheet;
mod statement;

use serde_json::Value;

use crate::out;
use sheet::Sheet;

/// Drawn as the console draws it.
pub(super) use countersign_console::visible_line as visible;

/// Digits of a digest that a person compares.
const DIGEST_DIGITS: usize = 12;

pub(super) fn review(body: &Value) {
    lines(body).iter().for_each(out::line);
}

/// In the order of the questions: what is it, who asks for what, what would it touch, what exactly, why am I asked.
fn lines(body: &Value) -> Vec<String> {
    let mut sheet = Sheet::default();
    let action = body.get("action").unwrap_or(&Value::Null);
    sheet.row("review", text(body, "/id"));
    sheet.row("state", text(body, "/state"));
    outcome(&mut sheet, action);
    who(&mut sheet, action);
    sheet.row("operation", text(action, "/operation"));
    for effect in items(action, "/effects") {
        sheet.row("effect", &format!("{} {}", text(effect, "/verb"), text(effect, "/object")));
    }
    reach::reach(&mut sheet, action);
    statement::statements(&mut sheet, text(action, "/resource/protocol"), utf8(action));
    why(&mut sheet, body);
    if let Some(claim) = action.pointer("/claim").and_then(Value::as_str) {
        sheet.row("they claim", claim);
    }
    sheet.row("until", text(body, "/pending_until"));
    sheet.row("payload", &format!("({}, whole)", text(action, "/payload/encoding")));
    sheet.plain(visible(text(action, "/payload/data")));
    sheet.plain(format!("{:<11} {}", "digest", visible(text(body, "/digest"))));
    answers(&mut sheet, body);
    sheet.lines
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn items<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn number(value: &Value, path: &str) -> Option<u64> {
    value.pointer(path).and_then(Value::as_u64)
}

/// The payload when it is text.
fn utf8(action: &Value) -> &str {
    if text(action, "/payload/encoding") == "utf8" { text(action, "/payload/data") } else { "" }
}

fn outcome(sheet: &mut Sheet, action: &Value) {
    let Some(outcome) = action.get("outcome") else { return };
    let duration = number(outcome, "/duration_us").unwrap_or(0);
    let tail = countersign_console::outcome_tail(number(outcome, "/rows"), duration);
    let note =
        outcome.pointer("/note").and_then(Value::as_str).map(|note| format!(": {note}")).unwrap_or_default();
    sheet.row("outcome", &format!("{}{tail}{note}", text(outcome, "/status")));
}

fn who(sheet: &mut Sheet, action: &Value) {
    sheet.row("agent", text(action, "/principal/name"));
    for link in items(action, "/principal/links") {
        sheet.row(
            "",
            &format!("{} {} ({})", text(link, "/kind"), text(link, "/name"), text(link, "/standing")),
        );
    }
    sheet.row("resource", text(action, "/resource/name"));
    if let Some(labels) = action.pointer("/resource/labels").and_then(Value::as_object) {
        for (key, value) in labels {
            sheet.row("", &format!("{key} = {}", value.as_str().unwrap_or_default()));
        }
    }
}

fn why(sheet: &mut Sheet, body: &Value) {
    if let Some(reasons) = body.pointer("/reasons").and_then(Value::as_object) {
        for (policy, reason) in reasons {
            sheet.row("policy", &format!("{policy}: {}", reason.as_str().unwrap_or_default()));
        }
    }
    for gate in items(body, "/gates") {
        let quorum = number(gate, "/quorum").unwrap_or(0);
        sheet.row("asked", &format!("{quorum} of {} ({})", text(gate, "/group"), text(gate, "/assurance")));
    }
    for vote in items(body, "/votes") {
        sheet.row(
            "vote",
            &format!("{} by {}: {}", text(vote, "/answer"), text(vote, "/name"), text(vote, "/reason")),
        );
    }
}

fn answers(sheet: &mut Sheet, body: &Value) {
    if text(body, "/state") != "pending" {
        return;
    }
    let digest = text(body, "/digest").trim_start_matches("sha256:");
    let short: String = digest.chars().take(DIGEST_DIGITS).collect();
    let id = visible(text(body, "/id"));
    sheet.plain("");
    for command in ["approve", "deny   "] {
        sheet.plain(format!("countersign reviews {command} {id} --digest {}", visible(&short)));
    }
}

#[cfg(test)]
mod tests;
