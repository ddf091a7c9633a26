//! How is a protected PostgreSQL database described, and how are its clients received? `[[resources]]` with
//! `protocol = "postgres"`, and `[postgres]`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use countersign_core::Resource;
use countersign_proxy_postgres::ResourceConfig;
use countersign_proxy_postgres::codec::startup::ProtocolVersion;
use countersign_proxy_postgres::login::Secret;
use countersign_proxy_postgres::login::client::ClientRules;
use countersign_proxy_postgres::login::upstream::{Place, UpstreamAddress};
use countersign_proxy_postgres::tls::{self, Identity, Roots, TlsMode, UpstreamTls};
use rustls::ServerConfig;
use toml::Spanned;

use super::fields::Fields;
use super::resource::DAY;
use super::{address, secret};

/// What the gateway shows as the name of the application when the client names none.
const APPLICATION: &str = "countersign";
const MODES: &str = "one of `disable`, `prefer`, `require`, `verify-ca`, `verify-full`";

/// How clients of all databases are received.
#[derive(Debug)]
pub(crate) struct PostgresListener {
    pub(crate) listen: SocketAddr,
    pub(crate) rules: ClientRules,
}

pub(super) fn listener(fields: Fields<'_>, folder: &Path) -> PostgresListener {
    let listen = address(&fields, "127.0.0.1:8812");
    let plain_passwords = fields.boolean("plain_passwords", false);
    let certificate_and_password = fields.boolean("certificate_and_password", false);
    let certificate = fields.optional_string("certificate");
    let key = fields.optional_string("key");
    let authorities = fields.optional_string("client_ca");
    if certificate_and_password && authorities.is_none() {
        let help = "write `client_ca = \"company-ca.crt\"` as well";
        let message = "`certificate_and_password` needs to know whose certificates are good";
        fields.problem(fields.span(), message, Some(help.to_owned()));
    }
    let tls = match (certificate, key) {
        (None, None) => {
            if let Some(authorities) = authorities {
                let help = "write `certificate = \"server.crt\"` and `key = \"server.key\"` as well";
                let message = "clients can show certificates only where TLS is offered";
                fields.problem(authorities.span(), message, Some(help.to_owned()));
            }
            None
        }
        (Some(certificate), Some(key)) => {
            offered(&fields, folder, (&certificate, &key, authorities.as_ref()))
        }
        (Some(one), None) | (None, Some(one)) => {
            let help = "write both `certificate = \"server.crt\"` and `key = \"server.key\"`";
            fields.problem(one.span(), "TLS needs a certificate and its key", Some(help.to_owned()));
            None
        }
    };
    fields.finish();
    PostgresListener { listen, rules: ClientRules { tls, plain_passwords, certificate_and_password } }
}

/// The files of the certificate, its key, and those who vouch for clients.
type TlsFiles<'a> = (&'a Spanned<String>, &'a Spanned<String>, Option<&'a Spanned<String>>);

fn offered(fields: &Fields<'_>, folder: &Path, files: TlsFiles<'_>) -> Option<Arc<ServerConfig>> {
    let (certificate, key, authorities) = files;
    let certificates = file(fields, certificate, folder);
    let key = file(fields, key, folder);
    let authorities = authorities.map(|path| file(fields, path, folder));
    let identity = Identity { certificates: &certificates, key: &key };
    let config = match authorities {
        Some(authorities) => tls::server_that_asks(identity, &authorities),
        None => tls::server(identity),
    };
    config
        .map_err(|error| fields.problem(certificate.span(), format!("TLS can't be offered: {error}"), None))
        .ok()
}

