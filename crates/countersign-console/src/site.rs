//! Under which name do people reach the console? Everything that calls itself otherwise is turned away.

use http::{HeaderMap, Uri, header};

/// The public URL taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// For example `https://countersign.example`; what browsers send as `Origin`.
    origin: String,
    /// For example `countersign.example` or `localhost:8811`; what `Host` must say.
    host: String,
    /// Whether cookies may be `Secure` and carry the `__Host-` prefix.
    pub(crate) secure: bool,
}

impl Site {
    /// From the configured public URL. One without a scheme matches no request at all: doubt refuses.
    pub(crate) fn of(public_url: &str) -> Self {
        let (scheme, rest) = public_url.split_once("://").unwrap_or(("", ""));
        let host = rest.split('/').next().unwrap_or("").to_ascii_lowercase();
        let scheme = scheme.to_ascii_lowercase();
        let host = match scheme.as_str() {
            "https" => host.strip_suffix(":443").unwrap_or(&host).to_owned(),
            _ => host.strip_suffix(":80").unwrap_or(&host).to_owned(),
        };
        Self { origin: format!("{scheme}://{host}"), host, secure: scheme == "https" }
    }

    /// Whether the request was sent to this name. Guards against DNS rebinding: a foreign name that resolves to
    /// our address still says its own name here.
    pub(crate) fn is_addressed(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let named = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            (None, _) => uri.authority().map(http::uri::Authority::as_str),
            (Some(_), Some(_)) => None,
        };
        !self.host.is_empty() && named.is_some_and(|named| named.eq_ignore_ascii_case(&self.host))
    }

    /// What the browser says about where the request comes from.
    pub(crate) fn provenance(&self, headers: &HeaderMap) -> Provenance {
        let origin = headers.get(header::ORIGIN).map(|origin| origin.as_bytes() == self.origin.as_bytes());
        let fetch = headers.get("sec-fetch-site").map(|site| site.as_bytes() == b"same-origin");
        match (origin, fetch) {
            (Some(false), _) | (_, Some(false)) => Provenance::Elsewhere,
            (Some(true), _) | (_, Some(true)) => Provenance::Here,
            (None, None) => Provenance::Unsaid,
        }
    }
}

/// Where a request comes from, as far as the browser says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// From a page of this console.
    Here,
    /// From another site, or from a page that hides where it is.
    Elsewhere,
    /// Nothing was said, so it isn't a current browser.
    Unsaid,
}

/// A path of this console to go on to, when `next` is one; anything that could lead elsewhere becomes `/`.
pub(crate) fn local_path(next: Option<&str>) -> &str {
    next.filter(|next| {
        let mut bytes = next.bytes();
        bytes.next() == Some(b'/')
            && !matches!(bytes.next(), Some(b'/' | b'\\'))
            && next.len() <= 1024
            && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    })
    .unwrap_or("/")
}

#[cfg(test)]
mod tests;
