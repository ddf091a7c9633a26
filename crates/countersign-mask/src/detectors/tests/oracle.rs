//! The slow way: one regular expression per kind over the whole value, from every place where it could begin.
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::{Noise, tables};
use crate::spans::Spans;
use crate::{Detectors, Kind};

const NAMES: &str = "(?i:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|access[_-]?token|auth[_-]?token|refresh[_-]?token)";
const CARD: &str = r"\d{13,19}|(?:\d{4} ){3}\d{4}|(?:\d{4}-){3}\d{4}|(?:\d{4}\.){3}\d{4}|\d{4} \d{6} \d{4,5}|\d{4}-\d{6}-\d{4,5}";
const OCTET: &str = r"(?:25[0-5]|2[0-4]\d|1\d\d|\d\d?)";
const SIGN: &str = r#"[\\"'`\]]{0,3}[ \t]{0,8}[=:][=>]?[ \t]{0,8}"#;

/// See [`rules`].
type Rule = (Kind, Regex, fn(&[u8]) -> bool);

/// A kind, its expression with the secret as the first group, and what the number must pass.
fn rules() -> Vec<Rule> {
    let any: fn(&[u8]) -> bool = |_| true;
    let mut rules = vec![
        (Kind::Email, r"([A-Za-z0-9._%+\-\x80-\xff]{1,64}@(?:[A-Za-z0-9\x80-\xff][A-Za-z0-9\x80-\xff-]*\.)+[A-Za-z\x80-\xff][A-Za-z0-9\x80-\xff-]*[A-Za-z0-9\x80-\xff])".to_owned(), any),
        (Kind::Card, format!("(?:^|[^A-Za-z0-9.])({CARD})(?:[^A-Za-z0-9]|$)"), luhn as fn(&[u8]) -> bool),
        (Kind::UsSsn, r"(?:^|[^A-Za-z0-9-])((?:00[1-9]|0[1-9]\d|[1-57-8]\d\d|6[0-57-9]\d|66[0-57-9])(?:-(?:0[1-9]|[1-9]\d)-|\x20(?:0[1-9]|[1-9]\d)\x20)(?:[1-9]\d{3}|0[1-9]\d\d|00[1-9]\d|000[1-9]))(?:[^A-Za-z0-9]|$)".to_owned(), any),
        (Kind::Iban, word(r"(?:DE\d{2}(?:\d{18}|(?: \d{4}){4} \d{2})|GB\d{2}[A-Z]{4}\d{14}|NO\d{13})"), iban),
        (Kind::Ipv4, format!(r"(?:^|[^A-Za-z0-9.])((?:{OCTET}\.){{3}}{OCTET})(?:[^A-Za-z0-9.]|$)"), any),
        (Kind::Jwt, r"(?:^|[^A-Za-z0-9])(eyJ[A-Za-z0-9_-]{7,}\.[A-Za-z0-9_-]{10})".to_owned(), any),
        (Kind::PrivateKeyPem, r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----)".to_owned(), any),
        (Kind::BearerToken, r"(?i:bearer )([A-Za-z0-9._~+/=-]{15,}[A-Za-z0-9_~+/=-])".to_owned(), |body| body.iter().any(u8::is_ascii_digit)),
        (Kind::BearerToken, r"(?i:authorization: basic )([A-Za-z0-9_~+/=-]{8,})".to_owned(), any),
        (Kind::ConnectionString, r#"://[^\x00-\x20\x7f"'`/?#<>\\:@]*:([^\x00-\x20\x7f"'`/?#<>\\]+)@"#.to_owned(), not_masked),
        (Kind::SecretAssignment, format!(r#"{NAMES}{SIGN}([^\x00-\x20\x7f"'`,;&){{}}<>\\][^\x00-\x20\x7f"'`,;&){{}}<>]{{5,}})"#), not_masked),
        (Kind::SecretAssignment, format!(r#"{NAMES}{SIGN}"([^"\\]+)""#), not_masked),
        (Kind::AzureKey, r"(?i:accountkey|sharedaccesskey)=([A-Za-z0-9+/=]{40,})".to_owned(), any),
        (Kind::AwsSecretKey, format!(r"(?i:secret[_-]?access[_-]?key){SIGN}([A-Za-z0-9+/=]{{40}})(?:[^A-Za-z0-9+/=]|$)"), any),
    ];
    for (kind, token) in TOKENS {
        rules.push((*kind, format!("(?:^|[^A-Za-z0-9])({token})"), any));
    }
    for (kind, token) in FIXED {
        rules.push((*kind, word(token), any));
    }
    let built = rules
        .into_iter()
        .map(|(kind, text, check)| (kind, Regex::new(&format!("(?s-u){text}")).unwrap(), check));
    built.collect()
}

fn word(inner: &str) -> String {
    format!("(?:^|[^A-Za-z0-9])({inner})(?:[^A-Za-z0-9]|$)")
}

const TOKENS: &[(Kind, &str)] = &[
    (Kind::GithubToken, "gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}"),
    (Kind::GitlabToken, "gl(?:pat|dt|rt|ptt|soat|agent|imt|ft|cbt)-[A-Za-z0-9_-]{20,}"),
    (
        Kind::SlackToken,
        r"xox[abprs]-[A-Za-z0-9-]{20,}|xoxe(?:-|\.xox)[A-Za-z0-9-]{20,}|xapp-[A-Za-z0-9-]{20,}",
    ),
    (Kind::SlackWebhook, r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_/-]{30,}"),
    (Kind::DiscordWebhook, r"discord(?:app)?\.com/api/webhooks/[A-Za-z0-9_/-]{60,}"),
    (Kind::GoogleApiKey, "AIza[A-Za-z0-9_-]{35}"),
    (Kind::GoogleOauth, r"ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,}"),
    (Kind::StripeKey, "[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{16,}"),
    (Kind::OpenaiKey, "sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9]{40,}"),
    (Kind::AnthropicKey, "sk-ant-[A-Za-z0-9_-]{20,}"),
    (Kind::PypiToken, "pypi-AgE[A-Za-z0-9_-]{50,}"),
    (Kind::SendgridKey, r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    (Kind::HuggingfaceToken, "hf_[A-Za-z0-9]{30,}"),
    (Kind::VaultToken, r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    (Kind::AtlassianToken, "AT[AC]TT3[A-Za-z0-9_=-]{50,}"),
    (Kind::LinearToken, "lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    (Kind::GrafanaToken, "glsa_[A-Za-z0-9_]{32,}|glc_[A-Za-z0-9+/=]{32,}"),
    (Kind::DockerToken, "dckr_[po]at_[A-Za-z0-9_-]{20,}"),
    (Kind::PostmanKey, "PMAK-[A-Za-z0-9-]{50,}"),
    (Kind::PlanetscaleToken, r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{29,}[A-Za-z0-9_-]"),
    (Kind::SentryToken, "sntry[su]_[A-Za-z0-9+/=_]{50,}"),
    (Kind::NotionToken, "ntn_[A-Za-z0-9]{40,}"),
    (Kind::CountersignToken, "cs[asi]_[A-Za-z0-9_-]{43}"),
];

const FIXED: &[(Kind, &str)] = &[
    (Kind::AwsAccessKey, "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"),
    (Kind::NpmToken, "npm_[A-Za-z0-9]{36}"),
    (Kind::RubygemsToken, "rubygems_[0-9a-f]{48}"),
    (Kind::TwilioKey, "SK[0-9a-f]{32}"),
    (Kind::MailgunKey, "key-[0-9a-f]{32}"),
    (Kind::ShopifyToken, "shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    (Kind::DigitaloceanToken, "do[por]_v1_[0-9a-f]{64}"),
    (Kind::DatabricksToken, "dapi[0-9a-f]{32}"),
    (Kind::AgeKey, "AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    (Kind::NewRelicKey, "NRAK-[A-Z0-9]{27}"),
    (Kind::PulumiToken, "pul-[0-9a-f]{40}"),
    (Kind::Phone, r"\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4}|\d{3} \d{3} \d{4}"),
];

fn not_masked(value: &[u8]) -> bool {
    !crate::spans::is_mask(value)
}

/// By the book, on a string of digits, with the prefixes as an expression.
fn luhn(text: &[u8]) -> bool {
    let digits: String =
        text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
    static ISSUED: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(
        r"^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}|3(?:0[0-59]|6\d|[89]\d)\d{11,16}|(?:352[89]|35[3-8]\d|6011|64[4-9]\d|65\d\d|62\d\d)\d{12,15}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15})$",
    ).unwrap()
    });
    let mut sum = 0;
    for (place, digit) in digits.chars().rev().map(|digit| digit.to_digit(10).unwrap()).enumerate() {
        sum += if place % 2 == 0 { digit } else { [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit as usize] };
    }
    sum % 10 == 0 && ISSUED.is_match(&digits)
}

fn iban(text: &[u8]) -> bool {
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != b' ').collect();
    let mut remainder = 0;
    for byte in text[4..].iter().chain(&text[..4]) {
        let number = char::from(*byte).to_digit(36).unwrap();
        remainder = (remainder * if number > 9 { 100 } else { 10 } + number) % 97;
    }
    remainder == 1
}

fn noise(noise: &mut Noise, secrets: &[String]) -> String {
    let alphabets = [
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
        "0123456789 -.",
        "ab1@.:-_ =/\"'",
        "größe東京 @.a1",
        "abcdefghijklmnopqrstuvwxyz     ,.;",
    ];
    let mut text = String::new();
    for _ in 0..1 + noise.below(4) {
        let length = noise.below(60);
        let alphabet = alphabets[noise.below(alphabets.len())];
        text += &noise.text(alphabet, length);
        if noise.below(3) > 0 {
            text += &secrets[noise.below(secrets.len())];
        }
    }
    text
}

#[test]
fn the_fast_way_misses_nothing_that_the_slow_way_finds() {
    let rules = rules();
    let detectors = Detectors::new(Kind::ALL).unwrap();
    let secrets: Vec<String> = tables::rows().into_iter().flat_map(|(_, finds, _)| finds).collect();
    let (mut random, mut compared) = (Noise(0x5eed), 0);
    for _ in 0..2000 {
        let value = noise(&mut random, &secrets);
        let mut spans = Spans::default();
        detectors.find(value.as_bytes(), false, &mut spans);
        for (kind, regex, check) in &rules {
            let mut from = 0;
            while let Some(found) = regex.captures_at(value.as_bytes(), from) {
                from = found.get(0).unwrap().start() + 1;
                let secret = found.get(1).unwrap();
                if check(secret.as_bytes()) {
                    let covered = spans.iter().any(|span| {
                        span.kind == *kind && span.start <= secret.start() && secret.end() <= span.end
                    });
                    assert!(
                        covered,
                        "{kind} misses {:?} in {value:?}",
                        String::from_utf8_lossy(secret.as_bytes())
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 2000, "only {compared} findings were compared");
}

#[test]
fn the_slow_way_knows_every_kind_but_those_with_nothing_to_plant() {
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::QuotedValue) {
        assert!(rules().iter().any(|(known, _, _)| known == kind), "{kind}");
    }
}
