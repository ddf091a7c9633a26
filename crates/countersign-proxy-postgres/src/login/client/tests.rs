mod attacks;
mod certificates;
mod peers;

use std::time::Duration;

use countersign_testkit::Authority;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::oneshot;

use super::*;
use crate::codec::SqlState;
use crate::codec::back::{Authentication, Back, Fault};
use crate::codec::startup;
use crate::tls::{Identity, Roots, TlsMode, UpstreamTls, server};

/// Rules with a certificate for `localhost` by this authority.
fn rules_of(authority: &Authority) -> ClientRules {
    let (certificate, key) = authority.issue("gateway", &["localhost"]);
    let identity = Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
    ClientRules { tls: Some(server(identity).unwrap()), ..ClientRules::default() }
}

fn rules() -> ClientRules {
    rules_of(&Authority::new("authority of the gateway"))
}

/// Nothing here takes this long; a test that would hang fails instead.
fn patience() -> impl Future<Output = ()> {
    tokio::time::sleep(Duration::from_secs(10))
}

async fn tcp_pair() -> (TcpStream, Wire) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, Wire::tcp(server).unwrap())
}

fn startup_of(version: ProtocolVersion, parameters: &[(&str, &str)]) -> Vec<u8> {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut out = Vec::new();
    startup::encode(&Startup { version, parameters }, &mut out).unwrap();
    out
}

fn ada() -> Vec<u8> {
    startup_of(ProtocolVersion::V3_0, &[("user", "ada"), ("database", "shop")])
}

const PASSWORD: &[u8] = b"p\0\0\0\x0dlet me.\0\0";
/// The same without the byte too many.
fn password() -> Vec<u8> {
    b"p\0\0\0\x0clet me.\0".to_vec()
}

/// All that the gateway says until it closes the connection.
async fn everything(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    let reading = async {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut part).await {
            all.extend(&part[..length]);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the gateway closes the connection");
    all
}

/// SQLSTATE and hint of the one error in these bytes.
fn refusal(bytes: &[u8]) -> (String, String) {
    let Ok(Back::Error(fault)) = Back::from_parts(bytes[0], &bytes[5..]) else { panic!("{bytes:?}") };
    let fault: Fault<'_> = fault;
    (fault.code().unwrap().to_string(), fault.hint().unwrap().into_owned())
}

/// What a client gets that sends these bytes at once, and how it ends for the gateway.
async fn sent(rules: &ClientRules, bytes: &[u8]) -> (Vec<u8>, Result<Arrival, ArrivalError>) {
    let (mut client, wire) = tcp_pair().await;
    client.write_all(bytes).await.unwrap();
    let arrival = welcome(wire, rules, patience()).await;
    match arrival {
        Ok(arrival) => (Vec::new(), Ok(arrival)),
        Err(error) => (everything(&mut client).await, Err(error)),
    }
}

fn session(arrival: Arrival) -> Box<ClientSession> {
    let Arrival::Session(session) = arrival else { panic!("a session") };
    session
}

#[tokio::test]
async fn a_client_arrives_however_its_bytes_are_split() {
    let bytes = [b"\0\0\0\x08\x04\xd2\x16\x30".to_vec(), ada(), password()].concat();
    for size in [1, 2, 3, 5, 7] {
        let (mut client, wire) = UnixStream::pair().unwrap();
        let sending = async {
            // Each answer is awaited, as clients do.
            let (request, rest) = bytes.split_at(8);
            for part in request.chunks(size) {
                client.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            assert_eq!(client.read_u8().await.unwrap(), b'N');
            for part in rest.chunks(size) {
                client.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let rules = ClientRules::default();
        let (arrival, ()) = tokio::join!(welcome(Wire::Unix(wire), &rules, patience()), sending);
        let session = session(arrival.unwrap());
        assert_eq!((session.user.as_str(), session.database.as_str()), ("ada", "shop"));
        assert_eq!(session.password.as_ref().unwrap().expose(), "let me.");
        assert_eq!(session.version, ProtocolVersion::V3_0);
    }
}

#[tokio::test]
async fn nothing_behind_the_password_is_read() {
    let bytes = [ada(), password(), b"Q\0\0\0\x05\0".to_vec()].concat();
    let (_, arrival) = sent(&ClientRules::default(), &bytes).await;
    let mut rest = [0; 6];
    session(arrival.unwrap()).wire.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b"Q\0\0\0\x05\0");
}

#[tokio::test]
async fn a_database_is_the_users_name_when_none_is_given() {
    let bytes = [startup_of(ProtocolVersion::V3_0, &[("user", "ada")]), password()].concat();
    let (_, arrival) = sent(&ClientRules::default(), &bytes).await;
    assert_eq!(session(arrival.unwrap()).database, "ada");
}

#[tokio::test]
async fn a_client_that_asks_for_more_is_told_what_we_speak() {
    let newer = ProtocolVersion { major: 3, minor: 9999 };
    let cases = [
        (ProtocolVersion::V3_0, None, ProtocolVersion::V3_0, false),
        (ProtocolVersion::V3_2, None, ProtocolVersion::V3_2, false),
        (newer, None, ProtocolVersion::V3_2, true),
        (ProtocolVersion::V3_0, Some("_pq_.wish"), ProtocolVersion::V3_0, true),
    ];
    for (asked, wish, agreed, told) in cases {
        let mut parameters = vec![("user", "ada")];
        parameters.extend(wish.map(|wish| (wish, "1")));
        let (mut client, wire) = tcp_pair().await;
        client.write_all(&startup_of(asked, &parameters)).await.unwrap();
        let answering = async {
            let server = Rules::server();
            let mut first = message::read(&mut client, &server).await.unwrap();
            if told {
                let Back::NegotiateProtocolVersion { newest, unknown } = first.back().unwrap() else {
                    panic!("told")
                };
                assert_eq!(newest, agreed);
                assert_eq!(unknown, Vec::from_iter(wish));
                first = message::read(&mut client, &server).await.unwrap();
            }
            assert!(matches!(first.back().unwrap(), Back::Authentication(Authentication::Cleartext)));
            client.write_all(&password()).await.unwrap();
        };
        let rules = ClientRules::default();
        let (arrival, ()) = tokio::join!(welcome(wire, &rules, patience()), answering);
        assert_eq!(session(arrival.unwrap()).version, agreed, "{asked}");
    }
}

#[tokio::test]
async fn a_cancel_request_arrives_as_its_key_and_gets_no_answer() {
    let mut bytes = Vec::new();
    startup::encode_cancel(&crate::codec::ServerKey::new(7, &[9; 32]).unwrap(), &mut bytes).unwrap();
    let (mut client, wire) = tcp_pair().await;
    client.write_all(&bytes).await.unwrap();
    let arrival = welcome(wire, &rules(), patience()).await.unwrap();
    let Arrival::Cancel(key) = arrival else { panic!("a cancel") };
    assert!(key.matches(&ClientKey::new(7, &[9; 32]).unwrap()));
    assert_eq!(everything(&mut client).await, b"");
}

#[tokio::test]
async fn a_greeting_lets_a_client_begin() {
    let mut out = Vec::new();
    let settings = [("TimeZone".to_owned(), "UTC".to_owned())];
    let key = ClientKey::new(7, &[9; 4]).unwrap();
    greet(&mut out, &settings, &key, TransactionStatus::Idle).unwrap();
    let mut tags = Vec::new();
    let mut bytes = out.as_slice();
    while let Ok(message) = message::read(&mut bytes, &Rules::server()).await {
        message.back().unwrap();
        tags.push(message.tag);
    }
    assert_eq!(tags, b"RSKZ");
}
