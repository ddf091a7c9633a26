//! What does the server answer, and who gets to see it? Bytes pass as they come; what is looked at is where each
//! answer ends, what it confirms and how it ended.

use bytes::Bytes;
use countersign_core::{Outcome, Status};
use countersign_gate::Forwarded;

use super::awaited::{Awaited, Done, Flight};
use super::io::Found;
use super::{Ended, Session};
use crate::codec::TransactionStatus;
use crate::codec::back::Back;
use crate::masking::Unmaskable;

/// Tag and length.
const HEADER: usize = 5;

/// What becomes of one message of the server.
#[derive(Debug)]
pub(super) enum Fate {
    Pass,
    Hide,
    Instead(Vec<u8>),
    /// What `masks.out` holds.
    Masked,
}

impl Session {
    /// Deals with everything complete that the server has sent.
    pub(super) fn take_replies(&mut self) -> Result<(), Ended> {
        let mut loan = self.server.input.borrow_all();
        let mut pass_from = loan.at();
        let result = loop {
            let before = loan.at();
            let fate = match loan.next() {
                Err(wrong) => break Err(Ended::Confused(wrong.to_string())),
                Ok(Found::Nothing) => break Ok(()),
                // Nothing passes unread that would have to be masked.
                Ok(Found::Passing { .. }) if self.is_watched() => Err(Unmaskable::TooLong.into()),
                Ok(Found::Passing { .. }) => Ok(Fate::Pass),
                Ok(Found::Whole { tag, body }) => self.reply(tag, loan.slice(body)),
            };
            match fate {
                Ok(Fate::Pass) => {}
                Ok(Fate::Hide) => {
                    self.client.send(loan.slice(pass_from..before));
                    pass_from = loan.at();
                }
                Ok(Fate::Instead(bytes)) => {
                    self.client.send(loan.slice(pass_from..before));
                    self.client.send(&bytes);
                    pass_from = loan.at();
                }
                Ok(Fate::Masked) => {
                    self.client.send(loan.slice(pass_from..before));
                    self.client.send(&self.masks.out);
                    self.masks.out.clear();
                    pass_from = loan.at();
                }
                Err(ended) => {
                    // What could not be dealt with is not shown either.
                    self.client.send(loan.slice(pass_from..before));
                    pass_from = loan.at();
                    break Err(ended);
                }
            }
        };
        self.client.send(loan.slice(pass_from..loan.at()));
        self.server.input.put_back(loan);
        result
    }

    fn reply(&mut self, tag: u8, body: &[u8]) -> Result<Fate, Ended> {
        if tag != b'E' || !self.masks.is_on() {
            return self.dealt_with(tag, body);
        }
        // Neither the client nor the record gets to know more of an error than this.
        let masked = self.masked_error(body)?;
        match self.dealt_with(tag, masked.get(HEADER..).unwrap_or_default())? {
            Fate::Pass => {
                self.masks.out = masked;
                Ok(Fate::Masked)
            }
            other => Ok(other),
        }
    }

    fn dealt_with(&mut self, tag: u8, body: &[u8]) -> Result<Fate, Ended> {
        let fate = self.follow(tag, body);
        self.owed.drop_copy_ends();
        fate
    }

