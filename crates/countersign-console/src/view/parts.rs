//! What do several pages draw alike? Times, states, effects, environments, people.

use countersign_core::{ActionRecord, Effect, Effects, Outcome, Resource, State, Timestamp, Verb, span_text};
use maud::{Markup, html};

use super::text::seen;
use crate::reach::outcome_tail;

/// An instant, exact to the second, with how long ago it was.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) data-ago=(at.as_micros()) title=(utc(at)) { (span_text(now.since(at))) " ago" } }
}

/// An instant in full.
pub(crate) fn full(at: Timestamp) -> Markup {
    html! { time datetime=(at) data-local="" { (utc(at)) } }
}

/// A clock that runs down.
pub(crate) fn countdown(until: Timestamp, now: Timestamp) -> Markup {
    html! { time.countdown datetime=(until) data-until=(until.as_micros()) title=(utc(until)) { (span_text(until.since(now))) } }
}

/// `2026-11-22 03:00:05 UTC`.
pub(crate) fn utc(at: Timestamp) -> String {
    let text = at.to_string();
    let text = text.split('.').next().unwrap_or(&text).replace('T', " ");
    format!("{} UTC", text.trim_end_matches('Z'))
}

/// A state as a coloured word.
pub(crate) fn state(state: State) -> Markup {
    html! { span class={ "state state-" (state.word()) } { (state.word()) } }
}

/// What policy said at once, for actions without a review.
pub(crate) fn standing(record: &ActionRecord) -> Markup {
    match (&record.review, &record.outcome) {
        (Some(review), _) => state(review.state),
        (None, Some(outcome)) => state(State::from(outcome.status)),
        (None, None) => {
            html! { span class={ "state state-" (record.decision.word()) } { (match record.decision.word() {
                "deny" => "refused",
                "allow" => "allowed",
                other => other,
            }) } }
        }
    }
}

/// One effect; what destroys, reveals or escalates is drawn louder.
pub(crate) fn effect(effect: &Effect) -> Markup {
    let class = match effect.verb {
        Verb::Read => "calm",
        Verb::Write | Verb::Execute | Verb::Network | Verb::Export => "warm",
        Verb::Delete | Verb::Schema | Verb::Privilege | Verb::Secret | Verb::Deploy | Verb::Unknown => "hot",
    };
    html! { span class={ "effect " (class) } { b { (effect.verb) } " " (seen(&effect.object)) } }
}

/// The effects in a row of a list: the first few, and how many more.
pub(crate) fn effects_short(effects: &Effects) -> Markup {
    const DRAWN: usize = 3;
    let all: Vec<&Effect> = effects.iter().collect();
    let more = all.len().saturating_sub(DRAWN);
    html! {
        @for one in all.iter().take(DRAWN) { (effect(one)) " " }
        @if more > 0 { span.dim { "and " (more) " more" } }
    }
}

/// The resource with its labels; production is loud.
pub(crate) fn resource(resource: &Resource) -> Markup {
    html! {
        span.resource {
            @if let Some(env) = resource.labels.get("env") { (environment(env)) " " }
            b { (seen(&resource.name)) }
        }
    }
}

/// The environment label.
pub(crate) fn environment(env: &str) -> Markup {
    let class = match env {
        "prod" | "production" | "live" => "env prod",
        "staging" | "stage" | "preprod" => "env staging",
        _ => "env other",
    };
    html! { span class=(class) { (seen(env)) } }
}

/// What the upstream did: the word, how many rows where the protocol says so, how long it took.
pub(crate) fn outcome(outcome: &Outcome) -> Markup {
    html! {
        (state(State::from(outcome.status))) (outcome_tail(outcome.rows, outcome.duration_us))
        @if let Some(note) = &outcome.note { ": " (seen(note)) }
    }
}

/// One term and its description in a list of facts.
pub(crate) fn fact(name: &str, value: &Markup) -> Markup {
    html! { dt { (name) } dd { (value) } }
}
