//! How is a witness asked? `POST /add-checkpoint`, one request at a time, and what was seen is down before a cosignature
//! leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use countersign_ledger::checkpoint::TrustedLog;
use countersign_ledger::cosignature::cosign;
use countersign_ledger::note::{Sign, SignError};
use countersign_ledger::witness::{
    AddCheckpoint, REQUEST_MAX_BYTES, Refused, RequestError, SIZE_CONTENT_TYPE,
};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::Semaphore;

use crate::{State, StateError};

/// Requests that are read at the same time; further ones wait.
const READ_AT_ONCE: usize = 64;
/// A request's body must have come within this.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Tells the time in seconds since 1970.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// A witness of some logs.
pub struct Witness {
    logs: BTreeMap<String, TrustedLog>,
    key: Box<dyn Sign>,
    state: Mutex<State>,
    clock: Clock,
    room: Semaphore,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
enum Uncosigned {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the witness can't use its state")]
    State(#[from] StateError),
    #[error("the witness can't sign")]
    Sign(#[from] SignError),
    #[error("the request did not come to its end")]
    Broken,
    #[error("the request did not come within {} seconds", BODY_WITHIN.as_secs())]
    Slow,
}

impl Witness {
    /// A witness of `logs` that cosigns with `key`, a key for cosignatures, and remembers in `state`.
    pub fn new(
        logs: impl IntoIterator<Item = TrustedLog>,
        key: Box<dyn Sign>,
        state: State,
        clock: Clock,
    ) -> Self {
        let logs = logs.into_iter().map(|log| (log.origin().to_owned(), log)).collect();
        Self { logs, key, state: Mutex::new(state), clock, room: Semaphore::new(READ_AT_ONCE) }
    }

    /// The cosignature's line. What was seen of a log is read, judged and written under one lock.
    fn add_checkpoint(&self, body: &[u8]) -> Result<String, Uncosigned> {
        let request = AddCheckpoint::parse(body)?;
        let log = self.logs.get(request.origin());
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = log.map(|log| state.latest(log)).transpose()?.flatten();
        let seen = request.judge(log, latest)?;
        if latest != Some(seen) {
            state.keep(request.origin(), request.note())?;
        }
        Ok(cosign(request.note(), &*self.key, (self.clock)())?.to_string())
    }
}

/// Where the witness is asked.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new().route("/add-checkpoint", post(add_checkpoint)).with_state(witness)
}

async fn add_checkpoint(Shared(witness): Shared<Arc<Witness>>, request: Request) -> Response {
    let added = match read(&witness, request.into_body()).await {
        // The disk is waited for on a thread where that is allowed.
        Ok(body) => tokio::task::spawn_blocking(move || witness.add_checkpoint(&body))
            .await
            .unwrap_or(Err(Uncosigned::Broken)),
        Err(refused) => Err(refused),
    };
    match added {
        Ok(line) => line.into_response(),
        Err(error) => refused(&error),
    }
}

async fn read(witness: &Witness, body: Body) -> Result<Bytes, Uncosigned> {
    let whole = async {
        let _place = witness.room.acquire().await.map_err(|_closed| Uncosigned::Broken)?;
        let whole = Limited::new(body, REQUEST_MAX_BYTES).collect().await;
        whole.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                Uncosigned::Request(RequestError::TooLong(REQUEST_MAX_BYTES.saturating_add(1)))
            } else {
                Uncosigned::Broken
            }
        })
    };
    tokio::time::timeout(BODY_WITHIN, whole).await.unwrap_or(Err(Uncosigned::Slow))
}

/// The answer to a request that was not cosigned: status and body as the specification has them, words where it asks for
/// none.
fn refused(error: &Uncosigned) -> Response {
    let status = match error {
        Uncosigned::Request(_) | Uncosigned::Broken => StatusCode::BAD_REQUEST,
        Uncosigned::Slow => StatusCode::REQUEST_TIMEOUT,
        Uncosigned::Refused(refused) => {
            StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Uncosigned::State(_) | Uncosigned::Sign(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let told = error as &dyn std::error::Error;
    if status.is_server_error() {
        tracing::error!(error = told, "a checkpoint was not cosigned");
    } else {
        tracing::warn!(error = told, %status, "a checkpoint was not cosigned");
    }
    match error {
        Uncosigned::Refused(conflict) if conflict.body().is_some() => {
            let size = conflict.body().unwrap_or_default();
            (status, [(CONTENT_TYPE, SIZE_CONTENT_TYPE)], size).into_response()
        }
        _ => (status, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests;
