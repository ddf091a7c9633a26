//! What would it touch? The number first, in words, then what follows elsewhere, what to know, and some of the rows.

use countersign_core::{Cascade, Preview, Rows};
use maud::{Markup, html};

use super::sample;
use super::text::seen_cut;
use crate::cut::Cut;
use crate::reach::{counted, number_of, rows_parts};

/// More than these are counted instead of drawn.
const CASCADES_DRAWN: usize = 50;
const NOTES_DRAWN: usize = 20;
/// Longer names and notes are drawn in part.
const NAME_CHARS: usize = 200;
const NOTE_CHARS: usize = 500;

/// The panel; nothing for an action of which nobody worked out its reach.
pub(crate) fn panel(preview: Option<&Preview>) -> Markup {
    html! {
        @if let Some(preview) = preview {
            section.card.touch aria-label="What it would touch" {
                h2 { "What it would touch" }
                p class={ "reach " (class(preview.rows)) } { (rows(preview.rows)) }
                (cascades(&preview.cascades))
                (notes(&preview.notes))
                @if let Some(some) = &preview.sample { (sample::sample(some, preview.rows)) }
            }
        }
    }
}

/// The same on one line, beside the buttons.
pub(crate) fn reminder(preview: Option<&Preview>) -> Markup {
    html! {
        @if let Some(preview) = preview {
            p class={ "reminder " (class(preview.rows)) } {
                "Would touch: " (rows(preview.rows))
                @let elsewhere = preview.cascades.len();
                @if elsewhere > 0 { "; more rows in " (counted(number_of(elsewhere), "other place")) }
            }
        }
    }
}

fn rows(rows: Rows) -> Markup {
    let (number, surety) = rows_parts(rows);
    html! { b { (number) } (surety) }
}

/// Doubt is drawn as doubt: with another frame, not only another colour.
fn class(rows: Rows) -> &'static str {
    match rows {
        Rows::Exact(_) => "sure",
        Rows::Estimate(_) | Rows::Unknown => "unsure",
    }
}

fn cascades(cascades: &[Cascade]) -> Markup {
    let hidden = cascades.len().saturating_sub(CASCADES_DRAWN);
    html! {
        @if !cascades.is_empty() {
            h3 { "What follows elsewhere" }
            table.cascades {
                thead { tr { th scope="col" { "Where" } th scope="col" { "What happens" } th scope="col" { "Rows" } } }
                tbody { @for cascade in cascades.iter().take(CASCADES_DRAWN) { (one(cascade)) } }
            }
            @if hidden > 0 { (more(hidden, "cascade")) }
        }
    }
}

fn one(cascade: &Cascade) -> Markup {
    let class = if cascade.what == "delete" { "hot" } else { "warm" };
    html! {
        tr {
            th scope="row" { (seen_cut(&Cut::head(&cascade.object, NAME_CHARS))) }
            td { span class={ "effect " (class) } { b { (seen_cut(&Cut::head(&cascade.what, NAME_CHARS))) } } }
            td { (rows(cascade.rows)) }
        }
    }
}

fn notes(notes: &[String]) -> Markup {
    let hidden = notes.len().saturating_sub(NOTES_DRAWN);
    html! {
        @if !notes.is_empty() {
            ul.notes {
                @for note in notes.iter().take(NOTES_DRAWN) { li { (seen_cut(&Cut::head(note, NOTE_CHARS))) } }
            }
            @if hidden > 0 { (more(hidden, "note")) }
        }
    }
}

/// What the page leaves out, and where it is whole.
pub(super) fn more(hidden: usize, thing: &str) -> Markup {
    html! { p.cut { (counted(number_of(hidden), &format!("more {thing}"))) ": in the API and on the command line" } }
}
