//! How does this command get at the database, and what is said when it doesn't? What, where, and how to mend it.

use std::path::Path;

use countersign_console::visible_line;
use countersign_proxy_postgres::codec::startup::ProtocolVersion;
use countersign_proxy_postgres::discover::{self, Database, DiscoverError};
use countersign_proxy_postgres::login::Secret;
use countersign_proxy_postgres::login::upstream::{Place, UpstreamAddress, UpstreamLoginError};
use countersign_proxy_postgres::tls::{Identity, Roots, UpstreamTls};

use super::DiscoverArgs;
use super::address::Address;
use crate::cli::Failure;
use crate::out;

/// Looks at the database that `address` means.
pub(super) async fn look(address: &Address, args: &DiscoverArgs) -> Result<Database, Failure> {
    let upstream = UpstreamAddress {
        place: Place::new(&address.host, address.port),
        database: address.database.clone(),
        user: address.user.clone(),
        password: password(address, args.password_env.as_deref())?,
        tls: tls(address)?,
        application_name: Some("countersign discover".to_owned()),
        protocol: ProtocolVersion::V3_0,
    };
    let deadline = tokio::time::sleep(args.timeout);
    discover::look(&upstream, !args.no_sample, deadline).await.map_err(|error| failure(&error, address))
}

/// From the variable that was named, from the URL, or from where libpq's programs take it.
fn password(address: &Address, variable: Option<&str>) -> Result<Option<Secret>, Failure> {
    #[expect(clippy::disallowed_methods, reason = "where a password is found is configuration")]
    let read = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty()).map(Secret::new);
    match (variable, &address.password) {
        (Some(_), Some(_)) => Err(usage(
            "there is a password in the URL, and `--password-env` names another",
            "leave one of them out",
        )),
        (Some(name), None) => match read(name) {
            Some(secret) => Ok(Some(secret)),
            None => {
                let help = "export it, or name the variable that holds the password";
                Err(usage(&format!("the environment variable `{}` is not set", visible_line(name)), help))
            }
        },
        (None, Some(secret)) => {
            out::note(
                "warning: a password on the command line is seen by other programs and kept by the shell; \
                 use PGPASSWORD or `--password-env NAME`",
            );
            Ok(Some(secret.clone()))
        }
        (None, None) => Ok(read("PGPASSWORD")),
    }
}

fn tls(address: &Address) -> Result<UpstreamTls, Failure> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            let help = "give the path of a PEM file";
            usage(&format!("`{}` can't be read: {error}", visible_line(&path.display().to_string())), help)
        })
    };
    let roots = address.roots.as_deref().map(read).transpose()?;
    let certificate = address.certificate.as_deref().map(read).transpose()?;
    let key = address.key.as_deref().map(read).transpose()?;
    let identity = certificate.as_deref().zip(key.as_deref());
    let identity = identity.map(|(certificates, key)| Identity { certificates, key });
    UpstreamTls::new(address.tls, roots.as_deref().map_or(Roots::System, Roots::Pem), identity).map_err(
        |error| {
            let help = "`sslrootcert`, `sslcert` and `sslkey` name PEM files; the key must not be encrypted";
            usage(&format!("TLS can't be used: {}", out::chain(&error)), help)
        },
    )
}

/// Wrong usage: exit code 2.
pub(super) fn usage(message: &str, help: &str) -> Failure {
    Failure { text: format!("{message}\n    help: {help}"), code: 2 }
}

/// What a server says is made visible: it could be anybody's server.
fn failure(error: &DiscoverError, address: &Address) -> Failure {
    let place = address.place();
    let cause = visible_line(&out::chain(error));
    let help = match error {
        DiscoverError::Login(error) => login_help(error, address),
        DiscoverError::TooSlow => "give it more time with `--timeout 5m`".to_owned(),
        DiscoverError::Ask(_) => {
            "the role must be able to read the catalog; behind a pooler, connect to the server itself"
                .to_owned()
        }
        DiscoverError::Understand(_) => {
            "is this PostgreSQL itself, and no other database that speaks like it?".to_owned()
        }
        DiscoverError::TooOld(_) => "describe the resource by hand: docs/OPERATIONS.md says how".to_owned(),
    };
    Failure::new(format!("`{place}` could not be looked at: {cause}\n    help: {help}"))
}

fn login_help(error: &UpstreamLoginError, address: &Address) -> String {
    let user = visible_line(&address.user);
    match error {
        UpstreamLoginError::TooSlow => "is the address right, and does a firewall drop packets? `--timeout` waits longer".to_owned(),
        UpstreamLoginError::Unreachable(_) => "is the server running there, and are host and port right?".to_owned(),
        UpstreamLoginError::Lost(_) => "the server or something in front of it closed the connection; its log says why".to_owned(),
        UpstreamLoginError::NoTls(_) => "turn on `ssl` in postgresql.conf; `?sslmode=disable` only where nobody can listen".to_owned(),
        UpstreamLoginError::Tls(_) => {
            "give the authority that signed the server's certificate: `?sslmode=verify-full&sslrootcert=ca.pem`, \
             and use the host name that stands in the certificate"
                .to_owned()
        }
        UpstreamLoginError::HostName(_) => "use the host name that stands in the server's certificate".to_owned(),
        UpstreamLoginError::Refused { .. } => refused_help(error, &user),
        UpstreamLoginError::PasswordMissing => {
            format!("set PGPASSWORD to the password of `{user}`, or name another variable with `--password-env`")
        }
        UpstreamLoginError::PasswordInClear => "ask for encryption with `?sslmode=require`, or better `verify-full`".to_owned(),
        UpstreamLoginError::Method(_) => "let the server ask this role for SCRAM (`scram-sha-256` in pg_hba.conf)".to_owned(),
        UpstreamLoginError::Impostor(_) | UpstreamLoginError::Skipped => {
            "this may be another server than you think: check host and port, and use `sslmode=verify-full`".to_owned()
        }
        UpstreamLoginError::Wire(_) => "is this a PostgreSQL server? check host and port".to_owned(),
    }
}

fn refused_help(error: &UpstreamLoginError, user: &str) -> String {
    let code = error.code().map(|code| code.to_string()).unwrap_or_default();
    match code.as_str() {
        "28P01" => format!(
            "the password is not that of `{user}`; set PGPASSWORD, or name a variable with `--password-env`"
        ),
        "28000" => format!(
            "pg_hba.conf of the server does not let `{user}` in from here, or the role does not exist"
        ),
        "3D000" => "the database does not exist there; `psql -l` lists those that do".to_owned(),
        "53300" => "the server has no connection left; try again later".to_owned(),
        "57P03" => "the server is starting or stopping; try again in a moment".to_owned(),
        _ => "the server's log says more".to_owned(),
    }
}
