use proptest::prelude::*;

use super::{catalog, corpus, generate, judge};
use crate::fuzzing::fuzz_classify;
use crate::normal_key;

fn key(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    normal_key(text, &mut out).then_some(out)
}

/// Another text with other constants, white space and comments, made by cutting at what is certainly a constant.
fn respaced(text: &str, space: &str, number: u16, word: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit() || c == '\'' || c == ' ') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let alone = !before.ends_with(|c: char| c.is_alphanumeric() || "_$\"'.&:".contains(c));
        let plain_text = from.strip_prefix('\'').and_then(|t| t.split_once('\''));
        if let Some(after) = from.strip_prefix(' ') {
            out.push_str(space);
            rest = after;
        } else if let Some((inside, after)) =
            plain_text.filter(|(_, after)| alone && !after.starts_with('\''))
        {
            let keep = inside.is_empty() || inside.contains(['\\', '$']);
            out.push_str(&if keep { format!("'{inside}'") } else { format!("'{word}'") });
            rest = after;
        } else if from.starts_with('\'') {
            // Something else that is quoted: leave the rest alone.
            out.push_str(from);
            return out;
        } else {
            let digits = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
            let (digits, after) = from.split_at(digits);
            let whole = alone && !after.starts_with(|c: char| c.is_alphanumeric() || "_.".contains(c));
            out.push_str(&if whole { number.to_string() } else { digits.to_owned() });
            rest = after;
        }
    }
    out + rest
}

