use proptest::prelude::*;

use super::*;
use crate::codec::{ClientKey, Format, SqlState};

fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    assert_eq!(u32::from_be_bytes(out[1..5].try_into().unwrap()) as usize, out.len() - 1);
    out
}

fn read(message: &[u8]) -> Back<'_> {
    Back::from_parts(message[0], &message[5..]).unwrap()
}

fn column(name: &str) -> Field<'_> {
    Field {
        name: name.into(),
        table_oid: 16_385,
        attnum: 2,
        type_oid: 25,
        size: -1,
        modifier: -1,
        format: Format::Text,
    }
}

fn complaint() -> Complaint<'static> {
    Complaint::new(Severity::Error, SqlState::INSUFFICIENT_PRIVILEGE, "no `DELETE` here")
        .detail("nothing was executed")
        .hint("ask for it")
        .position(8)
}

fn examples() -> Vec<Vec<u8>> {
    let mut error = Vec::new();
    complaint().encode_error(&mut error);
    vec![
        error,
        written(|out| row_description(out, [column("id"), column("mail")])),
        written(|out| data_row(out, [Some("1"), None, Some("")])),
        written(|out| command_complete(out, "INSERT 0 3")),
        written(|out| parameter_status(out, "TimeZone", "UTC")),
        written(|out| negotiate_protocol_version(out, ProtocolVersion::V3_2, ["_pq_.a", "_pq_.b"])),
        b"Z\0\0\0\x05T".to_vec(),
        b"t\0\0\0\x0a\0\x01\0\0\0\x17".to_vec(),
        b"G\0\0\0\x0b\0\0\x02\0\0\0\0".to_vec(),
        b"A\0\0\0\x0f\0\0\0\x07jobs\0x\0".to_vec(),
        b"V\0\0\0\x0a\0\0\0\x02hi".to_vec(),
        b"R\0\0\0\x0c\0\0\0\x05salt".to_vec(),
        b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec(),
    ]
}

#[test]
fn bytes_read_as_the_documentation_says() {
    let all = examples();
    let Back::Error(fault) = read(&all[0]) else { panic!("error") };
    assert_eq!(fault.severity(), Some(Severity::Error));
    assert_eq!(fault.code(), Some(SqlState::INSUFFICIENT_PRIVILEGE));
    assert_eq!(fault.message(), "no `DELETE` here");
    assert_eq!(fault.detail().as_deref(), Some("nothing was executed"));
    assert_eq!(fault.hint().as_deref(), Some("ask for it"));
    assert_eq!(fault.field(b'P').as_deref(), Some("8"));
    let Back::RowDescription(columns) = read(&all[1]) else { panic!("columns") };
    assert_eq!(columns.fields().collect::<Vec<_>>(), [column("id"), column("mail")]);
    let Back::DataRow(row) = read(&all[2]) else { panic!("row") };
    assert_eq!(row.cells().collect::<Vec<_>>(), [Some(&b"1"[..]), None, Some(&b""[..])]);
    let Back::CommandComplete(tag) = read(&all[3]) else { panic!("tag") };
    assert_eq!((tag.text.as_ref(), tag.rows()), ("INSERT 0 3", Some(3)));
    assert!(matches!(read(&all[6]), Back::Ready(TransactionStatus::Open)));
    let Back::ParameterDescription(types) = read(&all[7]) else { panic!("types") };
    assert_eq!(types.types().collect::<Vec<_>>(), [23]);
    let Back::CopyIn(shape) = read(&all[8]) else { panic!("copy") };
    assert_eq!((shape.format, shape.columns.stated()), (Format::Text, 2));
    assert!(matches!(read(&all[9]), Back::Notification { process: 7, .. }));
    assert!(matches!(read(&all[10]), Back::FunctionResult(Some(b"hi"))));
    let Back::Authentication(Authentication::Md5(salt)) = read(&all[11]) else { panic!("md5") };
    assert_eq!(&salt, b"salt");
    let Back::Authentication(Authentication::Sasl(names)) = read(&all[12]) else { panic!("sasl") };
    assert_eq!(names, ["SCRAM-SHA-256"]);
}

#[test]
fn a_missing_or_a_trailing_byte_is_refused() {
    for message in examples() {
        let (tag, body) = (message[0], &message[5..]);
        for end in 0..body.len() {
            assert!(Back::from_parts(tag, &body[..end]).is_err(), "{} of {end} bytes", tag as char);
        }
        let refused = Back::from_parts(tag, &[body, &[0]].concat()).unwrap_err();
        assert_eq!(refused, WireError::Trailing(body.len()), "{}", tag as char);
    }
    for tag in *b"123nsIc" {
        Back::from_parts(tag, &[]).unwrap();
        Back::from_parts(tag, &[0]).unwrap_err();
    }
}

#[test]
fn an_empty_hint_is_never_sent() {
    let mut out = Vec::new();
    Complaint::new(Severity::Notice, SqlState::SUCCESSFUL, "waiting").hint("").encode_notice(&mut out);
    let Back::Notice(fault) = read(&out) else { panic!("notice") };
    let kinds: Vec<u8> = fault.fields().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, b"SVCM");
}

