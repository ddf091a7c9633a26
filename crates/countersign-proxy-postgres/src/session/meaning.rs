//! Do names still mean what they meant? After a statement that may have changed that, the server is asked before the
//! next one is read.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_core::Verb;
use countersign_sql::{Classified, Session as Meaning, StatementKind as Kind};

use super::ask::{Event, Said};
use super::awaited::Awaited;
use super::within::Within;
use super::{Ended, Session};
use crate::codec::TransactionStatus;
use crate::codec::back::Back;
use crate::codec::frame::{Rule, Rules};
use crate::reading::Facts;

/// What of the session changes the meaning of a text, and which statements and portals of it SQL has made: a function may
/// have put one behind a name that the client had defined. Every name says where it is from, because the search path is
/// what is being asked for. Of more than a hundred names nothing is told.
pub(crate) const QUESTION: &str = "SELECT pg_catalog.current_setting('standard_conforming_strings'), \
     current_user::pg_catalog.text, \
     pg_catalog.pg_my_temp_schema()::pg_catalog.text, \
     pg_catalog.array_to_json(pg_catalog.current_schemas(false))::pg_catalog.text, \
     (SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.<=) 100 \
        THEN COALESCE(pg_catalog.json_agg(s.name), '[]')::pg_catalog.text END \
      FROM pg_catalog.pg_prepared_statements s WHERE s.from_sql), \
     (SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.<=) 100 \
        THEN COALESCE(pg_catalog.json_object_agg(c.name, pg_catalog.encode(pg_catalog.sha256( \
          pg_catalog.convert_to(c.statement, 'UTF8')), 'hex')), '{}')::pg_catalog.text END \
      FROM pg_catalog.pg_cursors c), \
     pg_catalog.current_setting('transaction_isolation')";

/// The row of an answer to it. Bytes.
const ROW_MAX: usize = 256 * 1024;

/// What is known about the session's meaning, and what has to be asked.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    /// Something ran that may have changed settings, roles or temporary objects.
    doubtful: bool,
    /// Something ran that may have changed the catalog.
    catalog_doubtful: bool,
    /// … in the transaction that is still open.
    in_transaction: bool,
    /// Something in this transaction may be undone with it.
    undoable: bool,
    asking: bool,
    /// Nothing can be read before the catalog is there.
    loading: bool,
    /// A newer catalog is on its way.
    renewing: bool,
    answer: Option<Told>,
    /// What the open transaction has made of the catalog.
    pub(super) within: Within,
    /// The open transaction reads what is there now, not as of its beginning.
    latest: bool,
}

/// What the server answers to [`QUESTION`].
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) meaning: Meaning,
    made: Made,
    latest: bool,
}

/// What stands behind names of this session, `None` when it is too much to tell.
#[derive(Debug)]
pub(crate) struct Made {
    /// Prepared statements that SQL has made.
    pub(crate) statements: Option<Vec<String>>,
    /// Portals, with the SHA-256 of their texts.
    pub(crate) portals: Option<HashMap<String, String>>,
}

impl Upkeep {
    /// A permitted statement that does this is on its way.
    pub(super) fn note(&mut self, classified: &Classified) {
        self.note_more();
        // Harmless by themselves, but what was set before is gone.
        self.doubtful |= classified
            .statements
            .iter()
            .any(|statement| matches!(statement.kind, Kind::Reset { .. } | Kind::Discard | Kind::DiscardAll));
        // What was changed may be as before, or a cursor go on changing it.
        let undoes = |kind: &Kind| {
            matches!(kind, Kind::Commit | Kind::Rollback | Kind::RollbackTo { .. } | Kind::Fetch { .. })
        };
        if classified.statements.iter().any(|statement| undoes(&statement.kind)) {
            self.within = Within::Unknown;
        }
        if classified.changes_meaning() {
            // A setting changes what names mean, not what there is.
            let catalog = classified.effects.iter().any(|effect| match effect.verb {
                Verb::Schema | Verb::Execute | Verb::Unknown => true,
                Verb::Privilege => !effect.object.starts_with("setting:"),
                _ => false,
            });
            self.doubtful = true;
            self.undoable = true;
            self.catalog_doubtful |= catalog;
            self.in_transaction |= catalog;
            if catalog {
                self.within = Within::Unknown;
            }
        }
    }

