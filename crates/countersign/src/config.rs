//! What did the operator ask for? `countersign.toml`, read whole: every mistake at once, with its line and how to
//! mend it.

mod exports;
mod fields;
mod issuers;
mod ledger;
mod postgres;
mod problem;
mod resource;
mod secret;
mod witnesses;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use countersign_gate::Limits;
use countersign_identity::IssuerConfig;
use countersign_policy::Source;
use countersign_proxy_mcp::ResourceConfig;
use toml::Spanned;
use toml::de::DeTable;

use crate::export::Export;
use fields::{Fields, Problems};
pub(crate) use ledger::Ledger;
pub(crate) use postgres::PostgresListener;
pub(crate) use problem::Problem;
use resource::Protected;
pub(crate) use witnesses::WitnessAt;

/// A checked configuration.
#[derive(Debug)]
pub(crate) struct Config {
    /// The store's folder.
    pub(crate) state: PathBuf,
    /// Where agents connect.
    pub(crate) agents: SocketAddr,
    /// Where people connect.
    pub(crate) people: SocketAddr,
    /// How people reach that, without a slash at the end.
    pub(crate) public_url: String,
    /// The policy files.
    pub(crate) policy_files: Vec<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) resources: Vec<ResourceConfig>,
    pub(crate) databases: Vec<countersign_proxy_postgres::ResourceConfig>,
    /// How clients of databases are received.
    pub(crate) postgres: PostgresListener,
    /// Whose tokens are believed beside the gateway's own.
    pub(crate) issuers: Vec<IssuerConfig>,
    pub(crate) ledger: Ledger,
    /// Where copies of the ledger's entries go.
    pub(crate) exports: Vec<Export>,
}

impl Config {
    /// Reads a configuration file. Paths in it are relative to its folder.
    pub(crate) fn read(path: &Path) -> Result<Self, Vec<Problem>> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            vec![Problem {
                path: shown.clone(),
                line: 0,
                column: 0,
                message: format!("can't be read: {error}"),
                help: Some("name the file with `--config FILE`, or write one: see the README".to_owned()),
            }]
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&shown, &text, folder)
    }

    /// Checks a configuration text.
    pub(crate) fn parse(shown: &str, text: &str, folder: &Path) -> Result<Self, Vec<Problem>> {
        let problems = Problems::new(shown, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            problems.add(error.span().unwrap_or(0..0), error.message(), None);
        }
        let config = read_root(Fields::root(&table, &problems), folder);
        let found = problems.take();
        if found.is_empty() { Ok(config) } else { Err(found) }
    }

    /// The policy texts, as they are on disk now.
    pub(crate) fn policy_sources(&self) -> Result<Vec<Source>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut sources = Vec::new();
        for file in &self.policy_files {
            match std::fs::read_to_string(file) {
                Ok(text) => sources.push(Source { path: file.display().to_string(), text }),
                Err(error) => problems.push(Problem {
                    path: file.display().to_string(),
                    line: 0,
                    column: 0,
                    message: format!("the policy file can't be read: {error}"),
                    help: None,
                }),
            }
        }
        if problems.is_empty() { Ok(sources) } else { Err(problems) }
    }
}

fn read_root(root: Fields<'_>, folder: &Path) -> Config {
    let state = root.optional_string("state").map_or_else(|| "state".to_owned(), Spanned::into_inner);
    let agents = listener(root.section("agents"), "127.0.0.1:8810");
    let (people, public_url) = people(root.section("people"));
    let policy = root.section("policy");
    let policy_files = policy_files(&policy, folder);
    policy.finish();
    let limits = limits(root.section("limits"));
    let mut names = BTreeSet::new();
    let (mut resources, mut databases) = (Vec::new(), Vec::new());
    for section in root.sections("resources") {
        match resource::read(section, folder, &mut names) {
            Protected::Mcp(resource) => resources.push(*resource),
            Protected::Postgres(database) => databases.push(*database),
        }
    }
    let postgres = postgres::listener(root.section("postgres"), folder);
    let issuers = issuers::read(root.sections("issuers"), folder);
    if resources.is_empty() && databases.is_empty() {
        root.problem(
            0..0,
            "no `[[resources]]`: there is nothing to protect",
            Some("add a `[[resources]]` section with `name` and `upstream`".to_owned()),
        );
    }
    let shared = [
        (agents == people, "`agents.listen` and `people.listen` are the same address"),
        (postgres.listen == people, "`postgres.listen` and `people.listen` are the same address"),
        (postgres.listen == agents, "`postgres.listen` and `agents.listen` are the same address"),
    ];
    for (_, message) in shared.into_iter().filter(|(same, _)| *same) {
        let help = "agents, people and database clients never share a listener; choose different ports";
        root.problem(root.span(), message, Some(help.to_owned()));
    }
    let state = folder.join(state);
    let ledger = ledger::read(root.section("ledger"), folder, &state, &public_url);
    let exports = exports::read(root.sections("exports"), folder);
    root.finish();
    Config {
        state,
        agents,
        people,
        public_url,
        policy_files,
        limits,
        resources,
        databases,
        postgres,
        issuers,
        ledger,
        exports,
    }
}

fn address(fields: &Fields<'_>, default: &'static str) -> SocketAddr {
    let fallback = SocketAddr::from(([127, 0, 0, 1], 0));
    match fields.optional_string("listen") {
        Some(text) => text.get_ref().parse().unwrap_or_else(|_| {
            let message = format!("`{}` is not an address", text.get_ref());
            fields.problem(text.span(), message, Some(format!("write it as `{default}`")));
            fallback
        }),
        None => default.parse().unwrap_or(fallback),
    }
}

fn listener(fields: Fields<'_>, default: &'static str) -> SocketAddr {
    let listen = address(&fields, default);
    fields.finish();
    listen
}

fn people(fields: Fields<'_>) -> (SocketAddr, String) {
    let listen = address(&fields, "127.0.0.1:8811");
    let public_url = match fields.optional_string("public_url") {
        Some(url) => {
            let text = url.get_ref().trim_end_matches('/').to_owned();
            let after = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            if after.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@'])) {
                let message = format!("`{text}` is not a URL of a host");
                let help = "write it as `https://countersign.example.com`, without a path";
                fields.problem(url.span(), message, Some(help.to_owned()));
            }
            text
        }
        None => format!("http://localhost:{}", listen.port()),
    };
    fields.finish();
    (listen, public_url)
}

fn policy_files(fields: &Fields<'_>, folder: &Path) -> Vec<PathBuf> {
    let files = fields.strings("files");
    if files.as_ref().is_none_or(Vec::is_empty) {
        fields.problem(
            fields.span(),
            "`policy.files` names no policy",
            Some(
                "without a policy everything is denied; write `[policy] files = [\"policy.cedar\"]`"
                    .to_owned(),
            ),
        );
    }
    files.unwrap_or_default().into_iter().map(|file| folder.join(file.into_inner())).collect()
}

fn limits(fields: Fields<'_>) -> Limits {
    let default = Limits::default();
    let payload = u64::try_from(default.payload_max_bytes).unwrap_or(u64::MAX);
    let payload = fields.integer("payload_bytes", payload, 1..=64 << 20);
    let pending =
        fields.integer("pending_per_agent", u64::from(default.pending_max_per_agent), 1..=1_000_000);
    fields.finish();
    Limits {
        payload_max_bytes: usize::try_from(payload).unwrap_or(default.payload_max_bytes),
        pending_max_per_agent: u32::try_from(pending).unwrap_or(default.pending_max_per_agent),
    }
}

#[cfg(test)]
mod tests;
