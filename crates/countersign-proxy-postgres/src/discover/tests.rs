//! What is asked stays harmless whatever names say, and values become counts.

use super::sample::{Search, question};
use super::{Column, Database, Family, Sampling, Table, TableKind, look};
use crate::codec::startup::ProtocolVersion;
use crate::login::Secret;
use crate::login::upstream::{Place, UpstreamAddress};
use crate::tls::UpstreamTls;
use countersign_testkit::{Postgres, PostgresOptions};

fn table(name: &str, kind: TableKind, rows: Option<u64>) -> Table {
    let column = Column::new("a\"b", "text", Family::Text);
    Table {
        schema: "s".to_owned(),
        name: name.to_owned(),
        kind,
        owner: "o".to_owned(),
        rows,
        row_security: false,
        columns: vec![column],
        sampling: Sampling::Skipped,
    }
}

#[test]
fn names_can_not_leave_their_quotes() {
    let text = question(&table("t\" ; DROP TABLE x; --", TableKind::Table, None), &[0]);
    assert_eq!(
        text,
        "SELECT left(\"a\"\"b\"::text, 500) FROM ONLY \"s\".\"t\"\" ; DROP TABLE x; --\" LIMIT 200"
    );
}

#[test]
fn large_tables_are_sampled_from_everywhere_by_about_a_thousand_pages_rows_at_most() {
    let of = |rows| question(&table("t", TableKind::Partitioned, Some(rows)), &[0]);
    assert!(of(50_000).ends_with("FROM \"s\".\"t\" LIMIT 200"), "{}", of(50_000));
    assert!(of(1_000_000).contains("system (0.020)"), "{}", of(1_000_000));
    assert!(of(u64::MAX).contains("system (0.001)"), "{}", of(u64::MAX));
}

#[test]
fn values_become_counts_of_values_and_null_counts_for_nothing() {
    let mut search = Search::new().unwrap();
    let cells = [
        Some(b"ada@example.org and bob@example.org".to_vec()),
        Some(b"nothing".to_vec()),
        None,
        Some(b"eve@example.org 4111 1111 1111 1111".to_vec()),
    ];
    let (values, looks) = search.column(cells.iter());
    let looks: Vec<_> = looks.iter().map(|look| (look.kind, look.values, look.personal, look.sure)).collect();
    assert_eq!(values, 3);
    assert_eq!(looks, [("email", 2, true, true), ("card", 1, true, true)]);
}

fn address(server: &Postgres) -> UpstreamAddress {
    UpstreamAddress {
        place: Place::new("127.0.0.1", server.port()),
        database: "postgres".to_owned(),
        user: "postgres".to_owned(),
        password: Some(Secret::new(server.superuser_password())),
        tls: UpstreamTls::disabled(),
        application_name: None,
        protocol: ProtocolVersion::V3_0,
    }
}

async fn looked(server: &Postgres) -> Database {
    look(&address(server), true, std::future::pending()).await.unwrap()
}

/// Functions that write are hung wherever reading a table could run them.
const TRAPS: &str = "
CREATE TABLE public.trace (what text);
CREATE FUNCTION public.trap(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN INSERT INTO public.trace VALUES (''ran''); RETURN $1; END';
CREATE FUNCTION public.\"left\"(text, int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN RETURN public.trap($1); END';
CREATE TABLE public.plain (mail text, n int);
INSERT INTO public.plain SELECT 'p' || i || '@example.org', i FROM generate_series(1, 9) i;
CREATE VIEW public.trapped AS SELECT public.trap(mail) AS mail FROM public.plain;
CREATE TABLE public.guarded (mail text);
INSERT INTO public.guarded VALUES ('g@example.org');
ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.guarded USING (public.trap(mail) IS NOT NULL);
CREATE TABLE public.ruled (mail text);
INSERT INTO public.ruled VALUES ('r@example.org');
ALTER TABLE public.ruled ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.ruled USING (mail IS NOT NULL);
CREATE TABLE public.closed (mail text);
INSERT INTO public.closed VALUES ('c@example.org');
ALTER DATABASE postgres SET search_path = public, pg_catalog;
CREATE ROLE modest LOGIN;
GRANT SELECT ON public.plain, public.trapped, public.guarded, public.ruled TO modest;
";

#[tokio::test]
async fn nothing_of_somebody_else_runs_and_what_may_not_be_read_is_not_counted() {
    let server = Postgres::start(&PostgresOptions {
        tls: false,
        hba: vec!["host all modest 127.0.0.0/8 trust".to_owned()],
        settings: Vec::new(),
    });
    server.sql(TRAPS);
    let modest = UpstreamAddress { user: "modest".to_owned(), password: None, ..address(&server) };
    let database = look(&modest, true, std::future::pending()).await.unwrap();
    assert!(!database.role.superuser && !database.role.reaches_the_server);
    let sampling = |name: &str| database.tables.iter().find(|table| table.name == name).unwrap().sampling;
    assert_eq!(sampling("plain"), Sampling::Looked(9));
    assert_eq!(sampling("trapped"), Sampling::Skipped);
    assert_eq!(sampling("guarded"), Sampling::Refused);
    // Not even a policy that would do no harm is run: nobody knows that before.
    assert_eq!(sampling("ruled"), Sampling::Refused);
    assert_eq!(sampling("closed"), Sampling::Skipped);
    let whole = looked(&server).await;
    assert!(whole.role.superuser && whole.role.reaches_the_server);
    assert_eq!(server.sql("SELECT count(*) FROM public.trace").trim(), "0");
}

#[tokio::test]
async fn when_the_time_is_over_the_names_are_still_told() {
    let server = Postgres::start(&PostgresOptions::default());
    server.sql("CREATE TABLE held (mail text); CREATE TABLE other (mail text)");
    // Somebody holds the first table, so its sample waits for the server's own short timeout; the second is read.
    let lock = "BEGIN; LOCK TABLE held; SELECT pg_backend_pid()";
    let (client, connection) =
        tokio_postgres::connect(&server.superuser_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(lock).await.unwrap();
    let database = looked(&server).await;
    let sampling: Vec<_> =
        database.tables.iter().map(|table| (table.name.as_str(), table.sampling)).collect();
    assert_eq!(sampling, [("held", Sampling::Refused), ("other", Sampling::Looked(0))]);
}
