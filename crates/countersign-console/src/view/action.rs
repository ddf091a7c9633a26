//! What is this action's whole story? Its bytes, what policy said, and every ledger entry about it.

use countersign_core::{ActionRecord, TimelineEntry};
use maud::{Markup, html};

use super::text::seen;
use super::{Viewer, parts, review};
use crate::shown::Shown;

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
                    (review::what(action, shown))
                    @if let Some(claim) = action.claim() {
                        section.card.claim { h2 { "What the caller said " span.tag.claimed { "claim, not checked" } } blockquote { (seen(claim)) } }
                    }
                    (review::who(action))
                    (review::wherever(action))
                    (review::decision(&record.decision))
                    (review::identity(action))
                }
                aside aria-label="Timeline" { (timeline(viewer, record, entries)) }
            }
        }
    }
}

fn timeline(viewer: &Viewer<'_>, record: &ActionRecord, entries: &[TimelineEntry]) -> Markup {
    html! {
        section.card.timeline aria-label="Timeline" {
            h2 { "Timeline" }
            @if entries.is_empty() { p.dim { "No entries are in the ledger yet." } }
            ol {
                @for entry in entries {
                    li {
                        b { (seen(&entry.kind)) } " " span.dim { (parts::ago(entry.time, viewer.now)) }
                        div.small { (parts::full(entry.time)) " · entry " (entry.index) }
                        @if !entry.content.is_empty() {
                            dl.pairs { @for (name, value) in &entry.content { dt { (seen(name)) } dd { (seen(value)) } } }
                        }
                        details { summary { "Leaf" } pre.bytes tabindex="0" { code { (seen(&entry.leaf)) } } }
                    }
                }
            }
            @if let Some(outcome) = &record.outcome {
                h3 { "Outcome" }
                p { (parts::outcome(outcome)) }
                @if let Some(result) = outcome.result { p.small { "Digest of the result " code.wrap { (result) } } }
            }
        }
    }
}
