//! How does an administrator meet a demand to be forgotten? The keys of what was recorded are destroyed; what the ledger
//! committed to stays, and nobody can open it any more.

use clap::Args;
use countersign_core::ActionId;
use countersign_gate::{Clock as _, SystemClock};
use countersign_store::Erasure;

use super::{ConfigArgs, Failure};
use crate::out;
use crate::serve::Base;

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    what: What,
    /// Do it. Without this, only what would be done is said.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A person who was removed: the name, sessions, passkeys, what the person said in votes, and the whole content of
    /// the actions that the person, or an agent in the person's name, asked for.
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// One action that has ended: its bytes, what was said about it, its preview and its answer.
    #[arg(long, value_name = "ID")]
    action: Option<String>,
}

pub(super) async fn run(args: EraseArgs) -> Result<(), Failure> {
    let what = match (&args.what.subject, &args.what.action) {
        (Some(name), _) => format!("everything about `{name}`"),
        (None, Some(id)) => format!("the content of `{id}`"),
        (None, None) => return Err(Failure::new("name a `--subject` or an `--action`")),
    };
    if !args.yes {
        return Err(Failure::new(format!(
            "this would make {what} unreadable for ever\n    help: say `--yes` when that is meant"
        )));
    }
    let base = Base::open(&args.config.read()?)?;
    let now = SystemClock.now();
    let done = match (args.what.subject, args.what.action) {
        (Some(name), _) => base.store.erase_person(name.to_lowercase(), now).await,
        (None, Some(id)) => {
            let unreadable = |_cause| Failure::new(format!("`{id}` is not an action's id"));
            let action: ActionId = id.parse().map_err(unreadable)?;
            base.store.erase_action(action, now).await
        }
        (None, None) => Ok(Erasure::NotFound),
    };
    let done = done?;
    // So that a copy from before is noticed when it is put back.
    base.store.publish(now).await?;
    match done {
        Erasure::Done(actions) => {
            out::line(format_args!("erased {what}; actions without content now: {}", actions.len()));
            for action in actions {
                out::line(action);
            }
            out::note(
                "copies of `countersign.sqlite3` from before still have the keys: delete those copies, or the rows of \
                 their table `keys`",
            );
            Ok(())
        }
        Erasure::NotFound => Err(Failure::new(format!("there is nothing to erase: {what} is not here"))),
        Erasure::StillHere => Err(Failure::new(
            "the person is still one of the people who decide\n    help: `countersign people remove NAME` comes first",
        )),
        Erasure::Unfinished(actions) => {
            let ids: Vec<String> = actions.iter().map(ToString::to_string).collect();
            let help = "wait for their outcome, or let their reviews be denied or expire";
            Err(Failure::new(format!(
                "nothing was erased: {} not ended yet\n    help: {help}",
                match ids.as_slice() {
                    [one] => format!("`{one}` has"),
                    many => format!("{} actions have ({})", many.len(), many.join(", ")),
                }
            )))
        }
    }
}
