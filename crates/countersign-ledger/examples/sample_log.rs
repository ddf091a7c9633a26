//! How does a log look from outside? Writes one of N entries into a folder, laid out as the C2SP specification
//! tlog-tiles has it, for verifiers that others wrote: `sample_log FOLDER N`.
//!
//! Beside `checkpoint` and `tile/…` it writes `checkpoint.older`, of half the size, and `vkey`. Two runs write the same
//! bytes: the key and the salts are fixed, so this log proves nothing to anybody.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use countersign_ledger::checkpoint::Checkpoint;
use countersign_ledger::note::{Algorithm, Sign as _, SigningKey};
use countersign_ledger::tile::{Bundle, TILE_WIDTH, Tiles, encode_entries};
use countersign_ledger::{Actor, ActorKind, Content, Kind, Place, Record, leaf_hash};

const ORIGIN: &str = "sample.example/log";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(size)) = (arguments.next(), arguments.next()) else {
        return Err("usage: sample_log FOLDER N".into());
    };
    let (folder, size): (PathBuf, u64) = (folder.into(), size.parse()?);
    let key = SigningKey::generate(ORIGIN, Algorithm::Ed25519, &[42; 32])?;
    write(&folder, "vkey", format!("{}\n", key.key()).as_bytes())?;

    let (mut tiles, mut open, mut prev) = (Tiles::new(), Vec::new(), None);
    for index in 0..size {
        if index == size / 2 {
            publish(&folder, "checkpoint.older", (&tiles, &open), &key)?;
        }
        let leaf = leaf(index, prev.as_ref())?;
        prev = Some(leaf_hash(&leaf));
        for full in tiles.push(leaf_hash(&leaf)) {
            write(&folder, &full.tile.to_string(), &full.bytes)?;
        }
        open.push(leaf);
        if open.len() == usize::from(TILE_WIDTH) {
            bundle(&folder, index / u64::from(TILE_WIDTH), &open)?;
            open.clear();
        }
    }
    publish(&folder, "checkpoint", (&tiles, &open), &key)
}

/// The partial tiles and the partial bundle of this size, then the checkpoint that they belong to.
fn publish(
    folder: &Path,
    name: &str,
    (tiles, open): (&Tiles, &[Vec<u8>]),
    key: &SigningKey,
) -> Result<(), Box<dyn Error>> {
    for (tile, bytes) in tiles.partials() {
        write(folder, &tile.to_string(), bytes)?;
    }
    if !open.is_empty() {
        bundle(folder, tiles.size() / u64::from(TILE_WIDTH), open)?;
    }
    let checkpoint = Checkpoint::new(ORIGIN, tiles.size(), tiles.root())?;
    write(folder, name, checkpoint.sign(&[key])?.to_string().as_bytes())
}

fn bundle(folder: &Path, index: u64, entries: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
    let bundle = Bundle::new(index, u16::try_from(entries.len())?)?;
    write(folder, &bundle.to_string(), &encode_entries(entries.iter().map(Vec::as_slice))?)
}

/// A leaf as the gateway writes it, in one case with all others.
fn leaf(index: u64, prev: Option<&[u8; 32]>) -> Result<Vec<u8>, Box<dyn Error>> {
    let id = format!("018f0000-0000-7000-8000-{index:012x}");
    let time = "2026-11-22T05:03:14.123456Z".to_owned();
    let actor = Actor { kind: ActorKind::System, id: "gateway".to_owned() };
    let mut record = Record::new(Kind::PolicyChanged, id, time, "policy".to_owned(), actor);
    record.content = vec![Content::new("bundle", format!("bundle {index}"))];
    let place = Place { tenant: "default", node: "n1", nseq: index + 1, prev };
    Ok(record.encode(place, &mut |salt| salt.fill(7))?.leaf)
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().ok_or("no folder")?)?;
    Ok(fs::write(path, bytes)?)
}
