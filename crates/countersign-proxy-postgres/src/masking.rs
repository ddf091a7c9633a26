//! Which values of a result must an agent not read, and what does it read instead?
//!
//! [`Rules`] are what policy asks for. [`Lineage`] is what the database says about its columns: their numbers, and what
//! stands behind those of views. Both together are a [`Kit`], made once and shared. A [`Plan`] says per column of one
//! result what happens, from the `RowDescription` that the server gave for exactly this result: a column is what its
//! table OID and number say, never what it is called there. `row.rs` rewrites rows, `copy.rs` copied data, `text.rs`
//! errors, notices and notifications.
//!
//! Nothing here knows a socket. What can't be masked is an error, and the session then sends nothing of it.
//!
//! | a column of a result | becomes |
//! |---|---|
//! | comes from a column that a rule names, also through views, children and partitions | masked by the rule's mode |
//! | the same, of a type that isn't text or JSON | NULL |
//! | is `count(*)` of a statement that does nothing else | as it is |
//! | is computed, or a whole row, and the statement touches a relation with such a column, runs somebody's function, or can't be known | NULL |
//! | belongs to a relation that nobody knows | NULL |
//! | anything else of a type that can hold text | searched, when a rule asks for it |

mod copy;
mod counting;
mod definition;
mod form;
mod kit;
mod lineage;
mod plan;
mod row;
mod tags;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use countersign_core::{Mask, MaskMode, Masked, Terms};
use countersign_mask::{Kind, Mode};

pub(crate) use copy::CopyMask;
#[cfg(test)]
use form::CopyForm;
pub(crate) use kit::{Kit, Kits, Tools};
pub(crate) use lineage::{LINEAGE_QUERY, Lineage};
pub(crate) use plan::{Plan, Tally, Trust};
pub(crate) use row::rewrite_row;
pub(crate) use text::{Known, fault, notification};

/// Why a result can't be masked. Nothing of it is sent then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unmaskable {
    #[error("policy asks to mask `{0}`, and nobody here knows what that is")]
    Rule(String),
    #[error(
        "the columns of a COPY of a query over masked columns can't be known; use SELECT, or COPY a table"
    )]
    CopyQuery,
    #[error("this form of COPY can't be masked; use text or CSV with no option but HEADER and DELIMITER")]
    CopyForm,
    #[error("definitions have changed in this transaction, so nobody knows what would be copied")]
    Unknown,
    #[error("a row doesn't have the columns that were described")]
    Shape,
    #[error("a row of copied data is too long to be masked")]
    TooLong,
    #[error("a row can't be written")]
    Write,
}

/// What policy asks to be masked, each with the strictest of its modes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules(BTreeMap<Masked, MaskMode>);

impl Rules {
    pub(crate) fn of(terms: &Terms) -> Self {
        Self(terms.masks().into_iter().map(|(what, mode)| (what.clone(), mode)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Both, the stricter mode of each.
    pub(crate) fn join(&mut self, other: &Self) {
        for (what, mode) in &other.0 {
            let strictest = self.0.entry(what.clone()).or_insert(*mode);
            *strictest = (*strictest).max(*mode);
        }
    }

    fn columns(&self) -> impl Iterator<Item = (&str, MaskMode)> {
        self.0.iter().filter_map(|(what, mode)| match what {
            Masked::Column(name) => Some((name.as_str(), *mode)),
            Masked::Content(_) => None,
        })
    }

    /// The kinds of content for each mode, the strictest mode first.
    fn content(&self) -> Result<Vec<(MaskMode, Vec<Kind>)>, Unmaskable> {
        let mut modes: BTreeMap<MaskMode, Vec<Kind>> = BTreeMap::new();
        for (what, mode) in &self.0 {
            if let Masked::Content(name) = what {
                let kind = name.parse().map_err(|_unknown| Unmaskable::Rule(name.clone()))?;
                modes.entry(*mode).or_default().push(kind);
            }
        }
        Ok(modes.into_iter().rev().collect())
    }
}

/// Whether this can be done here.
pub(crate) fn is_understood(mask: &Mask) -> bool {
    match &mask.what {
        Masked::Column(_) => true,
        Masked::Content(name) => name.parse::<Kind>().is_ok(),
    }
}

const fn mode(mode: MaskMode) -> Mode {
    match mode {
        MaskMode::Partial => Mode::Partial,
        MaskMode::Hash => Mode::Hash,
        MaskMode::Drop => Mode::Drop,
        MaskMode::Null => Mode::Null,
    }
}
