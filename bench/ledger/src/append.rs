//! How many entries a second, with 1, 64 and 1,024 writers? Each waits until its own is down before it writes the next.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use countersign_store::{ExportTerms, Store, Wanted};
use tempfile::TempDir;

use crate::plain::Plain;
use crate::{Effort, Failure, site};
use bench_figures::{Figure, Figures, Samples};

pub async fn measure(effort: Effort, figures: &mut Figures) -> Result<(), Failure> {
    for writers in [1, 64, 1024] {
        let (folder, plain_folder) = (TempDir::new()?, TempDir::new()?);
        let store = site::open(folder.path())?;
        Side::Store(store.clone()).append().await?;
        let plain = Arc::new(Plain::open(plain_folder.path(), sizes(folder.path())?)?);
        let each = (effort.entries / writers).clamp(4, 2_000);
        let (mut ours, mut theirs, mut ratios) = (Turns::default(), Turns::default(), Samples::default());
        for turn in 0..effort.turns {
            let rates = if turn % 2 == 0 {
                let rate = ours.take(&Side::Store(store.clone()), writers, each).await?;
                (rate, theirs.take(&Side::Plain(plain.clone()), writers, each).await?)
            } else {
                let peer = theirs.take(&Side::Plain(plain.clone()), writers, each).await?;
                (ours.take(&Side::Store(store.clone()), writers, each).await?, peer)
            };
            ratios.push(rates.0 / rates.1);
        }
        let name = |what: &str| format!("append, {writers} writers: {what}");
        figures.push(Figure {
            name: name("entries"),
            value: ours.rates.median(),
            unit: "1/s",
            peer: Some(ours.rates.median() / ratios.median()),
            n: ours.rates.len(),
            spread: ratios.spread(),
        });
        for (what, share) in [("p50", 0.5), ("p99", 0.99)] {
            figures.push(Figure {
                name: name(what),
                value: ours.waits.quantile(share),
                unit: "us",
                peer: Some(theirs.waits.quantile(share)),
                n: ours.waits.len(),
                spread: ours.waits.spread(),
            });
        }
        let entries = effort.turns * writers * each;
        drop((store, plain));
        let size = |folder: &TempDir| Ok::<_, Failure>(ratio(site::bytes(folder.path())?, entries));
        figures.push(Figure {
            name: name("disk for each entry"),
            value: size(&folder)?,
            unit: "bytes",
            peer: Some(size(&plain_folder)?),
            n: entries,
            spread: 0.0,
        });
    }
    Ok(())
}

/// How many bytes the entry and its content have that was appended.
fn sizes(folder: &Path) -> Result<(usize, usize), Failure> {
    let connection = rusqlite::Connection::open(folder.join(Store::FILE))?;
    let sql = "SELECT length(leaf), length(body) FROM entries JOIN contents USING (idx)";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (leaf, content) = connection.query_row(sql, [], read)?;
    Ok((usize::try_from(leaf)?, usize::try_from(content)?))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn ratio(bytes: u64, entries: usize) -> f64 {
    bytes as f64 / entries as f64
}

/// Who writes.
#[derive(Clone)]
pub enum Side {
    Store(Store),
    Plain(Arc<Plain>),
}

impl Side {
    async fn append(&self) -> Result<(), Failure> {
        match self {
            Self::Plain(plain) => plain.append().await,
            Self::Store(store) => {
                Ok(store.record_export(terms(), Wanted::between(0, 1), 1, site::now()).await?)
            }
        }
    }
}

/// An entry with six values of content.
fn terms() -> ExportTerms {
    let text = |text: &str| text.to_owned();
    ExportTerms {
        format: text("json"),
        target: text("file /var/log/audit.ndjson"),
        shown: text("name,reason"),
    }
}

#[derive(Default)]
pub struct Turns {
    pub rates: Samples,
    pub waits: Samples,
}

impl Turns {
    /// One turn; gives its rate.
    pub async fn take(&mut self, side: &Side, writers: usize, each: usize) -> Result<f64, Failure> {
        let began = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|_| {
                let side = side.clone();
                tokio::spawn(async move {
                    let mut waits = Samples::default();
                    for _ in 0..each {
                        let began = Instant::now();
                        side.append().await?;
                        waits.push(began.elapsed().as_secs_f64() * 1e6);
                    }
                    Ok::<_, Failure>(waits)
                })
            })
            .collect();
        for task in tasks {
            self.waits.append(&task.await??);
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = (writers * each) as f64 / began.elapsed().as_secs_f64();
        self.rates.push(rate);
        Ok(rate)
    }
}
