//! What is the ledger called, who signs it, and where does a copy of its head go? `[ledger]`.

use std::path::{Path, PathBuf};

use countersign_console::Auditors;

use super::fields::Fields;
use super::secret;
use super::witnesses::{self, WitnessAt};

/// How the ledger presents itself.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// The log's name when its key is first made; later the key has it.
    pub(crate) origin: String,
    /// The file with the signing key; made at the first start.
    pub(crate) key: PathBuf,
    /// The file with the key that wraps those of the content; made at the first start.
    pub(crate) content_key: PathBuf,
    /// Where a copy of the newest published checkpoint is kept.
    pub(crate) checkpoint_file: PathBuf,
    /// Who may read the log over HTTP.
    pub(crate) auditors: Auditors,
    /// Who cosigns it.
    pub(crate) witnesses: Vec<WitnessAt>,
}

pub(super) fn read(fields: Fields<'_>, folder: &Path, state: &Path, public_url: &str) -> Ledger {
    let origin = match fields.optional_string("origin") {
        Some(text) => {
            let bad = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '+';
            if text.get_ref().is_empty() || text.get_ref().contains(bad) {
                let message = format!("`{}` is not a log's origin", text.get_ref());
                let help = "write it like `countersign.example.com/ledger`: no blanks, no `+`";
                fields.problem(text.span(), message, Some(help.to_owned()));
            }
            text.into_inner()
        }
        None => {
            let host = public_url.split_once("://").map_or(public_url, |(_, host)| host);
            format!("{host}/ledger")
        }
    };
    let file = |name, otherwise: &str| match fields.optional_string(name) {
        Some(path) => folder.join(path.into_inner()),
        None => state.join(otherwise),
    };
    let key = file("key", "log.key");
    let content_key = file("content_key", "content.key");
    let checkpoint_file = file("checkpoint_file", "checkpoint");
    let auditors = auditors(&fields, folder);
    let witnesses = witnesses::read(fields.sections("witnesses"));
    fields.finish();
    Ledger { origin, key, content_key, checkpoint_file, auditors, witnesses }
}

fn auditors(fields: &Fields<'_>, folder: &Path) -> Auditors {
    let mut tokens = Vec::new();
    for reference in fields.strings("auditors").unwrap_or_default() {
        let token = secret::resolve(fields, &reference, folder);
        let found = !token.is_empty();
        if found && token.chars().count() < Auditors::TOKEN_MIN_CHARS {
            let message = format!("an auditor's token has at least {} characters", Auditors::TOKEN_MIN_CHARS);
            let help = "make one with `openssl rand -base64 32`, and name it as `env:NAME` or `file:PATH`";
            fields.problem(reference.span(), message, Some(help.to_owned()));
        }
        tokens.push(token);
    }
    Auditors::with(tokens.iter().map(String::as_str).filter(|token| !token.is_empty()))
}
