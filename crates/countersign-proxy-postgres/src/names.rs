//! Which statements and portals does this connection hold, as far as the server has confirmed them?
//!
//! A name is bound to a text only once the server said so: after an error the server skips everything up to the next
//! `Sync`, so what the client sent is not what the server holds. Within one unit that doesn't matter, because a
//! skipped definition takes its uses with it; across units, whoever uses a name that is still in flight has to wait.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use countersign_core::Digest;

use crate::codec::Format;
use crate::codec::front::Bind;
use crate::reading::{Reader, Reading};
use crate::session::{Made, RunMask};

/// Statements or portals of one connection above this number are refused.
const NAMES_MAX: usize = 10_000;

/// A prepared statement.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The text, and what it would do.
    pub(crate) reading: Arc<Reading>,
    /// OIDs of the parameters' types, as far as the client stated them.
    pub(crate) types: Vec<u32>,
    /// The same as the server told them, once the client had asked.
    pub(crate) told: Arc<OnceLock<Vec<u32>>>,
}

impl Prepared {
    pub(crate) fn new(reading: Arc<Reading>, types: Vec<u32>) -> Self {
        Self { reading, types, told: Arc::default() }
    }

    /// The types of the parameters as far as anybody has said them; the server's word counts.
    pub(crate) fn known_types(&self) -> impl Iterator<Item = u32> {
        self.told.get().unwrap_or(&self.types).iter().copied()
    }
}

/// A statement with its parameters.
#[derive(Debug)]
pub(crate) struct Portal {
    pub(crate) prepared: Known,
    pub(crate) params: Vec<Param>,
    /// Set once its action was permitted. Statement and parameters can't change any more, so further calls of
    /// `Execute` only fetch more of the same.
    pub(crate) permitted: AtomicBool,
    /// How its result is masked; set, when it is, before it runs.
    mask: OnceLock<Arc<RunMask>>,
}

impl Portal {
    pub(crate) fn new(prepared: Known, params: Vec<Param>) -> Arc<Self> {
        Arc::new(Self { prepared, params, permitted: AtomicBool::new(false), mask: OnceLock::new() })
    }

    /// Whether it is one statement that says how many rows it changed.
    pub(crate) fn changes_rows(&self) -> bool {
        matches!(&self.prepared, Known::As(prepared) if prepared.reading.counts_rows())
    }

    /// The OID of a parameter's type, when anybody has said it.
    pub(crate) fn type_of(&self, place: usize) -> Option<u32> {
        let Known::As(prepared) = &self.prepared else { return None };
        prepared.known_types().nth(place).filter(|oid| *oid != 0)
    }

    pub(crate) fn is_permitted(&self) -> bool {
        self.permitted.load(Ordering::Relaxed)
    }

    pub(crate) fn mask(&self) -> Option<&Arc<RunMask>> {
        self.mask.get()
    }

    /// The first mask stays: the result that it belongs to can't change any more.
    pub(crate) fn mask_with(&self, mask: RunMask) {
        self.mask.get_or_init(|| Arc::new(mask));
    }

    /// Whether SQL of it makes or drops prepared statements.
    pub(crate) fn blurs(&self) -> bool {
        matches!(&self.prepared, Known::As(prepared) if prepared.reading.blurs().next().is_some())
    }

    /// The client encoding that it sets, when that is another one than UTF-8.
    pub(crate) fn other_encoding(&self) -> Option<String> {
        let Known::As(prepared) = &self.prepared else { return None };
        prepared.reading.other_encoding().map(str::to_owned)
    }

    pub(crate) fn permit(&self) {
        self.permitted.store(true, Ordering::Relaxed);
    }
}

/// One parameter; `None` is NULL.
pub(crate) type Param = (Format, Option<Vec<u8>>);

/// What a name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// This statement.
    As(Arc<Prepared>),
    /// Something that was made or dropped by SQL, or was never seen here.
    Opaque(String),
}

