//! What does it look like? The whole story on this machine: real upstreams, scripted agents, and a person.

mod agent;
mod database;
mod folder;
mod reviewer;
mod shop;
mod upstream;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use countersign_core::ReviewId;
use countersign_identity::NewAgent;

use crate::cli::{Failure, serving};
use crate::config::Config;
use crate::serve::Running;
use crate::system::SystemEntropy;
use crate::{out, serve};
use database::{Absent, Database};
use reviewer::Person;

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
    /// Leave out the second act, on a PostgreSQL that the demo starts in its folder.
    #[arg(long)]
    no_postgres: bool,
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
    let folder = folder::empty(&args.folder)?;
    upstream::fill(&folder.database)?;
    let shop =
        if args.no_postgres { None } else { Some(Database::start(&args.folder, &SystemEntropy).await) };
    folder.configure(shop.as_ref().and_then(|shop| shop.as_ref().ok()))?;
    let config = Config::read(&folder.config).map_err(serve::ServeError::Config)?;
    let running = serve::start(config).await?;
    out::line(format_args!("Countersign demo. Its files are in {}", args.folder.display()));
    out::line(format_args!("  agents connect to  {}", running.agent_url(folder::RESOURCE)));
    if let Some(Ok(_)) = &shop {
        out::line(format_args!("  and to             {}", running.database_url(folder::SHOP)));
    }
    out::line(format_args!("  people decide at   {}", running.public_url));
    out::line("");
    let stage = Stage { running: &running, folder: &folder, shop: shop.as_ref(), play: args.play_reviewer };
    // Whatever ends it, the server ends with it.
    let told = tokio::select! {
        told = stage.tell() => told,
        () = serving::wait_for_stop() => Err(Failure::new("stopped before the end of the story")),
    };
    if told.is_ok() && !args.play_reviewer {
        out::line("\nThe console stays open until you press Ctrl-C.");
        serving::wait_for_stop().await;
    }
    running.stop().await;
    if let Some(Ok(database)) = shop {
        database.stop().await;
    }
    told
}

/// Where the story happens.
struct Stage<'a> {
    running: &'a Running,
    folder: &'a folder::Folder,
    /// The database of the second act, or why there is none; `None` when nobody wants one.
    shop: Option<&'a Result<Database, Absent>>,
    play: bool,
}

/// Who takes part.
struct Cast {
    /// The agent's token.
    token: String,
    /// The reviewer's one-time link, and the secret in it.
    link: String,
    invitation: String,
}

impl Stage<'_> {
    async fn tell(&self) -> Result<(), Failure> {
        let cast = self.cast().await?;
        let person = if self.play {
            Some(Person::sign_in(&self.running.public_url, &cast.invitation).await?)
        } else {
            None
        };
        self.first_act(&cast, person.as_ref()).await?;
        match self.shop {
            Some(Ok(database)) => shop::act(self.running, database, &cast.token, person.as_ref()).await?,
            Some(Err(why)) => {
                out::line(format_args!(
                    "\nThe second act, on a real database, is left out: {why}; {}.",
                    why.help()
                ));
            }
            None => {}
        }
        if self.play {
            if let Some(Err(Absent::Broken(_))) = self.shop {
                return Err(Failure::new("the second act was not seen"));
            }
            out::line("\nevery step was seen");
            return Ok(());
        }
        if let Some(Ok(database)) = self.shop {
            out::line("\nRun statements of your own as the agent:");
            out::line(format_args!("  {}", shop::try_yourself(self.running, database, &cast.token)));
        }
        Ok(())
    }

    async fn cast(&self) -> Result<Cast, Failure> {
        let now = self.running.now();
        let identity = &self.running.identity;
        identity.invite(OWNER, BTreeSet::new(), LIVES, now).await?;
        let invitation =
            identity.invite(REVIEWER, BTreeSet::from(["reviewers".to_owned()]), LIVES, now).await?;
        let new = NewAgent {
            name: AGENT.to_owned(),
            owner: OWNER.to_owned(),
            on_behalf_of: None,
            teams: BTreeSet::from(["batch".to_owned()]),
            lifetime: LIVES,
        };
        let (_, token) = identity.add_agent(new, now).await?;
        Ok(Cast {
            token: token.to_string(),
            link: format!("{}/enter/{}", self.running.public_url, invitation.token),
            invitation: invitation.token.to_string(),
        })
    }

    async fn first_act(&self, cast: &Cast, person: Option<&Person>) -> Result<(), Failure> {
        let before = upstream::count(&self.folder.database)?;
        let url = self.running.agent_url(folder::RESOURCE);
        let mut agent = agent::Agent::connect(&url, &cast.token).await?;
        agent.sees_a_call_pass().await?;
        agent.sees_a_call_refused().await?;
        let waiting = agent.asks_for_something_risky();
        let (result, watched) = tokio::join!(waiting, self.watch(cast, person));
        let review = watched?;
        let ran = result?;
        let after = upstream::count(&self.folder.database)?;
        out::line(format_args!("     orders in the database: {before} before, {after} after"));
        if person.is_none() {
            return Ok(());
        }
        if !ran || before - after != upstream::CANCELLED {
            let text = format!("the approved call did not delete what it should: {before} → {after}");
            return Err(Failure::new(text));
        }
        reviewer::reads_the_story(self.running, review).await
    }

    /// Has the first review decided by the played person, or says how to decide it.
    async fn watch(&self, cast: &Cast, person: Option<&Person>) -> Result<ReviewId, Failure> {
        let review = reviewer::first_pending(self.running).await?;
        match person {
            Some(person) => person.approves(&review, &["delete_orders", "cancelled"]).await?,
            None => out::line(format_args!(
                "     open this link, read, and approve or deny:\n\n       {}?next=/reviews/{review}\n",
                cast.link
            )),
        }
        Ok(review)
    }
}
