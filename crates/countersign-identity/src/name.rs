//! Is this a name? Names of people, agents, groups and teams, and labels of passkeys.

use std::collections::BTreeSet;

use crate::IdentityError;

/// Longer names are refused.
pub(crate) const NAME_MAX_CHARS: usize = 100;

/// The name without surrounding space, when people can read and tell it apart.
pub(crate) fn checked(what: &'static str, name: &str) -> Result<String, IdentityError> {
    let name = name.trim();
    let refuse =
        |problem| IdentityError::Name { what, name: name.chars().take(NAME_MAX_CHARS).collect(), problem };
    if name.is_empty() {
        return Err(refuse("is empty"));
    }
    if name.chars().count() > NAME_MAX_CHARS {
        return Err(refuse("is longer than 100 characters"));
    }
    if name.chars().any(is_invisible) {
        return Err(refuse("holds a character that can't be seen"));
    }
    Ok(name.to_owned())
}

/// Every name checked.
pub(crate) fn checked_set(
    what: &'static str,
    names: &BTreeSet<String>,
) -> Result<BTreeSet<String>, IdentityError> {
    names.iter().map(|name| checked(what, name)).collect()
}

/// What a person's name is found by: two names that differ only in letter case are one person.
pub(crate) fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Control characters and the format characters that hide or reorder text.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
