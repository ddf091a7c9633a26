//! One client and its server: which bytes go where, and when? Units of the client are read, judged and sent; answers of
//! the server go back as they come.
//!
//! `unit.rs` says what the client wants in one go, `draft.rs` which action that is, `judged.rs` and `ask.rs` take it
//! through the gate, `send.rs` puts it in line with what the server owes for it, and `replies.rs` follows the server's
//! answers. A denial is answered by the server itself: a statement that can't be parsed stands for the denied one, so
//! that transactions end exactly as they would have, and its error is rewritten.

mod again;
mod ask;
mod awaited;
mod doubt;
mod draft;
mod guard;
mod io;
mod judged;
mod masks;
mod meaning;
mod replies;
mod send;
mod unit;
mod within;

use std::io as std_io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use countersign_core::{Principal, Timestamp};
use tokio::sync::mpsc;

use crate::codec::frame::Rules;
use crate::codec::{ServerKey, TransactionStatus, WireError};
use crate::explain;
use crate::names::Names;
use crate::reading::{Facts, Reader};
use crate::served::Served;
use crate::wire::Wire;
use ask::{Ask, Event, Looking};
use awaited::{Flight, Owed};
pub(crate) use doubt::Footing;
pub(crate) use draft::{Setting, draft, facts};
use io::Side;
pub(crate) use masks::RunMask;
pub(crate) use meaning::{Made, QUESTION as MEANING_QUESTION, parse as parse_meaning};
use unit::{Extent, Unready};

/// While a unit waits, so many bytes of what follows are kept; the client has to wait with the rest.
const AHEAD_MAX: usize = 64 * 1024;

