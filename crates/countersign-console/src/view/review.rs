//! What would happen if I say yes? Everything that a person woken at 3 a.m. needs, in the order of the questions.

use std::collections::BTreeMap;

use countersign_core::{
    Action, ActionRecord, Answer, Decision, Link, LinkKind, Plan, Principal, Resource, Review, Standing,
    State,
};
use maud::{Markup, html};

use super::text::seen;
use super::{Viewer, decide, parts, reach, statement, tree};
use crate::shown::{Bytes, SHOWN_MAX_BYTES, Shown};
use crate::statements::Statements;
use crate::wire::You;

/// One review as one person sees it.
pub(crate) struct Asked<'a> {
    pub(crate) record: &'a ActionRecord,
    pub(crate) review: &'a Review,
    pub(crate) shown: &'a Shown,
    pub(crate) you: &'a You,
    /// Other recent actions with the same operation on the same resource, newest first.
    pub(crate) similar: &'a [ActionRecord],
    /// What stands at the top after an answer, or when something came between.
    pub(crate) notice: Option<&'a str>,
}

/// The review page.
pub(crate) fn review(viewer: &Viewer<'_>, asked: &Asked<'_>) -> Markup {
    let action = &asked.record.action;
    let review = asked.review;
    html! {
        div #live data-live="review" data-review=(review.id) data-version=(review.version) data-state=(review.state.word()) {
            @if let Some(notice) = asked.notice { p.banner.notice role="status" { (notice) } }
            (headline(viewer, asked))
            div.two {
                div.main {
                    (reach::panel(action.preview()))
                    (what(&Asking::of(action), asked.shown))
                    div.pair { (why(review)) (claim(action)) }
                    div.pair { (who(action.principal())) (wherever(action.resource())) }
                    (similar(viewer, asked.similar))
                    (identity(action))
                }
                aside aria-label="Decision" { (decide::panel(viewer, asked)) }
            }
            @if review.state == State::Pending {
                a.jump href="#decide" { (parts::countdown(review.pending_until, viewer.now)) " left · go to the decision" }
            }
        }
    }
}

fn headline(viewer: &Viewer<'_>, asked: &Asked<'_>) -> Markup {
    let action = &asked.record.action;
    html! {
        header.headline {
            p.dim { a href="/" { "Inbox" } " / review " (parts::state(asked.review.state)) }
            h1 { (seen(action.operation())) }
            p.lead {
                b { (seen(&action.principal().name)) } " asks to run this on " (parts::resource(action.resource()))
                ", received " (parts::ago(action.received_at(), viewer.now)) "."
            }
            p.effects { @for effect in action.effects().iter() { (parts::effect(effect)) " " } }
        }
    }
}

/// What a page draws of the bytes of one action.
pub(crate) struct Asking<'a> {
    pub(crate) protocol: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) facts: &'a BTreeMap<String, String>,
    /// What the facts are.
    pub(crate) facts_title: &'static str,
}

impl<'a> Asking<'a> {
    pub(crate) fn of(action: &'a Action) -> Self {
        Self {
            protocol: &action.resource().protocol,
            payload: action.payload(),
            facts: action.facts(),
            facts_title: "Facts that an approval depends on",
        }
    }
}

/// The arguments or statements, the whole message and the exact bytes; first whatever could deceive.
pub(crate) fn what(asking: &Asking<'_>, shown: &Shown) -> Markup {
    let chips = shown.chips();
    let hex = matches!(shown.bytes, Bytes::Hex(_));
    let statements = Statements::of(asking.protocol, asking.payload).filter(|_| shown.hidden == 0);
    let open = (shown.message.is_none() && statements.is_none()) || chips > 0 || hex;
    html! {
        section.card aria-label="What" {
            h2 { "What" }
            @if shown.hidden > 0 { (cut(shown)) }
            @if chips > 0 {
                p.alert role="note" {
                    b { (chips) @if chips == 1 { " character is" } @else { " characters are" } " invisible or easily mistaken" }
                    " in this message. Each is shown as a " mark.chip { "⟨labelled chip⟩" } "."
                }
            }
            @if shown.ambiguous() {
                p.alert role="note" { b { "A key stands twice in one object." } " Programs disagree on which of the two counts." }
            }
            @if let Some(arguments) = shown.arguments() {
                h3 { "Arguments" }
                div.json { (tree::tree(arguments)) }
            }
            @if let Some(statements) = &statements { (statement::statements(statements)) }
            @if let Some(message) = &shown.message {
                details open[shown.arguments().is_none() && statements.is_none()] {
                    summary { "Whole message" }
                    div.json { (tree::tree(message)) }
                }
            }
            details open[open] {
                summary { "Exact bytes" span.dim { " · " (shown.total) " bytes" @if shown.hidden == 0 { ", all shown" } } }
                (tree::bytes(shown))
            }
            @if !asking.facts.is_empty() {
                details {
                    summary { (asking.facts_title) }
                    dl.pairs { @for (name, value) in asking.facts { dt { (seen(name)) } dd { code { (seen(value)) } } } }
                }
            }
        }
    }
}

fn cut(shown: &Shown) -> Markup {
    html! {
        p.alert role="note" {
            b { (shown.hidden) " of " (shown.total) " bytes are not shown here." }
            " A page draws at most " (SHOWN_MAX_BYTES) " bytes. What is not shown can't be approved on this page."
        }
    }
}

