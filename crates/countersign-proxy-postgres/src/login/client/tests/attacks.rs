//! What becomes of those who do not play by the rules before they have logged in?

use tokio_rustls::TlsConnector;

use super::*;

fn refused(bytes: &[u8], arrival: &Result<Arrival, ArrivalError>, code: &str) {
    assert!(matches!(arrival, Err(ArrivalError::Refused(_))), "{arrival:?}");
    assert_eq!(refusal(bytes).0, code);
}

#[tokio::test]
async fn an_oversized_start_up_is_refused_before_it_is_read() {
    let (bytes, arrival) = sent(&rules(), &10_001u32.to_be_bytes()).await;
    refused(&bytes, &arrival, "08P01");
    let (bytes, arrival) = sent(&rules(), &[0x7f, 0xff, 0xff, 0xff]).await;
    refused(&bytes, &arrival, "08P01");
}

#[tokio::test]
async fn garbage_is_refused() {
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: db\r\n\r\n"[..],
        b"\0\0\0\0",
        b"\0\0\0\x08\0\x02\0\0",
        b"\0\0\0\x0a\0\x03\0\0\0\0",
        b"\0\0\0\x10\0\x03\0\0user\0\xff\0\0",
    ] {
        let (bytes, arrival) = sent(&rules(), garbage).await;
        refused(&bytes, &arrival, "08P01");
    }
    // Without a certificate of ours, a TLS handshake is garbage as well.
    let (bytes, arrival) = sent(&ClientRules::default(), b"\x16\x03\x01\x02\0\x01").await;
    refused(&bytes, &arrival, "08P01");
}

#[tokio::test]
async fn who_leaves_half_way_has_left() {
    let all = [ada(), password()].concat();
    for end in 0..all.len() {
        let (mut client, wire) = tcp_pair().await;
        client.write_all(&all[..end]).await.unwrap();
        client.shutdown().await.unwrap();
        let arrival = welcome(wire, &ClientRules::default(), patience()).await;
        assert!(matches!(arrival, Err(ArrivalError::Left(_))), "{end}: {arrival:?}");
    }
}

#[tokio::test]
async fn who_is_slow_is_cut_off_wherever_it_stops() {
    let all = [ada(), password()].concat();
    let ssl = startup::ssl_request();
    for start in [&all[..0], &all[..3], &all[..10], &all[..ada().len()], &all[..all.len() - 1], &ssl] {
        let (mut client, wire) = tcp_pair().await;
        client.write_all(start).await.unwrap();
        let (over, deadline) = oneshot::channel::<()>();
        let rules = rules();
        let welcomed = welcome(wire, &rules, async { drop(deadline.await) });
        let slow = async {
            tokio::task::yield_now().await;
            over.send(()).unwrap();
        };
        let both = async { tokio::join!(welcomed, slow) };
        let (arrival, ()) = tokio::time::timeout(Duration::from_secs(10), both).await.expect("cut off");
        assert!(matches!(arrival, Err(ArrivalError::TooSlow)), "{arrival:?}");
        everything(&mut client).await;
    }
}

#[tokio::test]
async fn bytes_before_the_answer_about_encryption_are_refused() {
    for request in [startup::ssl_request(), *b"\0\0\0\x08\x04\xd2\x16\x30"] {
        let (bytes, arrival) = sent(&rules(), &[&request[..], &ada()].concat()).await;
        refused(&bytes, &arrival, "08P01");
        assert!(refusal(&bytes).1.starts_with("wait for the answer"));
    }
}

#[tokio::test]
async fn encryption_is_asked_for_once() {
    for (rules, request) in
        [(ClientRules::default(), startup::ssl_request()), (rules(), *b"\0\0\0\x08\x04\xd2\x16\x30")]
    {
        let (mut client, wire) = tcp_pair().await;
        let asking = async {
            client.write_all(&request).await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'N');
            client.write_all(&request).await.unwrap();
            everything(&mut client).await
        };
        let (arrival, bytes) = tokio::join!(welcome(wire, &rules, patience()), asking);
        refused(&bytes, &arrival, "08P01");
    }
}

#[tokio::test]
async fn a_password_is_not_asked_for_in_clear_from_another_machine() {
    let (mut client, wire) = tcp_pair().await;
    client.write_all(&[ada(), password()].concat()).await.unwrap();
    let arrival = receive(wire, &rules(), false).await;
    let bytes = everything(&mut client).await;
    refused(&bytes, &arrival, "28000");
    assert!(refusal(&bytes).1.contains("sslmode=require"));
}

