//! Are texts that would exhaust the parser refused, and the largest that are accepted survived?

use crate::finding::Place;
use crate::limits::{DEPTH_MAX, STATEMENT_MAX_BYTES, check};
use crate::tests::{Asked, source};
use crate::{Bundle, Source};
use countersign_core::Verb;

fn refused(text: &str) -> bool {
    check(Place { path: "p", text }).is_some()
}

#[test]
fn size_and_depth_are_bounded() {
    assert!(refused(&" ".repeat((1 << 20) + 1)));
    assert!(refused(&"a".repeat(STATEMENT_MAX_BYTES + 2)));
    assert!(!refused(&"aaaa;\n".repeat(STATEMENT_MAX_BYTES)));
    assert!(refused(&"(".repeat(DEPTH_MAX + 1)));
    assert!(!refused(&"([{}])".repeat(DEPTH_MAX)));
}

#[test]
fn strings_and_comments_do_not_nest() {
    let brackets = "(".repeat(DEPTH_MAX + 1);
    assert!(!refused(&format!("\"{brackets}\"")));
    assert!(!refused(&format!("// {brackets}\n")));
    assert!(refused(&format!("\"//\" {brackets}")));
    assert!(refused(&format!("\"\\\"\" {brackets}")));
    assert!(refused(&format!("\"\\\\\" {brackets}")));
    assert!(!refused(&format!("\"\\\" {brackets}\"")));
    assert!(refused(&format!("// \"\n {brackets}")));
    assert!(refused(&format!("\"a\nb\" {brackets}")));
}

#[test]
fn the_longest_chains_that_are_read_do_not_end_the_process() {
    let room = STATEMENT_MAX_BYTES - 200;
    for (link, last) in [
        ("true && ", "true"),
        ("false || ", "true"),
        ("1 == 1 && ", "true"),
        ("if true then true else ", "true"),
        ("if ", "true"),
        ("!", "true"),
        ("-", "1 == 1"),
        ("1 + ", "1 == 1"),
        ("principal.", "name == \"\""),
        ("context has a && ", "true"),
    ] {
        let condition = format!("{}{last}", link.repeat(room / link.len()));
        let text = format!("@id(\"x\") permit (principal, action, resource) when {{ {condition} }};");
        // Whether it loads is Cedar's business; that we are still here to see it is ours.
        if let Ok(bundle) = Bundle::load(&[source(&text)]) {
            let decision = bundle.judge(&Asked::about(&[(Verb::Read, "a")]).question());
            assert_ne!(decision.word(), "review", "{link}");
        }
    }
    let many: String =
        (0..400).map(|id| format!("@id(\"{id}\") permit (principal, action, resource);\n")).collect();
    let one = Source { path: "many".to_owned(), text: many };
    assert_eq!(Bundle::load(&[one]).unwrap().ids().count(), 400);
}
