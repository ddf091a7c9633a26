//! What is read, what is refused, and that no refusal repeats what was typed.

use super::*;

fn parse(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn urls_mean_what_they_mean_to_libpq() {
    let all = parse(
        "postgresql://ada:s%40cret%2F@db.internal:6543/shop?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
    );
    assert_eq!((all.host.as_str(), all.port), ("db.internal", 6543));
    assert_eq!((all.user.as_str(), all.database.as_str()), ("ada", "shop"));
    assert_eq!(all.password.unwrap().expose(), "s@cret/");
    assert_eq!((all.tls, all.roots), (TlsMode::VerifyFull, Some("/etc/ca.pem".into())));

    let least = parse("postgres://ada@localhost/shop");
    assert_eq!((least.port, least.password, least.tls), (5432, None, TlsMode::Prefer));
    assert_eq!(parse("postgres://ada@[::1]:7000/d").host, "::1");
    assert_eq!(parse("postgres://ada@[::1]/d").port, 5432);
    assert_eq!(parse("postgres://ada@/d?host=/var/run/postgresql&port=7").host, "/var/run/postgresql");
    assert_eq!(parse("postgres://ada@%2Frun%2Fpg/d").host, "/run/pg");
    assert_eq!(parse("postgres://%C3%A4da@h/d%20b").database, "d b");
    assert_eq!(parse("postgres://a:@h/d").password, None);
    assert_eq!(parse("postgres://a@h/d?channel_binding=require&connect_timeout=9").ignored.len(), 2);
}

#[test]
fn what_is_no_database_is_refused_and_a_password_is_never_repeated() {
    use AddressError::*;
    let table = [
        ("shop", Scheme),
        ("mysql://ada:s3cret@h/d", Scheme),
        ("ada:s3cret@h/d", Scheme),
        ("postgres://ada:s3cret@x@h/d", TwoAts),
        ("postgres://ada:s3cret/x@h/d", Port),
        ("postgres://ada:s3cret@h", Missing("database")),
        ("postgres://ada:s3cret@h/", Missing("database")),
        ("postgres://ada:s3cret@/d", Missing("host")),
        ("postgres://:s3cret@h/d", Missing("user")),
        ("postgres://h/d", Missing("user")),
        ("postgres://ada:s3cret@h,i/d", Several),
        ("postgres://ada:s3cret@h:0/d", Port),
        ("postgres://ada:s3cret@h:99999/d", Port),
        ("postgres://ada:s3cret@[::1]x/d", Port),
        ("postgres://ada:s3cret%@h/d", Percent),
        ("postgres://ada:s3cret%ff@h/d", Percent),
        ("postgres://ada:s3cret@h/d?sslmode=allow", Mode),
        ("postgres://ada:s3cret@h/d?sslcert=a", HalfIdentity),
        ("postgres://ada@h/d?password=s3cret", PasswordParameter),
        ("postgres://ada@h/d?pasword=s3cret", Parameter),
        ("postgres://ada@h/d?s3cret", Parameter),
    ];
    for (text, error) in table {
        let found = Address::parse(text).expect_err(text);
        assert_eq!(found, error, "{text}");
        assert!(!found.to_string().contains("s3cret"), "{found}");
    }
    assert!(!format!("{:?}", parse("postgres://ada:s3cret@h/d")).contains("s3cret"));
}
