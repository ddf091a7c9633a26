//! How is one protected system described? `[[resources]]`: what all protocols share here, and what is below it for an
//! MCP server. A PostgreSQL database is read in `postgres.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use countersign_core::{Resource, Verb};
use countersign_proxy_mcp::{EffectTemplate, ResourceConfig, ToolRule, Upstream};
use globset::Glob;
use toml::Spanned;

use super::fields::Fields;
use super::{postgres, secret};

/// The group that decides about changed tool definitions unless the resource names another.
const DEFINITION_REVIEWERS: &str = "reviewers";
pub(super) const DAY: u64 = 24 * 3600;

/// One protected system, by its protocol.
pub(super) enum Protected {
    Mcp(Box<ResourceConfig>),
    Postgres(Box<countersign_proxy_postgres::ResourceConfig>),
}

pub(super) fn read(fields: Fields<'_>, folder: &Path, names: &mut BTreeSet<String>) -> Protected {
    let name = name(&fields, names);
    let protocol = fields.optional_string("protocol");
    let labels = labels(&fields);
    let resource = |protocol: &str| Resource { name, protocol: protocol.to_owned(), labels };
    match protocol.as_ref().map(Spanned::get_ref).map(String::as_str) {
        None | Some("mcp") => Protected::Mcp(Box::new(mcp(fields, folder, resource("mcp")))),
        Some("postgres") => {
            Protected::Postgres(Box::new(postgres::database(fields, folder, resource("postgres"))))
        }
        Some(other) => {
            let span = protocol.as_ref().map_or(0..0, Spanned::span);
            let help = "this version speaks `mcp` and `postgres`";
            fields.problem(span, format!("unknown protocol `{other}`"), Some(help.to_owned()));
            Protected::Mcp(Box::new(mcp(fields, folder, resource("mcp"))))
        }
    }
}

fn mcp(fields: Fields<'_>, folder: &Path, resource: Resource) -> ResourceConfig {
    let upstream = upstream(fields.section("upstream"), folder);
    let reviewers = fields
        .optional_string("definition_reviewers")
        .map_or_else(|| DEFINITION_REVIEWERS.to_owned(), Spanned::into_inner);
    let mut config = ResourceConfig::new(resource, upstream, reviewers);
    config.hold = fields.seconds("hold_seconds", config.hold, DAY);
    config.call_timeout = fields.seconds("call_timeout_seconds", config.call_timeout, DAY);
    config.hold_by_client = hold_by_client(&fields);
    config.rules = fields.sections("tools").into_iter().filter_map(rule).collect();
    config.methods = methods(&fields);
    let bytes = |key, default: usize| {
        let number = fields.integer(key, u64::try_from(default).unwrap_or(u64::MAX), 1024..=256 << 20);
        usize::try_from(number).unwrap_or(default)
    };
    config.max_message_bytes = bytes("message_bytes", config.max_message_bytes);
    config.max_answer_bytes = bytes("answer_bytes", config.max_answer_bytes);
    let sessions = u64::try_from(config.max_sessions_per_agent).unwrap_or(u64::MAX);
    let sessions = fields.integer("sessions_per_agent", sessions, 1..=100_000);
    config.max_sessions_per_agent = usize::try_from(sessions).unwrap_or(config.max_sessions_per_agent);
    fields.finish();
    config
}

fn name(fields: &Fields<'_>, names: &mut BTreeSet<String>) -> String {
    let name = fields.string("name", "agents reach it at `/mcp/NAME`");
    let text = name.get_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty() && (!text.chars().all(plain) || text.len() > 64) {
        let help = "use up to 64 letters, digits, `-`, `_` and `.`";
        fields.problem(name.span(), format!("`{text}` can't be a name"), Some(help.to_owned()));
    }
    if !text.is_empty() && !names.insert(text.clone()) {
        fields.problem(name.span(), format!("two resources are named `{text}`"), None);
    }
    name.into_inner()
}

/// Policies name a label as `key` or `key=value`, so a key can't hold the sign between both.
fn labels(fields: &Fields<'_>) -> BTreeMap<String, String> {
    let texts = fields.text_table("labels").into_iter();
    let checked = texts.inspect(|(key, text)| {
        if key.is_empty() || key.contains(['=', '/']) {
            let help = "choose a key without `=` and `/`";
            fields.problem(text.span(), format!("`{key}` can't be a label"), Some(help.to_owned()));
        }
    });
    checked.map(|(key, text)| (key, text.into_inner())).collect()
}

