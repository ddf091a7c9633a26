//! Where do copies of the ledger's entries go? `[[exports]]`, each with a form, a place, and what it may show.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use countersign_export::{CONTENT_NAMES, Disclosure, LineFormat};
use countersign_policy::nearest;
use toml::Spanned;

use super::fields::Fields;
use super::secret;
use crate::export::{Export, Form, Place, Token};

const FORMATS: [(&str, Form); 4] = [
    ("json", Form::Lines(LineFormat::Json)),
    ("ocsf", Form::Lines(LineFormat::Ocsf)),
    ("cef", Form::Lines(LineFormat::Cef)),
    ("otlp", Form::Otlp),
];

pub(super) fn read(sections: Vec<Fields<'_>>, folder: &Path) -> Vec<Export> {
    let mut names = BTreeSet::new();
    sections.into_iter().filter_map(|section| export(section, folder, &mut names)).collect()
}

/// `None` when there is no telling what was meant; a problem is noted then.
fn export(fields: Fields<'_>, folder: &Path, names: &mut BTreeSet<String>) -> Option<Export> {
    let name = name(&fields, names);
    let word = fields.string("format", "write `json`, `ocsf`, `otlp` or `cef`");
    let form = FORMATS.iter().find(|(known, _)| known == word.get_ref()).map(|(_, form)| *form);
    if form.is_none() && !word.get_ref().is_empty() {
        let message = format!("`{}` is no format of exports", word.get_ref());
        fields.problem(word.span(), message, Some("use `json`, `ocsf`, `otlp` or `cef`".to_owned()));
    }
    let disclosure = disclosure(&fields);
    let place = place(&fields, folder, &disclosure);
    if let (Some(form), Some(place)) = (form, &place) {
        fits(&fields, &word, form, place);
    }
    let from_start = match fields.optional_string("from") {
        Some(text) if text.get_ref() == "start" => true,
        Some(text) if text.get_ref() != "now" => {
            let message = format!("`from` can't be `{}`", text.get_ref());
            let help = "write `start` for all that the ledger holds, or `now`";
            fields.problem(text.span(), message, Some(help.to_owned()));
            false
        }
        _ => false,
    };
    fields.finish();
    Some(Export { name, form: form?, place: place?, disclosure, from_start })
}

fn name(fields: &Fields<'_>, names: &mut BTreeSet<String>) -> String {
    let name = fields.string("name", "its place in the ledger is kept under this name");
    let text = name.get_ref();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if !text.is_empty() && (!text.chars().all(plain) || text.len() > 64) {
        let help = "use up to 64 letters, digits, `-`, `_` and `.`";
        fields.problem(name.span(), format!("`{text}` can't be a name"), Some(help.to_owned()));
    }
    if !text.is_empty() && !names.insert(text.clone()) {
        fields.problem(name.span(), format!("two exports are called `{text}`"), None);
    }
    name.into_inner()
}

fn disclosure(fields: &Fields<'_>) -> Disclosure {
    let names = fields.strings("content").unwrap_or_default();
    for name in names.iter().filter(|name| !CONTENT_NAMES.contains(&name.get_ref().as_str())) {
        let help = match nearest(name.get_ref(), CONTENT_NAMES.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => "docs/LEDGER.md says which content entries have".to_owned(),
        };
        fields.problem(name.span(), format!("no entry has content `{}`", name.get_ref()), Some(help));
    }
    Disclosure::of(names.into_iter().map(Spanned::into_inner))
}

/// Exactly one of `file`, `url` and `syslog`.
fn place(fields: &Fields<'_>, folder: &Path, disclosure: &Disclosure) -> Option<Place> {
    let (file, url, syslog) =
        (fields.optional_string("file"), fields.optional_string("url"), fields.optional_string("syslog"));
    let token = fields.optional_string("token");
    if let Some(token) = token.as_ref().filter(|_| url.is_none()) {
        let help = "only `url` takes a `token`";
        fields.problem(token.span(), "`token` is of no use here", Some(help.to_owned()));
    }
    match (file, url, syslog) {
        (Some(file), None, None) => Some(Place::File(folder.join(file.into_inner()))),
        (None, Some(url), None) => {
            web_address(fields, &url, token.is_some() || !disclosure.is_empty());
            let token = token.map(|token| Token(secret::resolve(fields, &token, folder)));
            Some(Place::Url { url: url.into_inner(), token })
        }
        (None, None, Some(address)) => {
            syslog_address(fields, &address, disclosure);
            Some(Place::Syslog(address.into_inner()))
        }
        _ => {
            let help = "write `file = \"audit.ndjson\"`, `url = \"https://…\"` or `syslog = \"host:port\"`";
            let message = "an export needs exactly one of `file`, `url` and `syslog`";
            fields.problem(fields.span(), message, Some(help.to_owned()));
            None
        }
    }
}

/// An address that can be posted to. What is secret does not cross a network in the clear.
fn web_address(fields: &Fields<'_>, url: &Spanned<String>, is_secret: bool) {
    let uri: Option<http::Uri> = url.get_ref().parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let scheme = uri.as_ref().and_then(http::Uri::scheme_str).unwrap_or_default();
    let odd = uri.as_ref().and_then(http::Uri::authority).is_none_or(|it| it.as_str().contains('@'));
    if host.is_empty() || odd || !matches!(scheme, "http" | "https") {
        let message = format!("`{}` is not an `http` or `https` URL", url.get_ref());
        let help = "write it as `https://collector.example.com/v1/logs`; a credential belongs into `token`";
        fields.problem(url.span(), message, Some(help.to_owned()));
    } else if scheme == "http" && is_secret && !is_this_machine(host) {
        let help = "use `https`, or send leaves alone: without `token` and `content`";
        let message =
            format!("`{}` would carry a token or content across the network in the clear", url.get_ref());
        fields.problem(url.span(), message, Some(help.to_owned()));
    }
}

fn syslog_address(fields: &Fields<'_>, address: &Spanned<String>, disclosure: &Disclosure) {
    let parts = address.get_ref().rsplit_once(':');
    let parts =
        parts.filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
    let Some((host, _)) = parts else {
        let message = format!("`{}` is not a host and a port", address.get_ref());
        fields.problem(address.span(), message, Some("write it as `syslog.example.com:601`".to_owned()));
        return;
    };
    if !disclosure.is_empty() && !is_this_machine(host) {
        let message = format!("`{}` would get content across the network in the clear", address.get_ref());
        let help = "send to a relay on this machine that forwards over TLS, or leave out `content`";
        fields.problem(address.span(), message, Some(help.to_owned()));
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Not every form goes everywhere.
fn fits(fields: &Fields<'_>, word: &Spanned<String>, form: Form, place: &Place) {
    let help = match (form, place) {
        (Form::Otlp, Place::File(_) | Place::Syslog(_)) => {
            "`otlp` goes to a `url`, for example a collector's `/v1/logs`"
        }
        (Form::Lines(LineFormat::Cef), Place::Url { .. }) => "`cef` goes to `syslog` or a `file`",
        (Form::Lines(_), _) | (Form::Otlp, Place::Url { .. }) => return,
    };
    let message = format!("`{}` can't be sent there", word.get_ref());
    fields.problem(word.span(), message, Some(help.to_owned()));
}

#[cfg(test)]
mod tests;
