//! Which of the server's answers have to be masked, and by what? Each run carries its own mask, because portals outlive
//! the unit that made them; what the session has seen at all decides over errors, notices, and results of statements
//! whose query stands somewhere else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_core::Verb;
use countersign_sql::{Classified, StatementKind};

use super::awaited::Awaited;
use super::doubt::is_unsure;
use super::replies::Fate;
use super::unit::{Unit, frame_at, portal_name};
use super::{Ended, Session};
use crate::codec::back::{Back, CopyShape, DataRow, Fault, RowDescription};
use crate::codec::frame::{Rule, Rules};
use crate::codec::{WireError, front};
use crate::masking::{
    self, CopyMask, Kit, Known as Said, Plan, Rules as MaskRules, Tally, Tools, Trust, Unmaskable,
};
use crate::names::{Change, Known, Portal};

/// Rows and copied data that are masked have to be seen whole; longer ones can't be. Bytes.
const ROW_MAX: usize = 64 << 20;

/// How one run is masked.
#[derive(Debug)]
pub(crate) struct RunMask {
    kit: Arc<Kit>,
    trust: Trust,
    state: Mutex<RunState>,
}

#[derive(Debug, Default)]
struct RunState {
    /// Once the server has described the result.
    plan: Option<Arc<Plan>>,
    /// When it copies.
    copies: Copies,
    tally: Tally,
}

/// What becomes of copied data.
#[derive(Debug, Default)]
enum Copies {
    /// Nobody expected any.
    #[default]
    No,
    /// It holds nothing that is masked.
    Pass,
    Masked(Box<CopyMask>),
}

impl RunMask {
    fn state(&self) -> MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was masked so far, for the record.
    pub(crate) fn note(&self) -> Option<String> {
        self.state().tally.note()
    }

    /// Whether the server has to be asked what the result looks like.
    fn is_undescribed(&self) -> bool {
        self.state().plan.is_none()
    }
}

/// What of masking belongs to the whole session.
#[derive(Debug, Default)]
pub(super) struct Masks {
    /// Every rule that any statement of this session was under, applied.
    seen: Option<Arc<Kit>>,
    /// A statement may have put masked values where a later one finds them: a setting, a temporary table.
    spilled: bool,
    tools: Tools,
    /// What is sent instead; kept, so that nothing is allocated for each row.
    pub(super) out: Vec<u8>,
    /// What the client has said in what is under way.
    said: Vec<Word>,
    /// Errors and notices that can't be counted to a run.
    tally: Tally,
    /// Rows are seen whole.
    whole: bool,
}

#[derive(Debug)]
enum Word {
    Text(Arc<str>),
    Run(Arc<Portal>),
}

impl Masks {
    pub(super) fn is_on(&self) -> bool {
        self.seen.is_some()
    }

    fn said(words: &[Word]) -> Said<'_> {
        let mut said = Vec::new();
        for word in words {
            match word {
                Word::Text(text) => said.push(text.as_bytes()),
                Word::Run(run) => {
                    if let Known::As(prepared) = &run.prepared {
                        said.push(prepared.reading.text.as_bytes());
                    }
                    said.extend(run.params.iter().filter_map(|(_, value)| value.as_deref()));
                }
            }
        }
        Said { said }
    }
}

fn text_of(run: &Portal) -> Option<&Classified> {
    said_of(run).map(|(_, read)| read)
}

fn said_of(run: &Portal) -> Option<(&str, &Classified)> {
    match &run.prepared {
        Known::As(prepared) => Some((&prepared.reading.text, &prepared.reading.sense.classified)),
        Known::Opaque(_) => None,
    }
}

/// Whether its query stands somewhere else, so that it is under whatever rules that was.
fn is_elsewhere(run: &Portal) -> bool {
    let kinds = text_of(run).map(|text| &text.statements);
    kinds.is_none_or(|statements| {
        let elsewhere = |kind: &StatementKind| {
            matches!(kind, StatementKind::Fetch { .. } | StatementKind::Execute { .. })
        };
        statements.iter().any(|statement| elsewhere(&statement.kind))
    })
}

fn spills(text: Option<&Classified>) -> bool {
    let keeps = |verb| !matches!(verb, Verb::Read | Verb::Write | Verb::Delete | Verb::Export);
    text.is_none_or(|text| text.effects.iter().any(|effect| keeps(effect.verb)))
}

fn is_copy_out(text: &Classified) -> bool {
    let out = |kind: &StatementKind| {
        matches!(kind, StatementKind::Copy { from: false, program: false, file: false })
    };
    text.statements.iter().any(|statement| out(&statement.kind))
}

