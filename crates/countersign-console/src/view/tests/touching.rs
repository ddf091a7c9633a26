//! What people read of an action's reach, and what can't be done to them through it.

use countersign_core::{Assurance, Preview, Rows, Verb};

use super::super::fixtures::{Wish, World};
use super::{WORLD, lines, may, review_page, signed_in, viewer};
use crate::shown::Shown;
use crate::view::action;

/// What a reader sees of a page: no tags.
fn text_of(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    text
}

fn with(preview: Preview) -> String {
    review_page(&WORLD.sql("{}", Verb::Delete, "public.orders", preview), &may())
}

#[test]
fn a_delete_that_was_counted() {
    insta::assert_snapshot!(review_page(&WORLD.held_delete(), &may()));
}

#[test]
fn an_update_that_was_estimated() {
    insta::assert_snapshot!(review_page(&WORLD.held_update(), &may()));
}

#[test]
fn an_action_that_ran_says_how_many_rows() {
    let signed_in = signed_in();
    let record = WORLD.ran_delete();
    let shown = Shown::of(record.action.payload());
    let page = lines(action::action(&viewer(&signed_in), &record, &shown, &[], "key"));
    assert!(text_of(&page).contains("executed, 42 rows, 3 ms"), "{page}");
    let review = text_of(&review_page(&record, &may()));
    assert!(review.contains("executed, 42 rows, 3 ms"), "{review}");
}

