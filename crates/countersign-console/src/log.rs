//! How does the log look from outside? As the C2SP specification tlog-tiles has it, below `/ledger/`: the newest
//! published checkpoint, the tiles of its tree, and the entries.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_ledger::tile::{TilePath, encode_entries};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Uri};

use crate::Shared;
use crate::auditors::Auditor;
use crate::codes::{Code, Problem, store_unavailable};

/// What is full never changes.
const FOR_GOOD: &str = "private, max-age=31536000, immutable";

/// `GET /ledger/checkpoint`.
pub(crate) async fn checkpoint(State(app): State<Shared>, _: Auditor) -> Result<Response, Problem> {
    let note = app.console.gate.published()?;
    let note = note.ok_or_else(|| Problem::new(Code::NotFound, "nothing is published yet"))?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// `GET /ledger/tile/…`.
pub(crate) async fn piece(State(app): State<Shared>, _: Auditor, uri: Uri) -> Result<Response, Problem> {
    let path: TilePath = uri.path().trim_start_matches("/ledger/").parse().map_err(
        |error: countersign_ledger::tile::PathError| Problem::new(Code::NotFound, error.to_string()),
    )?;
    let gate = &app.console.gate;
    let (bytes, is_full) = match path {
        TilePath::Tile(tile) => (gate.tile(tile)?, tile.is_full()),
        TilePath::Entries(bundle) => {
            let leaves = gate.bundle(bundle)?;
            let bytes = leaves.map(|leaves| encode_entries(leaves.iter().map(Vec::as_slice)));
            (bytes.transpose().map_err(|error| store_unavailable(&error))?, bundle.is_full())
        }
    };
    let bytes =
        bytes.ok_or_else(|| Problem::new(Code::NotFound, "the published log does not reach that far"))?;
    let mut response = ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response();
    if is_full {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(FOR_GOOD));
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
