mod certificates;
mod peers;
mod rogue;

use std::future::ready;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use countersign_testkit::{Authority, Postgres, PostgresOptions};
use peers::{query, relay};

use super::*;
use crate::tls::{Identity, Roots, TlsMode};

/// One server for all tests that run at the same time; stopped with the last of them.
fn server() -> Arc<Postgres> {
    static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap();
    if let Some(server) = running.upgrade() {
        return server;
    }
    let hba = [
        "host all md5_user 127.0.0.0/8 md5",
        "host all clear_user 127.0.0.0/8 password",
        "host all trust_user 127.0.0.0/8 trust",
        "hostssl all cert_user 127.0.0.0/8 cert",
        "hostnossl all tls_user 127.0.0.0/8 reject",
    ];
    let server = Arc::new(Postgres::start(&PostgresOptions {
        hba: hba.map(str::to_owned).to_vec(),
        settings: vec!["listen_addresses = '127.0.0.1,127.0.0.2'".to_owned()],
        ..PostgresOptions::default()
    }));
    server.sql(
        "CREATE ROLE scram_user LOGIN PASSWORD 'pässword, \"quoted\"'; CREATE ROLE tls_user LOGIN PASSWORD 'p';
         CREATE ROLE clear_user LOGIN PASSWORD 'p'; CREATE ROLE trust_user LOGIN; CREATE ROLE cert_user LOGIN;
         SET password_encryption = 'md5'; CREATE ROLE md5_user LOGIN PASSWORD 'p';",
    );
    *running = Arc::downgrade(&server);
    server
}

/// Nothing here takes this long; a test that would hang fails instead.
fn patience() -> impl Future<Output = ()> {
    tokio::time::sleep(Duration::from_secs(20))
}

fn password_of(user: &str) -> Option<Secret> {
    match user {
        "trust_user" | "cert_user" => None,
        "scram_user" => Some(Secret::new("pässword, \"quoted\"")),
        _ => Some(Secret::new("p")),
    }
}

fn address(server: &Postgres, user: &str, tls: UpstreamTls) -> UpstreamAddress {
    UpstreamAddress {
        place: Place::new("localhost", server.port()),
        database: "postgres".to_owned(),
        user: user.to_owned(),
        password: password_of(user),
        tls,
        application_name: None,
        protocol: ProtocolVersion::V3_0,
    }
}

fn tls(mode: TlsMode, roots: Option<&Authority>) -> UpstreamTls {
    let roots = roots.map_or(Roots::System, |authority| Roots::Pem(authority.pem().as_bytes()));
    UpstreamTls::new(mode, roots, None).unwrap()
}

async fn log_in_as(address: &UpstreamAddress) -> Result<Upstream, UpstreamLoginError> {
    connect(address, &[], patience()).await
}

