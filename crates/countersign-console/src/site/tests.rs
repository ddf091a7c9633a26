//! Names that fit, names that don't, ways out that are closed.

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::{Provenance, Site, local_path};

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn only_the_configured_name_is_answered() {
    let site = Site::of("http://localhost:8811");
    let uri = Uri::from_static("/");
    assert!(site.is_addressed(&uri, &headers(&[("host", "localhost:8811")])));
    assert!(site.is_addressed(&uri, &headers(&[("host", "LOCALHOST:8811")])));
    assert!(site.is_addressed(&Uri::from_static("http://localhost:8811/x"), &headers(&[])));
    for wrong in ["evil.example:8811", "localhost", "localhost:8812", "", "localhost:8811.evil.example"] {
        assert!(!site.is_addressed(&uri, &headers(&[("host", wrong)])), "{wrong}");
    }
    assert!(!site.is_addressed(&uri, &headers(&[])));
    let mut two = headers(&[("host", "localhost:8811")]);
    two.append("host", HeaderValue::from_static("localhost:8811"));
    assert!(!site.is_addressed(&uri, &two));
    assert!(!Site::of("nonsense").is_addressed(&uri, &headers(&[("host", "")])));
    assert!(Site::of("https://c.example:443/").is_addressed(&uri, &headers(&[("host", "c.example")])));
}

#[test]
fn one_foreign_sign_is_enough_to_be_from_elsewhere() {
    let site = Site::of("https://c.example");
    let table = [
        (vec![("origin", "https://c.example")], Provenance::Here),
        (vec![("sec-fetch-site", "same-origin")], Provenance::Here),
        (vec![], Provenance::Unsaid),
        (vec![("origin", "null")], Provenance::Elsewhere),
        (vec![("origin", "http://c.example")], Provenance::Elsewhere),
        (vec![("origin", "https://c.example"), ("sec-fetch-site", "cross-site")], Provenance::Elsewhere),
        (vec![("sec-fetch-site", "same-site")], Provenance::Elsewhere),
        (vec![("sec-fetch-site", "none")], Provenance::Elsewhere),
    ];
    for (lines, expected) in table {
        assert_eq!(site.provenance(&headers(&lines)), expected, "{lines:?}");
    }
}

#[test]
fn next_never_leads_out_of_the_console() {
    assert_eq!(local_path(Some("/reviews/rev_1?x=1")), "/reviews/rev_1?x=1");
    for bad in
        ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\nb", "/a b", "/\t/x"]
    {
        assert_eq!(local_path(Some(bad)), "/", "{bad:?}");
    }
    assert_eq!(local_path(None), "/");
}
