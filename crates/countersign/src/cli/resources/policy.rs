//! Which rules are a good beginning? Everyday work passes, what can't be undone or understood needs people, secrets are
//! out of reach, and what looks personal is masked.

use std::fmt::Write as _;

use super::advice::{self, Verdict};
use super::plan::Plan;

/// A statement beyond 16 KiB is refused by the linter; so many bytes of column names fit even if each is a quote.
const COLUMNS_MAX_BYTES: usize = 6 << 10;
/// Ids may have 64 bytes, the longest ending is shorter than the rest.
const ID_MAX_BYTES: usize = 40;

/// What needs people: verb, ending of the id, reason.
const ASKED: [(&str, &str, &str); 6] = [
    ("delete", "deletes-ask", "deleted rows are gone"),
    ("schema", "schema-asks", "changes of the schema break whoever relies on it"),
    ("privilege", "privileges-ask", "rights given today are used tomorrow"),
    ("export", "exports-ask", "exported data is out of reach of every rule here"),
    ("execute", "execution-asks", "code in the database can do more than the statement says"),
    ("unknown", "unknown-asks", "nobody could tell what this would do"),
];

/// The whole file.
pub(super) fn text(plan: &Plan) -> String {
    let mut text = format!(
        "// Suggested by `countersign resources discover` for {}.\n\
         // Read it, change it, then run `countersign check`. What can be said is in docs/POLICY.md.\n\
         // Everything that no statement permits is denied; `network` and `deploy` are not permitted here.\n\n",
        plan.shown()
    );
    permits(plan, &mut text);
    asks(plan, &mut text);
    let _written = writeln!(
        text,
        "// Credentials of the database, and files of its server: out of reach, whoever would agree.\n\
         @id({}) @reason(\"credentials and the server's files stay where they are\")\n\
         forbid (principal, action == Action::\"secret\", resource in {});",
        id(plan, "no-secrets"),
        resource(plan)
    );
    masks(plan, &mut text);
    text
}

fn permits(plan: &Plan, text: &mut String) {
    let team = quoted(&plan.team);
    let asked: Vec<String> = ASKED.iter().map(|(verb, ..)| format!("Action::\"{verb}\"")).collect();
    let _written = write!(
        text,
        "// Everyday work of the team.\n\
         @id({})\n\
         permit (principal in Team::{team}, action in [Action::\"read\", Action::\"write\"], resource in {});\n\n\
         // Possible at all ...\n\
         @id({})\n\
         permit (\n  principal in Team::{team},\n  action in [{}],\n  resource in {}\n);\n\n\
         // ... but not without people.\n",
        id(plan, "everyday"),
        resource(plan),
        id(plan, "with-people"),
        asked.join(", "),
        resource(plan)
    );
}

fn asks(plan: &Plan, text: &mut String) {
    for (verb, ending, reason) in ASKED {
        let _written = write!(
            text,
            "@id({}) @review({}) @reason(\"{reason}\")\n\
             forbid (principal, action == Action::\"{verb}\", resource in {});\n\n",
            id(plan, ending),
            quoted(&plan.reviewers),
            resource(plan)
        );
    }
}

fn masks(plan: &Plan, text: &mut String) {
    let kinds = [
        (Verdict::Personal, "personal", "partial", "What looks personal stays recognisable and no more."),
        (
            Verdict::Secret,
            "credentials",
            "null",
            "Passwords, keys and tokens of people and machines are nobody's to read.",
        ),
    ];
    for (verdict, ending, mode, why) in kinds {
        let (patterns, without) = advice::patterns(&plan.columns, verdict);
        for column in without {
            let shown = column.shown();
            let _written = write!(
                text,
                "\n// NOT MASKED: no policy can name {shown}; rename it, or take its rights away.\n"
            );
        }
        for (number, chunk) in chunks(&patterns).into_iter().enumerate() {
            let ending = if number == 0 {
                ending.to_owned()
            } else {
                format!("{ending}-{}", number.saturating_add(1))
            };
            let what = format!("@columns({})", quoted(&chunk.join(", ")));
            mask(plan, text, (ending.as_str(), why), &what, mode);
        }
    }
    let found = advice::mixed_kinds(&plan.columns);
    if !found.is_empty() {
        let why = "Found here and there in free text, so all text is searched for it.";
        let what = format!("@detect({})", quoted(&found.join(", ")));
        mask(plan, text, ("in-free-text", why), &what, "drop");
    }
}

/// The action is left open, because rows also come back from writes and exports.
fn mask(plan: &Plan, text: &mut String, (ending, why): (&str, &str), what: &str, mode: &str) {
    let _written = write!(
        text,
        "\n// {why}\n\
         @id({}) @obligation(\"mask\")\n{what} @mode(\"{mode}\")\n\
         permit (principal, action, resource in {});\n",
        id(plan, ending),
        resource(plan)
    );
}

/// Names for one statement each.
fn chunks(patterns: &[String]) -> Vec<Vec<&str>> {
    let mut chunks: Vec<Vec<&str>> = Vec::new();
    let mut room = 0_usize;
    for pattern in patterns {
        let bytes = pattern.len().saturating_add(2);
        match chunks.last_mut().filter(|_| bytes <= room) {
            Some(chunk) => chunk.push(pattern),
            None => {
                chunks.push(vec![pattern]);
                room = COLUMNS_MAX_BYTES;
            }
        }
        room = room.saturating_sub(bytes);
    }
    chunks
}

fn id(plan: &Plan, ending: &str) -> String {
    let name: String = plan.name.chars().take(ID_MAX_BYTES).collect();
    quoted(&format!("{name}/{ending}"))
}

fn resource(plan: &Plan) -> String {
    format!("Resource::{}", quoted(&plan.name))
}

/// A string of Cedar: everything that could end it, or that nobody would see, is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _written = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
