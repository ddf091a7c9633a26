//! How do bytes come in and go out? Two connections in one task; whoever can't take more slows the other down, and
//! neither ever waits for the other while it could do something.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::codec::WireError;
use crate::codec::frame::{Rules, Scan, Scanner};
use crate::wire::Wire;

/// What one read takes at most, and the size that a buffer shrinks back to. Bytes.
const CHUNK: usize = 16 * 1024;
/// While so much waits to be sent to one side, nothing more is read from the other. Bytes.
const BACKLOG_MAX: usize = 256 * 1024;

/// One of the two connections.
#[derive(Debug)]
pub(crate) struct Side {
    wire: Wire,
    pub(crate) input: Input,
    out: Vec<u8>,
    sent: usize,
}

impl Side {
    pub(crate) fn new(wire: Wire, rules: Rules) -> Self {
        Self { wire, input: Input::new(rules), out: Vec::new(), sent: 0 }
    }

    /// Puts bytes in line to be sent.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Whether the peer is gone, as far as that can be known without reading.
    pub(crate) fn has_ended(&self) -> bool {
        self.wire.has_ended()
    }

    pub(crate) fn is_backlogged(&self) -> bool {
        self.out.len() - self.sent > BACKLOG_MAX
    }

    /// Sends what is in line for as long as the peer takes it.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.out.get(self.sent..).filter(|left| !left.is_empty()) {
            let sent = ready!(Pin::new(&mut self.wire).poll_write(cx, left))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        self.out.clear();
        self.sent = 0;
        if self.out.capacity() > 4 * BACKLOG_MAX {
            self.out = Vec::new();
        }
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    /// Sends what the peer takes without waiting; the rest stays in line.
    pub(crate) fn send_at_once(&mut self) -> io::Result<()> {
        match self.poll_send(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Ok(()),
        }
    }

    /// Reads what has come; zero bytes are the end.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.poll_fill(&mut self.wire, cx)
    }

    /// The connection ends in good order.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

/// Bytes that were received and not dealt with.
#[derive(Debug)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    scanner: Scanner,
    pub(crate) rules: Arc<Rules>,
    /// At least so many bytes more are needed before something can be done.
    missing: usize,
}

impl Input {
    fn new(rules: Rules) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            end: 0,
            scanner: Scanner::default(),
            rules: Arc::new(rules),
            missing: 1,
        }
    }

    fn poll_fill(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.make_room();
        let spare = self.bytes.get_mut(self.end..).unwrap_or_default();
        let mut buffer = ReadBuf::new(spare);
        ready!(Pin::new(wire).poll_read(cx, &mut buffer))?;
        let read = buffer.filled().len();
        self.end += read;
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > CHUNK && self.missing <= CHUNK {
                self.bytes = Vec::new();
            }
        }
        let wanted = self.missing.max(1);
        if self.bytes.len() - self.end < wanted {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            let room = (self.end + wanted).max(CHUNK);
            if self.bytes.len() < room {
                self.bytes.resize(room, 0);
            }
        }
    }

    /// Hands everything out, so that what is found in it can be dealt with while the session changes.
    pub(crate) fn borrow_all(&mut self) -> Loan {
        Loan {
            bytes: std::mem::take(&mut self.bytes),
            scanner: std::mem::take(&mut self.scanner),
            rules: Arc::clone(&self.rules),
            at: self.start,
            end: self.end,
            missing: self.missing,
        }
    }

    /// Takes it back, as far as it was dealt with.
    pub(crate) fn put_back(&mut self, loan: Loan) {
        self.bytes = loan.bytes;
        self.scanner = loan.scanner;
        self.start = loan.at;
        self.missing = loan.missing;
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// These bytes were dealt with.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    /// Lends the bytes, so that what is read from them can be dealt with while the session changes.
    pub(crate) fn lend(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(crate) fn give_back(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.start..self.end
    }

    /// What begins at `at` bytes behind the first that was not dealt with.
    pub(crate) fn scan(&mut self, at: usize) -> Result<Scan<'_>, WireError> {
        let unread = self.bytes.get(self.start + at..self.end).unwrap_or_default();
        let scan = self.scanner.scan(&self.rules, unread)?;
        if let Scan::Wait { missing } = scan {
            self.missing = missing;
        }
        Ok(scan)
    }

    /// Whether a message with copied data begins at `at`.
    pub(crate) fn data_at(&self, at: usize) -> bool {
        self.unread().get(at) == Some(&b'd')
    }
}

/// The bytes of an [`Input`] while they are dealt with.
#[derive(Debug)]
pub(crate) struct Loan {
    bytes: Vec<u8>,
    scanner: Scanner,
    rules: Arc<Rules>,
    at: usize,
    end: usize,
    missing: usize,
}

/// What stands next in a [`Loan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A complete message; where its body is.
    Whole { tag: u8, body: Range<usize> },
    /// A piece of a message that passes unread.
    Passing { tag: u8 },
    /// Nothing more that is complete.
    Nothing,
}

impl Loan {
    /// Where the next message begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Goes on behind the next message, or the piece of it that is there.
    pub(crate) fn next(&mut self) -> Result<Found, WireError> {
        let unread = self.bytes.get(self.at..self.end).unwrap_or_default();
        match self.scanner.scan(&self.rules, unread)? {
            Scan::Whole(frame) => {
                let end = self.at + frame.whole.len();
                let found = Found::Whole { tag: frame.tag, body: end - frame.body.len()..end };
                self.at = end;
                Ok(found)
            }
            Scan::Piece { tag, bytes, .. } => {
                self.at += bytes.len();
                Ok(Found::Passing { tag })
            }
            Scan::Wait { missing } => {
                self.missing = missing;
                Ok(Found::Nothing)
            }
        }
    }
}