impl Session {
    /// Gives every run of the unit its mask. Nothing of the unit may be sent when that fails.
    pub(super) fn mask_runs(&mut self, unit: &Unit, rules: &MaskRules) -> Result<(), Unmaskable> {
        if rules.is_empty() && !self.masks.is_on() {
            return Ok(());
        }
        self.see(rules)?;
        // What a text was read to touch is not what it touches, when names may mean something else by now.
        // Nor is known where the columns of what the open transaction has made come from.
        let doubtful = self.meaning.is_changed() || is_unsure(&unit.runs, self.footing(unit));
        for run in &unit.runs {
            let text = text_of(run);
            let mut rules = rules.clone();
            if let Some(seen) = self.masks.seen.as_ref().filter(|_| self.masks.spilled || is_elsewhere(run)) {
                rules.join(&seen.rules);
            }
            if rules.is_empty() {
                continue;
            }
            let kit = self.kit(&rules)?;
            let trust = if doubtful && kit.names_columns() {
                Trust::Nothing
            } else if kit.may_compute(said_of(run)) || self.masks.spilled && kit.names_columns() {
                Trust::Computes
            } else {
                Trust::Clean
            };
            let mut tally = Tally::default();
            let copies = match text {
                Some(text) if is_copy_out(text) => copies(&kit, run, trust, &mut tally)?,
                _ => Copies::No,
            };
            self.masks.spilled |= trust != Trust::Clean && spills(text);
            let state = Mutex::new(RunState { plan: None, copies, tally });
            run.mask_with(RunMask { kit, trust, state });
        }
        Ok(())
    }

    fn kit(&self, rules: &MaskRules) -> Result<Arc<Kit>, Unmaskable> {
        self.served.kits().get(rules, &self.served.catalog().lineage())
    }

    /// From now on errors and notices of this session are under these rules as well.
    fn see(&mut self, rules: &MaskRules) -> Result<(), Unmaskable> {
        let mut all = self.masks.seen.as_ref().map(|kit| kit.rules.clone()).unwrap_or_default();
        all.join(rules);
        if self.masks.seen.as_ref().is_none_or(|kit| kit.rules != all) {
            self.masks.seen = Some(self.kit(&all)?);
        }
        Ok(())
    }

    /// A unit is about to be sent: rows of masked runs are seen whole from here on.
    pub(super) fn watch(&mut self, unit: &mut Unit) {
        if !self.masks.is_on() {
            return;
        }
        if self.owed.is_quiet() {
            self.masks.said.clear();
        }
        for (_, awaited) in &unit.owed {
            if let Awaited::Change(Change::Parse(_, prepared)) = awaited {
                self.masks.said.push(Word::Text(Arc::clone(&prepared.reading.text)));
            }
        }
        self.masks.said.extend(unit.runs.iter().cloned().map(Word::Run));
        if !unit.owed.iter().any(|(_, awaited)| awaited.mask().is_some()) {
            return;
        }
        if !std::mem::replace(&mut self.masks.whole, true) {
            let rule = Rule::Whole { limit: ROW_MAX };
            self.server.input.rules = Arc::new(Rules::server().with(b"Dd", rule));
        }
        if let Err(wrong) = ask_for_descriptions(unit) {
            // Its messages were read once already.
            tracing::error!(error = &wrong as &dyn std::error::Error, "a result can't be asked about");
        }
    }

    /// Everything that was due has come.
    pub(super) fn unwatch(&mut self) {
        if std::mem::take(&mut self.masks.whole) {
            self.server.input.rules = Arc::new(Rules::server());
        }
    }

    /// The mask of the run whose answer comes now.
    fn mask_now(&self) -> Option<&Arc<RunMask>> {
        self.owed.queue.front()?.mask()
    }

    /// The server describes the result of the run that is answered now.
    pub(super) fn plan(&self, columns: &RowDescription<'_>) {
        if let Some(mask) = self.mask_now() {
            let mut state = mask.state();
            let plan = Plan::of_rows(&mask.kit, columns, mask.trust, &mut state.tally);
            state.plan = Some(Arc::new(plan));
        }
    }

    pub(super) fn mask_row(&mut self, row: DataRow<'_>) -> Result<Fate, Unmaskable> {
        let Some(mask) = self.mask_now().cloned() else { return Ok(Fate::Pass) };
        let mut state = mask.state();
        let plan = state.plan.clone().ok_or(Unmaskable::Shape)?;
        if plan.passes() {
            return Ok(Fate::Pass);
        }
        let Masks { tools, out, .. } = &mut self.masks;
        let changed = masking::rewrite_row(&plan, row, tools, out, &mut state.tally)?;
        Ok(if changed { Fate::Masked } else { Fate::Pass })
    }

    pub(super) fn copy_out_begins(&self, shape: &CopyShape<'_>) -> Result<(), Unmaskable> {
        let Some(mask) = self.mask_now() else { return Ok(()) };
        match &mut mask.state().copies {
            Copies::No => Err(Unmaskable::CopyForm),
            Copies::Pass => Ok(()),
            Copies::Masked(copy) => copy.begins(shape),
        }
    }

