//! How is the gateway's state kept safe, and put back? Copies while it runs; and no way back to an earlier day that
//! nobody notices.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_store::{StoreError, back_up, restore};

use super::{ConfigArgs, Failure, unusable};
use crate::out;
use crate::serve::store_options;

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// A folder that has no copy yet; made when it is missing.
    folder: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The folder with the copy. Its `keys.sqlite3` may be missing: then nothing that was sealed can be read any more,
    /// and every proof still holds.
    folder: PathBuf,
    /// Put it back although the published ledger was longer: the file with the published checkpoint is renamed, and
    /// shows what was lost.
    #[arg(long)]
    accept_loss: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn make(args: &BackupArgs) -> Result<(), Failure> {
    let config = args.config.read()?;
    let made = back_up(&config.state, &args.folder).map_err(|error| Failure::new(out::chain(&error)))?;
    out::line(format_args!("{}: {} entries of the ledger", made.store.display(), made.entries));
    out::line(format_args!(
        "{}: the keys of the content; keep these for weeks, not for years",
        made.keys.display()
    ));
    out::note(format_args!(
        "not copied: `{}` and `{}`; keep them elsewhere, once",
        config.ledger.key.display(),
        config.ledger.content_key.display()
    ));
    Ok(())
}

pub(super) fn put_back(args: &RestoreArgs) -> Result<(), Failure> {
    let config = args.config.read()?;
    let options = store_options(&config)?;
    let restored = match restore(&args.folder, &options) {
        Err(StoreError::RolledBack { checkpoint, .. }) if args.accept_loss => {
            set_aside(&checkpoint)?;
            restore(&args.folder, &options)
        }
        other => other,
    };
    let restored = restored.map_err(|error| match error {
        StoreError::RolledBack { why, checkpoint } => Failure::new(format!(
            "the ledger {why}\n    help: find a newer copy; or say `--accept-loss`, which keeps `{}` under another name",
            checkpoint.display()
        )),
        other => Failure::new(out::chain(&other)),
    })?;
    out::line(format_args!("{}: {} entries of the ledger", restored.store.display(), restored.entries));
    out::note(
        "sessions, agents and approvals are those of the copy: revoke again what was revoked since, and erase again \
               what was erased since",
    );
    Ok(())
}

/// Keeps the published checkpoint under a name that nothing has.
fn set_aside(checkpoint: &Path) -> Result<(), Failure> {
    let mut name = checkpoint.as_os_str().to_owned();
    name.push(".lost");
    let aside = PathBuf::from(name);
    if aside.exists() {
        return Err(Failure::new(format!(
            "`{}` is there from an earlier loss: move it away",
            aside.display()
        )));
    }
    std::fs::rename(checkpoint, &aside).map_err(|error| unusable(checkpoint, &error))?;
    out::note(format_args!("`{}` shows what was lost: keep it for your auditors", aside.display()));
    Ok(())
}
