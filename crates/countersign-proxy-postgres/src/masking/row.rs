//! What does the client get instead of this row? The same row with the values of its plan's columns rewritten.

use countersign_mask::{ColumnMask, Found, Masked, Mode};
use serde::de::IgnoredAny;

use super::kit::Tools;
use super::plan::{Cell, Plan, Shape, Tally};
use super::{Kit, Unmaskable};
use crate::codec::back::DataRow;
use crate::codec::put::message;

/// Version of `jsonb`'s binary form.
const JSONB_VERSION: u8 = 1;

/// Appends the masked row to `out`; false, and nothing appended, when it stays as it is.
pub(crate) fn rewrite_row(
    plan: &Plan,
    row: DataRow<'_>,
    tools: &mut Tools,
    out: &mut Vec<u8>,
    tally: &mut Tally,
) -> Result<bool, Unmaskable> {
    if row.len() != plan.cells.len() {
        return Err(Unmaskable::Shape);
    }
    let (start, mut changed) = (out.len(), false);
    let written = message(out, b'D', |body| {
        body.counted(row.cells().zip(&plan.cells), |body, (value, cell)| {
            let Some(value) = value else { return body.cell(None) };
            let mut buffer = std::mem::take(&mut tools.cell);
            buffer.clear();
            let masked = mask_cell(&plan.kit, cell, value, tools, &mut buffer, &mut tally.found);
            changed |= !matches!(masked, Masked::Same(_));
            let written = match masked {
                Masked::Same(value) => body.cell(Some(value)),
                Masked::Changed => body.cell(Some(&buffer)),
                Masked::Null => body.cell(None),
            };
            tools.cell = buffer;
            written
        })
    });
    written.map_err(|_too_long| Unmaskable::Write)?;
    if !changed {
        out.truncate(start);
    }
    Ok(changed)
}

/// The masked form of one value that isn't NULL, appended to `out`.
pub(super) fn mask_cell<'v>(
    kit: &Kit,
    cell: &Cell,
    value: &'v [u8],
    tools: &mut Tools,
    out: &mut Vec<u8>,
    found: &mut Found,
) -> Masked<'v> {
    match cell {
        Cell::Pass => Masked::Same(value),
        Cell::Null => Masked::Null,
        Cell::Mask(mask, Shape::Text) => mask.mask_value(&kit.key, value, out),
        Cell::Mask(mask, Shape::Json) => mask_json(kit, mask, value, out),
        Cell::Mask(mask, Shape::Jsonb) => {
            out.push(JSONB_VERSION);
            mask_json(kit, mask, value.get(1..).unwrap_or_default(), out)
        }
        Cell::Mask(_, Shape::Binary) => Masked::Null,
        Cell::Search(Shape::Text) => tools.search(kit, value, out, found),
        Cell::Search(Shape::Binary) => match tools.search(kit, value, out, found) {
            Masked::Same(value) => Masked::Same(value),
            Masked::Changed | Masked::Null => Masked::Null,
        },
        Cell::Search(Shape::Json) => {
            let start = out.len();
            let masked = tools.search(kit, value, out, found);
            valid_json(masked, start, out)
        }
        Cell::Search(Shape::Jsonb) => {
            let Some((version, json)) = value.split_first() else { return Masked::Same(value) };
            out.push(*version);
            let start = out.len();
            match valid_json(tools.search(kit, json, out, found), start, out) {
                Masked::Same(_) => Masked::Same(value),
                Masked::Changed => Masked::Changed,
                Masked::Null => Masked::Null,
            }
        }
    }
}

/// A whole document becomes a text in JSON. Its ends say nothing that anybody would recognise, so they go as well.
fn mask_json(kit: &Kit, mask: &ColumnMask, value: &[u8], out: &mut Vec<u8>) -> Masked<'static> {
    match mask.mode {
        Mode::Null => Masked::Null,
        Mode::Partial => {
            out.extend_from_slice(b"\"***\"");
            Masked::Changed
        }
        Mode::Hash | Mode::Drop => {
            let mut text = Vec::new();
            let masked = mask.mask_value(&kit.key, value, &mut text);
            if masked == Masked::Null {
                return Masked::Null;
            }
            let text = serde_json::Value::from(String::from_utf8_lossy(&text)).to_string();
            out.extend_from_slice(text.as_bytes());
            Masked::Changed
        }
    }
}

/// A number that was a card's isn't JSON any more once it is masked; all of it goes then.
fn valid_json<'v>(masked: Masked<'v>, start: usize, out: &mut Vec<u8>) -> Masked<'v> {
    let json = out.get(start..).unwrap_or_default();
    if masked == Masked::Changed && serde_json::from_slice::<IgnoredAny>(json).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"\"***\"");
    }
    masked
}
