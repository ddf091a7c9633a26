use proptest::prelude::*;

use super::*;
use crate::codec::Format;

/// Tag and body of the one message in these bytes.
fn split(message: &[u8]) -> (u8, &[u8]) {
    (message[0], &message[5..])
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    assert_eq!(u32::from_be_bytes(out[1..5].try_into().unwrap()) as usize, out.len() - 1);
    out
}

fn examples() -> Vec<Vec<u8>> {
    let values = BindValues {
        param_formats: &[Format::Text, Format::Binary],
        params: &[Some(b"abc"), None],
        result_formats: &[Format::Binary],
    };
    vec![
        written(|out| query(out, "SELECT 1")),
        written(|out| parse(out, "s", "SELECT $1, $2", &[23, 0])),
        written(|out| bind(out, "p", "s", &values)),
        written(|out| execute(out, Execute { portal: "p", max_rows: 7 })),
        written(|out| describe(out, Target::Statement("s"))),
        written(|out| close(out, Target::Portal("p"))),
        b"f\0\0\0\x0dgave up\0\0".to_vec()[..13].to_vec(),
        [&b"F\0\0\0\x1a\0\0\x03\xbb\0\x01\0\x01\0\x02\0\0\0\x02hi\xff\xff\xff\xff\0\0"[..]].concat(),
    ]
}

#[test]
fn bytes_read_as_the_documentation_says() {
    let examples = examples();
    let read: Vec<Front<'_>> =
        examples.iter().map(|bytes| Front::from_parts(split(bytes).0, split(bytes).1).unwrap()).collect();
    assert_eq!(read[0], Front::Query("SELECT 1"));
    let Front::Parse(parse) = read[1] else { panic!("parse") };
    assert_eq!((parse.name, parse.text), ("s", "SELECT $1, $2"));
    assert_eq!(parse.param_types().collect::<Vec<_>>(), [23, 0]);
    let Front::Bind(bind) = read[2] else { panic!("bind") };
    assert_eq!((bind.portal, bind.statement, bind.param_count()), ("p", "s", 2));
    let params: Vec<_> = bind.params().collect();
    assert_eq!(params, [(Format::Text, Some(&b"abc"[..])), (Format::Binary, None)]);
    assert_eq!(bind.result_formats.of(5), Some(Format::Binary));
    assert_eq!(read[3], Front::Execute(Execute { portal: "p", max_rows: 7 }));
    assert_eq!(read[4], Front::Describe(Target::Statement("s")));
    assert_eq!(read[5], Front::Close(Target::Portal("p")));
    assert_eq!(read[6], Front::CopyFail("gave up"));
    let Front::FunctionCall(call) = read[7] else { panic!("call") };
    assert_eq!((call.function, call.result_format), (955, Format::Text));
    assert_eq!(call.arguments().collect::<Vec<_>>(), [Some(&b"hi"[..]), None]);
}

#[test]
fn a_missing_or_a_trailing_byte_is_refused() {
    for message in examples() {
        let (tag, body) = split(&message);
        for end in 0..body.len() {
            let refused = Front::from_parts(tag, &body[..end]);
            assert!(refused.is_err(), "{} of {end} bytes", tag as char);
        }
        let longer = [body, &[0]].concat();
        let refused = Front::from_parts(tag, &longer);
        assert_eq!(refused, Err(WireError::Trailing(body.len())), "{}", tag as char);
    }
    for tag in *b"SHcX" {
        Front::from_parts(tag, &[]).unwrap();
        assert_eq!(Front::from_parts(tag, &[0]), Err(WireError::Trailing(0)));
    }
}

