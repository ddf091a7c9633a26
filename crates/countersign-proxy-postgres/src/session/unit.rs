//! What does the client want in one go? Everything up to a `Sync`, a `Flush` or a simple query, read and judged
//! together before anything of it is sent: a statement that has to wait must not leave an earlier one holding locks.

use std::collections::HashMap;
use std::sync::Arc;

use crate::codec::WireError;
use crate::codec::frame::{Frame, Scan};
use crate::codec::front::{Front, Target};
use crate::names::{Change, Known, Names, Portal, Prepared, params};
use crate::reading::{Reader, Reading};
use crate::session::awaited::{Awaited, Owed};
use crate::session::io::Input;

/// A unit above this is judged in parts: nobody may make the gateway keep more. Bytes.
const UNIT_MAX: usize = 4 << 20;

/// Where the next unit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// So many bytes from the start, all of them complete messages.
    Unit(usize),
    /// Copied data, which belongs to a statement that was judged already.
    Copied(usize),
    /// More has to come first.
    Incomplete,
}

/// Looks for the end of the next unit.
pub(crate) fn extent(input: &mut Input) -> Result<Extent, WireError> {
    let mut at = 0;
    loop {
        let (tag, length) = match input.scan(at)? {
            Scan::Whole(frame) => (frame.tag, frame.whole.len()),
            // Data passes on its own, and only at the front: what comes before it is a unit first.
            Scan::Piece { bytes, .. } => return Ok(Extent::Copied(bytes.len())),
            Scan::Wait { .. } if at > UNIT_MAX => return Ok(Extent::Unit(at)),
            Scan::Wait { .. } => return Ok(Extent::Incomplete),
        };
        at += length;
        if matches!(tag, b'S' | b'H' | b'Q' | b'F' | b'X' | b'c' | b'f') || at > UNIT_MAX || input.data_at(at)
        {
            return Ok(Extent::Unit(at));
        }
    }
}

/// How the unit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a `Sync`.
    Sync,
    /// With a simple query, which is all of it.
    Query,
    /// The client leaves.
    Terminate,
    /// With neither; more of the same series may follow.
    Open,
}

/// A unit, read.
#[derive(Debug)]
pub(crate) struct Unit {
    /// What is sent when everything in it may run.
    pub(crate) bytes: Vec<u8>,
    /// What the server will owe for it, with the end of each message within `bytes`.
    pub(crate) owed: Vec<(usize, Awaited)>,
    /// What it runs.
    pub(crate) runs: Vec<Arc<Portal>>,
    /// Where the first message ends that may pass although the runs may not: everything before the first one that
    /// belongs to a run.
    pub(crate) harmless: usize,
    pub(crate) end: End,
    /// Holds a call of a function by number.
    pub(crate) calls_function: bool,
    /// Ends copied data.
    pub(crate) ends_copy: bool,
    /// Under which facts it was read.
    pub(crate) facts: u64,
}

/// Why a unit can't be read now.
#[derive(Debug)]
pub(crate) enum Unready {
    /// It uses a name whose definition the server has not confirmed yet.
    InFlight,
    Wire(WireError),
}

