//! What leaves for the server, and on whose word? The only file that writes to it: units with the gate's permit, or
//! what has no effect at all.

use std::sync::Arc;

use countersign_gate::{Forwarded, Permit, StandingPermit, UpkeepPermit};
use tokio::sync::oneshot;

use super::Session;
use super::ask::not_sent;
use super::awaited::{Awaited, Done};
use super::guard::Guard;
use super::unit::{End, Unit};
use crate::codec::back::Complaint;
use crate::codec::front::{self, BindValues, Execute, Target};
use crate::explain;
use crate::masking::Rules as MaskRules;
use crate::names::{Known, Portal};

/// No statement of PostgreSQL begins like this, so every server fails to parse it, in every state of a transaction. It
/// also tells whoever reads the server's log what it was.
pub(super) const REFUSED: &str = "countersign_refused";

/// Makes the server send what it has kept.
const FLUSH: &[u8] = b"H\0\0\0\x04";

/// Name of the gateway's own statement and portal. A client that takes it gets no answers.
const OWN: &str = "countersign: what names mean";

/// On whose word bytes leave. Nobody looks inside: having one is what counts.
#[derive(Debug)]
#[expect(dead_code, reason = "permits prove something by being there, and are consumed unread")]
enum Leave {
    /// An action that may run.
    Permitted(Permit),
    /// Actions that may run on a standing answer, one or more.
    Standing(Vec<StandingPermit>),
    /// Something without effect.
    Upkeep(UpkeepPermit),
}

impl Session {
    /// Consumes what lets the bytes out.
    fn out(&mut self, _on_whose_word: Leave, bytes: &[u8]) {
        self.server.send(bytes);
    }

    fn upkeep(&self) -> Leave {
        Leave::Upkeep(self.served.gate().upkeep(&self.principal))
    }

    /// What ends something that was permitted, or has no effect.
    pub(super) fn send_upkeep(&mut self, bytes: &[u8]) {
        let leave = self.upkeep();
        self.out(leave, bytes);
    }

    /// Copied data for a statement that was permitted.
    pub(super) fn out_copied(&mut self, bytes: &[u8]) {
        let leave = self.upkeep();
        self.out(leave, bytes);
    }

    /// Sends a unit that runs nothing.
    pub(super) fn send_harmless(&mut self, unit: Unit) {
        let leave = self.upkeep();
        self.send_unit(unit, leave, &[]);
    }

    /// Sends a unit whose action may run; `done` hears the outcome of all of it.
    pub(super) fn send_permitted(&mut self, unit: Unit, permit: Permit, done: oneshot::Sender<Forwarded>) {
        if let Err(why) = self.mask_runs(&unit, &MaskRules::of(permit.terms())) {
            let _gone = done.send(not_sent(&why.to_string()));
            return self.refuse(unit, &explain::unmaskable(&why));
        }
        let masks = unit.runs.iter().filter_map(|run| run.mask().cloned()).collect();
        self.owed.depart(self.served.now(), masks, Done::Gate(done));
        let flights = vec![self.owed.last(); unit.runs.len()];
        self.note_runs(&unit);
        let preview = permit.action().preview().filter(|_| unit.is_guardable());
        let margin = self.served.config().margin_percent;
        self.guard = Guard::of(&unit, preview, margin, self.status);
        self.send_unit(unit, Leave::Permitted(permit), &flights);
    }

    /// Sends a unit whose runs may all pass; each has an outcome of its own.
    pub(super) fn send_standing(&mut self, unit: Unit, permits: Vec<StandingPermit>) {
        if let Err(why) = self.mask_runs(&unit, &MaskRules::default()) {
            for permit in permits {
                self.served.gate().settle_standing(permit.action(), not_sent(&why.to_string()).outcome);
            }
            return self.refuse(unit, &explain::unmaskable(&why));
        }
        let now = self.served.now();
        let mut flights = Vec::with_capacity(permits.len());
        for (permit, run) in permits.iter().zip(&unit.runs) {
            let masks = run.mask().cloned().into_iter().collect();
            self.owed.depart(now, masks, Done::Standing(permit.action()));
            flights.push(self.owed.last());
        }
        self.note_runs(&unit);
        self.send_unit(unit, Leave::Standing(permits), &flights);
    }

    /// `flights` has the flight of each run.
    fn send_unit(&mut self, mut unit: Unit, leave: Leave, flights: &[u64]) {
        self.leaving |= unit.end == End::Terminate;
        self.note_series(&unit);
        if unit.fetches_more() {
            self.meaning.note_fetch();
        }
        self.watch(&mut unit);
        let bytes = match self.guard.take() {
            Some(guard) => {
                let bytes = self.open_ended(&mut unit, &guard);
                self.guard = Some(guard);
                bytes
            }
            None => std::mem::take(&mut unit.bytes),
        };
        for (_, awaited) in unit.owed {
            let awaited = match awaited {
                Awaited::Execute { run: Some(run), portal } => {
                    let place = usize::try_from(run).unwrap_or(usize::MAX);
                    Awaited::Execute { run: flights.get(place).copied(), portal }
                }
                other => other,
            };
            self.owe(awaited);
        }
        self.forget_blurred(&unit.runs);
        self.out(leave, &bytes);
        // Nobody may wait for a confirmation that the server keeps until it is asked for.
        if unit.end == End::Open && !bytes.ends_with(FLUSH) {
            self.send_upkeep(FLUSH);
        }
        if unit.ends_copy {
            if !self.copying_in {
                self.owed.end_copy();
            }
            self.copying_in = false;
        }
    }

