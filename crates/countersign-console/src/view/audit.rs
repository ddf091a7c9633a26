//! What is in the ledger? Its entries, newest first, with filters and a chart of when they were made.

use countersign_core::{AuditEntry, AuditPage, AuditQuery, AuditTimes, Bearing};
use countersign_ledger::{Kind, Leaf, hex};
use maud::{Markup, html};

use super::text::{plain, seen};
use super::{Viewer, chart, links, parts, provenance, verify};
use crate::reach::counted;

const PATH: &str = "/audit";

/// The page of a search.
pub(crate) fn audit(viewer: &Viewer<'_>, query: &AuditQuery, page: &AuditPage, times: &AuditTimes) -> Markup {
    html! {
        h1 { "Audit" }
        p.dim { "Every entry of the ledger. What an entry says is what was hashed and signed; it names people and agents by random ids." }
        (filters(query))
        @if page.items.is_empty() {
            section.card.empty {
                p.big { @if page.next.is_some() { "Nothing matches so far." } @else { "Nothing matches." } }
                @if page.next.is_none() { p { a href=(PATH) { "Clear the filters" } } }
            }
        } @else {
            (chart::chart(query, times))
            div.scroll { table.records.entries {
                thead { tr { th { "When" } th { "Type" } th { "What" } th { "Case" } th { "Who" } th { "Entry" } } }
                tbody { @for entry in &page.items { (row(viewer, query, entry)) } }
            } }
        }
        (looked(page))
        nav.pages aria-label="Pages" {
            @if query.cursor.is_some() { a href=(links::audit(PATH, query, None)) { "Newest" } }
            @if let Some(next) = page.next {
                a rel="next" href=(links::audit(PATH, query, Some(next))) {
                    @if page.looked_back_to.is_some() { "Look further back →" } @else { "Older →" }
                }
            }
        }
        p.buttons {
            a.button href=(links::audit("/api/v1/audit.jsonl", query, None)) download { "Download as JSON lines" }
            a.button href=(verify::PATH) { "Verify a receipt from a file" }
        }
        p.small.dim { "The download has the leaves of at most 10,000 entries; the API's header " code { "x-next" } " leads on." }
    }
}

/// How far was looked: a search that ended early must not pass for one that found nothing more.
fn looked(page: &AuditPage) -> Markup {
    let entries = counted(page.looked_at, "entry").replace("entrys", "entries");
    html! {
        @if let Some(at) = page.looked_back_to {
            p.notice.banner role="status" {
                b { "Looked at " (entries) " for this page, back to " (parts::full(at)) "." }
                " Older ones have not been looked at yet."
            }
        }
    }
}

fn row(viewer: &Viewer<'_>, query: &AuditQuery, entry: &AuditEntry) -> Markup {
    let leaf = Leaf::parse(entry.leaf.as_bytes()).ok();
    let bearing = Bearing::of(&entry.kind, leaf.as_ref().and_then(provenance::said));
    html! {
        tr data-row="" {
            td { (parts::ago(entry.time, viewer.now)) }
            td { span class={ "dot " (bearing.word()) } title=(bearing.word()) {} (case_link(entry)) div.small.dim { code { (seen(&entry.kind)) } } }
            td { @match &leaf {
                Some(leaf) => (provenance::gist(leaf)),
                None => span.tag.warn { "this leaf can't be read" },
            } }
            td { (narrowing(query, &entry.case, |query, case| query.case = Some(case))) }
            td { @if let Some(leaf) = &leaf {
                span.dim { (leaf.actor.kind.word()) } " "
                (narrowing(query, &leaf.actor.id, |query, actor| query.actor = Some(actor)))
            } }
            td { span.dim { (entry.index) } " " (provenance::hash(&hex(&entry.hash))) }
        }
    }
}

/// What happened, which leads to the action that it happened to.
fn case_link(entry: &AuditEntry) -> Markup {
    let told = provenance::told(&entry.kind);
    html! {
        @if entry.case.starts_with("act_") { a href={ "/actions/" (links::escaped(&entry.case)) } { (told) } }
        @else { b { (told) } }
    }
}

/// An id that narrows the page to itself.
fn narrowing(query: &AuditQuery, id: &str, narrow: impl FnOnce(&mut AuditQuery, String)) -> Markup {
    let mut narrowed = AuditQuery { cursor: None, ..query.clone() };
    narrow(&mut narrowed, id.to_owned());
    html! { a.id href=(links::audit(PATH, &narrowed, None)) title={ "Only " (plain(id)) } { (provenance::short(id)) } }
}

/// The form that narrows the page.
fn filters(query: &AuditQuery) -> Markup {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let date = |at: Option<countersign_core::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let narrowed =
        [&query.case, &query.actor, &query.resource, &query.agent].into_iter().any(Option::is_some);
    html! {
        form.filters method="get" action=(PATH) role="search" {
            label { "Type " select name="kind" {
                option value="" { "any" }
                @for word in families().into_iter().chain(Kind::ALL.iter().map(|kind| kind.word())) {
                    option value=(word) selected[query.kind.as_deref() == Some(word)] { (word) @if !word.contains('.') { ".*" } }
                }
            } }
            label { "From (UTC) " input #search name="from" value=(date(query.from)) placeholder="2026-11-22" maxlength="40"; }
            label { "Until (UTC) " input name="until" value=(date(query.until)) placeholder="2026-11-23" maxlength="40"; }
            button { "Search" }
            @if *query != (AuditQuery { limit: query.limit, ..AuditQuery::default() }) { a href=(PATH) { "Clear" } }
            details.more open[narrowed] {
                summary { "More filters" }
                div.filters {
                    label { "Case " input name="case" value=(text(&query.case)) maxlength="200" placeholder="act_…"; }
                    label { "Actor " input name="actor" value=(text(&query.actor)) maxlength="200" placeholder="per_… or agt_…"; }
                    label { "Resource " input name="resource" value=(text(&query.resource)) maxlength="200"; }
                    label { "Agent " input name="agent" value=(text(&query.agent)) maxlength="200"; }
                }
                p.small.dim { "Resource and agent are those of the action that an entry is about. Batches of actions on standing answers have neither; "
                    a href="/passed" { "look there" } "." }
            }
        }
    }
}

/// `action`, `approval`, …: each family of types once, in order.
fn families() -> Vec<&'static str> {
    let mut families: Vec<&str> = Vec::new();
    for (family, _) in Kind::ALL.iter().filter_map(|kind| kind.word().split_once('.')) {
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families
}
