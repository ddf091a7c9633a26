use super::*;
use crate::tests::server::Server;
use crate::tests::{catalog, session};

fn of(text: &str) -> Preview {
    let (catalog, session) = (catalog(), session());
    let verdict = classify(text, &catalog, &session);
    preview(text, &verdict.statements[0], &catalog, &session, 5).unwrap()
}

#[test]
fn the_rows_of_a_delete_are_counted_shown_and_followed() {
    let found = of("DELETE FROM sales.customers c WHERE c.name = $1");
    assert_eq!(found.count.unwrap(), "SELECT pg_catalog.count(*) FROM sales.customers c WHERE c.name = $1");
    assert_eq!(found.sample.unwrap(), "SELECT c.* FROM sales.customers c WHERE c.name = $1 LIMIT 5");
    let cascades: Vec<_> = found.cascades.iter().map(|c| (c.table.as_str(), c.action)).collect();
    assert_eq!(
        cascades,
        [
            ("sales.orders", CascadeAction::Delete),
            ("sales.lines", CascadeAction::Delete),
            ("sales.notes", CascadeAction::SetNull)
        ]
    );
    assert_eq!(found.reason_not_exact, None);
}

#[test]
fn an_update_shows_the_new_values_beside_the_old() {
    let found = of("UPDATE users SET name = upper(name), org = DEFAULT WHERE id > 3");
    assert_eq!(
        found.sample.unwrap(),
        "SELECT users.*, upper(name) AS \"name (after)\" FROM public.users WHERE id > 3 LIMIT 5"
    );
}

#[test]
fn rows_that_a_join_repeats_are_counted_once() {
    let found = of("UPDATE users u SET name = t.b FROM t WHERE t.a = u.id");
    assert_eq!(
        found.count.unwrap(),
        "SELECT pg_catalog.count(DISTINCT ROW(u.tableoid, u.ctid)) FROM public.users u, t WHERE t.a = u.id"
    );
}

#[test]
fn a_common_table_expression_does_not_hide_the_target() {
    let found = of("WITH users AS (SELECT 1) DELETE FROM users");
    assert_eq!(found.count.unwrap(), "WITH users AS (SELECT 1) SELECT pg_catalog.count(*) FROM public.users");
}

#[test]
fn only_changes_have_a_preview() {
    let (catalog, session) = (catalog(), session());
    for text in ["SELECT 1", "DROP TABLE users", "EXPLAIN DELETE FROM users", "COPY users FROM STDIN"] {
        let verdict = classify(text, &catalog, &session);
        assert_eq!(preview(text, &verdict.statements[0], &catalog, &session, 5), None, "{text}");
    }
}

#[test]
fn nothing_that_acts_is_run_to_count() {
    for text in [
        "DELETE FROM users WHERE plain(id) = 1",
        "DELETE FROM users u WHERE u.evil = 'x'",
        "DELETE FROM users WHERE name = ANY (SELECT query_to_xml('DELETE FROM t', true, true, '')::text)",
        "WITH d AS (DELETE FROM t RETURNING a) DELETE FROM users USING d WHERE a = id",
        "INSERT INTO t (a) SELECT nextval('seq')",
        "INSERT INTO t (a) SELECT id FROM users FOR UPDATE",
        "DELETE FROM users WHERE id IN (SELECT id FROM calls)",
        "DELETE FROM users WHERE pg_sleep(1) IS NULL",
    ] {
        let found = of(text);
        assert_eq!((found.count, found.sample), (None, None), "{text}");
        assert!(found.reason_not_exact.is_some(), "{text}");
    }
    assert_eq!(of("UPDATE users SET id = plain(1)").sample, None);
}

#[test]
fn an_estimate_plans_a_query_that_runs_nobodys_code() {
    let planned = |text| of(text).explain.map(|text| text.replace("EXPLAIN (FORMAT JSON) ", ""));
    for (text, expected) in [
        ("DELETE FROM users WHERE random() < 0.5", "SELECT users.* FROM public.users WHERE random() < 0.5"),
        ("UPDATE users SET id = plain(1) WHERE id > 3", "SELECT users.* FROM public.users WHERE id > 3"),
        (
            "INSERT INTO t (a) SELECT id FROM users ON CONFLICT DO NOTHING",
            "SELECT * FROM (SELECT id FROM users) rows_to_insert",
        ),
        ("DELETE FROM users WHERE plain(id) = 1", "SELECT FROM \"public\".\"users\""),
    ] {
        assert_eq!(planned(text).as_deref(), Some(expected), "{text}");
    }
    let reason = of("DELETE FROM users WHERE plain(id) = 1").reason_not_exact.unwrap();
    assert!(reason.ends_with("; the estimate is of all rows of the table"), "{reason}");
    assert_eq!(planned("INSERT INTO t (a) SELECT plain(id) FROM users"), None);
}

