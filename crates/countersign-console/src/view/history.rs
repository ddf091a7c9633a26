//! What was asked before? All actions with filters.

use countersign_core::{ActionRecord, Page, Query, State, Verb};
use maud::{Markup, html};

use super::text::seen;
use super::{Viewer, links, parts};

/// The history page.
pub(crate) fn history(viewer: &Viewer<'_>, query: &Query, page: &Page<ActionRecord>) -> Markup {
    html! {
        h1 { "History" }
        (tabs(Place::Actions))
        (filters(Place::Actions, query))
        @if page.items.is_empty() {
            section.card.empty { p.big { "Nothing matches." } p { a href="/history" { "Clear the filters" } } }
        } @else {
            div.scroll { table.records {
                thead { tr { th { "Received" } th { "State" } th { "Operation" } th { "Resource" } th { "Effects" } th { "Agent" } } }
                tbody { @for record in &page.items { (row(viewer, record)) } }
            } }
        }
        nav.pages aria-label="Pages" {
            @if query.cursor.is_some() { a href=(links::list(Place::Actions.path(), query, None)) { "Newest" } }
            @if let Some(next) = page.next { a rel="next" href=(links::list(Place::Actions.path(), query, Some(next))) { "Older →" } }
        }
    }
}

fn row(viewer: &Viewer<'_>, record: &ActionRecord) -> Markup {
    let action = &record.action;
    html! {
        tr data-row="" {
            td { (parts::ago(action.received_at(), viewer.now)) }
            td { (parts::standing(record)) }
            td { a href={ "/actions/" (action.id()) } { (seen(action.operation())) } }
            td { (parts::resource(action.resource())) }
            td { (parts::effects_short(action.effects())) }
            td { (seen(&action.principal().name)) }
        }
    }
}

/// The two parts of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Everything that was judged one by one.
    Actions,
    /// What passed on an answer that stands.
    Passed,
}

impl Place {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Actions => "/history",
            Self::Passed => "/passed",
        }
    }
}

/// Leads from one part to the other.
pub(crate) fn tabs(here: Place) -> Markup {
    let places = [(Place::Actions, "Judged one by one"), (Place::Passed, "Passed on a standing answer")];
    html! {
        nav.tabs aria-label="Parts of the history" {
            @for (place, name) in places { a href=(place.path()) aria-current=[(place == here).then_some("page")] { (name) } }
        }
    }
}

/// The form that narrows a list.
pub(crate) fn filters(place: Place, query: &Query) -> Markup {
    let judged = place == Place::Actions;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let date = |at: Option<countersign_core::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    html! {
        form.filters method="get" action=(place.path()) role="search" {
            label { "Text " input #search type="search" name="q" value=(text(&query.text)) maxlength="200" placeholder=(if judged { "operation, effect, claim, bytes" } else { "operation, effect, bytes" }); }
            @if judged {
                label { "State " select name="state" {
                    option value="" { "any" }
                    @for state in State::ALL { option value=(state.word()) selected[query.states == [state]] { (state.word()) } }
                } }
            }
            button { "Search" }
            details.more open[narrowed(query)] {
                summary { "More filters" }
                div.filters {
                    @if judged {
                        label { "Decision " select name="decision" {
                            option value="" { "any" }
                            @for word in ["allow", "review", "deny"] { option value=(word) selected[query.decision.as_deref() == Some(word)] { (word) } }
                        } }
                    }
                    label { "Verb " select name="verb" {
                        option value="" { "any" }
                        @for verb in Verb::ALL { option value=(verb) selected[query.verb == Some(verb)] { (verb) } }
                    } }
                    label { "Resource " input name="resource" value=(text(&query.resource)) maxlength="200"; }
                    label { "Agent " input name="agent" value=(text(&query.agent)) maxlength="200"; }
                    label { "From (UTC) " input name="from" value=(date(query.from)) placeholder="2026-11-22" maxlength="40"; }
                    label { "Until (UTC) " input name="until" value=(date(query.until)) placeholder="2026-11-23" maxlength="40"; }
                    @if let Some(operation) = &query.operation { label { "Operation " input name="operation" value=(operation) maxlength="200"; } }
                }
            }
        }
    }
}

/// Whether one of the folded filters is set.
fn narrowed(query: &Query) -> bool {
    let texts = [&query.decision, &query.resource, &query.agent, &query.operation];
    texts.into_iter().any(Option::is_some)
        || query.verb.is_some()
        || query.from.is_some()
        || query.until.is_some()
}
