//! How does the gateway log in at the protected server, with a credential that the client never sees?
//!
//! The password leaves in clear only where nobody can listen, and a login by SCRAM counts only when the server has
//! proved that it knows the password too.

mod reach;
mod sasl;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::path::PathBuf;

use postgres_protocol::authentication::md5_hash;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::message::{self, Message, ReadError};
use super::secret::Secret;
use crate::codec::back::{Authentication, Back, Fault};
use crate::codec::frame::{Rule, Rules};
use crate::codec::put;
use crate::codec::startup::{self, ProtocolVersion, Startup};
use crate::codec::{ServerKey, SqlState, TransactionStatus, WireError};
use crate::tls::UpstreamTls;
use crate::wire::Wire;
use sasl::Scram;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Name or address, and port.
    Tcp {
        /// A name to look up, or an address. `verify-full` looks for it in the certificate.
        host: String,
        /// 5432 unless somebody chose another.
        port: u16,
    },
    /// File of a Unix socket. TLS is never used here, whatever the mode.
    Unix(PathBuf),
}

impl Place {
    /// As libpq reads it: a host that begins with `/` is the folder of a Unix socket.
    pub fn new(host: &str, port: u16) -> Self {
        if host.starts_with('/') {
            Self::Unix(PathBuf::from(host).join(format!(".s.PGSQL.{port}")))
        } else {
            Self::Tcp { host: host.to_owned(), port }
        }
    }
}

/// A database and the credential for it.
#[derive(Debug, Clone)]
pub struct UpstreamAddress {
    /// Where it listens.
    pub place: Place,
    /// Its name there.
    pub database: String,
    /// The gateway's user there.
    pub user: String,
    /// That user's password; none where a certificate or the server's trust is enough.
    pub password: Option<Secret>,
    /// How encryption is demanded.
    pub tls: UpstreamTls,
    /// What the server shows as the name of the application.
    pub application_name: Option<String>,
    /// Newest protocol to ask for. 3.0 is what everything in between understands; 3.2 gives longer cancel keys.
    pub protocol: ProtocolVersion,
}

/// A server that waits for the first statement.
#[derive(Debug)]
pub struct Upstream {
    /// The connection; nothing is left over in any buffer.
    pub wire: Wire,
    /// Settings that the server reported, in its order, for the client.
    pub parameter_status: Vec<(String, String)>,
    /// How to cancel what runs here. Some poolers give none.
    pub backend_key: Option<ServerKey>,
    /// Version that the server agreed to.
    pub protocol: ProtocolVersion,
    /// What `ReadyForQuery` said.
    pub ready_status: TransactionStatus,
}

