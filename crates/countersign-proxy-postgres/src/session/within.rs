//! What is in the database as the open transaction sees it? What it has made or changed nobody else can see, so the
//! catalog is read on the client's own connection, between two of its units and unseen by it.
//!
//! Only under READ COMMITTED: a transaction with one snapshot reads its catalog as of that snapshot, while the server
//! looks names up as of now. There, and where reading fails, everything stays unknown until the transaction ends.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::Timestamp;
use countersign_sql::{CATALOG_QUERY, Catalog};

use super::awaited::Awaited;
use super::replies::Fate;
use super::{Ended, Session};
use crate::codec::TransactionStatus;
use crate::codec::back::Back;
use crate::codec::frame::{Rule, Rules};

/// A larger catalog is not read in a transaction. Bytes.
const CATALOG_MAX: usize = 16 << 20;
/// Others change the database as well.
const RENEW_AFTER: Duration = Duration::from_secs(30);

/// What it leaves is gone when it has been read: the path, the time-outs, the locks. Locks of others are not waited for:
/// who waits for this transaction may hold them.
const BEFORE: [&str; 4] = [
    "SAVEPOINT \"countersign: what is there\"",
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL statement_timeout = '30s'",
    "SET LOCAL lock_timeout = '300ms'",
];
const AFTER: [&str; 2] =
    ["ROLLBACK TO \"countersign: what is there\"", "RELEASE \"countersign: what is there\""];

/// What is known about the open transaction's own catalog.
#[derive(Debug, Default)]
pub(super) enum Within {
    /// Nothing, or no more what it is now.
    #[default]
    Unknown,
    /// It is being read.
    Asked,
    /// It is being read; this has come.
    Read(Option<Arc<Catalog>>),
    /// The server failed meanwhile, and is brought back to where it was.
    Failing,
    Known(Arc<Catalog>, Timestamp),
    /// It can't be read. Not tried again in this transaction before something changes.
    Unreadable,
}

impl Within {
    pub(super) fn catalog(&self) -> Option<&Arc<Catalog>> {
        match self {
            Self::Known(catalog, _) => Some(catalog),
            _ => None,
        }
    }

    fn is_wanted(&self, now: Timestamp) -> bool {
        match self {
            Self::Unknown => true,
            Self::Known(_, at) => now >= at.plus(RENEW_AFTER),
            Self::Asked | Self::Read(_) | Self::Failing | Self::Unreadable => false,
        }
    }
}

impl Session {
    /// Reads the catalog in the open transaction when that has changed it. True while that is under way.
    pub(super) fn looks_within(&mut self) -> bool {
        let possible = self.meaning.is_changed()
            && self.meaning.sees_the_latest()
            && self.status == TransactionStatus::Open
            && self.owed.is_quiet()
            && !self.in_series;
        if !possible || !self.meaning.within.is_wanted(self.served.now()) {
            return false;
        }
        self.meaning.within = Within::Asked;
        self.meaning.begin_asking();
        let limit = CATALOG_MAX + 1024;
        self.server.input.rules = Arc::new(Rules::server().with(b"D", Rule::Whole { limit }));
        let question = format!(
            "SELECT CASE WHEN pg_catalog.octet_length(t.c) OPERATOR(pg_catalog.<=) {CATALOG_MAX} THEN t.c END \
             FROM ({CATALOG_QUERY}) AS t (c)"
        );
        let texts: Vec<&str> = BEFORE.into_iter().chain([question.as_str()]).chain(AFTER).collect();
        self.send_own(&texts, Awaited::Within);
        true
    }

    /// The server's answers to that. The client sees none of it.
    pub(super) fn within_reply(&mut self, message: &Back<'_>) -> Result<Fate, Ended> {
        match message {
            Back::DataRow(row) => {
                let text = row.cells().next().flatten().and_then(|cell| std::str::from_utf8(cell).ok());
                let catalog = text.and_then(|text| Catalog::from_json(text).ok());
                self.meaning.within = Within::Read(catalog.map(Arc::new));
            }
            Back::Error(fault) => {
                if matches!(self.meaning.within, Within::Failing) {
                    return Err(Ended::Confused(format!("it can't go back: {}", fault.message())));
                }
                tracing::warn!(why = %fault.message(), "the catalog can't be read in a transaction");
                self.meaning.within = Within::Failing;
            }
            Back::Ready(status) => {
                self.owed.queue.pop_front();
                self.status = *status;
                match (std::mem::take(&mut self.meaning.within), *status) {
                    // The savepoint is there: it is the first thing that was done.
                    (Within::Failing, TransactionStatus::Failed) => {
                        self.meaning.within = Within::Failing;
                        self.send_own(&AFTER, Awaited::Within);
                        return Ok(Fate::Hide);
                    }
                    (Within::Read(Some(catalog)), TransactionStatus::Open) => {
                        // What has not changed is read no second time.
                        let known = &self.reader.facts().catalog;
                        let same = known.digest() == catalog.digest();
                        let catalog = if same { Arc::clone(known) } else { catalog };
                        self.meaning.within = Within::Known(catalog, self.served.now());
                    }
                    _ => self.meaning.within = Within::Unreadable,
                }
                self.server.input.rules = Arc::new(Rules::server());
                self.meaning.end_asking();
            }
            _ => {}
        }
        Ok(Fate::Hide)
    }
}
