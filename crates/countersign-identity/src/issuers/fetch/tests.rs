use super::*;

#[test]
fn keys_are_fetched_only_by_https_or_within_the_machine() {
    for good in [
        "https://token.actions.githubusercontent.com",
        "https://issuer.example:8443/a/b?c=d",
        "http://127.0.0.1:9400",
        "http://[::1]:9400/keys",
        "http://localhost/keys",
    ] {
        assert_eq!(fetchable(good), Ok(()), "{good}");
    }
    for (bad, problem) in [
        ("http://issuer.example", UrlProblem::Plain),
        ("http://127.0.0.1.issuer.example", UrlProblem::Plain),
        ("http://localhost.issuer.example", UrlProblem::Plain),
        ("http://0.0.0.0/", UrlProblem::Plain),
        ("http://[::ffff:192.0.2.1]/", UrlProblem::Plain),
        ("https://user@issuer.example", UrlProblem::Form),
        ("http://127.0.0.1@issuer.example", UrlProblem::Form),
        ("https://issuer.example/#x", UrlProblem::Form),
        ("file:///etc/passwd", UrlProblem::Form),
        ("issuer.example", UrlProblem::Form),
        ("/keys", UrlProblem::Form),
        ("", UrlProblem::Form),
    ] {
        assert_eq!(fetchable(bad), Err(problem), "{bad}");
    }
}
