//! What do the arguments say, leaf by leaf? Paths and scalars for policies and for the objects of effects.
//!
//! Two values never share a path, and whatever a policy could misread is doubt: then the call has the effect
//! `unknown` as well, whatever the rules say.

use std::collections::HashSet;

use countersign_core::{Arguments, Scalar};

use crate::codec::{Kind, View};

/// More leaves than this, or members of one object, are not shown to policy.
const LEAVES_MAX: usize = 500;
/// Longer paths are not shown to policy.
const PATH_BYTES_MAX: usize = 512;
/// More bytes of paths and texts are not shown to policy.
const BYTES_MAX: usize = 64 << 10;

/// The arguments by path.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    pub(crate) arguments: Arguments,
    /// Whether some leaves were left out, or can be read in more than one way.
    pub(crate) cut: bool,
}

/// Flattens a value. A dot or backslash in a key is escaped with a backslash, and no path (the root) is something
/// else than an empty one (an empty key), so that two different values can't share a path.
pub(crate) fn flatten(root: Option<View<'_>>) -> Flat {
    let mut walk = Walk { arguments: Arguments::new(), bytes_left: BYTES_MAX };
    let whole = root.is_none_or(|root| walk.value(root, None).is_some());
    Flat { arguments: walk.arguments, cut: !whole }
}

struct Walk {
    arguments: Arguments,
    bytes_left: usize,
}

impl Walk {
    /// `None` as soon as there is doubt; nothing is looked at after that.
    fn value(&mut self, value: View<'_>, path: Option<&str>) -> Option<()> {
        match value.kind() {
            Kind::Object => {
                distinct(value)?;
                for child in value.children() {
                    let path = self.below(path, &child.key())?;
                    self.value(child, Some(&path))?;
                }
            }
            Kind::Array => {
                for (index, child) in value.children().enumerate() {
                    let path = self.below(path, &index.to_string())?;
                    self.value(child, Some(&path))?;
                }
            }
            Kind::String | Kind::Number | Kind::True | Kind::False | Kind::Null => {
                self.leaf(value, path.unwrap_or_default())?;
            }
        }
        Some(())
    }

    /// The path of a child, unless it would be too long.
    fn below(&mut self, path: Option<&str>, key: &str) -> Option<String> {
        let special = key.bytes().filter(|byte| matches!(byte, b'.' | b'\\')).count();
        let length = path.map_or(0, |path| path.len() + 1) + key.len() + special;
        (length <= PATH_BYTES_MAX).then_some(())?;
        self.bytes_left = self.bytes_left.checked_sub(length)?;
        let mut below = String::with_capacity(length);
        if let Some(path) = path {
            below.push_str(path);
            below.push('.');
        }
        for letter in key.chars() {
            if matches!(letter, '.' | '\\') {
                below.push('\\');
            }
            below.push(letter);
        }
        Some(below)
    }

    fn leaf(&mut self, value: View<'_>, path: &str) -> Option<()> {
        (self.arguments.len() < LEAVES_MAX).then_some(())?;
        self.bytes_left = self.bytes_left.checked_sub(value.raw().len())?;
        let before = self.arguments.insert(path.to_owned(), scalar(value));
        before.is_none().then_some(())
    }
}

/// `None` when an object has two keys that differ only in letter case, which case-blind decoders take for one, or
/// more keys than are looked at.
fn distinct(object: View<'_>) -> Option<()> {
    let mut keys = HashSet::new();
    for child in object.children() {
        let key = child.key();
        let fits = key.len() <= PATH_BYTES_MAX && keys.len() < LEAVES_MAX;
        (fits && keys.insert(folded(&key))).then_some(())?;
    }
    Some(())
}

/// Letter by letter to upper case and back, which also folds letters such as `ſ` and the Kelvin sign.
fn folded(key: &str) -> String {
    key.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
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

#[cfg(test)]
mod tests;