fn claim(action: &Action) -> Markup {
    html! {
        section.card.claim aria-label="What the caller says" {
            h2 { "What the caller says " span.tag.claimed { "claim, not checked" } }
            @match action.claim() {
                Some(claim) => blockquote { (seen(claim)) },
                None => p.dim { "The caller gave no reason." },
            }
        }
    }
}

/// The chain behind the agent.
pub(crate) fn who(principal: &Principal) -> Markup {
    html! {
        section.card aria-label="Who" {
            h2 { "Who" }
            ol.chain {
                li {
                    span.kind { "agent" }
                    div {
                        b { (seen(&principal.name)) } " " (known(Standing::Verified))
                        @if !principal.teams.is_empty() {
                            div.dim.small { "team " @for team in &principal.teams { (seen(team)) " " } }
                        }
                    }
                }
                @for link in &principal.links { (chain_link(link)) }
            }
            @if !principal.links.iter().any(|link| link.kind == LinkKind::Owner) {
                p.alert { "No owner is known for this agent." }
            }
        }
    }
}

/// One who stands behind an agent.
pub(crate) fn chain_link(link: &Link) -> Markup {
    html! {
        li {
            span.kind { (link.kind.word()) } div { b { (seen(&link.name)) } " " (known(link.standing)) }
        }
    }
}

/// How somebody is known.
pub(crate) fn known(standing: Standing) -> Markup {
    match standing {
        Standing::Verified => {
            html! { span.tag.verified title="from a credential that was checked" { "✓ verified" } }
        }
        Standing::Claimed => html! { span.tag.claimed title="said by the caller, not checked" { "claimed" } },
    }
}

/// The resource with all labels.
pub(crate) fn wherever(resource: &Resource) -> Markup {
    html! {
        section.card aria-label="Where" {
            h2 { "Where" }
            p.big { (parts::resource(resource)) span.dim { " through " (seen(&resource.protocol)) } }
            @if !resource.labels.is_empty() {
                dl.pairs { @for (name, value) in &resource.labels { dt { (seen(name)) } dd { (seen(value)) } } }
            }
        }
    }
}

fn why(review: &Review) -> Markup {
    html! {
        section.card aria-label="Why people are asked" {
            h2 { "Why people are asked" }
            (policies(&review.plan))
        }
    }
}

fn policies(plan: &Plan) -> Markup {
    let asked: std::collections::BTreeSet<&String> =
        plan.gates.values().flat_map(|gate| gate.policies.iter()).chain(plan.reasons.keys()).collect();
    html! {
        ul.policies {
            @for policy in asked {
                li { code { (seen(policy)) } @if let Some(reason) = plan.reasons.get(policy) { " " (seen(reason)) } }
            }
        }
        @if !plan.terms.obligations.is_empty() {
            p.dim { "When it runs: " @for obligation in &plan.terms.obligations { (obligation_text(obligation)) " " } }
        }
    }
}

fn obligation_text(obligation: &countersign_core::Obligation) -> Markup {
    match obligation {
        countersign_core::Obligation::Mask(mask) => html! { code { (seen(&mask.to_string())) } },
        countersign_core::Obligation::Record => html! { "the result is recorded" },
    }
}

/// What policy said, for pages of actions.
pub(crate) fn decision(decision: &Decision) -> Markup {
    html! {
        section.card aria-label="What policy said" {
            h2 { "What policy said" }
            @match decision {
                Decision::Allow(terms) => {
                    p { "Allowed at once." }
                    ul.policies { @for policy in &terms.policies { li { code { (seen(policy)) } } } }
                }
                Decision::Review(plan) => { p { "Not without people." } (policies(plan)) }
                Decision::Deny(reason) => {
                    p { "Refused: " (seen(&reason.text)) " " code { (reason.code) } }
                    ul.policies { @for policy in &reason.policies { li { code { (seen(policy)) } } } }
                }
            }
        }
    }
}

fn similar(viewer: &Viewer<'_>, similar: &[ActionRecord]) -> Markup {
    html! {
        section.card aria-label="Similar recent actions" {
            h2 { "Same operation here before" }
            @if similar.is_empty() { p.dim { "Never seen on this resource." } }
            @else {
                ul.similar {
                    @for record in similar {
                        li {
                            (parts::standing(record)) " "
                            a href={ "/actions/" (record.action.id()) } { (parts::ago(record.action.received_at(), viewer.now)) }
                            " by " (seen(&record.action.principal().name))
                            @if let Some(vote) = record.review.as_ref().and_then(|review| review.votes.last()) {
                                span.dim { ", " (answered(vote.answer)) " by " (seen(&vote.name))
                                    @if !vote.reason.is_empty() { ": " (seen(&vote.reason)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn answered(answer: Answer) -> &'static str {
    match answer {
        Answer::Approve => "approved",
        Answer::Deny => "denied",
    }
}

/// What ties screen, vote and execution together.
pub(crate) fn identity(action: &Action) -> Markup {
    html! {
        section.card aria-label="Identity" {
            h2 { "Identity" }
            dl.pairs {
                (parts::fact("action", &html! { a href={ "/actions/" (action.id()) } { code { (action.id()) } } }))
                (parts::fact("digest", &html! { code.wrap { (action.digest()) } }))
                (parts::fact("policy version", &html! { code.wrap { (action.policy()) } }))
                (parts::fact("received", &parts::full(action.received_at())))
            }
        }
    }
}
