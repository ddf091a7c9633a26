//! What is asked about a unit, and what is done with the answer? It passes on a standing answer, or goes through the
//! gate, with a look ahead at what it would touch; meanwhile the client sees signs of life and can cancel.

use std::sync::Arc;

use countersign_core::Scalar;
use countersign_gate::{Standing, Verdict};

use super::again::Approved;
use super::ask::{Ask, Event, Looking, Said, Terms, not_sent};
use super::unit::Unit;
use super::{Ended, Footing, Session, Setting, doubt, draft};
use crate::codec::TransactionStatus;
use crate::codec::back::Complaint;
use crate::explain;
use crate::names::{Known, Portal};
use crate::preview::{self, Wanted};

impl Session {
    /// The answers on which every run of the unit may pass unasked; `None` when one of them has to be asked about.
    pub(super) fn standing_answers(&self, unit: &Unit) -> Option<Vec<Arc<Standing>>> {
        if unit.calls_function || doubt::is_unsure(&unit.runs, self.footing(unit)) {
            return None;
        }
        let gate = self.served.gate();
        let policy = gate.policy_hash();
        let answer = |run: &Arc<Portal>| {
            let Known::As(prepared) = &run.prepared else { return None };
            if prepared.reading.other_encoding().is_some() {
                return None;
            }
            if !draft::strange_types(run, self.reader.facts()).is_empty() {
                return None;
            }
            prepared.reading.sense.standing(policy, || {
                let draft = draft(std::slice::from_ref(run), &self.setting(Footing::default())).ok()?;
                gate.standing(&draft)
            })
        };
        unit.runs.iter().map(answer).collect()
    }

    /// Lets a unit pass of which nobody has to be asked, after each run of it was recorded.
    pub(super) fn pass(&mut self, unit: Unit, answers: &[Arc<Standing>]) -> Result<(), Ended> {
        self.check_standing()?;
        let mut permits = Vec::with_capacity(answers.len());
        for (run, standing) in unit.runs.iter().zip(answers) {
            let payload = draft::payload(run).unwrap_or_default();
            match self.served.gate().pass_standing(standing, &payload) {
                Ok(permit) => permits.push(permit),
                Err(reason) => {
                    for permit in permits {
                        let outcome = not_sent("another statement of the same series could not pass").outcome;
                        self.served.gate().settle_standing(permit.action(), outcome);
                    }
                    self.refuse(unit, &explain::denied(&reason, None));
                    return Ok(());
                }
            }
        }
        self.send_standing(unit, permits);
        Ok(())
    }

    pub(super) fn begin(&mut self, unit: Unit) -> Result<(), Ended> {
        if unit.calls_function {
            self.refuse(unit, &explain::no_function_calls());
            return Ok(());
        }
        if unit.runs.is_empty() {
            self.send_harmless(unit);
            return Ok(());
        }
        self.check_standing()?;
        if let Some(encoding) = unit.runs.iter().find_map(|run| run.other_encoding()) {
            let complaint = explain::other_encoding(&encoding);
            self.refuse(unit, &complaint);
            return Ok(());
        }
        match draft(&unit.runs, &self.setting(self.footing(&unit))) {
            Ok(draft) => self.look_or_ask(unit, draft),
            Err(why) => self.refuse(unit, &explain::unjudgeable(&why)),
        }
        Ok(())
    }

    /// What is known of the meaning of names as the unit begins, after what it fetches of earlier statements.
    pub(super) fn footing(&self, unit: &Unit) -> Footing {
        let undoable = self.meaning.is_undoable();
        Footing { unsure: self.meaning.is_unsure() || undoable && unit.fetches_more(), undoable }
    }