    /// More is fetched of what was permitted before.
    pub(super) fn note_fetch(&mut self) {
        self.note_more();
        self.within = Within::Unknown;
    }

    /// Something runs on, or undoes, what may have changed a meaning in this transaction.
    fn note_more(&mut self) {
        self.doubtful |= self.undoable;
    }

    /// A permitted statement that nobody could read is on its way.
    pub(super) fn note_unknown(&mut self) {
        (self.doubtful, self.undoable) = (true, true);
        (self.catalog_doubtful, self.in_transaction) = (true, true);
        self.within = Within::Unknown;
    }

    pub(super) fn is_asking(&self) -> bool {
        self.asking
    }

    pub(super) fn begin_asking(&mut self) {
        self.asking = true;
    }

    pub(super) fn end_asking(&mut self) {
        self.asking = false;
    }

    /// Names may mean something else than what was read: objects were changed in the transaction that is open and
    /// nobody could read them, or nobody could ask yet.
    pub(super) fn is_unsure(&self) -> bool {
        self.is_changed() && self.within.catalog().is_none() || self.doubtful
    }

    /// The open transaction may have changed what there is.
    pub(super) fn is_changed(&self) -> bool {
        self.in_transaction
    }

    /// Whether what the open transaction reads is what the server looks names up in.
    pub(super) fn sees_the_latest(&self) -> bool {
        self.latest
    }

    /// Something in the open transaction may have changed a meaning, and may be undone.
    pub(super) fn is_undoable(&self) -> bool {
        self.undoable
    }

    /// The server is ready. What a transaction changed may have been undone at its end.
    pub(super) fn at_rest(&mut self, status: TransactionStatus) {
        if status == TransactionStatus::Idle {
            self.doubtful |= self.undoable;
            (self.in_transaction, self.undoable) = (false, false);
            self.within = Within::Unknown;
        }
    }
}

impl Session {
    /// Whether the next unit can't be read before the server was asked. In a failed transaction it answers nothing,
    /// and nothing but its end is accepted there; in the middle of a series the question would end that.
    pub(super) fn must_ask_meaning(&self) -> bool {
        self.meaning.doubtful
            && !self.meaning.asking
            && self.owed.is_quiet()
            && !self.in_series
            && self.status != TransactionStatus::Failed
    }

    pub(super) fn ask_meaning(&mut self) {
        self.meaning.doubtful = false;
        self.meaning.asking = true;
        // Rows of this answer have to be seen whole.
        self.server.input.rules = Arc::new(Rules::server().with(b"D", Rule::Whole { limit: ROW_MAX }));
        self.send_own(&[QUESTION], Awaited::Own);
    }

    /// The server's answers to the gateway's own question. The client sees none of it.
    pub(super) fn own_reply(&mut self, message: &Back<'_>) -> Result<super::replies::Fate, Ended> {
        use super::replies::Fate;
        match message {
            Back::Ready(status) => {
                self.owed.queue.pop_front();
                self.server.input.rules = Arc::new(Rules::server());
                self.meaning.asking = false;
                self.status = *status;
                match self.meaning.answer.take() {
                    Some(told) => self.learn(told),
                    None => return Err(Ended::Confused("it did not tell its settings".to_owned())),
                }
            }
            Back::Error(fault) => {
                return Err(Ended::Confused(format!("it did not tell its settings: {}", fault.message())));
            }
            Back::DataRow(row) => {
                let cells: Vec<Option<&[u8]>> = row.cells().collect();
                self.meaning.answer = parse(&cells);
            }
            _ => {}
        }
        Ok(Fate::Hide)
    }

    fn learn(&mut self, told: Told) {
        self.names.distrust(&told.made);
        self.meaning.latest = told.latest;
        // Which schemas are passed over depends on the role.
        if told.meaning.user != self.reader.facts().meaning.user {
            self.meaning.within = Within::Unknown;
        }
        let catalog = self.reader.facts().catalog.clone();
        self.reader.update(Facts { catalog, meaning: told.meaning.into() });
    }

