//! Which agents may connect? Added with an owner and what they are known by, shown their token once, revoked at once.

use std::time::Duration;

use clap::Subcommand;
use countersign_core::Timestamp;
use countersign_gate::{Clock as _, SystemClock};
use countersign_identity::{AgentView, Identity, Issued, KnownBy, NewAgent, Rule, RuleSet};

use super::{ConfigArgs, Failure, span};
use crate::out;
use crate::serve::Base;

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// Add an agent, and print its token, which is shown only now.
    ///
    /// An agent has a token, unless it is known by something else: tokens of an issuer of the configuration (`--issuer`
    /// and `--claim`), or client certificates (`--certificate-subject`, `--san`). Then it has a token only with `--token`.
    Add {
        /// The agent's name, for example `night-batch`.
        name: String,
        /// The person who answers for it; never allowed to decide its reviews.
        #[arg(long, value_name = "PERSON")]
        owner: String,
        /// The person for whom it acts; never allowed to decide its reviews either.
        #[arg(long, value_name = "PERSON")]
        on_behalf_of: Option<String>,
        /// A team that policies name as `Team::"…"`. May be given several times.
        #[arg(long = "team", value_name = "TEAM")]
        teams: Vec<String>,
        /// How long the agent is let in. 90 days when it has a token, 10 years otherwise.
        #[arg(long, value_name = "SPAN", value_parser = span::parse)]
        expires: Option<Duration>,
        #[command(flatten)]
        known_by: KnownByArgs,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// List the agents.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Revoke an agent, by whatever it is known; its next request is refused.
    Revoke {
        /// The agent's name.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// What an agent is known by beside a token.
#[derive(Debug, clap::Args)]
pub(crate) struct KnownByArgs {
    /// The issuer whose tokens the agent shows, by its name in `[[issuers]]`.
    #[arg(long, value_name = "NAME", requires = "claims")]
    issuer: Option<String>,
    /// What a claim of such a token must be, exactly; every one must hold. A path through nested claims has dots:
    /// `kubernetes.io.namespace=prod`. May be given several times.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim, requires = "issuer")]
    claims: Vec<Rule>,
    /// The subject of the agent's client certificate, as RFC 4514 writes it: `CN=batch,O=Acme`
    /// (`openssl x509 -noout -subject -nameopt RFC2253`).
    #[arg(long, value_name = "SUBJECT")]
    certificate_subject: Option<String>,
    /// A further name in the certificate: `URI:spiffe://…` or `DNS:…`. May be given several times; every one must be
    /// there.
    #[arg(long = "san", value_name = "TYPE:NAME", value_parser = alternative_name)]
    names: Vec<Rule>,
    /// Give it a token as well.
    #[arg(long)]
    token: bool,
}

fn claim(text: &str) -> Result<Rule, String> {
    let (name, value) = text.split_once('=').ok_or("write `NAME=VALUE`")?;
    Ok(Rule::new(name, value))
}

fn alternative_name(text: &str) -> Result<Rule, String> {
    match text.split_once(':') {
        Some((kind @ ("URI" | "DNS"), name)) => Ok(Rule::new(kind, name)),
        _ => Err("write `URI:spiffe://…` or `DNS:…`".to_owned()),
    }
}

impl From<KnownByArgs> for KnownBy {
    fn from(args: KnownByArgs) -> Self {
        let subject = args.certificate_subject.map(|subject| Rule::new("subject", subject));
        let certificate: Vec<Rule> = subject.into_iter().chain(args.names).collect();
        let issued = args.issuer.map(|issuer| Issued { issuer, claims: args.claims });
        let token = args.token || (issued.is_none() && certificate.is_empty());
        Self { token, issued, certificate }
    }
}

const DAY: u64 = 24 * 60 * 60;
/// A token that leaks should end. What somebody else issues ends by itself.
const TOKEN_LIFETIME: Duration = Duration::from_secs(90 * DAY);
const LIFETIME: Duration = Duration::from_secs(3650 * DAY);

pub(super) async fn run(command: AgentsCommand) -> Result<(), Failure> {
    let now = SystemClock.now();
    match command {
        AgentsCommand::Add { name, owner, on_behalf_of, teams, expires, known_by, config } => {
            let base = Base::open(&config.read()?)?;
            let known_by = KnownBy::from(known_by);
            let lifetime = expires.unwrap_or(if known_by.token { TOKEN_LIFETIME } else { LIFETIME });
            let new = NewAgent { name, owner, on_behalf_of, teams: teams.into_iter().collect(), lifetime };
            let (agent, token) = base.identity.add_known_agent(new, &known_by, now).await?;
            let until = format!("agent `{}` of {} until {}", agent.name, agent.owner, agent.expires_at);
            let credentials = known(&base.identity, &agent.rules);
            match token {
                Some(token) => {
                    let also = if credentials.is_empty() {
                        String::new()
                    } else {
                        format!(", known by {credentials}")
                    };
                    out::note(format_args!("{until}{also}; its token, shown only now:"));
                    out::line(token);
                }
                None => out::note(format_args!("{until}, known by {credentials}")),
            }
            Ok(())
        }
        AgentsCommand::List { json, config } => list(&Base::open(&config.read()?)?, json),
        AgentsCommand::Revoke { name, config } => {
            let base = Base::open(&config.read()?)?;
            base.identity.revoke_agent(&name, now).await?;
            out::line(format_args!("agent `{name}` is revoked"));
            Ok(())
        }
    }
}

fn list(base: &Base, json: bool) -> Result<(), Failure> {
    let now = SystemClock.now();
    let agents = base.identity.agents()?;
    if json {
        for agent in agents {
            out::line(serde_json::json!({
                "id": agent.id.to_string(), "name": agent.name, "owner": agent.owner,
                "on_behalf_of": agent.on_behalf_of, "teams": agent.teams, "works": agent.works(now),
                "token": agent.has_token, "known_by": agent.rules,
                "expires_at": agent.expires_at.to_string(),
            }));
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = agents.into_iter().map(|agent| row(base, agent, now)).collect();
    out::table(&["AGENT", "OWNER", "TEAMS", "KNOWN BY", "STATE", "EXPIRES"], &rows);
    Ok(())
}

fn row(base: &Base, agent: AgentView, now: Timestamp) -> Vec<String> {
    let state = if agent.works(now) {
        "works"
    } else if agent.revoked_at.is_some() {
        "revoked"
    } else {
        "expired"
    };
    let teams = agent.teams.iter().cloned().collect::<Vec<_>>().join(", ");
    let token = agent.has_token.then(|| "token".to_owned());
    let others = known(&base.identity, &agent.rules);
    let known_by: Vec<String> = token.into_iter().chain((!others.is_empty()).then_some(others)).collect();
    let expires = agent.expires_at.to_string();
    vec![agent.name, agent.owner, teams, known_by.join("; "), state.to_owned(), expires]
}

/// `github repository=acme/app ref=refs/heads/main; certificate URI=spiffe://…`
fn known(identity: &Identity, sets: &[RuleSet]) -> String {
    let set = |set: &RuleSet| {
        let of = match &set.issuer {
            // An issuer that is no longer configured lets nobody in.
            Some(url) => {
                identity.issuer_name(url).map_or_else(|| format!("{url} (not configured)"), str::to_owned)
            }
            None => "certificate".to_owned(),
        };
        let rules = set.rules.iter().map(|rule| format!(" {}={}", rule.name, rule.value));
        of + &rules.collect::<String>()
    };
    sets.iter().map(set).collect::<Vec<_>>().join("; ")
}
