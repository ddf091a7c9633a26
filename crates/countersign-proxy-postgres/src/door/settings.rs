//! Which settings may a client bring along? Those that change nothing about what statements mean go to the server as
//! they are; every other is an action of its own, judged before the connection is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{Obligation, Outcome, Principal, Status};
use countersign_gate::{Forward, Forwarded, Permit, Ticket, Verdict};

use crate::codec::back::Complaint;
use crate::codec::startup::Startup;
use crate::control;
use crate::explain;
use crate::names::{Known, Portal, Prepared};
use crate::reading::{Facts, Reader};
use crate::served::Served;
use crate::session::{Footing, Setting, draft, facts};
use crate::wire::Wire;

/// An answer to a `SET` has nothing in it. Bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// What a client wants to have set.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Sent to the server with the login.
    pub(crate) harmless: Vec<(String, String)>,
    /// Judged first.
    pub(crate) judged: Vec<(String, String)>,
}

/// Sorts the parameters of a start-up.
pub(crate) fn wanted(startup: &Startup) -> Result<Wanted, Complaint<'static>> {
    let mut wanted = Wanted::default();
    for (name, value) in &startup.parameters {
        match name.as_str() {
            "user" | "database" => {}
            "options" => {
                for (name, value) in options(value)? {
                    wanted.sort(name, value)?;
                }
            }
            name if name.starts_with("_pq_.") => {}
            name => wanted.sort(name.to_owned(), value.clone())?,
        }
    }
    Ok(wanted)
}

impl Wanted {
    fn sort(&mut self, name: String, value: String) -> Result<(), Complaint<'static>> {
        let plain =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if !plain {
            return Err(explain::setting_refused(&name, "it is not a setting's name"));
        }
        if name.eq_ignore_ascii_case("client_encoding") {
            // SQL_ASCII says that the client does not care, as psql does where no locale is set.
            let known = ["utf8", "utf-8", "unicode", "'utf8'", "'utf-8'", "sql_ascii"];
            if !known.contains(&value.to_ascii_lowercase().as_str()) {
                return Err(explain::only_utf8(&value));
            }
            return Ok(());
        }
        if countersign_sql::is_harmless(&name) || countersign_sql::is_harmless_value(&name, &value) {
            self.harmless.push((name, value));
        } else {
            self.judged.push((name, value));
        }
        Ok(())
    }
}

/// `-c name=value`, `-cname=value` and `--name=value`, with backslashes before spaces, as PostgreSQL reads them.
fn options(text: &str) -> Result<Vec<(String, String)>, Complaint<'static>> {
    let mut words = words(text).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = if word == "-c" {
            words.next()
        } else {
            word.strip_prefix("--").or_else(|| word.strip_prefix("-c")).map(str::to_owned)
        };
        let pair = setting.as_deref().and_then(|setting| setting.split_once('='));
        let Some((name, value)) = pair else {
            return Err(explain::setting_refused(&word, "only `-c name=value` is understood in `options`"));
        };
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_ascii_whitespace() => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Both parts are quoted; the name holds letters, digits, `_` and `.` only.
fn set_statement(name: &str, value: &str) -> String {
    format!("SET SESSION {name} = '{}'", value.replace('\'', "''"))
}

/// Takes one setting through the gate and makes it on the server.
pub(crate) async fn set(
    served: &Arc<Served>,
    principal: &Principal,
    known: &Facts,
    wire: Wire,
    (name, value): (&str, &str),
) -> Result<Wire, Complaint<'static>> {
    let statement = set_statement(name, value);
    let reading = Reader::new(known.clone()).read(&statement);
    let prepared = Known::As(Arc::new(Prepared::new(reading, Vec::new())));
    let setting = Setting {
        resource: &served.config().resource,
        principal,
        facts: known,
        in_transaction: false,
        footing: Footing::default(),
        claim: None,
    };
    let refused = |why: &str| explain::setting_refused(name, why);
    let draft = draft(&[Portal::new(prepared, Vec::new())], &setting).map_err(|why| refused(&why))?;
    let place = Arc::new(tokio::sync::Mutex::new(Some(wire)));
    let forward = SetNow { statement, facts: facts(known), wire: Arc::clone(&place) };
    let verdict = served.gate().pass(draft, forward).await;
    let outcome = match &verdict {
        Verdict::Ran { outcome, .. } => outcome,
        Verdict::Denied { reason, .. } => return Err(refused(&reason.text)),
        Verdict::Pending(ticket) => return Err(refused(&format!("people are asked at {}", ticket.link))),
    };
    let wire = place.lock().await.take();
    match wire {
        Some(wire) if outcome.status == Status::Executed => Ok(wire),
        _ => Err(refused(outcome.note.as_deref().unwrap_or("it was not made"))),
    }
}

/// Makes the setting as soon as it may; nobody waits for people while connecting.
struct SetNow {
    statement: String,
    facts: BTreeMap<String, String>,
    wire: Arc<tokio::sync::Mutex<Option<Wire>>>,
}

impl Forward for SetNow {
    fn hold(&self) -> Duration {
        Duration::ZERO
    }

    fn held(&self, _ticket: &Ticket) {}

    fn performs(&self, obligation: &Obligation) -> bool {
        // A SET brings no rows.
        matches!(obligation, Obligation::Record | Obligation::Mask(_))
    }

    fn facts(&self) -> BTreeMap<String, String> {
        self.facts.clone()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        let mut place = self.wire.lock().await;
        let asked = match place.as_mut() {
            Some(wire) => {
                control::ask(wire, &self.statement, ANSWER_MAX).await.map_err(|error| error.to_string())
            }
            None => Err("the connection is gone".to_owned()),
        };
        drop(permit);
        let (status, note) = match asked {
            Ok(_) => (Status::Executed, None),
            Err(error) => (Status::Failed, Some(error)),
        };
        let outcome = Outcome { status, result: None, rows: None, duration_us: 0, note };
        Forwarded { outcome, result: Bytes::new() }
    }
}

#[cfg(test)]
mod tests;
