//! How did it come to this? One action's ledger entries as a timeline: who did what, by what right, what followed, and
//! how each entry is tied to the one before.

use countersign_core::{Bearing, LinkKind, Principal, TimelineEntry};
use countersign_ledger::{Leaf, hex, leaf_hash};
use maud::{Markup, html};

use super::text::{plain, seen};
use super::{Viewer, parts, review, tree};
use crate::json_tree;

/// Longer values of an entry's content are folded away.
const SHORT_BYTES: usize = 200;

/// One entry. Short values stand open; the rest opens on request.
pub(crate) fn entry(viewer: &Viewer<'_>, entry: &TimelineEntry) -> Markup {
    let leaf = Leaf::parse(entry.leaf.as_bytes()).ok();
    let (short, long): (Vec<_>, Vec<_>) = entry
        .content
        .iter()
        .partition(|(_, value)| value.len() <= SHORT_BYTES && !value.starts_with(['{', '[']));
    let bearing = Bearing::of(&entry.kind, leaf.as_ref().and_then(said));
    html! {
        li class=(bearing.word()) {
            b { (told(&entry.kind)) } " " span.dim { (parts::ago(entry.time, viewer.now)) }
            div.small.dim { (parts::full(entry.time)) " · entry " (entry.index) " · " code { (seen(&entry.kind)) } }
            dl.pairs {
                @if let Some(leaf) = &leaf { (who(leaf)) (standing(leaf)) }
                @for (name, value) in short { (pair(name, value)) }
                (tied(entry, leaf.as_ref()))
            }
            @if let Some(principal) = entry.content.get("principal").and_then(|text| serde_json::from_str(text).ok()) { (chain(&principal)) }
            details {
                summary { "Leaf" @if !long.is_empty() { " and content" } }
                @if !long.is_empty() { dl.pairs { @for (name, value) in long { (pair(name, value)) } } }
                @match json_tree::parse(&entry.leaf) {
                    Some(leaf) => div.json { (tree::tree(&leaf)) },
                    None => p.alert { "This leaf is not JSON." },
                }
                details { summary { "Exact bytes of the leaf" } pre.bytes tabindex="0" { code { (seen(&entry.leaf)) } } }
            }
        }
    }
}

fn who(leaf: &Leaf) -> Markup {
    html! { dt { (leaf.actor.kind.word()) } dd { (hash(&leaf.actor.id)) } }
}

/// By what right it happened, and what the state is after it.
fn standing(leaf: &Leaf) -> Markup {
    html! {
        @if let Some(policy) = &leaf.policy {
            dt { "policy" } dd { (judged(&policy.decision)) @for rule in &policy.rules { " " code { (seen(rule)) } } }
        }
        @if let Some(approval) = &leaf.approval {
            @if let Some(answer) = &approval.decision {
                dt { "answer" }
                dd {
                    span class={ "answer " (if answer == "approve" { "approve" } else { "deny" }) } { (seen(answer)) }
                    (through(approval.method.as_deref(), approval.channel.as_deref()))
                }
            }
            @if let Some(people) = approval.n {
                dt { "asked" } dd { (people) @if people == 1 { " person" } @else { " people" } " of" @for group in &approval.of { " " (seen(group)) } }
            }
            dt { "review" } dd { (state_word(&approval.state)) " " span.dim { "version " (approval.version) } }
        }
        @if let Some(result) = &leaf.result { dt { "outcome" } dd { (state_word(&result.status)) " after " (result.dur_us) " µs" } }
    }
}

fn judged(decision: &str) -> Markup {
    html! { span class={ "state state-" (match decision { "allow" => "allow", "deny" => "deny", _ => "pending" }) } { (seen(decision)) } }
}

/// A state that a leaf names; words that aren't known here stay plain.
fn state_word(word: &str) -> Markup {
    match countersign_core::State::from_word(word) {
        Some(state) => parts::state(state),
        None => seen(word),
    }
}

/// `by passkey, through console`.
fn through(method: Option<&str>, channel: Option<&str>) -> Markup {
    html! {
        @if let Some(method) = method { ", by " (seen(method)) }
        @if let Some(channel) = channel { ", through " (seen(channel)) }
    }
}

/// The leaf's hash, and that of the entry which it follows.
fn tied(entry: &TimelineEntry, leaf: Option<&Leaf>) -> Markup {
    html! {
        dt { "leaf" } dd { (hash(&hex(&leaf_hash(entry.leaf.as_bytes())))) }
        @if let Some(leaf) = leaf {
            dt { "follows" }
            dd { @match &leaf.prev { Some(prev) => (hash(&hex(prev))), None => span.dim { "nothing, it is the first" } } }
        }
    }
}

