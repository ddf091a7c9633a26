//! What is this action's whole story? Its bytes, what policy said, and every ledger entry about it.

use countersign_core::{ActionRecord, TimelineEntry};
use maud::{Markup, html};

use super::text::seen;
use super::{Viewer, parts, reach, review, tree};
use crate::json_tree;
use crate::shown::Shown;

/// Longer values of an entry's content are folded away.
const SHORT_BYTES: usize = 200;

/// The page of one action.
pub(crate) fn action(
    viewer: &Viewer<'_>,
    record: &ActionRecord,
    shown: &Shown,
    entries: &[TimelineEntry],
) -> Markup {
    let action = &record.action;
    html! {
        div #live data-live="action" data-review=[record.review.as_ref().map(|review| review.id)] {
            header.headline {
                p.dim { a href="/history" { "History" } " / action " (parts::standing(record)) }
                h1 { (seen(action.operation())) }
                p.lead {
                    b { (seen(&action.principal().name)) } " on " (parts::resource(action.resource()))
                    ", received " (parts::full(action.received_at()))
                }
                p.effects { @for effect in action.effects().iter() { (parts::effect(effect)) " " } }
                @if let Some(review) = &record.review { p { a.button href={ "/reviews/" (review.id) } { "Open the review" } } }
            }
            div.two {
                div.main {
                    (reach::panel(action.preview()))
                    (review::what(&review::Asking::of(action), shown))
                    @if let Some(claim) = action.claim() {
                        section.card.claim { h2 { "What the caller said " span.tag.claimed { "claim, not checked" } } blockquote { (seen(claim)) } }
                    }
                    div.pair { (review::who(action.principal())) (review::wherever(action.resource())) }
                    (review::decision(&record.decision))
                    (review::identity(action))
                }
                aside.flow aria-label="Timeline" { (timeline(viewer, record, entries)) }
            }
        }
    }
}

fn timeline(viewer: &Viewer<'_>, record: &ActionRecord, entries: &[TimelineEntry]) -> Markup {
    html! {
        section.card.timeline aria-label="Timeline" {
            h2 { "Timeline" }
            @if entries.is_empty() {
                p.dim { "No entries are in the ledger yet." }
            } @else {
                p { a href={ "/api/v1/actions/" (record.action.id()) "/receipt" } download { "Download the receipt" } }
                p.small.dim { "A file that proves all this to anybody, without this gateway." }
            }
            ol { @for entry in entries { li { (one(viewer, entry)) } } }
            @if let Some(outcome) = &record.outcome {
                h3 { "Outcome" }
                p { (parts::outcome(outcome)) }
                @if let Some(result) = outcome.result { p.small { "Digest of the result " code.wrap { (result) } } }
            }
        }
    }
}

/// Short values stand open; the rest opens on request.
fn one(viewer: &Viewer<'_>, entry: &TimelineEntry) -> Markup {
    let (short, long): (Vec<_>, Vec<_>) = entry
        .content
        .iter()
        .partition(|(_, value)| value.len() <= SHORT_BYTES && !value.starts_with(['{', '[']));
    html! {
        b { (told(&entry.kind)) } " " span.dim { (parts::ago(entry.time, viewer.now)) }
        div.small.dim { (parts::full(entry.time)) " · entry " (entry.index) " · " code { (seen(&entry.kind)) } }
        @if !short.is_empty() { dl.pairs { @for (name, value) in short { (pair(name, value)) } } }
        details {
            summary { "Leaf" @if !long.is_empty() { " and content" } }
            @if !long.is_empty() { dl.pairs { @for (name, value) in long { (pair(name, value)) } } }
            @match json_tree::parse(&entry.leaf) {
                Some(leaf) => div.json { (tree::tree(&leaf)) },
                None => p.alert { "This leaf is not JSON." },
            }
            details { summary { "Exact bytes of the leaf" } pre.bytes tabindex="0" { code { (seen(&entry.leaf)) } } }
        }
    }
}

fn pair(name: &str, value: &str) -> Markup {
    let structured = value.starts_with(['{', '[']).then(|| json_tree::parse(value)).flatten();
    html! {
        dt { (seen(name)) }
        dd { @match structured { Some(value) => div.json { (tree::tree(&value)) }, None => (seen(value)) } }
    }
}

/// What an entry of this type says; types that aren't known here speak for themselves.
fn told(kind: &str) -> &str {
    match kind {
        "action.requested" => "Asked",
        "action.released" => "Released to the upstream",
        "action.executed" => "Executed",
        "action.failed" => "Failed",
        "action.unknown" => "Nobody can say whether it ran",
        "approval.requested" => "People were asked",
        "approval.viewed" => "Somebody looked",
        "approval.decided" => "Somebody answered",
        "approval.expired" => "Nobody answered in time",
        "approval.cancelled" => "The requester took it back",
        "approval.lapsed" => "The approval was not claimed in time",
        other => other,
    }
}
