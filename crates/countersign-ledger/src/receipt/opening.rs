//! Is what stands beside the leaf what the leaf commits to? Every value that is shown opens a commitment of its own;
//! what is not shown keeps its commitment, and its secret.

use std::collections::BTreeMap;

use super::failure::{Code, Failure};
use super::{OpenedBytes, OpenedValue};
use crate::commit::{Content, action_commitment, content_commitment};
use crate::leaf::Leaf;
use crate::text::shown;

/// How many of a leaf's commitments nothing opens: of values, and of the action's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unopened {
    pub(super) values: usize,
    pub(super) payload: bool,
}

/// Checks every value, and counts what stays closed.
pub(super) fn open(
    index: u64,
    leaf: &Leaf,
    content: &BTreeMap<String, OpenedValue>,
    payload: Option<&OpenedBytes>,
) -> Result<Unopened, Failure> {
    let mut closed = leaf.sd.clone();
    for (name, opened) in content {
        let fail = |what: &str| {
            let detail = format!("`{}` {what}", shown(name));
            Failure::at(index, Code::ContentMismatch, detail)
        };
        let commitment = content_commitment(&opened.salt, &Content::new(name, opened.value.as_str()))
            .map_err(|_cause| fail("can't be written as canonical JSON"))?;
        let at = closed.iter().position(|sd| *sd == commitment);
        closed.swap_remove(at.ok_or_else(|| fail("is not what the leaf commits to"))?);
    }
    let committed = leaf.action.as_ref().map(|action| action.commit);
    let payload = match (payload, committed) {
        (None, committed) => committed.is_some(),
        (Some(_), None) => {
            let detail = "bytes are shown, but the leaf commits to none";
            return Err(Failure::at(index, Code::PayloadMismatch, detail));
        }
        (Some(payload), Some(committed)) => {
            if action_commitment(&payload.salt, &payload.bytes) != committed {
                let detail = "the bytes are not what the leaf commits to";
                return Err(Failure::at(index, Code::PayloadMismatch, detail));
            }
            false
        }
    };
    Ok(Unopened { values: closed.len(), payload })
}
