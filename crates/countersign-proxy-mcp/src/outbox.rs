//! Which messages wait for the agent's listening stream? A bounded number, kept for a stream that broke.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::codec::event;
use crate::queue;

const KEPT_MAX: usize = 256;
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Messages to the agent that answer no request, numbered.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: u64,
    bytes: usize,
    kept: VecDeque<Kept>,
    stream: Option<queue::Sender<String>>,
    closed: bool,
}

#[derive(Debug)]
struct Kept {
    number: u64,
    event: String,
    delivered: bool,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message on the open stream, or keeps it for the next one.
    pub(crate) fn push(&self, message: &str) {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        let event = event(Some(number), message);
        let delivered = state.stream.as_ref().is_some_and(|stream| stream.try_send(event.clone()).is_ok());
        if !delivered {
            state.stream = None;
        }
        state.bytes += event.len();
        state.kept.push_back(Kept { number, event, delivered });
        while state.kept.len() > KEPT_MAX || state.bytes > KEPT_BYTES_MAX {
            let Some(dropped) = state.kept.pop_front() else { break };
            state.bytes -= dropped.event.len();
        }
    }

    /// Opens the stream; the one before ends. With the number of the last event seen, everything after it comes
    /// again; without, everything that never went out.
    pub(crate) fn open(&self, after: Option<u64>) -> queue::Receiver<String> {
        let (stream, events) = queue::channel(KEPT_MAX * 2);
        let mut state = self.state();
        for kept in &mut state.kept {
            let wanted = after.map_or(!kept.delivered, |after| kept.number > after);
            if wanted {
                kept.delivered = stream.try_send(kept.event.clone()).is_ok();
            }
        }
        state.stream = (!state.closed).then_some(stream);
        events
    }

    /// Ends the stream for good.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.stream = None;
    }
}

#[cfg(test)]
mod tests;
