//! What does a server get that breaks the rules? Never the password, and never our belief.

use tokio::net::{TcpListener, TcpStream};

use super::peers::rogue;
use super::*;

fn address_of(port: u16, tls: UpstreamTls) -> UpstreamAddress {
    UpstreamAddress {
        place: Place::new("127.0.0.1", port),
        database: "d".to_owned(),
        user: "u".to_owned(),
        password: Some(Secret::new("open sesame")),
        tls,
        application_name: None,
        protocol: ProtocolVersion::V3_0,
    }
}

fn authentication(code: u32, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, b'R', |body| {
        body.u32(code);
        body.bytes(rest);
        Ok(())
    })
    .unwrap();
    out
}

/// A server that has read the start-up answers with these bytes and then waits.
async fn answered_with(bytes: Vec<u8>) -> UpstreamLoginError {
    let port = rogue(|mut stream| async move {
        read_startup(&mut stream).await;
        stream.write_all(&bytes).await.unwrap();
        drop(stream.read(&mut [0; 1024]).await);
    })
    .await;
    log_in_as(&address_of(port, UpstreamTls::disabled())).await.unwrap_err()
}

async fn read_startup(stream: &mut TcpStream) {
    let length = stream.read_u32().await.unwrap();
    stream.read_exact(&mut vec![0; length as usize - 4]).await.unwrap();
}

#[tokio::test]
async fn a_password_is_never_sent_in_clear_over_a_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = address_of(listener.local_addr().unwrap().port(), UpstreamTls::disabled());
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let server = async {
        read_startup(&mut server).await;
        server.write_all(&authentication(3, b"")).await.unwrap();
        let mut rest = vec![0; 1024];
        let length = server.read(&mut rest).await.unwrap_or(0);
        String::from_utf8_lossy(&rest[..length]).into_owned()
    };
    let login = log_in(Wire::Tcp(stream), &address, &[], false);
    let both = async { tokio::join!(login, server) };
    let (error, seen) = tokio::time::timeout(Duration::from_secs(10), both).await.expect("refused");
    assert!(matches!(error, Err(UpstreamLoginError::PasswordInClear)));
    assert_eq!(seen, "");
}