fn statement() -> impl Strategy<Value = String> {
    let known: Vec<String> = corpus::all().into_iter().map(str::to_owned).collect();
    prop_oneof![prop::sample::select(known), generate::statement()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_key_means_the_same_effects_unless_a_constant_was_looked_at(
        text in statement(), space in "( |\t|\n|/\\* x \\*/){1,3}", number in any::<u16>(), word in "[a-z]{1,8}",
    ) {
        let other = respaced(&text, &space, number, &word);
        let (one, two) = (judge(&text), judge(&other));
        if let (Some(a), Some(b)) = (key(&text), key(&other))
            && a == b && !one.used_constant && !two.used_constant
        {
            prop_assert_eq!(&one.effects, &two.effects, "{} / {}", text, other);
        }
    }

    #[test]
    fn the_key_is_stable_under_white_space_comments_and_case(text in generate::statement()) {
        let Some(before) = key(&text) else { return Ok(()) };
        prop_assert_eq!(Some(before.clone()), key(&format!(" -- x\n{text}\n /* a /* b */ */ ")));
        if !text.contains(['\'', '"', '$']) {
            prop_assert_eq!(Some(before.clone()), key(&text.to_uppercase()));
            prop_assert_eq!(Some(before), key(&text.replace(' ', "\n\t/**/ ")));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        CATALOG.with(|catalog| fuzz_classify(&bytes, catalog));
    }

    #[test]
    fn no_broken_statement_makes_it_panic(text in statement(), cut in any::<prop::sample::Index>(), extra in "\\PC{0,6}") {
        let at = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect::<Vec<_>>();
        let at = *cut.get(&at);
        let (before, after) = text.split_at(at);
        let broken = format!("{before}{extra}{after}");
        CATALOG.with(|catalog| fuzz_classify(broken.as_bytes(), catalog));
    }

    #[test]
    fn texts_with_one_key_are_one_for_postgresql_too(text in statement(), number in any::<u16>(), word in "[a-z]{1,8}") {
        let other = respaced(&text, " ", number, &word);
        if let (Some(a), Some(b)) = (key(&text), key(&other)) && a == b && !judge(&text).used_constant {
            let normal = |text: &str| pg_query::normalize(text).ok().map(|normal| key(&normal));
            prop_assert_eq!(normal(&text), normal(&other));
        }
    }
}

thread_local! {
    static CATALOG: crate::Catalog = catalog();
}

/// The tokens that PostgreSQL's own scanner finds, constants left out.
fn scanned(text: &str) -> Option<Vec<String>> {
    let tokens = pg_query::scan(text).ok()?.tokens;
    let mut words = Vec::new();
    for token in tokens {
        let kind = format!("{:?}", token.token());
        let at = |at: i32| usize::try_from(at).unwrap();
        let word = text.get(at(token.start)..at(token.end))?;
        match kind.as_str() {
            "SqlComment" | "CComment" => {}
            "Sconst" | "Usconst" => words.push("?s".to_owned()),
            "Bconst" | "Xconst" => words.push("?b".to_owned()),
            "Iconst" => words.push("?i".to_owned()),
            "Fconst" => words.push("?f".to_owned()),
            _ if word.starts_with('"') || word.starts_with('$') => words.push(word.to_owned()),
            _ => words.push(word.to_ascii_lowercase()),
        }
    }
    Some(words)
}

#[test]
fn the_lexer_finds_the_tokens_that_postgresql_finds() {
    let mut compared = 0;
    for text in corpus::all() {
        let (Some(key), Some(scanned)) = (key(text), scanned(text)) else { continue };
        let key = String::from_utf8(key).unwrap();
        // PostgreSQL reads `N'x'` as two tokens and splits runs like `::`; without the spaces both are the same.
        assert_eq!(key.replace(' ', ""), scanned.concat().replace(' ', ""), "{text}");
        compared += 1;
    }
    assert!(compared > 400, "{compared}");
}

#[test]
fn a_text_that_two_lexers_could_read_differently_has_no_key() {
    for text in [
        "SELECT 'a' 'b'",
        "SELECT 'a'\n'b'",
        "SELECT E'a' -- x\n 'b\\''",
        "SELECT U&\"d!0061\" UESCAPE '!'",
        "SELECT U&'d!0061' UESCAPE '!'",
        "SELECT 0x1F",
        "SELECT 1_000",
        "SELECT 1a",
        "SELECT $1a",
        "SELECT 'open",
        "SELECT \"open",
        "SELECT $a$ open",
        "SELECT /* open",
        "SELECT \u{b} 1",
        "SELECT 1 \0",
        "SELECT E'\\'",
        "SELECT 1e",
        "SELECT \\ 1",
    ] {
        assert_eq!(key(text), None, "{text}");
    }
}

#[test]
fn a_comment_ends_an_operator() {
    assert_eq!(key("SELECT a <--'c\n b"), key("SELECT a < b"));
    assert_eq!(key("SELECT a */*'*/b"), key("SELECT a * b"));
}

#[test]
fn what_differs_in_more_than_constants_has_another_key() {
    for (one, other) in [
        ("SELECT * FROM users", "SELECT * FROM \"Users\""),
        ("SELECT * FROM users", "SELECT * FROM \"users\""),
        ("DELETE FROM users AS t", "DELETE FROM payments AS t"),
        ("SET ROLE admin", "SET ROLE x"),
        ("SELECT 1 -- x\n, 2", "SELECT 1 -- x , 2"),
        ("SELECT a ? b", "SELECT a 'x' b"),
        ("SELECT 1", "SELECT '1'"),
        ("SELECT 1", "SELECT 1.0"),
        ("SELECT 1", "SELECT $1"),
        ("SELECT x IN (1)", "SELECT x IN (1, 2)"),
        ("SELECT a<-b", "SELECT a< -b"),
        ("SELECT 1; SELECT 2", "SELECT 1 SELECT 2"),
    ] {
        assert_ne!(key(one), key(other), "{one} / {other}");
    }
}

#[test]
fn a_verdict_that_looked_at_a_constant_says_so() {
    for text in [
        "SELECT nextval('seq')",
        "SELECT set_config('role', 'x', true)",
        "SELECT pg_notify('c', 'x')",
        "SELECT pg_read_file('/x')",
        "EXPLAIN (ANALYZE 0) DELETE FROM users",
        "SET client_encoding = 'UTF8'",
        "COPY users TO '/tmp/x'",
        "DO LANGUAGE 'plpgsql' 'x'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE 'c' AS 'x'",
        "PREPARE TRANSACTION 'x'",
        "LOAD 'x'",
        "INSERT INTO t SELECT currval('seq')",
    ] {
        assert!(judge(text).used_constant, "{text}");
    }
    for text in [
        "SELECT * FROM users WHERE id = 1",
        "DELETE FROM users WHERE id = 1",
        "INSERT INTO sales.orders VALUES (1)",
        "BEGIN",
    ] {
        assert!(!judge(text).used_constant, "{text}");
    }
}
