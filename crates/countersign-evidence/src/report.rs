//! What does a person read? One HTML file that needs nothing else, looks the same on paper, and claims nothing that the
//! records don't say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use countersign_core::{Timestamp, span_text};
use countersign_ledger::checkpoint::Checkpoint;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::pack::Wish;
use crate::rights::Rights;
use crate::summary::{EXCEPTIONS, Summary};

/// So many rows of a table are shown; the rest is in `summary.json`.
const ROWS_MAX: usize = 500;

/// What there is to tell.
pub(crate) struct Told<'a> {
    pub(crate) wish: &'a Wish,
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) summary: &'a Summary,
    pub(crate) rights: &'a Rights,
    pub(crate) receipts: Vec<String>,
    pub(crate) made: Timestamp,
}

/// The report.
pub(crate) fn html(told: &Told<'_>) -> String {
    let title = format!("Evidence for {}", told.wish.framework.title());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("report.css"))) }
            }
            body { main {
                (head(told, &title))
                (figures(told.summary))
                (population(told.summary))
                (reviews(told.summary))
                (exceptions(told.summary))
                (changes(told.summary))
                (controls(told))
                (rights(told.rights))
                (receipts(told))
                (checking())
            } }
        }
    };
    page.into_string()
}

fn head(told: &Told<'_>, title: &str) -> Markup {
    html! {
        header {
            p.kind { "Countersign · action-level approvals" }
            h1 { (title) }
            p { "What follows was counted from the signed log and produces evidence for the controls named below. Whether a control is met is the auditor's to say." }
            dl.facts {
                dt { "Period" } dd { (day(told.wish.period.from)) " until " (day(told.wish.period.until)) " (UTC)" }
                dt { "Log" } dd { code { (told.checkpoint.origin()) } }
                dt { "Checkpoint" } dd { (told.checkpoint.size()) " entries, root " code { (BASE64.encode(told.checkpoint.root())) } }
                dt { "Records" } dd {
                    @match (told.summary.first, told.summary.last) {
                        (Some(first), Some(last)) => { (told.summary.records) ", entries " (first) " to " (last) " without a gap" }
                        _ => { "none in this period" }
                    }
                }
                dt { "Made" } dd { (day(told.made)) }
                dt { "Content shown" } dd {
                    @if told.wish.shown.is_empty() { "none" } @else { (told.wish.shown.join(", ")) }
                    @if told.wish.payloads { ", and the exact bytes of actions" }
                }
            }
        }
    }
}

fn figures(summary: &Summary) -> Markup {
    let count = |counts: &BTreeMap<String, u64>, what: &str| counts.get(what).copied().unwrap_or(0);
    let figure = |bad: bool, count: u64, what: &str| {
        html! {
            li.bad[bad && count > 0] { b { (count) } (what) }
        }
    };
    let refused = summary.exceptions.iter().filter(|found| found.what == "refused vote").count();
    html! {
        ul.figures {
            (figure(false, summary.actions.values().sum::<u64>().saturating_add(summary.passed), "actions"))
            (figure(false, count(&summary.actions, "review"), "held for people"))
            (figure(false, count(&summary.reviews, "approved").saturating_add(done(summary)), "approved"))
            (figure(false, count(&summary.reviews, "denied"), "denied by people"))
            (figure(true, count(&summary.outcomes, "unknown"), "unknown outcomes"))
            (figure(true, u64::try_from(refused).unwrap_or(u64::MAX), "refused votes"))
        }
    }
}

/// Reviews whose approval was used.
fn done(summary: &Summary) -> u64 {
    ["claimed", "executed", "failed", "unknown", "lapsed"]
        .iter()
        .filter_map(|state| summary.reviews.get(*state))
        .sum()
}

fn counts(caption: &str, counts: &BTreeMap<String, u64>) -> Markup {
    let most = counts.values().copied().max().unwrap_or(0).max(1);
    html! {
        h3 { (caption) }
        @if counts.is_empty() { p.soft { "None in this period." } } @else {
            table {
                tbody {
                    @for (what, count) in counts {
                        tr {
                            td { (what) }
                            td.n { (count) }
                            td.bar { span class=(what) style=(format!("width:{}%", count.saturating_mul(100) / most)) {} }
                        }
                    }
                }
            }
        }
    }
}

fn population(summary: &Summary) -> Markup {
    html! {
        h2 { "Population" }
        p { "Every action that reached the gateway is an entry of the log or a line of a batch that an entry commits to. Samples can be drawn from " code { "records.jsonl" } "." }
        (counts("Actions judged one by one, by policy's decision", &summary.actions))
        p { (summary.passed) " more passed on standing answers: statements that no condition of policy could decide differently." }
        (counts("Outcomes", &summary.outcomes))
        (counts("Entries by type", &summary.entries))
    }
}

fn reviews(summary: &Summary) -> Markup {
    let wait = |seconds: Option<u64>| {
        seconds.map_or("–".to_owned(), |seconds| span_text(Duration::from_secs(seconds)))
    };
    html! {
        h2 { "Approvals" }
        p { "Nobody who asked for an action, or stands behind the agent that did, can approve it. Each receipt proves that again." }
        (counts("Reviews opened in the period, by their last state in it", &summary.reviews))
        (counts("Votes", &summary.votes))
        p { "Half of the decisions took at most " b { (wait(summary.wait_p50_s)) } ", 95 in 100 at most " b { (wait(summary.wait_p95_s)) } "." }
    }
}

