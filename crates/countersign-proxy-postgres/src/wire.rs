//! Over what do bytes come and go? TCP, a Unix socket, or TLS on TCP; one type for clients and for servers.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// How long a connection may be silent before the operating system asks whether the peer is still there. Load
/// balancers forget a silent connection after four to six minutes.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// A connection. Plain ones cost one branch more than their socket. TLS keeps what is written until it is flushed.
#[derive(Debug)]
pub enum Wire {
    /// TCP without encryption.
    Tcp(TcpStream),
    /// A Unix socket. PostgreSQL knows no TLS here.
    Unix(UnixStream),
    /// TLS on TCP, as server or as client.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// TCP that sends at once and notices a dead peer.
    ///
    /// # Errors
    /// What the operating system says when the socket is gone already.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        Self::prepare(&stream)?;
        Ok(Self::Tcp(stream))
    }

    pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_IDLE))
    }

    /// Whether bytes are encrypted.
    pub fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether nobody on a network can listen: TLS, a Unix socket, or a peer on this machine.
    pub fn is_private(&self) -> bool {
        match self {
            Self::Tls(_) | Self::Unix(_) => true,
            Self::Tcp(stream) => stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback()),
        }
    }

    /// Whether the peer has closed its side or is gone, also when nobody has read up to there. What the operating system
    /// has told of its own accord so far: an end that stands behind more bytes than it takes in is not known yet.
    pub(crate) fn has_ended(&self) -> bool {
        let ready = match self {
            Self::Tcp(stream) => at_once(stream.ready(Interest::READABLE)),
            Self::Unix(stream) => at_once(stream.ready(Interest::READABLE)),
            Self::Tls(stream) => at_once(stream.get_ref().0.ready(Interest::READABLE)),
        };
        ready.is_some_and(|ready| ready.is_read_closed())
    }

    /// Address of the peer; none for a Unix socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            Self::Tls(stream) => stream.get_ref().0.peer_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

/// The answer if it is there already.
fn at_once(ready: impl Future<Output = io::Result<Ready>>) -> Option<Ready> {
    match pin!(ready).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => ready.ok(),
        Poll::Pending => None,
    }
}

/// The same call on whichever stream it is.
macro_rules! each {
    ($wire:expr, $stream:ident => $call:expr) => {
        match $wire.get_mut() {
            Wire::Tcp($stream) => $call,
            Wire::Unix($stream) => $call,
            Wire::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