/// Why the gateway did not get in. The texts are for the gateway's own log, never for a client: see
/// [`deny::upstream`](super::deny::upstream).
#[derive(Debug, thiserror::Error)]
pub enum UpstreamLoginError {
    /// The time was over.
    #[error("the server took too long to log in")]
    TooSlow,
    /// Nobody listens there, or the name is unknown.
    #[error("connecting to the server")]
    Unreachable(#[source] io::Error),
    /// The connection broke during the login.
    #[error("talking to the server")]
    Lost(#[from] io::Error),
    /// The server offers no TLS, and the mode demands it.
    #[error("the server offers no TLS, which `{0}` demands")]
    NoTls(&'static str),
    /// The TLS handshake failed: most often a certificate that no root has signed, or for another name.
    #[error("agreeing on TLS with the server")]
    Tls(#[source] io::Error),
    /// The host is no name that a certificate could be for.
    #[error("`{0}` is no host name")]
    HostName(String),
    /// The server refused.
    #[error("the server refused the login with {code}: {message}")]
    Refused {
        /// Its SQLSTATE; `XX000` when it gave none.
        code: SqlState,
        /// Its message.
        message: String,
        /// Its hint.
        hint: Option<String>,
    },
    /// The server asks for a password, and none is configured.
    #[error("the server asks for a password and none is configured")]
    PasswordMissing,
    /// The server asks for the password in clear over a network.
    #[error("the server asks for the password in clear on a connection that is not encrypted")]
    PasswordInClear,
    /// The server asks for a login that the gateway does not speak.
    #[error("the server asks for a login by `{0}`, which is not supported")]
    Method(String),
    /// The server could not prove that it knows the password: it is another one, or the password is wrong there.
    #[error("the server did not prove that it knows the password")]
    Impostor(#[source] io::Error),
    /// The server let the gateway in before its login was complete.
    #[error("the server skipped a part of the login")]
    Skipped,
    /// The server broke the protocol.
    #[error("the server broke the protocol")]
    Wire(#[from] WireError),
}

impl UpstreamLoginError {
    /// The server's SQLSTATE, when it was the server that refused.
    pub fn code(&self) -> Option<SqlState> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    fn refused(fault: Fault<'_>) -> Self {
        let code = fault.code().unwrap_or(SqlState::INTERNAL_ERROR);
        Self::Refused { code, message: fault.message().into_owned(), hint: fault.hint().map(Into::into) }
    }
}

impl From<ReadError> for UpstreamLoginError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Lost(error) => error.into(),
            ReadError::Wire(error) => error.into(),
        }
    }
}

/// Connects and logs in. `parameters` are further start-up parameters (`client_encoding`, `options`, …); those that the
/// address states (`user`, `database`, `application_name`, `replication`) are taken from it alone. `deadline` ends when
/// the time is over.
///
/// # Errors
/// [`UpstreamLoginError`]; nothing was executed.
pub async fn connect(
    address: &UpstreamAddress,
    parameters: &[(String, String)],
    deadline: impl Future<Output = ()>,
) -> Result<Upstream, UpstreamLoginError> {
    let login = async {
        let wire = reach::reach(&address.place, &address.tls).await?;
        let may_tell = wire.is_private();
        log_in(wire, address, parameters, may_tell).await
    };
    tokio::select! {
        biased;
        upstream = login => upstream,
        () = deadline => Err(UpstreamLoginError::TooSlow),
    }
}

/// Asks the server to cancel what the connection with this key does. Servers answer nothing; the cancel has been looked
/// at when they close the connection.
///
/// # Errors
/// [`UpstreamLoginError`] when the server can't be reached. That says nothing about the statement.
pub async fn cancel(
    address: &UpstreamAddress,
    key: &ServerKey,
    deadline: impl Future<Output = ()>,
) -> Result<(), UpstreamLoginError> {
    let request = async {
        let mut wire = reach::reach(&address.place, &address.tls).await?;
        let mut out = Vec::new();
        startup::encode_cancel(key, &mut out)?;
        wire.write_all(&out).await?;
        wire.flush().await?;
        // Some close without ending TLS first, which is as good an end as any.
        drop(wire.read(&mut [0]).await);
        Ok(())
    };
    tokio::select! {
        biased;
        done = request => done,
        () = deadline => Err(UpstreamLoginError::TooSlow),
    }
}

/// `may_tell` says whether a password may be sent in clear.
async fn log_in(
    mut wire: Wire,
    address: &UpstreamAddress,
    parameters: &[(String, String)],
    may_tell: bool,
) -> Result<Upstream, UpstreamLoginError> {
    let mut out = Vec::new();
    startup::encode(&opening(address, parameters), &mut out)?;
    send(&mut wire, &out).await?;
    let mut login = Login { wire, address, may_tell, protocol: address.protocol };
    login.authenticate().await?;
    login.settle().await
}

fn opening(address: &UpstreamAddress, parameters: &[(String, String)]) -> Startup {
    const STATED: [&str; 4] = ["user", "database", "application_name", "replication"];
    let mut all =
        vec![("user".to_owned(), address.user.clone()), ("database".to_owned(), address.database.clone())];
    all.extend(address.application_name.clone().map(|name| ("application_name".to_owned(), name)));
    all.extend(parameters.iter().filter(|(name, _)| !STATED.contains(&name.as_str())).cloned());
    Startup { version: address.protocol, parameters: all }
}

async fn send(wire: &mut Wire, bytes: &[u8]) -> Result<(), UpstreamLoginError> {
    wire.write_all(bytes).await?;
    wire.flush().await?;
    Ok(())
}

/// A login that is under way.
struct Login<'a> {
    wire: Wire,
    address: &'a UpstreamAddress,
    may_tell: bool,
    protocol: ProtocolVersion,
}

impl Login<'_> {
    /// Bounded: what a server sends before we are in is small.
    async fn read(&mut self) -> Result<Message, UpstreamLoginError> {
        const LIMIT: usize = 64 * 1024;
        let rules = Rules::nothing().with(b"RSKZENv", Rule::Whole { limit: LIMIT });
        let message = message::read(&mut self.wire, &rules).await?;
        match message.back()? {
            Back::Error(fault) => Err(UpstreamLoginError::refused(fault)),
            Back::NegotiateProtocolVersion { newest, .. } => {
                if newest > self.protocol || newest < ProtocolVersion::V3_0 {
                    return Err(WireError::Version { major: newest.major, minor: newest.minor }.into());
                }
                self.protocol = newest;
                Ok(message)
            }
            _ => Ok(message),
        }
    }

    /// Answers the server's questions until it says that we are in.
    async fn authenticate(&mut self) -> Result<(), UpstreamLoginError> {
        loop {
            let message = self.read().await?;
            let Back::Authentication(question) = message.back()? else {
                match message.tag {
                    b'N' | b'v' => continue,
                    other => return Err(WireError::Tag(other).into()),
                }
            };
            match question {
                Authentication::Ok => return Ok(()),
                Authentication::Cleartext if self.may_tell => {
                    let password = self.password()?.to_owned();
                    self.answer(password.as_bytes()).await?;
                }
                Authentication::Cleartext => return Err(UpstreamLoginError::PasswordInClear),
                Authentication::Md5(salt) => {
                    let (user, password) = (self.address.user.as_bytes(), self.password()?.as_bytes());
                    let hash = md5_hash(user, password, salt);
                    self.answer(hash.as_bytes()).await?;
                }
                Authentication::Sasl(offered) => return self.scram(&offered).await,
                Authentication::SaslContinue(_) | Authentication::SaslFinal(_) => {
                    return Err(UpstreamLoginError::Skipped);
                }
                Authentication::Other(code) => return Err(UpstreamLoginError::Method(code.to_string())),
            }
        }
    }

    fn password(&self) -> Result<&str, UpstreamLoginError> {
        self.address.password.as_ref().map(Secret::expose).ok_or(UpstreamLoginError::PasswordMissing)
    }

    /// A password, as it is or hashed.
    async fn answer(&mut self, password: &[u8]) -> Result<(), UpstreamLoginError> {
        let mut out = Vec::new();
        put::message(&mut out, b'p', |body| body.text(password))?;
        send(&mut self.wire, &out).await
    }

    /// From the offer to `AuthenticationOk`, in exactly the order of RFC 5802. The server's own proof is never left out.
    async fn scram(&mut self, offered: &[&str]) -> Result<(), UpstreamLoginError> {
        let (mut scram, first) = Scram::begin(offered, &self.wire, self.password()?)?;
        send(&mut self.wire, &first).await?;
        let message = self.read().await?;
        let Back::Authentication(Authentication::SaslContinue(challenge)) = message.back()? else {
            return Err(UpstreamLoginError::Skipped);
        };
        let proof = scram.prove(challenge)?;
        send(&mut self.wire, &proof).await?;
        let message = self.read().await?;
        let Back::Authentication(Authentication::SaslFinal(signature)) = message.back()? else {
            return Err(UpstreamLoginError::Skipped);
        };
        scram.verify(signature)?;
        match self.read().await?.back()? {
            Back::Authentication(Authentication::Ok) => Ok(()),
            _ => Err(UpstreamLoginError::Skipped),
        }
    }

    /// From `AuthenticationOk` to the first `ReadyForQuery`.
    async fn settle(mut self) -> Result<Upstream, UpstreamLoginError> {
        let (mut parameter_status, mut backend_key) = (Vec::new(), None);
        loop {
            let message = self.read().await?;
            match message.back()? {
                Back::ParameterStatus { name, value } => {
                    parameter_status.push((name.into_owned(), value.into_owned()));
                    if parameter_status.len() > SETTINGS_LIMIT {
                        return Err(WireError::Count(parameter_status.len()).into());
                    }
                }
                Back::BackendKeyData(key) => backend_key = Some(key),
                Back::Ready(ready_status) => {
                    let Self { wire, protocol, .. } = self;
                    return Ok(Upstream { wire, parameter_status, backend_key, protocol, ready_status });
                }
                Back::Notice(_) => {}
                _ => return Err(WireError::Tag(message.tag).into()),
            }
        }
    }
}

/// Settings that a server may report; PostgreSQL has some fifteen.
const SETTINGS_LIMIT: usize = 256;
