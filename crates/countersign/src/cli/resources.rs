//! What would it take to protect this database? `resources discover` looks at it and writes the beginning of a
//! configuration: the resource, policies, and SQL for roles with as few rights as possible.

mod address;
mod advice;
mod files;
mod personal;
mod plan;
mod policy;
mod reach;
mod risk;
mod roles;
mod section;
mod summary;

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use countersign_policy::{Bundle, Source};
use countersign_proxy_postgres::login::Secret;

use super::{Failure, span};
use crate::out;
use address::Address;
use files::Suggested;
use plan::Plan;

#[derive(Debug, Subcommand)]
pub(crate) enum ResourcesCommand {
    /// Look at a PostgreSQL database and suggest how to protect it.
    ///
    /// Connects, reads the catalog in read-only transactions, searches a few rows of each table for what looks
    /// personal or secret, and suggests three files: `countersign.toml` with the resource, `policies/NAME.cedar`, and
    /// `NAME-role.sql` with roles for the gateway. Nothing in the database is changed, no value is ever printed or
    /// kept, and no file is ever overwritten. A summary goes to standard error.
    #[command(
        after_help = "Exit codes: 0 suggested, 1 the database could not be looked at or a file not written, 2 wrong usage.\n\
                            Example: PGPASSWORD=… countersign resources discover 'postgres://ada@db.internal/shop?sslmode=verify-full' --out shop"
    )]
    Discover(DiscoverArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DiscoverArgs {
    /// `postgres://USER@HOST[:PORT]/DATABASE[?sslmode=…&sslrootcert=…]`. Leave the password out of it: it is taken
    /// from PGPASSWORD, or from the variable that `--password-env` names.
    #[arg(value_parser = hidden)]
    url: Secret,
    /// The environment variable with the password.
    #[arg(long, value_name = "NAME")]
    password_env: Option<String>,
    /// The resource's name; made from the database's unless given.
    #[arg(long)]
    name: Option<String>,
    /// The environment, for example `prod`. Unless given it is left to be filled in.
    #[arg(long)]
    env: Option<String>,
    /// The team of agents that may work with the database.
    #[arg(long, default_value = "data")]
    team: String,
    /// The group of people who are asked.
    #[arg(long, value_name = "GROUP", default_value = "reviewers")]
    reviewers: String,
    /// Write the files into this folder instead of to standard output. Nothing that is there is overwritten.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Look at names only, at no values.
    #[arg(long)]
    no_sample: bool,
    /// How long to look at most. What was not reached by then is said.
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = span::parse)]
    timeout: Duration,
    /// One JSON object on standard output: what was found, what is suggested, the files.
    #[arg(long)]
    json: bool,
}

/// There may be a password in it, so nothing that prints arguments shows it.
fn hidden(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

pub(super) async fn run(command: ResourcesCommand) -> Result<(), Failure> {
    let ResourcesCommand::Discover(args) = command;
    let address = Address::parse(args.url.expose()).map_err(|error| {
        let help = "write it as `postgres://USER@HOST:5432/DATABASE?sslmode=verify-full`";
        reach::usage(&error.to_string(), help)
    })?;
    let name = resource_name(&args, &address)?;
    // Told before anybody waits for the database.
    if let Some(folder) = &args.out {
        let planned =
            ["countersign.toml".to_owned(), format!("policies/{name}.cedar"), format!("{name}-role.sql")];
        files::refuse_existing(folder, &planned)?;
    }
    if !address.ignored.is_empty() {
        out::note(format_args!("note: ignored in the URL: {}", address.ignored.join(", ")));
    }
    let database = reach::look(&address, &args).await?;
    let columns = advice::sensitive(&database);
    let warnings = risk::warnings(&database);
    let DiscoverArgs { env, team, reviewers, .. } = &args;
    let (env, team, reviewers) = (env.clone(), team.clone(), reviewers.clone());
    let plan = Plan { address, database, columns, warnings, name, env, team, reviewers };
    tell(&plan, &args)
}

fn resource_name(args: &DiscoverArgs, address: &Address) -> Result<String, Failure> {
    match &args.name {
        Some(name) if plan::is_resource_name(name) => Ok(name.clone()),
        Some(name) => {
            let message = format!("`{}` can't be a resource's name", countersign_console::visible_line(name));
            Err(reach::usage(
                &message,
                "use up to 64 letters, digits, `-`, `_` and `.`, not beginning with `.`",
            ))
        }
        None => Ok(plan::resource_name(&address.database)),
    }
}

fn tell(plan: &Plan, args: &DiscoverArgs) -> Result<(), Failure> {
    let files = files::all(plan);
    lint(&files)?;
    let written = match &args.out {
        Some(folder) => files::write(folder, &files)?,
        None => Vec::new(),
    };
    let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    if args.json {
        out::line(summary::json(plan, &files, &written));
    } else if args.out.is_none() {
        for file in &files {
            out::line(format_args!("{} ==== {} ====\n{}", file.comment, file.path, file.text));
        }
    }
    for line in summary::lines(plan, &written) {
        out::note(line);
    }
    Ok(())
}

/// What is suggested must hold before anybody sees it.
fn lint(files: &[Suggested]) -> Result<(), Failure> {
    let policies = files.iter().filter(|file| file.path.ends_with(".cedar"));
    let sources: Vec<Source> =
        policies.map(|file| Source { path: file.path.clone(), text: file.text.clone() }).collect();
    match Bundle::load(&sources) {
        Ok(bundle) => {
            for warning in bundle.warnings() {
                out::note(format_args!("warning: {warning}"));
            }
            Ok(())
        }
        Err(findings) => {
            let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Err(reach::usage(
                &format!(
                    "the suggested policies would not load; nothing was written:\n{}",
                    findings.join("\n")
                ),
                "`--team` and `--reviewers` must be plain names; if they are, please report this",
            ))
        }
    }
}