#[tokio::test]
async fn start_ups_that_can_not_be_judged_are_refused() {
    for (parameters, code) in [
        (&[("user", "ada"), ("replication", "database")][..], "0A000"),
        (&[("user", "ada"), ("replication", "true")], "0A000"),
        (&[("user", "ada"), ("user", "eve")], "08P01"),
        (&[("user", "ada"), ("options", "-c a=b"), ("options", "-c a=c")], "08P01"),
        (&[("database", "shop")], "28000"),
        (&[("user", "")], "28000"),
    ] {
        let bytes = startup_of(ProtocolVersion::V3_0, parameters);
        let (bytes, arrival) = sent(&rules(), &bytes).await;
        refused(&bytes, &arrival, code);
    }
}

#[tokio::test]
async fn what_is_no_password_is_refused() {
    let too_long = u32::try_from(PASSWORD_LIMIT + 5).unwrap().to_be_bytes();
    for answer in [
        [&b"p"[..], &too_long].concat(),
        PASSWORD.to_vec(),
        b"p\0\0\0\x07let".to_vec(),
        b"p\0\0\0\x06\xff\0".to_vec(),
        b"Q\0\0\0\x0dSELECT 1\0".to_vec(),
        b"p\0\0\0\x03".to_vec(),
    ] {
        let (bytes, arrival) = sent(&ClientRules::default(), &[ada(), answer].concat()).await;
        assert!(matches!(arrival, Err(ArrivalError::Refused(_))), "{arrival:?}");
        // The question comes first.
        assert_eq!(&bytes[..9], b"R\0\0\0\x08\0\0\0\x03");
        assert_eq!(refusal(&bytes[9..]).0, "08P01");
    }
}

/// A direct TLS connection that offers these protocols.
async fn direct(offered: &[&[u8]]) -> (Vec<u8>, Result<Arrival, ArrivalError>) {
    let tls = UpstreamTls::new(TlsMode::Require, Roots::System, None).unwrap();
    let mut config = (*tls.config.unwrap()).clone();
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let (client, wire) = tcp_pair().await;
    let rules = rules();
    let connecting = async {
        let connector = TlsConnector::from(Arc::new(config));
        let Ok(mut client) = connector.connect("localhost".try_into().unwrap(), client).await else {
            return Vec::new();
        };
        client.write_all(&[ada(), password()].concat()).await.unwrap();
        client.flush().await.unwrap();
        if offered.is_empty() { everything(&mut client).await } else { Vec::new() }
    };
    let (arrival, bytes) = tokio::join!(welcome(wire, &rules, patience()), connecting);
    (bytes, arrival)
}

#[tokio::test]
async fn direct_tls_must_name_its_protocol() {
    let (_, arrival) = direct(&[b"postgresql"]).await;
    assert!(session(arrival.unwrap()).wire.is_encrypted());
    let (bytes, arrival) = direct(&[]).await;
    refused(&bytes, &arrival, "08P01");
    assert!(refusal(&bytes).1.contains("ALPN"));
    let (_, arrival) = direct(&[b"http/1.1"]).await;
    assert!(matches!(arrival, Err(ArrivalError::Tls(_))), "{arrival:?}");
}

#[tokio::test]
async fn encryption_is_not_asked_for_within_encryption() {
    let tls = UpstreamTls::new(TlsMode::Require, Roots::System, None).unwrap();
    let (client, wire) = tcp_pair().await;
    let rules = rules();
    let asking = async {
        let connector = TlsConnector::from(tls.config.unwrap());
        let mut client = connector.connect("localhost".try_into().unwrap(), client).await.unwrap();
        client.write_all(&startup::ssl_request()).await.unwrap();
        client.flush().await.unwrap();
        everything(&mut client).await
    };
    let (arrival, bytes) = tokio::join!(welcome(wire, &rules, patience()), asking);
    refused(&bytes, &arrival, "08P01");
}

#[tokio::test]
async fn a_handshake_that_fails_ends_it() {
    let (mut client, wire) = tcp_pair().await;
    let rules = rules();
    let asking = async {
        client.write_all(&startup::ssl_request()).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'S');
        client.write_all(&ada()).await.unwrap();
        everything(&mut client).await
    };
    let (arrival, bytes) = tokio::join!(welcome(wire, &rules, patience()), asking);
    assert!(matches!(arrival, Err(ArrivalError::Tls(_))), "{arrival:?}");
    // At most a TLS alert; no word of the protocol in clear.
    assert!(bytes.first().is_none_or(|first| *first == 0x15), "{bytes:?}");
}

#[tokio::test]
async fn a_password_in_a_log_is_not_shown() {
    let (_, arrival) = sent(&ClientRules::default(), &[ada(), password()].concat()).await;
    assert!(!format!("{arrival:?}").contains("let me."));
}
