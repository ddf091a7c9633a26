//! What if policy files change while the gateway runs? A good bundle comes into force at once, a bad one is reported
//! and the old one stays.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_gate::{Clock as _, SystemClock};
use countersign_policy::{Live, Source};
use countersign_store::Store;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::serve::ServeError;

/// Editors write a file in several steps; wait until they are done.
const SETTLE: Duration = Duration::from_millis(150);

/// Watches for as long as it lives.
#[derive(Debug)]
pub(crate) struct Watch(#[expect(dead_code, reason = "held, not read")] RecommendedWatcher);

/// Watches the folders of the policy files: editors replace files, so a watch on a file would lose it.
pub(crate) fn start(config: &Config, policy: Arc<Live>, store: Store) -> Result<Watch, ServeError> {
    let (changed, mut changes) = mpsc::channel::<()>(1);
    let files = config.policy_files.clone();
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name().map(ToOwned::to_owned)).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let ours = event.is_ok_and(|event| {
            event
                .paths
                .iter()
                .filter_map(|path| path.file_name())
                .any(|name| names.iter().any(|ours| ours == name))
        });
        if ours {
            // A change that is already waiting will be seen with this one.
            let _full = changed.try_send(());
        }
    })
    .map_err(ServeError::Watch)?;
    for file in &files {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), ToOwned::to_owned);
        watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(ServeError::Watch)?;
    }
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            tokio::time::sleep(SETTLE).await;
            reload(&files, &policy, &store).await;
        }
    });
    Ok(Watch(watcher))
}

/// Reads the files and puts them in force, recorded, or says what is wrong with them.
async fn reload(files: &[PathBuf], policy: &Live, store: &Store) {
    let mut sources = Vec::new();
    for file in files {
        match tokio::fs::read_to_string(file).await {
            Ok(text) => sources.push(Source { path: file.display().to_string(), text }),
            Err(error) => {
                tracing::error!(%error, file = %file.display(), "policy not changed: a file can't be read");
                return;
            }
        }
    }
    match policy.replace(&sources) {
        Ok(change) if change.is_none() => {}
        Ok(change) => {
            tracing::info!(
                bundle = %change.to, added = ?change.added, removed = ?change.removed, changed = ?change.changed,
                "a new policy is in force"
            );
            if let Err(error) = store.policy_changed(change.to, SystemClock.now()).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the policy change was not recorded"
                );
            }
        }
        Err(findings) => {
            for finding in findings {
                tracing::error!("policy not changed: {finding}");
            }
        }
    }
}
