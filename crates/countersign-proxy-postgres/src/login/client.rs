//! How does a client get in? Encryption, start-up and password, within limits of bytes and time.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::deny;
use super::message::{self, ReadError};
use super::secret::Secret;
use crate::codec::back::{self, Complaint};
use crate::codec::frame::{Rule, Rules};
use crate::codec::startup::{First, ProtocolVersion, Startup, decode, stated_length};
use crate::codec::{ClientKey, TransactionStatus, WireError};
use crate::tls::ALPN;
use crate::wire::Wire;

/// Bytes that a password may have; tokens have some hundred, signed ones some thousand.
pub const PASSWORD_LIMIT: usize = 8 * 1024;

/// What the gateway demands before it listens.
#[derive(Debug, Clone, Default)]
pub struct ClientRules {
    /// Certificate for TLS; without one, TLS is answered with no.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether a password may come unencrypted from another machine. Off unless somebody says so.
    pub plain_passwords: bool,
    /// Whether every client has to show a certificate and give a password too. Otherwise whoever shows one is not asked
    /// for a password.
    pub certificate_and_password: bool,
}

/// Who came.
#[derive(Debug)]
pub enum Arrival {
    /// A client that has given a password or a certificate, which nobody has looked at yet. It waits for [`greet`] or [`deny::refuse`].
    Session(Box<ClientSession>),
    /// Somebody who wants to cancel what another connection does. Gets no answer; the connection is closed.
    Cancel(ClientKey),
}

/// A client before it is let in.
#[derive(Debug)]
pub struct ClientSession {
    /// The connection. Nothing of the session has been read from it yet.
    pub wire: Wire,
    /// Version that both speak: never newer than 3.2, nor than what was asked for.
    pub version: ProtocolVersion,
    /// User that it names. Only the password says who it is.
    pub user: String,
    /// Database that it wants; the user's name when it says none, as in PostgreSQL.
    pub database: String,
    /// All parameters of its start-up, each once.
    pub startup: Startup,
    /// What it gave as its password, when it was asked for one.
    pub password: Option<Secret>,
    /// The certificate that it showed, in DER. An authority of the configuration vouches for it.
    pub certificate: Option<Vec<u8>>,
}

/// Why nobody arrived. The client has been told where that makes sense.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// The time was over before the client had logged in.
    #[error("the client took too long to log in")]
    TooSlow,
    /// It left, or the connection broke. Port scanners and health checks look like this.
    #[error("the client left before it had logged in")]
    Left(#[source] io::Error),
    /// The TLS handshake failed.
    #[error("agreeing on TLS with the client")]
    Tls(#[source] io::Error),
    /// It was refused with this.
    #[error("the client was refused: {}", .0.message)]
    Refused(Box<Complaint<'static>>),
}

impl From<io::Error> for ArrivalError {
    fn from(error: io::Error) -> Self {
        Self::Left(error)
    }
}

impl From<Complaint<'static>> for ArrivalError {
    fn from(complaint: Complaint<'static>) -> Self {
        Self::Refused(Box::new(complaint))
    }
}

impl From<WireError> for ArrivalError {
    fn from(error: WireError) -> Self {
        deny::protocol_violation(&error).into()
    }
}

impl From<ReadError> for ArrivalError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Lost(error) => error.into(),
            ReadError::Wire(error) => error.into(),
        }
    }
}

/// Receives a client up to its password. `deadline` ends when its time is over.
///
/// # Errors
/// [`ArrivalError`]; the client has been told and the connection is closed.
pub async fn welcome(
    wire: Wire,
    rules: &ClientRules,
    deadline: impl Future<Output = ()>,
) -> Result<Arrival, ArrivalError> {
    let may_ask = rules.plain_passwords || wire.is_private();
    tokio::select! {
        biased;
        arrival = receive(wire, rules, may_ask) => arrival,
        () = deadline => Err(ArrivalError::TooSlow),
    }
}

