//! Where does an allowed action leave its trace before it runs? In a file that only grows: one write, no wait.
//!
//! What is appended here is with the operating system before the action runs, so a crash of the process loses
//! nothing. The writer moves it into the database within [`crate::writer`]'s delay and notes in the same
//! transaction how far it has come; after a crash [`Journal::open`] hands back the rest. Two files take turns: one
//! grows while the other, once all of it has been moved, is emptied.
//!
//! A frame is `length u32 | check [u8; 8] | sequence u64 | body`, numbers in big-endian; the length is the body's, the
//! check is the beginning of SHA-256 over what follows it. Reading stops at the first frame that is not whole.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use crate::{Faults, StoreError};

/// A file of this size is left for the other one. Bytes.
const TURN_AT: u64 = 8 << 20;
/// More than this is never kept waiting for the database. Bytes.
const WAITING_MAX: usize = 64 << 20;
/// While more than this waits, those who can wait do. Bytes.
const WAITING_WANTED: usize = 16 << 20;
pub(crate) const NAMES: [&str; 2] = ["journal-a", "journal-b"];

/// Something that was appended and waits to be moved.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    pub(crate) seq: u64,
    /// Whether the frame of this number is its own, so that another process can find it in the file.
    pub(crate) framed: bool,
    pub(crate) bytes: usize,
    pub(crate) item: T,
}

pub(crate) struct Journal<T> {
    inner: Mutex<Inner<T>>,
    /// Told when less waits than before, or nothing is taken any more.
    room: Notify,
    faults: Option<Arc<dyn Faults>>,
}

struct Inner<T> {
    /// None in a process that records no actions: the files are another's.
    files: Option<[Turn; 2]>,
    active: usize,
    next: u64,
    /// Up to here everything is in the database.
    moved: u64,
    waiting: Vec<Waiting<T>>,
    waiting_bytes: usize,
    /// Set while nothing may be appended: the file or the database fails.
    refused: Option<String>,
}

/// One of the two files.
struct Turn {
    file: File,
    bytes: u64,
    last: u64,
}

/// Frames that a crash left behind, in order.
pub(crate) type Left = Vec<(u64, Vec<u8>)>;

impl<T> Journal<T> {
    /// Opens the two files of `folder` and hands back what is in them after `moved`.
    pub(crate) fn open(
        folder: &Path,
        moved: u64,
        faults: Option<Arc<dyn Faults>>,
    ) -> Result<(Self, Left), StoreError> {
        let mut left = Left::new();
        let mut next = moved.saturating_add(1);
        let mut turns = Vec::new();
        for name in NAMES {
            let mut file = std::fs::OpenOptions::new()
                .create(true)
                .read(true)
                .append(true)
                .open(folder.join(name))
                .map_err(failed)?;
            let mut bytes = Vec::new();
            let size = file.metadata().map_err(failed)?.len();
            (&mut file).take(size).read_to_end(&mut bytes).map_err(failed)?;
            let (frames, whole) = frames(&bytes);
            // Half a frame, from a write that the crash cut short, would hide all that follow it.
            file.set_len(whole).map_err(failed)?;
            let last = frames.last().map_or(0, |(seq, _)| *seq);
            next = next.max(last.saturating_add(1));
            left.extend(frames.into_iter().filter(|(seq, _)| *seq > moved));
            turns.push(Turn { file, bytes: whole, last });
        }
        left.sort_by_key(|(seq, _)| *seq);
        let [a, b] = <[Turn; 2]>::try_from(turns).map_err(|_two_names| StoreError::Closed)?;
        Ok((
            Self { inner: Mutex::new(Inner::new(Some([a, b]), next, moved)), room: Notify::new(), faults },
            left,
        ))
    }

