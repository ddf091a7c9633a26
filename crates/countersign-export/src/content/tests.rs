//! Can everything that is documented be named, and is it in order?

use super::CONTENT_NAMES;

/// The names in the last column of the table of types in docs/LEDGER.md: the words in backticks, remarks in parentheses
/// left out.
fn documented() -> Vec<String> {
    let text = include_str!("../../../../docs/LEDGER.md");
    let table = text.split("## Types").nth(1).unwrap().split("\n## ").next().unwrap();
    let cells =
        table.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(3).unwrap());
    let mut names = Vec::new();
    for cell in cells {
        let mut depth = 0;
        let outside: String = cell
            .chars()
            .filter(|letter| {
                depth += i32::from(*letter == '(') - i32::from(*letter == ')');
                depth == 0
            })
            .collect();
        names.extend(outside.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    names
}

#[test]
fn every_name_that_the_ledgers_document_knows_can_be_shown() {
    let documented = documented();
    assert!(documented.len() > 30, "{documented:?}");
    let missing: Vec<&String> =
        documented.iter().filter(|name| !CONTENT_NAMES.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "exports can't show {missing:?}");
    let unknown: Vec<&&str> =
        CONTENT_NAMES.iter().filter(|name| !documented.iter().any(|it| it == *name)).collect();
    assert!(unknown.is_empty(), "docs/LEDGER.md does not tell of {unknown:?}");
}

#[test]
fn the_names_are_in_order_and_no_name_stands_twice() {
    assert!(CONTENT_NAMES.is_sorted_by(|before, after| before < after));
}