/// So many turns in a row, bytes go before everything else: mostly nothing else is there, and asking costs time.
const HASTY_TURNS_MAX: u32 = 16;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// The client said good-bye or closed the connection.
    #[error("the client left")]
    Left,
    #[error("the client's connection broke")]
    Client(#[source] std_io::Error),
    #[error("the server's connection ended")]
    Server(#[source] std_io::Error),
    #[error("the client broke the protocol")]
    Broken(#[source] WireError),
    #[error("the server broke the protocol: {0}")]
    Confused(String),
    #[error("the agent's credential no longer stands")]
    Revoked,
    /// A statement changed it in a way that its text didn't tell.
    #[error("the client's encoding became `{0}`")]
    Encoding(String),
    /// Ending the connection undoes the transaction of a result that began.
    #[error("a result can't be masked")]
    Unmaskable(#[from] crate::masking::Unmaskable),
}

/// What a session is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) served: Arc<Served>,
    pub(crate) principal: Principal,
    pub(crate) client: Wire,
    pub(crate) server: Wire,
    pub(crate) server_key: Option<ServerKey>,
    pub(crate) facts: Facts,
    pub(crate) cancels: mpsc::Receiver<()>,
}

/// One connection of an agent.
#[derive(Debug)]
pub(crate) struct Session {
    served: Arc<Served>,
    principal: Principal,
    client: Side,
    server: Side,
    server_key: Option<ServerKey>,
    cancels: mpsc::Receiver<()>,
    reader: Reader,
    names: Names,
    owed: Owed,
    status: TransactionStatus,
    /// Since when the open transaction is open.
    open_since: Option<Timestamp>,
    /// What comes is dropped up to the next `Sync`, as the server would.
    skipping: bool,
    /// Something was sent after the last `Sync`, and the server waits for the next one.
    in_series: bool,
    /// What stands at the front of the client's bytes waits for something, and needs no more bytes.
    stuck: bool,
    /// The server waits for copied data, and ignores `Sync` meanwhile.
    copying_in: bool,
    meaning: meaning::Upkeep,
    masks: masks::Masks,
    ask: Option<Ask>,
    /// A unit that may run, if it still does what was approved.
    approved: Option<again::Approved>,
    /// A change that is under way and whose end is kept open.
    guard: Option<guard::Guard>,
    /// A unit of which it is being found out what it would touch.
    looking: Option<Looking>,
    asks: u64,
    /// Turns in which bytes went first, in a row.
    hasty_turns: u32,
    /// Answered, and not told to anybody yet.
    landed: Vec<(Flight, u64)>,
    events: mpsc::UnboundedReceiver<Event>,
    teller: mpsc::UnboundedSender<Event>,
    /// Tasks of the gate that still record an outcome.
    passing: Vec<(u64, ask::Passing)>,
    leaving: bool,
    stands_until: Timestamp,
    standing: Timer,
}

/// What woke the session up.
enum Turn {
    Io(Result<Moved, Ended>),
    Event(Event),
    Cancel,
    Remind,
    Standing,
}

/// Ends when the agent's credential has to be looked at again.
struct Timer(Pin<Box<dyn Future<Output = ()> + Send>>);

impl std::fmt::Debug for Timer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Timer")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    Client,
    Server,
}

impl Session {
    pub(crate) fn new(parts: Parts) -> Self {
        let (teller, events) = mpsc::unbounded_channel();
        let now = parts.served.now();
        let standing = Timer(parts.served.clock().sleep_until(now));
        Self {
            served: parts.served,
            principal: parts.principal,
            client: Side::new(parts.client, Rules::client()),
            server: Side::new(parts.server, Rules::server()),
            server_key: parts.server_key,
            cancels: parts.cancels,
            reader: Reader::new(parts.facts),
            names: Names::default(),
            owed: Owed::default(),
            status: TransactionStatus::Idle,
            open_since: None,
            skipping: false,
            in_series: false,
            stuck: false,
            copying_in: false,
            meaning: meaning::Upkeep::default(),
            masks: masks::Masks::default(),
            ask: None,
            approved: None,
            looking: None,
            guard: None,
            asks: 0,
            hasty_turns: 0,
            landed: Vec::new(),
            events,
            teller,
            passing: Vec::new(),
            leaving: false,
            stands_until: now,
            standing,
        }
    }

    /// Runs until one side ends, and tells the client why when the gateway ends it.
    pub(crate) async fn run(mut self) -> Ended {
        let ended = loop {
            if let Err(ended) = self.step().await {
                break ended;
            }
        };
        self.drop_approved();
        self.expire_catalog_at_end();
        self.land_all();
        self.settle_unknown();
        // Who has said good-bye hears nothing more.
        let ended = if self.leaving && matches!(ended, Ended::Server(_)) { Ended::Left } else { ended };
        self.farewell(&ended).await;
        ended
    }

    async fn step(&mut self) -> Result<(), Ended> {
        match self.turn().await {
            Turn::Io(moved) => match moved? {
                Moved::Client => self.advance(),
                Moved::Server => {
                    self.take_replies()?;
                    // The client goes on while the outcome is noted.
                    self.client.send_at_once().map_err(Ended::Client)?;
                    self.land_all();
                    self.advance()
                }
            },
            Turn::Event(event) => self.heard(event),
            Turn::Cancel => self.cancelled(),
            Turn::Remind => self.remind(),
            Turn::Standing => {
                self.check_standing()?;
                // Where it is not read, its end stands behind what it has sent ahead.
                if !self.leaving && !self.reads_client() && self.client.has_ended() {
                    return Err(Ended::Left);
                }
                self.standing = Timer(self.served.clock().sleep_until(self.stands_until));
                Ok(())
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        let clock = Arc::clone(self.served.clock());
        let remind_at = self.ask.as_ref().and_then(|ask| ask.remind_at);
        let mut reminder = remind_at.map(|at| clock.sleep_until(at));
        // All are cancel safe: bytes are kept in the sides, events in their channels.
        let turn = std::future::poll_fn(|cx| {
            let hasty = self.hasty_turns < HASTY_TURNS_MAX;
            if hasty && let Poll::Ready(moved) = self.poll_io(cx) {
                return Poll::Ready(Turn::Io(moved));
            }
            if let Poll::Ready(Some(event)) = self.events.poll_recv(cx) {
                return Poll::Ready(Turn::Event(event));
            }
            if let Poll::Ready(Some(())) = self.cancels.poll_recv(cx) {
                return Poll::Ready(Turn::Cancel);
            }
            if let Some(reminder) = &mut reminder
                && reminder.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Turn::Remind);
            }
            if self.standing.0.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Turn::Standing);
            }
            if hasty { Poll::Pending } else { self.poll_io(cx).map(Turn::Io) }
        })
        .await;
        let hasty = matches!(turn, Turn::Io(_)) && self.hasty_turns < HASTY_TURNS_MAX;
        self.hasty_turns = if hasty { self.hasty_turns + 1 } else { 0 };
        turn
    }

    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<Moved, Ended>> {
        // Both are sent first, so that what was decided is on its way before anything new is read.
        if let Poll::Ready(Err(error)) = self.client.poll_send(cx) {
            return Poll::Ready(Err(Ended::Client(error)));
        }
        if let Poll::Ready(Err(error)) = self.server.poll_send(cx) {
            return Poll::Ready(Err(Ended::Server(error)));
        }
        if !self.client.is_backlogged()
            && let Poll::Ready(read) = self.server.poll_receive(cx)
        {
            return Poll::Ready(read.and_then(some).map(|()| Moved::Server).map_err(Ended::Server));
        }
        if self.reads_client()
            && !self.server.is_backlogged()
            && let Poll::Ready(read) = self.client.poll_receive(cx)
        {
            return Poll::Ready(match read {
                Ok(0) => Err(Ended::Left),
                Ok(_) => Ok(Moved::Client),
                Err(error) => Err(Ended::Client(error)),
            });
        }
        Poll::Pending
    }

    /// While a unit waits, the client is read only to notice that it leaves.
    fn reads_client(&self) -> bool {
        let waits = self.stuck
            || self.ask.is_some()
            || self.approved.is_some()
            || self.looking.is_some()
            || self.guard.is_some()
            || self.meaning.is_asking();
        !self.leaving && (!waits || self.client.input.unread().len() < AHEAD_MAX)
    }

    /// Takes up what the client has sent for as long as nothing has to be waited for.
    fn advance(&mut self) -> Result<(), Ended> {
        self.stuck = false;
        if !self.run_approved()? {
            return Ok(());
        }
        while self.ask.is_none() && self.looking.is_none() && self.guard.is_none() && !self.leaving {
            if self.must_ask_meaning() {
                self.ask_meaning();
            }
            if self.meaning.is_asking() {
                return Ok(());
            }
            let went_on = match unit::extent(&mut self.client.input).map_err(Ended::Broken)? {
                Extent::Incomplete => false,
                Extent::Copied(bytes) => self.pass_copied(bytes),
                Extent::Unit(bytes) => {
                    let taken = self.take_unit(bytes)?;
                    self.stuck = !taken;
                    taken
                }
            };
            if !went_on {
                break;
            }
        }
        Ok(())
    }

    /// Copied data needs no look: the statement that takes it was judged.
    fn pass_copied(&mut self, bytes: usize) -> bool {
        let data = self.client.input.lend();
        let span = self.client.input.span();
        let end = span.start.saturating_add(bytes).min(span.end);
        if !self.skipping {
            self.out_copied(data.get(span.start..end).unwrap_or_default());
        }
        self.client.input.give_back(data);
        self.client.input.consume(bytes);
        true
    }

    /// False when the unit has to stay where it is for now.
    fn take_unit(&mut self, bytes: usize) -> Result<bool, Ended> {
        if !self.knows_the_moment() {
            return Ok(false);
        }
        let buffer = self.client.input.lend();
        let start = self.client.input.span().start;
        let slice = buffer.get(start..start.saturating_add(bytes)).unwrap_or_default();
        let unit = unit::read(slice, &mut self.reader, &self.names, &self.owed);
        self.client.input.give_back(buffer);
        let unit = match unit {
            Ok(unit) => unit,
            Err(Unready::InFlight) => return Ok(false),
            Err(Unready::Wire(error)) => return Err(Ended::Broken(error)),
        };
        if self.skipping {
            self.client.input.consume(bytes);
            self.skip(&unit);
            return Ok(true);
        }
        // The server takes nothing but data now, and loses track of whoever sends something else.
        if self.copying_in && !unit.runs.is_empty() {
            let tag = unit.bytes.first().copied().unwrap_or_default();
            return Err(Ended::Broken(WireError::Tag(tag)));
        }
        // A statement that has to wait is asked for only when everything before it has been answered.
        let answers = self.standing_answers(&unit);
        // Nor before the outcome of what was asked for last is recorded: the same statement would find that review still
        // open, and hear that it ran already.
        let settled = self.owed.is_quiet() && self.passing.is_empty();
        if !unit.runs.is_empty() && answers.is_none() && !settled {
            return Ok(false);
        }
        self.client.input.consume(bytes);
        match answers {
            Some(answers) if !unit.runs.is_empty() => self.pass(unit, &answers)?,
            _ => self.begin(unit)?,
        }
        Ok(true)
    }

    /// A credential that was revoked ends the session, at the latest a second later.
    fn check_standing(&mut self) -> Result<(), Ended> {
        let now = self.served.now();
        if now < self.stands_until {
            return Ok(());
        }
        if !self.served.agent_stands(&self.principal, now) {
            return Err(Ended::Revoked);
        }
        self.stands_until = now.plus(std::time::Duration::from_secs(1));
        Ok(())
    }

    /// Last words, as far as the client still listens.
    async fn farewell(&mut self, ended: &Ended) {
        let complaint = match ended {
            Ended::Left | Ended::Client(_) => None,
            Ended::Broken(error) => Some(crate::login::deny::protocol_violation(error)),
            Ended::Server(_) | Ended::Confused(_) => Some(explain::lost_server()),
            Ended::Unmaskable(why) => Some(explain::unmaskable_result(why)),
            Ended::Encoding(encoding) => Some(explain::only_utf8(encoding)),
            Ended::Revoked => {
                Some(crate::login::deny::closing("the agent's credential was revoked or has expired"))
            }
        };
        if let Some(complaint) = complaint {
            let mut bytes = Vec::new();
            complaint.encode_error(&mut bytes);
            self.client.send(&bytes);
        }
        let closing = std::future::poll_fn(|cx| self.client.poll_close(cx));
        let patience =
            self.served.clock().sleep_until(self.served.now().plus(std::time::Duration::from_secs(1)));
        tokio::select! {
            _closed = closing => {}
            () = patience => {}
        }
    }
}

fn some(read: usize) -> std_io::Result<()> {
    if read == 0 { Err(std_io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
