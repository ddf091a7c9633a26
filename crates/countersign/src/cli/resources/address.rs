//! Which database does a `postgres://` URL mean? Read as libpq reads it, except that what is left out is asked for
//! instead of guessed. No message ever quotes the URL, because there may be a password in it.

use std::path::PathBuf;

use countersign_proxy_postgres::login::Secret;
use countersign_proxy_postgres::tls::TlsMode;

/// What a URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    pub(super) tls: TlsMode,
    /// PEM files: `sslrootcert`, `sslcert`, `sslkey`.
    pub(super) roots: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    /// Parameters without a meaning here.
    pub(super) ignored: Vec<String>,
}

/// Why a text means no database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error(
        "that is no URL of a PostgreSQL database: it begins with neither `postgres://` nor `postgresql://`"
    )]
    Scheme,
    #[error("the URL has more than one `@` before the database: write `@` as `%40` in a name or password")]
    TwoAts,
    #[error("the URL names no {0}")]
    Missing(&'static str),
    #[error("the URL names several servers; one at a time")]
    Several,
    #[error("the port in the URL is no number from 1 to 65535")]
    Port,
    #[error(
        "a `%` in the URL is not followed by two hexadecimal digits, or does not spell UTF-8: write `%` as `%25`"
    )]
    Percent,
    #[error("`sslmode` must be one of `disable`, `prefer`, `require`, `verify-ca`, `verify-full`")]
    Mode,
    #[error("`sslcert` and `sslkey` belong together")]
    HalfIdentity,
    #[error("the password does not belong behind the `?`: write it before the `@`, or set PGPASSWORD")]
    PasswordParameter,
    #[error(
        "the URL has a parameter that is not known here; known are `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `host` and `port`"
    )]
    Parameter,
}

/// What libpq knows and what changes nothing about which database it is.
const IGNORED: [&str; 8] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "keepalives",
    "keepalives_idle",
    "sslsni",
    "target_session_attrs",
];

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or(AddressError::Scheme)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (login, server) = match authority.split_once('@') {
            Some((_, server)) if server.contains('@') => return Err(AddressError::TwoAts),
            Some(split) => split,
            None => ("", authority),
        };
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        let (host, port) = server_of(server)?;
        let password = password.map(decoded).transpose()?;
        let mut address = Self {
            host: decoded(host)?,
            port: port.map_or(Ok(5432), number)?,
            database: decoded(database)?,
            user: decoded(user)?,
            password: password.filter(|text| !text.is_empty()).map(Secret::new),
            tls: TlsMode::Prefer,
            roots: None,
            certificate: None,
            key: None,
            ignored: Vec::new(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            address.parameter(pair)?;
        }
        address.whole()
    }

    fn parameter(&mut self, pair: &str) -> Result<(), AddressError> {
        let (name, value) = pair.split_once('=').ok_or(AddressError::Parameter)?;
        let value = decoded(value)?;
        match name {
            "sslmode" => self.tls = TlsMode::from_word(&value).ok_or(AddressError::Mode)?,
            "sslrootcert" => self.roots = Some(value.into()),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            "host" if self.host.is_empty() => self.host = value,
            "port" => self.port = number(&value)?,
            "password" | "sslpassword" => return Err(AddressError::PasswordParameter),
            name if IGNORED.contains(&name) => self.ignored.push(name.to_owned()),
            _ => return Err(AddressError::Parameter),
        }
        Ok(())
    }

    fn whole(self) -> Result<Self, AddressError> {
        let needed = [(&self.host, "host"), (&self.user, "user"), (&self.database, "database")];
        if let Some((_, what)) = needed.into_iter().find(|(text, _)| text.is_empty()) {
            return Err(AddressError::Missing(what));
        }
        if self.host.contains(',') {
            return Err(AddressError::Several);
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Err(AddressError::HalfIdentity);
        }
        Ok(self)
    }

    /// For people: where, without who.
    pub(super) fn place(&self) -> String {
        let host = countersign_console::visible_line(&self.host);
        format!("{host}:{}", self.port)
    }
}

/// Host and port; a host in brackets is an IPv6 address.
fn server_of(server: &str) -> Result<(&str, Option<&str>), AddressError> {
    if server.contains(',') {
        return Err(AddressError::Several);
    }
    if let Some((host, after)) = server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(AddressError::Port),
        };
    }
    Ok(match server.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (server, None),
    })
}

fn number(text: &str) -> Result<u16, AddressError> {
    text.parse().ok().filter(|port| *port > 0).ok_or(AddressError::Port)
}

fn decoded(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let (high, low) = high.zip(low).ok_or(AddressError::Percent)?;
                u8::try_from(high * 16 + low).map_err(|_never| AddressError::Percent)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_bytes| AddressError::Percent)
}

#[cfg(test)]
mod tests;