pub(super) fn database(fields: Fields<'_>, folder: &Path, resource: Resource) -> ResourceConfig {
    let upstream = upstream(fields.section("upstream"), folder, &resource.name);
    let preview = preview(fields.section("preview"), folder, &upstream);
    let mut config = ResourceConfig::new(resource, upstream);
    config.preview = preview;
    let margin = fields.integer("margin_percent", u64::from(config.margin_percent), 0..=100);
    config.margin_percent = u8::try_from(margin).unwrap_or(config.margin_percent);
    config.hold = fields.seconds("hold_seconds", config.hold, DAY);
    config.hold_in_transaction =
        fields.seconds("hold_in_transaction_seconds", config.hold.min(config.hold_in_transaction), DAY);
    let connections = u64::try_from(config.connections_per_agent).unwrap_or(u64::MAX);
    let connections = fields.integer("connections_per_agent", connections, 1..=10_000);
    config.connections_per_agent = usize::try_from(connections).unwrap_or(config.connections_per_agent);
    fields.finish();
    config
}

fn upstream(fields: Fields<'_>, folder: &Path, name: &str) -> UpstreamAddress {
    let help =
        "write `upstream = { host = \"db.internal\", user = \"countersign\", password = \"env:PASSWORD\" }`";
    let host = fields.string("host", help).into_inner();
    let port = fields.integer("port", 5432, 1..=65_535);
    let database = fields.optional_string("database").map_or_else(|| name.to_owned(), Spanned::into_inner);
    let user = fields.string("user", help).into_inner();
    let password = fields.optional_string("password");
    let password = password.map(|text| Secret::new(secret::resolve(&fields, &text, folder)));
    let address = UpstreamAddress {
        place: Place::new(&host, u16::try_from(port).unwrap_or(5432)),
        database,
        user,
        password,
        tls: upstream_tls(&fields, folder),
        application_name: Some(APPLICATION.to_owned()),
        protocol: ProtocolVersion::V3_0,
    };
    fields.finish();
    address
}

/// The same database with another role.
fn preview(fields: Fields<'_>, folder: &Path, upstream: &UpstreamAddress) -> Option<UpstreamAddress> {
    let user = fields.optional_string("user");
    let password = fields.optional_string("password");
    if let (None, Some(password)) = (&user, &password) {
        let help =
            "write `preview = { user = \"countersign_preview\", password = \"env:PREVIEW_PASSWORD\" }`";
        fields.problem(password.span(), "this password is of no `user`", Some(help.to_owned()));
    }
    let password = password.map(|text| Secret::new(secret::resolve(&fields, &text, folder)));
    let address = user.map(|user| UpstreamAddress { user: user.into_inner(), password, ..upstream.clone() });
    fields.finish();
    address
}

/// Nothing said means `prefer`, as in libpq; whatever the mode, a password leaves in clear only where nobody can listen.
fn upstream_tls(fields: &Fields<'_>, folder: &Path) -> UpstreamTls {
    let word = fields.optional_string("tls");
    let roots = fields.optional_string("roots").map(|path| file(fields, &path, folder));
    let certificate = fields.optional_string("certificate").map(|path| file(fields, &path, folder));
    let key = fields.optional_string("key").map(|path| file(fields, &path, folder));
    let span = word.as_ref().map_or_else(|| fields.span(), Spanned::span);
    let text = word.as_ref().map_or("prefer", |word| word.get_ref().as_str());
    let Some(mode) = TlsMode::from_word(text) else {
        fields.problem(span, format!("`{text}` is not a way of TLS"), Some(format!("use {MODES}")));
        return UpstreamTls::disabled();
    };
    let roots = roots.as_deref().map_or(Roots::System, Roots::Pem);
    let identity = certificate.as_deref().zip(key.as_deref());
    let identity = identity.map(|(certificates, key)| Identity { certificates, key });
    UpstreamTls::new(mode, roots, identity).unwrap_or_else(|error| {
        fields.problem(span, format!("TLS towards the database can't be used: {error}"), None);
        UpstreamTls::disabled()
    })
}

fn file(fields: &Fields<'_>, path: &Spanned<String>, folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join(path.get_ref())).unwrap_or_else(|error| {
        fields.problem(path.span(), format!("the file `{}` can't be read: {error}", path.get_ref()), None);
        Vec::new()
    })
}
