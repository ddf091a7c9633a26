//! What browsers do: coming in, answering, being too late, leaving.

use std::time::Duration;

use countersign_core::{State, Verb};
use http::StatusCode;

use crate::shown::SHOWN_MAX_BYTES;
use crate::testing::{Bench, Session, location};

/// The value of a hidden field of a page.
fn field<'a>(page: &'a str, name: &str) -> &'a str {
    let at = page
        .split(&format!("name=\"{name}\" value=\""))
        .nth(1)
        .unwrap_or_else(|| panic!("no {name} in {page}"));
    at.split('"').next().unwrap()
}

#[tokio::test]
async fn looking_at_a_one_time_link_does_not_use_it_up() {
    let bench = Bench::new().await;
    let path = format!("/enter/{}?next=%2Fhistory", bench.invitation("ada").await);
    for _ in 0..2 {
        let page = bench.get(&path).send().await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("Sign in as"), "{}", page.text);
    }
    let entered = bench.post(&path).same_origin().send().await;
    assert_eq!((entered.status, location(&entered)), (StatusCode::SEE_OTHER, "/history"));
    let cookie = entered.header("set-cookie");
    assert!(cookie.starts_with("countersign=") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    let again = bench.post(&path).same_origin().send().await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(again.text.contains("used up, expired or unknown"));
    assert_eq!(bench.get(&path).send().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_for_another_person_works_while_somebody_is_signed_in() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let path = format!("/enter/{}", bench.invitation("bob").await);
    let entered = bench.post(&path).cookie(&ada).same_origin().send().await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text);
    let begun = bench.post("/api/v1/sign-in/options").cookie(&ada).same_origin().send().await;
    assert_eq!(begun.status, StatusCode::OK, "a stronger sign-in begins with a session");
}

#[tokio::test]
async fn a_link_leads_only_to_places_of_this_console() {
    let bench = Bench::new().await;
    for next in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let path = format!("/enter/{}?next={next}", bench.invitation("ada").await);
        assert_eq!(location(&bench.post(&path).same_origin().send().await), "/");
    }
}

async fn voted(
    bench: &Bench,
    session: &Session,
    page: &str,
    path: &str,
    answer: &str,
) -> crate::testing::Answer {
    let fields = [
        ("csrf", field(page, "csrf")),
        ("digest", field(page, "digest")),
        ("version", field(page, "version")),
        ("reason", "checked\r\ntwice"),
        ("answer", answer),
    ];
    bench.post(&format!("{path}/vote")).cookie(session).same_origin().form(&fields).send().await
}

#[tokio::test]
async fn a_person_sees_the_question_approves_it_and_sees_that_it_ran() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    let inbox = bench.get("/").cookie(&ada).send().await;
    let path = format!("/reviews/{}", review.id);
    assert!(inbox.text.contains("<title>(1) Inbox") && inbox.text.contains(&path), "{}", inbox.text);

    let page = bench.get(&path).cookie(&ada).send().await;
    assert!(page.text.contains("id=\"approve\""));
    let answer = voted(&bench, &ada, &page.text, &path, "approve").await;
    assert_eq!(location(&answer), format!("{path}?voted=approve"));
    bench.world.until(review.id, State::Executed).await;
    let after = bench.get(&format!("{path}?voted=approve")).cookie(&ada).send().await;
    assert!(
        after.text.contains("Your approval is recorded") && after.text.contains("it ran"),
        "{}",
        after.text
    );
    assert!(!after.text.contains("id=\"approve\""));
    let record = bench.world.gate.review(review.id).await.unwrap().unwrap();
    assert_eq!(record.review.unwrap().votes[0].reason, "checked\ntwice");
    for path in ["/history?q=customers".to_owned(), format!("/actions/{}", review.action)] {
        assert_eq!(bench.get(&path).cookie(&ada).send().await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn an_answer_to_an_old_page_is_not_counted_and_says_so() {
    let bench = Bench::new().await;
    let review = bench.held(bench.world.draft(Verb::Privilege, "admins")).await;
    let (ada, bob) = (bench.sign_in("ada").await, bench.sign_in("bob").await);
    let path = format!("/reviews/{}", review.id);
    let old = bench.get(&path).cookie(&bob).send().await;
    let page = bench.get(&path).cookie(&ada).send().await;
    voted(&bench, &ada, &page.text, &path, "approve").await;
    let late = voted(&bench, &bob, &old.text, &path, "approve").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("It changed since you looked"), "{}", late.text);
    assert_eq!(field(&late.text, "version"), "2");
    let twice = voted(&bench, &ada, &page.text, &path, "approve").await;
    assert!(twice.text.contains("You had answered already"), "{}", twice.text);
}

#[tokio::test]
async fn expiry_while_looking_is_told_in_words() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    let path = format!("/reviews/{}", review.id);
    let page = bench.get(&path).cookie(&ada).send().await;
    bench.world.clock.advance(Duration::from_secs(700));
    let late = voted(&bench, &ada, &page.text, &path, "approve").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("expired before your answer arrived"), "{}", late.text);
}

