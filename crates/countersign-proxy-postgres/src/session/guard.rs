//! Does an approved change touch what people saw? Its end is kept open until the server has told the number of rows;
//! above the margin it is undone, and has to be asked about again.
//!
//! A series of the extended protocol is not over before its `Sync`, so that is what is kept back. A simple query commits
//! by itself, so it is put between a `BEGIN` and a `COMMIT` that the client doesn't see. Inside a transaction block a
//! statement that fails undoes the block, as any error would.

use countersign_core::Preview;

use super::awaited::Awaited;
use super::replies::Fate;
use super::send::REFUSED;
use super::unit::{End, Unit};
use super::{Ended, Session};
use crate::codec::back::{Back, CommandTag};
use crate::codec::{TransactionStatus, front};
use crate::explain;

/// `Sync` is its header.
const SYNC_BYTES: usize = 5;

/// A change whose end is kept open.
#[derive(Debug)]
pub(crate) struct Guard {
    approved: u64,
    limit: u64,
    how: How,
    /// How the client is told that it is done, once it is.
    done: Vec<u8>,
    /// The rows that it touched, when those are too many or nobody knows.
    too_many: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By keeping back the `Sync`.
    Series,
    /// By failing afterwards, in the client's own block.
    InBlock,
    /// By a block of the gateway's own.
    OwnBlock,
}

impl Guard {
    /// The guard for this unit in a transaction with this status. `None` where people saw no number.
    pub(super) fn of(
        unit: &Unit,
        preview: Option<&Preview>,
        margin_percent: u8,
        status: TransactionStatus,
    ) -> Option<Self> {
        let approved = preview?.rows.exact()?;
        let how = match unit.end {
            End::Sync => How::Series,
            End::Query if status == TransactionStatus::Idle => How::OwnBlock,
            End::Query => How::InBlock,
            // Without an end there is nothing to keep open; `is_guardable` keeps these from coming here.
            End::Open | End::Terminate => return None,
        };
        let margin = approved.saturating_mul(u64::from(margin_percent)) / 100;
        let limit = approved.saturating_add(margin);
        Some(Self { approved, limit, how, done: Vec::new(), too_many: None })
    }

    /// Notes the number that the server told.
    fn weigh(&mut self, rows: Option<u64>) {
        self.too_many = match rows {
            Some(rows) if rows <= self.limit => None,
            Some(rows) => Some(rows.to_string()),
            None => Some("an unknown number of".to_owned()),
        };
    }

    fn complaint(&self) -> Vec<u8> {
        let touched = self.too_many.as_deref().unwrap_or("other");
        let mut bytes = Vec::new();
        explain::other_rows(touched, self.approved, self.limit).encode_error(&mut bytes);
        bytes
    }
}

impl Session {
    /// Sends a guarded unit so that its end stays open. Returns what is still to be sent of it, with what is owed for it.
    pub(super) fn open_ended(&mut self, unit: &mut Unit, guard: &Guard) -> Vec<u8> {
        let mut bytes = Vec::new();
        match guard.how {
            How::Series => {
                let end = unit.bytes.len().saturating_sub(SYNC_BYTES);
                bytes.extend_from_slice(unit.bytes.get(..end).unwrap_or_default());
                front::flush(&mut bytes);
                unit.owed.retain(|(_, awaited)| !matches!(awaited, Awaited::Sync { .. }));
            }
            How::InBlock => bytes.extend_from_slice(&unit.bytes),
            How::OwnBlock => {
                self.query(&mut bytes, "BEGIN");
                self.owed.queue.push_back(Awaited::Opening);
                bytes.extend_from_slice(&unit.bytes);
            }
        }
        bytes
    }

    fn query(&self, bytes: &mut Vec<u8>, text: &str) {
        if let Err(wrong) = front::query(bytes, text) {
            tracing::error!(error = &wrong as &dyn std::error::Error, "a query can't be written");
        }
    }

    /// The guarded statement says that it is done.
    pub(super) fn weigh(&mut self, tag: &CommandTag<'_>) -> Option<Fate> {
        let guard = self.guard.as_mut()?;
        guard.weigh(tag.rows());
        match (guard.how, guard.too_many.is_some()) {
            (How::Series, false) => {
                self.guard = None;
                self.send_sync();
                Some(Fate::Pass)
            }
            (How::Series, true) => {
                self.undo_series();
                Some(Fate::Hide)
            }
            (How::InBlock, false) => {
                self.guard = None;
                Some(Fate::Pass)
            }
            (How::InBlock, true) => Some(Fate::Hide),
            (How::OwnBlock, _) => {
                let mut done = Vec::new();
                if crate::codec::back::command_complete(&mut done, &tag.text).is_ok() {
                    guard.done = done;
                }
                Some(Fate::Hide)
            }
        }
    }

