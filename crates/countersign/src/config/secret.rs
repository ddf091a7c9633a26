//! Where do credentials come from? From the environment or a file, named in the configuration, never written in it.

use std::path::Path;

use toml::Spanned;

use super::fields::Fields;

/// Resolves `env:NAME` and `file:PATH`; any other text is itself. Notes a problem when the reference leads nowhere.
pub(super) fn resolve(fields: &Fields<'_>, text: &Spanned<String>, folder: &Path) -> String {
    let found = if let Some(name) = text.get_ref().strip_prefix("env:") {
        #[expect(clippy::disallowed_methods, reason = "this is the configuration")]
        std::env::var(name)
            .map_err(|error| format!("the environment variable `{name}` can't be used: {error}"))
    } else if let Some(path) = text.get_ref().strip_prefix("file:") {
        std::fs::read_to_string(folder.join(path))
            .map(|secret| secret.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| format!("the file `{path}` can't be read: {error}"))
    } else {
        Ok(text.get_ref().clone())
    };
    found.unwrap_or_else(|message| {
        fields.problem(text.span(), message, Some("secrets are read once, at the start".to_owned()));
        String::new()
    })
}
