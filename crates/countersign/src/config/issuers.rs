//! Whose tokens are believed beside the gateway's own? `[[issuers]]`, each with its keys and what its claims mean.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use countersign_identity::{IssuerConfig, IssuerKind, KeySource, fetchable};
use toml::Spanned;

use super::fields::Fields;
use super::resource::DAY;

/// How long a token may live unless the configuration says otherwise.
const LIFETIME_SECONDS: u64 = DAY;
const LIFETIME_MAX_SECONDS: u64 = 30 * DAY;

pub(super) fn read(sections: Vec<Fields<'_>>, folder: &Path) -> Vec<IssuerConfig> {
    let (mut names, mut urls) = (BTreeSet::new(), BTreeSet::new());
    sections.into_iter().map(|section| issuer(section, folder, &mut names, &mut urls)).collect()
}

fn issuer(
    fields: Fields<'_>,
    folder: &Path,
    names: &mut BTreeSet<String>,
    urls: &mut BTreeSet<String>,
) -> IssuerConfig {
    let name = once(&fields, fields.string("name", "`agents add --issuer NAME` names it"), names);
    let issuer = fields.string("issuer", "write the URL that its tokens carry as `iss`, exactly");
    url(&fields, &issuer);
    let issuer = once(&fields, issuer, urls);
    let audience =
        fields.string("audience", "write what its tokens carry as `aud` when they are for this gateway");
    let keys = keys(fields.section("keys"), folder);
    let kind = kind(&fields, &issuer);
    let people = fields.boolean("people", false);
    let person_claim = fields.optional_string("person_claim");
    if let Some(claim) = person_claim.as_ref().filter(|_| !names_people(kind, people)) {
        let help =
            "write `people = true`, or a `kind` whose tokens name who started them (`github`, `gitlab`)";
        let message = "`person_claim` is of no use here: the tokens name no person";
        fields.problem(claim.span(), message, Some(help.to_owned()));
    }
    let lifetime = fields.integer("max_lifetime_seconds", LIFETIME_SECONDS, 60..=LIFETIME_MAX_SECONDS);
    fields.finish();
    IssuerConfig {
        name,
        issuer,
        audience: audience.into_inner(),
        keys,
        kind,
        people,
        person_claim: person_claim.map(Spanned::into_inner),
        max_lifetime: Duration::from_secs(lifetime),
    }
}

/// Whether tokens of this kind can name a person.
fn names_people(kind: IssuerKind, people: bool) -> bool {
    people || matches!(kind, IssuerKind::GitHub | IssuerKind::GitLab)
}

/// A text that no other issuer may have.
fn once(fields: &Fields<'_>, text: Spanned<String>, taken: &mut BTreeSet<String>) -> String {
    let said = text.get_ref();
    if !said.is_empty() && !taken.insert(said.clone()) {
        fields.problem(text.span(), format!("two issuers have `{said}`"), None);
    }
    text.into_inner()
}

fn url(fields: &Fields<'_>, url: &Spanned<String>) {
    let text = url.get_ref();
    // What is missing was told already.
    if text.is_empty() {
        return;
    }
    if let Err(problem) = fetchable(text) {
        let help = "write it as `https://issuer.example.com`";
        fields.problem(url.span(), format!("`{text}` can't be used: {problem}"), Some(help.to_owned()));
    }
}

fn keys(fields: Fields<'_>, folder: &Path) -> KeySource {
    let address = fields.optional_string("url");
    let file = fields.optional_string("file");
    let source = match (address, file) {
        (None, None) => KeySource::Discovery,
        (Some(address), None) => {
            url(&fields, &address);
            KeySource::Url(address.into_inner())
        }
        (None, Some(file)) => {
            let path = folder.join(file.get_ref());
            if let Err(error) = std::fs::metadata(&path) {
                let message = format!("the file `{}` can't be read: {error}", file.get_ref());
                fields.problem(file.span(), message, Some("it holds a JWK set".to_owned()));
            }
            KeySource::File(path)
        }
        (Some(_), Some(file)) => {
            let help = "write `keys = { url = \"…\" }` or `keys = { file = \"…\" }`, or neither: then they are where the issuer's discovery document says";
            fields.problem(file.span(), "`keys` has both `url` and `file`", Some(help.to_owned()));
            KeySource::Discovery
        }
    };
    fields.finish();
    source
}

fn kind(fields: &Fields<'_>, issuer: &str) -> IssuerKind {
    let Some(word) = fields.optional_string("kind") else { return IssuerKind::of(issuer) };
    let known = IssuerKind::ALL.into_iter().find(|kind| kind.word() == word.get_ref());
    known.unwrap_or_else(|| {
        let words = IssuerKind::ALL.map(|kind| format!("`{}`", kind.word())).join(", ");
        let message = format!("`{}` is no kind of issuer", word.get_ref());
        fields.problem(word.span(), message, Some(format!("use one of {words}")));
        IssuerKind::Oidc
    })
}
