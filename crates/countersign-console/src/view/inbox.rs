//! What waits for me? The open reviews, the ones that I can decide first.

use countersign_core::ActionRecord;
use maud::{Markup, html};

use super::text::seen;
use super::{Viewer, parts};
use crate::wire::You;

/// One open review with what this person may do about it.
pub(crate) struct Waiting {
    pub(crate) record: ActionRecord,
    pub(crate) you: You,
}

/// The inbox. `more` says that there are further open reviews than shown.
pub(crate) fn inbox(viewer: &Viewer<'_>, waiting: &[Waiting], more: bool) -> Markup {
    let (mine, others): (Vec<&Waiting>, Vec<&Waiting>) =
        waiting.iter().partition(|one| one.you.may_approve || one.you.may_deny);
    html! {
        div #live data-live="inbox" data-count=(mine.len()) {
            h1 { "Inbox" @if !mine.is_empty() { " " span.count { (mine.len()) } } }
            @if waiting.is_empty() {
                section.card.empty {
                    p.big { "Nothing waits for anybody." }
                    p.dim { "When an action needs people, it appears here by itself." }
                }
            }
            @if !mine.is_empty() { (list(viewer, "For you to decide", &mine)) }
            @if !others.is_empty() { (list(viewer, "For others to decide", &others)) }
            @if more {
                p.tag.warn { "There are more open reviews than this page shows. " a href="/history?state=pending" { "See all" } }
            }
        }
    }
}

fn list(viewer: &Viewer<'_>, title: &str, rows: &[&Waiting]) -> Markup {
    html! {
        section aria-label=(title) {
            h2 { (title) }
            ul.rows { @for one in rows { (row(viewer, one)) } }
        }
    }
}

fn row(viewer: &Viewer<'_>, one: &Waiting) -> Markup {
    let action = &one.record.action;
    html! {
        @if let Some(review) = &one.record.review {
            li.row data-row="" {
                a.what href={ "/reviews/" (review.id) } { (seen(action.operation())) }
                span.where { (parts::resource(action.resource())) }
                span.effects { (parts::effects_short(action.effects())) }
                span.who.dim { (seen(&action.principal().name)) " · asked " (parts::ago(review.opened_at, viewer.now)) }
                span.until { (parts::countdown(review.pending_until, viewer.now)) " left" }
                @if let Some(why) = &one.you.why_not_text { span.why.dim { (why) } }
            }
        }
    }
}