    /// Copied data, or its end when there is none.
    pub(super) fn mask_copied(&mut self, data: Option<&[u8]>) -> Result<Fate, Unmaskable> {
        let Some(mask) = self.mask_now().cloned() else { return Ok(Fate::Pass) };
        let mut state = mask.state();
        let RunState { copies, tally, .. } = &mut *state;
        let copy = match copies {
            Copies::No => return Err(Unmaskable::CopyForm),
            Copies::Pass => return Ok(Fate::Pass),
            Copies::Masked(copy) => copy,
        };
        let Masks { tools, out, .. } = &mut self.masks;
        match data {
            Some(data) => copy.data(data, tools, out, tally)?,
            None => {
                copy.ends(tools, out, tally)?;
                out.extend_from_slice(b"c\0\0\0\x04");
            }
        }
        Ok(Fate::Masked)
    }

    /// A notice as the client may read it.
    pub(super) fn mask_notice(&mut self, fault: Fault<'_>) -> Result<Fate, Unmaskable> {
        let Masks { seen, tools, out, said, tally, .. } = &mut self.masks;
        let Some(kit) = seen else { return Ok(Fate::Pass) };
        masking::fault(kit, (b'N', fault), &Masks::said(said), tools, tally, out)?;
        Ok(Fate::Masked)
    }

    /// The whole `ErrorResponse` with this body as it may be known.
    pub(super) fn masked_error(&mut self, body: &[u8]) -> Result<Vec<u8>, Ended> {
        let Masks { seen, tools, said, tally, .. } = &mut self.masks;
        let wrong = |what: &str| Ended::Confused(format!("it sent an error that can't be read: {what}"));
        let fault = match Back::from_parts(b'E', body) {
            Ok(Back::Error(fault)) => fault,
            Ok(_) => return Err(wrong("it is none")),
            Err(error) => return Err(wrong(&error.to_string())),
        };
        let mut masked = Vec::new();
        if let Some(kit) = seen {
            masking::fault(kit, (b'E', fault), &Masks::said(said), tools, tally, &mut masked)?;
        }
        Ok(masked)
    }

    pub(super) fn mask_notification(&mut self, message: (u32, &str, &str)) -> Result<Fate, Unmaskable> {
        let Masks { seen, tools, out, tally, .. } = &mut self.masks;
        let Some(kit) = seen else { return Ok(Fate::Pass) };
        masking::notification(kit, message, tools, tally, out)?;
        Ok(Fate::Masked)
    }

    /// Whether the server may tell the client that a setting has this value now: a statement can put anything there.
    pub(super) fn may_report(&self, name: &str, value: &str) -> bool {
        let free = matches!(name, "application_name" | "TimeZone" | "search_path");
        let strict = self.masks.seen.as_ref().is_some_and(|kit| kit.names_columns());
        !free || !strict || value.is_empty() || Masks::said(&self.masks.said).has(value.as_bytes())
    }

    /// Whether a message of this type must not pass unread now.
    pub(super) fn is_watched(&self) -> bool {
        self.mask_now().is_some()
    }
}

/// Puts a question before each run whose result has to be masked and was not described yet.
fn ask_for_descriptions(unit: &mut Unit) -> Result<(), WireError> {
    let mut bytes = Vec::with_capacity(unit.bytes.len() + 64);
    let mut owed = Vec::with_capacity(unit.owed.len() + 1);
    let mut due = std::mem::take(&mut unit.owed).into_iter().peekable();
    let mut at = 0;
    while let Some(frame) = frame_at(&unit.bytes, at) {
        at += frame.whole.len();
        while let Some((_, awaited)) = due.next_if(|(ends, _)| *ends <= at) {
            if let Awaited::Execute { portal, .. } = &awaited
                && portal.mask().is_some_and(|mask| mask.is_undescribed())
            {
                front::describe(&mut bytes, front::Target::Portal(portal_name(frame)?))?;
                owed.push((bytes.len(), Awaited::Description(Arc::clone(portal))));
            }
            owed.push((bytes.len() + frame.whole.len(), awaited));
        }
        bytes.extend_from_slice(frame.whole);
    }
    (unit.bytes, unit.owed) = (bytes, owed);
    Ok(())
}

fn copies(kit: &Arc<Kit>, run: &Portal, trust: Trust, tally: &mut Tally) -> Result<Copies, Unmaskable> {
    let (text, read) = said_of(run).ok_or(Unmaskable::CopyForm)?;
    let mask = CopyMask::new(kit, text, read, trust, tally)?;
    Ok(mask.map_or(Copies::Pass, |mask| Copies::Masked(Box::new(mask))))
}
