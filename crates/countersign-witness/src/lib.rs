//! Is everybody shown the same log? A witness cosigns a log's checkpoints, each only when it continues the one before,
//! and the way to ask one. The rules are those of the C2SP specification tlog-witness (`countersign_ledger::witness`).
//!
//! A witness runs where whoever runs the log can't reach: it knows nothing of a gateway but the key of its ledger. This
//! crate reads no clock and makes no random numbers; both are handed in.

mod remote;
mod server;
mod state;

pub use remote::{Remote, RemoteError};
pub use server::{Clock, Witness, router};
pub use state::{State, StateError};