#[tokio::test]
async fn each_way_to_log_in_works_with_and_without_tls() {
    let server = server();
    for user in ["scram_user", "md5_user", "clear_user", "trust_user"] {
        for (tls, encrypted) in [(UpstreamTls::disabled(), "f"), (tls(TlsMode::Require, None), "t")] {
            let mut upstream = log_in_as(&address(&server, user, tls)).await.unwrap();
            let sql = "SELECT current_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            assert_eq!(query(&mut upstream.wire, sql).await.unwrap(), [[user, encrypted]], "{user}");
            assert_eq!(upstream.ready_status, TransactionStatus::Idle);
            assert!(upstream.backend_key.is_some());
            let version = upstream.parameter_status.iter().find(|(name, _)| name == "server_version");
            assert!(version.is_some_and(|(_, value)| !value.is_empty()));
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_words_of_the_server() {
    let server = server();
    for user in ["scram_user", "md5_user", "clear_user"] {
        let wrong = Some(Secret::new("wrong"));
        let address = UpstreamAddress { password: wrong, ..address(&server, user, UpstreamTls::disabled()) };
        let error = log_in_as(&address).await.unwrap_err();
        assert_eq!(error.code(), Some(SqlState::INVALID_PASSWORD), "{user}: {error}");
    }
    let none = UpstreamAddress { password: None, ..address(&server, "scram_user", UpstreamTls::disabled()) };
    assert!(matches!(log_in_as(&none).await, Err(UpstreamLoginError::PasswordMissing)));
}

#[tokio::test]
async fn an_unknown_database_is_refused_in_the_words_of_the_server() {
    let server = server();
    let address = address(&server, "scram_user", UpstreamTls::disabled());
    let address = UpstreamAddress { database: "nowhere".to_owned(), ..address };
    assert_eq!(log_in_as(&address).await.unwrap_err().code(), Some(SqlState::UNKNOWN_DATABASE));
}

#[tokio::test]
async fn a_certificate_of_our_own_logs_in() {
    let server = server();
    let (certificate, key) = server.authority().issue("cert_user", &[]);
    let identity = Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
    let roots = Roots::Pem(server.authority().pem().as_bytes());
    let tls = UpstreamTls::new(TlsMode::VerifyFull, roots, Some(identity)).unwrap();
    let mut upstream = log_in_as(&address(&server, "cert_user", tls)).await.unwrap();
    assert_eq!(query(&mut upstream.wire, "SELECT current_user").await.unwrap(), [["cert_user"]]);
}

#[tokio::test]
async fn each_mode_demands_what_it_says() {
    let server = server();
    let ours = server.authority();
    let strangers = Authority::new("somebody else");
    let cases: [(TlsMode, Option<&Authority>, &str, bool); 13] = [
        (TlsMode::Prefer, None, "127.0.0.1", true),
        (TlsMode::Require, None, "127.0.0.1", true),
        (TlsMode::Require, Some(ours), "127.0.0.2", true),
        (TlsMode::Require, Some(&strangers), "127.0.0.1", false),
        (TlsMode::VerifyCa, Some(ours), "127.0.0.1", true),
        (TlsMode::VerifyCa, Some(ours), "127.0.0.2", true),
        (TlsMode::VerifyCa, Some(&strangers), "127.0.0.1", false),
        (TlsMode::VerifyCa, None, "127.0.0.1", false),
        (TlsMode::VerifyFull, Some(ours), "127.0.0.1", true),
        (TlsMode::VerifyFull, Some(ours), "localhost", true),
        (TlsMode::VerifyFull, Some(ours), "127.0.0.2", false),
        (TlsMode::VerifyFull, Some(&strangers), "localhost", false),
        (TlsMode::VerifyFull, None, "localhost", false),
    ];
    for (mode, roots, host, accepted) in cases {
        let place = Place::new(host, server.port());
        let address = UpstreamAddress { place, ..address(&server, "tls_user", tls(mode, roots)) };
        match log_in_as(&address).await {
            Ok(upstream) => assert!(accepted && upstream.wire.is_encrypted(), "{mode:?} {host}"),
            Err(UpstreamLoginError::Tls(_)) => assert!(!accepted, "{mode:?} {host}"),
            Err(other) => panic!("{mode:?} {host}: {other}"),
        }
    }
    let plain = address(&server, "tls_user", UpstreamTls::disabled());
    assert_eq!(log_in_as(&plain).await.unwrap_err().code(), Some(SqlState::INVALID_AUTHORIZATION));
}

#[tokio::test]
async fn a_server_without_tls_is_used_only_where_the_mode_allows_it() {
    let server = Postgres::start(&PostgresOptions { tls: false, ..PostgresOptions::default() });
    server.sql("CREATE ROLE tls_user LOGIN PASSWORD 'p'");
    let preferred = address(&server, "tls_user", tls(TlsMode::Prefer, None));
    assert!(!log_in_as(&preferred).await.unwrap().wire.is_encrypted());
    for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let address = address(&server, "tls_user", tls(mode, Some(server.authority())));
        let refused = log_in_as(&address).await;
        assert!(matches!(refused, Err(UpstreamLoginError::NoTls(word)) if word == mode.word()), "{mode:?}");
    }
}

#[tokio::test]
async fn somebody_between_us_and_the_server_can_not_pass_the_login_on() {
    let server = server();
    for strip in [false, true] {
        let port = relay(server.port(), strip).await;
        let place = Place::new("127.0.0.1", port);
        let tls = tls(TlsMode::Require, None);
        let address = UpstreamAddress { place, ..address(&server, "scram_user", tls) };
        let error = log_in_as(&address).await.unwrap_err();
        let UpstreamLoginError::Refused { message, .. } = error else { panic!("{error}") };
        assert!(message.contains("channel binding"), "{message}");
    }
}

#[tokio::test]
async fn a_newer_version_is_talked_down_by_an_older_server() {
    let server = server();
    let address = address(&server, "scram_user", UpstreamTls::disabled());
    let address = UpstreamAddress { protocol: ProtocolVersion::V3_2, ..address };
    let upstream = log_in_as(&address).await.unwrap();
    assert_eq!(upstream.protocol, ProtocolVersion::V3_0);
    assert_eq!(upstream.backend_key.unwrap().secret().len(), 4);
}

#[tokio::test]
async fn parameters_arrive_and_can_not_change_who_we_are() {
    let server = server();
    let name = Some("orders".to_owned());
    let address =
        UpstreamAddress { application_name: name, ..address(&server, "scram_user", UpstreamTls::disabled()) };
    let parameters = [
        ("user", "postgres"),
        ("database", "template1"),
        ("replication", "true"),
        ("application_name", "forged"),
        ("TimeZone", "Asia/Tokyo"),
        ("options", "-c statement_timeout=7s"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut upstream = connect(&address, &parameters, patience()).await.unwrap();
    let sql = "SELECT current_user, current_database(), current_setting('application_name'),
               current_setting('TimeZone'), current_setting('statement_timeout')";
    let row = ["scram_user", "postgres", "orders", "Asia/Tokyo", "7s"];
    assert_eq!(query(&mut upstream.wire, sql).await.unwrap(), [row]);
}

#[tokio::test]
async fn a_unix_socket_logs_in_without_tls_in_every_mode() {
    let server = server();
    let place = Place::new(server.socket_folder().to_str().unwrap(), server.port());
    assert!(matches!(place, Place::Unix(_)));
    let address = UpstreamAddress { place, ..address(&server, "scram_user", tls(TlsMode::VerifyFull, None)) };
    let mut upstream = log_in_as(&address).await.unwrap();
    assert_eq!(query(&mut upstream.wire, "SELECT 1").await.unwrap(), [["1"]]);
}

#[tokio::test]
async fn a_cancel_reaches_the_statement_that_runs() {
    let server = server();
    for tls in [UpstreamTls::disabled(), tls(TlsMode::Require, None)] {
        let address = address(&server, "scram_user", tls);
        let mut upstream = log_in_as(&address).await.unwrap();
        let key = upstream.backend_key.clone().unwrap();
        let running = query(&mut upstream.wire, "SELECT pg_sleep(600)");
        let canceller = async {
            let active = format!(
                "SELECT 1 FROM pg_stat_activity WHERE pid = {} AND wait_event = 'PgSleep'",
                key.process()
            );
            while server.sql(&active).is_empty() {}
            let wrong = ServerKey::new(key.process(), &[0; 4]).unwrap();
            cancel(&address, &wrong, patience()).await.unwrap();
            assert!(!server.sql(&active).is_empty());
            cancel(&address, &key, patience()).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(running, canceller);
        assert_eq!(outcome.unwrap_err(), SqlState::QUERY_CANCELED);
        assert_eq!(query(&mut upstream.wire, "SELECT 1").await.unwrap(), [["1"]]);
    }
}

#[tokio::test]
async fn a_connection_sends_at_once_and_notices_a_dead_peer() {
    let server = server();
    let upstream = log_in_as(&address(&server, "scram_user", UpstreamTls::disabled())).await.unwrap();
    let Wire::Tcp(stream) = &upstream.wire else { panic!("plain TCP") };
    assert!(stream.nodelay().unwrap());
    assert!(socket2::SockRef::from(stream).keepalive().unwrap());
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_too_slow() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = server();
    let silent = address(&server, "scram_user", UpstreamTls::disabled());
    let silent = UpstreamAddress { place: Place::new("127.0.0.1", port), ..silent };
    assert!(matches!(connect(&silent, &[], ready(())).await, Err(UpstreamLoginError::TooSlow)));
    drop(listener);
    assert!(matches!(log_in_as(&silent).await, Err(UpstreamLoginError::Unreachable(_))));
}

#[test]
fn an_address_in_a_log_shows_no_password() {
    let address = UpstreamAddress {
        place: Place::new("db", 5432),
        database: "d".to_owned(),
        user: "u".to_owned(),
        password: Some(Secret::new("open sesame")),
        tls: UpstreamTls::disabled(),
        application_name: None,
        protocol: ProtocolVersion::V3_0,
    };
    assert!(!format!("{address:?}").contains("sesame"));
}