/// Who stands behind the request, and how that is known.
fn chain(principal: &Principal) -> Markup {
    html! {
        ol.chain aria-label="Who stands behind it" {
            li { span.kind { "agent" } div { b { (seen(&principal.name)) } " " (review::known(countersign_core::Standing::Verified)) } }
            @for link in &principal.links { (review::chain_link(link)) }
            @if !principal.links.iter().any(|link| link.kind == LinkKind::Owner) { li { span.kind { "owner" } span.dim { "not known" } } }
        }
    }
}

/// A hash or an id, of which as much is drawn as there is room; one click selects the whole of it.
pub(crate) fn hash(name: &str) -> Markup {
    html! { code.hash title=(plain(name)) { (seen(name)) } }
}

/// Whether people tell it apart by its beginning: a digest, or an id with its prefix.
fn is_long_name(value: &str) -> bool {
    let bare =
        value.strip_prefix("sha256:").or_else(|| value.split_once('_').map(|(_, rest)| rest)).unwrap_or("");
    bare.len() >= 32 && bare.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An id in short: its kind and both ends.
pub(crate) fn short(id: &str) -> Markup {
    const SHOWN_CHARS: usize = 24;
    let chars: Vec<char> = id.chars().collect();
    if chars.len() <= SHOWN_CHARS || !id.is_ascii() {
        return seen(id);
    }
    let head: String = chars.iter().take(12).collect();
    let tail: String = chars.iter().skip(chars.len().saturating_sub(6)).collect();
    html! { code { (seen(&head)) "…" (seen(&tail)) } }
}

/// What policy decided, or a person answered.
pub(crate) fn said(leaf: &Leaf) -> Option<&str> {
    let policy = leaf.policy.as_ref().map(|policy| policy.decision.as_str());
    policy.or_else(|| leaf.approval.as_ref()?.decision.as_deref())
}

/// The leaf on one line.
pub(crate) fn gist(leaf: &Leaf) -> Markup {
    html! {
        @if let Some(action) = &leaf.action { (seen(&action.tool)) " " span.dim.small { (seen(&action.class.join(" "))) } " " }
        @if let Some(policy) = &leaf.policy { (judged(&policy.decision)) }
        @if let Some(approval) = &leaf.approval {
            @if let Some(answer) = &approval.decision { (seen(answer)) " → " }
            (state_word(&approval.state))
        } @else if let Some(result) = &leaf.result { (state_word(&result.status)) }
        @if let Some(result) = &leaf.result { " " span.dim.small { "after " (result.dur_us) " µs" } }
    }
}

/// What an entry of this type says; types that aren't known here speak for themselves.
pub(crate) fn told(kind: &str) -> &str {
    match kind {
        "action.requested" => "Asked",
        "actions.passed" => "Passed on standing answers",
        "action.released" => "Released to the upstream",
        "action.executed" => "Executed",
        "action.failed" => "Failed",
        "action.unknown" => "Nobody can say whether it ran",
        "approval.requested" => "People were asked",
        "approval.viewed" => "Somebody looked",
        "approval.refused" => "Somebody wanted to answer and may not",
        "approval.decided" => "Somebody answered",
        "approval.expired" => "Nobody answered in time",
        "approval.cancelled" => "The requester took it back",
        "approval.lapsed" => "The approval was not claimed in time",
        "policy.changed" => "Policies came into force",
        "definition.pinned" => "A tool's definition was accepted",
        "credential.enrolled" => "A passkey was enrolled",
        "credential.revoked" => "A passkey was removed",
        "agent.added" => "An agent was let in",
        "agent.revoked" => "An agent was shut out",
        "person.invited" => "A person was invited",
        "person.signed_in" => "A person signed in",
        "person.removed" => "A person was removed",
        "session.ended" => "A session was ended",
        "log.heartbeat" => "Nothing happened",
        "key.rotated" => "A key of the log was replaced",
        "subject.erased" => "Content was erased",
        "audit.read" => "Somebody read the record",
        "audit.exported" => "Entries were taken away",
        "log.pruned" => "Old entries were given up",
        other => other,
    }
}

fn pair(name: &str, value: &str) -> Markup {
    let structured = value.starts_with(['{', '[']).then(|| json_tree::parse(value)).flatten();
    html! {
        dt { (seen(name)) }
        dd { @match structured {
            Some(value) => div.json { (tree::tree(&value)) },
            None if is_long_name(value) => (hash(value)),
            None => (seen(value)),
        } }
    }
}
