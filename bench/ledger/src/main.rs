//! What does a ledger that anyone can check cost? The store with everything on — leaves, sealed content, tree, signed
//! checkpoints — against plain inserts of rows of the same size into SQLite, in one run, in turns; then proofs, growth,
//! and the verification of an evidence pack.

mod append;
mod growth;
mod pack;
mod plain;
mod site;

use std::error::Error;

use bench_figures::Figures;

/// The gateway's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any failure ends the run: a figure that could not be measured is not made up.
type Failure = Box<dyn Error + Send + Sync>;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Turns of each side; every figure's spread is over them.
    turns: usize,
    /// Entries of a turn, at most.
    entries: usize,
    /// Sizes of the ledgers whose costs are compared.
    sizes: [u64; 2],
    /// Proofs that are timed.
    proofs: usize,
    /// Entries of the pack that is verified.
    pack: u64,
}

impl Effort {
    const FULL: Self =
        Self { turns: 7, entries: 20_000, sizes: [1_000_000, 10_000_000], proofs: 5_000, pack: 1_000_000 };
    const QUICK: Self =
        Self { turns: 3, entries: 4_000, sizes: [20_000, 200_000], proofs: 1_000, pack: 20_000 };
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let effort = match std::env::args().nth(1).as_deref() {
        None => Effort::FULL,
        Some("--quick") => Effort::QUICK,
        Some(other) => return Err(format!("unknown option `{other}`; use bench/run").into()),
    };
    let mut figures = Figures::default();
    append::measure(effort, &mut figures).await?;
    growth::measure(effort, &mut figures).await?;
    pack::measure(effort, &mut figures)?;
    figures.print();
    Ok(())
}
