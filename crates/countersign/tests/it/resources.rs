//! What does `countersign resources discover` say about a real database, and what does it never say? The binary runs as
//! it is, against a real server.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use countersign_testkit::{Postgres, PostgresOptions};
use tempfile::TempDir;

/// Parts of values and of passwords that must not appear anywhere.
const MARKERS: [&str; 6] =
    ["zzmark", "wrong-s3cret", "4111 1111", "superuser's", "superuser%27s", "AKIAZZMARK"];

/// A small shop. `notes` has an address in one of ten rows, names try to leave the files they are written to.
const SHOP: &str = r#"
CREATE TABLE customers (id int PRIMARY KEY, name text, email text, birth_date date, contact text, note text,
    active boolean);
INSERT INTO customers SELECT i, 'zzmark name ' || i, 'zzmark' || i || '@example.org', '1990-01-01',
    'zzmark' || i || '@example.net', CASE WHEN i = 1 THEN 'call zzmark@example.com' ELSE 'nothing' END, true
    FROM generate_series(1, 10) i;
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, total numeric, payload jsonb);
INSERT INTO orders SELECT i, i, i * 10, '{"card": "4111 1111 1111 1111"}' FROM generate_series(1, 10) i;
CREATE TABLE accounts (login text, password_hash text, remark text);
INSERT INTO accounts SELECT 'l' || i, 'zzmark', 'AKIAZZMARKZZMARK234' || (2 + i % 6) FROM generate_series(1, 9) i;
CREATE VIEW open_orders AS SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION as_owner() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ANALYZE;
"#;

