//! How is SQL drawn? Whole, one block a statement, with the value of each parameter beneath it.

use maud::{Markup, html};

use super::sample::text;
use super::text::{pieces, seen, seen_cut};
use crate::cut::Cut;
use crate::reach::{counted, number_of};
use crate::statements::{Parameter, Sql, Statement, Statements};
use crate::visible::Visible;

/// These stand open; the others are folded away.
const OPEN_PARAMETERS: usize = 20;
/// More than these are counted; the exact bytes below have them all.
const PARAMETERS_DRAWN: usize = 500;
/// Of longer values a part is drawn; the exact bytes below have them whole.
const PARAMETER_CHARS: usize = 500;

/// All statements of a message, none of them cut.
pub(super) fn statements(statements: &Statements) -> Markup {
    let all = statements.list.len();
    html! {
        @for (at, statement) in statements.list.iter().enumerate() {
            @let number = at.saturating_add(1);
            h3 { "Statement" @if all > 1 { " " (number) " of " (all) } }
            (one(statement))
        }
        (other(&statements.other))
    }
}

/// Nothing scrolls in here: what stands below a fold is what somebody would hide.
fn one(statement: &Statement) -> Markup {
    let all = &statement.parameters;
    let drawn = all.get(..PARAMETERS_DRAWN).unwrap_or(all);
    let hidden = all.len().saturating_sub(drawn.len());
    let (open, folded) = drawn.split_at_checked(OPEN_PARAMETERS).unwrap_or((drawn, &[]));
    html! {
        @match &statement.sql {
            Sql::Text(sql) if sql.trim().is_empty() => p { span.null { "empty statement" } },
            Sql::Text(sql) => pre.sql { code { (pieces(&Visible::of(sql))) } },
            Sql::Prepared(name) => p.alert role="note" {
                b { "Runs what was prepared under the name “" (seen(name)) "”." } " Its text is not known here."
            },
        }
        @if !open.is_empty() { (parameters(open, 1)) }
        @if !folded.is_empty() {
            details {
                summary { (counted(number_of(folded.len()), "more parameter")) }
                (parameters(folded, OPEN_PARAMETERS.saturating_add(1)))
            }
        }
        @if hidden > 0 {
            p.cut { (counted(number_of(hidden), "more parameter")) ": in the exact bytes below" }
        }
        (other(&statement.other))
    }
}

fn parameters(parameters: &[Parameter], first: usize) -> Markup {
    html! {
        dl.parameters aria-label="Parameters" {
            @for (at, parameter) in parameters.iter().enumerate() {
                dt { "$" (first.saturating_add(at)) " =" } dd { (value(parameter)) }
            }
        }
    }
}

fn value(parameter: &Parameter) -> Markup {
    match parameter {
        Parameter::Null => html! { span.null { "NULL" } },
        Parameter::Text(value) => text(&Cut::head(value, PARAMETER_CHARS)),
        Parameter::Binary(hex) => html! {
            span.tag { "binary" } " " code { (seen_cut(&Cut::head(hex, PARAMETER_CHARS))) }
        },
        Parameter::Json(json) => {
            html! { span.tag { "JSON" } " " code { (seen_cut(&Cut::head(json, PARAMETER_CHARS))) } }
        }
    }
}

fn other(other: &[(String, String)]) -> Markup {
    html! {
        @if !other.is_empty() {
            dl.pairs.small {
                @for (name, json) in other {
                    dt { (seen(name)) } dd { code { (seen_cut(&Cut::head(json, PARAMETER_CHARS))) } }
                }
            }
        }
    }
}
