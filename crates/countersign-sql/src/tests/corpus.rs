use super::{effects, judge};

/// `effects <- statement`; `#` begins a remark.
fn attacks() -> Vec<(&'static str, &'static str)> {
    include_str!("../../tests/attacks.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(" <- ").unwrap())
        .collect()
}

pub(super) fn harmless() -> impl Iterator<Item = &'static str> {
    include_str!("../../tests/harmless.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Every statement of both lists.
pub(super) fn all() -> Vec<&'static str> {
    attacks().into_iter().map(|(_, statement)| statement).chain(harmless()).collect()
}

#[test]
fn every_attack_has_exactly_its_effects() {
    let attacks = attacks();
    assert!(attacks.len() >= 150);
    let wrong: Vec<String> = attacks
        .into_iter()
        .map(|(expected, statement)| (expected, effects(&judge(statement)), statement))
        .filter(|(expected, found, _)| expected != found)
        .map(|(expected, found, statement)| format!("{statement}\n  expected {expected}\n  found    {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_drivers_and_people_look_around_with_only_reads() {
    let wrong: Vec<String> = harmless()
        .map(|statement| (judge(statement), statement))
        .filter(|(verdict, _)| !verdict.reads_only())
        .map(|(verdict, statement)| format!("{statement}\n  {} {:?}", effects(&verdict), verdict.problem))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
