//! How long does an auditor wait? A pack over a whole ledger, verified from its files.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use countersign_evidence::pack::{LOG, Pack, Wish};
use countersign_evidence::rights::Rights;
use countersign_evidence::{Framework, Period, check};
use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::leaf_hash;
use countersign_ledger::note::Sign as _;
use countersign_ledger::receipt::ReceiptEntry;
use countersign_ledger::tile::{Bundle, Tiles, encode_entries};
use tempfile::TempDir;

use crate::{Effort, Failure, growth, site};
use bench_figures::{Figure, Figures};

pub fn measure(effort: Effort, figures: &mut Figures) -> Result<(), Failure> {
    let folder = TempDir::new()?;
    write(folder.path(), effort.pack)?;
    let key = site::key()?;
    let began = Instant::now();
    let checked = check::check(folder.path(), &[key.key().clone()]).map_err(|failure| failure.to_string())?;
    let took = began.elapsed().as_secs_f64();
    figures.push(Figure {
        name: format!("verifying a pack of {} records", checked.records),
        value: took * 1e3,
        unit: "ms",
        peer: None,
        n: 1,
        spread: 0.0,
    });
    Ok(())
}

/// A pack of November whose log has so many entries.
fn write(folder: &Path, size: u64) -> Result<(), Failure> {
    let (mut tiles, mut leaves) = (Tiles::new(), HashMap::new());
    for index in 0..size {
        let leaf = growth::leaf(index, &format!("log-{index}"))?;
        tiles.push(leaf_hash(&leaf));
        leaves.insert(index, leaf);
    }
    for bundle in (0..).map_while(|index| Bundle::in_tree(index, size)) {
        let first = bundle.first_entry();
        let of = (first..first + u64::from(bundle.width())).filter_map(|index| leaves.get(&index));
        let path = folder.join(LOG).join(bundle.to_string());
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        fs::write(path, encode_entries(of.map(Vec::as_slice))?)?;
    }
    let key = site::key()?;
    let checkpoint = Checkpoint::new("bench.example/ledger", size, tiles.root())?.sign(&[&key])?.to_string();
    fs::write(folder.join(LOG).join("checkpoint"), &checkpoint)?;
    let wish = Wish {
        period: Period::parse("2026-11-01", "2026-11-30")?,
        framework: Framework::Soc2,
        shown: Vec::new(),
        payloads: false,
        sample: 0,
    };
    let mut pack = Pack::begin(folder, wish, &checkpoint)?;
    for index in 0..size {
        let leaf = leaves.remove(&index).ok_or("a leaf is missing")?;
        let leaf = String::from_utf8(leaf)?;
        let entry = ReceiptEntry {
            index,
            leaf,
            proof: Vec::new(),
            content: std::collections::BTreeMap::new(),
            payload: None,
        };
        pack.add(&entry)?;
    }
    pack.finish(&Rights::default(), &key, site::now())?;
    Ok(())
}
