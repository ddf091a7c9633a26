//! By which words are secrets recognised, and what must follow them? One row per word.

use std::ops::RangeInclusive;

use crate::Kind;
use crate::bytes::Class;

/// What stands around a literal.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// The literal itself begins the token, exactly as written: a run of `class` of `length` bytes follows.
    Token(Run),
    /// The literal, in any case, only announces: the run behind it is the secret.
    Announced(Run),
    /// `=` or `:` and a value follow, quoted or not.
    Assigned,
    /// The same, but only a value of 40 characters of base 64.
    AwsSecret,
    /// `eyJ…` and two more parts.
    Jwt,
    /// `user:password@`.
    UserInfo,
    /// `-----BEGIN `.
    PemBegin,
    /// `-----END `.
    PemEnd,
}

/// A run of bytes of one class.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) class: Class,
    pub(crate) length: RangeInclusive<usize>,
    pub(crate) digit: bool,
}

/// One word and what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    pub(crate) kind: Kind,
    pub(crate) text: &'static str,
    pub(crate) shape: Shape,
}

/// The most bytes that a token of open length may have.
pub(crate) const OPEN: usize = 4096;

/// Words for the kinds that are asked for.
pub(crate) fn of(kinds: &[Kind]) -> Vec<Literal> {
    let mut words = tokens();
    words.extend(others());
    words.retain(|literal| kinds.contains(&literal.kind));
    words
}

fn tokens() -> Vec<Literal> {
    use Class::{Alnum, Base32, Hex, Path, Token, Upper, Url, UrlDot};
    let rows: &[(Kind, &[&'static str], Class, RangeInclusive<usize>)] = &[
        (Kind::AwsAccessKey, &["AKIA", "ASIA", "ABIA", "ACCA"], Base32, 16..=16),
        (Kind::GithubToken, &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], UrlDot, 36..=OPEN),
        (Kind::GithubToken, &["github_pat_"], Url, 40..=OPEN),
        (Kind::GitlabToken, &["glpat-", "gldt-", "glrt-", "glptt-", "glsoat-"], UrlDot, 20..=OPEN),
        (Kind::GitlabToken, &["glagent-", "glimt-", "glft-", "glcbt-"], UrlDot, 20..=OPEN),
        (Kind::SlackToken, &["xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"], Url, 20..=OPEN),
        (Kind::SlackToken, &["xoxe-", "xoxe.xox", "xapp-"], Url, 20..=OPEN),
        (Kind::SlackWebhook, &["hooks.slack.com/services/", "hooks.slack.com/workflows/"], Path, 30..=OPEN),
        (Kind::DiscordWebhook, &["discord.com/api/webhooks/"], Path, 60..=OPEN),
        (Kind::DiscordWebhook, &["discordapp.com/api/webhooks/"], Path, 60..=OPEN),
        (Kind::GoogleApiKey, &["AIza"], Url, 35..=OPEN),
        (Kind::GoogleOauth, &["ya29."], UrlDot, 20..=OPEN),
        (Kind::GoogleOauth, &["GOCSPX-"], Url, 20..=OPEN),
        (Kind::GoogleOauth, &["1//0"], Url, 30..=OPEN),
        (Kind::StripeKey, &["sk_live_", "sk_test_", "rk_live_", "rk_test_"], Alnum, 16..=OPEN),
        (Kind::StripeKey, &["whsec_"], Token, 16..=OPEN),
        (Kind::OpenaiKey, &["sk-proj-", "sk-svcacct-", "sk-admin-"], Url, 20..=OPEN),
        (Kind::OpenaiKey, &["sk-"], Alnum, 40..=OPEN),
        (Kind::AnthropicKey, &["sk-ant-"], Url, 20..=OPEN),
        (Kind::NpmToken, &["npm_"], Alnum, 36..=36),
        (Kind::PypiToken, &["pypi-AgE"], Url, 50..=OPEN),
        (Kind::RubygemsToken, &["rubygems_"], Hex, 48..=48),
        (Kind::SendgridKey, &["SG."], UrlDot, 66..=OPEN),
        (Kind::TwilioKey, &["SK"], Hex, 32..=32),
        (Kind::MailgunKey, &["key-"], Hex, 32..=32),
        (Kind::ShopifyToken, &["shpat_", "shpca_", "shppa_", "shpss_"], Hex, 32..=32),
        (Kind::DigitaloceanToken, &["dop_v1_", "doo_v1_", "dor_v1_"], Hex, 64..=64),
        (Kind::HuggingfaceToken, &["hf_"], Alnum, 30..=OPEN),
        (Kind::DatabricksToken, &["dapi"], Hex, 32..=32),
        (Kind::VaultToken, &["hvs.", "hvb.", "hvr."], Url, 20..=OPEN),
        (Kind::AtlassianToken, &["ATATT3", "ATCTT3"], Token, 50..=OPEN),
        (Kind::LinearToken, &["lin_api_", "lin_oauth_"], Alnum, 32..=OPEN),
        (Kind::GrafanaToken, &["glsa_", "glc_"], Token, 32..=OPEN),
        (Kind::DockerToken, &["dckr_pat_", "dckr_oat_"], Url, 20..=OPEN),
        (Kind::AgeKey, &["AGE-SECRET-KEY-1"], Upper, 58..=58),
        (Kind::NewRelicKey, &["NRAK-"], Upper, 27..=27),
        (Kind::PostmanKey, &["PMAK-"], Url, 50..=OPEN),
        (Kind::PulumiToken, &["pul-"], Hex, 40..=40),
        (Kind::PlanetscaleToken, &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], UrlDot, 30..=OPEN),
        (Kind::SentryToken, &["sntrys_", "sntryu_"], Token, 50..=OPEN),
        (Kind::NotionToken, &["ntn_"], Alnum, 40..=OPEN),
        (Kind::CountersignToken, &["csa_", "css_", "csi_"], Url, 43..=OPEN),
    ];
    let words = rows.iter().flat_map(|(kind, texts, class, length)| {
        texts.iter().map(|text| {
            let run = Run { class: *class, length: length.clone(), digit: false };
            Literal { kind: *kind, text, shape: Shape::Token(run) }
        })
    });
    words.collect()
}