fn exceptions(summary: &Summary) -> Markup {
    html! {
        h2 { "Exceptions" }
        p { "What an auditor may want to look at. None of it needs to be wrong. This version has no break-glass: no action runs around its review." }
        table {
            thead { tr { th { "kind" } th.n { "count" } th { "what it means" } } }
            tbody {
                @for (what, meaning) in EXCEPTIONS {
                    tr {
                        td { (what) }
                        td.n { (summary.exceptions.iter().filter(|found| found.what == *what).count()) }
                        td.soft { (meaning) }
                    }
                }
            }
        }
        @if !summary.exceptions.is_empty() {
            table {
                thead { tr { th { "when" } th { "kind" } th.n { "entry" } th { "case" } th { "more" } } }
                tbody {
                    @for found in summary.exceptions.iter().take(ROWS_MAX) {
                        tr {
                            td.when { (instant(&found.time)) }
                            td { (found.what) }
                            td.n { (found.index) }
                            td.id { (found.case) }
                            td { (visible(&found.detail)) }
                        }
                    }
                }
            }
            (more(summary.exceptions.len()))
        }
    }
}

fn changes(summary: &Summary) -> Markup {
    html! {
        h2 { "Changes of rights and rules" }
        @if summary.changes.is_empty() { p.soft { "None in this period." } } @else {
            table {
                thead { tr { th { "when" } th { "what" } th.n { "entry" } th { "case" } th { "by" } } }
                tbody {
                    @for change in summary.changes.iter().take(ROWS_MAX) {
                        tr {
                            td.when { (instant(&change.time)) }
                            td { (change.what) }
                            td.n { (change.index) }
                            td.id { (visible(&change.case)) }
                            td.id { (change.by) }
                        }
                    }
                }
            }
            (more(summary.changes.len()))
        }
    }
}

fn more(rows: usize) -> Markup {
    html! {
        @if rows > ROWS_MAX { p.soft { (rows - ROWS_MAX) " more are in " code { "summary.json" } "." } }
    }
}

fn controls(told: &Told<'_>) -> Markup {
    html! {
        h2 { "Controls" }
        p { "This pack produces evidence for these controls of " (told.wish.framework.title()) "." }
        table {
            thead { tr { th { "control" } th { "asks for" } th { "evidence here" } } }
            tbody {
                @for control in told.wish.framework.controls() {
                    tr { td { b { (control.id) } } td { (control.asks) } td { (control.evidence) } }
                }
            }
        }
    }
}

fn rights(rights: &Rights) -> Markup {
    html! {
        h2 { "Who holds which rights" }
        p.soft { "At the moment at which this was made. It is not part of the log; the changes above are." }
        h3 { "People who decide" }
        table {
            thead { tr { th { "person" } th { "groups" } th { "passkeys" } } }
            tbody {
                @for person in &rights.people {
                    tr {
                        td { @if let Some(name) = &person.name { (visible(name)) br; } code { (person.id) } }
                        td { (person.groups.join(", ")) }
                        td { @if person.passkeys.is_empty() { span.soft { "none" } } @for passkey in &person.passkeys {
                            "enrolled " (instant(&passkey.enrolled_at)) @if passkey.may_leave_device { ", synchronised" } @else { ", bound to a device" } br;
                        } }
                    }
                }
            }
        }
        h3 { "Agents that ask" }
        table {
            thead { tr { th { "agent" } th { "owner" } th { "teams" } th { "until" } } }
            tbody {
                @for agent in &rights.agents {
                    tr {
                        td { (visible(&agent.name)) br; code { (agent.id) } }
                        td.id { (agent.owner) }
                        td { (agent.teams.join(", ")) }
                        td.when { (instant(&agent.expires_at)) }
                    }
                }
            }
        }
        p { (rights.policies.len()) " policies are in force: " (rights.policies.join(", ")) "." }
    }
}

fn receipts(told: &Told<'_>) -> Markup {
    html! {
        h2 { "Receipts" }
        p { (told.receipts.len()) " receipts are in " code { "receipts/" } ": one for every action about which people were asked, one for every exception, and a sample of " (told.wish.sample) " of the others at most. The sample is drawn by SHA-256 of the log's root and the action's id, so nobody chose it." }
    }
}

fn checking() -> Markup {
    html! {
        h2 { "How to check this" }
        p { "With the log's verifier key, which you should have from before the period:" }
        pre { "countersign verify FOLDER --key KEY" }
        p { code { "VERIFY.md" } " has the steps for tools of others: coreutils for the files, Go's own implementation for the log, any DSSE verifier for the statements." }
        p.soft { "No folder can prove that nothing happened past the gateway, or, without a witness, that the gateway's clock was right and that everybody was shown the same log." }
    }
}

fn day(time: Timestamp) -> String {
    instant(&time.to_string())
}

/// RFC 3339 to the second, with a blank.
fn instant(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

/// What has no shape, or turns text, is spelt out.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars().take(400) {
        let hidden = letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if hidden {
            let _infallible = write!(shown, "⟨U+{:04X}⟩", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    shown
}
