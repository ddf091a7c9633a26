//! Snapshots of what people read, over a world that never changes.

use countersign_core::{AuditQuery, Page, PassedPage, Query, Timestamp};
use countersign_identity::{SessionView, SignedIn};
use maud::Markup;

use super::fixtures::{NOW, World};
use super::inbox::Waiting;
use super::review::Asked;
use super::{Viewer, account, action, audit, history, inbox, page, passed, review, verify};
use crate::shown::Shown;
use crate::wire::You;

mod touching;

const WORLD: World = World { now: NOW };
const KEY: &str = "example.com/log+58490f8b+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h";

/// A page without the hash of a script, which changes with every line of it.
fn unhashed(page: &str) -> String {
    page.replace(&crate::assets::url("receipt.js"), "/assets/receipt.js")
}

fn signed_in() -> SignedIn {
    let session = SessionView {
        id: "ses_1".to_owned(),
        started_at: NOW,
        expires_at: NOW.plus(std::time::Duration::from_secs(8 * 3600)),
        assurance: countersign_core::Assurance::Session,
    };
    SignedIn { reviewer: World::ada(), session, csrf: "csrf".to_owned() }
}

fn viewer(signed_in: &SignedIn) -> Viewer<'_> {
    Viewer { signed_in, now: NOW, passkey: false }
}

fn may() -> You {
    You { may_approve: true, may_deny: true, why_not: None, why_not_text: None }
}

fn needs_passkey() -> You {
    You {
        may_approve: false,
        may_deny: true,
        why_not: Some("assurance_too_low"),
        why_not_text: Some("approving this needs a sign-in of level `passkey`".to_owned()),
    }
}

/// One element per line, so that a changed page reads well as a diff.
fn lines(markup: Markup) -> String {
    markup.into_string().replace("><", ">\n<")
}

fn review_page(record: &countersign_core::ActionRecord, you: &You) -> String {
    let signed_in = signed_in();
    let shown = Shown::of(record.action.payload());
    let similar = WORLD.similar();
    let asked = Asked {
        record,
        review: record.review.as_ref().unwrap(),
        shown: &shown,
        you,
        similar: &similar,
        notice: None,
    };
    lines(review::review(&viewer(&signed_in), &asked))
}

#[test]
fn the_inbox_shows_what_i_can_decide_first() {
    let signed_in = signed_in();
    let waiting = [
        Waiting { record: WORLD.half_approved(), you: may() },
        Waiting {
            record: WORLD.disguised(),
            you: You {
                may_approve: false,
                may_deny: false,
                why_not: Some("not_asked"),
                why_not_text: Some("none of your groups is asked to review this".to_owned()),
            },
        },
    ];
    insta::assert_snapshot!(lines(inbox::inbox(&viewer(&signed_in), &waiting, false)));
}

#[test]
fn an_empty_inbox_says_so() {
    let signed_in = signed_in();
    insta::assert_snapshot!(lines(inbox::inbox(&viewer(&signed_in), &[], false)));
}

#[test]
fn a_review_that_waits_for_a_second_person() {
    insta::assert_snapshot!(review_page(&WORLD.half_approved(), &may()));
}

#[test]
fn a_review_that_tries_to_deceive() {
    let page = review_page(&WORLD.disguised(), &needs_passkey());
    assert!(!page.contains("<script"), "{page}");
    for raw in ['\u{202E}', '\u{2066}', '\u{200B}'] {
        assert!(!page.contains(raw), "{raw:?} reached the page as it is");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn a_review_that_is_too_large_to_be_shown() {
    let page = review_page(&WORLD.too_large(), &may());
    assert!(page.contains("bytes are not shown here"));
    assert!(page.contains("value=\"approve\" disabled"));
    assert!(!page.contains("value=\"deny\" disabled"));
}

#[test]
fn a_review_that_ran() {
    insta::assert_snapshot!(review_page(&WORLD.similar()[0], &needs_passkey()));
}

#[test]
fn the_history_with_a_filter() {
    let signed_in = signed_in();
    let query = Query { text: Some("a&b \"c\"".to_owned()), ..Query::default() };
    let page = Page { items: WORLD.all(), next: Some(17) };
    insta::assert_snapshot!(lines(history::history(&viewer(&signed_in), &query, &page)));
}

#[test]
fn what_passed_and_how_far_was_looked() {
    let signed_in = signed_in();
    let query = Query { agent: Some("nightly-cleanup".to_owned()), cursor: Some(9), ..Query::default() };
    let back_to = Timestamp::from_micros(NOW.as_micros() - 3_600_000_000);
    let page = PassedPage {
        items: WORLD.passed(),
        next: Some(17),
        looked_at: 50_000,
        looked_back_to: Some(back_to),
    };
    insta::assert_snapshot!(lines(passed::passed(&viewer(&signed_in), &query, &page)));
}

#[test]
fn one_that_passed() {
    let [record, _] = WORLD.passed().try_into().unwrap();
    let shown = Shown::of(record.payload.as_bytes());
    insta::assert_snapshot!(lines(passed::one(&record, &shown)));
}

#[test]
fn an_action_that_was_refused_with_its_timeline() {
    let signed_in = signed_in();
    let record = WORLD.refused();
    let shown = Shown::of(record.action.payload());
    let page = action::action(&viewer(&signed_in), &record, &shown, &WORLD.timeline(), KEY);
    insta::assert_snapshot!(unhashed(&lines(page)));
}

#[test]
fn the_ledger_with_a_filter() {
    let signed_in = signed_in();
    let (page, times) = WORLD.audited();
    let query = AuditQuery { agent: Some("nightly\"cleanup".to_owned()), limit: 50, ..AuditQuery::default() };
    insta::assert_snapshot!(lines(audit::audit(&viewer(&signed_in), &query, &page, &times)));
}

#[test]
fn nothing_in_an_entry_becomes_markup() {
    let signed_in = signed_in();
    let (page, times) = WORLD.audited();
    let drawn = lines(audit::audit(&viewer(&signed_in), &AuditQuery::default(), &page, &times));
    assert!(!drawn.contains("<script") && !drawn.contains('\u{202e}'), "{drawn}");
    assert!(drawn.contains("this leaf can't be read") && drawn.contains("%3Cscript%3E"), "{drawn}");
}

#[test]
fn the_page_for_receipts_from_files() {
    insta::assert_snapshot!(unhashed(&lines(verify::page(KEY))));
}

#[test]
fn the_account() {
    let signed_in = signed_in();
    insta::assert_snapshot!(lines(account::account(
        &viewer(&signed_in),
        std::slice::from_ref(&signed_in.session),
        &[]
    )));
}

#[test]
fn a_whole_page_names_only_its_own_assets_and_has_no_inline_code() {
    let signed_in = signed_in();
    let page = page(&viewer(&signed_in), "x", "/account", &maud::html! {}).0;
    for part in page.split("src=\"").skip(1).chain(page.split("href=\"").skip(1)) {
        assert!(part.starts_with('/') || part.starts_with('#'), "{part}");
    }
    for bad in ["<style", "style=", "onclick", "onload", "javascript:"] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("<script type=\"module\" src=\"/assets/passkeys."));
}

#[test]
fn times_are_read_without_fractions() {
    assert_eq!(super::parts::utc(NOW), "2026-11-22 03:00:00 UTC");
    assert_eq!(super::parts::utc(Timestamp::from_micros(NOW.as_micros() + 999)), "2026-11-22 03:00:00 UTC");
}
