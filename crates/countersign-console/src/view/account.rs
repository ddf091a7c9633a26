//! How do I sign in, where am I signed in, and how do I end that?

use countersign_identity::{PasskeyView, SessionView};
use maud::{Markup, html};

use super::text::seen;
use super::{Viewer, parts};

/// The account page.
pub(crate) fn account(viewer: &Viewer<'_>, sessions: &[SessionView], passkeys: &[PasskeyView]) -> Markup {
    let reviewer = &viewer.signed_in.reviewer;
    html! {
        h1 { (seen(reviewer.name())) }
        p.dim {
            "Groups: "
            @if reviewer.groups().is_empty() { "none" }
            @for group in reviewer.groups() { span.tag { (seen(group)) } " " }
        }
        (keys(viewer, passkeys))
        section.card aria-label="Sessions" {
            h2 { "Sessions" }
            ul.sessions { @for session in sessions { (one_session(viewer, session)) } }
            div.buttons {
                form method="post" action="/account/sign-out" { (viewer.csrf()) button { "Sign out" } }
                @if sessions.len() > 1 {
                    form method="post" action="/account/sessions/end-others" { (viewer.csrf()) button { "End all other sessions" } }
                }
            }
        }
    }
}

fn one_session(viewer: &Viewer<'_>, session: &SessionView) -> Markup {
    html! {
        li {
            b { "Began " (parts::ago(session.started_at, viewer.now)) } " "
            span.tag { "by " @match session.assurance {
                countersign_core::Assurance::Session => "one-time link",
                countersign_core::Assurance::Passkey => "passkey",
            } }
            @if session.id == viewer.signed_in.session.id { " " span.tag.verified { "this one" } }
            span.dim { " ends in " (parts::countdown(session.expires_at, viewer.now)) }
        }
    }
}

fn keys(viewer: &Viewer<'_>, passkeys: &[PasskeyView]) -> Markup {
    html! {
        section #passkeys.card aria-label="Passkeys" {
            h2 { "Passkeys" }
            p.dim { "A passkey signs you in without a link and proves that it is you. Some approvals need one." }
            ul.sessions {
                @for passkey in passkeys {
                    li {
                        b { (seen(&passkey.label)) } " "
                        span.dim { "enrolled " (parts::ago(passkey.enrolled_at, viewer.now))
                            @if let Some(at) = passkey.last_used_at { ", used " (parts::ago(at, viewer.now)) } }
                        form.inline method="post" action={ "/account/passkeys/" (super::links::escaped(&passkey.id)) "/remove" } {
                            (viewer.csrf()) button.quiet { "Remove" }
                        }
                    }
                }
            }
            form #enrol data-csrf=(viewer.signed_in.csrf) {
                label for="label" { "Name for a new passkey" }
                div.inline-fields { input #label name="label" required maxlength="64" value="This device" autocomplete="off";
                    button { "Enrol a passkey" } }
                p #enrol-said.alert hidden role="alert" {}
            }
            noscript { p.alert { "Enrolling a passkey needs JavaScript." } }
        }
    }
}
