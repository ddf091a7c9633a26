//! Which client certificates get in, and what is asked for beside them?

use tokio_rustls::TlsConnector;

use super::*;
use crate::tls::server_that_asks;

/// Rules that ask for certificates of this authority.
fn asking(authority: &Authority, certificate_and_password: bool) -> ClientRules {
    let (certificate, key) = authority.issue("gateway", &["localhost"]);
    let identity = Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
    let tls = Some(server_that_asks(identity, authority.pem().as_bytes()).unwrap());
    ClientRules { tls, certificate_and_password, ..ClientRules::default() }
}

/// How a client with this certificate (and key) arrives that sends `bytes`, and what it hears up to the end.
async fn arrives(
    rules: &ClientRules,
    shown: Option<&(String, String)>,
    bytes: &[u8],
) -> (Vec<u8>, Result<Arrival, ArrivalError>) {
    let identity = shown
        .map(|(certificate, key)| Identity { certificates: certificate.as_bytes(), key: key.as_bytes() });
    let tls = UpstreamTls::new(TlsMode::Require, Roots::System, identity).unwrap();
    let (client, wire) = tcp_pair().await;
    let connecting = async {
        let connector = TlsConnector::from(tls.config.unwrap());
        let Ok(mut client) = connector.connect("localhost".try_into().unwrap(), client).await else {
            return Vec::new();
        };
        drop(client.write_all(bytes).await);
        drop(client.flush().await);
        let mut heard = vec![0; 4096];
        let length = client.read(&mut heard).await.unwrap_or(0);
        heard.truncate(length);
        heard
    };
    // Whoever has arrived is let go, so that the client hears the end.
    let welcomed = async {
        let arrival = welcome(wire, rules, patience()).await;
        match arrival {
            Ok(Arrival::Session(mut session)) => {
                let (_, other) = tcp_pair().await;
                drop(std::mem::replace(&mut session.wire, other));
                Ok(Arrival::Session(session))
            }
            other => other,
        }
    };
    let (arrival, heard) = tokio::join!(welcomed, connecting);
    (heard, arrival)
}

fn session(arrival: Result<Arrival, ArrivalError>) -> ClientSession {
    match arrival {
        Ok(Arrival::Session(session)) => *session,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_shows_a_certificate_is_not_asked_for_a_password() {
    let authority = Authority::new("authority of the company");
    let rules = asking(&authority, false);
    let shown = authority.issue_client("batch", &["spiffe://example.org/batch"]);
    let (heard, arrival) = arrives(&rules, Some(&shown), &ada()).await;
    let arrived = session(arrival);
    assert_eq!((heard.as_slice(), arrived.password.is_none()), (&[][..], true));
    let der = arrived.certificate.unwrap();
    assert!(der.windows(26).any(|window| window == b"spiffe://example.org/batch"));
    let (_, arrival) = arrives(&rules, None, &[ada(), password()].concat()).await;
    let arrived = session(arrival);
    assert_eq!(arrived.certificate, None);
    assert_eq!(arrived.password.unwrap().expose(), "let me.");
}

#[tokio::test]
async fn both_are_demanded_where_both_are_configured() {
    let authority = Authority::new("authority of the company");
    let rules = asking(&authority, true);
    let shown = authority.issue_client("batch", &[]);
    let (_, arrival) = arrives(&rules, Some(&shown), &[ada(), password()].concat()).await;
    let arrived = session(arrival);
    assert!(arrived.certificate.is_some() && arrived.password.is_some());
    let (heard, arrival) = arrives(&rules, None, &[ada(), password()].concat()).await;
    assert!(matches!(arrival, Err(ArrivalError::Refused(_))), "{arrival:?}");
    assert_eq!(refusal(&heard).0, "28000");
    let (client, wire) = tcp_pair().await;
    let mut client = client;
    client.write_all(&[ada(), password()].concat()).await.unwrap();
    let arrival = welcome(wire, &rules, patience()).await;
    assert!(matches!(arrival, Err(ArrivalError::Refused(_))), "without TLS: {arrival:?}");
}

#[tokio::test]
async fn certificates_that_nobody_vouches_for_now_end_the_handshake() {
    let authority = Authority::new("authority of the company");
    let (good, foreign) = (authority.issue_client("batch", &[]), Authority::new("authority of the company"));
    let other_key = authority.issue_client("batch", &[]).1;
    for both in [false, true] {
        let rules = asking(&authority, both);
        for (what, shown) in [
            ("expired", authority.issue_expired_client("batch", &[])),
            ("another authority of the same name", foreign.issue_client("batch", &[])),
            ("for servers", authority.issue_server("batch")),
        ] {
            let (_, arrival) = arrives(&rules, Some(&shown), &[ada(), password()].concat()).await;
            assert!(matches!(arrival, Err(ArrivalError::Tls(_))), "{what}: {arrival:?}");
        }
    }
    let identity = Identity { certificates: good.0.as_bytes(), key: other_key.as_bytes() };
    assert!(
        UpstreamTls::new(TlsMode::Require, Roots::System, Some(identity)).is_err(),
        "somebody else's key"
    );
}

#[test]
fn authorities_that_are_none_are_told() {
    let authority = Authority::new("authority of the company");
    let (certificate, key) = authority.issue("gateway", &["localhost"]);
    let identity = Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
    for text in ["", "no PEM", key.as_str()] {
        assert!(server_that_asks(identity, text.as_bytes()).is_err(), "{text}");
    }
}
