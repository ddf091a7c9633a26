//! What can be recognised by its looks? The kinds of content, how sure each is, and how many were found.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A kind of content that detectors find. Each says its shape, what is checked beyond the shape, and what
        /// [`crate::Mode::Partial`] keeps; kinds of secrets keep the public start that names their issuer.
        ///
        /// Everywhere: letters and digits are those of ASCII; a token starts where no letter or digit stands before
        /// it; a token whose length its issuer fixes ends where no letter or digit follows. Longer than stated
        /// (4,096 bytes for tokens of open length) means that only that much is masked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it is written in policies and records, for example `us-ssn`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            const fn placeholder(self) -> &'static str {
                match self { $(Self::$name => concat!("[", $text, "]"),)* }
            }
        }
    };
}

kinds! {
    /// `local@domain` with a dot in the domain and a last label of two or more bytes; local part at most 64 bytes,
    /// domain 255 (RFC 5321). Bytes outside ASCII count as letters. Partial: `a***@e***.com`.
    Email = "email",
    /// 13 to 19 digits, together or as 4-4-4-4, 4-4-4-4-3, 4-6-5 or 4-6-4 with one space, hyphen or full stop
    /// between; checked: the issuer's prefix with its lengths, and Luhn (ISO/IEC 7812-1). Not in decimal fractions.
    /// Partial: `****1111`.
    Card = "card",
    /// Country, two digits, account; together or in groups of four with one space. Checked: the country's length
    /// (ISO 13616 registry) and mod 97 (ISO 7064). Partial: `DE****3000`.
    Iban = "iban",
    /// `ddd-dd-dddd`, hyphens or spaces. Checked: numbers that are never issued (000, 666, 9xx; 00; 0000).
    /// Partial: `***-**-6789`.
    UsSsn = "us-ssn",
    /// `+` and 8 to 15 digits with up to two separators between (E.164), or `ddd-ddd-dddd` and `(ddd) ddd-dddd`.
    /// Nothing to check, so not among [`Kind::defaults`]. Partial: `***4567`.
    Phone = "phone",
    /// Four numbers of 0 to 255 with full stops. Not among [`Kind::defaults`], as versions look the same.
    /// Partial: `192.*.*.*`.
    Ipv4 = "ipv4",
    /// `eyJ…` of ten bytes or more, a full stop and ten bytes or more, with all further parts (RFC 7519); at most
    /// 8,192 bytes.
    Jwt = "jwt",
    /// `AKIA`, `ASIA`, `ABIA`, `ACCA` and 16 of base 32.
    AwsAccessKey = "aws-access-key",
    /// 40 of base 64 after `secret_access_key`, `secretAccessKey` or `secret-access-key` and `=` or `:`.
    AwsSecretKey = "aws-secret-key",
    /// `-----BEGIN … PRIVATE KEY…-----` to its end, or 16,000 bytes when it has none. Partial: `[private-key]`.
    PrivateKeyPem = "private-key",
    /// `ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_` and 36 or more; `github_pat_` and 40 or more.
    GithubToken = "github-token",
    /// `glpat-`, `gldt-`, `glrt-`, `glptt-`, `glsoat-`, `glagent-`, `glimt-`, `glft-` and 20 or more; `glcbt-` 20.
    GitlabToken = "gitlab-token",
    /// `xoxa-`, `xoxb-`, `xoxp-`, `xoxr-`, `xoxs-`, `xoxe-`, `xoxe.xox…`, `xapp-` and 20 or more.
    SlackToken = "slack-token",
    /// `hooks.slack.com/services/…` and `hooks.slack.com/workflows/…` with 30 or more.
    SlackWebhook = "slack-webhook",
    /// `discord.com/api/webhooks/…` and `discordapp.com/…` with 60 or more.
    DiscordWebhook = "discord-webhook",
    /// `AIza` and 35 or more.
    GoogleApiKey = "google-api-key",
    /// `ya29.` and 20 or more, `GOCSPX-` and 20 or more, `1//0` and 30 or more.
    GoogleOauth = "google-oauth",
    /// `sk_live_`, `sk_test_`, `rk_live_`, `rk_test_`, `whsec_` and 16 or more.
    StripeKey = "stripe-key",
    /// `sk-proj-`, `sk-svcacct-`, `sk-admin-` and 20 or more; `sk-` and 40 or more letters and digits.
    OpenaiKey = "openai-key",
    /// `sk-ant-` and 20 or more.
    AnthropicKey = "anthropic-key",
    /// `npm_` and 36.
    NpmToken = "npm-token",
    /// `pypi-AgE` and 50 or more.
    PypiToken = "pypi-token",
    /// `rubygems_` and 48 hexadecimal digits.
    RubygemsToken = "rubygems-token",
    /// `SG.`, 22, a full stop and 43: 66 or more with full stops.
    SendgridKey = "sendgrid-key",
    /// `SK` and 32 hexadecimal digits.
    TwilioKey = "twilio-key",
    /// `key-` and 32 hexadecimal digits.
    MailgunKey = "mailgun-key",
    /// `shpat_`, `shpca_`, `shppa_`, `shpss_` and 32 hexadecimal digits.
    ShopifyToken = "shopify-token",
    /// `dop_v1_`, `doo_v1_`, `dor_v1_` and 64 hexadecimal digits.
    DigitaloceanToken = "digitalocean-token",
    /// `hf_` and 30 or more letters and digits.
    HuggingfaceToken = "huggingface-token",
    /// `dapi` and 32 hexadecimal digits.
    DatabricksToken = "databricks-token",
    /// `AccountKey=`, `SharedAccessKey=` and 40 or more of base 64.
    AzureKey = "azure-key",
    /// `hvs.`, `hvb.`, `hvr.` and 20 or more.
    VaultToken = "vault-token",
    /// `ATATT3`, `ATCTT3` and 50 or more.
    AtlassianToken = "atlassian-token",
    /// `lin_api_`, `lin_oauth_` and 32 or more letters and digits.
    LinearToken = "linear-token",
    /// `glsa_`, `glc_` and 32 or more.
    GrafanaToken = "grafana-token",
    /// `dckr_pat_`, `dckr_oat_` and 20 or more.
    DockerToken = "docker-token",
    /// `AGE-SECRET-KEY-1` and 58 of base 32 in capitals.
    AgeKey = "age-key",
    /// `NRAK-` and 27 capitals and digits.
    NewRelicKey = "new-relic-key",
    /// `PMAK-` and 50 or more.
    PostmanKey = "postman-key",
    /// `pul-` and 40 hexadecimal digits.
    PulumiToken = "pulumi-token",
    /// `pscale_tkn_`, `pscale_pw_`, `pscale_oauth_` and 30 or more.
    PlanetscaleToken = "planetscale-token",
    /// `sntrys_`, `sntryu_` and 50 or more.
    SentryToken = "sentry-token",
    /// `ntn_` and 40 or more letters and digits.
    NotionToken = "notion-token",
    /// `csa_`, `css_`, `csi_` and 43 or more: Countersign's own.
    CountersignToken = "countersign-token",
    /// After `Bearer ` 16 or more with a digit among them (RFC 6750); after `Authorization: Basic ` 8 or more.
    BearerToken = "bearer-token",
    /// The password in `scheme://user:password@host` (RFC 3986, 3.2.1), any scheme.
    ConnectionString = "connection-string",
    /// What follows `password`, `passwd`, `pwd`, `passphrase`, `secret`, `api_key`, `access_key`, `secret_key`,
    /// `private_key`, `access_token`, `auth_token`, `refresh_token`, `client_secret` (with `-` or nothing for `_`)
    /// and `=`, `:`, `:=` or `=>`: to the closing quote, or six or more bytes up to white space or
    /// ``,;&){}<>``; at most 4,096 bytes. In JSON, YAML, ini files, shell, query strings and prose.
    SecretAssignment = "secret-assignment",
    /// Values that a server quotes in errors and notices; only [`crate::Detectors::mask_text`] finds it.
    QuotedValue = "quoted-value",
}

