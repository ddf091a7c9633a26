//! Who else has seen this ledger? Each witness is asked to cosign what is published, one task for each, so that a slow
//! one delays nobody. An approved action whose plan asks for witnesses waits here for their cosignatures.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use countersign_ledger::checkpoint::{Checkpoint, CheckpointError};
use countersign_ledger::note::{Note, NoteError, VerifierKey};
use countersign_ledger::witness::{AddCheckpoint, AnswerError, RequestError, conflict_size, take_answer};
use countersign_store::{Covered, StoreError};
use tokio::sync::watch;

use crate::{Gate, Inner};

/// A released action waits so long for the witnesses that its plan asks for.
pub(crate) const WITNESSED_WITHIN: Duration = Duration::from_secs(10);
/// After a failure a witness is asked again after this, then after twice as long, up to [`PAUSE_MAX`]; at once when an
/// action waits for it.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How much of a witness's complaint is told.
const COMPLAINT_CHARS: usize = 200;

/// One witness of the ledger, as it is asked. The way there is somebody else's business, its bounds in bytes and time
/// included; what it answers is verified here.
pub trait Witness: Send + Sync + 'static {
    /// The key with which it cosigns.
    fn key(&self) -> &VerifierKey;

    /// Sends the body of an `add-checkpoint` request and brings the answer.
    fn ask(
        &self,
        request: String,
    ) -> Pin<Box<dyn Future<Output = Result<WitnessAnswer, AskError>> + Send + '_>>;
}

/// Why a witness gave no answer.
pub type AskError = Box<dyn std::error::Error + Send + Sync>;

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// The witnesses, and those who wait for them.
#[derive(Debug)]
pub(crate) struct Witnesses {
    keys: Vec<VerifierKey>,
    wanted: watch::Sender<Wanted>,
    /// Counts cosignatures that were recorded.
    news: watch::Sender<u64>,
}

/// Counts what there is to cosign, and how often somebody has waited for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wanted {
    published: u64,
    urgent: u64,
}

