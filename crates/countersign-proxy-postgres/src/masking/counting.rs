//! Does this statement do nothing but count? A number of rows holds no value, whatever was counted.

use super::form::{Token, tokens};

/// Whether the text is `SELECT count(*) [[AS] name] FROM …` and nothing that could bring in other rows: what stands
/// behind FROM only says which rows are counted. Everything that isn't known for certain is no.
pub(super) fn only_counts(text: &str) -> bool {
    let Some(tokens) = tokens(text) else { return false };
    let is_word = |token: &Token, word: &str| matches!(token, Token::Name(name) if name == word);
    let [select, count, Token::Sign(b'('), Token::Sign(b'*'), Token::Sign(b')'), rest @ ..] =
        tokens.as_slice()
    else {
        return false;
    };
    let counts = is_word(select, "select") && is_word(count, "count");
    let rest = match rest {
        [r#as, Token::Name(_) | Token::Quoted(_), rest @ ..] if is_word(r#as, "as") => rest,
        rest => rest,
    };
    let others = ["union", "intersect", "except", "into"];
    let sole =
        |token: &Token| *token != Token::Sign(b';') && !others.iter().any(|other| is_word(token, other));
    let rest = rest.strip_suffix(&[Token::Sign(b';')]).unwrap_or(rest);
    counts && rest.first().is_some_and(|first| is_word(first, "from")) && rest.iter().all(sole)
}
