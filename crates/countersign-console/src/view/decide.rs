//! Where does the question stand, and may I answer it? The panel with clocks, gates, votes and buttons.

use countersign_core::{Answer, Review, State, Vote};
use maud::{Markup, html};

use super::review::Asked;
use super::text::seen;
use super::{Viewer, links, parts, reach};
use crate::codes::Code;

/// The panel beside the review.
pub(crate) fn panel(viewer: &Viewer<'_>, asked: &Asked<'_>) -> Markup {
    let review = asked.review;
    html! {
        section #decide.card.panel aria-label="Decision" {
            h2 { (parts::state(review.state)) " " (headline(review)) }
            (clock(viewer, review))
            (gates(review))
            (votes(viewer, review))
            @if review.state == State::Pending { (reach::reminder(asked.record.action.preview())) (answer(viewer, asked)) }
            @else if let Some(outcome) = &asked.record.outcome { p { "The upstream: " (parts::outcome(outcome)) } }
            p.dim.small { "Digest " code.digest title=(review.digest) { (review.digest.short()) } ", version " (review.version) }
        }
    }
}

fn headline(review: &Review) -> &'static str {
    match review.state {
        State::Pending => "waits for an answer",
        State::Approved => "it may run; the requester has not claimed it yet",
        State::Denied => "it must not run",
        State::Expired => "nobody answered in time; nothing was executed",
        State::Cancelled => "the requester took it back; nothing was executed",
        State::Lapsed => "approved, but not claimed in time; nothing was executed",
        State::Claimed => "it is running now",
        State::Executed => "it ran",
        State::Failed => "it was tried and failed",
        State::Unknown => "nobody can say whether it ran; check the resource",
    }
}

fn clock(viewer: &Viewer<'_>, review: &Review) -> Markup {
    html! {
        @match (review.state, &review.grant) {
            (State::Pending, _) => p.clock { (parts::countdown(review.pending_until, viewer.now)) " left to answer" },
            (State::Approved, Some(grant)) => p.clock { (parts::countdown(grant.lapses_at(), viewer.now)) " left to claim it" },
            _ => @if let Some(at) = review.decided_at { p.dim { "Decided " (parts::ago(at, viewer.now)) } },
        }
    }
}

fn gates(review: &Review) -> Markup {
    let missing = review.missing();
    html! {
        h3 { "Who must agree" }
        ul.gates {
            @for (group, gate) in &review.plan.gates {
                @let agreed: Vec<&Vote> = agreed(review, group).collect();
                li {
                    b { (seen(group)) } " "
                    span.meter { (agreed.len().min(usize::from(gate.quorum.max(1)))) " of " (gate.quorum.max(1)) }
                    @if gate.assurance == countersign_core::Assurance::Passkey { " " span.tag { "with a passkey" } }
                    @if !agreed.is_empty() { span.dim { " " @for vote in &agreed { "✓ " (seen(&vote.name)) " " } } }
                }
            }
        }
        @if review.state == State::Pending {
            p { @if missing == 1 { "One more person" } @else { (missing) " more people" } " must agree; one deny ends it." }
        }
    }
}

fn agreed<'a>(review: &'a Review, group: &'a str) -> impl Iterator<Item = &'a Vote> {
    review.votes.iter().filter(move |vote| vote.answer == Answer::Approve && vote.groups.contains(group))
}

fn votes(viewer: &Viewer<'_>, review: &Review) -> Markup {
    html! {
        @if !review.votes.is_empty() {
            h3 { "Answers" }
            ul.votes {
                @for vote in &review.votes {
                    li {
                        span class={ "answer " (vote.answer.word()) } { (vote.answer.word()) } " " b { (seen(&vote.name)) } " "
                        span.dim { (parts::ago(vote.cast_at, viewer.now)) " · " (vote.channel) " · " (vote.assurance) }
                        @if !vote.reason.is_empty() { blockquote { (seen(&vote.reason)) } }
                    }
                }
            }
        }
    }
}

fn answer(viewer: &Viewer<'_>, asked: &Asked<'_>) -> Markup {
    let whole = asked.shown.hidden == 0;
    let review = asked.review;
    html! {
        @if asked.you.may_approve || asked.you.may_deny {
            form #answer method="post" action={ "/reviews/" (review.id) "/vote" } data-once="" {
                (viewer.csrf())
                input type="hidden" name="digest" value=(review.digest);
                input type="hidden" name="version" value=(review.version);
                label for="reason" { "Reason " span.dim.small { "recorded with your answer" } }
                textarea #reason name="reason" rows="3" maxlength="4000" {}
                div.buttons {
                    button #approve.approve name="answer" value="approve" disabled[!whole || !asked.you.may_approve] { "Approve " kbd { "a" } }
                    button #deny.deny name="answer" value="deny" disabled[!asked.you.may_deny] { "Deny " kbd { "d" } }
                }
            }
        }
        @if !whole { p.alert { "Approving is off here: this page can't show the whole action." } }
        (why_not(asked))
    }
}

fn why_not(asked: &Asked<'_>) -> Markup {
    let here = format!("/reviews/{}", asked.review.id);
    html! {
        @if let Some(why) = &asked.you.why_not_text {
            p.alert role="note" { b { "You can't approve this: " } (why) "." }
            @if asked.you.why_not == Some(Code::AssuranceTooLow.word()) {
                p { a.button href={ "/sign-in?next=" (links::escaped(&here)) } { "Sign in with a passkey" } " "
                    a href="/account#passkeys" { "or enrol one first" } }
            }
        }
    }
}
