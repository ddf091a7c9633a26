//! What does the client get instead of this copied data? Rows are put together from the pieces in which they come,
//! taken apart into fields, masked like those of a result, and written again.

use std::sync::Arc;

use countersign_mask::Masked;
use countersign_sql::Classified;

use super::form::CopyForm;
use super::kit::Tools;
use super::lineage::Column;
use super::plan::{Cell, Plan, Source, Tally, Trust};
use super::row::mask_cell;
use super::{Kit, Unmaskable};
use crate::codec::Format;
use crate::codec::back::CopyShape;
use crate::codec::put::message;

/// A row of more than this can't be masked. Bytes.
const ROW_MAX: usize = 16 << 20;
/// A text's type, for fields of whose type nothing is known.
const TEXT: u32 = 25;

/// A COPY under way.
#[derive(Debug)]
pub(crate) struct CopyMask {
    form: CopyForm,
    plan: Plan,
    /// The number of fields is told only when the data comes.
    counted: bool,
    header_left: bool,
    /// The beginning of a row whose end has not come.
    rest: Vec<u8>,
}

impl CopyMask {
    /// The mask of a text that is one COPY to the client; `None` when it passes as it is.
    pub(crate) fn new(
        kit: &Arc<Kit>,
        text: &str,
        read: &Classified,
        trust: Trust,
        tally: &mut Tally,
    ) -> Result<Option<Self>, Unmaskable> {
        let sensitive = trust != Trust::Clean;
        if !sensitive && !kit.searches() {
            return Ok(None);
        }
        let form = CopyForm::read(text).ok_or(Unmaskable::CopyForm)?;
        let (plan, counted) = match &form.table {
            Some(_) if trust == Trust::Nothing => return Err(Unmaskable::Unknown),
            Some((name, listed)) => (of_table(kit, name, listed.as_deref(), read, tally)?, true),
            None if sensitive => return Err(Unmaskable::CopyQuery),
            None => (Plan { kit: Arc::clone(kit), cells: Vec::new() }, false),
        };
        let header_left = form.header;
        Ok(Some(Self { form, plan, counted, header_left, rest: Vec::new() }))
    }

    #[cfg(test)]
    pub(super) fn for_test(form: CopyForm, plan: Plan) -> Self {
        let header_left = form.header;
        Self { form, plan, counted: true, header_left, rest: Vec::new() }
    }

    /// The server says in which form it copies.
    pub(crate) fn begins(&mut self, shape: &CopyShape<'_>) -> Result<(), Unmaskable> {
        let fields = shape.columns.stated();
        if shape.format != Format::Text {
            return Err(Unmaskable::CopyForm);
        }
        if !self.counted {
            let source = Source { table: 0, number: 0, type_oid: TEXT, format: Format::Text };
            let kit = Arc::clone(&self.plan.kit);
            self.plan =
                Plan::of(&kit, std::iter::repeat_n(source, fields), Trust::Clean, &mut Tally::default());
        }
        if self.plan.cells.len() == fields { Ok(()) } else { Err(Unmaskable::Shape) }
    }