#[test]
fn a_statement_ends_at_its_first_zero_byte_and_nothing_may_follow() {
    assert_eq!(Front::from_parts(b'Q', b"SELECT 1\0; DROP TABLE t\0"), Err(WireError::Trailing(9)));
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_position() {
    assert_eq!(Front::from_parts(b'Q', b"SELECT '\xe9'\0"), Err(WireError::Utf8(8)));
    assert_eq!(Front::from_parts(b'P', b"s\0SELECT '\xe9'\0\0\0"), Err(WireError::Utf8(10)));
}

#[test]
fn values_that_mean_nothing_are_refused() {
    let field = |field, value| Err(WireError::Field { field, value });
    assert_eq!(Front::from_parts(b'D', b"Xs\0"), field("kind", 88));
    assert_eq!(Front::from_parts(b'B', b"\0\0\0\x01\0\x02\0\0\0\0"), field("format", 2));
    assert_eq!(Front::from_parts(b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"), field("length", -2));
    assert_eq!(Front::from_parts(b'B', b"\0\0\0\0\0\x01\x80\0\0\0\0\0"), field("length", i32::MIN.into()));
    let two_formats_for_one = b"\0\0\0\x02\0\0\0\x01\0\x01\xff\xff\xff\xff\0\0";
    assert_eq!(Front::from_parts(b'B', two_formats_for_one), field("number of parameter formats", 2));
    assert_eq!(Front::from_parts(b'Z', b""), Err(WireError::Tag(b'Z')));
}

#[test]
fn a_stated_count_above_what_is_there_keeps_nothing_for_it() {
    Front::from_parts(b'B', b"\0\0\0\0\xff\xff\0\0\0\x01a").unwrap_err();
    Front::from_parts(b'P', b"\0\0\xff\xff").unwrap_err();
    Front::from_parts(b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xffa").unwrap_err();
}

#[test]
fn a_zero_byte_in_what_we_send_is_refused_and_leaves_nothing() {
    let mut out = b"before".to_vec();
    assert_eq!(query(&mut out, "SELECT 1\0; hidden"), Err(WireError::Nul));
    assert_eq!(parse(&mut out, "s", "a\0b", &[]), Err(WireError::Nul));
    assert_eq!(describe(&mut out, Target::Portal("a\0b")), Err(WireError::Nul));
    assert_eq!(out, b"before");
}

#[test]
fn more_parameters_than_can_be_counted_are_refused() {
    let mut out = Vec::new();
    let params = vec![None; 65_536];
    let refused = bind(&mut out, "", "", &BindValues { params: &params, ..BindValues::default() });
    assert_eq!(refused, Err(WireError::Count(65_536)));
    bind(&mut out, "", "", &BindValues { params: &params[1..], ..BindValues::default() }).unwrap();
    let Ok(Front::Bind(read)) = Front::from_parts(b'B', &out[5..]) else { panic!("bind") };
    assert_eq!(read.params().count(), 65_535);
}

#[test]
fn names_that_the_server_would_cut_are_none() {
    let (fits, cut) = ("n".repeat(63), "n".repeat(64));
    let bind = |portal: &str, statement: &str| {
        let bytes = written(|out| bind(out, portal, statement, &BindValues::default()));
        Front::from_parts(b'B', &bytes[5..]).map(drop)
    };
    let parse = |name: &str| {
        let bytes = written(|out| parse(out, name, "SELECT 1", &[]));
        Front::from_parts(b'P', &bytes[5..]).map(drop)
    };
    let execute = |portal: &str| {
        let bytes = written(|out| execute(out, Execute { portal, max_rows: 0 }));
        Front::from_parts(b'E', &bytes[5..]).map(drop)
    };
    let close = |target: Target<'_>| {
        let bytes = written(|out| close(out, target));
        Front::from_parts(b'C', &bytes[5..]).map(drop)
    };
    let all = |name: &str| {
        [
            bind(name, ""),
            bind("", name),
            parse(name),
            execute(name),
            close(Target::Statement(name)),
            close(Target::Portal(name)),
        ]
    };
    assert_eq!(all(&fits), [const { Ok(()) }; 6]);
    assert_eq!(all(&cut), [const { Err(WireError::Name(64)) }; 6]);
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        name in "[^\0]{0,8}",
        other in "[^\0]{0,15}",
        text in "[^\0]{0,40}",
        types in proptest::collection::vec(any::<u32>(), 0..5),
        params in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)), 0..6),
        binary in any::<bool>(),
        max_rows in any::<i32>(),
    ) {
        let bytes = written(|out| query(out, &text));
        prop_assert_eq!(Front::from_parts(b'Q', &bytes[5..]).unwrap(), Front::Query(&text));

        let bytes = written(|out| parse(out, &name, &text, &types));
        let Ok(Front::Parse(read)) = Front::from_parts(b'P', &bytes[5..]) else { panic!("parse") };
        prop_assert_eq!((read.name, read.text), (name.as_str(), text.as_str()));
        prop_assert_eq!(read.param_types().collect::<Vec<_>>(), types);

        let format = if binary { Format::Binary } else { Format::Text };
        let values: Vec<Option<&[u8]>> = params.iter().map(Option::as_deref).collect();
        let each = vec![format; values.len()];
        let sent = BindValues { param_formats: &each, params: &values, result_formats: &[format] };
        let bytes = written(|out| bind(out, &name, &other, &sent));
        let Ok(Front::Bind(read)) = Front::from_parts(b'B', &bytes[5..]) else { panic!("bind") };
        prop_assert_eq!((read.portal, read.statement), (name.as_str(), other.as_str()));
        let expected: Vec<_> = values.iter().map(|value| (format, *value)).collect();
        prop_assert_eq!(read.params().collect::<Vec<_>>(), expected);
        prop_assert_eq!(read.result_formats.listed().collect::<Vec<_>>(), [format]);

        let sent = Execute { portal: &name, max_rows };
        let bytes = written(|out| execute(out, sent));
        prop_assert_eq!(Front::from_parts(b'E', &bytes[5..]).unwrap(), Front::Execute(sent));

        for target in [Target::Statement(&name), Target::Portal(&name)] {
            let bytes = written(|out| describe(out, target));
            prop_assert_eq!(Front::from_parts(b'D', &bytes[5..]).unwrap(), Front::Describe(target));
            let bytes = written(|out| close(out, target));
            prop_assert_eq!(Front::from_parts(b'C', &bytes[5..]).unwrap(), Front::Close(target));
        }
    }
}
