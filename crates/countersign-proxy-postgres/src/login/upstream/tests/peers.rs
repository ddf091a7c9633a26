//! Who talks in the tests? A client that asks one thing, and somebody in between.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::codec::back::CommandTag;
use crate::codec::front;
use crate::tls::server as server_config;

/// Runs one statement; its rows as text, or the SQLSTATE of its error.
pub(super) async fn query(wire: &mut Wire, sql: &str) -> Result<Vec<Vec<String>>, SqlState> {
    let mut out = Vec::new();
    front::query(&mut out, sql).unwrap();
    wire.write_all(&out).await.unwrap();
    wire.flush().await.unwrap();
    let rules = Rules::server().with(b"D", Rule::Whole { limit: 1 << 20 });
    let (mut rows, mut error) = (Vec::new(), None);
    loop {
        let message = message::read(wire, &rules).await.unwrap();
        match message.back().unwrap() {
            Back::DataRow(row) => {
                let text = |cell: Option<&[u8]>| String::from_utf8(cell.unwrap().to_vec()).unwrap();
                rows.push(row.cells().map(text).collect());
            }
            Back::Error(fault) => error = fault.code(),
            Back::CommandComplete(CommandTag { text }) => assert!(text.starts_with("SELECT"), "{text}"),
            Back::Ready(_) => return error.map_or(Ok(rows), Err),
            _ => {}
        }
    }
}

/// Ends TLS itself and begins another to the server, passing on all bytes. `strip` takes the offer of channel binding
/// out of what the server says.
pub(super) async fn relay(server_port: u16, strip: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        client.read_exact(&mut [0; 8]).await.unwrap();
        client.write_all(b"S").await.unwrap();
        let (certificate, key) = Authority::new("in between").issue("postgres", &["127.0.0.1"]);
        let identity = Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
        let acceptor = tokio_rustls::TlsAcceptor::from(server_config(identity).unwrap());
        let mut client = acceptor.accept(client).await.unwrap();
        let tls = tls(TlsMode::Require, None);
        let place = Place::new("127.0.0.1", server_port);
        let mut server = reach::reach(&place, &tls).await.unwrap();
        pass_start(&mut client, &mut server, strip).await;
        drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
    });
    port
}

/// The start-up to the server, and its offer back.
async fn pass_start(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &mut (impl AsyncRead + AsyncWrite + Unpin),
    strip: bool,
) {
    let mut startup = vec![0; 4];
    client.read_exact(&mut startup).await.unwrap();
    startup.resize(startup::stated_length(startup[..4].try_into().unwrap()).unwrap(), 0);
    client.read_exact(&mut startup[4..]).await.unwrap();
    server.write_all(&startup).await.unwrap();
    server.flush().await.unwrap();
    let offer = message::read(server, &Rules::server()).await.unwrap();
    let Back::Authentication(Authentication::Sasl(names)) = offer.back().unwrap() else { panic!("SASL") };
    assert_eq!(names, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
    let offered = if strip { "SCRAM-SHA-256\0\0" } else { "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0" };
    let mut out = Vec::new();
    put::message(&mut out, b'R', |body| {
        body.u32(10);
        body.bytes(offered.as_bytes());
        Ok(())
    })
    .unwrap();
    client.write_all(&out).await.unwrap();
    client.flush().await.unwrap();
}

/// A listener that accepts one connection and plays `script` on it.
pub(super) async fn rogue<F>(script: impl FnOnce(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(stream).await;
    });
    port
}
