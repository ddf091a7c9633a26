use super::*;
use crate::codec::{back, front};

/// What a reader makes of a stream: whole messages, and what passed, put together again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Whole(u8, Vec<u8>),
    Passed(u8, Vec<u8>),
}

/// Feeds the parts one after the other, as reads of a socket would.
fn read(rules: &Rules, parts: &[&[u8]]) -> Result<(Vec<Seen>, Vec<u8>), WireError> {
    let (mut scanner, mut kept, mut seen) = (Scanner::default(), Vec::new(), Vec::new());
    for part in parts {
        kept.extend_from_slice(part);
        let mut at = 0;
        loop {
            match scanner.scan(rules, &kept[at..])? {
                Scan::Whole(frame) => {
                    assert_eq!(frame.whole, [&kept[at..at + 5], frame.body].concat());
                    at += frame.whole.len();
                    seen.push(Seen::Whole(frame.tag, frame.body.to_vec()));
                }
                Scan::Piece { tag, first, last, bytes } => {
                    at += bytes.len();
                    match seen.last_mut() {
                        Some(Seen::Passed(same, all)) if !first => {
                            assert_eq!(*same, tag);
                            all.extend(bytes);
                        }
                        _ => seen.push(Seen::Passed(tag, bytes.to_vec())),
                    }
                    assert_eq!(last, !scanner.is_passing());
                }
                Scan::Wait { missing } => {
                    assert!(missing > 0);
                    break;
                }
            }
        }
        kept.drain(..at);
    }
    Ok((seen, kept))
}

fn client_transcript() -> Vec<u8> {
    let mut out = Vec::new();
    front::query(&mut out, "SELECT 'é'").unwrap();
    front::parse(&mut out, "s1", "SELECT $1", &[25]).unwrap();
    let values = front::BindValues { params: &[Some(b"x"), None], ..Default::default() };
    front::bind(&mut out, "", "s1", &values).unwrap();
    front::describe(&mut out, front::Target::Portal("")).unwrap();
    front::execute(&mut out, front::Execute { portal: "", max_rows: 0 }).unwrap();
    front::sync(&mut out);
    out.extend(*b"d\0\0\0\x09a\tb\nc");
    out.extend(*b"d\0\0\0\x04");
    out.extend(*b"c\0\0\0\x04");
    front::terminate(&mut out);
    out
}

fn server_transcript() -> Vec<u8> {
    let mut out = Vec::new();
    back::authentication_ok(&mut out);
    back::parameter_status(&mut out, "TimeZone", "UTC").unwrap();
    back::data_row(&mut out, [Some("one"), None, Some("")]).unwrap();
    back::data_row::<&str>(&mut out, []).unwrap();
    back::command_complete(&mut out, "SELECT 2").unwrap();
    back::ready(&mut out, crate::codec::TransactionStatus::Open);
    out
}

#[test]
fn a_transcript_reads_the_same_however_it_is_split() {
    for (rules, transcript) in
        [(Rules::client(), client_transcript()), (Rules::server(), server_transcript())]
    {
        let (expected, rest) = read(&rules, &[&transcript]).unwrap();
        assert!(rest.is_empty());
        assert!(expected.len() > 5);
        for first in 0..=transcript.len() {
            for second in first..=transcript.len() {
                let parts = [&transcript[..first], &transcript[first..second], &transcript[second..]];
                assert_eq!(read(&rules, &parts).unwrap(), (expected.clone(), Vec::new()));
            }
        }
        let bytes: Vec<&[u8]> = transcript.chunks(1).collect();
        assert_eq!(read(&rules, &bytes).unwrap().0, expected);
    }
}

#[test]
fn what_passes_is_never_kept() {
    let rules = Rules::server();
    let mut scanner = Scanner::default();
    let header = *b"D\x40\0\0\x04xy";
    let Ok(Scan::Piece { bytes, first: true, last: false, .. }) = scanner.scan(&rules, &header) else {
        panic!("a row passes")
    };
    assert_eq!(bytes, header);
    let mut left = 0x4000_0000usize - 2;
    let read = vec![b'z'; 1 << 20];
    while left > 0 {
        let Ok(Scan::Piece { bytes, first: false, last, .. }) = scanner.scan(&rules, &read) else {
            panic!("the row goes on")
        };
        left -= bytes.len();
        assert_eq!(last, left == 0);
    }
    assert!(!scanner.is_passing());
}

#[test]
fn a_wait_says_how_many_bytes_are_missing() {
    let wait =
        |bytes: &[u8]| Scanner::default().scan(&Rules::client(), bytes).map(|scan| format!("{scan:?}"));
    assert_eq!(wait(b"").unwrap(), "Wait { missing: 5 }");
    assert_eq!(wait(b"Q\0\0").unwrap(), "Wait { missing: 2 }");
    assert_eq!(wait(b"Q\0\0\0\x0aSEL").unwrap(), "Wait { missing: 3 }");
}

#[test]
fn a_length_below_four_or_above_two_to_the_31_is_refused() {
    for length in [0u32, 1, 2, 3, 0x8000_0000, 0xffff_ffff] {
        for tag in [b'Q', b'd'] {
            let bytes = [&[tag][..], &length.to_be_bytes(), b"rest"].concat();
            let refused = Scanner::default().scan(&Rules::client(), &bytes);
            assert_eq!(refused, Err(WireError::Length { tag, length }));
        }
    }
}

#[test]
fn a_message_above_its_limit_is_refused_from_its_header() {
    let rules = Rules::client().with(b"Q", Rule::Whole { limit: 100 });
    let header = [b'Q', 0, 0, 0, 105];
    let refused = Scanner::default().scan(&rules, &header);
    assert_eq!(refused, Err(WireError::TooLong { tag: b'Q', length: 101, limit: 100 }));
    assert_eq!(Scanner::default().scan(&rules, &[b'Q', 0, 0, 0, 104]), Ok(Scan::Wait { missing: 100 }));
    let large = Scanner::default().scan(&Rules::client(), b"Q\x7f\xff\xff\xff");
    assert!(matches!(large, Err(WireError::TooLong { tag: b'Q', .. })));
}

#[test]
fn a_type_that_is_not_expected_is_refused_from_its_first_byte() {
    for tag in 0..=u8::MAX {
        let known = b"QPBEDCSHdcfFX".contains(&tag);
        assert_eq!(Scanner::default().scan(&Rules::client(), &[tag]).is_err(), !known, "{tag}");
    }
    for tag in 0..=u8::MAX {
        let known = b"RKSZTDCEN123tnsIcGHWdAVv".contains(&tag);
        assert_eq!(Scanner::default().scan(&Rules::server(), &[tag]).is_err(), !known, "{tag}");
    }
}

#[test]
fn messages_without_fields_may_have_no_body() {
    for tag in *b"SHXc" {
        let message = [tag, 0, 0, 0, 5, 0];
        let refused = Scanner::default().scan(&Rules::client(), &message);
        assert_eq!(refused, Err(WireError::TooLong { tag, length: 1, limit: 0 }));
    }
}
