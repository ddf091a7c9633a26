//! What may a rule say, and does it hold? Each names one claim and its exact value; together they must single somebody out.

use std::collections::BTreeSet;

use countersign_store::Rule;
use serde_json::Value;

use crate::issuers::{ClaimSet, IssuerKind};

/// More rules than this are refused.
const RULES_MAX: usize = 32;
/// Longer names of claims are refused.
const NAME_MAX_BYTES: usize = 200;
/// Longer values are refused.
const VALUE_MAX_BYTES: usize = 1_000;
/// A path through claims has at most so many dots.
const DOTS_MAX: usize = 8;

/// Claims that say nothing about who has the token.
const SAYS_NOTHING: &[&str] = &[
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "typ",
    "ver",
    "scope",
    "scp",
    "acr",
    "amr",
    "auth_time",
    "token_use",
    "token_type",
    "email_verified",
];

/// Why an agent can't be known by this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleRefusal {
    /// No issuer of the configuration has this name.
    #[error("there is no issuer `{0}`; describe it in `[[issuers]]`")]
    IssuerUnknown(String),
    /// Neither a token nor rules.
    #[error("an agent needs a token or rules by which it is known")]
    Nothing,
    /// No rules, or only such as hold for many.
    #[error("these rules would let in whoever has a token of the issuer; add a rule on {0}")]
    TooWide(&'static str),
    /// One rule can't be used.
    #[error("the rule on `{name}` {problem}")]
    Rule {
        /// On which claim, cut short.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Another agent is known by the same.
    #[error(
        "what these rules hold of would also be the agent `{0}`, so that neither could come in; revoke it first, or add rules to both"
    )]
    Overlap(String),
}

impl RuleRefusal {
    /// Stable; listed in docs/ERRORS.md.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IssuerUnknown(_) => "issuer_unknown",
            Self::Nothing => "credential_missing",
            Self::TooWide(_) => "rules_too_wide",
            Self::Rule { .. } => "rule_invalid",
            Self::Overlap(_) => "rules_overlap",
        }
    }
}

/// Rules on the claims of tokens, when they single out less than everybody.
pub(crate) fn token_rules(kind: IssuerKind, rules: &[Rule]) -> Result<Vec<Rule>, RuleRefusal> {
    let rules = usable(rules)?;
    let on = |name: &str| rules.iter().any(|rule| rule.name == name);
    let (narrow, wanted) = match kind {
        IssuerKind::GitHub => {
            (on("repository") || on("repository_id") || on("sub"), "`repository`, `repository_id` or `sub`")
        }
        IssuerKind::GitLab => {
            (on("project_path") || on("project_id") || on("sub"), "`project_path`, `project_id` or `sub`")
        }
        IssuerKind::Kubernetes => {
            let account = on("kubernetes.io.namespace") && on("kubernetes.io.serviceaccount.name");
            (
                account || on("kubernetes.io.serviceaccount.uid") || on("sub"),
                "`sub`, or on `kubernetes.io.namespace` and `kubernetes.io.serviceaccount.name`",
            )
        }
        IssuerKind::Oidc => (
            rules.iter().any(|rule| !SAYS_NOTHING.contains(&rule.name.as_str())),
            "a claim that says whose it is, such as `sub`",
        ),
    };
    if narrow { Ok(rules) } else { Err(RuleRefusal::TooWide(wanted)) }
}

/// Rules on client certificates: `subject`, `URI`, `DNS`.
pub(crate) fn certificate_rules(rules: &[Rule]) -> Result<Vec<Rule>, RuleRefusal> {
    let known = |rule: &&Rule| matches!(rule.name.as_str(), "subject" | "URI" | "DNS");
    match rules.iter().find(|rule| !known(rule)) {
        Some(rule) => Err(refused(rule, "is none on `subject`, `URI` or `DNS`")),
        None => usable(rules),
    }
}

fn refused(rule: &Rule, problem: &'static str) -> RuleRefusal {
    RuleRefusal::Rule { name: rule.name.chars().take(100).collect(), problem }
}

fn usable(rules: &[Rule]) -> Result<Vec<Rule>, RuleRefusal> {
    let mut names = BTreeSet::new();
    for rule in rules {
        let (name, value) = (rule.name.as_str(), rule.value.as_str());
        let problem =
            if name.is_empty() || name.len() > NAME_MAX_BYTES || name.matches('.').count() > DOTS_MAX {
                "has no name that can be used"
            } else if value.is_empty() || value.len() > VALUE_MAX_BYTES {
                "needs a value of 1 to 1,000 bytes"
            } else if value.chars().any(char::is_control) || name.chars().any(char::is_control) {
                "holds a control character"
            } else if !names.insert(name) && name != "URI" && name != "DNS" {
                "is there twice, and one claim has one value"
            } else {
                continue;
            };
        return Err(refused(rule, problem));
    }
    match rules.get(RULES_MAX) {
        Some(rule) => Err(refused(rule, "is one too many: an agent has at most 32")),
        None => Ok(rules.to_vec()),
    }
}

/// Whether the claim has exactly this value. Lists and objects have none.
pub(super) fn holds(rule: &Rule, claims: &ClaimSet) -> bool {
    text(claims, &rule.name).is_some_and(|value| value == rule.value)
}

/// The value of a claim as text: texts, numbers and flags have one.
pub(super) fn text(claims: &ClaimSet, path: &str) -> Option<String> {
    match find(claims, path)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The value at a path. Keys may hold dots themselves (`kubernetes.io`), so every way to read the path is tried; when
/// more than one leads somewhere, nobody knows which was meant, and none counts.
fn find<'c>(claims: &'c ClaimSet, path: &str) -> Option<&'c Value> {
    let mut found = Vec::new();
    search(claims, path, &mut found);
    match found.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn search<'c>(claims: &'c ClaimSet, path: &str, found: &mut Vec<&'c Value>) {
    found.extend(claims.get(path));
    for (at, _) in path.match_indices('.') {
        let (key, rest) = path.split_at(at);
        if let (Some(Value::Object(inner)), Some(rest)) = (claims.get(key), rest.strip_prefix('.')) {
            search(inner, rest, found);
        }
    }
}
