//! Who runs a held call once people have agreed? One waiter per review, which needs nobody to be connected.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use countersign_core::{ActionRecord, Principal, Reason, ReasonCode, Review, ReviewId, State};
use countersign_gate::{Forward as _, GateError, Ticket, Verdict};
use tokio::sync::watch;

use super::Dialect;
use super::form::{Known, Standing};
use crate::call::Call;
use crate::catalog::Tool;
use crate::codec::{Malformed, Message};
use crate::definitions;
use crate::explain::{self, Form};
use crate::forward::ToUpstream;
use crate::listing::{self, ListingError};
use crate::mirror::is_stateless;
use crate::runner::Own;
use crate::served::Served;
use crate::session::{CallState, Era, Session};
use crate::upstream::{Route, UpstreamError};

/// Longer than every clock of a review.
const HOLD: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long to wait before an upstream that can't be reached is tried again, as long as the approval stands.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Servers may define some tools only after the handshake, so a fresh session is looked at as often before what it
/// lists counts as changed.
const LOOKS: u32 = 5;
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// Tasks that ended otherwise than their reviews are remembered up to this number.
const ENDED_MAX: usize = 10_000;

/// How a task ended, when its review does not say so.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// It has not.
    Open,
    /// The approval does not hold any more.
    Refused(Verdict),
    /// Its caller cancelled it while it ran.
    Abandoned,
}

/// One held call that goes on by itself.
#[derive(Debug)]
pub(super) struct Watch {
    /// Whether it was cancelled, and where it was sent.
    pub(super) state: Arc<CallState>,
    /// The session it is sent on; without one, or when that is over, one is opened for it.
    near: Mutex<Weak<Session>>,
    end: watch::Sender<End>,
}

impl Watch {
    fn new(near: &Arc<Session>) -> Arc<Self> {
        Arc::new(Self {
            state: Arc::default(),
            near: Mutex::new(Arc::downgrade(near)),
            end: watch::Sender::new(End::Open),
        })
    }

    pub(super) fn end(&self) -> End {
        self.end.borrow().clone()
    }

    /// Waits until the approval turned out not to hold.
    pub(super) async fn until_refused(&self) {
        let mut end = self.end.subscribe();
        // The sender lives as long as `self`.
        let _refused = end.wait_for(|end| matches!(end, End::Refused(_))).await;
    }

    /// The call is no longer wanted: it is not sent any more, or the upstream hears so.
    pub(super) fn abandon(&self) {
        self.end.send_if_modified(|end| {
            let open = matches!(end, End::Open);
            if open {
                *end = End::Abandoned;
            }
            open
        });
        match self.near().upgrade() {
            Some(session) => session.take_back(&self.state),
            None => self.state.cancelled.cancel(),
        }
    }

    fn near(&self) -> MutexGuard<'_, Weak<Session>> {
        self.near.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The held calls of one resource that go on by themselves.
#[derive(Debug, Default)]
pub(crate) struct Watches(Mutex<HashMap<ReviewId, Arc<Watch>>>);

impl Watches {
    fn all(&self) -> MutexGuard<'_, HashMap<ReviewId, Arc<Watch>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, review: ReviewId) -> Option<Arc<Watch>> {
        self.all().get(&review).cloned()
    }

    /// The watch of this review, and whether it is new.
    fn place(&self, review: ReviewId, near: &Arc<Session>, again: bool) -> (Arc<Watch>, bool) {
        let mut all = self.all();
        if all.len() > ENDED_MAX {
            all.retain(|_, watch| matches!(watch.end(), End::Open));
        }
        match all.entry(review) {
            Entry::Occupied(mut known) => {
                if again && !matches!(known.get().end(), End::Open) {
                    known.insert(Watch::new(near));
                    return (Arc::clone(known.get()), true);
                }
                if known.get().near().upgrade().is_none_or(|session| session.is_over()) {
                    *known.get().near() = Arc::downgrade(near);
                }
                (Arc::clone(known.get()), false)
            }
            Entry::Vacant(place) => (Arc::clone(place.insert(Watch::new(near))), true),
        }
    }

    /// The review says all that there is to say.
    fn forget(&self, review: ReviewId, watch: &Arc<Watch>) {
        let mut all = self.all();
        let same = all.get(&review).is_some_and(|known| Arc::ptr_eq(known, watch));
        if same && matches!(watch.end(), End::Open) {
            all.remove(&review);
        }
    }
}

/// The answer to a held call whose client takes a task. The review is durable; from now on the call goes on by itself.
pub(crate) fn held(call: &Call, ticket: &Ticket, dialect: Dialect) -> String {
    let session = &call.session;
    let Ok(Some(review)) = session.served.gate.status(&call.principal, ticket.review) else {
        return explain::pending(call.id(), ticket, Form::Rpc, session.served.now());
    };
    go_on(session, &call.principal, &review, true);
    let mut task = known(&review, ticket.link.as_str(), None);
    task.standing = Standing::Working(format!("not executed: waiting for approval ({})", ticket.link));
    task.created(call.id(), dialect, Some(ticket))
}

/// Makes sure that somebody waits for this review. A task that has ended goes on only when it is asked for `again`.
pub(super) fn go_on(
    session: &Arc<Session>,
    principal: &Principal,
    review: &Review,
    again: bool,
) -> Arc<Watch> {
    let served = Arc::clone(&session.served);
    if review.state.is_final() {
        return served.tasks.held.of(review.id).unwrap_or_else(|| Watch::new(session));
    }
    let (watch, new) = served.tasks.held.place(review.id, session, again);
    if new {
        let waiter =
            Waiter { served, watch: Arc::clone(&watch), principal: principal.clone(), review: review.id };
        tokio::spawn(waiter.run());
    }
    watch
}

