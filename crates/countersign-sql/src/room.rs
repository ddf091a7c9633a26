//! Where is a text parsed and walked that needs more stack than the caller has?
//!
//! A deep tree is walked and dropped on a thread made for it. It is not parsed there: the parser takes one of the
//! process's 1,024 thread keys for every thread that it has ever run on and never gives it back. A few threads that stay
//! parse for all of them.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Builder;

use pg_query::protobuf::RawStmt;

use crate::bounds::MAX_DEPTH;
use crate::classified::Problem;

/// Up to this depth, parsing, walking and dropping a tree fit into 2 MiB of stack, also without optimisation (where the
/// decoder takes 40 KiB for each subquery).
const SHALLOW: usize = 30;

/// The stack of a thread for deeper texts: five times what [`MAX_DEPTH`] takes without optimisation. Untouched pages
/// cost nothing.
const ROOM: usize = 128 * 1024 * 1024;

/// How many deep texts are parsed at a time.
const PARSERS: usize = 2;

/// The depth of work that must have a thread of its own.
pub(crate) const DEEP: usize = MAX_DEPTH;

/// Whether a text of this depth needs more than the caller's stack.
pub(crate) const fn is_deep(depth: usize) -> bool {
    depth > SHALLOW
}

thread_local! {
    /// This thread was made for one text and must not run the parser.
    static IN_ROOM: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` on a text of this depth where the stack suffices: here, or on a thread of its own. `None` when no thread
/// can be had.
pub(crate) fn with_room<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> Option<T> {
    if !is_deep(depth) {
        return Some(work());
    }
    std::thread::scope(|scope| {
        let in_room = || {
            IN_ROOM.set(true);
            work()
        };
        Builder::new().stack_size(ROOM).spawn_scoped(scope, in_room).ok()?.join().ok()
    })
}

/// The statements of a text of this depth, parsed here or by one of the threads that stay.
pub(crate) fn parse(text: &str, depth: usize) -> Result<Vec<RawStmt>, Problem> {
    if is_deep(depth) || IN_ROOM.get() {
        parse_elsewhere(text).unwrap_or_else(|| Err(gave_up("no thread to parse on")))
    } else {
        parse_here(text)
    }
}

/// The decoder of the parser's trees indexes here and there; should that ever fail, the text is refused and the caller
/// goes on.
fn parse_here(text: &str) -> Result<Vec<RawStmt>, Problem> {
    match std::panic::catch_unwind(|| pg_query::parse(text, 0)) {
        Ok(Ok(parsed)) => Ok(parsed.protobuf.stmts),
        Ok(Err(error)) => Err(gave_up(&error.to_string())),
        Err(_) => Err(gave_up("the parser failed")),
    }
}

fn gave_up(message: &str) -> Problem {
    Problem::NotParsable { message: message.to_owned() }
}

type Parsed = Result<Vec<RawStmt>, Problem>;

/// One text and where its statements go.
struct Order {
    text: String,
    reply: SyncSender<Parsed>,
}

fn parse_elsewhere(text: &str) -> Option<Parsed> {
    static ORDERS: OnceLock<Option<Sender<Order>>> = OnceLock::new();
    let orders = ORDERS.get_or_init(start_parsers).as_ref()?;
    let (reply, answer) = sync_channel(1);
    orders.send(Order { text: text.to_owned(), reply }).ok()?;
    answer.recv().ok()
}

fn start_parsers() -> Option<Sender<Order>> {
    let (orders, received) = channel();
    let received = Arc::new(Mutex::new(received));
    let mut started = 0;
    for _ in 0..PARSERS {
        let received = Arc::clone(&received);
        let builder = Builder::new().name("sql-parser".to_owned()).stack_size(ROOM);
        started += usize::from(builder.spawn(move || serve(&received)).is_ok());
    }
    (started > 0).then_some(orders)
}

fn serve(received: &Mutex<Receiver<Order>>) {
    loop {
        let order = match received.lock() {
            Ok(received) => received.recv(),
            Err(_) => return,
        };
        let Ok(Order { text, reply }) = order else { return };
        // Whoever asked may be gone; then nobody needs the answer. It is dropped here, where there is room for it.
        drop(reply.send(parse_here(&text)));
    }
}