#[tokio::test]
async fn the_requesters_owner_sees_the_question_but_no_buttons() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let olaf = bench.sign_in("olaf").await;
    let page = bench.get(&format!("/reviews/{}", review.id)).cookie(&olaf).send().await;
    assert!(page.text.contains("you stand behind this request"), "{}", page.text);
    assert!(!page.text.contains("id=\"answer\""));
}

#[tokio::test]
async fn what_a_page_cannot_show_whole_cannot_be_approved_on_it_but_can_be_denied() {
    let bench = Bench::new().await;
    let mut draft = bench.world.draft(Verb::Delete, "customers");
    draft.payload = vec![b'x'; SHOWN_MAX_BYTES + 1];
    let review = bench.held(draft).await;
    let ada = bench.sign_in("ada").await;
    let path = format!("/reviews/{}", review.id);
    let page = bench.get(&path).cookie(&ada).send().await;
    assert!(
        page.text.contains("1 of 262145 bytes are not shown here")
            || page.text.contains(" bytes are not shown here")
    );
    assert!(page.text.contains("value=\"approve\" disabled"));
    let answer = voted(&bench, &ada, &page.text, &path, "approve").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("not_shown_whole"), "{}", answer.text);
    let answer = voted(&bench, &ada, &page.text, &path, "deny").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_without_the_sessions_csrf_token_changes_nothing() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.sign_in("ada").await, bench.sign_in("bob").await);
    for fields in [vec![], vec![("csrf", bob.csrf.as_str())], vec![("csrf", &ada.csrf), ("csrf", &ada.csrf)]]
    {
        let answer = bench.post("/account/sign-out").cookie(&ada).same_origin().form(&fields).send().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.text.contains("did not come from this console"), "{}", answer.text);
    }
    let unsaid = bench.post("/account/sign-out").cookie(&ada).form(&[("csrf", &ada.csrf)]).send().await;
    assert_eq!(unsaid.status, StatusCode::FORBIDDEN);
    let good =
        bench.post("/account/sign-out").cookie(&ada).same_origin().form(&[("csrf", &ada.csrf)]).send().await;
    assert_eq!(location(&good), "/sign-in");
    assert!(good.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(bench.get("/").cookie(&ada).send().await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn other_sessions_of_a_person_can_be_ended() {
    let bench = Bench::new().await;
    let (first, second) = (bench.sign_in("ada").await, bench.sign_in("ada").await);
    let page = bench.get("/account").cookie(&second).send().await;
    assert!(page.text.contains("End all other sessions"), "{}", page.text);
    let ended = bench.post("/account/sessions/end-others").cookie(&second).same_origin();
    assert_eq!(ended.form(&[("csrf", &second.csrf)]).send().await.status, StatusCode::SEE_OTHER);
    assert_eq!(bench.get("/").cookie(&first).send().await.status, StatusCode::SEE_OTHER);
    assert_eq!(bench.get("/").cookie(&second).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_passed_is_found_in_the_history_and_read_whole() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let id = bench.passed(r#"{"statements":[{"text":"SELECT \u202e1"}]}"#, None);
    let history = bench.get("/history").cookie(&ada).send().await;
    assert!(history.text.contains("href=\"/passed\""), "{}", history.text);
    let list = bench.get("/passed?agent=batch&state=&q=select").cookie(&ada).send().await;
    assert!(list.text.contains(&format!("/passed/{id}")), "{}", list.text);
    assert!(
        list.text.contains("Looked at 1 statement for this page; nothing older is left to look at."),
        "{}",
        list.text
    );
    let none = bench.get("/passed?agent=other").cookie(&ada).send().await;
    assert!(none.text.contains("Nothing matches."), "{}", none.text);
    let there = bench.get(&format!("/actions/{id}")).cookie(&ada).send().await;
    assert_eq!((there.status, location(&there)), (StatusCode::SEE_OTHER, format!("/passed/{id}").as_str()));
    let page = bench.get(location(&there)).cookie(&ada).send().await;
    assert!(page.text.contains("everyday") && page.text.contains("202E"), "{}", page.text);
}

/// What a caller might hope to have drawn.
const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}<img src=x onerror=alert(1)>";

#[tokio::test]
async fn a_hostile_tool_name_and_claim_become_no_markup_in_the_audit_page_nor_in_the_timeline() {
    let bench = Bench::new().await;
    let mut draft = bench.world.draft(Verb::Delete, "customers");
    draft.operation = format!("tools/call {HOSTILE}");
    draft.claim = Some(HOSTILE.to_owned());
    let review = bench.held(draft).await;
    let ada = bench.sign_in("ada").await;
    let filter = crate::view::links::escaped(HOSTILE);
    for path in [
        "/audit".to_owned(),
        format!("/actions/{}", review.action),
        format!("/audit?case={filter}&actor={filter}&agent={filter}"),
    ] {
        let page = bench.get(&path).cookie(&ada).send().await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            !page.text.contains("<script>alert") && !page.text.contains("<img src=x"),
            "{path}: {}",
            page.text
        );
        assert!(page.text.contains("&lt;script&gt;alert(1)"), "{path}: {}", page.text);
        // Only the fields of the form hold what was typed as it was typed.
        assert!(path.contains("case=") || !page.text.contains('\u{202e}'), "{path}");
    }
}

#[tokio::test]
async fn the_ledger_is_read_page_by_page_and_narrowed_by_what_entries_say() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    let all = bench.get("/audit").cookie(&ada).send().await;
    for drawn in ["People were asked", "A person signed in", "class=\"held\"", "Download as JSON lines"] {
        assert!(all.text.contains(drawn), "{drawn}: {}", all.text);
    }
    let some = bench.get(&format!("/audit?kind=approval&case={}", review.action)).cookie(&ada).send().await;
    assert!(
        some.text.contains("<code>approval.requested</code>")
            || some.text.contains("approval.requested</bdi>"),
        "{}",
        some.text
    );
    assert_eq!(some.text.matches("<tr data-row").count(), 1, "{}", some.text);
    let none = bench.get("/audit?agent=nobody").cookie(&ada).send().await;
    assert!(none.text.contains("Nothing matches."), "{}", none.text);
}

#[tokio::test]
async fn the_key_for_verifying_stands_on_the_page_and_the_button_waits_for_its_script() {
    let bench = Bench::new().await;
    let review = bench.pending().await;
    let ada = bench.sign_in("ada").await;
    for path in ["/audit/verify".to_owned(), format!("/actions/{}", review.action)] {
        let page = bench.get(&path).cookie(&ada).send().await;
        assert!(page.text.contains(&bench.world.gate.log_key()), "{path}: {}", page.text);
        assert!(page.text.contains("<button disabled>Verify this receipt"), "{path}");
        assert!(
            page.text.contains(&crate::assets::url("receipt.js"))
                && page.text.contains(&crate::assets::url("verify.js")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn mistakes_on_pages_are_told_as_pages() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    for (path, status) in [
        ("/reviews/rev_00000000000070008000000000000000", 404),
        ("/reviews/nonsense", 400),
        ("/actions/act_00000000000070008000000000000000", 404),
        ("/history?verb=destroy", 400),
        ("/passed/act_00000000000070008000000000000000", 404),
        ("/passed?verb=destroy", 400),
        ("/audit?kind=destroy", 400),
        ("/nowhere", 404),
    ] {
        let answer = bench.get(path).cookie(&ada).send().await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.text.contains("Go to the inbox"), "{path}");
    }
}
