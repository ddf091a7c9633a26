//! What kind of statement is this? Read from a closed set of annotations, each typed, each only where it means
//! something. Cedar itself ignores annotations, so a slip here would silently ask nobody.

use std::collections::BTreeMap;
use std::time::Duration;

use cedar_policy::{Effect, Policy};
use countersign_core::{Assurance, Mask, MaskMode, Masked, Obligation, Plan};

use crate::detect::{ALL, DETECTORS};
use crate::finding::{Finding, Place, nearest};
use crate::world::About;

/// Every annotation that there is.
pub(crate) const KEYS: [&str; 14] = [
    "id",
    "review",
    "quorum",
    "expires",
    "claim_within",
    "grant_for",
    "assurance",
    "witness",
    "reason",
    "obligation",
    "columns",
    "detect",
    "mode",
    "rows",
];

const REVIEW_KEYS: [&str; 6] = ["quorum", "expires", "claim_within", "grant_for", "assurance", "witness"];
const OBLIGATIONS: [&str; 3] = ["mask", "max_rows", "record"];
const QUORUM_MAX: u16 = 20;
const WITNESSES_MAX: u16 = 8;
const SPAN_MIN: Duration = Duration::from_secs(30);
const SPAN_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const ID_MAX_BYTES: usize = 64;

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// H: may be done.
    Permit,
    /// H: never; with words for the caller.
    Forbid(Option<String>),
    /// S: not without people.
    Review(Ask),
    /// O: a condition that grants nothing.
    Condition(Condition),
    /// These people may not vote on that; with words for them.
    VoteForbid(Option<String>),
}

/// Who must agree, within which times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) group: String,
    pub(crate) quorum: u16,
    pub(crate) assurance: Assurance,
    pub(crate) pending_for: Duration,
    pub(crate) claim_within: Duration,
    pub(crate) grant_for: Duration,
    pub(crate) witnesses: Witnesses,
    pub(crate) reason: String,
}

/// How many witnesses must have cosigned, and where that is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Witnesses {
    pub(crate) count: u16,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// What comes with a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) obligations: Vec<Obligation>,
    pub(crate) max_rows: Option<u64>,
}

/// The annotations of one policy with their places.
struct Notes<'a> {
    place: Place<'a>,
    /// Where the policy begins.
    start: usize,
    found: BTreeMap<String, (String, usize)>,
    findings: Vec<Finding>,
}

/// The `@id` and the kind of a policy, or everything that is wrong with its annotations.
pub(crate) fn read(
    policy: &Policy,
    about: About,
    place: Place<'_>,
    start: usize,
) -> (Option<String>, Result<Kind, Vec<Finding>>) {
    let mut notes = Notes::of(policy, place, start);
    notes.refuse_unknown();
    let id = notes.id();
    let kind = match (about, policy.effect()) {
        (About::Mixed, _) => {
            notes.findings.push(
                place
                    .at(start, "mixed-actions", "one statement names actions and votes")
                    .with_help("write one statement for the actions and one for `approve` and `deny`"),
            );
            None
        }
        (About::Votes, Effect::Permit) => {
            notes.findings.push(
                place
                    .at(start, "vote-permit", "a `permit` can't make voters")
                    .with_help("who is asked follows from `@review(\"group\")`; only `forbid` narrows it"),
            );
            None
        }
        (About::Votes, Effect::Forbid) => {
            notes.only(&["id", "reason"], "on a statement about votes");
            Some(Kind::VoteForbid(notes.text("reason")))
        }
        (About::Actions, Effect::Forbid) => notes.forbid(),
        (About::Actions, Effect::Permit) => notes.permit(),
    };
    match kind {
        Some(kind) if notes.findings.is_empty() => (id, Ok(kind)),
        Some(_) | None => (id, Err(notes.findings)),
    }
}

