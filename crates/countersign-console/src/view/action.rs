//! What is this action's whole story? Its bytes, what policy said, and every ledger entry about it.

use countersign_core::{ActionRecord, TimelineEntry};
use maud::{Markup, html};

use super::text::seen;
use super::{Viewer, parts, provenance, reach, review, verify};
use crate::shown::Shown;

/// The page of one action. The check of its receipt stands outside of what is drawn anew when something happens.
pub(crate) fn action(
    viewer: &Viewer<'_>,
    record: &ActionRecord,
    shown: &Shown,
    entries: &[TimelineEntry],
    log_key: &str,
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
        @if !entries.is_empty() { (verify::panel(log_key, Some(&receipt(record)))) }
    }
}

/// Where the action's receipt is.
fn receipt(record: &ActionRecord) -> String {
    format!("/api/v1/actions/{}/receipt", record.action.id())
}

fn timeline(viewer: &Viewer<'_>, record: &ActionRecord, entries: &[TimelineEntry]) -> Markup {
    html! {
        section.card.timeline aria-label="Timeline" {
            h2 { "Timeline" }
            @if entries.is_empty() {
                p.dim { "No entries are in the ledger yet." }
            } @else {
                p.buttons {
                    a.button href=(receipt(record)) download { "Download the receipt" }
                    a.button href="#verify" { "Verify it here" }
                }
                p.small.dim { "A file that proves all this to anybody, without this gateway." }
            }
            ol { @for entry in entries { (provenance::entry(viewer, entry)) } }
            @if let Some(outcome) = &record.outcome {
                h3 { "Outcome" }
                p { (parts::outcome(outcome)) }
                @if let Some(result) = outcome.result { p.small { "Digest of the result " code.wrap { (result) } } }
            }
        }
    }
}