impl From<WireError> for Unready {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

/// Reads `bytes`, which [`extent`] found, against what the server has confirmed.
pub(crate) fn read(bytes: &[u8], reader: &mut Reader, names: &Names, owed: &Owed) -> Result<Unit, Unready> {
    let mut staged = Staged {
        names,
        owed,
        statements: HashMap::new(),
        portals: HashMap::new(),
        acting: Vec::new(),
        blurred: false,
    };
    let mut unit = Unit {
        bytes: bytes.to_vec(),
        owed: Vec::new(),
        runs: Vec::new(),
        harmless: usize::MAX,
        end: End::Open,
        calls_function: false,
        ends_copy: false,
        facts: reader.changes(),
    };
    let mut at = 0;
    while let Some(frame) = frame_at(bytes, at) {
        let begins = at;
        at += frame.whole.len();
        unit.take(frame, begins, at, reader, &mut staged)?;
    }
    // Planning a statement runs functions already, so what is bound and not run yet is judged now.
    for (from, portal) in staged.portals.into_values() {
        if let Some(portal) = portal {
            unit.run(portal, from);
        }
    }
    // So is what runs code by being prepared, unless it is bound here and judged with its parameters.
    for (from, prepared) in staged.acting {
        let is_of = |run: &Arc<Portal>| matches!(&run.prepared, Known::As(of) if Arc::ptr_eq(of, &prepared));
        if !unit.runs.iter().any(is_of) {
            unit.run(Portal::new(Known::As(prepared), Vec::new()), from);
        }
    }
    unit.harmless = unit.harmless.min(at);
    Ok(unit)
}

/// The complete message at `at`; [`extent`] has checked its length.
pub(super) fn frame_at(bytes: &[u8], at: usize) -> Option<Frame<'_>> {
    let rest = bytes.get(at..)?;
    let [tag, length @ ..] = rest.first_chunk::<5>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_add(1)?;
    Some(Frame { tag: *tag, whole: rest.get(..length)?, body: rest.get(5..length)? })
}

/// The name of the portal that an `Execute` runs.
pub(super) fn portal_name(frame: Frame<'_>) -> Result<&str, WireError> {
    match Front::decode(frame)? {
        Front::Execute(execute) => Ok(execute.portal),
        _ => Err(WireError::Tag(frame.tag)),
    }
}

impl Unit {
    /// Whether it is one change of rows and nothing else, so that its end can be kept open.
    pub(crate) fn is_guardable(&self) -> bool {
        let changes = matches!(self.runs.as_slice(), [run] if run.changes_rows());
        let executed =
            self.owed.iter().filter(|(_, awaited)| matches!(awaited, Awaited::Execute { .. })).count();
        let whole = match self.end {
            End::Query => true,
            End::Sync => executed == 1,
            End::Open | End::Terminate => false,
        };
        changes && whole
    }

    /// Whether it runs on what was permitted before.
    pub(crate) fn fetches_more(&self) -> bool {
        self.owed.iter().any(|(_, awaited)| matches!(awaited, Awaited::Execute { run: None, .. }))
    }

    fn take(
        &mut self,
        frame: Frame<'_>,
        begins: usize,
        ends: usize,
        reader: &mut Reader,
        staged: &mut Staged<'_>,
    ) -> Result<(), Unready> {
        let mut owe = |awaited| self.owed.push((ends, awaited));
        match Front::decode(frame)? {
            Front::Query(text) => {
                let reading = reader.read(text);
                let portal = plain(reading);
                self.run(Arc::clone(&portal), begins);
                self.owed.push((ends, Awaited::Query { upto: 0, portal: Some(portal) }));
                self.end = End::Query;
            }
            Front::Parse(parse) => {
                let reading = reader.read(parse.text);
                let prepared = Arc::new(Prepared::new(reading, parse.param_types().collect()));
                if prepared.reading.acts_when_prepared() {
                    staged.acting.push((begins, Arc::clone(&prepared)));
                }
                staged.statements.insert(parse.name.to_owned(), (begins, Some(Arc::clone(&prepared))));
                owe(Awaited::Change(Change::Parse(parse.name.to_owned(), prepared)));
            }
            Front::Bind(bind) => {
                let (statement, parsed_at) = staged.statement(bind.statement, reader)?;
                let portal = Portal::new(statement, params(&bind));
                let from = parsed_at.unwrap_or(begins).min(begins);
                staged.portals.insert(bind.portal.to_owned(), (from, Some(Arc::clone(&portal))));
                owe(Awaited::Change(Change::Bind(bind.portal.to_owned(), portal)));
            }
            Front::Execute(execute) => {
                let (portal, from) = staged.portal(execute.portal)?;
                let run =
                    (!portal.is_permitted()).then(|| self.run(Arc::clone(&portal), from.unwrap_or(begins)));
                staged.blurred |= portal.blurs();
                self.owed.push((ends, Awaited::Execute { run, portal }));
            }
            Front::Describe(Target::Statement(name)) => owe(Awaited::Describe(staged.described(name))),
            Front::Describe(Target::Portal(_)) => owe(Awaited::Describe(None)),
            Front::Close(Target::Statement(name)) => {
                staged.statements.insert(name.to_owned(), (begins, None));
                owe(Awaited::Change(Change::CloseStatement(name.to_owned())));
            }
            Front::Close(Target::Portal(name)) => {
                staged.portals.insert(name.to_owned(), (begins, None));
                owe(Awaited::Change(Change::ClosePortal(name.to_owned())));
            }
            Front::Sync => {
                owe(Awaited::Sync { upto: 0 });
                self.end = End::Sync;
            }
            Front::FunctionCall(_) => {
                self.calls_function = true;
                self.harmless = self.harmless.min(begins);
                self.end = End::Query;
            }
            Front::Terminate => self.end = End::Terminate,
            // The server ignores these where nothing is copied.
            Front::Flush | Front::CopyData(_) => {}
            Front::CopyDone | Front::CopyFail(_) => self.ends_copy = true,
            Front::Answer(_) => return Err(WireError::Tag(b'p').into()),
        }
        Ok(())
    }