    /// The journal of a process that records no actions. The gateway may be appending to the files at this moment, so
    /// nobody else reads, moves or mends them.
    pub(crate) fn of_another() -> Self {
        Self { inner: Mutex::new(Inner::new(None, 1, 0)), room: Notify::new(), faults: None }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands `body` to the operating system and puts `item` in line for the database. True when the line was empty,
    /// so that somebody must wake the writer.
    pub(crate) fn append(&self, body: &[u8], item: T) -> Result<bool, StoreError> {
        if let Some(faults) = &self.faults {
            faults.before("journal").map_err(failed)?;
        }
        let mut inner = self.inner();
        if let Some(why) = &inner.refused {
            return Err(StoreError::NotCommitted(why.clone()));
        }
        if inner.waiting_bytes > WAITING_MAX {
            return Err(StoreError::NotCommitted("the disk is too far behind".to_owned()));
        }
        let seq = inner.next;
        inner.write(seq, body)?;
        let first = inner.waiting.is_empty();
        inner.waiting_bytes += body.len();
        inner.waiting.push(Waiting { seq, framed: true, bytes: body.len(), item });
        Ok(first)
    }

    /// Puts `item` in line for the database without a write of its own: a crash loses it, and so does a line that
    /// takes nothing. True when the line was empty, so that somebody must wake the writer.
    pub(crate) fn append_soon(&self, bytes: usize, item: T) -> bool {
        let mut inner = self.inner();
        if inner.refused.is_some() || inner.waiting_bytes > WAITING_MAX {
            return false;
        }
        let first = inner.waiting.is_empty();
        let seq = inner.next.saturating_sub(1);
        inner.waiting_bytes += bytes;
        inner.waiting.push(Waiting { seq, framed: false, bytes, item });
        first
    }

    /// Everything in line, oldest first.
    pub(crate) fn take(&self) -> Vec<Waiting<T>> {
        std::mem::take(&mut self.inner().waiting)
    }

    /// What was taken up to `seq` is in the database for good.
    pub(crate) fn moved(&self, seq: u64, bytes: usize) {
        let mut inner = self.inner();
        inner.moved = inner.moved.max(seq);
        inner.waiting_bytes = inner.waiting_bytes.saturating_sub(bytes);
        inner.refused = None;
        drop(inner);
        self.room.notify_waiters();
    }

    /// Returns when the database has come near enough for more, or nothing is taken any more: whoever is faster than the
    /// disk waits for it, and is not turned away.
    pub(crate) async fn has_room(&self) {
        loop {
            // Made before the look, so that nothing told in between is missed.
            let told = self.room.notified();
            {
                let inner = self.inner();
                if inner.waiting_bytes <= WAITING_WANTED || inner.refused.is_some() {
                    return;
                }
            }
            told.await;
        }
    }

    /// So many bytes of what was taken turned out to be in the database already.
    pub(crate) fn moved_by_another(&self, bytes: usize) {
        let mut inner = self.inner();
        inner.waiting_bytes = inner.waiting_bytes.saturating_sub(bytes);
        drop(inner);
        self.room.notify_waiters();
    }

    /// The database fails: nothing more is taken until it works again.
    pub(crate) fn refuse(&self, why: String) {
        self.inner().refused = Some(why);
        self.room.notify_waiters();
    }

    /// Whether everything that was appended is in the database.
    pub(crate) fn is_moved(&self) -> bool {
        let inner = self.inner();
        inner.waiting_bytes == 0 && inner.waiting.is_empty() && inner.moved.saturating_add(1) >= inner.next
    }

    /// Empties both files, once everything in them is in the database for good.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        let mut inner = self.inner();
        let moved = inner.moved;
        for turn in inner.files.iter_mut().flatten() {
            if turn.last <= moved {
                turn.clear().map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl<T> Inner<T> {
    fn new(files: Option<[Turn; 2]>, next: u64, moved: u64) -> Self {
        Self { files, active: 0, next, moved, waiting: Vec::new(), waiting_bytes: 0, refused: None }
    }

    fn write(&mut self, seq: u64, body: &[u8]) -> Result<(), StoreError> {
        self.take_turns()?;
        let length =
            u32::try_from(body.len()).map_err(|_cause| failed(std::io::ErrorKind::FileTooLarge.into()))?;
        let seq_bytes = seq.to_be_bytes();
        let check = check(&[&seq_bytes, body]);
        let frame = [length.to_be_bytes().as_slice(), &check, &seq_bytes, body].concat();
        let Some([a, b]) = &mut self.files else { return Err(not_ours()) };
        let turn = if self.active == 0 { a } else { b };
        if let Err(error) = turn.file.write_all(&frame) {
            // Half a frame would hide all that follow it.
            if let Err(stuck) = turn.file.set_len(turn.bytes) {
                self.refused = Some(format!("the journal can't be mended: {stuck}"));
            }
            return Err(failed(error));
        }
        turn.bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX);
        turn.last = seq;
        self.next = seq.saturating_add(1);
        Ok(())
    }

    fn take_turns(&mut self) -> Result<(), StoreError> {
        let Some([a, b]) = &mut self.files else { return Err(not_ours()) };
        let (active, other) = if self.active == 0 { (a, b) } else { (b, a) };
        if active.bytes >= TURN_AT && other.last <= self.moved {
            other.clear().map_err(failed)?;
            self.active = 1 - self.active;
        }
        Ok(())
    }
}

impl Turn {
    fn clear(&mut self) -> std::io::Result<()> {
        if self.bytes > 0 {
            self.file.set_len(0)?;
            self.bytes = 0;
        }
        Ok(())
    }
}

fn not_ours() -> StoreError {
    StoreError::NotCommitted("only the gateway records actions".to_owned())
}

fn failed(source: std::io::Error) -> StoreError {
    StoreError::Write { point: "journal", source }
}

fn check(covered: &[&[u8]]) -> [u8; 8] {
    let digest = covered.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    *digest.first_chunk().unwrap_or(&[0; 8])
}

/// The whole frames at the beginning of `bytes`, and where they end.
fn frames(bytes: &[u8]) -> (Left, u64) {
    let mut frames = Left::new();
    let mut rest = bytes;
    while let Some((seq, body, after)) = frame(rest) {
        frames.push((seq, body.to_vec()));
        rest = after;
    }
    let whole = bytes.len().saturating_sub(rest.len());
    (frames, u64::try_from(whole).unwrap_or(u64::MAX))
}

fn frame(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (found, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (covered, rest) = rest.split_at_checked(length.checked_add(8)?)?;
    let (seq, body) = covered.split_first_chunk::<8>()?;
    (check(&[covered]) == *found).then_some((u64::from_be_bytes(*seq), body, rest))
}

#[cfg(test)]
mod tests;