#[test]
fn the_number_stands_before_the_statement_and_the_bytes() {
    let page = review_page(&WORLD.held_delete(), &may());
    let text = text_of(&page);
    let place = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("no {needle} in {text}"));
    let order = [
        place("42 rows, counted"),
        place("118 rows, counted"),
        place("DELETE FROM orders"),
        place("Exact bytes"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(text.matches("42 rows, counted").count(), 2, "in the panel and beside the buttons");
}

#[test]
fn counted_estimated_and_unknown_never_read_alike() {
    let preview = |rows| Preview { rows, cascades: Vec::new(), sample: None, notes: Vec::new() };
    for (rows, words, class) in [
        (Rows::Exact(1), "1 row, counted", "reach sure"),
        (Rows::Estimate(5000), "about 5,000 rows, estimated: may be far off", "reach unsure"),
        (Rows::Unknown, "unknown: neither counted nor estimated", "reach unsure"),
    ] {
        let page = with(preview(rows));
        assert!(text_of(&page).contains(words), "{page}");
        assert!(page.contains(class), "{page}");
    }
    assert!(text_of(&with(WORLD.unknown_preview())).contains("calls a function"));
}

#[test]
fn an_action_without_a_preview_has_no_panel() {
    assert!(!review_page(&WORLD.pending(), &may()).contains("What it would touch"));
}

#[test]
fn a_value_can_neither_become_markup_nor_reorder_nor_hide() {
    let page = with(WORLD.deceiving_preview());
    for bad in ["<script", "<img src=x", "<b>kept", "<i>id", "<br>", "</td></table>"] {
        assert!(!page.contains(bad), "{bad} reached the page");
    }
    assert!(!page.contains(['\u{202E}', '\u{2066}', '\u{200B}', '\u{1B}']), "{page}");
    for shown in ["⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩", "⟨U+001B ESCAPE⟩", "⟨U+200B ZERO WIDTH SPACE⟩"]
    {
        assert!(page.contains(shown), "{shown} is not on the page");
    }
}

#[test]
fn a_megabyte_neither_breaks_the_page_nor_hides_what_changes() {
    let page = with(WORLD.deceiving_preview());
    assert!(page.len() < 60_000, "{} bytes", page.len());
    let text = text_of(&page);
    assert!(text.contains("characters 1,048,557 to 1,048,577 of 1,048,577"), "{text}");
    assert!(text.contains("A!"), "the only difference is drawn: {text}");
    assert!(text.contains("first 500 of"), "the note says that it is cut: {text}");
    assert!(
        text.contains("value=\"approve\"") || page.contains("id=\"approve\""),
        "it can still be answered"
    );
}

#[test]
fn a_sample_of_any_shape_says_what_it_leaves_out() {
    let mut preview = WORLD.delete_preview();
    let sample = preview.sample.as_mut().unwrap();
    let row = sample.rows[0].clone();
    sample.rows = vec![row; 33];
    sample.columns = (0..40).map(|at| format!("c{at}")).collect();
    let text = text_of(&with(preview));
    assert!(text.contains("20 of 42"), "{text}");
    assert!(text.contains("13 more sample rows"), "{text}");
    assert!(text.contains("20 more columns"), "{text}");
}

#[test]
fn null_is_not_the_text_null_and_not_an_empty_text() {
    let page = review_page(&WORLD.held_update(), &may());
    assert!(page.contains("<span class=\"null\">NULL</span>"));
    let text = text_of(&page).replace('\n', "");
    assert!(text.contains("“NULL” text"), "{text}");
    assert!(text.contains("empty text"), "{text}");
    assert!(text.contains("$1 =NULL$2 =“NULL” text$3 =binary 00ff10"), "{text}");
}

#[test]
fn sql_is_drawn_whole_and_its_tricks_are_visible() {
    let tail = "x".repeat(100_000);
    let sql = format!("DELETE FROM a\\u202e -- {tail} END");
    let payload = format!(r#"{{"statements":[{{"text":"{sql}"}}]}}"#);
    let page = review_page(&WORLD.sql(&payload, Verb::Delete, "a", WORLD.unknown_preview()), &may());
    let block = page.split("<pre class=\"sql\">").nth(1).unwrap().split("</pre>").next().unwrap();
    assert!(block.contains("⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩"), "{block}");
    assert!(block.contains(&format!("{tail} END")), "the end of the statement is not on the page");
}

#[test]
fn a_tool_call_with_statements_of_its_own_gets_no_sql_block() {
    let payload = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop"},"statements":[{"text":"SELECT 1"}]}"#;
    let wish = Wish {
        seed: 61,
        minutes_ago: 1,
        operation: "tools/call drop",
        resource: ("orders", "prod"),
        effects: &[(Verb::Delete, "orders")],
        payload: payload.as_bytes(),
        claim: None,
    };
    let asked = WORLD.asked(&wish, World::plan(1, Assurance::Session));
    assert!(!review_page(&asked, &may()).contains("class=\"sql\""));
    let doubled = r#"{"statements":[{"text":"SELECT 1"}],"statements":[{"text":"DROP TABLE a"}]}"#;
    let doubled = WORLD.sql(doubled, Verb::Unknown, "a", WORLD.unknown_preview());
    assert!(!review_page(&doubled, &may()).contains("class=\"sql\""));
}

#[test]
fn a_statement_known_only_by_name_and_very_many_parameters_say_so() {
    let values = vec!["\"1\""; 6000].join(",");
    let payload = format!(r#"{{"statements":[{{"prepared":"cleanup\u202e","parameters":[{values}]}}]}}"#);
    let page = review_page(&WORLD.sql(&payload, Verb::Unknown, "a", WORLD.unknown_preview()), &may());
    let text = text_of(&page).replace('\n', "");
    assert!(text.contains("prepared under the name “cleanup⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩”"), "{text}");
    assert!(
        text.contains("480 more parameters") && text.contains("5,500 more parameters: in the exact bytes"),
        "{text}"
    );
}

#[test]
fn every_page_with_a_preview_keeps_to_the_content_policy() {
    let signed_in = signed_in();
    for (name, record) in [
        ("delete", WORLD.held_delete()),
        ("update", WORLD.held_update()),
        ("unknown", WORLD.sql("{}", Verb::Unknown, "public.orders", WORLD.unknown_preview())),
        ("deceiving", WORLD.sql("{}", Verb::Write, "public.orders", WORLD.deceiving_preview())),
        ("ran", WORLD.ran_delete()),
    ] {
        let body = maud::PreEscaped(review_page(&record, &may()).replace(">\n<", "><"));
        let page = crate::view::page(&viewer(&signed_in), name, "/reviews", &body).0;
        assert!(page.ends_with("</html>"));
        assert!(!page.contains("style=") && !page.contains("onclick"), "{name}");
    }
}
