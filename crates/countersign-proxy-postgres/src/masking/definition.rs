//! Which columns stand behind a view's? Read from the tree that the server keeps of it (`pg_rewrite.ev_action`), where
//! each column says whose it is exactly as the server would say it in a `RowDescription` of the view's query.
//!
//! The tree is text: `{TYPE :key value …}` for nodes, `(…)` for lists, a backslash before what would otherwise end a
//! word. Three things are looked for: `:resorigtbl` and `:resorigcol` of the outermost query's columns, the `:relid`
//! of everything that it reads, however deep, and functions that are not PostgreSQL's own.

use std::collections::{BTreeMap, BTreeSet};

/// Everything below is made by initdb: `FirstNormalObjectId`.
const FIRST_USER_OID: u32 = 16_384;

/// What is known of a view.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Definition {
    /// The relation and column behind each column that is no more than one.
    pub(super) origins: BTreeMap<i16, (u32, i16)>,
    /// What it reads.
    pub(super) uses: BTreeSet<u32>,
    /// It runs somebody's function, which may read anything.
    pub(super) opaque: bool,
}

/// One column while it is read.
#[derive(Debug, Default)]
struct Target {
    number: Option<i16>,
    table: Option<u32>,
    column: Option<i16>,
}

/// Reads the tree; `None` when it doesn't look as expected, so that everything of the view counts as computed.
pub(super) fn read(tree: &str) -> Option<Definition> {
    let mut definition = Definition::default();
    let (mut depth, mut key, mut expects) = (0_usize, "", false);
    let (mut in_targets, mut target, mut columns) = (false, Target::default(), 0_usize);
    for word in words(tree) {
        match word {
            "{" => {
                depth += 1;
                expects = false;
                if depth == 2 {
                    target = Target::default();
                }
            }
            "}" => {
                if depth == 2 && in_targets {
                    note(&mut definition, &target)?;
                    columns += 1;
                }
                depth = depth.checked_sub(1)?;
            }
            "(" | ")" => expects = false,
            // What follows a key is its value, whatever it looks like.
            value if expects => {
                expects = false;
                take(&mut definition, key, value)?;
                if depth == 2 && in_targets {
                    match key {
                        ":resno" => target.number = Some(value.parse().ok()?),
                        ":resorigtbl" => target.table = Some(value.parse().ok()?),
                        ":resorigcol" => target.column = Some(value.parse().ok()?),
                        _ => {}
                    }
                }
            }
            word if word.starts_with(':') => {
                (key, expects) = (word, true);
                if depth == 1 {
                    in_targets = key == ":targetList";
                }
            }
            _ => {}
        }
    }
    (depth == 0 && columns > 0).then_some(definition)
}

fn note(definition: &mut Definition, target: &Target) -> Option<()> {
    let (number, table, column) = (target.number?, target.table?, target.column?);
    if table != 0 && column > 0 {
        definition.origins.insert(number, (table, column));
    }
    Some(())
}

fn take(definition: &mut Definition, key: &str, value: &str) -> Option<()> {
    match key {
        ":relid" => match value.parse().ok()? {
            0 => {}
            oid => drop(definition.uses.insert(oid)),
        },
        ":funcid" | ":opfuncid" | ":aggfnoid" | ":winfnoid" => {
            definition.opaque |= value.parse::<u32>().ok()? >= FIRST_USER_OID;
        }
        _ => {}
    }
    Some(())
}

/// Brackets, and words between white space.
fn words(tree: &str) -> impl Iterator<Item = &str> {
    let mut rest = tree;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let first = rest.bytes().next()?;
        let length = if b"{}()".contains(&first) { 1 } else { word_length(rest.as_bytes()) };
        let (word, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(word)
    })
}

fn word_length(rest: &[u8]) -> usize {
    let mut escaped = false;
    let end = rest.iter().position(|byte| {
        let ends = !escaped && (byte.is_ascii_whitespace() || b"{}()".contains(byte));
        escaped = !escaped && *byte == b'\\';
        ends
    });
    end.unwrap_or(rest.len())
}
