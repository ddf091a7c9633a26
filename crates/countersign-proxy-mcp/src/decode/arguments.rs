//! What do the arguments say, leaf by leaf? Paths and scalars for policies and for the objects of effects.

use countersign_core::{Arguments, Scalar};

use crate::codec::{Kind, View};

/// More leaves than this are not shown to policy; the call then has the effect `unknown` as well.
const LEAVES_MAX: usize = 500;

/// The arguments by path.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    pub(crate) arguments: Arguments,
    /// Whether some leaves were left out.
    pub(crate) cut: bool,
}

/// Flattens a value. A dot or backslash in a key is escaped with a backslash, so that two different values can't
/// share a path.
pub(crate) fn flatten(root: Option<View<'_>>) -> Flat {
    let mut flat = Flat::default();
    if let Some(root) = root {
        walk(root, "", &mut flat);
    }
    flat
}

fn walk(value: View<'_>, path: &str, flat: &mut Flat) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value.kind() {
        Kind::Object => {
            for child in value.children() {
                walk(child, &below(&child.key().replace('\\', "\\\\").replace('.', "\\.")), flat);
            }
        }
        Kind::Array => {
            for (index, child) in value.children().enumerate() {
                walk(child, &below(&index.to_string()), flat);
            }
        }
        Kind::String | Kind::Number | Kind::True | Kind::False | Kind::Null => {
            if flat.arguments.len() >= LEAVES_MAX {
                flat.cut = true;
            } else {
                flat.arguments.insert(path.to_owned(), scalar(value));
            }
        }
    }
}

fn scalar(value: View<'_>) -> Scalar {
    let raw = value.raw();
    match (value.kind(), raw.parse::<i64>()) {
        (Kind::True, _) => Scalar::Bool(true),
        (Kind::False, _) => Scalar::Bool(false),
        // `-0` is a whole number for us and a float for others.
        (Kind::Number, Ok(number)) if number.to_string() == raw => Scalar::Integer(number),
        (Kind::String, _) => Scalar::Text(value.string().unwrap_or_default().into_owned()),
        _ => Scalar::Text(raw.to_owned()),
    }
}
