use super::*;

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
    up(&mut connection).unwrap();
    assert_eq!(before.len(), 2);
    assert_eq!(all(&connection), before);
    let again = "INSERT INTO agents (id, name, owner, teams, added_at, expires_at) \
                 VALUES ('agt_2', ?1, 'per_1', '[]', 1, 2)";
    assert!(connection.execute(again, ["batch"]).is_err(), "names are still given once");
    connection.execute(again, ["tokenless"]).unwrap();
}
