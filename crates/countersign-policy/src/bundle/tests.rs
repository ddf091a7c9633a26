//! Is every mistake found, in its place, in one go?

use crate::tests::{bundle, source};
use crate::{Bundle, Source};

fn findings(text: &str) -> String {
    let findings = Bundle::load(&[source(text)]).expect_err(text);
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    shown.join("\n")
}

fn warnings(text: &str) -> Vec<&'static str> {
    bundle(text).warnings().iter().map(|finding| finding.code).collect()
}

#[test]
fn every_mistake_is_found_at_once() {
    let text = r#"
permit (principal, action, resource);

@id("a") @reviw("dba")
forbid (principal, action, resource);

@id("b") @review("dba") @quorum("21") @expires("5") @claim_within("1s") @grant_for("1w") @assurance("sms")
forbid (principal, action, resource);

@id("b") @review("dba")
permit (principal, action, resource);

@id("c c") @quorum("2") @rows("1")
forbid (principal, action, resource);

@id("d") @review("")
forbid (principal, action, resource);

@id("e") @obligation("maks")
permit (principal, action, resource);

@id("f") @obligation("mask") @columns("a,,b") @reason("x")
permit (principal, action, resource);

@id("f2") @obligation("mask") @detect("cards") @mode("nul")
permit (principal, action, resource);

@id("f3") @obligation("mask") @columns("a.b.c.d")
permit (principal, action, resource);

@id("f4") @obligation("mask") @mode("null")
permit (principal, action, resource);

@id("g") @obligation("max_rows") @columns("a")
permit (principal, action, resource);

@id("h") @obligation("max_rows") @rows("many")
permit (principal, action, resource);

@id("i")
permit (principal == ?principal, action, resource);

@id("j")
permit (principal, action == Action::"approve", resource);

@id("k") @review("dba")
forbid (principal, action == Action::"deny", resource);

@id("l")
forbid (principal, action in [Action::"approve", Action::"read"], resource);

@id("m")
forbid (principal, action == Action::"raed", resource) when { context.numbers.getTag("n") > 1 };

@id("n")
forbid (principal, action, resource) when { principal.owner == "ada" && context.limit > 1 };

@id("o")
forbid (principal, action, resource == Resource::"orders");

@id("p")
forbid (principal in Group::"dba", action, resource);

@id("q")
forbid (principal, action, resource) when { false };

@id("r")
forbid (principal, action == Action::"approve", resource) when { context.hour_utc > 1 };
"#;
    insta::assert_snapshot!(findings(text));
}

#[test]
fn a_syntax_mistake_is_found_in_its_file_and_the_other_files_are_still_read() {
    let sources = [
        Source { path: "a.cedar".to_owned(), text: "\n  permit (principal, action resource);".to_owned() },
        Source { path: "b.cedar".to_owned(), text: "permit (principal, action, resource);".to_owned() },
        Source {
            path: "c.cedar".to_owned(),
            text: "@id(\"x\") @id(\"y\") permit (principal, action, resource);".to_owned(),
        },
    ];
    let findings = Bundle::load(&sources).unwrap_err();
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn an_id_is_taken_across_files() {
    let text = "@id(\"x\") permit (principal, action == Action::\"read\", resource);";
    let findings =
        Bundle::load(&[source(text), Source { path: "q.cedar".to_owned(), ..source(text) }]).unwrap_err();
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].to_string(),
        "q.cedar:1:1: the id `x` is taken (duplicate-id)\n  help: the other is at p.cedar:1"
    );
}

#[test]
fn a_built_in_id_can_not_be_taken() {
    let text = "@id(\"countersign:asked\") forbid (principal, action == Action::\"approve\", resource);";
    assert!(findings(text).contains("bad-value"));
}

#[test]
fn a_huge_file_is_refused_unread() {
    assert!(findings(&" ".repeat((1 << 20) + 1)).contains("too-large"));
}