impl<'a> Notes<'a> {
    fn of(policy: &Policy, place: Place<'a>, start: usize) -> Self {
        let found = policy
            .as_ref()
            .annotations()
            .map(|(key, annotation)| {
                let offset = annotation.loc.as_ref().map_or(start, |loc| loc.start());
                (key.to_string(), (annotation.val.to_string(), offset))
            })
            .collect();
        Self { place, start, found, findings: Vec::new() }
    }

    /// Reports something about one annotation, or about the policy when it hasn't that annotation.
    fn report(&mut self, key: &str, code: &'static str, message: String, help: Option<String>) {
        let offset = self.found.get(key).map_or(self.start, |(_, offset)| *offset);
        self.findings.push(Finding { help, ..self.place.at(offset, code, message) });
    }

    fn text(&self, key: &str) -> Option<String> {
        self.found.get(key).map(|(text, _)| text.clone())
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<String> =
            self.found.keys().filter(|key| !KEYS.contains(&key.as_str())).cloned().collect();
        for key in unknown {
            let help = match nearest(&key, KEYS) {
                Some(near) => format!("did you mean `@{near}`?"),
                None => format!("there are {}", KEYS.map(|key| format!("`@{key}`")).join(", ")),
            };
            self.report(&key, "unknown-annotation", format!("`@{key}` means nothing"), Some(help));
        }
    }

    /// Refuses every known annotation that isn't in `allowed`.
    fn only(&mut self, allowed: &[&str], whereabouts: &str) {
        let misplaced: Vec<&str> =
            KEYS.into_iter().filter(|key| self.found.contains_key(*key) && !allowed.contains(key)).collect();
        for key in misplaced {
            let help = match key {
                "review" => "people lift a `forbid`: write the `permit` and a `forbid` with `@review`",
                "obligation" => "conditions are `permit` statements: they say when, and grant nothing",
                "columns" => "`@columns` belongs to `@obligation(\"mask\")`",
                "detect" => "`@detect` belongs to `@obligation(\"mask\")`",
                "mode" => "`@mode` belongs to `@obligation(\"mask\")`",
                "rows" => "`@rows` belongs to `@obligation(\"max_rows\")`",
                "reason" => "`@reason` belongs to a `forbid`",
                _ => "it belongs to a `forbid` with `@review(\"group\")`",
            };
            let message = format!("`@{key}` has no meaning {whereabouts}");
            self.report(key, "misplaced-annotation", message, Some(help.to_owned()));
        }
    }

