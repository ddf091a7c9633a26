//! The codes are a promise to programs: this snapshot changes only by addition.

use super::{Code, Problem};

#[test]
fn codes_and_their_statuses_are_stable() {
    let lines: Vec<String> =
        Code::ALL.iter().map(|code| format!("{} {}", code.status().as_u16(), code.word())).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    401 unauthenticated
    403 csrf
    400 wrong_host
    403 forbidden_requester
    403 not_asked
    403 forbidden_by_policy
    403 assurance_too_low
    409 voted_already
    409 review_changed
    409 other_digest
    409 review_expired
    409 review_not_pending
    409 not_shown_whole
    404 not_found
    405 method_not_allowed
    400 invalid_parameter
    400 invalid_body
    415 unsupported_media_type
    413 body_too_large
    422 reason_too_long
    422 idempotency_key_reused
    404 invitation_not_valid
    422 passkey_refused
    503 store_unavailable
    ");
}

#[test]
fn a_problem_carries_code_title_detail_and_hint() {
    let body = serde_json::to_string(&Problem::new(Code::NotFound, "no such review").body()).unwrap();
    insta::assert_snapshot!(body, @r#"{"type":"urn:countersign:error:not_found","title":"There is nothing here","status":404,"detail":"no such review","code":"not_found","hint":"Check the address and the id."}"#);
}