fn others() -> Vec<Literal> {
    let mut words = vec![
        Literal { kind: Kind::Jwt, text: "eyJ", shape: Shape::Jwt },
        Literal { kind: Kind::ConnectionString, text: "://", shape: Shape::UserInfo },
        Literal { kind: Kind::PrivateKeyPem, text: "-----BEGIN ", shape: Shape::PemBegin },
        Literal { kind: Kind::PrivateKeyPem, text: "-----END ", shape: Shape::PemEnd },
        announced(Kind::BearerToken, "bearer ", Class::Token, 16, true),
        announced(Kind::BearerToken, "authorization: basic ", Class::Token, 8, false),
        announced(Kind::AzureKey, "accountkey=", Class::Base64, 40, false),
        announced(Kind::AzureKey, "sharedaccesskey=", Class::Base64, 40, false),
    ];
    let secret = ["secret_access_key", "secretaccesskey", "secret-access-key"];
    words.extend(secret.map(|text| Literal { kind: Kind::AwsSecretKey, text, shape: Shape::AwsSecret }));
    words.extend(ASSIGNED.iter().map(|text| {
        let kind = Kind::SecretAssignment;
        Literal { kind, text, shape: Shape::Assigned }
    }));
    words
}

fn announced(kind: Kind, text: &'static str, class: Class, least: usize, digit: bool) -> Literal {
    Literal { kind, text, shape: Shape::Announced(Run { class, length: least..=OPEN, digit }) }
}

/// In small letters; found in any case. `client_secret` and the like end in one of these.
const ASSIGNED: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "access-key",
    "accesskey",
    "secret_key",
    "secret-key",
    "secretkey",
    "private_key",
    "private-key",
    "privatekey",
    "access_token",
    "access-token",
    "accesstoken",
    "auth_token",
    "auth-token",
    "authtoken",
    "refresh_token",
    "refresh-token",
    "refreshtoken",
];
