//! Does the tree keep its own rules? The arrows between crates, the words, the sizes; plain code in the normal run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn files(extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

/// Each crate's own crates, as `[dependencies]` of its manifest names them.
fn arrows(section: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows = BTreeMap::new();
    for (path, text) in files("toml") {
        if !path.ends_with("Cargo.toml") {
            continue;
        }
        let table: toml::Table = text.parse().unwrap();
        let name = table["package"]["name"].as_str().unwrap().to_owned();
        let ours = table.get(section).and_then(|section| section.as_table());
        let ours = ours.into_iter().flatten().map(|(name, _)| name.clone());
        arrows.insert(name, ours.filter(|name| name.starts_with("countersign")).collect());
    }
    arrows
}

#[test]
fn crates_depend_only_along_the_arrows_of_the_design() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("countersign-core", [].as_slice()),
        ("countersign-ledger", &[]),
        ("countersign-policy", &["core"]),
        ("countersign-store", &["core", "ledger"]),
        ("countersign-identity", &["core", "store"]),
        ("countersign-gate", &["core", "ledger", "policy", "store"]),
        ("countersign-evidence", &["core", "ledger"]),
        ("countersign-sql", &["core"]),
        ("countersign-mask", &[]),
        ("countersign-export", &["core", "ledger"]),
        ("countersign-proxy-mcp", &["core", "gate", "identity"]),
        ("countersign-proxy-postgres", &["core", "sql", "mask", "gate", "identity"]),
        ("countersign-console", &["core", "gate", "identity", "ledger"]),
        ("countersign-witness", &["ledger"]),
    ]);
    for (name, uses) in arrows("dependencies") {
        if name == "countersign" || name == "countersign-testkit" || name.starts_with("countersign-bench") {
            continue;
        }
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("`{name}` is not in the design"));
        let allowed: BTreeSet<String> = allowed.iter().map(|short| format!("countersign-{short}")).collect();
        let wrong: Vec<&String> = uses.difference(&allowed).collect();
        assert!(wrong.is_empty(), "`{name}` may not use {wrong:?}");
    }
}

#[test]
fn only_tests_use_the_testkit_and_only_those_above_the_gate() {
    for (name, uses) in arrows("dependencies") {
        assert!(!uses.contains("countersign-testkit") || name.starts_with("countersign-bench"), "{name}");
    }
    for (name, uses) in arrows("dev-dependencies") {
        let below = ["core", "ledger", "policy", "store", "identity", "gate"];
        let is_below = below.iter().any(|short| name == format!("countersign-{short}"));
        assert!(!is_below || !uses.contains("countersign-testkit"), "{name}");
    }
}

#[test]
fn the_pure_crates_know_no_runtime_socket_sql_or_clock() {
    for name in ["core", "ledger", "sql", "mask", "export"] {
        let manifest = root().join(format!("crates/countersign-{name}/Cargo.toml"));
        let table: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
        for banned in ["tokio", "hyper", "axum", "rusqlite", "getrandom", "http"] {
            assert!(!table["dependencies"].as_table().unwrap().contains_key(banned), "{name} uses {banned}");
        }
    }
}

#[test]
fn sql_stays_in_the_store() {
    for (path, text) in files("toml") {
        let in_its_room = path.starts_with("crates/countersign-store")
            // The demo's protected system is a database of its own, and the ledger is checked from outside.
            || path.starts_with("crates/countersign/");
        assert!(in_its_room || !text.contains("rusqlite"), "{}", path.display());
    }
}

#[test]
fn only_identity_makes_a_reviewer_and_only_the_gate_makes_a_permit() {
    for (path, text) in files("rs") {
        let test =
            path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
                || path.file_name().is_some_and(|name| name == "fixtures.rs")
                || path.starts_with("crates/countersign-testkit");
        if test {
            continue;
        }
        let reviewer =
            text.contains("Reviewer::signed_in(") && !path.starts_with("crates/countersign-identity");
        assert!(!reviewer, "{} makes a reviewer", path.display());
        let permit = text.contains("Permit::issue") && !path.starts_with("crates/countersign-gate");
        assert!(!permit, "{} makes a permit", path.display());
    }
}

#[test]
fn every_file_opens_by_saying_which_question_it_answers() {
    for (path, text) in files("rs") {
        let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
            || path.components().any(|part| part.as_os_str() == "tests");
        assert!(is_test || text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn no_file_is_too_long_to_hold_in_the_head() {
    for (path, text) in files("rs") {
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines", path.display());
    }
}

#[test]
fn no_name_says_nothing() {
    for (path, _) in files("rs") {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        for empty in ["common", "util", "utils", "helper", "helpers", "misc", "manager", "types"] {
            assert_ne!(stem, empty, "{}", path.display());
        }
    }
}

#[test]
fn every_test_that_the_threats_name_is_there() {
    let threats = std::fs::read_to_string(root().join("docs/THREATS.md")).unwrap();
    let code: String = files("rs").into_iter().map(|(_, text)| text).collect();
    let is_a_test = |name: &&str| {
        name.matches('_').count() >= 3
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    let named: BTreeSet<&str> = threats.split('`').skip(1).step_by(2).filter(is_a_test).collect();
    assert!(named.len() > 300, "{} names", named.len());
    let missing: Vec<&&str> = named.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "THREATS names tests that are not there: {missing:?}");
}
