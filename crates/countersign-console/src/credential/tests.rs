//! Cookies as browsers must keep them, tokens as programs send them.

use http::{HeaderMap, HeaderValue, header};

use super::{bearer, clear_cookie, cookie, set_cookie};
use crate::site::Site;

#[test]
fn a_cookie_over_https_is_bound_to_the_host() {
    let cookie = set_cookie(&Site::of("https://c.example"), "tok", 60).unwrap();
    assert_eq!(cookie, "__Host-countersign=tok; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
}

#[test]
fn a_cookie_over_http_has_the_plain_name() {
    let site = Site::of("http://localhost:8811");
    assert_eq!(
        set_cookie(&site, "tok", 60).unwrap(),
        "countersign=tok; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"
    );
    assert_eq!(clear_cookie(&site).unwrap(), "countersign=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
}

#[test]
fn the_session_is_found_among_other_cookies_by_its_whole_name() {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_static("a=b; xcountersign=no; countersign=yes"));
    assert_eq!(cookie(&headers, "countersign"), Some("yes"));
    assert_eq!(cookie(&headers, "__Host-countersign"), None);
}

#[test]
fn only_a_bearer_token_is_taken_from_authorization() {
    let read = |text: &'static str| bearer(&HeaderValue::from_static(text)).map(str::to_owned);
    assert_eq!(read("Bearer abc"), Some("abc".to_owned()));
    assert_eq!(read("bearer abc"), Some("abc".to_owned()));
    for bad in ["Basic abc", "Bearer", "Bearer ", "abc", ""] {
        assert_eq!(read(bad), None, "{bad:?}");
    }
}
