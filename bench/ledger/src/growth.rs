//! Does it get slower as it grows? Two ledgers, one ten times the other, of entries of actions; the same is measured on
//! both, in turns: appending, and proofs of entries from anywhere in it.

use std::path::Path;
use std::time::Instant;

use countersign_core::ActionId;
use countersign_ledger::{Actor, ActorKind, Kind, Place, Record, leaf_hash};
use countersign_store::Store;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::append::{Side, Turns};
use crate::{Effort, Failure, site};
use bench_figures::{Figure, Figures, Samples};

pub async fn measure(effort: Effort, figures: &mut Figures) -> Result<(), Failure> {
    let [small, large] = effort.sizes;
    let (small, large) = (Grown::new(small)?, Grown::new(large)?);
    let (mut slow, mut fast, mut ratios) = (Turns::default(), Turns::default(), Samples::default());
    let (writers, each) = (64, (effort.entries / 64).max(4));
    for _ in 0..effort.turns {
        let rate = fast.take(&Side::Store(small.store.clone()), writers, each).await?;
        ratios.push(slow.take(&Side::Store(large.store.clone()), writers, each).await? / rate);
    }
    figures.push(Figure {
        name: format!("append at {} entries, beside {}", large.size, small.size),
        value: slow.rates.median(),
        unit: "1/s",
        peer: Some(slow.rates.median() / ratios.median()),
        n: slow.rates.len(),
        spread: ratios.spread(),
    });
    let (in_small, in_large) = (small.proofs(effort.proofs).await?, large.proofs(effort.proofs).await?);
    for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
        figures.push(Figure {
            name: format!("proof at {} entries, beside {}: {what}", large.size, small.size),
            value: in_large.quantile(share),
            unit: "us",
            peer: Some(in_small.quantile(share)),
            n: in_large.len(),
            spread: in_large.spread(),
        });
    }
    Ok(())
}

struct Grown {
    store: Store,
    size: u64,
    _folder: TempDir,
}

impl Grown {
    /// A ledger of so many entries. They are written past the store, which then builds the tree over them itself.
    fn new(size: u64) -> Result<Self, Failure> {
        let folder = TempDir::new()?;
        drop(site::open(folder.path())?);
        fill(&folder.path().join(Store::FILE), size)?;
        let store = site::open(folder.path())?;
        Ok(Self { store, size, _folder: folder })
    }

    /// How long the receipts of actions from anywhere in the ledger take.
    async fn proofs(&self, count: usize) -> Result<Samples, Failure> {
        let mut times = Samples::default();
        for at in 0..count {
            let at = u64::try_from(at)?;
            // A stride that has nothing in common with the tree's.
            let action: ActionId = action((at * 7_919_993) % self.size).parse().map_err(|_cause| "no id")?;
            let began = Instant::now();
            let receipt = self.store.receipt(action).await?;
            times.push(began.elapsed().as_secs_f64() * 1e6);
            if receipt.is_none_or(|receipt| receipt.entries.is_empty()) {
                return Err("an action has no receipt".into());
            }
        }
        Ok(times)
    }
}

fn action(number: u64) -> String {
    format!("act_{number:032x}")
}

fn fill(file: &Path, size: u64) -> Result<(), Failure> {
    let connection = Connection::open(file)?;
    connection.execute_batch("PRAGMA synchronous = OFF; BEGIN")?;
    let sql =
        "INSERT INTO entries (idx, kind, time, case_id, leaf, leaf_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    for index in 0..size {
        let case = action(index);
        let leaf = leaf(index, &case)?;
        let time = i64::try_from(index)?;
        connection.prepare_cached(sql)?.execute(params![
            time,
            "action.requested",
            time,
            case,
            leaf,
            leaf_hash(&leaf).as_slice()
        ])?;
    }
    let size = i64::try_from(size)?;
    connection.execute("UPDATE log_state SET size = ?1, nseq = ?1, root = NULL", [size])?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// A small leaf.
pub fn leaf(index: u64, case: &str) -> Result<Vec<u8>, Failure> {
    let actor = Actor { kind: ActorKind::System, id: "gateway".to_owned() };
    let id = format!("018f0000-0000-7000-8000-{index:012x}");
    let time = format!("2026-11-{:02}T00:00:{:02}.{:06}Z", index % 28 + 1, index % 60, index % 1_000_000);
    let record = Record::new(Kind::LogHeartbeat, id, time, case.to_owned(), actor);
    let place = Place { tenant: "default", node: "n1", nseq: index + 1, prev: None };
    Ok(record.encode(place, &mut |bytes| bytes.fill(0))?.leaf)
}