    /// Appends what of `data`, and of what was kept of earlier data, is complete, as `CopyData`.
    pub(crate) fn data(
        &mut self,
        data: &[u8],
        tools: &mut Tools,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> Result<(), Unmaskable> {
        let mut kept = std::mem::take(&mut self.rest);
        kept.extend_from_slice(data);
        let mut at = 0;
        while let Some(row) = kept.get(at..).and_then(|rest| rest.get(..row_length(rest, self.form.csv)?)) {
            self.row(row, tools, out, tally)?;
            at += row.len();
        }
        kept.drain(..at);
        self.rest = kept;
        if self.rest.len() > ROW_MAX { Err(Unmaskable::TooLong) } else { Ok(()) }
    }

    /// The data is over; a last row without an end is one as well.
    pub(crate) fn ends(
        &mut self,
        tools: &mut Tools,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> Result<(), Unmaskable> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() { Ok(()) } else { self.row(&rest, tools, out, tally) }
    }

    fn row(
        &mut self,
        row: &[u8],
        tools: &mut Tools,
        out: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> Result<(), Unmaskable> {
        let header = std::mem::take(&mut self.header_left);
        let mut wrong = None;
        let written = message(out, b'd', |body| {
            if header || row == b"\\.\n" {
                body.bytes(row);
            } else {
                let mut line = Vec::with_capacity(row.len());
                wrong = self.fields(row, tools, &mut line, tally).err();
                body.bytes(&line);
            }
            Ok(())
        });
        written.map_err(|_too_long| Unmaskable::Write)?;
        wrong.map_or(Ok(()), Err)
    }

    fn fields(
        &self,
        row: &[u8],
        tools: &mut Tools,
        line: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> Result<(), Unmaskable> {
        let (fields, end) = split_end(row);
        let mut left = Some(fields);
        for (at, cell) in self.plan.cells.iter().enumerate() {
            let Some(rest) = left else { return Err(Unmaskable::Shape) };
            let length = field_length(rest, self.form.delimiter, self.form.csv);
            let field = rest.get(..length).unwrap_or_default();
            left = rest.get(length + 1..);
            if at > 0 {
                line.push(self.form.delimiter);
            }
            self.field(cell, field, tools, line, tally);
        }
        // COPY of no columns writes empty rows.
        if left.is_some() && !(self.plan.cells.is_empty() && fields.is_empty()) {
            return Err(Unmaskable::Shape);
        }
        line.extend_from_slice(end);
        Ok(())
    }

    fn field(&self, cell: &Cell, field: &[u8], tools: &mut Tools, line: &mut Vec<u8>, tally: &mut Tally) {
        let csv = self.form.csv;
        let null: &[u8] = if csv { b"" } else { b"\\N" };
        if *cell == Cell::Pass || field == null {
            line.extend_from_slice(field);
            return;
        }
        let value = if csv { from_csv(field) } else { from_text(field) };
        let mut masked = Vec::new();
        match mask_cell(&self.plan.kit, cell, &value, tools, &mut masked, &mut tally.found) {
            Masked::Same(_) => line.extend_from_slice(field),
            Masked::Null => line.extend_from_slice(null),
            Masked::Changed if csv => to_csv(&masked, self.form.delimiter, line),
            Masked::Changed => to_text(&masked, self.form.delimiter, line),
        }
    }
}

/// The columns of `COPY table`: those listed, or all that aren't generated.
fn of_table(
    kit: &Arc<Kit>,
    name: &str,
    listed: Option<&[String]>,
    read: &Classified,
    tally: &mut Tally,
) -> Result<Plan, Unmaskable> {
    let uses = read.statements.iter().flat_map(|statement| &statement.relations);
    let mut tables: Vec<u32> = uses.filter(|used| used.name == name).map(|used| used.oid).collect();
    tables.sort_unstable();
    tables.dedup();
    let [table] = tables.as_slice() else { return Err(Unmaskable::CopyForm) };
    let relation = kit.tags.lineage().relations.get(table).ok_or(Unmaskable::CopyForm)?;
    let source = |(number, column): (&i16, &Column)| Source {
        table: *table,
        number: *number,
        type_oid: column.type_oid,
        format: Format::Text,
    };
    let sources: Vec<Source> = match listed {
        None => relation.columns.iter().filter(|(_, column)| !column.generated).map(source).collect(),
        Some(names) => {
            let find = |name: &String| relation.columns.iter().find(|(_, column)| column.name == *name);
            names
                .iter()
                .map(|name| find(name).map(source))
                .collect::<Option<_>>()
                .ok_or(Unmaskable::CopyForm)?
        }
    };
    Ok(Plan::of(kit, sources.into_iter(), Trust::Computes, tally))
}

/// Bytes of the first complete row, with its end.
fn row_length(rest: &[u8], csv: bool) -> Option<usize> {
    let mut quoted = false;
    let end = rest.iter().position(|byte| {
        quoted ^= csv && *byte == b'"';
        *byte == b'\n' && !quoted
    });
    end.map(|end| end + 1)
}

fn split_end(row: &[u8]) -> (&[u8], &[u8]) {
    let length = row.strip_suffix(b"\n").map_or(row.len(), <[u8]>::len);
    row.split_at_checked(length).unwrap_or((row, b""))
}

fn field_length(rest: &[u8], delimiter: u8, csv: bool) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.iter().position(|byte| {
        let ends = *byte == delimiter && !quoted && !escaped;
        quoted ^= csv && *byte == b'"';
        escaped = !csv && *byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(rest.len())
}

fn from_csv(field: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(field.len());
    let mut quoted = false;
    let mut bytes = field.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if quoted && bytes.next_if_eq(&&b'"').is_some() => value.push(b'"'),
            b'"' => quoted = !quoted,
            byte => value.push(*byte),
        }
    }
    value
}

fn to_csv(value: &[u8], delimiter: u8, line: &mut Vec<u8>) {
    let special = |byte: &u8| *byte == delimiter || b"\"\r\n".contains(byte);
    if !value.is_empty() && value != b"\\." && !value.iter().any(special) {
        line.extend_from_slice(value);
        return;
    }
    line.push(b'"');
    for byte in value {
        if *byte == b'"' {
            line.push(b'"');
        }
        line.push(*byte);
    }
    line.push(b'"');
}

/// What stands behind a backslash, and what it means.
const ESCAPES: [(u8, u8); 6] =
    [(b'b', 8), (b'f', 12), (b'n', b'\n'), (b'r', b'\r'), (b't', b'\t'), (b'v', 11)];

fn from_text(field: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        let meant = match byte {
            b'\\' => bytes.next().map_or(b'\\', |letter| {
                ESCAPES.iter().find(|(known, _)| known == letter).map_or(*letter, |(_, meant)| *meant)
            }),
            byte => *byte,
        };
        value.push(meant);
    }
    value
}

fn to_text(value: &[u8], delimiter: u8, line: &mut Vec<u8>) {
    for byte in value {
        let escape = ESCAPES.iter().find(|(_, meant)| meant == byte).map(|(letter, _)| *letter);
        match escape {
            Some(letter) => line.extend_from_slice(&[b'\\', letter]),
            None if *byte == b'\\' || *byte == delimiter => line.extend_from_slice(&[b'\\', *byte]),
            None => line.push(*byte),
        }
    }
}
