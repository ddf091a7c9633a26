use std::path::Path;

use super::*;

const GOOD: &str = include_str!("../../../../examples/demo.toml");

fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    Config::parse("countersign.toml", text, Path::new("/etc/countersign"))
}

fn problems(text: &str) -> String {
    let found = parse(text).expect_err("the configuration is wrong");
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_demo_configuration_is_right() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.resources.len(), 1);
    assert_eq!(config.state, Path::new("/etc/countersign/state"));
    assert_eq!(config.public_url, "http://localhost:8811");
    let [resource] = config.resources.as_slice() else { panic!() };
    assert_eq!(resource.hold.as_secs(), 600);
    assert_eq!(resource.rules.len(), 3);
}

#[test]
fn the_example_to_begin_with_is_right_and_so_is_its_policy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let config = Config::read(&folder.join("countersign.toml")).unwrap();
    let sources = config.policy_sources().unwrap();
    countersign_policy::Bundle::load(&sources).unwrap();
}

#[test]
fn every_mistake_is_told_at_once_with_its_line_and_how_to_mend_it() {
    let text = r#"stat = "x"
[agents]
listen = "8810"
[people]
public_url = "countersign.example.com/path"
[policy]
files = "policy.cedar"
[limits]
pending_per_agent = 0
[[resources]]
name = "or ders"
hold_second = 5
upstream = { comand = ["x"] }
[[resources]]
name = "b"
protocol = "mpc"
upstream = { url = "ftp://x", headers = { Authorization = "env:COUNTERSIGN_TEST_UNSET" } }
[[resources.tools]]
match = "a[*"
effects = [{ verb = "erase", object = "x" }, { verb = "read" }]
"#;
    insta::assert_snapshot!(problems(text), @r#"
    countersign.toml:1:1: unknown key `stat`
        help: did you mean `state`?
    countersign.toml:3:10: `8810` is not an address
        help: write it as `127.0.0.1:8810`
    countersign.toml:5:14: `countersign.example.com/path` is not a URL of a host
        help: write it as `https://countersign.example.com`, without a path
    countersign.toml:6:1: `policy.files` names no policy
        help: without a policy everything is denied; write `[policy] files = ["policy.cedar"]`
    countersign.toml:7:9: `files` must be a list of texts
    countersign.toml:9:21: `pending_per_agent` must be a whole number from 1 to 1000000
    countersign.toml:11:8: `or ders` can't be a name
        help: use up to 64 letters, digits, `-`, `_` and `.`
    countersign.toml:12:1: unknown key `hold_second` in `resources`
        help: did you mean `hold_seconds`?
    countersign.toml:13:12: `upstream` needs either `command` or `url`
        help: write `upstream = { command = ["program", "argument"] }` or `upstream = { url = "https://…" }`
    countersign.toml:13:14: unknown key `comand` in `resources.upstream`
        help: did you mean `command`?
    countersign.toml:16:12: unknown protocol `mpc`
        help: this version speaks `mcp` and `postgres`
    countersign.toml:17:20: `ftp://x` is not an `http` or `https` URL
    countersign.toml:17:59: the environment variable `COUNTERSIGN_TEST_UNSET` can't be used: environment variable not found
        help: secrets are read once, at the start
    countersign.toml:19:9: `a[*` is not a pattern: error parsing glob 'a[*': unclosed character class; missing ']'
    countersign.toml:20:21: `erase` is not a verb; use one of read, write, delete, schema, privilege, secret, export, execute, network, deploy, unknown
    countersign.toml:20:46: `object` is missing in `resources.tools.effects`
        help: what it acts on, for example `orders/{table}`
    "#);
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let text = problems("state = \"a\"\n[agents\nlisten = 1\n");
    assert!(text.contains("countersign.toml:2:"), "{text}");
}

#[test]
fn two_resources_cannot_share_a_name_nor_agents_and_people_an_address() {
    let twice = GOOD.replace("listen = \"127.0.0.1:8811\"", "listen = \"127.0.0.1:8810\"")
        + "\n[[resources]]\nname = \"orders\"\nupstream = { url = \"http://127.0.0.1:1/mcp\" }\n";
    let text = problems(&twice);
    assert!(text.contains("two resources are named `orders`"), "{text}");
    assert!(text.contains("agents, people and database clients never share a listener"), "{text}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    let text = "[policy]\nfiles = [\"p.cedar\"]\n[[resources]]\nname = \"a\"\n\
                upstream = { url = \"http://127.0.0.1:1/mcp\", headers = { Authorization = \"file:token\" } }\n";
    let config = Config::parse("c.toml", text, folder.path()).unwrap();
    let [resource] = config.resources.as_slice() else { panic!() };
    let countersign_proxy_mcp::Upstream::Http { headers, .. } = &resource.upstream else { panic!() };
    assert_eq!(headers.get("Authorization").map(String::as_str), Some("s3cret"));
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn issuers_are_read_with_their_keys_and_what_they_mean() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("keys.json"), "{}").unwrap();
    let text = format!(
        r#"{GOOD}
[[issuers]]
name = "github"
issuer = "https://token.actions.githubusercontent.com"
audience = "https://gate.example"
person_claim = "actor"
[[issuers]]
name = "cluster"
issuer = "https://kubernetes.default.svc"
audience = "gate"
kind = "kubernetes"
keys = {{ file = "keys.json" }}
[[issuers]]
name = "sso"
issuer = "http://127.0.0.1:9400"
audience = "gate"
keys = {{ url = "http://127.0.0.1:9400/jwks" }}
people = true
person_claim = "preferred_username"
max_lifetime_seconds = 600
"#
    );
    let config = Config::parse("c.toml", &text, folder.path()).unwrap();
    let [github, cluster, sso] = config.issuers.as_slice() else { panic!() };
    assert_eq!(github.kind, countersign_identity::IssuerKind::GitHub);
    assert_eq!(github.keys, countersign_identity::KeySource::Discovery);
    assert_eq!(github.max_lifetime.as_secs(), 86_400);
    assert_eq!(cluster.keys, countersign_identity::KeySource::File(folder.path().join("keys.json")));
    assert_eq!(cluster.kind, countersign_identity::IssuerKind::Kubernetes);
    assert_eq!(sso.kind, countersign_identity::IssuerKind::Oidc);
    assert_eq!((sso.people, sso.max_lifetime.as_secs()), (true, 600));
}

#[test]
fn every_mistake_of_issuers_and_certificates_is_told() {
    let text = format!(
        r#"{GOOD}
[postgres]
client_ca = "ca.crt"
[[issuers]]
issuer = "http://issuer.example"
audiense = "x"
[[issuers]]
name = "a"
issuer = "https://issuer.example"
audience = "x"
kind = "githup"
keys = {{ url = "https://issuer.example/keys", file = "keys.json" }}
person_claim = "sub"
max_lifetime_seconds = 5
[[issuers]]
name = "a"
issuer = "https://issuer.example"
audience = "x"
keys = {{ file = "missing.json" }}
"#
    );
    let start = GOOD.lines().count();
    let told = problems(&text);
    let told: Vec<String> = told
        .lines()
        .map(|line| match line.split_once(".toml:").and_then(|(_, rest)| rest.split_once(':')) {
            Some((number, rest)) => format!("+{}:{rest}", number.parse::<usize>().unwrap() - start),
            None => line.to_owned(),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    +3:13: clients can show certificates only where TLS is offered
        help: write `certificate = "server.crt"` and `key = "server.key"` as well
    +4:1: `name` is missing in `issuers`
        help: `agents add --issuer NAME` names it
    +4:1: `audience` is missing in `issuers`
        help: write what its tokens carry as `aud` when they are for this gateway
    +5:10: `http://issuer.example` can't be used: plain `http` goes only to this machine; use `https`
        help: write it as `https://issuer.example.com`
    +6:1: unknown key `audiense` in `issuers`
        help: did you mean `audience`?
    +11:8: `githup` is no kind of issuer
        help: use one of `github`, `gitlab`, `kubernetes`, `oidc`
    +12:54: `keys` has both `url` and `file`
        help: write `keys = { url = "…" }` or `keys = { file = "…" }`, or neither: then they are where the issuer's discovery document says
    +13:16: `person_claim` is of no use here: the tokens name no person
        help: write `people = true`, or a `kind` whose tokens name who started them (`github`, `gitlab`)
    +14:24: `max_lifetime_seconds` must be a whole number from 60 to 2592000
    +16:8: two issuers have `a`
    +17:10: two issuers have `https://issuer.example`
    +19:17: the file `missing.json` can't be read: No such file or directory (os error 2)
        help: it holds a JWK set
    "#);
}

#[test]
fn certificate_and_password_needs_authorities() {
    let told = problems(&format!("{GOOD}\n[postgres]\ncertificate_and_password = true\n"));
    assert!(told.contains("needs to know whose certificates are good"), "{told}");
}

/// A database with this said about previews.
fn database(preview: &str) -> String {
    format!(
        "[policy]\nfiles = [\"p.cedar\"]\n[[resources]]\nname = \"shop\"\nprotocol = \"postgres\"\n\
         upstream = {{ host = \"db.internal\", port = 5433, user = \"countersign\", password = \"file:token\" }}\n{preview}\n"
    )
}

#[test]
fn previews_have_a_role_of_their_own_at_the_same_place_when_one_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    std::fs::write(folder.path().join("peek"), "l1ttle\n").unwrap();
    let parse = |preview: &str| Config::parse("c.toml", &database(preview), folder.path());
    let config = parse("preview = { user = \"peek\", password = \"file:peek\" }").unwrap();
    let [database] = config.databases.as_slice() else { panic!() };
    let preview = database.preview.as_ref().unwrap();
    assert_eq!((preview.user.as_str(), &preview.place), ("peek", &database.upstream.place));
    assert_eq!(preview.password.as_ref().map(|password| password.expose()), Some("l1ttle"));
    assert!(!format!("{config:?}").contains("l1ttle"));
    assert!(parse("").unwrap().databases[0].preview.is_none());
}

#[test]
fn a_role_for_previews_that_is_half_described_is_a_mistake() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    for (preview, expected) in [
        ("preview = { password = \"file:token\" }", "this password is of no `user`"),
        ("preview = { user = \"peek\", pasword = \"file:token\" }", "did you mean `password`?"),
        ("preview = { user = \"peek\", password = \"file:nowhere\" }", "nowhere"),
    ] {
        let found = Config::parse("c.toml", &database(preview), folder.path()).unwrap_err();
        let text = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(text.starts_with("c.toml:7:") && text.contains(expected), "{text}");
    }
}

const W1: &str = "witness.example/w1+f2e73717+BEUIoHqpQXB/PrLblMiJeoCywRl0drbeITrCc999hsT/";

/// A configuration whose last lines are these.
fn witnesses(sections: &str) -> String {
    format!("{GOOD}\n{sections}\n")
}

#[test]
fn witnesses_are_read_with_their_keys_and_urls() {
    let one = format!("[[ledger.witnesses]]\nkey = \"{W1}\"\nurl = \"https://witness.example/\"");
    let config = parse(&witnesses(&one)).unwrap();
    let [witness] = config.ledger.witnesses.as_slice() else { panic!() };
    assert_eq!((witness.key.name(), witness.url.as_str()), ("witness.example/w1", "https://witness.example"));
    let near = one.replace("https://witness.example/", "http://127.0.0.1:8813");
    assert_eq!(parse(&witnesses(&near)).unwrap().ledger.witnesses.len(), 1);
}

#[test]
fn every_mistake_of_witnesses_is_told() {
    let text = witnesses(&format!(
        r#"[[ledger.witnesses]]
url = "http://witness.example"
[[ledger.witnesses]]
key = "example.com/log+58490f8b+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h"
url = "https://a.example?x=1"
[[ledger.witnesses]]
key = "witness.example/w1+f2e73718+BEUIoHqpQXB/PrLblMiJeoCywRl0drbeITrCc999hsT/"
urll = "https://b.example"
[[ledger.witnesses]]
key = "{W1}"
url = "https://c.example"
[[ledger.witnesses]]
key = "{W1}"
url = "https://d.example""#
    ));
    let start = GOOD.lines().count();
    let told = problems(&text);
    let relative = |line: &str| match line.split_once(".toml:").and_then(|(_, rest)| rest.split_once(':')) {
        Some((number, rest)) => format!("+{}:{rest}", number.parse::<usize>().unwrap() - start),
        None => line.to_owned(),
    };
    let told: Vec<String> = told.lines().map(relative).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    +2:1: `key` is missing in `ledger.witnesses`
        help: write what `countersign witness key` prints where the witness runs
    +3:7: `http://witness.example` can't be used: plain `http` goes only to this machine; use `https`
        help: write it as `https://witness.example.com`, without `/add-checkpoint`
    +5:7: `key` can't be used: it is a log's key, not a witness's
        help: `countersign witness key --state FOLDER` prints it where the witness runs
    +6:7: `https://a.example?x=1` can't be used: it has a query
        help: write it as `https://witness.example.com`, without `/add-checkpoint`
    +7:1: `url` is missing in `ledger.witnesses`
        help: write where the witness is asked, like `https://witness.example.com`
    +8:7: `key` can't be used: the key of `witness.example/w1` has the id f2e73717, not f2e73718
        help: `countersign witness key --state FOLDER` prints it where the witness runs
    +9:1: unknown key `urll` in `ledger.witnesses`
        help: did you mean `url`?
    +13:1: two witnesses have the same name, key or URL
        help: each must be another one: two that are one would count twice
    "#);
}

/// Two that are one would count twice.
#[test]
fn one_key_under_two_names_is_one_witness() {
    use countersign_ledger::note::{Algorithm, VerifierKey};
    let key: VerifierKey = W1.parse().unwrap();
    let renamed = VerifierKey::new("other", Algorithm::CosignatureV1, *key.public()).unwrap();
    let text = witnesses(&format!(
        "[[ledger.witnesses]]\nkey = \"{W1}\"\nurl = \"https://a.example\"\n\
         [[ledger.witnesses]]\nkey = \"{renamed}\"\nurl = \"https://b.example\""
    ));
    let told = problems(&text);
    assert!(told.contains("two witnesses have the same name, key or URL"), "{told}");
}
