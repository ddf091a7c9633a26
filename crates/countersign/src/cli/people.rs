//! Who decides? People with groups, invited by one-time links, never with a password.

use std::time::Duration;

use clap::Subcommand;
use countersign_gate::{Clock as _, SystemClock};

use super::{ConfigArgs, Failure, span};
use crate::out;
use crate::serve::Base;

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// Print a one-time link that signs a person in; makes the person when the name is new.
    Invite {
        /// The person's name, for example `ada`.
        name: String,
        /// A group that policies name in `@review("…")`. May be given several times; replaces the person's groups.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        /// How long the link works.
        #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span::parse)]
        expires: Duration,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// List the people.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// End every session of a person.
    EndSessions {
        /// The person's name.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Remove a person: sessions, passkeys, groups and the tokens of their agents end at once.
    Remove {
        /// The person's name.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

pub(super) async fn run(command: PeopleCommand) -> Result<(), Failure> {
    let now = SystemClock.now();
    match command {
        PeopleCommand::Invite { name, groups, expires, config } => {
            let config = config.read()?;
            let base = Base::open(&config)?;
            let invitation = base.identity.invite(&name, groups.into_iter().collect(), expires, now).await?;
            out::note(format_args!(
                "this link signs {} in once, until {}:",
                invitation.name, invitation.expires_at
            ));
            out::line(format_args!("{}/enter/{}", config.public_url, invitation.token));
            Ok(())
        }
        PeopleCommand::List { json, config } => list(&Base::open(&config.read()?)?, json),
        PeopleCommand::EndSessions { name, config } => {
            let ended = Base::open(&config.read()?)?.identity.end_sessions(&name, now).await?;
            out::line(format_args!("{ended} session(s) of `{name}` ended"));
            Ok(())
        }
        PeopleCommand::Remove { name, config } => {
            Base::open(&config.read()?)?.identity.remove_person(&name, now).await?;
            out::line(format_args!("`{name}` is removed"));
            Ok(())
        }
    }
}

fn list(base: &Base, json: bool) -> Result<(), Failure> {
    let people = base.identity.people(SystemClock.now())?;
    if json {
        for person in people {
            out::line(serde_json::json!({
                "id": person.id.to_string(), "name": person.name, "groups": person.groups,
                "passkeys": person.passkeys, "sessions": person.sessions,
            }));
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = people
        .into_iter()
        .map(|person| {
            let groups = person.groups.iter().cloned().collect::<Vec<_>>().join(", ");
            vec![person.name, groups, person.passkeys.to_string(), person.sessions.to_string()]
        })
        .collect();
    out::table(&["PERSON", "GROUPS", "PASSKEYS", "SESSIONS"], &rows);
    Ok(())
}