/// `may_ask` says whether a password may be asked for without TLS.
async fn receive(wire: Wire, rules: &ClientRules, may_ask: bool) -> Result<Arrival, ArrivalError> {
    let mut door = Door::open(wire, rules).await?;
    loop {
        match door.step(rules, may_ask).await {
            Ok(Step::Encrypt(config)) => door = door.upgrade(&config).await?,
            Ok(Step::Cancel(key)) => {
                // A client that came by TLS takes an end without this for an attack.
                drop(door.wire.shutdown().await);
                return Ok(Arrival::Cancel(key));
            }
            Ok(Step::Enter(opening, password)) => return Ok(door.enter(opening, password)),
            Err(ArrivalError::Refused(complaint)) => {
                deny::refuse(door.wire, &complaint).await;
                return Err(ArrivalError::Refused(complaint));
            }
            Err(error) => return Err(error),
        }
    }
}

/// A connection on its way in.
struct Door {
    wire: Wire,
    /// TLS began without being asked for (PostgreSQL 17's `sslnegotiation=direct`).
    direct: bool,
    asked_for_tls: bool,
    asked_for_gss: bool,
}

/// What comes next.
enum Step {
    Encrypt(Arc<ServerConfig>),
    Cancel(ClientKey),
    Enter(Opening, Option<Secret>),
}

impl Door {
    /// Looks at the first byte, and begins TLS when it is that of a handshake.
    async fn open(wire: Wire, rules: &ClientRules) -> Result<Self, ArrivalError> {
        const HANDSHAKE: u8 = 0x16;
        let mut first = [0];
        if let Wire::Tcp(stream) = &wire {
            stream.peek(&mut first).await?;
        }
        let door = Self { wire, direct: false, asked_for_tls: false, asked_for_gss: false };
        match &rules.tls {
            Some(config) if first == [HANDSHAKE] => Ok(Self { direct: true, ..door.upgrade(config).await? }),
            _ => Ok(door),
        }
    }

    async fn upgrade(self, config: &Arc<ServerConfig>) -> Result<Self, ArrivalError> {
        let Wire::Tcp(stream) = self.wire else { return Ok(self) };
        let stream = TlsAcceptor::from(Arc::clone(config)).accept(stream).await.map_err(ArrivalError::Tls)?;
        Ok(Self { wire: Wire::Tls(Box::new(stream.into())), ..self })
    }

    /// Up to the next change of the connection, or to its end.
    async fn step(&mut self, rules: &ClientRules, may_ask: bool) -> Result<Step, ArrivalError> {
        self.named_protocol()?;
        let startup = loop {
            match self.first().await? {
                First::Cancel(key) => return Ok(Step::Cancel(key)),
                First::Startup(startup) => break startup,
                First::Gss => self.answer_gss().await?,
                First::Ssl => {
                    if let Some(config) = self.answer_ssl(rules).await? {
                        return Ok(Step::Encrypt(config));
                    }
                }
            }
        };
        let opening = Opening::read(startup)?;
        if !self.wire.is_encrypted() && !may_ask {
            return Err(deny::no_encryption().into());
        }
        let both = rules.certificate_and_password;
        let password = match self.certificate() {
            None if both => return Err(deny::no_certificate().into()),
            Some(_) if !both => {
                self.negotiate(&opening).await?;
                None
            }
            None | Some(_) => Some(self.password(&opening).await?),
        };
        Ok(Step::Enter(opening, password))
    }

    /// The client's own certificate, after a handshake that has checked it.
    fn certificate(&self) -> Option<Vec<u8>> {
        match &self.wire {
            Wire::Tls(stream) => {
                let chain = stream.get_ref().1.peer_certificates()?;
                chain.first().map(|certificate| certificate.as_ref().to_vec())
            }
            Wire::Tcp(_) | Wire::Unix(_) => None,
        }
    }

    /// Direct TLS must name its protocol: otherwise a browser could be made to send its bytes here (ALPACA).
    fn named_protocol(&self) -> Result<(), ArrivalError> {
        match &self.wire {
            Wire::Tls(stream) if self.direct && stream.get_ref().1.alpn_protocol() != Some(ALPN) => {
                Err(deny::nameless_tls().into())
            }
            _ => Ok(()),
        }
    }

    /// Exactly one packet before login, and not a byte more.
    async fn first(&mut self) -> Result<First, ArrivalError> {
        let mut length = [0; 4];
        self.wire.read_exact(&mut length).await?;
        let mut bytes = length.to_vec();
        bytes.resize(stated_length(length)?, 0);
        self.wire.read_exact(bytes.get_mut(length.len()..).unwrap_or_default()).await?;
        let (first, _) = decode(&bytes)?.ok_or(WireError::Missing(bytes.len()))?;
        Ok(first)
    }

