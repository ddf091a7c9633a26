//! Are settings that change what statements mean told apart from the others?

use super::*;
use crate::codec::startup::ProtocolVersion;

fn sorted(parameters: &[(&str, &str)]) -> Result<Wanted, Complaint<'static>> {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    wanted(&Startup { version: ProtocolVersion::V3_0, parameters })
}

fn names(settings: &[(String, String)]) -> Vec<&str> {
    settings.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn what_changes_the_meaning_of_statements_is_judged() {
    let wanted = sorted(&[
        ("user", "bot"),
        ("database", "orders"),
        ("application_name", "psql"),
        ("DateStyle", "ISO"),
        ("client_encoding", "UTF8"),
        ("client_encoding", "SQL_ASCII"),
        ("search_path", "evil"),
        (
            "options",
            r"-c role=postgres --standard-conforming-strings=off -cstatement_timeout=5s -c search_path=a\ b",
        ),
    ])
    .unwrap();
    assert_eq!(names(&wanted.harmless), ["application_name", "DateStyle", "statement_timeout"]);
    assert_eq!(names(&wanted.judged), ["search_path", "role", "standard_conforming_strings", "search_path"]);
    assert_eq!(wanted.judged[3].1, "a b");
}

#[test]
fn what_is_not_understood_is_refused() {
    for options in ["-B 100", "-c", "-c x", "--", "evil"] {
        assert!(sorted(&[("options", options)]).is_err(), "{options}");
    }
    sorted(&[("a'b", "x")]).unwrap_err();
    sorted(&[("client_encoding", "LATIN1")]).unwrap_err();
}
