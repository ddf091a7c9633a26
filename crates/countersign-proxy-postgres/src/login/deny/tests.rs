use super::*;
use crate::codec::back::Back;

fn all() -> Vec<(&'static str, Complaint<'static>)> {
    vec![
        ("28P01", wrong_password("ada")),
        ("3D000", unknown_database("shop")),
        ("53300", too_many_connections()),
        ("57P01", closing("the gateway stops")),
        ("08P01", protocol_violation(&WireError::Tag(b'!'))),
        ("08P01", early_bytes()),
        ("08P01", nameless_tls()),
        ("08P01", encryption_twice()),
        ("28000", no_encryption()),
        ("28000", no_user()),
        ("0A000", no_replication()),
        ("08P01", parameter_twice("user")),
        ("08006", upstream(&UpstreamLoginError::TooSlow)),
    ]
}

#[test]
fn each_refusal_is_fatal_has_its_code_and_says_how_to_mend_it() {
    for (code, complaint) in all() {
        let mut out = Vec::new();
        complaint.encode_error(&mut out);
        let Ok(Back::Error(fault)) = Back::from_parts(out[0], &out[5..]) else { panic!("an error") };
        assert_eq!(fault.severity(), Some(Severity::Fatal), "{code}");
        assert_eq!(fault.code().unwrap().as_str(), code);
        assert!(!fault.message().is_empty() && !fault.hint().unwrap().is_empty(), "{code}");
    }
}

fn refused(code: &[u8]) -> UpstreamLoginError {
    let code = SqlState::new(code).unwrap();
    let message = "password authentication failed for user \"vault\"".to_owned();
    UpstreamLoginError::Refused { code, message, hint: Some("ask vault".to_owned()) }
}

#[test]
fn a_client_never_hears_the_words_of_the_server_about_our_login() {
    for code in [b"28P01", b"3D000", b"53300", b"57P03", b"28000"] {
        let complaint = upstream(&refused(code));
        assert!(!format!("{complaint:?}").contains("vault"), "{complaint:?}");
    }
}

#[test]
fn what_clients_wait_for_is_passed_on_and_the_rest_is_one_code() {
    let code = |code: &[u8]| upstream(&refused(code)).code.to_string();
    assert_eq!([code(b"53300"), code(b"57P03")], ["53300", "57P03"]);
    assert_eq!([code(b"28P01"), code(b"3D000"), code(b"XX000")], ["08006"; 3]);
}
