//! How does a person come in? By a one-time link or with a passkey; there are no passwords.

use axum::response::Html;
use countersign_core::Timestamp;
use countersign_identity::InvitationView;
use maud::html;

use super::text::seen;
use super::{links, outside, parts};

/// The page of a one-time link. Looking at it uses nothing up; the button does.
pub(crate) fn enter(token: &str, next: &str, invitation: &InvitationView, now: Timestamp) -> Html<String> {
    let action = format!("/enter/{}?next={}", links::escaped(token), links::escaped(next));
    let body = html! {
        section.card {
            h1 { "Sign in as " (seen(&invitation.name)) }
            p.dim { "This link works once and ends " (parts::utc(invitation.expires_at)) ", in " (parts::countdown(invitation.expires_at, now)) "." }
            form #enter method="post" action=(action) { button.approve { "Sign in" } }
            p.dim.small { "Not you? Close this page; nothing has happened." }
        }
    };
    outside("Sign in", &["enter.js"], &body)
}

/// The sign-in page.
pub(crate) fn sign_in(next: &str) -> Html<String> {
    let body = html! {
        section.card {
            h1 { "Sign in" }
            form #sign-in data-next=(next) { button.approve { "Sign in with a passkey" } }
            p #sign-in-said.alert hidden role="alert" {}
            noscript { p.alert { "Signing in with a passkey needs JavaScript; a one-time link doesn't." } }
            h2 { "No passkey yet?" }
            p { "Whoever runs this gateway makes a one-time link for you:" }
            pre.bytes { code { "countersign people invite NAME" } }
            p.dim { "Open it here; then enrol a passkey for the next time. There are no passwords." }
        }
    };
    outside("Sign in", &["passkeys.js"], &body)
}
