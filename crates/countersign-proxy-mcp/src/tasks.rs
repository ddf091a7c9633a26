//! How does a call go on as a task? The gateway's own tasks: held calls, by their reviews' ids, and calls of clients
//! that want a task where the upstream makes none.
//!
//! Two forms: `params.task` of 2025-11-25 and the extension `io.modelcontextprotocol/tasks` of 2026-07-28. `offer.rs`
//! says who may use which, `held.rs` runs held calls once they are approved, `hosted.rs` keeps the others, `ask.rs`
//! answers `tasks/…`, `form.rs` writes both forms. What the upstream calls its tasks is relayed: `relayed.rs`.
//!
//! A held call's task keeps nothing here: review, bytes and answer stand in the store, so a restart loses no task.

mod ask;
mod form;
mod held;
mod hosted;
mod offer;
mod relayed;

pub(crate) use ask::{answer, listening};
pub(crate) use held::held;
pub(crate) use hosted::host;
pub(crate) use offer::{EXTENSION, Wanted, dialect, discovered, initialized, settled, tool_as_shown, wanted};

/// Which form of tasks is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// 2025-11-25: the client asks for each task.
    Sessions,
    /// The extension of 2026-07-28: the server decides.
    Extension,
}

/// The tasks of one resource.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    /// Those of the upstream.
    pub(crate) relayed: relayed::Relayed,
    /// Held calls that somebody runs once they are approved.
    held: held::Watches,
    /// Calls that policy allowed.
    hosted: hosted::Hosted,
}