impl Known {
    /// The same statement as it reads now.
    pub(crate) fn again(self, reader: &mut Reader) -> Self {
        let Self::As(prepared) = &self else { return self };
        let reading = reader.again(&prepared.reading);
        if Arc::ptr_eq(&reading, &prepared.reading) {
            return self;
        }
        let (types, told) = (prepared.types.clone(), Arc::clone(&prepared.told));
        Self::As(Arc::new(Prepared { reading, types, told }))
    }
}

/// A change that holds once the server confirms it.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Parse(String, Arc<Prepared>),
    Bind(String, Arc<Portal>),
    CloseStatement(String),
    ClosePortal(String),
}

impl Change {
    pub(crate) fn touches_statement(&self, sought: &str) -> bool {
        matches!(self, Self::Parse(name, _) | Self::CloseStatement(name) if name == sought)
    }

    /// SQL makes or drops the statement of this name, or all: what was defined before is nothing to rely on.
    pub(crate) fn blur(&mut self, sought: Option<&str>) {
        if let Self::Parse(name, _) = self
            && !name.is_empty()
            && sought.is_none_or(|sought| sought == name)
        {
            *self = Self::CloseStatement(std::mem::take(name));
        }
    }

    pub(crate) fn touches_portal(&self, sought: &str) -> bool {
        matches!(self, Self::Bind(name, _) | Self::ClosePortal(name) if name == sought)
    }
}

/// What the server has confirmed.
#[derive(Debug, Default)]
pub(crate) struct Names {
    statements: HashMap<String, Known>,
    portals: HashMap<String, Arc<Portal>>,
}

/// More names than one connection may hold.
#[derive(Debug)]
pub(crate) struct TooManyNames;

impl Names {
    pub(crate) fn statement(&self, name: &str) -> Known {
        self.statements.get(name).cloned().unwrap_or_else(|| Known::Opaque(name.to_owned()))
    }

    pub(crate) fn portal(&self, name: &str) -> Option<Arc<Portal>> {
        self.portals.get(name).cloned()
    }

    /// The server confirmed it.
    pub(crate) fn apply(&mut self, change: Change) -> Result<(), TooManyNames> {
        match change {
            Change::Parse(name, prepared) => {
                self.statements.insert(name, Known::As(prepared));
            }
            Change::Bind(name, portal) => {
                self.portals.insert(name, portal);
            }
            Change::CloseStatement(name) => {
                self.statements.remove(&name);
            }
            Change::ClosePortal(name) => {
                self.portals.remove(&name);
            }
        }
        if self.statements.len() > NAMES_MAX || self.portals.len() > NAMES_MAX {
            return Err(TooManyNames);
        }
        Ok(())
    }

    /// SQL made, dropped or replaced a prepared statement of this name, or all of them; whether it succeeded is not
    /// known here, so the name stands for nothing that could pass unasked.
    pub(crate) fn blur(&mut self, name: Option<&str>) {
        match name {
            Some(name) => {
                self.statements.insert(name.to_owned(), Known::Opaque(name.to_owned()));
            }
            None => self.statements.clear(),
        }
    }

    /// Somebody's function may have made, dropped or replaced any of them. What the server tells to be SQL's, and a portal
    /// that is not of the text that it was bound to, stands for nothing any more.
    pub(crate) fn distrust(&mut self, made: &Made) {
        match &made.statements {
            Some(names) => names.iter().for_each(|name| self.blur(Some(name))),
            None => self.blur(None),
        }
        self.portals.retain(|name, portal| {
            let Known::As(prepared) = &portal.prepared else { return false };
            let text = Digest::of(prepared.reading.text.as_bytes()).hex();
            made.portals.as_ref().and_then(|told| told.get(name)).is_some_and(|told| *told == text)
        });
    }

    /// Portals end with their transaction.
    pub(crate) fn end_portals(&mut self) {
        self.portals.clear();
    }
}

/// The parameters of a `Bind`, kept beyond its buffer.
pub(crate) fn params(bind: &Bind<'_>) -> Vec<Param> {
    bind.params().map(|(format, value)| (format, value.map(<[u8]>::to_vec))).collect()
}
