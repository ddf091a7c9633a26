//! What if policy files change while the gateway runs? A good bundle comes into force at once, a bad one is reported
//! and the old one stays.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_gate::{Clock as _, SystemClock};
use countersign_policy::{Live, Source};
use countersign_store::Store;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::serve::{ServeError, judged};

/// Nothing may move for this long before files are read, and again between two readings that must agree.
const QUIET: Duration = Duration::from_millis(400);
/// Readings before giving up on files that never come to rest.
const READINGS_MAX: u32 = 50;

/// Watches for as long as it lives.
#[derive(Debug)]
pub(crate) struct Watch(#[expect(dead_code, reason = "held, not read")] RecommendedWatcher);

/// Watches the folders of the policy files: editors replace files, so a watch on a file would lose it.
pub(crate) fn start(config: &Config, policy: Arc<Live>, store: Store) -> Result<Watch, ServeError> {
    let (changed, mut changes) = mpsc::channel::<()>(1);
    let files = config.policy_files.clone();
    let witnesses = config.ledger.witnesses.len();
    // Any event of the folder counts: a mounted volume changes by swapping a link of another name.
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        match event {
            // Our own reading is an event as well; only what may have changed something counts.
            Ok(event) if event.kind.is_access() && !is_end_of_writing(event.kind) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "policy files are not watched properly; restart the gateway after changes");
            }
        }
        // A change that is already waiting will be seen with this one.
        let _full = changed.try_send(());
    })
    .map_err(ServeError::Watch)?;
    for file in &files {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.map_or_else(|| PathBuf::from("."), ToOwned::to_owned);
        watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(ServeError::Watch)?;
    }
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            // A file that is being written must not come into force by halves: wait until nothing moves.
            while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
            reload(&files, witnesses, &policy, &store).await;
        }
    });
    Ok(Watch(watcher))
}

fn is_end_of_writing(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(AccessKind::Close(AccessMode::Write)))
}

/// Reads the files until two readings agree, and puts them in force, recorded, or says what is wrong with them.
async fn reload(files: &[PathBuf], witnesses: usize, policy: &Live, store: &Store) {
    let Some(texts) = settled(|| read(files)).await else { return };
    let name = |(file, text): (&PathBuf, String)| Source { path: file.display().to_string(), text };
    let sources: Vec<Source> = files.iter().zip(texts).map(name).collect();
    let loaded = match judged(&sources, witnesses) {
        Ok(bundle) => bundle.hash(),
        Err(findings) => {
            for finding in findings {
                tracing::error!("policy not changed: {finding}");
            }
            return;
        }
    };
    if loaded == policy.current().hash() {
        return;
    }
    // Recorded first: a policy that can't be recorded does not come into force.
    if let Err(error) = store.policy_changed(loaded, kept_texts(&sources), SystemClock.now()).await {
        tracing::error!(error = &error as &dyn std::error::Error, "policy not changed: it can't be recorded");
        return;
    }
    match policy.replace(&sources) {
        Ok(change) => tracing::warn!(
            bundle = %change.to, added = ?change.added, removed = ?change.removed, changed = ?change.changed,
            "a new policy is in force"
        ),
        Err(findings) => tracing::error!(?findings, "policy not changed"),
    }
}

/// Each text with the path of its file, as they are kept.
pub(crate) fn kept_texts(sources: &[Source]) -> Vec<(String, String)> {
    sources.iter().map(|source| (source.path.clone(), source.text.clone())).collect()
}

/// The files' texts once two readings, apart in time, are the same.
async fn settled<R>(mut read: impl FnMut() -> R) -> Option<Vec<String>>
where
    R: Future<Output = std::io::Result<Vec<String>>>,
{
    let mut before = read().await;
    for _ in 0..READINGS_MAX {
        tokio::time::sleep(QUIET).await;
        let now = read().await;
        match (before, now) {
            (Ok(before), Ok(now)) if before == now => return Some(now),
            (_, now) => before = now,
        }
    }
    match before {
        Ok(_) => tracing::error!("policy not changed: the files keep changing"),
        Err(error) => tracing::error!(%error, "policy not changed: a file can't be read"),
    }
    None
}

async fn read(files: &[PathBuf]) -> std::io::Result<Vec<String>> {
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        texts.push(tokio::fs::read_to_string(file).await?);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader finds, reading after reading.
    fn readings(texts: &[&str]) -> impl FnMut() -> std::future::Ready<std::io::Result<Vec<String>>> {
        let mut texts: Vec<String> = texts.iter().rev().map(|text| (*text).to_owned()).collect();
        move || {
            std::future::ready(texts.pop().map(|text| vec![text]).ok_or(std::io::ErrorKind::NotFound.into()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_being_written_is_not_taken_by_halves() {
        let found = settled(readings(&["permit", "permit forbid", "permit forbid"])).await;
        assert_eq!(found, Some(vec!["permit forbid".to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_gone_for_good_changes_nothing() {
        assert_eq!(settled(readings(&["permit"])).await, None);
    }
}
