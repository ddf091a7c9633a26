use countersign_core::{Effect, Verb};

use super::{catalog, judge, session};
use crate::{MAX_DEPTH, MAX_TEXT, MAX_UNATTENDED, Problem, classify};

/// Ways of nesting, for a number of levels.
fn nested(levels: usize) -> Vec<(&'static str, String)> {
    let around = |open: &str, inner: &str, close: &str| open.repeat(levels) + inner + &close.repeat(levels);
    vec![
        ("brackets", format!("SELECT {}", around("(", "1", ")"))),
        ("subqueries", around("SELECT (", "SELECT 1", ")")),
        ("subqueries in FROM", around("SELECT * FROM (", "SELECT 1", ") q")),
        ("calls", format!("SELECT {}", around("abs(", "1", ")"))),
        ("sums", format!("SELECT 1{}", "+1".repeat(levels))),
        ("signs", format!("SELECT {}1", "- ".repeat(levels))),
        ("NOT", format!("SELECT {}true", "NOT ".repeat(levels))),
        ("AND", format!("SELECT true{}", " AND true".repeat(levels))),
        ("OR and AND", format!("SELECT true{}", " AND true OR true".repeat(levels))),
        ("UNION", format!("SELECT 1{}", " UNION SELECT 1".repeat(levels))),
        ("JOIN", format!("SELECT 1 FROM t{}", " JOIN t USING (a)".repeat(levels))),
        ("CASE", format!("SELECT {}", around("CASE WHEN true THEN ", "1", " END"))),
        ("CASE with AND", format!("SELECT {}", around("CASE WHEN true AND true THEN ", "1", " END"))),
        ("casts", format!("SELECT 1{}", "::int".repeat(levels))),
        ("IS NULL", format!("SELECT 1{}", " IS NULL".repeat(levels))),
        ("COLLATE", format!("SELECT 'a'{}", " COLLATE \"C\"".repeat(levels))),
        ("AT TIME ZONE", format!("SELECT now(){}", " AT TIME ZONE 'UTC'".repeat(levels))),
        ("WITH", around("WITH a AS (", "SELECT 1", ") SELECT 1")),
        ("arrays", format!("SELECT {}", around("ARRAY[", "1", "]"))),
        ("indirection", format!("SELECT {}", around("(", "c", ").x"))),
        ("subscripts", format!("SELECT c{}", "[1]".repeat(levels))),
        ("EXISTS", format!("SELECT 1 WHERE {}", around("EXISTS (SELECT 1 WHERE ", "true", ")"))),
        ("joined brackets", format!("SELECT 1 FROM {}", around("(", "t", " CROSS JOIN t)"))),
        ("prefix operators", format!("SELECT {}1", "@ ".repeat(levels))),
        ("ROW", format!("SELECT {}", around("ROW(1,", "1", ")"))),
        ("GROUPING SETS", format!("SELECT 1 GROUP BY {}", around("GROUPING SETS (", "()", ")"))),
    ]
}

fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn no_nesting_overflows_a_stack_of_two_mebibytes() {
    on_small_stack(|| {
        let (catalog, session) = (catalog(), session());
        let depths = [1, 5, 9, 10, 13, 14, 15, 26, 27, 28, 29, 30, 31]
            .into_iter()
            .chain([50, 100, 149, 150, 199, 200, 290, 298, 299, 300, 590, 598, 599, 600, 2_000, 20_000]);
        let mut parsed = 0;
        for levels in depths {
            for (_, text) in nested(levels) {
                parsed += usize::from(classify(&text, &catalog, &session).problem.is_none());
            }
        }
        assert!(parsed > 150, "{parsed}");
    });
}

#[test]
fn many_deep_texts_on_many_threads_are_judged() {
    let text = format!("SELECT id FROM users WHERE id = {}1{}", "abs(".repeat(40), ")".repeat(40));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..300).for_each(|_| assert!(judge(&text).reads_only())));
        }
    });
}

#[test]
fn what_people_and_mappers_write_is_not_too_deep() {
    for (name, text) in nested(60) {
        assert_ne!(judge(&text).problem, Some(Problem::TooDeep), "{name}");
    }
    let columns = (0..1_500).map(|i| format!("u.id + {i} AS c{i}")).collect::<Vec<_>>().join(", ");
    assert_eq!(judge(&format!("SELECT {columns} FROM users u")).problem, None);
    let filters =
        (0..1_000).map(|i| format!("(id = {i} OR name LIKE 'x')")).collect::<Vec<_>>().join(" AND ");
    assert_eq!(judge(&format!("SELECT * FROM users WHERE {filters}")).problem, None);
    let rows = (0..5_000).map(|i| format!("({i}, 'x', -1)")).collect::<Vec<_>>().join(", ");
    assert_eq!(judge(&format!("INSERT INTO t VALUES {rows}")).problem, None);
}

