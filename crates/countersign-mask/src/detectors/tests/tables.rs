use std::collections::BTreeSet;

use super::masked_bytes;
use crate::{Kind, Mode};

const ALNUM: &str = "aB3dE6gH9";
const HEX: &str = "0a1b2c3d4e5f";

/// A kind, what it finds, and what only looks like it.
const WRITTEN: &[(Kind, &[&str], &[&str])] = &[
    (
        Kind::Email,
        &[
            "a@b.co",
            "x.y+z@mail.example.com",
            "<a@b.co>",
            "mailto:a@b.co",
            "a@b.co.",
            "jörg@example.de",
            "a@xn--bcher-kva.example",
        ],
        &["a@b", "@b.co", "a@.co", "a@b.c", "a@b.1", "a @b.co", "1@2.3", "a@-.co", "a@@", "***@b.co"],
    ),
    (
        Kind::Card,
        &[
            "4111111111111111",
            "4111-1111-1111-1111",
            "5500 0000 0000 0004",
            "3782 822463 10005",
            "378282246310005",
            "3056 930902 5904",
            "6011.1111.1111.1117",
            "4222222222222",
            "id=4111111111111111,",
            "6304000000000000",
        ],
        &[
            "4111111111111112",
            "1111111111111117",
            "4111 1111-1111 1111",
            "04111111111111111",
            "a4111111111111111",
            "4111111111111111a",
            "0.4111111111111111",
            "4111 1111 1111",
            "41111111 11111111",
            "2026-11-22 10:00:00",
            "378282246310014 0",
        ],
    ),
    (
        Kind::Iban,
        &[
            "DE89370400440532013000",
            "GB29 NWBK 6016 1331 9268 19",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "de89370400440532013000",
        ],
        &[
            "DE88370400440532013000",
            "DE8937040044053201300",
            "DE893704004405320130001",
            "XX89370400440532013000",
            "ADE89370400440532013000",
            "DE89 37040 0440 5320 13000",
        ],
    ),
    (
        Kind::UsSsn,
        &["123-45-6789", "123 45 6789", "ssn:123-45-6789."],
        &[
            "000-45-6789",
            "666-45-6789",
            "900-45-6789",
            "123-00-6789",
            "123-45-0000",
            "123-456-789",
            "123-45 6789",
            "1123-45-6789",
            "123-45-67890",
            "9-123-45-6789",
            "123456789",
        ],
    ),
    (
        Kind::Phone,
        &["+49 30 1234567", "+14155552671", "415-555-2671", "(415) 555-2671", "415.555.2671"],
        &["+123", "415-555-267", "41-555-2671", "x415-555-2671", "4155552671", "415-555.2671"],
    ),
    (
        Kind::Ipv4,
        &["192.168.0.1", "ip 8.8.8.8:53"],
        &["1.2.3", "256.1.1.1", "1.2.3.4.5", "v1.2.3.4", "1.2.3.4444"],
    ),
    (
        Kind::Jwt,
        &["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP", "eyJhbGciOi.abcdefghij"],
        &[
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJhbGciO.abcdefghij",
            "eyJhbGciOi.abcdefghi",
            "xeyJhbGciOi.abcdefghij",
            "eyjhbGciOi.abcdefghij",
        ],
    ),
    (
        Kind::AwsAccessKey,
        &["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
        &[
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLES",
            "XAKIAIOSFODNN7EXAMPLE",
            "akiaiosfodnn7example",
            "AKIAIOSFODNN7EXAMPL0",
        ],
    ),
    (
        Kind::AwsSecretKey,
        &[
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "\"SecretAccessKey\": \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"",
        ],
        &[
            "aws_secret_access_key = wJalrXUtnFEMI",
            "secret_access_key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ],
    ),
    (
        Kind::PrivateKeyPem,
        &[
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----",
        ],
        &[
            "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
            "BEGIN PRIVATE KEY",
            "-----END PRIVATE KEY-----",
        ],
    ),
    (
        Kind::BearerToken,
        &[
            "Authorization: Bearer abcdef0123456789",
            "bearer mF_9.B5f-4.1JqM1",
            "authorization: basic QWxhZGRpbjpvcGVu",
        ],
        &["bearer certificates", "Bearer of responsibilities", "bearer abc123", "basic understanding"],
    ),
    (
        Kind::ConnectionString,
        &["postgres://u:p@h/d", "https://:x@h", "mysql://u:p@ss@h", "amqp://u:p%40@h:5672"],
        &[
            "postgres://u@h/d",
            "https://h:80/a@b",
            "http://h/?q=a:b@c",
            "postgres://u:@h",
            "postgres://u:***@h",
        ],
    ),
    (
        Kind::SecretAssignment,
        &[
            "password=hunter2",
            "PGPASSWORD='x'",
            "\"passwd\": \"a b\"",
            "api_key := abcdef",
            "client_secret=>abcdef",
            "\\\"secret\\\":\\\"abc\\\"",
            "pwd = correcthorse",
            "x&access_token=abcdef&y",
        ],
        &[
            "password",
            "password is secret",
            "password=",
            "password=short",
            "password=\"\"",
            "password=***",
            "secret: [secret-assignment]",
            "password=mask:0123456789abcdef",
        ],
    ),
];

/// Prefixes of tokens of open length, with the shortest.
const TOKENS: &[(Kind, &str, usize)] = &[
    (Kind::GithubToken, "ghp_", 36),
    (Kind::GithubToken, "github_pat_", 40),
    (Kind::GitlabToken, "glpat-", 20),
    (Kind::SlackToken, "xoxb-", 20),
    (Kind::SlackToken, "xoxe.xoxp-", 18),
    (Kind::GoogleApiKey, "AIza", 35),
    (Kind::GoogleOauth, "ya29.", 20),
    (Kind::GoogleOauth, "GOCSPX-", 20),
    (Kind::GoogleOauth, "1//0", 30),
    (Kind::StripeKey, "sk_live_", 16),
    (Kind::StripeKey, "whsec_", 16),
    (Kind::OpenaiKey, "sk-proj-", 20),
    (Kind::OpenaiKey, "sk-", 40),
    (Kind::AnthropicKey, "sk-ant-", 20),
    (Kind::PypiToken, "pypi-AgE", 50),
    (Kind::HuggingfaceToken, "hf_", 30),
    (Kind::VaultToken, "hvs.", 20),
    (Kind::AtlassianToken, "ATATT3", 50),
    (Kind::LinearToken, "lin_api_", 32),
    (Kind::GrafanaToken, "glsa_", 32),
    (Kind::DockerToken, "dckr_pat_", 20),
    (Kind::PostmanKey, "PMAK-", 50),
    (Kind::PlanetscaleToken, "pscale_tkn_", 30),
    (Kind::SentryToken, "sntrys_", 50),
    (Kind::NotionToken, "ntn_", 40),
    (Kind::CountersignToken, "csa_", 43),
    (Kind::CountersignToken, "csi_", 43),
];

/// Prefixes of tokens of fixed length, what they are made of, and their length.
const EXACT: &[(Kind, &str, &str, usize)] = &[
    (Kind::NpmToken, "npm_", ALNUM, 36),
    (Kind::RubygemsToken, "rubygems_", HEX, 48),
    (Kind::TwilioKey, "SK", HEX, 32),
    (Kind::MailgunKey, "key-", HEX, 32),
    (Kind::ShopifyToken, "shpat_", HEX, 32),
    (Kind::DigitaloceanToken, "dop_v1_", HEX, 64),
    (Kind::DatabricksToken, "dapi", HEX, 32),
    (Kind::AgeKey, "AGE-SECRET-KEY-1", "QPZRY9X8", 58),
    (Kind::NewRelicKey, "NRAK-", "ABC123", 27),
    (Kind::PulumiToken, "pul-", HEX, 40),
];

/// One kind's finds and near misses.
pub(super) type Row = (Kind, Vec<String>, Vec<String>);

fn own(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn long(prefix: &str, unit: &str, count: usize) -> String {
    prefix.chars().chain(unit.chars().cycle().take(count)).collect()
}

fn composed() -> Vec<Row> {
    vec![
        (
            Kind::SlackWebhook,
            vec![long("https://hooks.slack.com/services/T0/B0/", ALNUM, 24)],
            own(&["https://hooks.slack.com/services/T0"]),
        ),
        (
            Kind::DiscordWebhook,
            vec![long("https://discord.com/api/webhooks/1/", ALNUM, 68)],
            own(&["https://discord.com/api/webhooks/1"]),
        ),
        (
            Kind::SendgridKey,
            vec![format!("{}.{}", long("SG.", ALNUM, 22), long("", ALNUM, 43))],
            vec![long("SG.", ALNUM, 22)],
        ),
        (
            Kind::AzureKey,
            vec![
                format!("AccountKey={}==", long("", ALNUM, 86)),
                format!("sharedaccesskey={}=", long("", ALNUM, 43)),
            ],
            own(&["AccountKey=short"]),
        ),
        (Kind::QuotedValue, vec![], own(&["Key (email)=(bob) already exists."])),
    ]
}

/// What each kind finds, and what only looks like it.
pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = composed();
    rows.extend(WRITTEN.iter().map(|(kind, finds, leaves)| (*kind, own(finds), own(leaves))));
    rows.extend(TOKENS.iter().map(|(kind, prefix, length)| {
        let glued = format!("x{prefix}");
        let near = vec![long(prefix, ALNUM, length - 1), long(&glued, ALNUM, *length)];
        (*kind, vec![long(prefix, ALNUM, *length)], near)
    }));
    rows.extend(EXACT.iter().map(|(kind, prefix, unit, length)| {
        let glued = format!("x{prefix}");
        let near = [(*prefix, length - 1), (*prefix, length + 1), (glued.as_str(), *length)];
        let near = near.map(|(prefix, length)| long(prefix, unit, length));
        (*kind, vec![long(prefix, unit, *length)], near.to_vec())
    }));
    rows
}

#[test]
fn every_kind_finds_its_own_and_leaves_what_only_looks_like_it() {
    for (kind, finds, leaves) in rows() {
        for text in finds {
            for wrapped in [text.clone(), format!("see {text}"), format!("\"{text}\""), format!("é{text}é")]
            {
                let (_, found) = masked_bytes(wrapped.as_bytes(), Mode::Partial, &[kind], false);
                assert!(found.count(kind) >= 1, "{kind} misses `{wrapped}`");
            }
        }
        for text in leaves {
            let (masked, found) = masked_bytes(text.as_bytes(), Mode::Partial, &[kind], false);
            assert!(found.is_empty(), "{kind} finds `{text}`");
            assert_eq!(masked.as_deref(), Some(text.as_bytes()));
        }
    }
}

#[test]
fn every_kind_has_its_rows_and_a_name_of_its_own() {
    let tested: BTreeSet<Kind> = rows().into_iter().map(|(kind, _, _)| kind).collect();
    assert_eq!(tested.len(), Kind::ALL.len());
    let names: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    for kind in Kind::ALL {
        assert_eq!(kind.name().parse(), Ok(*kind));
    }
    assert_eq!("emails".parse::<Kind>().unwrap_err().to_string(), "no detector is called `emails`");
    for mode in Mode::ALL {
        assert_eq!(mode.name().parse(), Ok(mode));
    }
    assert_eq!(
        "full".parse::<Mode>().unwrap_err().to_string(),
        "`full` is no way to mask; there are `partial`, `hash`, `null` and `drop`"
    );
}

#[test]
fn only_the_kinds_that_were_asked_for_are_looked_for() {
    let text = "a@example.com 4111111111111111 ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    for kind in [Kind::Email, Kind::Card, Kind::GithubToken] {
        let (_, found) = masked_bytes(text.as_bytes(), Mode::Drop, &[kind], false);
        assert_eq!(found.iter().collect::<Vec<_>>(), [(kind, 1)]);
    }
    assert!(masked_bytes(text.as_bytes(), Mode::Drop, &[], false).1.is_empty());
}