    fn follow(&mut self, tag: u8, body: &[u8]) -> Result<Fate, Ended> {
        let message = Back::from_parts(tag, body).map_err(|wrong| Ended::Confused(wrong.to_string()))?;
        // These come at any time and answer nothing.
        match &message {
            Back::ParameterStatus { name, value } => return self.setting_changed(name, value),
            Back::Notice(fault) => return Ok(self.mask_notice(*fault)?),
            Back::Notification { process, channel, payload } => {
                return Ok(self.mask_notification((*process, channel, payload))?);
            }
            _ => {}
        }
        match self.owed.queue.front() {
            Some(Awaited::Own) => return self.own_reply(&message),
            Some(Awaited::Within) => return self.within_reply(&message),
            Some(Awaited::Opening) => return self.opening_reply(&message),
            Some(Awaited::Closing { .. }) => return self.closing_reply(&message),
            _ => {}
        }
        match message {
            Back::Ready(status) => self.ready(status),
            Back::Error(fault) => Ok(self.failed(&fault.message())),
            Back::ParseComplete | Back::BindComplete | Back::CloseComplete => self.confirmed(),
            Back::CommandComplete(tag) => {
                let (rows, committed) = (tag.rows(), tag.text == "COMMIT");
                let flight = self.owed.current().map(|flight| flight.number);
                if let Some(flight) = self.owed.current() {
                    flight.tags.push(tag.text.clone().into_owned());
                    flight.rows =
                        rows.map(|rows| flight.rows.unwrap_or(0).saturating_add(rows)).or(flight.rows);
                }
                let weighed = self.weigh(&tag);
                let passed = self.executed()?;
                if committed {
                    self.committed(flight);
                }
                Ok(weighed.unwrap_or(passed))
            }
            Back::PortalSuspended => {
                let fate = self.suspended();
                self.executed().map(|passed| fate.unwrap_or(passed))
            }
            Back::EmptyQuery => self.executed(),
            Back::RowDescription(columns) => {
                self.plan(&columns);
                self.described()
            }
            Back::NoData => self.described(),
            Back::CopyIn(_) => Ok(self.copy_begins()),
            Back::DataRow(row) => Ok(self.mask_row(row)?),
            Back::CopyOut(shape) => {
                self.copy_out_begins(&shape)?;
                Ok(Fate::Pass)
            }
            Back::CopyData(data) => Ok(self.mask_copied(Some(data))?),
            Back::CopyDone => Ok(self.mask_copied(None)?),
            Back::ParameterDescription(types) => {
                if let Some(Awaited::Describe(Some(prepared))) = self.owed.queue.front() {
                    prepared.told.get_or_init(|| types.types().collect());
                }
                Ok(Fate::Pass)
            }
            other => Err(Ended::Confused(format!("it sent {other:?} after the login"))),
        }
    }

    /// What was committed remains, whatever fails later in the same series.
    fn committed(&mut self, flight: Option<u64>) {
        let Some(number) = flight else { return };
        match self.owed.queue.front() {
            // A simple query is one action to its end.
            Some(Awaited::Query { .. }) => {}
            _ if self.owed.has_more_of(number) => self.settle(number.saturating_sub(1)),
            _ => self.settle(number),
        }
    }

    fn unexpected(what: &str) -> Ended {
        Ended::Confused(format!("it sent {what} and nobody had asked for that"))
    }

    fn confirmed(&mut self) -> Result<Fate, Ended> {
        match self.owed.queue.pop_front() {
            Some(Awaited::Change(change)) => match self.names.apply(change) {
                Ok(()) => Ok(Fate::Pass),
                Err(_too_many) => Err(Ended::Confused("it holds too many names of this client".to_owned())),
            },
            _ => Err(Self::unexpected("a confirmation")),
        }
    }

    fn executed(&mut self) -> Result<Fate, Ended> {
        match self.owed.queue.front() {
            Some(Awaited::Query { .. }) => Ok(Fate::Pass),
            Some(Awaited::Execute { .. }) => {
                self.owed.queue.pop_front();
                Ok(Fate::Pass)
            }
            _ => Err(Self::unexpected("a result")),
        }
    }

    fn described(&mut self) -> Result<Fate, Ended> {
        match self.owed.queue.front() {
            Some(Awaited::Query { .. } | Awaited::Execute { .. }) => Ok(Fate::Pass),
            Some(Awaited::Describe(_)) => {
                self.owed.queue.pop_front();
                Ok(Fate::Pass)
            }
            Some(Awaited::Description(_)) => {
                self.owed.queue.pop_front();
                Ok(Fate::Hide)
            }
            _ => Err(Self::unexpected("a description")),
        }
    }

    /// From here to the end of the data the server ignores `Sync`, also those that were sent already.
    fn copy_begins(&mut self) -> Fate {
        self.copying_in = !self.owed.begin_copy();
        Fate::Pass
    }

