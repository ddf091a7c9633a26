//! What can be handed out of the ledger as a whole? Its key, and the log itself in the form that others' mirrors and
//! verifiers read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use countersign_core::Entropy as _;
use countersign_gate::{Clock as _, SystemClock};
use countersign_ledger::note::{Algorithm, Sign as _, SigningKey};
use countersign_ledger::tile::{Bundle, LEVEL_MAX, Tile, encode_entries};
use countersign_store::{Signed, Store};

use super::{ConfigArgs, Failure, unusable};
use crate::config::Config;
use crate::kept::{earlier_log_key, earlier_log_key_place, log_key, replace_log_key};
use crate::out;
use crate::serve::Base;
use crate::system::{FolderLock, SystemEntropy};

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Print the verifier key of the ledger: give it to those who will check receipts, before they need it.
    Key(ConfigArgs),
    /// Replace the key that signs the ledger, while the gateway is stopped. That is an entry, under the key that goes; it
    /// signs along until its file, which ends in `.earlier`, is removed. Prints the new verifier key.
    RotateKey(ConfigArgs),
    /// Write the log into a folder as C2SP tlog-tiles: `checkpoint`, `tile/…` and `tile/entries/…`, for mirrors and
    /// for verifiers that others wrote. Called again, it adds what is new. It holds no personal data.
    Tiles {
        /// The folder.
        folder: PathBuf,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// List the exports that have ever begun here: how far each has come, and how many entries it is behind.
    Exports(ConfigArgs),
}

pub(super) async fn run(command: LedgerCommand) -> Result<(), Failure> {
    match command {
        LedgerCommand::Key(config) => {
            let ledger = config.read()?.ledger;
            let key = log_key(&ledger.key, &ledger.origin, &SystemEntropy);
            out::line(key.map_err(|error| unusable(&ledger.key, &error))?.key());
            Ok(())
        }
        LedgerCommand::RotateKey(config) => rotate_key(&config.read()?).await,
        LedgerCommand::Tiles { folder, config } => tiles(&Base::open(&config.read()?)?.store, &folder).await,
        LedgerCommand::Exports(config) => exports(&Base::open(&config.read()?)?.store).await,
    }
}

async fn rotate_key(config: &Config) -> Result<(), Failure> {
    let (place, unusable) = (&config.ledger.key, |error| unusable(&config.ledger.key, &error));
    let lock = FolderLock::take(&config.state).map_err(|error| super::unusable(&config.state, &error))?;
    let _lock = lock.ok_or_else(|| Failure::new("a gateway is running on this state; stop it first"))?;
    if let Some(earlier) = earlier_log_key(place).map_err(unusable)? {
        return Err(Failure::new(format!(
            "`{}` still signs along\n    help: remove `{}` once every verifier has the key that `countersign ledger key` prints",
            earlier.key(),
            earlier_log_key_place(place).display()
        )));
    }
    let earlier = log_key(place, &config.ledger.origin, &SystemEntropy).map_err(unusable)?;
    let mut random = [0; 32];
    SystemEntropy.fill(&mut random);
    let key = SigningKey::generate(earlier.key().name(), Algorithm::Ed25519, &random);
    let key = key.map_err(|error| Failure::new(out::chain(&error)))?;
    let now = SystemClock.now();
    let store = Base::open(config)?.store;
    store.key_rotated(earlier.key().to_string(), key.key().to_string(), now).await?;
    store.publish(now).await?;
    drop(store);
    replace_log_key(place, &key).map_err(unusable)?;
    // The first entry that both have signed.
    let store = Base::open(config)?.store;
    store.heartbeat(now).await?;
    store.publish(now).await?;
    out::line(key.key());
    out::note(format_args!(
        "give this key to everybody who checks the ledger, then remove `{}`; receipts from before need the key that \
         they were made with",
        earlier_log_key_place(place).display()
    ));
    Ok(())
}

async fn tiles(store: &Store, folder: &Path) -> Result<(), Failure> {
    let signed = write_tiles(store, folder).await?;
    out::line(format_args!("{} entries in `{}`", signed.size, folder.display()));
    Ok(())
}

/// Writes the log as tlog-tiles; gives the checkpoint under which it stands.
pub(super) async fn write_tiles(store: &Store, folder: &Path) -> Result<Arc<Signed>, Failure> {
    let refused = |error: countersign_store::StoreError| Failure::new(out::chain(&error));
    let signed = store.sign_all().await.map_err(refused)?;
    let published = store.publish(SystemClock.now()).await.map_err(refused)?;
    let missing = |place: String| Failure::new(format!("the ledger has no `{place}`"));
    for bundle in (0..).map_while(|index| Bundle::in_tree(index, signed.size)) {
        if bundle.is_full() && folder.join(bundle.to_string()).exists() {
            continue;
        }
        let leaves = store.bundle(bundle).map_err(refused)?.ok_or_else(|| missing(bundle.to_string()))?;
        let bytes = encode_entries(leaves.iter().map(Vec::as_slice));
        write(folder, &bundle.to_string(), &bytes.map_err(|error| Failure::new(out::chain(&error)))?)?;
    }
    for level in 0..=LEVEL_MAX {
        for tile in (0..).map_while(|index| Tile::in_tree(level, index, signed.size)) {
            if tile.is_full() && folder.join(tile.to_string()).exists() {
                continue;
            }
            let bytes = store.tile(tile).map_err(refused)?.ok_or_else(|| missing(tile.to_string()))?;
            write(folder, &tile.to_string(), &bytes)?;
        }
    }
    // Last, so that it never promises what is not there.
    // Published, it may have cosignatures by now.
    let checkpoint = published.filter(|published| published.starts_with(&signed.note));
    write(folder, "checkpoint", checkpoint.as_ref().unwrap_or(&signed.note).as_bytes())?;
    Ok(signed)
}

async fn exports(store: &Store) -> Result<(), Failure> {
    let refused = |error: countersign_store::StoreError| Failure::new(out::chain(&error));
    let size = store.sign_all().await.map_err(refused)?.size;
    let row = |export: countersign_store::StoredExport| {
        let behind = size.saturating_sub(export.next);
        vec![export.name, export.next.to_string(), behind.to_string(), export.began_at.to_string()]
    };
    let rows: Vec<Vec<String>> = store.exports().map_err(refused)?.into_iter().map(row).collect();
    out::table(&["export", "next entry", "behind", "began"], &rows);
    Ok(())
}

fn write(folder: &Path, place: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(place);
    let parent = path.parent().unwrap_or(folder);
    let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes));
    written.map_err(|error| unusable(&path, &error))
}
