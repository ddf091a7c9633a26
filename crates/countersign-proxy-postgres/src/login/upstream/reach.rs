//! How does a connection to a server come about, up to its encryption?

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::{Place, UpstreamLoginError};
use crate::codec::WireError;
use crate::codec::startup::ssl_request;
use crate::tls::{TlsMode, UpstreamTls};
use crate::wire::Wire;

/// Connects, and encrypts as demanded. A Unix socket stays as it is, as with libpq.
pub(super) async fn reach(place: &Place, tls: &UpstreamTls) -> Result<Wire, UpstreamLoginError> {
    match place {
        Place::Unix(path) => {
            UnixStream::connect(path).await.map(Wire::Unix).map_err(UpstreamLoginError::Unreachable)
        }
        Place::Tcp { host, port } => {
            let stream =
                TcpStream::connect((host.as_str(), *port)).await.map_err(UpstreamLoginError::Unreachable)?;
            Wire::prepare(&stream).map_err(UpstreamLoginError::Unreachable)?;
            match &tls.config {
                None => Ok(Wire::Tcp(stream)),
                Some(config) => encrypt(stream, host, tls.mode, config).await,
            }
        }
    }
}

async fn encrypt(
    mut stream: TcpStream,
    host: &str,
    mode: TlsMode,
    config: &Arc<ClientConfig>,
) -> Result<Wire, UpstreamLoginError> {
    stream.write_all(&ssl_request()).await?;
    // One byte and no more: what follows it belongs to TLS, whoever sent it (CVE-2021-23222).
    match stream.read_u8().await? {
        b'S' => handshake(stream, host, config).await,
        b'N' if mode == TlsMode::Prefer => Ok(Wire::Tcp(stream)),
        b'N' => Err(UpstreamLoginError::NoTls(mode.word())),
        // An error before encryption can come from anybody; it is not shown to anybody (CVE-2024-10977).
        other => Err(WireError::Tag(other).into()),
    }
}

async fn handshake(
    stream: TcpStream,
    host: &str,
    config: &Arc<ClientConfig>,
) -> Result<Wire, UpstreamLoginError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_name| UpstreamLoginError::HostName(host.to_owned()))?;
    let connector = TlsConnector::from(Arc::clone(config));
    let stream = connector.connect(name, stream).await.map_err(UpstreamLoginError::Tls)?;
    Ok(Wire::Tls(Box::new(stream.into())))
}
