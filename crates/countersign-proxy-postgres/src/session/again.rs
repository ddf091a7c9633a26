//! Does an approved unit still do what people saw? Others may have changed the database while it waited, so it is read
//! again under the facts of this moment, right before it is sent.

use countersign_core::Action;
use countersign_gate::{Forwarded, Permit};
use tokio::sync::oneshot;

use super::ask::not_sent;
use super::unit::{self, Unit};
use super::{Ended, Session, draft};
use crate::explain;

/// A unit whose action may run, if it still is that action.
#[derive(Debug)]
pub(super) struct Approved {
    unit: Unit,
    permit: Permit,
    done: oneshot::Sender<Forwarded>,
}

impl Approved {
    pub(super) fn new(unit: Unit, permit: Permit, done: oneshot::Sender<Forwarded>) -> Self {
        Self { unit, permit, done }
    }

    /// Nothing of it is sent. Its unit, for whoever has to answer it.
    fn give_up(self, why: &str) -> Unit {
        let _gone = self.done.send(not_sent(why));
        self.unit
    }
}

impl Session {
    /// Sends what may run, or asks again when it would do something else by now. False while that can't be said yet.
    pub(super) fn run_approved(&mut self) -> Result<bool, Ended> {
        if self.approved.is_none() {
            return Ok(true);
        }
        if !self.knows_the_moment() {
            return Ok(false);
        }
        let Some(approved) = self.approved.take() else { return Ok(true) };
        // Nothing has changed since it was read: the usual case.
        if approved.unit.facts == self.reader.changes() {
            let Approved { unit, permit, done } = approved;
            self.send_permitted(unit, permit, done);
            return Ok(true);
        }
        let Ok(again) = unit::read(&approved.unit.bytes, &mut self.reader, &self.names, &self.owed) else {
            let unit = approved.give_up("it can't be read again");
            self.refuse(unit, &explain::unjudgeable("what it does can't be told any more"));
            return Ok(true);
        };
        if self.is_still(&again, approved.permit.action()) {
            self.send_permitted(again, approved.permit, approved.done);
        } else {
            approved.give_up(
                "the database was changed meanwhile, and it would do something else than was approved",
            );
            self.begin(again)?;
        }
        Ok(true)
    }

    fn is_still(&self, unit: &Unit, action: &Action) -> bool {
        draft(&unit.runs, &self.setting(self.footing(unit))).is_ok_and(|draft| {
            draft.effects == *action.effects()
                && draft.facts == *action.facts()
                && draft.payload == action.payload()
        })
    }

    /// The client has cancelled what may run before it was sent.
    pub(super) fn cancel_approved(&mut self) -> bool {
        let Some(approved) = self.approved.take() else { return false };
        let unit = approved.give_up("its caller had cancelled it");
        self.refuse(unit, &explain::cancelled(None));
        true
    }

    /// The session ends before it was sent.
    pub(super) fn drop_approved(&mut self) {
        if let Some(approved) = self.approved.take() {
            approved.give_up("the client had left");
        }
    }
}