    /// An error ends a simple query, or everything up to the next `Sync`.
    fn failed(&mut self, message: &str) -> Fate {
        self.copying_in = false;
        match self.owed.queue.front_mut() {
            Some(Awaited::Refusal { complaint, in_query }) => {
                let complaint = std::mem::take(complaint);
                if *in_query {
                    let upto = self.owed.last();
                    if let Some(front) = self.owed.queue.front_mut() {
                        *front = Awaited::Query { upto, portal: None };
                    }
                } else {
                    self.skip_to_sync();
                }
                // Only a change that was undone has a flight here.
                self.fail_flights(self.owed.last(), "it was undone");
                return Fate::Instead(complaint);
            }
            Some(Awaited::Query { .. }) => {}
            _ => self.skip_to_sync(),
        }
        // In a series outside a transaction block, what ran before the error is undone with it. What follows the series
        // is not.
        let upto = match self.owed.queue.front() {
            Some(Awaited::Sync { upto } | Awaited::Query { upto, .. }) => *upto,
            _ => self.owed.last(),
        };
        self.fail_flights(upto, message);
        self.guarded_failed();
        Fate::Pass
    }

    pub(super) fn fail_flights(&mut self, upto: u64, why: &str) {
        for flight in self.owed.flights.iter_mut().filter(|flight| flight.number <= upto) {
            flight.failed.get_or_insert_with(|| why.to_owned());
        }
    }

    fn skip_to_sync(&mut self) {
        while let Some(front) = self.owed.queue.front() {
            if matches!(front, Awaited::Sync { .. }) {
                return;
            }
            self.owed.queue.pop_front();
        }
        self.skipping = true;
    }

    fn ready(&mut self, status: TransactionStatus) -> Result<Fate, Ended> {
        let Some(Awaited::Sync { upto } | Awaited::Query { upto, .. }) = self.owed.queue.pop_front() else {
            return Err(Self::unexpected("that it is ready"));
        };
        if let Some(fate) = self.close_guarded(status) {
            return Ok(fate);
        }
        self.settle(upto);
        self.status_is(status);
        Ok(Fate::Pass)
    }

    pub(super) fn status_is(&mut self, status: TransactionStatus) {
        self.status = status;
        if status == TransactionStatus::Idle {
            self.open_since = None;
            self.names.end_portals();
        } else if self.open_since.is_none() {
            self.open_since = Some(self.served.now());
        }
        self.meaning.at_rest(status);
        self.expire_catalog();
        if self.owed.is_quiet() {
            self.unwatch();
        }
    }

    /// Every action that ended here has an outcome.
    pub(super) fn settle(&mut self, upto: u64) {
        let now = self.served.now();
        while let Some(flight) = self.owed.flights.pop_front_if(|flight| flight.number <= upto) {
            let duration_us = u64::try_from(now.since(flight.started).as_micros()).unwrap_or(u64::MAX);
            self.landed.push((flight, duration_us));
        }
    }

    /// Tells the outcomes.
    pub(super) fn land_all(&mut self) {
        let mut landed = std::mem::take(&mut self.landed);
        for (flight, duration_us) in landed.drain(..) {
            self.land(flight, duration_us);
        }
        self.landed = landed;
    }

    /// The connection ended before these were answered. Where the gate's task waits, it hears that by itself.
    pub(super) fn settle_unknown(&mut self) {
        for flight in self.owed.flights.drain(..) {
            if let Done::Standing(action) = flight.done {
                let outcome = Outcome::unknown("the connection ended before the server answered");
                self.served.gate().settle_standing(action, outcome);
            }
        }
    }

    fn land(&self, flight: Flight, duration_us: u64) {
        let status = if flight.failed.is_some() { Status::Failed } else { Status::Executed };
        let masked = flight.masks.iter().filter_map(|mask| mask.note());
        let notes: Vec<String> = flight.failed.into_iter().chain(masked).collect();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        let outcome = Outcome { status, result: None, rows: flight.rows, duration_us, note };
        match flight.done {
            Done::Standing(action) => self.served.gate().settle_standing(action, outcome),
            Done::Gate(done) => {
                let result = Bytes::from(flight.tags.join("; "));
                // The gate's task is gone only when the gateway stops; recovery then says what is known.
                let _gone = done.send(Forwarded { outcome, result });
            }
        }
    }
}
