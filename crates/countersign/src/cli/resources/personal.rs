//! Does a column's name say that it holds something personal or secret? Words of several languages, found in names
//! however they are written: `date_of_birth`, `dateOfBirth`, `DATE-OF-BIRTH`.

#[cfg(test)]
mod tests;
mod words;

use countersign_proxy_postgres::discover::Family;
use words::{AFTERWARDS, Fits, PEOPLE, RULES, Rule};

/// What a column should be treated as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Nature {
    /// About a person.
    Personal,
    /// A credential, which nobody should read.
    Secret,
}

/// What the name means, for people: `a phone number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) nature: Nature,
    pub(super) what: &'static str,
}

/// What `column` of `table` means by its name, or nothing in particular.
pub(super) fn meaning(table: &str, column: &str, family: Family) -> Option<Meaning> {
    if family == Family::Boolean {
        return None;
    }
    let words = words_of(column);
    let rule = RULES.iter().find(|rule| suits(rule.fits, family) && says(rule, &words));
    if let Some(rule) = rule {
        return Some(Meaning { nature: rule.nature, what: rule.what });
    }
    let bare_name = ["name", "nom", "nombre", "nome", "naam", "navn", "namn", "imie", "isim"];
    let is_name = matches!(words.as_slice(), [word] if bare_name.contains(&word.as_str()));
    let of_people = words_of(table).iter().any(|word| is_people(word));
    (is_name && of_people && family == Family::Text)
        .then_some(Meaning { nature: Nature::Personal, what: "a person's name" })
}

fn is_people(word: &str) -> bool {
    PEOPLE.contains(&word) || word.strip_suffix('s').is_some_and(|one| PEOPLE.contains(&one))
}

/// UUIDs, bytes and the like hold no text that anybody reads, so only what is secret or biometric counts there.
fn suits(fits: Fits, family: Family) -> bool {
    match family {
        Family::Text | Family::Document => true,
        Family::Number => matches!(fits, Fits::TextOrNumber | Fits::Anything),
        Family::Time => matches!(fits, Fits::TextOrTime),
        Family::Network => matches!(fits, Fits::TextOrNetwork | Fits::Anything),
        Family::Other => matches!(fits, Fits::Anything),
        Family::Boolean => false,
    }
}

/// Whether one of the rule's words stands in the name, and what follows does not turn it into something else.
fn says(rule: &Rule, words: &[String]) -> bool {
    rule.words.iter().any(|sought| stands(sought, words))
        || rule.parts.iter().any(|part| {
            let place = words.iter().position(|word| word.contains(part));
            place.is_some_and(|at| !turned(words.get(at.saturating_add(1)..).unwrap_or_default()))
        })
}

/// `birth date` stands in `the birth date`, and in `birthdate` as a whole.
fn stands(sought: &str, words: &[String]) -> bool {
    let parts: Vec<&str> = sought.split(' ').collect();
    let squashed: String = parts.concat();
    let place = words.windows(parts.len()).position(|window| window.iter().zip(&parts).all(|(a, b)| a == b));
    let end = match place {
        Some(at) => at.saturating_add(parts.len()),
        None => match words.iter().position(|word| *word == squashed) {
            Some(at) => at.saturating_add(1),
            None => return false,
        },
    };
    !turned(words.get(end..).unwrap_or_default())
}

/// `email_sent` and `phone_count` are about mail and phones, not addresses and numbers.
fn turned(after: &[String]) -> bool {
    after.iter().any(|word| AFTERWARDS.contains(&word.as_str()))
}

/// The words of a name, in small letters without accents.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        // `firstName`, and `SSNumber` before its last capital.
        let ends_capitals = before.is_uppercase() && rest.peek().is_some_and(|next| next.is_lowercase());
        let turns = c.is_uppercase() && (before.is_lowercase() || ends_capitals);
        if !c.is_alphabetic() || turns {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase().flat_map(plain));
        }
        before = c;
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A letter without its accent; `ß` is two.
fn plain(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ą' => ('a', None),
        'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' => ('e', None),
        'í' | 'ì' | 'î' | 'ï' | 'ı' => ('i', None),
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => ('o', None),
        'ú' | 'ù' | 'û' | 'ü' | 'ů' => ('u', None),
        'ç' | 'ć' | 'č' => ('c', None),
        'ñ' | 'ń' => ('n', None),
        'ł' => ('l', None),
        'ś' | 'š' | 'ş' => ('s', None),
        'ź' | 'ż' | 'ž' => ('z', None),
        'ý' => ('y', None),
        'ř' => ('r', None),
        'ğ' => ('g', None),
        // What remains of a Turkish capital.
        '\u{307}' => return None.into_iter().chain(None),
        'ß' => ('s', Some('s')),
        'æ' => ('a', Some('e')),
        other => (other, None),
    };
    Some(first).into_iter().chain(second)
}
