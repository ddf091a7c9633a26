use super::*;

fn seals() -> Seals {
    Seals::new(crate::tree::tests::content_key(), crate::tree::tests::entropy())
}

/// A file as the version before agents without tokens left it.
fn before_workloads() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.pragma_update(None, "foreign_keys", "ON").unwrap();
    for migration in &MIGRATIONS[..3] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", 3).unwrap();
    let agent = "INSERT INTO people VALUES ('per_1', 'ada', 'ada', '[]', 1, NULL); \
                 INSERT INTO agents VALUES ('agt_1', 'batch', 'per_1', NULL, '[]', randomblob(32), 2, 3, NULL), \
                                           ('agt_0', 'batch', 'per_1', 'per_1', '[]', randomblob(32), 1, 2, 2);";
    connection.execute_batch(agent).unwrap();
    connection
}

#[test]
fn agents_keep_everything_when_tokens_become_optional() {
    let mut connection = before_workloads();
    let all = |connection: &Connection| -> Vec<String> {
        let mut statement = connection.prepare("SELECT * FROM agents ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| {
            Ok((0..9).map(|at| format!("{:?}", row.get_ref(at).unwrap())).collect::<Vec<_>>().join(" "))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let before = all(&connection);
    up(&mut connection, &seals()).unwrap();
    assert_eq!(before.len(), 2);
    assert_eq!(all(&connection), before);
    let again = "INSERT INTO agents (id, name, owner, teams, added_at, expires_at) \
                 VALUES ('agt_2', ?1, 'per_1', '[]', 1, 2)";
    assert!(connection.execute(again, ["batch"]).is_err(), "names are still given once");
    connection.execute(again, ["tokenless"]).unwrap();
}

#[test]
fn what_an_older_version_kept_open_is_sealed_and_reads_the_same() {
    let mut connection = Connection::open_in_memory().unwrap();
    for migration in &MIGRATIONS[..6] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", 6).unwrap();
    connection
        .execute_batch(
            r#"INSERT INTO entries VALUES
                   (0, 'action.requested', 1, 'act_1', CAST('{"actor":{"id":"agt_1"}}' AS BLOB), x''),
                   (1, 'approval.decided', 2, 'act_1', CAST('{"actor":{"id":"per_1"}}' AS BLOB), x''),
                   (2, 'policy.changed', 3, 'policy', CAST('{"actor":{"id":"gateway"}}' AS BLOB), x'');
               INSERT INTO contents VALUES
                   (0, '{"action":["00",null],"claim":["01","alice asked"]}'),
                   (1, '{"digest":["02","sha256:1"],"name":["03","alice"],"reason":["04","seen by alice"]}'),
                   (2, '{"bundle":["05","sha256:2"]}');
               INSERT INTO actions VALUES (1, 'act_1', 1, 'orders', 'batch', 'delete', ' delete ', 'review', 'held', 'rev_1',
                   '{"of":"alice"}', '{}', CAST('alice' AS BLOB), NULL, NULL, NULL);
               INSERT INTO reviews VALUES ('rev_1', 'act_1', 1, 'pending', x'00', x'00', 'agt_1', 1, NULL, 0, '{"by":"alice"}');"#,
        )
        .unwrap();
    seals().teach(&connection).unwrap();
    up(&mut connection, &seals()).unwrap();

    let text = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let content = |index: i64, owner: &str| {
        text(&format!(
            "SELECT CAST(opened(c.owner, wrapped, 'contents.' || idx, body) AS TEXT) FROM contents c
             JOIN keys k ON k.owner = c.owner WHERE idx = {index} AND c.owner = '{owner}'"
        ))
    };
    assert_eq!(content(0, "act_1"), r#"{"action":["00",null],"claim":["01","alice asked"]}"#);
    assert_eq!(content(1, "act_1"), r#"{"digest":["02","sha256:1"]}"#);
    assert_eq!(content(1, "per_1"), r#"{"name":["03","alice"],"reason":["04","seen by alice"]}"#);
    assert_eq!(content(2, "policy"), r#"{"bundle":["05","sha256:2"]}"#);
    for (column, was) in [("body", r#"{"of":"alice"}"#), ("payload", "alice")] {
        let sql = format!(
            "SELECT CAST(opened(id, wrapped, 'actions.{column}', {column}) AS TEXT) FROM actions JOIN keys ON owner = id"
        );
        assert_eq!(text(&sql), was);
    }
    let review = "SELECT CAST(opened(action_id, wrapped, 'reviews.body', body) AS TEXT) FROM reviews
                  JOIN keys ON owner = action_id";
    assert_eq!(text(review), r#"{"by":"alice"}"#);
    let open = "SELECT count(*) FROM contents WHERE instr(body, CAST('alice' AS BLOB)) > 0";
    assert_eq!(text(&open.replace("count(*)", "CAST(count(*) AS TEXT)")), "0");
}