fn upstream(fields: Fields<'_>, folder: &Path) -> Upstream {
    let command = fields.strings("command");
    let url = fields.optional_string("url");
    let secrets = |table: BTreeMap<String, Spanned<String>>| {
        table.into_iter().map(|(name, text)| (name, secret::resolve(&fields, &text, folder))).collect()
    };
    let env = secrets(fields.text_table("env"));
    let headers = secrets(fields.text_table("headers"));
    let cwd = fields.optional_string("cwd").map(|path| folder.join(path.into_inner()));
    let upstream = match (command, url) {
        (Some(command), None) => {
            let mut words = command.into_iter().map(Spanned::into_inner);
            let program = words.next().unwrap_or_default();
            if program.is_empty() {
                fields.problem(fields.span(), "`command` is empty", Some("name the program".to_owned()));
            }
            Upstream::Stdio { command: program, args: words.collect(), env, cwd }
        }
        (None, Some(url)) => {
            let known = ["http://", "https://"].iter().any(|scheme| url.get_ref().starts_with(scheme));
            if !known {
                let message = format!("`{}` is not an `http` or `https` URL", url.get_ref());
                fields.problem(url.span(), message, None);
            }
            Upstream::Http { url: url.into_inner(), headers }
        }
        (Some(_), Some(_)) | (None, None) => {
            let help = "write `upstream = { command = [\"program\", \"argument\"] }` or `upstream = { url = \"https://…\" }`";
            let message = "`upstream` needs either `command` or `url`";
            fields.problem(fields.span(), message, Some(help.to_owned()));
            Upstream::Http { url: String::new(), headers }
        }
    };
    fields.finish();
    upstream
}

fn rule(fields: Fields<'_>) -> Option<ToolRule> {
    let pattern = fields.string("match", "a tool's name, `*` stands for anything: `delete_*`");
    let effects = fields.sections("effects");
    if effects.is_empty() {
        let help = "write `effects = [{ verb = \"read\", object = \"{path}\" }]`";
        fields.problem(fields.span(), "the rule names no effects", Some(help.to_owned()));
    }
    let effects = effects.into_iter().filter_map(effect).collect();
    let glob = glob(&fields, &pattern);
    fields.finish();
    glob.map(|pattern| ToolRule { pattern, effects })
}

fn glob(fields: &Fields<'_>, pattern: &Spanned<String>) -> Option<Glob> {
    match Glob::new(pattern.get_ref()) {
        Ok(glob) => Some(glob),
        Err(error) => {
            fields.problem(
                pattern.span(),
                format!("`{}` is not a pattern: {error}", pattern.get_ref()),
                None,
            );
            None
        }
    }
}

fn effect(fields: Fields<'_>) -> Option<EffectTemplate> {
    let verb = fields.string("verb", "for example `read`");
    let object = fields.string("object", "what it acts on, for example `orders/{table}`");
    let known = Verb::from_str(verb.get_ref());
    if let Some(message) = known.as_ref().err().filter(|_| !verb.get_ref().is_empty()) {
        fields.problem(verb.span(), message.clone(), None);
    }
    fields.finish();
    known.ok().map(|verb| EffectTemplate { verb, object: object.into_inner() })
}

fn methods(fields: &Fields<'_>) -> BTreeMap<String, Vec<EffectTemplate>> {
    fields
        .free_table("methods")
        .into_iter()
        .map(|(method, value)| {
            let effects = fields.tables(&method, value).into_iter().filter_map(effect).collect();
            (method, effects)
        })
        .collect()
}

fn hold_by_client(fields: &Fields<'_>) -> Vec<(Glob, Duration)> {
    let mut holds = Vec::new();
    for (client, value) in fields.free_table("hold_seconds_by_client") {
        let seconds = value.get_ref().as_integer().and_then(|digits| digits.as_str().parse().ok());
        match (Glob::new(&client), seconds) {
            (Ok(pattern), Some(seconds)) if seconds <= DAY => {
                holds.push((pattern, Duration::from_secs(seconds)));
            }
            (Ok(_), _) => {
                let message =
                    format!("the hold for `{client}` must be a whole number of seconds up to {DAY}");
                fields.problem(value.span(), message, None);
            }
            (Err(error), _) => {
                fields.problem(value.span(), format!("`{client}` is not a pattern: {error}"), None);
            }
        }
    }
    holds
}
