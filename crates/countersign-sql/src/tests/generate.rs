//! Statements out of a small grammar, most of which the fixture's database accepts.

use proptest::prelude::*;

fn relation() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "users",
        "t",
        "items",
        "harmless",
        "hashes",
        "stored",
        "sales.orders",
        "tenant",
        "counted",
        "planned",
        "parted",
        "parent",
        "moody",
        "watched",
        "pg_class",
        "pg_catalog.pg_roles",
        "information_schema.tables",
        "calls",
        "seq",
        "gen",
    ])
}

/// Single values; some of them do more than compute.
fn leaf() -> BoxedStrategy<String> {
    let plain = prop::sample::select(vec![
        "1",
        "'a'",
        "NULL",
        "now()",
        "random()",
        "pg_backend_pid()",
        "current_user",
        "1.5e3",
        "E'a\\\\b'",
        "$$x$$",
        "ARRAY[1,2]",
        "row(1,'a')",
        "'2024-01-01'::date",
        "interval '1 day'",
        "version()",
        "txid_current_snapshot()",
        "pg_relation_size('users')",
        "to_tsvector('a b')",
        "has_table_privilege('users','select')",
        "md5('a')",
        "(SELECT last_value FROM seq)",
        "pg_is_in_recovery()",
        "'1'::positive",
    ]);
    let acting = prop::sample::select(vec![
        "nextval('seq')",
        "setval('seq', 7)",
        "nextval('public.seq'::regclass)",
        "plain(1)",
        "lower('X')",
        "lower(1)",
        "pg_notify('a','b')",
        "lo_creat(-1)",
        "lo_create(0)",
        "set_config('search_path','app, public',true)",
        "'a'::good",
        "pg_sleep(0)",
        "pg_advisory_xact_lock(1)",
        "next_code()",
        "'a' @+@ 'b'",
        "query_to_xml('select 1',true,true,'')",
        "query_to_xml('create table x()',true,true,'')",
        "query_to_xml('delete from t',true,true,'')",
        "table_to_xml('t',true,true,'')",
        "currval('seq')",
        "(SELECT x.evil FROM users x LIMIT 1)",
        "(1).nextval",
        "('seq'::regclass).nextval",
        "txid_current()",
        "pg_export_snapshot()",
        "pg_logical_emit_message(true,'a','b')",
        "pg_stat_clear_snapshot()",
    ]);
    let sub = relation().prop_flat_map(|relation| {
        prop::sample::select(vec![
            format!("(SELECT count(*) FROM {relation})"),
            format!("(SELECT 1 FROM {relation} LIMIT 1)"),
            format!("(SELECT 1 FROM {relation} LIMIT 1 FOR UPDATE)"),
            format!("EXISTS (TABLE {relation})"),
        ])
    });
    prop_oneof![5 => plain.prop_map(str::to_owned), 2 => acting.prop_map(str::to_owned), 2 => sub].boxed()
}

fn value() -> BoxedStrategy<String> {
    leaf()
        .prop_recursive(3, 12, 3, |inner| {
            let pair = (inner.clone(), inner.clone());
            prop_oneof![
                inner.clone().prop_map(|a| format!("({a})::text")),
                pair.clone().prop_map(|(a, b)| format!("({a})::text || ({b})::text")),
                pair.clone().prop_map(|(a, b)| format!("coalesce(({a})::text, ({b})::text)")),
                pair.clone()
                    .prop_map(|(a, b)| format!("CASE WHEN ({a}) IS NULL THEN ({b})::text ELSE 'x' END")),
                pair.clone().prop_map(|(a, b)| format!("({a})::text IN ('a', ({b})::text)")),
                pair.clone().prop_map(|(a, b)| format!("({a})::text BETWEEN 'a' AND ({b})::text")),
                pair.prop_map(|(a, b)| format!("concat({a}, {b})")),
                inner.clone().prop_map(|a| format!("ARRAY[({a})::text]")),
                inner.clone().prop_map(|a| format!("to_jsonb(({a})::text) ->> 0")),
                inner.prop_map(|a| format!("(SELECT q.x FROM (SELECT ({a})::text AS x) q)")),
            ]
        })
        .boxed()
}