impl Witnesses {
    pub(crate) fn new(witnesses: &[Arc<dyn Witness>]) -> Self {
        Self {
            keys: witnesses.iter().map(|witness| witness.key().clone()).collect(),
            wanted: watch::Sender::default(),
            news: watch::Sender::default(),
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.keys.len()
    }

    /// There is something new to cosign.
    pub(crate) fn tell_published(&self) {
        self.wanted.send_modify(|wanted| wanted.published = wanted.published.wrapping_add(1));
    }

    fn tell_urgent(&self) {
        self.wanted.send_modify(|wanted| wanted.urgent = wanted.urgent.wrapping_add(1));
    }
}

/// Why an action that was released does not run after all.
#[derive(Debug)]
pub(crate) enum NotWitnessed {
    /// Too few cosigned in time.
    TooFew,
    /// The store failed.
    Store(StoreError),
}

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
enum Uncosigned {
    #[error("the store can't be used")]
    Store(#[from] StoreError),
    #[error("the published checkpoint can't be read")]
    Checkpoint(#[from] CheckpointError),
    #[error("the published checkpoint can't be read")]
    Note(#[from] NoteError),
    #[error("there is no request for it")]
    Request(#[from] RequestError),
    #[error("it can't be asked")]
    Ask(#[source] AskError),
    #[error("its answer is no cosignature of its own over what it was asked about")]
    Answer(#[from] AnswerError),
    #[error("it refused with status {status}: {complaint}")]
    Refused { status: u16, complaint: String },
    #[error("it answered with status 409 and no size")]
    NoSize,
    #[error("it has moved on between two questions: does another gateway sign with this ledger's key?")]
    Moves,
    #[error(
        "it has seen {seen} entries of this ledger, which has {size}: an older copy was put back, or another gateway \
         signs with its key"
    )]
    Ahead { seen: u64, size: u64 },
    #[error(
        "it has cosigned {known} entries and says that it has seen {seen}: its state was lost or put back, so it \
         doesn't count any more; give it a new key"
    )]
    Forgot { seen: u64, known: u64 },
}

impl Gate {
    /// Asks the witnesses for as long as the gate is there.
    pub(crate) fn start_asking(&self) {
        for witness in &self.0.parts.witnesses {
            let wanted = self.0.witnesses.wanted.subscribe();
            tokio::spawn(keep_asking(Arc::downgrade(&self.0), witness.clone(), wanted));
        }
    }

    /// Waits until so many witnesses have cosigned a checkpoint that covers the entry, and gives the proof with their
    /// cosignatures. They are asked at once.
    pub(crate) async fn witnessed(&self, covered: Covered, needed: u16) -> Result<Covered, NotWitnessed> {
        if needed == 0 {
            return Ok(covered);
        }
        let witnesses = &self.0.witnesses;
        let until = self.now().plus(WITNESSED_WITHIN);
        let mut news = witnesses.news.subscribe();
        witnesses.tell_urgent();
        loop {
            let seen = self.store().witnessed(covered.index(), &witnesses.keys, needed);
            if let Some(seen) = seen.map_err(NotWitnessed::Store)? {
                return Ok(seen);
            }
            if self.now() >= until {
                return Err(NotWitnessed::TooFew);
            }
            // Both are cancel safe; the sender of news lives as long as the gate.
            tokio::select! {
                _open = news.changed() => {}
                () = self.clock().sleep_until(until) => {}
            }
        }
    }

    /// Has the newest checkpoint cosigned by this witness, and records it.
    async fn have_cosigned(&self, witness: &dyn Witness) -> Result<(), Uncosigned> {
        let Some(published) = self.store().publish(self.now()).await? else { return Ok(()) };
        let note = Note::parse(published.as_bytes())?;
        if note.signatures().iter().any(|line| line.is_by(witness.key())) {
            return Ok(());
        }
        let size = Checkpoint::from_text(note.text())?.size();
        // Another process may have published what it appended.
        if self.store().signed().is_none_or(|signed| signed.size < size) {
            self.store().sign_all().await?;
        }
        let known = self.store().cosigned_by(witness.key())?;
        if known > size {
            return Err(Uncosigned::Ahead { seen: known, size });
        }
        let mut old = known;
        // Once more when it knows another size than we thought: an answer of it may have been lost.
        for _ in 0..2 {
            let proof = self.store().consistency(old, size)?;
            let request = AddCheckpoint::new(old, proof, note.clone())?.to_string();
            let answer = witness.ask(request).await.map_err(Uncosigned::Ask)?;
            match answer.status {
                200 => return self.record_cosignature(witness, (size, &note), &answer.body).await,
                409 => {
                    let seen = conflict_size(&answer.body).ok_or(Uncosigned::NoSize)?;
                    if seen > size {
                        return Err(Uncosigned::Ahead { seen, size });
                    }
                    if seen < known {
                        return Err(Uncosigned::Forgot { seen, known });
                    }
                    old = seen;
                }
                status => return Err(Uncosigned::Refused { status, complaint: complaint(&answer.body) }),
            }
        }
        Err(Uncosigned::Moves)
    }

    async fn record_cosignature(
        &self,
        witness: &dyn Witness,
        (size, note): (u64, &Note),
        answer: &[u8],
    ) -> Result<(), Uncosigned> {
        let key = witness.key();
        let mut cosigned = Note::new(note.text().to_owned())?;
        take_answer(&mut cosigned, answer, std::slice::from_ref(key))?;
        if let Some(line) = cosigned.signatures().iter().find(|line| line.is_by(key)) {
            self.store().add_cosignature(size, key, line.clone()).await?;
            self.0.witnesses.news.send_modify(|news| *news = news.wrapping_add(1));
        }
        Ok(())
    }
}

/// Asks whenever there is something new, and again after a failure; ends with the gate.
async fn keep_asking(weak: Weak<Inner>, witness: Arc<dyn Witness>, mut wanted: watch::Receiver<Wanted>) {
    let mut pause = PAUSE;
    loop {
        let asked_for = *wanted.borrow_and_update();
        let Some(gate) = weak.upgrade().map(Gate) else { return };
        let failed = gate.have_cosigned(&*witness).await.err();
        let rest = failed.as_ref().map(|_| gate.clock().sleep_until(gate.now().plus(pause)));
        // A task that waits must not keep the gate.
        drop(gate);
        let Some(rest) = rest else {
            pause = PAUSE;
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        };
        if let Some(error) = failed {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, witness = witness.key().name(), "the ledger was not cosigned");
        }
        pause = pause.saturating_mul(2).min(PAUSE_MAX);
        // Both are cancel safe.
        tokio::select! {
            () = rest => {}
            more = wanted.wait_for(|wanted| wanted.urgent != asked_for.urgent) => if more.is_err() { return },
        }
    }
}

/// What a witness says of itself, without anything that a terminal obeys.
fn complaint(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().filter(|letter| !letter.is_control()).take(COMPLAINT_CHARS).collect()
}
