//! Do real clients get in? psql and tokio-postgres, each against a gateway that answers one question.

use std::process::Stdio;

use tokio::process::Command;

use super::*;
use crate::codec::front::Front;
use crate::login::deny;

/// Receives clients until the test ends. The password `token` is right; each `Query` is answered with what the gateway
/// knows about the session. Gives the port.
async fn gateway(rules: ClientRules) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let rules = rules.clone();
            tokio::spawn(async move {
                if let Ok(Arrival::Session(session)) =
                    welcome(Wire::tcp(stream).unwrap(), &rules, patience()).await
                {
                    serve(*session).await;
                }
            });
        }
    });
    port
}

async fn serve(mut session: ClientSession) {
    if session.password.as_ref().is_none_or(|password| password.expose() != "token") {
        deny::refuse(session.wire, &deny::wrong_password(&session.user)).await;
        return;
    }
    let mut out = Vec::new();
    let settings = [("server_version", "15.0"), ("client_encoding", "UTF8")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    greet(&mut out, &settings, &ClientKey::new(7, &[9; 4]).unwrap(), TransactionStatus::Idle).unwrap();
    session.wire.write_all(&out).await.unwrap();
    session.wire.flush().await.unwrap();
    while let Ok(message) = message::read(&mut session.wire, &Rules::client()).await {
        let Ok(Front::Query(_)) = Front::from_parts(message.tag, message.body()) else { return };
        answer(&mut session).await;
    }
}

async fn answer(session: &mut ClientSession) {
    let text = format!("{}@{} tls={}", session.user, session.database, session.wire.is_encrypted());
    let mut out = Vec::new();
    let field = back::Field {
        name: "who".into(),
        table_oid: 0,
        attnum: 0,
        type_oid: 25,
        size: -1,
        modifier: -1,
        format: crate::codec::Format::Text,
    };
    back::row_description(&mut out, [field]).unwrap();
    back::data_row(&mut out, [Some(text)]).unwrap();
    back::command_complete(&mut out, "SELECT 1").unwrap();
    back::ready(&mut out, TransactionStatus::Idle);
    session.wire.write_all(&out).await.unwrap();
    session.wire.flush().await.unwrap();
}

async fn psql(port: u16, password: &str, settings: &str) -> Result<String, String> {
    let conninfo = format!("host=localhost hostaddr=127.0.0.1 port={port} user=ada dbname=shop {settings}");
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-c", "SELECT who()", &conninfo]).env("PGPASSWORD", password);
    let output = psql.stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[tokio::test]
async fn psql_gets_in_with_and_without_tls() {
    let authority = Authority::new("authority of the gateway");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.crt");
    std::fs::write(&root, authority.pem()).unwrap();
    let port = gateway(rules_of(&authority)).await;
    for (settings, tls) in [
        ("sslmode=disable", false),
        ("sslmode=prefer", true),
        ("sslmode=require gssencmode=prefer", true),
        (&format!("sslmode=verify-full sslrootcert={}", root.display()), true),
    ] {
        assert_eq!(psql(port, "token", settings).await, Ok(format!("ada@shop tls={tls}")), "{settings}");
    }
    let plain = gateway(ClientRules::default()).await;
    assert_eq!(psql(plain, "token", "sslmode=prefer").await, Ok("ada@shop tls=false".to_owned()));
    let refused = psql(plain, "token", "sslmode=require").await.unwrap_err();
    assert!(refused.contains("server does not support SSL"), "{refused}");
}

#[tokio::test]
async fn psql_shows_why_it_does_not_get_in() {
    let port = gateway(rules()).await;
    let error = psql(port, "wrong", "sslmode=require").await.unwrap_err();
    assert!(error.contains("FATAL:  password authentication failed for user `ada`"), "{error}");
    assert!(error.contains("HINT:  the password must be a live token"), "{error}");
    let error = psql(port, "token", "replication=database").await.unwrap_err();
    assert!(error.contains("FATAL:  replication does not pass the gateway"), "{error}");
    let root = psql(port, "token", "sslmode=verify-full sslrootcert=/dev/null").await.unwrap_err();
    assert!(!root.contains("ada@shop"), "{root}");
}

#[tokio::test]
async fn tokio_postgres_gets_in_and_cancels() {
    let port = gateway(ClientRules::default()).await;
    let config = format!("host=127.0.0.1 port={port} user=ada dbname=shop password=token");
    let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let rows = client.simple_query("SELECT who()").await.unwrap();
    let row = rows.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(row, Some("ada@shop tls=false"));
    client.cancel_token().cancel_query(tokio_postgres::NoTls).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let wrong = config.replace("token", "wrong");
    let Err(error) = tokio_postgres::connect(&wrong, tokio_postgres::NoTls).await else { panic!("refused") };
    assert_eq!(error.code().unwrap().code(), SqlState::INVALID_PASSWORD.as_str());
}
