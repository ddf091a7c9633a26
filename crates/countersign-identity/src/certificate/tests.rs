use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, SanType};

use super::*;

fn der(subject: &[(DnType, DnValue)], names: Vec<SanType>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), value.clone());
    }
    params.subject_alt_names = names;
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn utf8(text: &str) -> DnValue {
    DnValue::Utf8String(text.to_owned())
}

fn subject(parts: &[(DnType, &str)]) -> String {
    let parts: Vec<_> = parts.iter().map(|(kind, text)| (kind.clone(), utf8(text))).collect();
    Certificate::read(&der(&parts, Vec::new())).unwrap().subject
}

#[test]
fn a_subject_is_written_as_rfc_4514_has_it() {
    use DnType::{CommonName, CountryName, OrganizationName, OrganizationalUnitName};
    let parts = [
        (CountryName, "DE"),
        (OrganizationName, "Acme"),
        (OrganizationalUnitName, "Data"),
        (CommonName, "batch"),
    ];
    assert_eq!(subject(&parts), "CN=batch,OU=Data,O=Acme,C=DE");
    assert_eq!(subject(&[(DnType::CustomDnType(vec![1, 2, 3, 4]), "x")]), "1.2.3.4=x");
    assert_eq!(subject(&[(CommonName, "Łukasz")]), "CN=Łukasz");
}

#[test]
fn no_value_can_look_like_another_part() {
    let honest = subject(&[(DnType::OrganizationName, "Acme"), (DnType::CommonName, "batch")]);
    let forged = subject(&[(DnType::CommonName, "batch,O=Acme")]);
    assert_eq!(honest, "CN=batch,O=Acme");
    assert_eq!(forged, r"CN=batch\,O\=Acme");
    for (value, written) in [
        (" x ", r"CN=\ x\ "),
        ("#x", r"CN=\#x"),
        ("a+b", r"CN=a\+b"),
        ("a\"b\\c", r#"CN=a\"b\\c"#),
        ("a\0b", r"CN=a\00b"),
        ("a\nb", r"CN=a\0Ab"),
    ] {
        assert_eq!(subject(&[(DnType::CommonName, value)]), written);
    }
}

#[test]
fn rules_look_at_whole_names_of_their_own_kind() {
    let names = vec![
        SanType::URI("spiffe://example.org/batch".try_into().unwrap()),
        SanType::DnsName("Batch.example.org".try_into().unwrap()),
        SanType::Rfc822Name("batch@example.org".try_into().unwrap()),
    ];
    let read = Certificate::read(&der(&[(DnType::CommonName, utf8("batch"))], names)).unwrap();
    for (name, value, holds) in [
        ("subject", "CN=batch", true),
        ("subject", "cn=batch", false),
        ("subject", "batch", false),
        ("URI", "spiffe://example.org/batch", true),
        ("URI", "spiffe://example.org/", false),
        ("URI", "Batch.example.org", false),
        ("DNS", "batch.example.org", true),
        ("DNS", "example.org", false),
        ("DNS", "batch@example.org", false),
        ("email", "batch@example.org", false),
    ] {
        assert_eq!(read.says(&Rule::new(name, value)), holds, "{name} {value}");
    }
    assert_eq!(read.name(), "spiffe://example.org/batch");
}

#[test]
fn a_certificate_without_a_subject_matches_no_subject() {
    let read = Certificate::read(&der(&[], vec![SanType::DnsName("a.example".try_into().unwrap())])).unwrap();
    assert_eq!(read.subject, "");
    assert!(!read.says(&Rule::new("subject", "")));
}

#[test]
fn what_can_be_read_in_several_ways_is_not_read() {
    let good = der(&[(DnType::CommonName, utf8("batch"))], Vec::new());
    assert!(Certificate::read(&good).is_some());
    assert_eq!(Certificate::read(&[good.as_slice(), b"x"].concat()), None);
    assert_eq!(Certificate::read(&good[..good.len() - 1]), None);
    assert_eq!(Certificate::read(b""), None);
    let wide = DnValue::BmpString("batch".try_into().unwrap());
    assert_eq!(Certificate::read(&der(&[(DnType::CommonName, wide)], Vec::new())), None);
}
