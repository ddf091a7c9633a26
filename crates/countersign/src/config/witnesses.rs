//! Who cosigns the ledger, and where are they asked? `[[ledger.witnesses]]`.

use countersign_identity::fetchable;
use countersign_ledger::note::{Algorithm, VerifierKey};
use toml::Spanned;

use super::fields::Fields;

/// As many as a policy may ask for.
const WITNESSES_MAX: usize = 8;

/// One witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WitnessAt {
    /// The key with which it cosigns.
    pub(crate) key: VerifierKey,
    /// Where it is asked, without `/add-checkpoint` and without a slash at the end.
    pub(crate) url: String,
}

pub(super) fn read(sections: Vec<Fields<'_>>) -> Vec<WitnessAt> {
    let mut known: Vec<WitnessAt> = Vec::new();
    for fields in sections {
        if known.len() == WITNESSES_MAX {
            fields.problem(fields.span(), format!("more than {WITNESSES_MAX} witnesses"), None);
            return known;
        }
        let key = fields.string("key", "write what `countersign witness key` prints where the witness runs");
        let url =
            fields.string("url", "write where the witness is asked, like `https://witness.example.com`");
        let read = (verifier_key(&fields, &key), prefix(&fields, &url));
        if let (Some(key), Some(url)) = read {
            // Each counts once, whatever it is called and wherever it is asked.
            let taken = known.iter().any(|other| {
                other.key.name() == key.name() || other.key.public() == key.public() || other.url == url
            });
            if taken {
                let message = "two witnesses have the same name, key or URL".to_owned();
                let help = "each must be another one: two that are one would count twice";
                fields.problem(fields.span(), message, Some(help.to_owned()));
            }
            known.push(WitnessAt { key, url });
        }
        fields.finish();
    }
    known
}

/// `None` when it isn't one, which was told.
fn verifier_key(fields: &Fields<'_>, text: &Spanned<String>) -> Option<VerifierKey> {
    // What is missing was told already.
    if text.get_ref().is_empty() {
        return None;
    }
    let key: Result<VerifierKey, _> = text.get_ref().parse();
    let problem = match key {
        Ok(key) if key.algorithm() == Algorithm::CosignatureV1 => return Some(key),
        Ok(_) => "it is a log's key, not a witness's".to_owned(),
        Err(error) => error.to_string(),
    };
    let help = "`countersign witness key --state FOLDER` prints it where the witness runs";
    fields.problem(text.span(), format!("`key` can't be used: {problem}"), Some(help.to_owned()));
    None
}

fn prefix(fields: &Fields<'_>, text: &Spanned<String>) -> Option<String> {
    let url = text.get_ref().trim_end_matches('/');
    if url.is_empty() {
        return None;
    }
    let problem = match fetchable(url) {
        Ok(()) if !url.contains('?') => return Some(url.to_owned()),
        Ok(()) => "it has a query".to_owned(),
        Err(problem) => problem.to_string(),
    };
    let help = "write it as `https://witness.example.com`, without `/add-checkpoint`";
    fields.problem(text.span(), format!("`{url}` can't be used: {problem}"), Some(help.to_owned()));
    None
}