#[test]
fn what_we_complain_about_can_not_break_the_message() {
    let mut out = Vec::new();
    let long = "é".repeat(20_000);
    Complaint::new(Severity::Error, SqlState::SYNTAX_ERROR, "a\0Mb").detail(long).encode_error(&mut out);
    let Back::Error(fault) = read(&out) else { panic!("error") };
    assert_eq!(fault.message(), "a\u{fffd}Mb");
    let detail = fault.detail().unwrap();
    assert!(detail.len() < 16_500 && detail.ends_with("é … (cut)"));
}

#[test]
fn rows_of_a_command_are_its_last_number() {
    for (text, rows) in [
        ("SELECT 12", Some(12)),
        ("INSERT 0 1", Some(1)),
        ("COPY 5", Some(5)),
        ("CREATE TABLE", None),
        ("BEGIN", None),
    ] {
        let message = written(|out| command_complete(out, text));
        let Back::CommandComplete(tag) = read(&message) else { panic!("tag") };
        assert_eq!(tag.rows(), rows, "{text}");
    }
}

#[test]
fn a_cell_can_be_masked_in_place() {
    let mut message = written(|out| data_row(out, [Some("1"), None, Some("secret")]));
    let Back::DataRow(row) = read(&message) else { panic!("row") };
    let ranges: Vec<_> = row.cell_ranges().collect();
    message[5..][ranges[2].clone().unwrap()].fill(b'*');
    let Back::DataRow(row) = read(&message) else { panic!("row") };
    assert_eq!(row.cells().collect::<Vec<_>>(), [Some(&b"1"[..]), None, Some(&b"******"[..])]);
    assert_eq!(ranges[1], None);
}

#[test]
fn a_server_key_may_have_any_length_of_the_protocol() {
    for length in [4u8, 32, 255] {
        let body = [&[0, 0, 0, 9][..], &vec![1; length.into()]].concat();
        let Ok(Back::BackendKeyData(key)) = Back::from_parts(b'K', &body) else { panic!("key") };
        assert_eq!((key.process(), key.secret().len()), (9, length.into()));
    }
    Back::from_parts(b'K', &[0; 7]).unwrap_err();
    Back::from_parts(b'K', &[0; 261]).unwrap_err();
    let key = ClientKey::new(0x0102_0304, &[5; 4]).unwrap();
    assert_eq!(written(|out| backend_key_data(out, &key)), b"K\0\0\0\x0c\x01\x02\x03\x04\x05\x05\x05\x05");
}

#[test]
fn a_negotiation_reads_with_and_without_the_major_version() {
    for body in [b"\0\x03\0\x02\0\0\0\x01_pq_.a\0", b"\0\0\0\x02\0\0\0\x01_pq_.a\0"] {
        let Ok(Back::NegotiateProtocolVersion { newest, unknown }) = Back::from_parts(b'v', body) else {
            panic!("negotiation")
        };
        assert_eq!((newest, unknown.as_slice()), (ProtocolVersion::V3_2, &["_pq_.a".into()][..]));
    }
    Back::from_parts(b'v', b"\0\x03\0\x02\xff\xff\xff\xff").unwrap_err();
}

#[test]
fn text_of_a_server_may_be_in_any_encoding() {
    let Ok(Back::Error(fault)) = Back::from_parts(b'E', b"Mcaf\xe9\0\0") else { panic!("error") };
    assert_eq!(fault.message(), "caf\u{fffd}");
    assert_eq!((fault.code(), fault.severity()), (None, None));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        cells in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)), 0..9),
        name in "[^\0]{0,8}",
        numbers in any::<(u32, i16, u32, i16, i32)>(),
        message in "[^\0]{1,30}",
    ) {
        let bytes = written(|out| data_row(out, cells.iter().map(Option::as_deref)));
        let Back::DataRow(row) = read(&bytes) else { panic!("row") };
        prop_assert_eq!(row.len(), cells.len());
        let found: Vec<Option<Vec<u8>>> = row.cells().map(|cell| cell.map(<[u8]>::to_vec)).collect();
        prop_assert_eq!(&found, &cells);
        let by_range = row.cell_ranges().map(|range| range.map(|range| bytes[5..][range].to_vec()));
        prop_assert_eq!(by_range.collect::<Vec<_>>(), cells);

        let (table_oid, attnum, type_oid, size, modifier) = numbers;
        let name = name.as_str().into();
        let field = Field { name, table_oid, attnum, type_oid, size, modifier, format: Format::Binary };
        let bytes = written(|out| row_description(out, [field.clone()]));
        let Back::RowDescription(columns) = read(&bytes) else { panic!("columns") };
        prop_assert_eq!(columns.fields().collect::<Vec<_>>(), [field]);

        let mut bytes = Vec::new();
        Complaint::new(Severity::Fatal, SqlState::QUERY_CANCELED, &message).encode_error(&mut bytes);
        let Back::Error(fault) = read(&bytes) else { panic!("error") };
        prop_assert_eq!(fault.message(), message);
    }
}