    fn id(&mut self) -> Option<String> {
        let Some(id) = self.text("id") else {
            let help = "put `@id(\"a-short-name\")` before it: decisions and the ledger name policies by id";
            self.report("id", "missing-id", "the statement has no `@id`".to_owned(), Some(help.to_owned()));
            return None;
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if id.is_empty() || id.len() > ID_MAX_BYTES || !id.chars().all(fits) {
            let help = format!("use up to {ID_MAX_BYTES} letters, digits, `-`, `_`, `.` and `/`");
            self.report("id", "bad-value", format!("`{id}` is not an id"), Some(help));
            return None;
        }
        Some(id)
    }

    fn forbid(&mut self) -> Option<Kind> {
        let Some(group) = self.text("review") else {
            self.only(&["id", "reason"], "on a `forbid` without `@review`");
            return Some(Kind::Forbid(self.text("reason")));
        };
        self.only(
            &[&["id", "review", "reason"], REVIEW_KEYS.as_slice()].concat(),
            "on a `forbid` with `@review`",
        );
        if group.trim() != group || group.is_empty() {
            let help = "name one group of reviewers, for example `@review(\"dba\")`".to_owned();
            self.report("review", "bad-value", format!("`{group}` is not a group"), Some(help));
        }
        let quorum = self.quorum();
        let reason =
            self.text("reason").unwrap_or_else(|| format!("needs the approval of {quorum} of `{group}`"));
        Some(Kind::Review(Ask {
            quorum,
            assurance: self.assurance(),
            pending_for: self.span("expires", Plan::PENDING_FOR),
            claim_within: self.span("claim_within", Plan::CLAIM_WITHIN),
            grant_for: self.span("grant_for", Plan::GRANT_FOR),
            witnesses: self.witnesses(),
            reason,
            group,
        }))
    }

    fn permit(&mut self) -> Option<Kind> {
        let Some(obligation) = self.text("obligation") else {
            self.only(&["id"], "on a `permit` without `@obligation`");
            return Some(Kind::Permit);
        };
        match obligation.as_str() {
            "mask" => {
                let allowed = ["id", "obligation", "columns", "detect", "mode"];
                self.only(&allowed, "on `@obligation(\"mask\")`");
                Some(Kind::Condition(Condition { obligations: self.masks()?, max_rows: None }))
            }
            "max_rows" => {
                self.only(&["id", "obligation", "rows"], "on `@obligation(\"max_rows\")`");
                let max_rows = self.rows()?;
                Some(Kind::Condition(Condition { obligations: Vec::new(), max_rows: Some(max_rows) }))
            }
            "record" => {
                self.only(&["id", "obligation"], "on `@obligation(\"record\")`");
                Some(Kind::Condition(Condition { obligations: vec![Obligation::Record], max_rows: None }))
            }
            _ => {
                let help = match nearest(&obligation, OBLIGATIONS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", OBLIGATIONS.map(|word| format!("`{word}`")).join(", ")),
                };
                let message = format!("`{obligation}` is not an obligation");
                self.report("obligation", "bad-value", message, Some(help));
                None
            }
        }
    }

    fn quorum(&mut self) -> u16 {
        let Some(text) = self.text("quorum") else { return 1 };
        match text.parse() {
            Ok(quorum) if (1..=QUORUM_MAX).contains(&quorum) => quorum,
            Ok(_) | Err(_) => {
                let help = format!("use a whole number from 1 to {QUORUM_MAX}");
                self.report("quorum", "bad-value", format!("`{text}` is not a quorum"), Some(help));
                1
            }
        }
    }

    fn assurance(&mut self) -> Assurance {
        let Some(text) = self.text("assurance") else { return Assurance::Session };
        match text.parse() {
            Ok(assurance) => assurance,
            Err(message) => {
                let message: String = message;
                self.report("assurance", "bad-value", message, None);
                Assurance::Passkey
            }
        }
    }

    fn witnesses(&mut self) -> Witnesses {
        let Some((text, offset)) = self.found.get("witness").cloned() else { return Witnesses::default() };
        let (line, column) = self.place.line_and_column(offset);
        match text.parse() {
            Ok(count) if (1..=WITNESSES_MAX).contains(&count) => Witnesses { count, line, column },
            Ok(_) | Err(_) => {
                let help = format!("use a whole number from 1 to {WITNESSES_MAX}");
                self.report(
                    "witness",
                    "bad-value",
                    format!("`{text}` is not a number of witnesses"),
                    Some(help),
                );
                Witnesses::default()
            }
        }
    }

    fn span(&mut self, key: &str, default: Duration) -> Duration {
        let Some(text) = self.text(key) else { return default };
        match parse_span(&text) {
            Some(span) if (SPAN_MIN..=SPAN_MAX).contains(&span) => span,
            Some(_) => {
                let message = format!("`{text}` is too short or too long");
                self.report(key, "bad-value", message, Some("use 30s at least and 90d at most".to_owned()));
                default
            }
            None => {
                let help = "use a whole number and a unit: `30s`, `15m`, `2h`, `1d`".to_owned();
                self.report(key, "bad-value", format!("`{text}` is not a span of time"), Some(help));
                default
            }
        }
    }

    /// Columns by name and content by its looks, all in one mode.
    fn masks(&mut self) -> Option<Vec<Obligation>> {
        let mode = self.mode();
        let columns = self.text("columns").map(|text| self.columns(&text));
        let kinds = self.text("detect").map(|text| self.kinds(&text));
        if columns.is_none() && kinds.is_none() {
            let message = "`@obligation(\"mask\")` needs `@columns(\"email,phone\")` or `@detect(\"card\")`";
            self.report("obligation", "missing-annotation", message.to_owned(), None);
            return None;
        }
        let columns = columns.map_or(Some(Vec::new()), |read| read)?.into_iter().map(Masked::Column);
        let kinds = kinds.map_or(Some(Vec::new()), |read| read)?.into_iter().map(Masked::Content);
        let mode = mode?;
        Some(columns.chain(kinds).map(|what| Obligation::Mask(Mask { what, mode })).collect())
    }

    fn mode(&mut self) -> Option<MaskMode> {
        let Some(text) = self.text("mode") else { return Some(MaskMode::default()) };
        match text.parse() {
            Ok(mode) => Some(mode),
            Err(message) => {
                let message: String = message;
                let near = nearest(&text, ["partial", "hash", "drop", "null"]);
                let help = near.map(|near| format!("did you mean `{near}`?"));
                self.report("mode", "bad-value", message, help);
                None
            }
        }
    }

    fn columns(&mut self, text: &str) -> Option<Vec<String>> {
        let columns: Vec<String> = text.split(',').map(|column| column.trim().to_owned()).collect();
        if columns.iter().any(|column| !is_column(column)) {
            let help = "name columns with commas between them: `email`, `customers.email`, \
                        `public.customers.email`, or `*` for all";
            let message = format!("`{text}` leaves a column without name, or names none");
            self.report("columns", "bad-value", message, Some(help.to_owned()));
            return None;
        }
        Some(columns)
    }

    fn kinds(&mut self, text: &str) -> Option<Vec<String>> {
        let kinds: Vec<&str> = text.split(',').map(str::trim).collect();
        let is_known = |kind: &&str| DETECTORS.contains(kind) || *kind == ALL;
        let Some(unknown) = kinds.iter().find(|kind| !is_known(kind)) else {
            let all = kinds.contains(&ALL);
            let chosen = DETECTORS.iter().filter(|kind| all || kinds.contains(kind));
            return Some(chosen.map(|kind| (*kind).to_owned()).collect());
        };
        let help = match nearest(unknown, DETECTORS.iter().copied().chain([ALL])) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are `all`, {}", DETECTORS.map(|kind| format!("`{kind}`")).join(", ")),
        };
        self.report("detect", "bad-value", format!("no detector is called `{unknown}`"), Some(help));
        None
    }

