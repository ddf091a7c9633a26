//! Which action is this unit? Its statements with their parameters, as one thing to judge, show and record.

mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_core::{Arguments, Digest, Draft, Effect, Effects, Principal, Resource, Scalar, Verb};
use serde_json::{Value, json};

use crate::codec::Format;
use crate::names::{Known, Param, Portal};
use crate::reading::Facts;
use crate::session::doubt::{Footing, is_unsure};

/// More parameters than this in one unit are more than anybody could judge.
const PARAMETERS_MAX: usize = 20_000;
/// Longer lists of words are cut in the operation; the payload has them all.
const OPERATION_MAX_CHARS: usize = 120;

/// Where and by whom the unit is run.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) principal: &'a Principal,
    pub(crate) facts: &'a Facts,
    /// In a transaction block.
    pub(crate) in_transaction: bool,
    /// What is known of the meaning of names.
    pub(crate) footing: Footing,
    /// What the client calls itself.
    pub(crate) claim: Option<&'a str>,
}

/// The draft of an action, or why it can't be judged.
pub(crate) fn draft(runs: &[Arc<Portal>], setting: &Setting<'_>) -> Result<Draft, String> {
    if runs.iter().map(|run| run.params.len()).sum::<usize>() > PARAMETERS_MAX {
        return Err(format!("more than {PARAMETERS_MAX} parameters at once can't be judged"));
    }
    let statements: Vec<Value> = runs.iter().map(|run| statement(run)).collect();
    let payload = json!({ "statements": statements }).to_string().into_bytes();
    let (effects, facts) = (effects(runs, setting)?, facts(setting.facts));
    Ok(Draft {
        resource: setting.resource.clone(),
        principal: setting.principal.clone(),
        operation: operation(runs),
        sameness: sameness(&payload, &effects, &facts),
        effects,
        payload,
        arguments: arguments(runs, setting),
        facts,
        preview: None,
        claim: setting.claim.map(str::to_owned),
    })
}

/// The same text is another question when it would do something else by now.
fn sameness(payload: &[u8], effects: &Effects, facts: &BTreeMap<String, String>) -> Digest {
    let effects: Vec<_> = effects.iter().map(|effect| (effect.verb.word(), &effect.object)).collect();
    let meaning = json!([effects, facts]).to_string();
    Digest::of([payload, &[0], meaning.as_bytes()].concat().as_slice())
}

/// What an approval depends on beside the text: as whom it runs, and where its names are looked up.
pub(crate) fn facts(facts: &Facts) -> BTreeMap<String, String> {
    let meaning = &facts.meaning;
    BTreeMap::from([
        ("role".to_owned(), meaning.user.clone()),
        ("search path".to_owned(), meaning.search_path.join(", ")),
    ])
}

/// The payload of one run alone, written by hand because it is made for every statement that passes on a standing answer.
pub(crate) fn payload(run: &Portal) -> Option<String> {
    let Known::As(prepared) = &run.prepared else { return None };
    let text = prepared.reading.json();
    let mut payload = String::with_capacity(text.len() + 64);
    payload.push_str("{\"statements\":[{\"text\":");
    payload.push_str(text);
    if !run.params.is_empty() {
        payload.push_str(",\"parameters\":");
        payload.push_str(&parameters(run).to_string());
    }
    payload.push_str("}]}");
    Some(payload)
}

fn statement(run: &Portal) -> Value {
    let Known::As(prepared) = &run.prepared else {
        let Known::Opaque(name) = &run.prepared else { return Value::Null };
        return json!({ "prepared": name, "parameters": parameters(run) });
    };
    let mut statement = json!({ "text": &*prepared.reading.text });
    if let Some(fields) = statement.as_object_mut() {
        if !run.params.is_empty() {
            fields.insert("parameters".to_owned(), parameters(run));
        }
        if prepared.types.iter().any(|oid| *oid != 0) {
            fields.insert("types".to_owned(), json!(prepared.types));
        }
    }
    statement
}

fn parameters(run: &Portal) -> Value {
    run.params.iter().enumerate().map(|(place, param)| parameter(param, run.type_of(place))).collect()
}

/// The bytes, and beside them what they say when their type is known.
fn parameter((format, value): &Param, oid: Option<u32>) -> Value {
    let Some(value) = value else { return Value::Null };
    if *format == Format::Text
        && let Ok(text) = std::str::from_utf8(value)
    {
        return Value::String(text.to_owned());
    }
    match oid.filter(|_| *format == Format::Binary).and_then(|oid| shown::shown(oid, value)) {
        Some(shown) => json!({ "value": shown, "binary": hex(value) }),
        None => json!({ "binary": hex(value) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The words that the command tags begin with, for example `BEGIN; DELETE`.
fn operation(runs: &[Arc<Portal>]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for run in runs {
        match &run.prepared {
            Known::As(prepared) => words.extend(prepared.reading.tags()),
            Known::Opaque(_) => words.push("EXECUTE"),
        }
    }
    words.dedup();
    words.join("; ").chars().take(OPERATION_MAX_CHARS).collect()
}

fn effects(runs: &[Arc<Portal>], setting: &Setting<'_>) -> Result<Effects, String> {
    let mut all = BTreeSet::new();
    for run in runs {
        match &run.prepared {
            Known::As(prepared) => {
                all.extend(prepared.reading.sense.effects.as_ref().map_err(String::clone)?.iter().cloned());
            }
            Known::Opaque(name) => {
                all.insert(Effect::new(Verb::Unknown, format!("prepared:{name}")));
            }
        }
        all.extend(strange_types(run, setting.facts));
    }
    if is_unsure(runs, setting.footing) {
        all.insert(Effect::new(Verb::Unknown, "names after a change of their meaning"));
    }
    Effects::new(all, "statement").map_err(|error| error.to_string())
}

/// Reading a parameter of a type that isn't PostgreSQL's own may run somebody's code.
pub(crate) fn strange_types(run: &Portal, facts: &Facts) -> Vec<Effect> {
    let Known::As(prepared) = &run.prepared else { return Vec::new() };
    let strange = prepared.known_types().filter(|oid| *oid != 0 && !facts.catalog.type_is_plain(*oid));
    strange.map(|oid| Effect::new(Verb::Unknown, format!("type:{oid}"))).collect()
}

fn arguments(runs: &[Arc<Portal>], setting: &Setting<'_>) -> Arguments {
    let mut arguments = Arguments::new();
    for (at, run) in runs.iter().enumerate() {
        if let Known::As(prepared) = &run.prepared {
            let text = prepared.reading.text.to_string();
            arguments.insert(format!("statements.{at}.text"), Scalar::Text(text));
        }
        for (place, param) in run.params.iter().enumerate() {
            let value = match parameter(param, run.type_of(place)) {
                Value::String(text) => text,
                Value::Null => continue,
                // Policy gets to see the same value however a client sends it.
                other => other
                    .get("value")
                    .and_then(Value::as_str)
                    .map_or_else(|| other.to_string(), str::to_owned),
            };
            arguments.insert(format!("statements.{at}.parameters.{place}"), Scalar::Text(value));
        }
    }
    let count = i64::try_from(runs.len()).unwrap_or(i64::MAX);
    arguments.insert("count".to_owned(), Scalar::Integer(count));
    arguments.insert("in_transaction".to_owned(), Scalar::Bool(setting.in_transaction));
    arguments
}