#[test]
fn deep_nesting_is_a_finding_and_not_a_crash() {
    let deep = format!("{}true{}", "(".repeat(20_000), ")".repeat(20_000));
    assert!(
        !findings(&format!("@id(\"x\") permit (principal, action, resource) when {{ {deep} }};")).is_empty()
    );
}

#[test]
fn what_is_doubtful_is_a_warning() {
    assert_eq!(warnings(""), ["no-permit"]);
    assert_eq!(warnings("@id(\"x\") forbid (principal, action, resource);"), ["no-permit"]);
    assert_eq!(warnings("@id(\"x\") permit (principal, action, resource);"), ["permits-everything"]);
    assert_eq!(warnings("@id(\"x\") permit (principal, action, resource) when { false };"), ["doubtful"]);
    let confusable = "@id(\"x\") permit (principal, action, resource in Resource::\"p\u{430}y\");";
    assert_eq!(warnings(confusable), ["doubtful"]);
    assert_eq!(warnings("@id(\"x\") permit (principal, action, resource in Env::\"dev\");"), [] as [&str; 0]);
}

#[test]
fn the_hash_covers_every_byte_and_the_division_into_files() {
    let hash = |texts: &[&str]| {
        let sources: Vec<_> = texts.iter().map(|text| source(text)).collect();
        Bundle::load(&sources).unwrap().hash()
    };
    let (a, b) = (
        "@id(\"a\") permit (principal, action, resource);",
        "@id(\"b\") permit (principal, action, resource);",
    );
    assert_eq!(hash(&[a, b]), hash(&[a, b]));
    let all =
        [hash(&[a]), hash(&[a, b]), hash(&[b, a]), hash(&[&format!("{a}{b}")]), hash(&[&format!("{a} "), b])];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn a_statement_is_kept_as_it_was_written() {
    let bundle = bundle("\n\n@id(\"a\")\npermit (principal, action, resource); // why\n");
    let statement = bundle.statement("a").unwrap();
    assert_eq!(
        (statement.line, statement.text.as_str()),
        (3, "@id(\"a\")\npermit (principal, action, resource);")
    );
    assert_eq!(bundle.ids().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_number_of_witnesses_is_one_to_eight_and_belongs_to_a_review() {
    for wrong in ["0", "9", "", "one", "-1", "1.0", "+1x"] {
        let text = format!(
            "@id(\"a\")\n@review(\"dba\") @witness(\"{wrong}\") forbid (principal, action, resource);"
        );
        let found = Bundle::load(&[source(&text)]).expect_err(wrong);
        assert_eq!(
            found.iter().map(|finding| (finding.code, finding.line)).collect::<Vec<_>>(),
            [("bad-value", 2)]
        );
    }
    let found = findings("@id(\"a\") @witness(\"1\") forbid (principal, action, resource);");
    assert!(found.contains("misplaced-annotation"), "{found}");
    for right in ["1", "8"] {
        let text = format!(
            "@id(\"a\") @review(\"dba\") @witness(\"{right}\") forbid (principal, action, resource);"
        );
        Bundle::load(&[source(&text)]).unwrap();
    }
}

#[test]
fn asking_for_more_witnesses_than_there_are_is_found_in_its_place() {
    let text = "@id(\"a\") @review(\"dba\")\n  @witness(\"2\")\nforbid (principal, action, resource);\n\
                @id(\"b\") @review(\"dba\") @witness(\"1\")\nforbid (principal, action, resource);\n\
                @id(\"c\") @review(\"dba\")\nforbid (principal, action, resource);";
    let bundle = Bundle::load(&[source(text)]).unwrap();
    let lines = |configured| -> Vec<usize> {
        bundle.beyond_witnesses(configured).iter().map(|finding| finding.line).collect()
    };
    assert_eq!((lines(0), lines(1), lines(2)), (vec![2, 4], vec![2], vec![]));
    insta::assert_snapshot!(bundle.beyond_witnesses(1)[0], @r"
    p.cedar:2:3: this asks for more witnesses (2) than are configured (1) (too-few-witnesses)
      help: name each in a `[[ledger.witnesses]]` section of the configuration
    ");
}