/// Names that would end a comment, a string or an identifier, and begin something of their own.
const HOSTILE: &str = r#"
CREATE SCHEMA "s"";
permit (principal, action, resource); //";
CREATE TABLE "s"";
permit (principal, action, resource); //"."t
[[resources]]
name = ""evil""
GRANT ALL ON x TO y; --" ("email
DROP TABLE x; --" text, "phone"", *""" text, "iban'\" text);
ALTER TABLE "s"";
permit (principal, action, resource); //"."t
[[resources]]
name = ""evil""
GRANT ALL ON x TO y; --" ENABLE ROW LEVEL SECURITY;
"#;

fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Postgres::start(&PostgresOptions::default());
        for (name, tables) in [("shop", SHOP), ("hostile", HOSTILE)] {
            server.sql(&format!("CREATE DATABASE {name}"));
            psql(&server, name, tables);
        }
        server
    })
}

fn psql(server: &Postgres, database: &str, text: &str) -> String {
    let mut psql = Command::new("psql");
    psql.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-U",
        "postgres",
        "-d",
        database,
        "-c",
        text,
    ]);
    psql.arg("-h").arg(server.socket_folder()).args(["-p", &server.port().to_string()]);
    let output = psql.env("PGPASSWORD", server.superuser_password()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The command, with the password where it belongs.
fn discover(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["resources", "discover"]).args(arguments).env("PGPASSWORD", server().superuser_password());
    command
}

fn url(database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{}/{database}", server().port())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Both streams, checked for values and passwords.
fn streams(output: &Output) -> (String, String) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_clean(&out);
    assert_clean(&err);
    (out, err)
}

fn assert_clean(text: &str) {
    for marker in MARKERS {
        assert!(!text.contains(marker), "`{marker}` in {text}");
    }
}

fn written(database: &str, more: &[&str]) -> (TempDir, Output) {
    let folder = TempDir::new().unwrap();
    let out = folder.path().to_str().unwrap().to_owned();
    let mut arguments = vec![url(database), "--out".to_owned(), out];
    arguments.extend(more.iter().map(|text| (*text).to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = discover(&arguments).output().unwrap();
    (folder, output)
}

fn read(folder: &Path, path: &str) -> String {
    let text = std::fs::read_to_string(folder.join(path)).unwrap();
    assert_clean(&text);
    text.replace(&server().port().to_string(), "PORT")
}

fn check(folder: &Path, name: &str) -> Output {
    let name = name.to_uppercase();
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["check", "--config"])
        .arg(folder.join("countersign.toml"))
        .env(format!("COUNTERSIGN_{name}_PASSWORD"), "x")
        .env(format!("COUNTERSIGN_{name}_PREVIEW_PASSWORD"), "x")
        .output()
        .unwrap()
}

#[test]
fn a_small_shop_is_described_and_what_is_written_passes_every_check() {
    let (folder, output) = written("shop", &[]);
    let (out, err) = streams(&output);
    assert!(output.status.success(), "{err}");
    assert_eq!(out, "");
    let shown = err.replace(&server().port().to_string(), "PORT");
    let shown = shown.replace(folder.path().to_str().unwrap(), "FOLDER");
    let (_, version) = shown.split_once("PostgreSQL ").unwrap();
    let version = version.split(',').next().unwrap().to_owned();
    insta::assert_snapshot!("summary", shown.replacen(&version, "VERSION", 1));
    insta::assert_snapshot!("countersign_toml", read(folder.path(), "countersign.toml"));
    insta::assert_snapshot!("shop_cedar", read(folder.path(), "policies/shop.cedar"));
    insta::assert_snapshot!("shop_role_sql", read(folder.path(), "shop-role.sql"));
    let checked = check(folder.path(), "shop");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

#[test]
fn the_written_roles_work_with_rows_and_can_do_nothing_else() {
    let (folder, output) = written("shop", &["--name", "least"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    psql(server(), "shop", &read(folder.path(), "least-role.sql").replace("PORT", "5432"));
    let as_role = |role: &str, sql: &str| {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "shop", "-h"]);
        psql.arg(server().socket_folder()).args(["-p", &server().port().to_string()]);
        let text = format!("SET SESSION AUTHORIZATION {role}; {sql}");
        psql.args(["-c", &text]).env("PGPASSWORD", server().superuser_password());
        psql.output().unwrap().status.success()
    };
    let (gateway, preview) = ("countersign_least", "countersign_least_preview");
    for allowed in ["SELECT * FROM orders", "UPDATE orders SET total = 1", "DELETE FROM orders WHERE id = 99"]
    {
        assert!(as_role(gateway, allowed), "{allowed}");
    }
    for refused in [
        "CREATE TABLE x (a int)",
        "DROP TABLE orders",
        "TRUNCATE orders",
        "CREATE ROLE x",
        "SELECT * FROM pg_authid",
    ] {
        assert!(!as_role(gateway, refused), "{refused}");
        assert!(!as_role(preview, refused), "{refused}");
    }
    assert!(as_role(preview, "SELECT * FROM orders"));
    assert!(!as_role(preview, "UPDATE orders SET total = 2"));
    let attributes = "SELECT bool_or(rolsuper OR rolinherit OR rolcreatedb OR rolcreaterole OR rolreplication OR \
                      rolbypassrls) FROM pg_roles WHERE rolname LIKE 'countersign_least%'";
    assert_eq!(psql(server(), "shop", attributes).trim(), "f");
    let settings = "SELECT count(*) FROM pg_db_role_setting, unnest(setconfig) s WHERE setrole = \
                    'countersign_least_preview'::regrole AND s = 'default_transaction_read_only=on'";
    assert_eq!(psql(server(), "shop", settings).trim(), "1");
}

#[test]
fn names_can_not_leave_the_files_that_they_are_written_to() {
    let (folder, output) = written("hostile", &[]);
    let (_, err) = streams(&output);
    assert!(output.status.success(), "{err}");
    let checked = check(folder.path(), "hostile");
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    // One resource, the same statements as for anybody, and SQL that makes two roles and no more.
    assert!(text(&checked.stdout).contains("1 resource(s)"), "{}", text(&checked.stdout));
    for path in ["countersign.toml", "policies/hostile.cedar"] {
        for line in read(folder.path(), path).lines() {
            assert!(!line.starts_with("permit (principal, action, resource);"), "{path}: {line}");
            assert!(!line.starts_with("name = \"evil"), "{path}: {line}");
        }
    }
    let sql = read(folder.path(), "hostile-role.sql");
    psql(server(), "hostile", &sql);
    for line in err.lines() {
        assert!(!line.starts_with("permit") && !line.starts_with("GRANT"), "{line}");
    }
}

#[test]
fn nothing_that_is_there_is_overwritten_and_then_nothing_is_written() {
    for path in ["countersign.toml", "policies/shop.cedar", "shop-role.sql"] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "mine").unwrap();
        let output = discover(&[&url("shop"), "--out", folder.path().to_str().unwrap()]).output().unwrap();
        let (_, err) = streams(&output);
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.contains("nothing was written") && err.contains(path), "{err}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
        let others = ["countersign.toml", "policies/shop.cedar", "shop-role.sql"];
        let others = others.iter().filter(|other| **other != path);
        assert!(others.into_iter().all(|other| !folder.path().join(other).exists()), "{path}");
    }
}

#[test]
fn programs_get_one_object_and_names_alone_suffice() {
    let output = discover(&[&url("shop"), "--json", "--no-sample", "--env", "staging"]).output().unwrap();
    let (out, err) = streams(&output);
    assert!(output.status.success(), "{err}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["resource"], "shop");
    assert!(found["files"]["countersign.toml"].as_str().unwrap().contains("env = \"staging\""));
    let columns: Vec<_> =
        found["sensitive"].as_array().unwrap().iter().map(|c| c["column"].as_str().unwrap()).collect();
    // `contact` and `remark` are known by their values alone.
    assert_eq!(columns, ["password_hash", "name", "email", "birth_date"]);
    assert!(found["tables"].as_array().unwrap().iter().all(|table| table["sampling"] == "skipped"));
}

#[test]
fn each_failure_says_what_where_and_how_to_mend_it() {
    let port = server().port();
    let place = format!("127.0.0.1:{port}");
    let cases = [
        ("mysql://a:wrong-s3cret@h/d".to_owned(), 2, "postgres://", "help:"),
        ("postgres://a:wrong-s3cret@127.0.0.1:1/d".to_owned(), 1, "127.0.0.1:1", "host and port"),
        (format!("postgres://postgres:wrong-s3cret@{place}/shop"), 1, "28P01", "the password is not that of"),
        (format!("postgres://postgres@{place}/missing"), 1, "3D000", "does not exist"),
        (format!("{}?sslmode=verify-full&sslrootcert=/nonexistent", url("shop")), 2, "/nonexistent", "PEM"),
        (format!("{}?sslmode=sometimes", url("shop")), 2, "sslmode", "verify-full"),
    ];
    for (url, code, what, help) in cases {
        let output = discover(&[&url]).output().unwrap();
        let (out, err) = streams(&output);
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(err.contains(what) && err.contains(help) && out.is_empty(), "{err}");
    }
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("other.pem");
    std::fs::write(&other, countersign_testkit::Authority::new("another").pem()).unwrap();
    let output = discover(&[&format!("{}?sslmode=verify-full&sslrootcert={}", url("shop"), other.display())])
        .output()
        .unwrap();
    let (_, err) = streams(&output);
    assert!(err.contains("agreeing on TLS") && err.contains("sslrootcert"), "{err}");
    let output = discover(&[&url("shop"), "--password-env", "COUNTERSIGN_TEST_UNSET"]).output().unwrap();
    assert!(streams(&output).1.contains("`COUNTERSIGN_TEST_UNSET` is not set"));
    let output = discover(&[&url("shop")]).env_remove("PGPASSWORD").output().unwrap();
    assert!(streams(&output).1.contains("PGPASSWORD"));
}
