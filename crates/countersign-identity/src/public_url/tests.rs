use super::relying_party;

fn check(url: &str, expected: Option<(&str, &str)>) {
    let found = relying_party(url).unwrap().map(|party| (party.id, party.origin));
    assert_eq!(
        found,
        expected.map(|(id, origin)| (id.to_owned(), origin.to_owned())),
        "the relying party at `{url}`"
    );
}

#[test]
fn the_origin_is_what_a_browser_would_send() {
    check("https://countersign.example", Some(("countersign.example", "https://countersign.example")));
    check("https://Countersign.Example:443/", Some(("countersign.example", "https://countersign.example")));
    check("https://gate.example:8443/x?y#z", Some(("gate.example", "https://gate.example:8443")));
    check("http://localhost:8443", Some(("localhost", "http://localhost:8443")));
    check("http://localhost:80", Some(("localhost", "http://localhost")));
    check("http://gate.localhost:1", Some(("gate.localhost", "http://gate.localhost:1")));
}

#[test]
fn where_browsers_offer_no_passkeys_there_is_no_relying_party() {
    check("http://127.0.0.1:8443", None);
    check("https://10.0.0.5", None);
    check("http://[::1]:8443", None);
    check("http://gate.example", None);
    check("http://notlocalhost:1", None);
}

#[test]
fn a_url_that_no_browser_could_open_is_refused() {
    for url in [
        "countersign.example",
        "ftp://countersign.example",
        "https://",
        "https:///path",
        "https://user@countersign.example",
        "https://countersign.example:port",
        "https://countersign.example:99999",
        "https://a..b",
        "https://[::zz]",
        "https://a b",
    ] {
        assert!(relying_party(url).is_err(), "`{url}` was accepted");
    }
}
