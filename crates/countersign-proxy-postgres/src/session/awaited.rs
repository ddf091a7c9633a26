//! What does the server still owe, in order? One entry for each message that was sent to it.

use std::collections::VecDeque;
use std::sync::Arc;

use countersign_core::{ActionId, Timestamp};
use countersign_gate::Forwarded;
use tokio::sync::oneshot;

use crate::names::{Change, Portal, Prepared};
use crate::session::RunMask;

/// An answer that is due.
#[derive(Debug)]
pub(crate) enum Awaited {
    /// `1`, `2` or `3`: a name is bound or free from then on.
    Change(Change),
    /// `T` or `n`, for a statement after `t`, which tells the types of the parameters of this one.
    Describe(Option<Arc<Prepared>>),
    /// Rows, then `C`, `s`, `I` or an error. `run` is its place among the unit's runs, and its flight once it was
    /// sent; `None` when its action was permitted before.
    Execute { run: Option<u64>, portal: Arc<Portal> },
    /// `T` or `n` about the portal that is executed next, for which only the gateway has asked.
    Description(Arc<Portal>),
    /// `Z`. Ends the unit, and settles every flight up to this number.
    Sync { upto: u64 },
    /// Everything up to `Z`, as for [`Awaited::Sync`].
    Query { upto: u64, portal: Option<Arc<Portal>> },
    /// An error that stands for ours; `in_query` says that `Z` follows without a `Sync`.
    Refusal { complaint: Vec<u8>, in_query: bool },
    /// Answers to a `BEGIN` of the gateway's own, up to `Z`.
    Opening,
    /// Answers to its `COMMIT` or `ROLLBACK`: the client gets `done` in their place, and `Z`. `undone` says that the
    /// statement did not remain, and why.
    Closing { done: Vec<u8>, undone: Option<String> },
    /// The client has ended its copied data here, before the server asked for any. Nothing is answered to it.
    CopyEnd,
    /// Answers to the gateway's own question, up to `Z`, that the client must not see.
    Own,
    /// The same to the question what is there as the open transaction sees it.
    Within,
}

impl Awaited {
    /// How the rows of this answer are masked.
    pub(crate) fn mask(&self) -> Option<&Arc<RunMask>> {
        match self {
            Self::Execute { portal, .. } | Self::Description(portal) => portal.mask(),
            Self::Query { portal, .. } => portal.as_ref()?.mask(),
            _ => None,
        }
    }
}

/// A permitted action on its way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) number: u64,
    pub(crate) started: Timestamp,
    pub(crate) tags: Vec<String>,
    pub(crate) rows: Option<u64>,
    pub(crate) failed: Option<String>,
    /// How its results are masked.
    pub(crate) masks: Vec<Arc<RunMask>>,
    pub(crate) done: Done,
}

/// Who hears of the outcome.
#[derive(Debug)]
pub(crate) enum Done {
    /// The gate's task, which waits for it.
    Gate(oneshot::Sender<Forwarded>),
    /// The record of an action that passed on a standing answer.
    Standing(ActionId),
}

/// The queue of what is due, and the actions that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    pub(crate) queue: VecDeque<Awaited>,
    pub(crate) flights: VecDeque<Flight>,
    last: u64,
}

impl Owed {
    /// Nothing is due and nothing on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.queue.is_empty()
    }

    /// The number of the last flight that left.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn depart(&mut self, started: Timestamp, masks: Vec<Arc<RunMask>>, done: Done) {
        self.last += 1;
        let number = self.last;
        let (tags, rows, failed) = (Vec::new(), None, None);
        self.flights.push_back(Flight { number, started, tags, rows, failed, masks, done });
    }

    /// The flight to which what the server says now belongs.
    pub(crate) fn current(&mut self) -> Option<&mut Flight> {
        let number = match self.queue.front()? {
            Awaited::Execute { run, .. } => (*run)?,
            Awaited::Query { upto, .. } => *upto,
            _ => return None,
        };
        let first = self.flights.front()?.number;
        self.flights.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// Whether another run of this flight is due.
    pub(crate) fn has_more_of(&self, flight: u64) -> bool {
        self.queue
            .iter()
            .any(|awaited| matches!(awaited, Awaited::Execute { run: Some(run), .. } if *run == flight))
    }

    /// The client has ended its copied data. Only what a server has not got to yet matters.
    pub(crate) fn end_copy(&mut self) {
        if !self.queue.is_empty() {
            self.queue.push_back(Awaited::CopyEnd);
        }
    }

    /// The server asks for copied data, and ignores every `Sync` up to its end. True when that has been sent already.
    pub(crate) fn begin_copy(&mut self) -> bool {
        let end = self.queue.iter().position(|awaited| matches!(awaited, Awaited::CopyEnd));
        let rest = self.queue.split_off(end.unwrap_or(self.queue.len()));
        self.queue.retain(|awaited| !matches!(awaited, Awaited::Sync { .. }));
        self.queue.extend(rest.into_iter().skip(1));
        end.is_some()
    }

    /// Forgets ends of data for which the server did not ask.
    pub(crate) fn drop_copy_ends(&mut self) {
        while matches!(self.queue.front(), Some(Awaited::CopyEnd)) {
            self.queue.pop_front();
        }
    }

    /// No definition that is due counts when SQL that is on its way makes or drops the name.
    pub(crate) fn blur(&mut self, name: Option<&str>) {
        for awaited in &mut self.queue {
            if let Awaited::Change(change) = awaited {
                change.blur(name);
            }
        }
    }

    /// Whether a name is defined by something that the server has not confirmed.
    pub(crate) fn in_flight(&self, touches: impl Fn(&Change) -> bool) -> bool {
        self.queue.iter().any(|awaited| matches!(awaited, Awaited::Change(change) if touches(change)))
    }
}