    /// Notes what is run, and returns its place among the runs.
    fn run(&mut self, portal: Arc<Portal>, from: usize) -> u64 {
        self.harmless = self.harmless.min(from);
        let known = self.runs.iter().position(|run| Arc::ptr_eq(run, &portal));
        let place = known.unwrap_or_else(|| {
            self.runs.push(portal);
            self.runs.len() - 1
        });
        u64::try_from(place).unwrap_or(u64::MAX)
    }
}

/// A statement without parameters.
fn plain(reading: Arc<Reading>) -> Arc<Portal> {
    Portal::new(Known::As(Arc::new(Prepared::new(reading, Vec::new()))), Vec::new())
}

/// Names as they will be at this place of the unit, each with where its first message begins. Within a unit nobody has
/// to wait for a confirmation: when a definition fails, the server skips its uses.
struct Staged<'a> {
    names: &'a Names,
    owed: &'a Owed,
    statements: HashMap<String, (usize, Option<Arc<Prepared>>)>,
    portals: HashMap<String, (usize, Option<Arc<Portal>>)>,
    /// What runs code by being prepared, with where that begins.
    acting: Vec<(usize, Arc<Prepared>)>,
    /// SQL of this unit makes or drops prepared statements; nobody follows which.
    blurred: bool,
}

impl Staged<'_> {
    fn statement(&self, name: &str, reader: &mut Reader) -> Result<(Known, Option<usize>), Unready> {
        if self.blurred && !name.is_empty() {
            return Ok((Known::Opaque(name.to_owned()), None));
        }
        if let Some((from, staged)) = self.statements.get(name) {
            let known = match staged {
                Some(prepared) => Known::As(Arc::clone(prepared)),
                None => Known::Opaque(name.to_owned()),
            };
            return Ok((known, Some(*from)));
        }
        if self.owed.in_flight(|change| change.touches_statement(name)) {
            return Err(Unready::InFlight);
        }
        Ok((self.names.statement(name).again(reader), None))
    }

    /// The statement that the server will describe; `None` when that isn't certain.
    fn described(&self, name: &str) -> Option<Arc<Prepared>> {
        let known = match self.statements.get(name) {
            _ if self.blurred => return None,
            Some((_, staged)) => return staged.clone(),
            None if self.owed.in_flight(|change| change.touches_statement(name)) => return None,
            None => self.names.statement(name),
        };
        match known {
            Known::As(prepared) => Some(prepared),
            Known::Opaque(_) => None,
        }
    }

    fn portal(&self, name: &str) -> Result<(Arc<Portal>, Option<usize>), Unready> {
        let (from, portal) = match self.portals.get(name) {
            Some((from, portal)) => (Some(*from), portal.clone()),
            None if self.owed.in_flight(|change| change.touches_portal(name)) => {
                return Err(Unready::InFlight);
            }
            None => (None, self.names.portal(name)),
        };
        // Made by DECLARE, or not at all.
        let unknown = || Portal::new(Known::Opaque(format!("portal:{name}")), Vec::new());
        Ok((portal.unwrap_or_else(unknown), from))
    }
}