    /// Whether a series is open from here on: a question of the gateway's own would end it.
    fn note_series(&mut self, unit: &Unit) {
        self.in_series = unit.end == End::Open && (self.in_series || !unit.owed.is_empty());
    }

    /// Names that SQL makes or drops, also those that are still being defined.
    fn forget_blurred(&mut self, runs: &[Arc<Portal>]) {
        for run in runs {
            let Known::As(prepared) = &run.prepared else { continue };
            for name in prepared.reading.blurs() {
                self.names.blur(name);
                self.owed.blur(name);
            }
        }
    }

    fn note_runs(&mut self, unit: &Unit) {
        for run in &unit.runs {
            run.permit();
            match &run.prepared {
                Known::As(prepared) => {
                    self.meaning.note(&prepared.reading.sense.classified);
                }
                Known::Opaque(_) => self.meaning.note_unknown(),
            }
        }
    }

    fn owe(&mut self, awaited: Awaited) {
        let upto = self.owed.last();
        match awaited {
            // The server ignores it while it copies.
            Awaited::Sync { .. } if self.copying_in => {}
            Awaited::Sync { .. } => self.owed.queue.push_back(Awaited::Sync { upto }),
            Awaited::Query { portal, .. } => self.owed.queue.push_back(Awaited::Query { upto, portal }),
            other => self.owed.queue.push_back(other),
        }
    }

    /// Sends what may pass of a unit, and lets the server fail where the rest would have begun.
    pub(super) fn refuse(&mut self, unit: Unit, complaint: &Complaint<'_>) {
        self.in_series = unit.end == End::Open;
        let mut bytes = unit.bytes.get(..unit.harmless).unwrap_or_default().to_vec();
        for (end, awaited) in unit.owed {
            if end <= unit.harmless {
                self.owe(awaited);
            }
        }
        let mut error = Vec::new();
        complaint.encode_error(&mut error);
        let in_query = unit.end == End::Query;
        let failing = if in_query {
            front::query(&mut bytes, REFUSED)
        } else {
            front::parse(&mut bytes, REFUSED, REFUSED, &[])
        };
        if let Err(wrong) = failing {
            tracing::error!(error = &wrong as &dyn std::error::Error, "a refusal can't be written");
        }
        self.owed.queue.push_back(Awaited::Refusal { complaint: error, in_query });
        match unit.end {
            End::Query => {}
            End::Sync => {
                front::sync(&mut bytes);
                self.owe(Awaited::Sync { upto: 0 });
            }
            End::Open => self.skipping = true,
            End::Terminate => {
                front::terminate(&mut bytes);
                self.leaving = true;
            }
        }
        let leave = self.upkeep();
        self.out(leave, &bytes);
    }

    /// What the server would skip after an error, up to the end of the series.
    pub(super) fn skip(&mut self, unit: &Unit) {
        let mut bytes = Vec::new();
        match unit.end {
            End::Sync => {
                (self.skipping, self.in_series) = (false, false);
                front::sync(&mut bytes);
                self.owe(Awaited::Sync { upto: 0 });
            }
            End::Terminate => {
                front::terminate(&mut bytes);
                self.leaving = true;
            }
            End::Query | End::Open => {}
        }
        let leave = self.upkeep();
        self.out(leave, &bytes);
    }

    /// The gateway's own questions to the server, under a name of its own: a simple query would drop the client's
    /// unnamed statement and portal.
    pub(super) fn send_own(&mut self, texts: &[&str], awaited: Awaited) {
        let mut bytes = Vec::new();
        let written = texts.iter().try_for_each(|text| {
            // What an error left is in the way, and closing what isn't there is none.
            front::close(&mut bytes, Target::Portal(OWN))?;
            front::close(&mut bytes, Target::Statement(OWN))?;
            front::parse(&mut bytes, OWN, text, &[])?;
            front::bind(&mut bytes, OWN, OWN, &BindValues::default())?;
            front::execute(&mut bytes, Execute { portal: OWN, max_rows: 0 })?;
            front::close(&mut bytes, Target::Portal(OWN))?;
            front::close(&mut bytes, Target::Statement(OWN))
        });
        front::sync(&mut bytes);
        if let Err(wrong) = written {
            tracing::error!(error = &wrong as &dyn std::error::Error, "a question can't be written");
            return;
        }
        self.owed.queue.push_back(awaited);
        let leave = self.upkeep();
        self.out(leave, &bytes);
    }
}