#[test]
fn strings_and_comments_do_not_nest() {
    let noise = "((((-+*/ CASE [[ :( ".repeat(1_000);
    for text in [
        format!("INSERT INTO t (b) VALUES ('{noise}')"),
        format!("INSERT INTO t (b) VALUES (E'\\'{noise}')"),
        format!("INSERT INTO t (b) VALUES ($x${noise}'$x$)"),
        format!("/* {} */ SELECT 1", noise.replace('/', "")),
        format!("SELECT 1 -- {noise}"),
    ] {
        assert_eq!(judge(&text).problem, None, "{text:.60}");
    }
    assert_eq!(judge(&format!("SELECT 1 {}1", "=-+".repeat(300))).problem, Some(Problem::TooDeep));
    assert_eq!(judge(&format!("SELECT 'a' 'b' {noise}")).problem, Some(Problem::TooDeep));
}

#[test]
fn too_deep_is_refused_before_it_is_parsed() {
    for (name, text) in nested(5 * MAX_DEPTH) {
        let verdict = judge(&text);
        if !matches!(name, "AND" | "OR and AND" | "subscripts") {
            assert_eq!(verdict.problem, Some(Problem::TooDeep), "{name}");
        }
    }
}

#[test]
fn a_large_text_is_unknown_and_a_huge_one_refused() {
    let padded = |bytes: usize| format!("SELECT '{}'", "x".repeat(bytes));
    assert_eq!(judge(&padded(1_000)).problem, None);
    let large = judge(&padded(MAX_UNATTENDED));
    assert!(large.effects.contains(&Effect::new(Verb::Unknown, "text")) && !large.reads_only());
    assert!(!large.problem.unwrap().denies());
    let huge = judge(&padded(MAX_TEXT));
    assert!(huge.problem.unwrap().denies() && !huge.effects.iter().any(|effect| effect.verb == Verb::Read));
}

#[test]
fn a_nul_byte_is_refused() {
    let verdict = judge("SELECT 1\0; DROP TABLE users");
    assert_eq!(verdict.problem, Some(Problem::NulByte));
    assert!(!verdict.reads_only());
}

#[test]
fn strings_that_two_parsers_read_differently_are_unknown() {
    let session = crate::Session { standard_conforming_strings: false, ..session() };
    let verdict = classify(r"SELECT '\', $q$ '; INSERT INTO t VALUES (1) -- $q$", &catalog(), &session);
    assert_eq!(verdict.problem, Some(Problem::NonstandardStrings));
    assert!(!verdict.reads_only());
}

#[test]
fn a_temporary_object_makes_names_doubtful() {
    let session = crate::Session { temp_shadowing: true, ..session() };
    let doubt = |text: &str| !classify(text, &catalog(), &session).reads_only();
    assert!(doubt("SELECT * FROM users") && doubt("SELECT 'x'::citext"));
    assert!(!doubt("SELECT * FROM public.users") && !doubt("SELECT 1"));
}

#[test]
fn the_search_path_decides_what_a_name_means() {
    let path = |path: &[&str]| {
        let search_path = path.iter().map(|schema| (*schema).to_owned()).collect();
        let session = crate::Session { search_path, ..session() };
        super::effects(&classify("SELECT id FROM passwords WHERE id = 1", &catalog(), &session))
    };
    assert_eq!(path(&["public"]), "unknown passwords");
    assert_eq!(path(&["public", "secret"]), "read secret.passwords");
    assert_eq!(path(&["secret", "evil"]), "read secret.passwords, execute evil.eq()");
}

#[test]
fn without_a_catalog_everything_is_unknown_but_transaction_control() {
    let catalog = crate::Catalog::empty();
    for text in ["SELECT 1", "SELECT lower('x')", "DELETE FROM users", "SELECT 1 + 1", "SET timezone = 'UTC'"]
    {
        let verdict = classify(text, &catalog, &session());
        assert!(verdict.effects.iter().any(|effect| effect.verb == Verb::Unknown), "{text}");
    }
    assert!(classify("BEGIN", &catalog, &session()).reads_only());
}

#[test]
fn more_effects_than_a_person_could_judge_are_a_problem() {
    let names = (0..250).map(|i| format!("nosuch{i}")).collect::<Vec<_>>().join(", ");
    let verdict = judge(&format!("SELECT 1 FROM {names}"));
    assert!(matches!(verdict.problem, Some(Problem::TooManyEffects { .. })));
}
