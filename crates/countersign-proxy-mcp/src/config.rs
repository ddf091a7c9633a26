//! What is protected here, how is it reached, and what do its tools do? Plain values; the binary reads them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use countersign_core::{Resource, Verb};
use globset::Glob;

/// One MCP server behind the gateway.
#[derive(Debug, Clone)]
pub struct ResourceConfig {
    /// As policy and people know it.
    pub resource: Resource,
    /// Where it is.
    pub upstream: Upstream,
    /// What its tools do. The effects of every rule that matches a tool's name unite.
    pub rules: Vec<ToolRule>,
    /// What methods other than `tools/call` do; overrides the built-in answer for that method.
    pub methods: BTreeMap<String, Vec<EffectTemplate>>,
    /// How long a caller's connection is held while people decide.
    pub hold: Duration,
    /// The same for clients whose claimed name matches; the first match counts.
    pub hold_by_client: Vec<(Glob, Duration)>,
    /// How long the upstream may take for one call.
    pub call_timeout: Duration,
    /// The group that decides about changed tool definitions.
    pub definition_reviewers: String,
    /// A longer message from an agent is refused.
    pub max_message_bytes: usize,
    /// A longer message from the upstream is refused.
    pub max_answer_bytes: usize,
    /// How many sessions with this resource one agent may have open. One more ends its own longest unused one, if there is such.
    pub max_sessions_per_agent: usize,
    /// A session without a request or an open stream for so long is ended.
    pub session_idle: Duration,
}

impl ResourceConfig {
    /// A resource with the documented defaults and no rules: every tool is `unknown`.
    pub fn new(resource: Resource, upstream: Upstream, definition_reviewers: impl Into<String>) -> Self {
        // Each session with a child costs a process of its own.
        let max_sessions_per_agent = if matches!(upstream, Upstream::Stdio { .. }) { 16 } else { 256 };
        Self {
            resource,
            upstream,
            rules: Vec::new(),
            methods: BTreeMap::new(),
            hold: Duration::from_secs(45),
            hold_by_client: Vec::new(),
            call_timeout: Duration::from_secs(300),
            definition_reviewers: definition_reviewers.into(),
            max_message_bytes: 4 << 20,
            max_answer_bytes: 32 << 20,
            max_sessions_per_agent,
            session_idle: Duration::from_secs(30 * 60),
        }
    }
}

/// How the protected MCP server is reached.
#[derive(Clone)]
pub enum Upstream {
    /// A child process that speaks on its standard streams. Its environment is `env`, `PATH` and `HOME`, no more.
    Stdio {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment; may hold the credential.
        env: BTreeMap<String, String>,
        /// Its working directory.
        cwd: Option<PathBuf>,
    },
    /// A server that speaks Streamable HTTP.
    Http {
        /// Its MCP endpoint, `http` or `https`.
        url: String,
        /// Headers of every request; may hold the credential.
        headers: BTreeMap<String, String>,
    },
}

/// Secrets stay out: only names of variables and headers are shown.
impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, env, cwd, args } => f
                .debug_struct("Stdio")
                .field("command", command)
                .field("args", &args.len())
                .field("env", &env.keys())
                .field("cwd", cwd)
                .finish(),
            Self::Http { url, headers } => {
                f.debug_struct("Http").field("url", url).field("headers", &headers.keys()).finish()
            }
        }
    }
}

/// What tools with a matching name do.
#[derive(Debug, Clone)]
pub struct ToolRule {
    /// Which tools, for example `delete_*`.
    pub pattern: Glob,
    /// What each of them does.
    pub effects: Vec<EffectTemplate>,
}

/// One effect whose object may be filled from the call's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectTemplate {
    /// What is done.
    pub verb: Verb,
    /// To what, for example `orders/{table}`; `{…}` names a path in the arguments.
    pub object: String,
}