fn query() -> BoxedStrategy<String> {
    let simple = prop_oneof![
        value().prop_map(|v| format!("SELECT ({v})::text")),
        (value(), relation()).prop_map(|(v, r)| format!("SELECT ({v})::text FROM {r} LIMIT 2")),
        (value(), relation()).prop_map(|(v, r)| format!("SELECT 'a' FROM {r} WHERE ({v}) IS NULL")),
        (value(), relation()).prop_map(|(v, r)| format!("SELECT 'a' FROM {r} ORDER BY ({v})::text LIMIT 1")),
        (value(), relation()).prop_map(|(v, r)| format!("SELECT max(({v})::text) FROM {r}")),
        (value(), relation())
            .prop_map(|(v, r)| format!("SELECT 'a' FROM {r} a, LATERAL (SELECT ({v})::text) l LIMIT 1")),
        value().prop_map(|v| format!("VALUES (({v})::text)")),
        relation().prop_map(|r| format!("SELECT 'a' FROM {r} FOR SHARE")),
        relation().prop_map(|r| format!("SELECT 'a' FROM (SELECT * FROM {r}) q FOR NO KEY UPDATE")),
    ];
    simple
        .prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) UNION ALL ({b})")),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| format!("WITH w AS ({a}) SELECT 'a' FROM w WHERE EXISTS ({b})")),
                (change(), inner.clone()).prop_map(|(c, q)| format!("WITH w AS ({c} RETURNING 1) {q}")),
                inner.prop_map(|a| format!("SELECT 'a' FROM ({a}) s")),
            ]
        })
        .boxed()
}

/// Statements that change rows.
fn change() -> BoxedStrategy<String> {
    prop_oneof![
        value().prop_map(|v| format!("INSERT INTO t (b) VALUES (({v})::text)")),
        value().prop_map(|v| format!(
            "INSERT INTO users (id, name) SELECT 1, ({v})::text ON CONFLICT (id) DO UPDATE SET name = 'x'"
        )),
        value().prop_map(|v| format!("UPDATE t SET b = ({v})::text WHERE false")),
        value().prop_map(|v| format!("DELETE FROM harmless WHERE name = ({v})::text")),
        Just("INSERT INTO sales.orders (total) VALUES (1)".to_owned()),
        Just("DELETE FROM ONLY parent USING t WHERE false".to_owned()),
    ]
    .boxed()
}

/// A whole statement.
pub(super) fn statement() -> BoxedStrategy<String> {
    let utility = prop::sample::select(vec![
        "TRUNCATE t",
        "LOCK TABLE t IN SHARE MODE",
        "CREATE TABLE made (id int)",
        "CREATE TEMP TABLE made (id int)",
        "DROP TABLE t",
        "ALTER TABLE t ADD COLUMN z int",
        "COMMENT ON TABLE t IS 'x'",
        "GRANT SELECT ON t TO bob",
        "CREATE ROLE made",
        "REFRESH MATERIALIZED VIEW stored",
        "CREATE INDEX ON t (a)",
        "ANALYZE t",
        "NOTIFY a",
        "LISTEN a",
        "SET LOCAL work_mem = '8MB'",
        "SHOW work_mem",
        "SET CONSTRAINTS ALL DEFERRED",
        "CALL proc(1)",
        "COPY t FROM PROGRAM 'true'",
        "DO 'BEGIN DELETE FROM t; END'",
        "SAVEPOINT s",
        "REINDEX TABLE t",
        "CHECKPOINT",
        "CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW made AS SELECT 1",
        "SECURITY LABEL ON TABLE t IS 'x'",
        "ALTER ROLE bob NOLOGIN",
        "DISCARD PLANS",
        "CLUSTER t",
        "VACUUM t",
        "MERGE INTO t USING users u ON t.a = u.id WHEN MATCHED THEN DO NOTHING",
        "MERGE INTO t USING users u ON t.a = u.id WHEN NOT MATCHED THEN INSERT (a) VALUES (1)",
        "PREPARE TRANSACTION 'x'",
        "IMPORT FOREIGN SCHEMA x FROM SERVER far INTO public",
    ]);
    prop_oneof![
        6 => query(),
        2 => change(),
        1 => query().prop_map(|q| format!("EXPLAIN {q}")),
        1 => prop_oneof![query(), change()].prop_map(|q| format!("EXPLAIN (ANALYZE, TIMING off) {q}")),
        1 => query().prop_map(|q| format!("CREATE TABLE made AS {q}")),
        1 => value().prop_map(|v| format!("SELECT ({v})::text AS x INTO made")),
        1 => query().prop_map(|q| format!("DECLARE c CURSOR FOR {q}")),
        1 => query().prop_map(|q| format!("COPY ({q}) TO STDOUT")),
        1 => query().prop_map(|q| format!("PREPARE s{} AS {q}", q.len())),
        2 => utility.prop_map(str::to_owned),
    ]
    .boxed()
}
