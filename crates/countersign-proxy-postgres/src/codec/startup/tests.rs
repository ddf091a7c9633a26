use proptest::prelude::*;

use super::*;

fn startup(version: ProtocolVersion, parameters: &[(&str, &str)]) -> Startup {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Startup { version, parameters }
}

fn encoded(message: &Startup) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, &mut out).unwrap();
    out
}

#[test]
fn a_startup_keeps_its_parameters_in_order() {
    let sent = startup(ProtocolVersion::V3_2, &[("user", "ada"), ("_pq_.x", "1"), ("user", "eve")]);
    let bytes = encoded(&sent);
    let Ok(Some((First::Startup(read), length))) = decode(&bytes) else { panic!("decodes") };
    assert_eq!((&read, length), (&sent, bytes.len()));
    assert_eq!(read.parameter("user"), Some("eve"));
    assert_eq!(read.parameter("database"), None);
    assert_eq!(read.extensions().collect::<Vec<_>>(), ["_pq_.x"]);
}

#[test]
fn the_bytes_are_those_of_the_documentation() {
    let sent = startup(ProtocolVersion::V3_0, &[("user", "u")]);
    assert_eq!(encoded(&sent), b"\0\0\0\x10\0\x03\0\0user\0u\0\0");
    assert_eq!(ssl_request(), *b"\0\0\0\x08\x04\xd2\x16\x2f");
    assert!(matches!(decode(&ssl_request()), Ok(Some((First::Ssl, 8)))));
    assert!(matches!(decode(b"\0\0\0\x08\x04\xd2\x16\x30early"), Ok(Some((First::Gss, 8)))));
}

#[test]
fn every_part_of_a_packet_is_incomplete_and_nothing_else() {
    let bytes = encoded(&startup(ProtocolVersion::V3_0, &[("user", "ada"), ("database", "shop")]));
    for end in 0..bytes.len() {
        assert!(matches!(decode(&bytes[..end]), Ok(None)), "{end}");
    }
}

#[test]
fn a_packet_above_the_limit_is_refused_from_its_length() {
    let stated = u32::try_from(STARTUP_LIMIT + 1).unwrap();
    let refused = decode(&stated.to_be_bytes()).unwrap_err();
    assert_eq!(refused, WireError::TooLong { tag: 0, length: STARTUP_LIMIT + 1, limit: STARTUP_LIMIT });
    let long = "x".repeat(STARTUP_LIMIT);
    let mut out = vec![1];
    encode(&startup(ProtocolVersion::V3_0, &[("user", &long)]), &mut out).unwrap_err();
    assert_eq!(out, [1]);
}

#[test]
fn packets_that_do_not_add_up_are_refused() {
    let wrong: [(&[u8], &str); 9] = [
        (b"\0\0\0\0", "no length"),
        (b"\0\0\0\x07\0\x03\0", "no version"),
        (b"\0\0\0\x08\0\x03\0\0", "no end"),
        (b"\0\0\0\x0a\0\x03\0\0\0\0", "goes on after the end"),
        (b"\0\0\0\x0e\0\x03\0\0user\0\0", "a name without its value is the end"),
        (b"\0\0\0\x0c\0\x03\0\0\xff\0\0\0", "not UTF-8"),
        (b"\0\0\0\x09\0\x02\0\0\0", "major version 2"),
        (b"\0\0\0\x09\x04\xd2\x16\x2f\0", "an SSLRequest with a tail"),
        (b"\0\0\0\x0f\x04\xd2\x16\x2e\0\0\0\x01abc", "a cancel key of three bytes"),
    ];
    for (bytes, what) in wrong {
        assert!(decode(bytes).is_err(), "{what}");
    }
}

#[test]
fn a_cancel_request_has_a_key_of_4_to_256_bytes() {
    for length in [4usize, 16, 32, 256] {
        let mut out = Vec::new();
        let secret = vec![7; length];
        encode_cancel(&ServerKey::new(42, &secret).unwrap(), &mut out).unwrap();
        let Ok(Some((First::Cancel(key), _))) = decode(&out) else { panic!("decodes") };
        assert!(key.matches(&ClientKey::new(42, &secret).unwrap()));
    }
    ServerKey::new(1, &[0; 257]).unwrap_err();
    ClientKey::new(1, &[0; 3]).unwrap_err();
}

#[test]
fn keys_differ_by_process_length_and_any_bit() {
    let key = ClientKey::new(7, &[1; 16]).unwrap();
    assert!(!key.matches(&ClientKey::new(8, &[1; 16]).unwrap()));
    assert!(!key.matches(&ClientKey::new(7, &[1; 15]).unwrap()));
    let mut other = [1; 16];
    other[15] ^= 0x80;
    assert!(!key.matches(&ClientKey::new(7, &other).unwrap()));
}

#[test]
fn a_key_in_a_log_shows_no_secret() {
    let key = ClientKey::new(7, &[199; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "ClientKey { process: 7, .. }");
    let key = ServerKey::new(7, &[199; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "ServerKey { process: 7, .. }");
}

proptest! {
    #[test]
    fn what_is_written_is_read(minor in 0u16.., pairs in proptest::collection::vec(("[^\0]{1,12}", "[^\0]{0,12}"), 0..20)) {
        let sent = Startup { version: ProtocolVersion { major: 3, minor }, parameters: pairs };
        let bytes = encoded(&sent);
        let read = decode(&bytes).unwrap();
        let Some((First::Startup(read), length)) = read else { panic!("a start-up") };
        prop_assert_eq!(length, bytes.len());
        prop_assert_eq!(read, sent);
    }
}