    async fn answer_gss(&mut self) -> Result<(), ArrivalError> {
        if self.asked_for_gss || self.wire.is_encrypted() {
            return Err(deny::encryption_twice().into());
        }
        self.asked_for_gss = true;
        self.nothing_early()?;
        self.wire.write_all(b"N").await?;
        Ok(())
    }

    async fn answer_ssl(&mut self, rules: &ClientRules) -> Result<Option<Arc<ServerConfig>>, ArrivalError> {
        if self.asked_for_tls || self.wire.is_encrypted() {
            return Err(deny::encryption_twice().into());
        }
        self.asked_for_tls = true;
        self.nothing_early()?;
        let config = rules.tls.clone().filter(|_| matches!(self.wire, Wire::Tcp(_)));
        self.wire.write_all(if config.is_some() { b"S" } else { b"N" }).await?;
        Ok(config)
    }

    /// A client waits for the answer. Bytes that are there already were put in by somebody else, who wants them taken
    /// for something that came encrypted (CVE-2021-23214).
    fn nothing_early(&self) -> Result<(), ArrivalError> {
        let early = match &self.wire {
            Wire::Tcp(stream) => stream.try_read(&mut [0]),
            Wire::Unix(stream) => stream.try_read(&mut [0]),
            Wire::Tls(_) => return Ok(()),
        };
        match early {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
            Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(_) => Err(deny::early_bytes().into()),
        }
    }

    async fn negotiate(&mut self, opening: &Opening) -> Result<(), ArrivalError> {
        let mut out = Vec::new();
        opening.negotiate(&mut out)?;
        self.wire.write_all(&out).await?;
        Ok(())
    }

    async fn password(&mut self, opening: &Opening) -> Result<Secret, ArrivalError> {
        let mut out = Vec::new();
        opening.negotiate(&mut out)?;
        back::authentication_cleartext(&mut out);
        self.wire.write_all(&out).await?;
        self.wire.flush().await?;
        let rules = Rules::nothing().with(b"p", Rule::Whole { limit: PASSWORD_LIMIT });
        let answer = message::read(&mut self.wire, &rules).await?;
        Ok(Secret::new(answer.text()?))
    }

    fn enter(self, opening: Opening, password: Option<Secret>) -> Arrival {
        let Opening { version, user, database, startup } = opening;
        let certificate = self.certificate();
        Arrival::Session(Box::new(ClientSession {
            wire: self.wire,
            version,
            user,
            database,
            startup,
            password,
            certificate,
        }))
    }
}

/// What a start-up says, judged.
struct Opening {
    version: ProtocolVersion,
    user: String,
    database: String,
    startup: Startup,
}

impl Opening {
    fn read(startup: Startup) -> Result<Self, ArrivalError> {
        let mut seen = HashSet::new();
        if let Some((name, _)) = startup.parameters.iter().find(|(name, _)| !seen.insert(name.as_str())) {
            return Err(deny::parameter_twice(name).into());
        }
        if startup.parameter("replication").is_some() {
            return Err(deny::no_replication().into());
        }
        let named = |name| startup.parameter(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let user = named("user").ok_or_else(deny::no_user)?;
        let database = named("database").unwrap_or_else(|| user.clone());
        Ok(Self { version: startup.version.min(ProtocolVersion::V3_2), user, database, startup })
    }

    /// Tells a client that asked for more than we speak what we do speak.
    fn negotiate(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        if self.version == self.startup.version && self.startup.extensions().next().is_none() {
            return Ok(());
        }
        back::negotiate_protocol_version(out, self.version, self.startup.extensions())
    }
}

/// Appends what lets a client in: that its password was right, the server's settings, its cancel key, and that it may
/// begin.
///
/// # Errors
/// [`WireError`] for a setting with a zero byte; `out` holds a part then and must not be sent.
pub fn greet(
    out: &mut Vec<u8>,
    settings: &[(String, String)],
    key: &ClientKey,
    status: TransactionStatus,
) -> Result<(), WireError> {
    back::authentication_ok(out);
    for (name, value) in settings {
        back::parameter_status(out, name, value)?;
    }
    back::backend_key_data(out, key)?;
    back::ready(out, status);
    Ok(())
}
