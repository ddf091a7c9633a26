//! How does it look? HTML from the core's words; pure, so that every page has a snapshot.
//!
//! Everything is escaped by the template; `PreEscaped` is never used on data. Text that comes from a caller is
//! always drawn by [`text::seen`], which makes unseen characters visible.

pub(crate) mod account;
pub(crate) mod action;
pub(crate) mod audit;
pub(crate) mod chart;
pub(crate) mod decide;
pub(crate) mod enter;
pub(crate) mod history;
pub(crate) mod inbox;
pub(crate) mod links;
pub(crate) mod parts;
pub(crate) mod passed;
mod provenance;
mod reach;
pub(crate) mod review;
mod sample;
mod statement;
pub(crate) mod text;
pub(crate) mod tree;
pub(crate) mod verify;

use axum::response::Html;
use countersign_core::{Assurance, Timestamp};
use countersign_identity::SignedIn;
use maud::{DOCTYPE, Markup, html};

use crate::assets;
use crate::codes::{Code, Problem};

/// Who looks, and when.
#[derive(Clone, Copy)]
pub(crate) struct Viewer<'a> {
    pub(crate) signed_in: &'a SignedIn,
    pub(crate) now: Timestamp,
    /// Whether the person has a passkey; when not, pages suggest one.
    pub(crate) passkey: bool,
}

impl Viewer<'_> {
    /// The hidden field that every form carries.
    pub(crate) fn csrf(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.signed_in.csrf); }
    }
}

/// A page for a signed-in person. `here` is the path of its place in the navigation.
pub(crate) fn page(viewer: &Viewer<'_>, title: &str, here: &str, body: &Markup) -> Html<String> {
    let place = |path: &str, name: &str| {
        let is_here = path == here || (path == "/audit" && here == verify::PATH);
        html! { a href=(path) aria-current=[is_here.then_some("page")] { (name) } }
    };
    let name = viewer.signed_in.reviewer.name();
    let suggest =
        !viewer.passkey && viewer.signed_in.session.assurance == Assurance::Session && here != "/account";
    let content = html! {
        header.top {
            a.brand href="/" { img src=(assets::url("mark.svg")) alt="" width="22" height="22"; "Countersign" }
            nav aria-label="Places" { (place("/", "Inbox")) (place("/history", "History")) (place("/audit", "Audit")) }
            a.me href="/account" aria-current=[(here == "/account").then_some("page")] { (text::seen(name)) }
        }
        @if suggest {
            aside.banner aria-label="Suggestion" {
                "You came in by a one-time link. "
                a href="/account#passkeys" { "Enrol a passkey" }
                " to sign in next time and to approve what needs a stronger sign-in."
            }
        }
        p #connection.banner.off hidden role="status" { "Live updates are interrupted; looking again every few seconds." }
        main #main tabindex="-1" { (body) }
        (keys())
    };
    let scripts: &[&str] = match here {
        "/account" => &["console.js", "passkeys.js"],
        "/actions" | verify::PATH => &["console.js", "verify.js"],
        _ => &["console.js"],
    };
    document(title, Some(viewer.now), scripts, &content)
}

/// A page for somebody who isn't signed in.
pub(crate) fn outside(title: &str, scripts: &[&str], body: &Markup) -> Html<String> {
    let content = html! {
        main #main.outside {
            p.brand { img src=(assets::url("mark.svg")) alt="" width="28" height="28"; "Countersign" }
            (body)
        }
    };
    document(title, None, scripts, &content)
}

/// An error as people read it.
pub(crate) fn problem(problem: &Problem) -> Html<String> {
    let body = html! {
        section.card.problem {
            h1 { (problem.code.title()) }
            @if problem.detail != problem.code.title() { p { (text::seen(&problem.detail)) } }
            p.dim { (for_people(problem.code)) }
            p { a.button href="/" { "Go to the inbox" } }
            p.dim.small { "Code " code { (problem.code.word()) } }
        }
    };
    outside(problem.code.title(), &[], &body)
}

/// Some hints are for programs; people get their own.
fn for_people(code: Code) -> &'static str {
    match code {
        Code::Csrf => "Go back, reload the page and try again.",
        Code::NotShownWhole => {
            "Ask the command line to show you the whole action: countersign reviews show ID"
        }
        Code::InvalidBody | Code::InvalidParameter => "Go back and check what you entered.",
        _ => code.hint(),
    }
}

fn document(title: &str, now: Option<Timestamp>, scripts: &[&str], content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(now) = now { meta name="server-time" content=(now.as_micros()); }
                title { (title) " · Countersign" }
                link rel="icon" type="image/svg+xml" href=(assets::url("mark.svg"));
                link rel="stylesheet" href=(assets::url("console.css"));
                @for script in scripts { script type="module" src=(assets::url(script)) {} }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (content)
                div #announce.unseen role="status" aria-live="polite" {}
            }
        }
    };
    Html(page.into_string())
}

fn keys() -> Markup {
    let keys = [
        ("j / k", "next, previous row"),
        ("Enter", "open the row"),
        ("a", "go to approve"),
        ("d", "go to deny"),
        ("i", "inbox"),
        ("h", "history"),
        ("/", "search"),
        ("?", "this help"),
    ];
    html! {
        dialog #keys aria-label="Keyboard" {
            h2 { "Keyboard" }
            dl.pairs { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { "Close" } }
        }
    }
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