/// What is known about the task of a review. `verdict` when the review is final.
pub(super) fn known(review: &Review, link: &str, verdict: Option<Verdict>) -> Known {
    let standing = match (review.state, verdict) {
        (State::Approved, _) => Standing::Working("not executed yet: approved, about to run".to_owned()),
        (State::Claimed, _) => Standing::Working("approved; it is running now".to_owned()),
        (State::Pending, _) | (_, None) => {
            Standing::Working(format!("not executed: waiting for approval ({link})"))
        }
        (_, Some(verdict)) => Standing::Ended(verdict),
    };
    let voted = review.votes.iter().map(|vote| vote.cast_at).max();
    let updated = review.decided_at.or(voted).unwrap_or(review.opened_at);
    let claim = review.plan.claim_within.min(review.plan.grant_for);
    let lives = review.pending_until.since(review.opened_at).saturating_add(claim);
    Known { id: review.id.to_string(), created: review.opened_at, updated, lives, standing }
}

/// Waits for one review and runs its call.
struct Waiter {
    served: Arc<Served>,
    watch: Arc<Watch>,
    principal: Principal,
    review: ReviewId,
}

/// Why the call could not be tried. It is tried again as long as the approval stands.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error("the stored bytes can't be read: {0}")]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Listing(#[from] ListingError),
    #[error("the store could not record the claim")]
    Unrecorded,
    #[error("a fresh session does not list the tool as it was approved")]
    Unsettled,
}

impl Waiter {
    async fn run(self) {
        // The session of its own, once it has one, and how often that is still looked at.
        let (mut own, mut looks) = (None, LOOKS);
        loop {
            let decided = |state| state != State::Pending;
            let found = self.served.gate.until(&self.principal, self.review, decided).await;
            let attempt = match found {
                Ok(Some(review)) if !review.state.is_final() => self.attempt(&mut own, &mut looks).await,
                Ok(_) => break,
                Err(error) => Err(error.into()),
            };
            match attempt {
                Ok(Some(refused @ Verdict::Denied { .. })) => {
                    let gate = &self.served.gate;
                    let state = gate.status(&self.principal, self.review).ok().flatten();
                    if state.is_some_and(|review| !review.state.is_final()) {
                        self.watch.end.send_replace(End::Refused(refused));
                    }
                    break;
                }
                Ok(Some(Verdict::Pending(_))) => {}
                Ok(Some(Verdict::Ran { .. }) | None) => break,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, review = %self.review, "an approved call can't be sent yet");
                    let unsettled = matches!(error, NotReady::Unsettled);
                    own = own.filter(|_| unsettled);
                    let clock = self.served.clock();
                    let pause = if unsettled { LOOK_AFTER } else { RETRY_AFTER };
                    clock.sleep_until(clock.now().plus(pause)).await;
                }
            }
        }
        self.served.tasks.held.forget(self.review, &self.watch);
    }

    async fn attempt(&self, own: &mut Option<Own>, looks: &mut u32) -> Result<Option<Verdict>, NotReady> {
        let gate = &self.served.gate;
        let Some(record) = gate.asked(&self.principal, self.review)? else { return Ok(None) };
        let message = Arc::new(Message::parse(record.action.payload().to_vec())?);
        let era = if is_stateless(&message) { Era::Stateless } else { Era::Sessions };
        let near = self.near(era).filter(|_| own.is_none());
        if near.is_none() && own.as_ref().is_none_or(|own| own.session().is_over()) {
            *own = Some(Own::open(&self.served, &self.principal, era).await?);
        }
        let session = near.as_ref().or(own.as_ref().map(Own::session));
        let Some(session) = session else { return Ok(None) };
        *self.watch.near() = Arc::downgrade(session);
        let _busy = session.busy();
        listing::ensure(session, &self.principal).await?;
        let tool = message.name().and_then(|name| session.catalog.tool(&name));
        let forward = self.forward(session, message, tool.as_deref())?;
        if near.is_none() && forward.facts() != *record.action.facts() && *looks > 0 {
            *looks -= 1;
            session.catalog.forget();
            return Err(NotReady::Unsettled);
        }
        let accepted =
            |tool: &Tool| matches!(self.served.definitions.standing(tool), definitions::Standing::Accepted);
        if tool.is_some_and(|tool| !accepted(&tool)) {
            return Ok(Some(self.changed(&record)));
        }
        match gate.resume(&self.principal, self.review, forward).await? {
            Some(Verdict::Denied { reason, .. }) if reason.code == ReasonCode::StoreUnavailable => {
                Err(NotReady::Unrecorded)
            }
            verdict => Ok(verdict),
        }
    }

    /// The session that asked last, if it is still there. Should its agent end it meanwhile, the call keeps its link.
    fn near(&self, era: Era) -> Option<Arc<Session>> {
        self.watch.near().upgrade().filter(|near| near.era == era && !near.is_over())
    }

    fn forward(
        &self,
        session: &Arc<Session>,
        message: Arc<Message>,
        tool: Option<&Tool>,
    ) -> Result<ToUpstream, UpstreamError> {
        let route = Route {
            id: session.link()?.next_id(),
            timeout: Some(self.served.config.call_timeout),
            header_parameters: tool.map(|tool| tool.header_parameters.clone()).unwrap_or_default(),
            ..Route::default()
        };
        let (session, state) = (Arc::clone(session), Arc::clone(&self.watch.state));
        Ok(ToUpstream { session, message, state, route, hold: HOLD, begun: None, follows: true })
    }

    fn changed(&self, record: &ActionRecord) -> Verdict {
        let text = format!("people have not accepted the definition behind `{}`", record.action.operation());
        let reason = Reason::new(ReasonCode::ChangedSinceApproval, text);
        Verdict::Denied { reason, review: Some(self.review) }
    }
}
