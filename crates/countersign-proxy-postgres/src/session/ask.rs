//! How does a unit go through the gate while its connection stays alive? The gate runs in a task of its own; what it
//! has to say comes back as events, and its permit is what lets the unit out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::{Draft, Obligation, Outcome, Preview, Status, Timestamp};
use countersign_gate::{Forward, Forwarded, Gate, Permit, Ticket, Verdict};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::preview::{Wanted, preview};
use crate::served::Served;
use crate::session::unit::Unit;

/// What the gate has to say about the question with this number.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) ask: u64,
    pub(crate) said: Said,
}

#[derive(Debug)]
pub(crate) enum Said {
    /// People are asked.
    Held(Ticket),
    /// It may run; whoever sends it tells the outcome.
    Run(Permit, oneshot::Sender<Forwarded>),
    /// The end of the story.
    Verdict(Verdict),
    /// A newer catalog is there.
    CatalogLoaded,
    /// What the statement would touch.
    Preview(Option<Box<Preview>>),
}

/// A unit that waits for the gate.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) number: u64,
    pub(crate) unit: Unit,
    pub(crate) payload: Vec<u8>,
    pub(crate) ticket: Option<Ticket>,
    /// When the client is shown a sign of life again.
    pub(crate) remind_at: Option<Timestamp>,
    passing: Passing,
}

/// A unit that waits to be shown with what it would touch.
#[derive(Debug)]
pub(crate) struct Looking {
    pub(crate) number: u64,
    pub(crate) unit: Unit,
    pub(crate) draft: Draft,
    _task: Passing,
}

impl Looking {
    pub(crate) fn start(
        served: Arc<Served>,
        number: u64,
        unit: Unit,
        draft: Draft,
        wanted: Wanted,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let task = tokio::spawn(async move {
            let preview = preview(&served, wanted).await;
            tell(&events, number, Said::Preview(preview.map(Box::new)));
        });
        Self { number, unit, draft, _task: Passing(task) }
    }
}

/// The gate's task. Dropping it gives up the call, not the review; what was claimed runs to its end.
#[derive(Debug)]
pub(crate) struct Passing(JoinHandle<()>);

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a question is made with, apart from the draft.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) hold: Duration,
    pub(crate) events: mpsc::UnboundedSender<Event>,
}

impl Ask {
    pub(crate) fn start(gate: &Gate, number: u64, unit: Unit, draft: Draft, terms: Terms) -> Self {
        let payload = draft.payload.clone();
        let events = terms.events.clone();
        let forward =
            ToServer { ask: number, hold: terms.hold, facts: draft.facts.clone(), events: terms.events };
        let gate = gate.clone();
        let task = tokio::spawn(async move {
            let verdict = gate.pass(draft, forward).await;
            tell(&events, number, Said::Verdict(verdict));
        });
        Self { number, unit, payload, ticket: None, remind_at: None, passing: Passing(task) }
    }

    /// Takes the ask apart once its permit is there: the unit, its payload, and the gate's task, which still has to
    /// record the outcome.
    pub(crate) fn depart(self) -> (Unit, Passing) {
        (self.unit, self.passing)
    }

    pub(crate) fn into_unit(self) -> Unit {
        self.unit
    }
}

fn tell(events: &mpsc::UnboundedSender<Event>, ask: u64, said: Said) {
    if events.send(Event { ask, said }).is_err() {
        tracing::debug!("the client left before its answer");
    }
}

/// Hands the permit to the session, which alone writes to the server.
struct ToServer {
    ask: u64,
    hold: Duration,
    facts: BTreeMap<String, String>,
    events: mpsc::UnboundedSender<Event>,
}

impl Forward for ToServer {
    fn hold(&self) -> Duration {
        self.hold
    }

    fn held(&self, ticket: &Ticket) {
        tell(&self.events, self.ask, Said::Held(ticket.clone()));
    }

    fn performs(&self, obligation: &Obligation) -> bool {
        match obligation {
            Obligation::Record => true,
            Obligation::Mask(mask) => crate::masking::is_understood(mask),
        }
    }

    fn facts(&self) -> BTreeMap<String, String> {
        self.facts.clone()
    }

    async fn forward(self, permit: Permit) -> Forwarded {
        let (done, outcome) = oneshot::channel();
        let run = Event { ask: self.ask, said: Said::Run(permit, done) };
        if self.events.send(run).is_err() {
            return not_sent("the client had left");
        }
        outcome.await.unwrap_or_else(|_ended| Forwarded {
            outcome: Outcome::unknown("the connection ended before the server answered"),
            result: Bytes::new(),
        })
    }
}

/// Nothing of it reached the server.
pub(crate) fn not_sent(why: &str) -> Forwarded {
    let note = Some(format!("{why}; nothing was sent"));
    let outcome = Outcome { status: Status::Failed, result: None, rows: None, duration_us: 0, note };
    Forwarded { outcome, result: Bytes::new() }
}
