//! How does the gateway run from the terminal? Until it is told to stop.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{ConfigArgs, Failure};
use crate::serve::Running;
use crate::{out, serve};

/// The first person's link; afterwards `people invite` makes more.
const FIRST_LINK_LIVES: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let running = serve::start(args.read()?).await?;
    out::line(format_args!("people   {}", running.public_url));
    for resource in &running.resources {
        out::line(format_args!("agents   {}", running.agent_url(resource)));
    }
    for database in &running.databases {
        out::line(format_args!("agents   {}", running.database_url(database)));
    }
    greet_first_person(&running).await?;
    wait_for_stop().await;
    out::line("stopping; open reviews stay open");
    running.stop().await;
    Ok(())
}

/// Nobody can sign in to a new gateway, so its operator gets a link.
async fn greet_first_person(running: &Running) -> Result<(), Failure> {
    let now = running.now();
    if !running.identity.people(now)?.is_empty() {
        return Ok(());
    }
    let groups = BTreeSet::from(["reviewers".to_owned()]);
    let invitation = running.identity.invite("admin", groups, FIRST_LINK_LIVES, now).await?;
    out::line(
        "first start: this link signs you in once, as `admin` of the group `reviewers`, within 24 hours",
    );
    out::line(format_args!("         {}/enter/{}", running.public_url, invitation.token));
    Ok(())
}

/// Returns at Ctrl-C or `SIGTERM`.
pub(crate) async fn wait_for_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                interrupted = tokio::signal::ctrl_c() => drop(interrupted),
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