    pub(super) fn setting(&self, footing: Footing) -> Setting<'_> {
        Setting {
            resource: &self.served.config().resource,
            principal: &self.principal,
            facts: self.reader.facts(),
            in_transaction: self.status != TransactionStatus::Idle,
            footing,
            claim: None,
        }
    }

    /// People who may be asked about a change of rows see what it would touch.
    fn look_or_ask(&mut self, unit: Unit, draft: countersign_core::Draft) {
        let wanted = match unit.runs.as_slice() {
            [portal] => match &portal.prepared {
                Known::As(prepared) if prepared.reading.changes_rows() => Some(Wanted {
                    portal: Arc::clone(portal),
                    prepared: Arc::clone(prepared),
                    facts: self.reader.facts().clone(),
                    in_transaction: self.status != TransactionStatus::Idle,
                }),
                _ => None,
            },
            _ => None,
        };
        match wanted.filter(|_| self.served.gate().would_ask(&draft)) {
            // A look from outside would count in what was there before.
            Some(_) if self.meaning.is_changed() => {
                let preview = Some(preview::unseen());
                self.put_to_gate(unit, countersign_core::Draft { preview, ..draft });
            }
            Some(wanted) => {
                self.asks += 1;
                let (served, events) = (Arc::clone(&self.served), self.teller.clone());
                self.looking = Some(Looking::start(served, self.asks, unit, draft, wanted, events));
            }
            None => self.put_to_gate(unit, draft),
        }
    }

    /// What it would touch goes with the question, and policy can look at the number of rows.
    fn looked(&mut self, looking: Looking, preview: Option<Box<countersign_core::Preview>>) {
        let mut draft = looking.draft;
        if let Some(rows) = preview.as_ref().and_then(|preview| preview.rows.exact()) {
            let rows = Scalar::Integer(i64::try_from(rows).unwrap_or(i64::MAX));
            draft.arguments.insert("rows".to_owned(), rows);
        }
        draft.preview = preview.map(|preview| *preview);
        self.put_to_gate(looking.unit, draft);
    }

    fn put_to_gate(&mut self, unit: Unit, draft: countersign_core::Draft) {
        self.asks += 1;
        let config = self.served.config();
        let hold =
            if self.status == TransactionStatus::Idle { config.hold } else { config.hold_in_transaction };
        let terms = Terms { hold, events: self.teller.clone() };
        self.ask = Some(Ask::start(self.served.gate(), self.asks, unit, draft, terms));
    }

    pub(super) fn heard(&mut self, Event { ask: number, said }: Event) -> Result<(), Ended> {
        let current = self.ask.as_ref().is_some_and(|ask| ask.number == number);
        match said {
            Said::Held(ticket) if current => self.show_ticket(ticket),
            Said::Run(permit, done) => match self.ask.take_if(|_| current) {
                Some(ask) if ask.payload == permit.action().payload() => {
                    // While people thought, others may have changed the database past the gateway.
                    if ask.ticket.is_some() {
                        self.served.catalog().expire();
                    }
                    let (unit, passing) = ask.depart();
                    self.passing.push((number, passing));
                    self.approved = Some(Approved::new(unit, permit, done));
                }
                Some(ask) => {
                    let _gone = done.send(not_sent("the statement is not the approved one"));
                    self.refuse(ask.into_unit(), &explain::unjudgeable("it is not the approved statement"));
                }
                None => {
                    let _gone = done.send(not_sent("its caller had cancelled it"));
                }
            },
            Said::Verdict(verdict) => {
                self.passing.retain(|(passed, _)| *passed != number);
                if let Some(ask) = self.ask.take_if(|_| current) {
                    self.answer(ask, &verdict);
                }
            }
            Said::CatalogLoaded => self.catalog_loaded(),
            Said::Preview(preview) => {
                if let Some(looking) = self.looking.take_if(|looking| looking.number == number) {
                    self.looked(looking, preview);
                }
            }
            Said::Held(_) => {}
        }
        self.advance()
    }

    /// The verdict on a unit that was not sent.
    fn answer(&mut self, ask: Ask, verdict: &Verdict) {
        let complaint = match verdict {
            Verdict::Denied { reason, review } => explain::denied(reason, *review),
            Verdict::Pending(ticket) => explain::pending(ticket, self.served.now()),
            Verdict::Ran { review, outcome, result } => {
                let tags = String::from_utf8_lossy(result);
                let note = outcome.note.as_deref().unwrap_or(&tags);
                explain::ran_before(*review, &format!("{}, {note}", outcome.status.word()))
            }
        };
        self.refuse(ask.into_unit(), &complaint);
    }

    fn show_ticket(&mut self, ticket: countersign_gate::Ticket) {
        if let Some(ask) = &mut self.ask {
            ask.ticket = Some(ticket);
        }
        self.notice();
    }

    /// Tells the client that it waits, and when it hears of it again.
    fn notice(&mut self) {
        let now = self.served.now();
        let locks = self.open_since.map(|since| {
            let open = countersign_core::span_text(now.since(since));
            format!("The transaction is open for {open} and keeps its locks meanwhile.")
        });
        let Some(ask) = &mut self.ask else { return };
        let Some(ticket) = &ask.ticket else { return };
        ask.remind_at = Some(now.plus(self.served.config().remind_every));
        let notice = explain::waiting(ticket, now, locks.as_deref());
        self.client_complaint(&notice);
    }

    fn client_complaint(&mut self, complaint: &Complaint<'_>) {
        let mut bytes = Vec::new();
        complaint.encode_notice(&mut bytes);
        self.client.send(&bytes);
    }

    pub(super) fn remind(&mut self) -> Result<(), Ended> {
        self.check_standing()?;
        self.notice();
        Ok(())
    }

    /// A cancel request ends a hold; where nothing is held, the server gets it.
    pub(super) fn cancelled(&mut self) -> Result<(), Ended> {
        if self.cancel_approved() {
            return self.advance();
        }
        if let Some(looking) = self.looking.take() {
            self.refuse(looking.unit, &explain::cancelled(None));
            return self.advance();
        }
        match self.ask.take() {
            Some(ask) => {
                let complaint = explain::cancelled(ask.ticket.as_ref());
                self.refuse(ask.into_unit(), &complaint);
            }
            None => {
                if let Some(key) = self.server_key.clone() {
                    self.served.cancel_at_server(key);
                }
            }
        }
        self.advance()
    }
}