    /// The guarded statement stopped before its end: how many rows it touches can't be known.
    pub(super) fn suspended(&mut self) -> Option<Fate> {
        let guard = self.guard.as_mut().filter(|guard| guard.how == How::Series)?;
        guard.weigh(None);
        self.undo_series();
        Some(Fate::Hide)
    }

    fn undo_series(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        let mut bytes = Vec::new();
        if let Err(wrong) = front::parse(&mut bytes, REFUSED, REFUSED, &[]) {
            tracing::error!(error = &wrong as &dyn std::error::Error, "a refusal can't be written");
        }
        self.owed.queue.push_back(Awaited::Refusal { complaint: guard.complaint(), in_query: false });
        self.send_upkeep(&bytes);
        self.send_sync();
    }

    fn send_sync(&mut self) {
        let mut bytes = Vec::new();
        front::sync(&mut bytes);
        let upto = self.owed.last();
        self.owed.queue.push_back(Awaited::Sync { upto });
        self.send_upkeep(&bytes);
    }

    /// The guarded statement failed by itself. The server waits for the `Sync` that was kept back.
    pub(super) fn guarded_failed(&mut self) {
        if self.guard.as_ref().is_some_and(|guard| guard.how == How::Series) {
            self.guard = None;
            self.skipping = false;
            self.send_sync();
        }
    }

    /// The server is ready after a guarded simple query: it is ended now, one way or the other.
    pub(super) fn close_guarded(&mut self, status: TransactionStatus) -> Option<Fate> {
        let guard = self.guard.take()?;
        let mut bytes = Vec::new();
        match guard.how {
            How::Series => return None,
            How::InBlock => {
                // It failed by itself, or there is nothing to undo.
                guard.too_many.as_ref()?;
                self.query(&mut bytes, REFUSED);
                let complaint = guard.complaint();
                self.owed.queue.push_back(Awaited::Refusal { complaint, in_query: true });
            }
            How::OwnBlock => {
                let commits = status == TransactionStatus::Open && guard.too_many.is_none();
                let end = if commits { "COMMIT" } else { "ROLLBACK" };
                self.query(&mut bytes, end);
                let done = if guard.too_many.is_some() { guard.complaint() } else { guard.done };
                let undone = guard.too_many.map(|rows| format!("it touched {rows} rows and was undone"));
                self.owed.queue.push_back(Awaited::Closing { done, undone });
            }
        }
        self.send_upkeep(&bytes);
        Some(Fate::Hide)
    }

    /// Answers to the `BEGIN` that the client doesn't see.
    pub(super) fn opening_reply(&mut self, message: &Back<'_>) -> Result<Fate, Ended> {
        match message {
            Back::Ready(_) => {
                self.owed.queue.pop_front();
                Ok(Fate::Hide)
            }
            Back::Error(fault) => {
                Err(Ended::Confused(format!("it began no transaction: {}", fault.message())))
            }
            _ => Ok(Fate::Hide),
        }
    }

    /// Answers to the `COMMIT` or `ROLLBACK` that the client doesn't see.
    pub(super) fn closing_reply(&mut self, message: &Back<'_>) -> Result<Fate, Ended> {
        let Some(Awaited::Closing { done, undone }) = self.owed.queue.front_mut() else {
            return Ok(Fate::Pass);
        };
        match message {
            Back::CommandComplete(_) => {
                let (done, undone) = (std::mem::take(done), undone.take());
                if let Some(undone) = undone {
                    self.fail_flights(self.owed.last(), &undone);
                }
                Ok(Fate::Instead(done))
            }
            Back::Error(fault) => {
                let why = fault.message().into_owned();
                self.fail_flights(self.owed.last(), &why);
                Ok(Fate::Pass)
            }
            Back::Ready(status) => {
                self.owed.queue.pop_front();
                self.settle(self.owed.last());
                self.status_is(*status);
                Ok(Fate::Pass)
            }
            _ => Ok(Fate::Pass),
        }
    }
}
