//! Which origin and which relying party are we? Both come from the public URL of the people listener.

use crate::webauthn::RelyingParty;

/// Why the public URL can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the public URL `{url}` {problem}; write it like `https://countersign.example` or `http://localhost:8443`"
)]
pub struct PublicUrlError {
    url: String,
    problem: &'static str,
}

/// The relying party at `url`, or `None` where browsers offer no passkeys: without TLS (but for `localhost`) and
/// at bare IP addresses.
pub(crate) fn relying_party(url: &str) -> Result<Option<RelyingParty>, PublicUrlError> {
    let refuse = |problem| PublicUrlError { url: url.chars().take(200).collect(), problem };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| refuse("has no scheme"))?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return Err(refuse("is neither `http` nor `https`")),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(refuse("holds a user name"));
    }
    let (host, port) = split_port(authority).ok_or_else(|| refuse("has a port that is not a number"))?;
    let host = host.to_ascii_lowercase();
    if !is_host(&host) {
        return Err(refuse("has no host that browsers would accept"));
    }
    if host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return Ok(None);
    }
    let local = host == "localhost" || host.ends_with(".localhost");
    if scheme == "http" && !local {
        return Ok(None);
    }
    let origin = match port {
        Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    };
    Ok(Some(RelyingParty { id: host, origin }))
}

/// Host and port; an IPv6 address keeps its brackets. `None` when there is a port that isn't one.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_address = authority.rfind(']').map_or(0, |end| end.saturating_add(1));
    let colon = authority.get(after_address..)?.rfind(':').map(|at| at.saturating_add(after_address));
    match colon {
        None => Some((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at_checked(colon)?;
            let port = port.strip_prefix(':')?;
            Some((host, Some(port.parse().ok()?)))
        }
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
        })
}

#[cfg(test)]
mod tests;
