//! Does docs/POLICY.md still say what is true?

use crate::tests::bundle;

const MANUAL: &str = include_str!("../../../../docs/POLICY.md");

#[test]
fn every_example_in_the_manual_loads() {
    let examples: Vec<&str> =
        MANUAL.split("```cedar\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        bundle(example);
    }
}

#[test]
fn the_manual_shows_the_schemas_in_force() {
    for schema in [crate::world::ACT_SCHEMA, crate::world::VOTE_SCHEMA, crate::world::VOTE_POLICIES] {
        assert!(MANUAL.contains(schema.trim()), "docs/POLICY.md lacks\n{schema}");
    }
}

#[test]
fn the_manual_lists_every_annotation_and_code() {
    for key in crate::annotation::KEYS {
        assert!(MANUAL.contains(&format!("`@{key}")), "docs/POLICY.md lacks @{key}");
    }
    for code in crate::finding::tests::CODES {
        assert!(MANUAL.contains(&format!("| `{code}` |")), "docs/POLICY.md lacks {code}");
    }
}
