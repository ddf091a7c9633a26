//! Is every mistake about exports told at once, and does no secret go where others can read it?

use std::path::Path;

use countersign_export::LineFormat;

use crate::config::Config;
use crate::export::{Export, Form, Place};

const REST: &str =
    "[policy]\nfiles = [\"p\"]\n[[resources]]\nname = \"a\"\nupstream = { command = [\"x\"] }\n";

fn parse(exports: &str) -> Result<Vec<Export>, String> {
    let config =
        Config::parse("countersign.toml", &format!("{exports}\n{REST}"), Path::new("/etc/countersign"));
    config
        .map(|config| config.exports)
        .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn each_form_and_place_is_understood() {
    let exports = parse(
        r#"
[[exports]]
name = "archive"
format = "json"
file = "audit.ndjson"
from = "start"
[[exports]]
name = "lake"
format = "ocsf"
url = "https://lake.example.com/in?key=1"
token = "some-token"
content = ["name", "reason"]
[[exports]]
name = "otel"
format = "otlp"
url = "http://otel-collector:4318/v1/logs"
from = "now"
[[exports]]
name = "siem"
format = "cef"
syslog = "siem.example.com:601"
"#,
    )
    .unwrap();
    let [archive, lake, otel, siem] = exports.as_slice() else { panic!() };
    assert!(
        matches!(&archive.place, Place::File(path) if path == Path::new("/etc/countersign/audit.ndjson"))
    );
    assert!(archive.from_start && archive.disclosure.is_empty() && !lake.from_start);
    assert_eq!(lake.disclosure.names(), "name,reason");
    assert!(matches!(&lake.place, Place::Url { token: Some(token), .. } if token.0 == "some-token"));
    assert!(!format!("{lake:?}").contains("some-token"));
    assert_eq!((otel.form, siem.form), (Form::Otlp, Form::Lines(LineFormat::Cef)));
    assert!(matches!(&siem.place, Place::Syslog(address) if address == "siem.example.com:601"));
}

#[test]
fn every_mistake_is_told_at_once() {
    let told = parse(
        r#"[[exports]]
name = "a b"
format = "xml"
file = "x"
url = "https://x"
[[exports]]
format = "otlp"
file = "x"
token = "env:X"
content = ["nmae", "zzzzzzzz"]
from = "yesterday"
[[exports]]
name = "c"
format = "cef"
url = "ftp://x"
[[exports]]
name = "c"
format = "json"
syslog = "host"
contents = []
"#,
    )
    .unwrap_err();
    insta::assert_snapshot!(told);
}

/// The attack: whoever listens on the network reads names and reasons, or takes the token.
#[test]
fn what_is_secret_does_not_cross_the_network_in_the_clear() {
    let export = |place: &str| parse(&format!("[[exports]]\nname = \"a\"\nformat = \"json\"\n{place}"));
    for (place, secret) in [
        ("url = \"http://x.example\"", "token = \"t\""),
        ("url = \"http://x.example\"", "content = [\"name\"]"),
        ("url = \"http://127.0.0.1.x.example\"", "content = [\"name\"]"),
        ("syslog = \"x.example:601\"", "content = [\"name\"]"),
    ] {
        assert!(export(place).is_ok(), "leaves alone may: {place}");
        let told = export(&format!("{place}\n{secret}")).unwrap_err();
        assert!(told.contains("in the clear"), "{told}");
        let here = place.replace("127.0.0.1.x.example", "x.example").replace("x.example", "127.0.0.1");
        assert!(export(&format!("{here}\n{secret}")).is_ok(), "{here}");
    }
    export("url = \"https://user:secret@x.example\"").unwrap_err();
}
