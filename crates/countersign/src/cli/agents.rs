//! Which agents may connect? Added with an owner, shown their token once, revoked at once.

use std::time::Duration;

use clap::Subcommand;
use countersign_gate::{Clock as _, SystemClock};
use countersign_identity::NewAgent;

use super::{ConfigArgs, Failure, span};
use crate::out;
use crate::serve::Base;

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// Add an agent and print its token, which is shown only now.
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
        /// How long the token works.
        #[arg(long, value_name = "SPAN", default_value = "90d", value_parser = span::parse)]
        expires: Duration,
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
    /// Revoke an agent's token; its next request is refused.
    Revoke {
        /// The agent's name.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

pub(super) async fn run(command: AgentsCommand) -> Result<(), Failure> {
    let now = SystemClock.now();
    match command {
        AgentsCommand::Add { name, owner, on_behalf_of, teams, expires, config } => {
            let base = Base::open(&config.read()?)?;
            let new =
                NewAgent { name, owner, on_behalf_of, teams: teams.into_iter().collect(), lifetime: expires };
            let (agent, token) = base.identity.add_agent(new, now).await?;
            out::note(format_args!(
                "agent `{}` of {} until {}; its token, shown only now:",
                agent.name, agent.owner, agent.expires_at
            ));
            out::line(token);
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
                "expires_at": agent.expires_at.to_string(),
            }));
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = agents
        .into_iter()
        .map(|agent| {
            let state = if agent.works(now) {
                "works"
            } else if agent.revoked_at.is_some() {
                "revoked"
            } else {
                "expired"
            };
            let teams = agent.teams.iter().cloned().collect::<Vec<_>>().join(", ");
            vec![agent.name, agent.owner, teams, state.to_owned(), agent.expires_at.to_string()]
        })
        .collect();
    out::table(&["AGENT", "OWNER", "TEAMS", "TOKEN", "EXPIRES"], &rows);
    Ok(())
}