#[tokio::test]
async fn a_server_that_skips_its_proof_is_not_believed() {
    let offer = authentication(10, b"SCRAM-SHA-256\0\0");
    let error = answered_with([offer.clone(), authentication(0, b"")].concat()).await;
    assert!(matches!(error, UpstreamLoginError::Skipped), "{error}");
    let port = rogue(move |mut stream| async move {
        read_startup(&mut stream).await;
        stream.write_all(&offer).await.unwrap();
        challenge(&mut stream).await;
        stream.write_all(&authentication(0, b"")).await.unwrap();
        stream.write_all(b"Z\0\0\0\x05I").await.unwrap();
        drop(stream.read(&mut [0; 1024]).await);
    })
    .await;
    let error = log_in_as(&address_of(port, UpstreamTls::disabled())).await.unwrap_err();
    assert!(matches!(error, UpstreamLoginError::Skipped), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_not_believed() {
    let port = rogue(move |mut stream| async move {
        read_startup(&mut stream).await;
        stream.write_all(&authentication(10, b"SCRAM-SHA-256\0\0")).await.unwrap();
        challenge(&mut stream).await;
        let forged = authentication(12, b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let bytes = [forged, authentication(0, b""), b"Z\0\0\0\x05I".to_vec()].concat();
        stream.write_all(&bytes).await.unwrap();
        drop(stream.read(&mut [0; 1024]).await);
    })
    .await;
    let error = log_in_as(&address_of(port, UpstreamTls::disabled())).await.unwrap_err();
    assert!(matches!(error, UpstreamLoginError::Impostor(_)), "{error}");
}

/// Reads the client's first SCRAM message, sends a challenge with its nonce, and reads the proof.
async fn challenge(stream: &mut TcpStream) {
    let first = client_message(stream).await;
    let nonce = first.split("r=").nth(1).unwrap();
    let challenge = format!("r={nonce}more,s=c2FsdHNhbHQ=,i=4096");
    stream.write_all(&authentication(11, challenge.as_bytes())).await.unwrap();
    client_message(stream).await;
}

async fn client_message(stream: &mut TcpStream) -> String {
    let rules = Rules::nothing().with(b"p", Rule::Whole { limit: 1024 });
    String::from_utf8_lossy(message::read(stream, &rules).await.unwrap().body()).into_owned()
}

#[tokio::test]
async fn a_nonce_that_is_not_ours_is_refused() {
    let bytes = [
        authentication(10, b"SCRAM-SHA-256\0\0"),
        authentication(11, b"r=somebody else's,s=c2FsdHNhbHQ=,i=4096"),
    ];
    let error = answered_with(bytes.concat()).await;
    assert!(matches!(error, UpstreamLoginError::Impostor(_)), "{error}");
}

#[tokio::test]
async fn work_that_never_ends_is_not_begun() {
    let port = rogue(|mut stream| async move {
        read_startup(&mut stream).await;
        stream.write_all(&authentication(10, b"SCRAM-SHA-256\0\0")).await.unwrap();
        let first = client_message(&mut stream).await;
        let nonce = first.split("r=").nth(1).unwrap();
        let challenge = format!("r={nonce}more,s=c2FsdHNhbHQ=,i=4000000000");
        stream.write_all(&authentication(11, challenge.as_bytes())).await.unwrap();
        drop(stream.read(&mut [0; 1024]).await);
    })
    .await;
    let error = log_in_as(&address_of(port, UpstreamTls::disabled())).await.unwrap_err();
    assert!(matches!(error, UpstreamLoginError::Impostor(_)), "{error}");
}

#[tokio::test]
async fn what_is_not_a_login_is_refused() {
    let method = answered_with(authentication(7, b"")).await;
    assert!(matches!(method, UpstreamLoginError::Method(_)), "{method}");
    let method = answered_with(authentication(10, b"OAUTHBEARER\0\0")).await;
    assert!(matches!(&method, UpstreamLoginError::Method(name) if name == "OAUTHBEARER"), "{method}");
    for garbage in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        b"R\xff\xff\xff\xff".to_vec(),
        b"R\0\xff\xff\xff".to_vec(),
        [authentication(0, b""), b"D\0\0\0\x06\0\0".to_vec()].concat(),
        authentication(0, b"tail"),
    ] {
        let error = answered_with(garbage.clone()).await;
        assert!(matches!(error, UpstreamLoginError::Wire(_)), "{garbage:?}: {error}");
    }
    let settings = b"S\0\0\0\x08a\0b\0".repeat(SETTINGS_LIMIT + 1);
    let error = answered_with([authentication(0, b""), settings].concat()).await;
    assert!(matches!(error, UpstreamLoginError::Wire(WireError::Count(_))), "{error}");
}

#[tokio::test]
async fn a_version_that_we_did_not_ask_for_is_refused() {
    let newer = b"v\0\0\0\x0c\0\x03\0\x02\0\0\0\0".to_vec();
    let error = answered_with(newer).await;
    assert!(matches!(error, UpstreamLoginError::Wire(WireError::Version { minor: 2, .. })), "{error}");
}

/// What a client sees of a server that answers the request for TLS with these bytes.
async fn asked_for_tls(answer: &'static [u8]) -> UpstreamLoginError {
    let port = rogue(move |mut stream| async move {
        stream.read_exact(&mut [0; 8]).await.unwrap();
        stream.write_all(answer).await.unwrap();
        drop(stream.read(&mut [0; 4096]).await);
    })
    .await;
    log_in_as(&address_of(port, tls(TlsMode::Prefer, None))).await.unwrap_err()
}

#[tokio::test]
async fn plain_bytes_behind_the_answer_about_tls_are_never_taken_for_the_login() {
    let error = asked_for_tls(b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await;
    assert!(matches!(error, UpstreamLoginError::Tls(_)), "{error}");
}

#[tokio::test]
async fn an_error_before_encryption_is_not_believed() {
    let error = asked_for_tls(b"E\0\0\0\x09MEvil\0\0").await;
    assert!(matches!(error, UpstreamLoginError::Wire(WireError::Tag(b'E'))), "{error}");
    assert!(error.code().is_none());
}