    fn rows(&mut self) -> Option<u64> {
        let text = self.required("rows", "`@obligation(\"max_rows\")` needs `@rows(\"100\")`")?;
        let rows = text.parse().ok();
        if rows.is_none() {
            let help = "use a whole number such as `100`".to_owned();
            self.report("rows", "bad-value", format!("`{text}` is not a number of rows"), Some(help));
        }
        rows
    }

    fn required(&mut self, key: &str, message: &str) -> Option<String> {
        let text = self.text(key);
        if text.is_none() {
            self.report("obligation", "missing-annotation", message.to_owned(), None);
        }
        text
    }
}

/// One to three names with full stops between, the last of which may be `*`.
fn is_column(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let (last, places) = match parts.split_last() {
        Some((last, places)) if places.len() <= 2 => (*last, places),
        _ => return false,
    };
    let is_name = |part: &str| !part.is_empty() && !part.contains('*') && part.trim() == part;
    (last == "*" || is_name(last)) && places.iter().all(|part| is_name(part))
}

/// `30s`, `15m`, `2h`, `1d`.
fn parse_span(text: &str) -> Option<Duration> {
    let (unit_at, unit) = text.char_indices().next_back()?;
    let seconds_per_unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = text.get(..unit_at).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let count: u64 = digits.parse().ok()?;
    count.checked_mul(seconds_per_unit).map(Duration::from_secs)
}
