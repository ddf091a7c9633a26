//! What passed without anybody being asked? Statements on answers that stand: pages of them, and one whole.

use countersign_core::{PassedPage, PassedRecord, Query};
use maud::{Markup, html};

use super::history::{Place, filters, tabs};
use super::text::{seen, seen_cut};
use super::{Viewer, links, parts, review};
use crate::cut::Cut;
use crate::reach::{counted, grouped};
use crate::shown::Shown;
use crate::statements::{Sql, Statement, Statements};

/// So much of a statement stands in the list.
const HEAD_CHARS: usize = 120;

/// The page of a search.
pub(crate) fn passed(viewer: &Viewer<'_>, query: &Query, page: &PassedPage) -> Markup {
    html! {
        h1 { "History" }
        (tabs(Place::Passed))
        p.dim { "Statements that policy allows whatever their parameters are. Each was recorded before it ran; the ledger has one entry for each batch of them." }
        (filters(Place::Passed, query))
        @if page.items.is_empty() {
            section.card.empty {
                p.big { @if page.next.is_some() { "Nothing matches so far." } @else { "Nothing matches." } }
                @if page.next.is_none() { p { a href="/passed" { "Clear the filters" } } }
            }
        } @else {
            div.scroll { table.records {
                thead { tr { th { "Received" } th { "State" } th { "Operation" } th { "Statement" } th { "Resource" } th { "Effects" } th { "Agent" } } }
                tbody { @for record in &page.items { (row(viewer, record)) } }
            } }
        }
        (looked(page))
        nav.pages aria-label="Pages" {
            @if query.cursor.is_some() { a href=(links::list(Place::Passed.path(), query, None)) { "Newest" } }
            @if let Some(next) = page.next {
                a rel="next" href=(links::list(Place::Passed.path(), query, Some(next))) {
                    @if page.looked_back_to.is_some() { "Look further back →" } @else { "Older →" }
                }
            }
        }
    }
}

/// How far was looked: a search that ended early must not pass for one that found nothing more.
fn looked(page: &PassedPage) -> Markup {
    let statements = counted(page.looked_at, "statement");
    let full = page.next.is_some() && page.looked_back_to.is_none();
    html! {
        @match page.looked_back_to {
            Some(at) => p.notice.banner role="status" {
                b { "Looked at " (statements) " for this page, back to " (parts::full(at)) "." }
                " Older ones have not been looked at yet."
            },
            // A full page tells nothing about what did not match.
            None if full => {},
            None => p.dim.small { "Looked at " (statements) " for this page; nothing older is left to look at." },
        }
    }
}

fn row(viewer: &Viewer<'_>, record: &PassedRecord) -> Markup {
    html! {
        tr data-row="" {
            td { (parts::ago(record.at, viewer.now)) }
            td { (standing(record)) }
            td { a href={ "/passed/" (record.id) } { (seen(&record.operation)) } }
            td { code { (seen_cut(&Cut::head(&head(record), HEAD_CHARS))) } }
            td { (parts::resource(&record.resource)) }
            td { (parts::effects_short(&record.effects)) }
            td { (seen(&record.principal.name)) }
        }
    }
}

/// Its statement; its bytes where it is none, or where there are several: one must not pass for all.
fn head(record: &PassedRecord) -> String {
    let statements = Statements::of(&record.resource.protocol, record.payload.as_bytes());
    let list = statements.map(|statements| statements.list).unwrap_or_default();
    match list.as_slice() {
        [Statement { sql: Sql::Text(text), .. }] => text.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => record.payload.clone(),
    }
}

fn standing(record: &PassedRecord) -> Markup {
    match &record.outcome {
        Some(outcome) => parts::state(outcome.status.into()),
        None => html! { span.state.state-allow title="no outcome was found" { "allowed" } },
    }
}

/// One of them.
pub(crate) fn one(record: &PassedRecord, shown: &Shown) -> Markup {
    let asking = review::Asking {
        protocol: &record.resource.protocol,
        payload: record.payload.as_bytes(),
        facts: &record.facts,
        facts_title: "Facts of the connection",
    };
    html! {
        header.headline {
            p.dim { a href="/passed" { "Passed" } " / action " (standing(record)) }
            h1 { (seen(&record.operation)) }
            p.lead {
                b { (seen(&record.principal.name)) } " on " (parts::resource(&record.resource))
                ", received " (parts::full(record.at))
            }
            p.effects { @for effect in record.effects.iter() { (parts::effect(effect)) " " } }
        }
        div.two {
            div.main {
                (review::what(&asking, shown))
                div.pair { (review::who(&record.principal)) (review::wherever(&record.resource)) }
                (allowed(record))
            }
            aside aria-label="Record" { (recorded(record)) }
        }
    }
}

fn allowed(record: &PassedRecord) -> Markup {
    html! {
        section.card aria-label="What policy said" {
            h2 { "What policy said" }
            p { "Allowed, whatever the parameters are, so that it passed without being judged again." }
            ul.policies { @for policy in &record.policies { li { code { (seen(policy)) } } } }
        }
    }
}

fn recorded(record: &PassedRecord) -> Markup {
    html! {
        section.card aria-label="Record" {
            h2 { "Outcome" }
            @match &record.outcome {
                Some(outcome) => p { (parts::outcome(outcome)) },
                None => p.dim { "None was found soon after it. It may have run for long, or the gateway stopped before it knew." },
            }
            h3 { "Record" }
            dl.pairs {
                (parts::fact("action", &html! { code.wrap { (record.id) } }))
                (parts::fact("policy version", &html! { code.wrap { (record.policy) } }))
                (parts::fact("ledger entry", &html! { (grouped(record.entry)) " " span.dim { "commits to the batch that holds it" } }))
            }
        }
    }
}