#[test]
fn what_a_query_can_not_foresee_is_said() {
    for text in [
        "DELETE FROM tenant",
        "INSERT INTO ruled VALUES (1) ON CONFLICT DO NOTHING",
        "DELETE FROM users WHERE CURRENT OF c",
        "DELETE FROM users WHERE random() < 0.5",
        "MERGE INTO users u USING t ON u.id = t.a WHEN MATCHED THEN DELETE",
        "DELETE FROM harmless USING t WHERE t.a = harmless.id",
        "UPDATE ruled SET id = 2",
        "TRUNCATE t, users",
        "DELETE FROM nosuch",
    ] {
        let found = of(text);
        assert!(found.count.is_none() && found.reason_not_exact.is_some(), "{text}: {found:?}");
    }
}

const ROWS: &str = "
INSERT INTO users SELECT i, 'n' || i % 7, 'e' || i, i % 3 FROM generate_series(1, 50) i;
INSERT INTO t SELECT i % 20, 'b', '{}' FROM generate_series(1, 60) i;
INSERT INTO parted SELECT i, i % 10 FROM generate_series(1, 30) i;
INSERT INTO parent SELECT i FROM generate_series(1, 5) i; INSERT INTO child SELECT i, 'x' FROM generate_series(1, 7) i;
INSERT INTO sales.customers SELECT i, 'c' || i, 'n' FROM generate_series(1, 9) i;
INSERT INTO sales.orders (customer, total) SELECT 1 + i % 9, i FROM generate_series(1, 40) i;
INSERT INTO sales.lines SELECT i, 1 + i % 40, 'l' FROM generate_series(1, 100) i;
INSERT INTO sales.notes SELECT i, 1 + i % 9 FROM generate_series(1, 20) i;
";

const CHANGES: [&str; 16] = [
    "DELETE FROM users",
    "DELETE FROM users WHERE id > 13 AND name = 'n3'",
    "DELETE FROM ONLY parent WHERE id > 2",
    "DELETE FROM parent WHERE id > 2",
    "DELETE FROM parted USING t WHERE t.a = parted.day",
    "DELETE FROM sales.customers WHERE id < 5",
    "DELETE FROM harmless WHERE id = 3",
    "UPDATE users SET name = 'x' WHERE id IN (SELECT a FROM t)",
    "UPDATE users u SET name = t.b FROM t WHERE t.a = u.id",
    "UPDATE users SET (name, email) = (SELECT 'a', 'b') WHERE email LIKE 'e1%'",
    "UPDATE parted SET id = id + 1 WHERE day BETWEEN 2 AND 4",
    "WITH users AS (SELECT 1 AS id) DELETE FROM users WHERE id IN (SELECT id FROM users)",
    "INSERT INTO t (a) SELECT id FROM users WHERE org = 1 UNION SELECT 7",
    "INSERT INTO t (a) VALUES (1), (2), (3)",
    "INSERT INTO t DEFAULT VALUES",
    "INSERT INTO t (a) WITH x AS (SELECT id FROM users LIMIT 4) SELECT id FROM x",
];

#[test]
fn the_count_is_what_a_real_server_then_changes() {
    let Some(server) = Server::start("preview") else { return };
    let mut script = format!("SET search_path = app, public;\n{ROWS}");
    for text in CHANGES {
        let found = of(text);
        let (count, sample) = (found.count.unwrap(), found.sample.unwrap_or_else(|| "SELECT 1".to_owned()));
        script.push_str(&format!("BEGIN;\n{sample};\n{count};\n{text};\n\\echo =:ROW_COUNT\nROLLBACK;\n"));
    }
    let printed = server.psql("fix", &script);
    assert_eq!(printed.errors, "");
    let lines: Vec<&str> = printed.out.lines().collect();
    let pairs: Vec<(&str, &str)> =
        (1..lines.len()).filter_map(|at| Some((lines[at - 1], lines[at].strip_prefix('=')?))).collect();
    assert_eq!(pairs.len(), CHANGES.len());
    for (text, (counted, changed)) in CHANGES.into_iter().zip(pairs) {
        assert_eq!(counted, changed, "{text}");
    }
}

#[test]
fn the_cascade_is_what_a_real_server_then_deletes() {
    let Some(server) = Server::start("cascade") else { return };
    let change = "DELETE FROM sales.customers WHERE id < 5";
    let mut script = format!("{ROWS}BEGIN;\n");
    for cascade in of(change).cascades.iter().filter(|c| c.action == CascadeAction::Delete) {
        script.push_str(&format!("{};\nSELECT count(*) FROM {};\n", cascade.sql, cascade.table));
    }
    script.push_str(&format!(
        "{change};\nSELECT count(*) FROM sales.orders;\nSELECT count(*) FROM sales.lines;\n"
    ));
    let printed = server.psql("fix", &script);
    assert_eq!(printed.errors, "");
    let n: Vec<i64> = printed.out.lines().map(|line| line.parse().unwrap()).collect();
    let [orders_gone, orders, lines_gone, lines, orders_left, lines_left] = n[..] else { panic!("{n:?}") };
    assert_eq!((orders - orders_gone, lines - lines_gone), (orders_left, lines_left));
}