impl Kind {
    /// What is looked for when nobody says otherwise: everything but [`Kind::Phone`] and [`Kind::Ipv4`].
    pub fn defaults() -> Vec<Self> {
        let unsure = [Self::Phone, Self::Ipv4];
        Self::ALL.iter().copied().filter(|kind| !unsure.contains(kind)).collect()
    }

    /// Whether it speaks of people; the others are secrets of machines.
    pub const fn is_personal(self) -> bool {
        matches!(
            self,
            Self::Email
                | Self::Card
                | Self::Iban
                | Self::UsSsn
                | Self::Phone
                | Self::Ipv4
                | Self::QuotedValue
        )
    }

    pub(crate) fn bracketed(self) -> &'static [u8] {
        self.placeholder().as_bytes()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let named = Self::ALL.iter().copied().find(|kind| kind.name() == text);
        named.ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// A policy asks for a kind that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no detector is called `{0}`")]
pub struct UnknownKind(String);

/// How much of each kind was masked: for the record, which says how many and never what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found([u64; Kind::ALL.len()]);

impl Default for Found {
    fn default() -> Self {
        Self([0; Kind::ALL.len()])
    }
}

impl Found {
    /// How many findings of `kind`.
    pub fn count(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// Kinds that were found, with their counts, in the order of [`Kind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        Kind::ALL.iter().map(|kind| (*kind, self.count(*kind))).filter(|(_, count)| *count > 0)
    }

    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count = count.saturating_add(*more);
        }
    }

    pub(crate) fn add(&mut self, kind: Kind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count = count.saturating_add(1);
        }
    }
}
