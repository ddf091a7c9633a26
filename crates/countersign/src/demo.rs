//! What does it look like? The whole story on this machine: a real upstream, a scripted agent, and a person.

mod agent;
mod folder;
mod reviewer;
mod upstream;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use countersign_identity::NewAgent;

use crate::cli::Failure;
use crate::config::Config;
use crate::serve::Running;
use crate::{out, serve};

/// The demo's link and token live this long.
const LIVES: Duration = Duration::from_secs(24 * 3600);
const OWNER: &str = "olaf";
const REVIEWER: &str = "ada";
const AGENT: &str = "night-batch";

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the demo keeps its files. Emptied at each start.
    #[arg(long, default_value = "countersign-demo", value_name = "FOLDER")]
    folder: PathBuf,
    /// Play the person as well, through the review API; exit code 0 only when every step was seen.
    #[arg(long)]
    play_reviewer: bool,
}

/// Serves the demo's database over MCP on standard streams.
pub(crate) async fn upstream(database: &Path) -> Result<(), Failure> {
    upstream::serve(database).await
}

/// Tells the whole story.
pub(crate) async fn run(args: DemoArgs) -> Result<(), Failure> {
    let folder = folder::prepare(&args.folder)?;
    upstream::fill(&folder.database)?;
    let config = Config::read(&folder.config).map_err(serve::ServeError::Config)?;
    let running = serve::start(config).await?;
    out::line(format_args!("Countersign demo. Its files are in {}", args.folder.display()));
    out::line(format_args!("  agents connect to  {}", running.agent_url(folder::RESOURCE)));
    out::line(format_args!("  people decide at   {}", running.public_url));
    out::line("");
    let told = story(&running, &folder, args.play_reviewer).await;
    if told.is_ok() && !args.play_reviewer {
        out::line("\nThe console stays open until you press Ctrl-C.");
        let _interrupted = tokio::signal::ctrl_c().await;
    }
    running.stop().await;
    told
}

async fn story(running: &Running, folder: &folder::Folder, play_reviewer: bool) -> Result<(), Failure> {
    let now = running.now();
    let identity = &running.identity;
    identity.invite(OWNER, BTreeSet::new(), LIVES, now).await?;
    let invitation = identity.invite(REVIEWER, BTreeSet::from(["reviewers".to_owned()]), LIVES, now).await?;
    let new = NewAgent {
        name: AGENT.to_owned(),
        owner: OWNER.to_owned(),
        on_behalf_of: None,
        teams: BTreeSet::from(["batch".to_owned()]),
        lifetime: LIVES,
    };
    let (_, token) = identity.add_agent(new, now).await?;
    let link = format!("{}/enter/{}", running.public_url, invitation.token);
    let before = upstream::count(&folder.database)?;

    let mut agent = agent::Agent::connect(&running.agent_url(folder::RESOURCE), &token.to_string()).await?;
    agent.sees_a_call_pass().await?;
    agent.sees_a_call_refused().await?;
    let waiting = agent.asks_for_something_risky();
    let watching = async {
        let review = reviewer::first_pending(running).await?;
        if play_reviewer {
            reviewer::play(&running.public_url, &invitation.token.to_string(), &review).await
        } else {
            out::line(format_args!(
                "     open this link, read, and approve or deny:\n\n       {link}?next=/reviews/{review}\n"
            ));
            Ok(())
        }
    };
    let (result, watched) = tokio::join!(waiting, watching);
    watched?;
    let ran = result?;
    let after = upstream::count(&folder.database)?;
    out::line(format_args!("     orders in the database: {before} before, {after} after"));
    if play_reviewer {
        if !ran || before - after != upstream::CANCELLED {
            return Err(Failure::new(format!(
                "the approved call did not delete what it should: {before} → {after}"
            )));
        }
        reviewer::reads_the_story(running).await?;
        out::line("\nevery step was seen");
    }
    Ok(())
}