    /// Whether what this session did may have changed the catalog, and nobody has looked yet. What an open transaction
    /// has changed can't be seen from outside of it.
    pub(super) fn must_wait_for_catalog(&mut self) -> bool {
        if self.meaning.loading {
            return true;
        }
        self.expire_catalog();
        let catalog = self.served.catalog();
        let stale = catalog.is_stale() || catalog.is_too_old();
        let old = catalog.is_old() && !self.meaning.renewing;
        if stale || old {
            let (served, teller) = (Arc::clone(&self.served), self.teller.clone());
            tokio::spawn(async move {
                served.catalog().load(true).await;
                if teller.send(Event { ask: 0, said: Said::CatalogLoaded }).is_err() {
                    tracing::debug!("the client left while the catalog was read");
                }
            });
            // What is only old is good enough until the new one is there.
            self.meaning.loading = stale;
            self.meaning.renewing = true;
        }
        stale
    }

    /// Tells every session of the database once what this one did is done.
    pub(super) fn expire_catalog(&mut self) {
        if self.meaning.catalog_doubtful && self.status == TransactionStatus::Idle && self.owed.is_quiet() {
            self.meaning.catalog_doubtful = false;
            self.served.catalog().expire();
        }
    }

    /// The session ends, and nobody knows what became of its last statement.
    pub(super) fn expire_catalog_at_end(&mut self) {
        if self.meaning.catalog_doubtful {
            self.served.catalog().expire();
        }
    }

    pub(super) fn catalog_loaded(&mut self) {
        (self.meaning.loading, self.meaning.renewing) = (false, false);
    }

    /// Whether texts are read under the facts of this moment from here on; false while those are being asked for.
    pub(super) fn knows_the_moment(&mut self) -> bool {
        if self.meaning.asking || self.must_wait_for_catalog() {
            return false;
        }
        self.refresh_facts();
        if self.must_ask_meaning() {
            self.ask_meaning();
            return false;
        }
        !self.looks_within()
    }

    /// The catalog as it is now, when others have changed it.
    fn refresh_facts(&mut self) {
        let Facts { catalog, meaning } = self.reader.facts().clone();
        let current = self.meaning.within.catalog().cloned();
        let current = current.unwrap_or_else(|| self.served.catalog().current());
        // The server passes over the schemas of a path that are not there: a new one may stand before the others.
        self.meaning.doubtful |= !Arc::ptr_eq(&catalog, &current) && !catalog.has_the_schemas_of(&current);
        self.reader.update(Facts { catalog: current, meaning });
    }

    /// The server reports a setting of its own accord.
    pub(super) fn setting_changed(&mut self, name: &str, value: &str) -> Result<super::replies::Fate, Ended> {
        // Bytes are judged as UTF-8; in another encoding they would mean something else to the server.
        if name == "client_encoding" && !matches!(value, "UTF8" | "UTF-8") {
            return Err(Ended::Encoding(value.to_owned()));
        }
        if matches!(
            name,
            "standard_conforming_strings" | "session_authorization" | "is_superuser" | "search_path"
        ) {
            self.meaning.doubtful = true;
        }
        if !self.may_report(name, value) {
            return Ok(super::replies::Fate::Hide);
        }
        Ok(super::replies::Fate::Pass)
    }
}

/// The row that [`QUESTION`] brings.
pub(crate) fn parse(row: &[Option<&[u8]>]) -> Option<Told> {
    let [strings, user, temporary, path, statements, portals, isolation] = row else { return None };
    let mut meaning = Meaning::new(text(*user)?);
    meaning.standard_conforming_strings = text(*strings)? == "on";
    meaning.temp_shadowing = text(*temporary)? != "0";
    meaning.search_path = serde_json::from_str(text(*path)?).ok()?;
    let statements = text(*statements).and_then(|names| serde_json::from_str(names).ok());
    let portals = text(*portals).and_then(|names| serde_json::from_str(names).ok());
    let latest = matches!(text(*isolation)?, "read committed" | "read uncommitted");
    Some(Told { meaning, made: Made { statements, portals }, latest })
}

fn text(value: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(value?).ok()
}
