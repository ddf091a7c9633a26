//! Where do people decide? Pages and a review API on the people listener, over the gate's own words.
//!
//! Start in `routes.rs`: one table names every route, who may call it and which handler answers; [`router`] is
//! built from nothing else. `guard.rs` stands before all of them (host, credential, origin, headers). `pages` and
//! `api` ask the gate and hand the answer to `view` (HTML) or `wire` (JSON), which are pure.
//!
//! This crate decides nothing: whether a vote counts is the gate's answer. It knows no agent credential.

mod api;
mod assets;
mod auditors;
mod codes;
mod credential;
mod cut;
mod guard;
mod json_tree;
mod log;
mod openapi;
mod pages;
mod params;
mod reach;
mod routes;
mod sample;
mod shown;
mod site;
mod statements;
mod view;
mod visible;
mod wire;

pub use auditors::Auditors;
pub use cut::Cut;
pub use reach::{counted, outcome_tail, rows_text, scope_text};
pub use sample::{Cell, Fate, Row, SampleView, Value};
pub use statements::{Parameter, Sql, Statement, Statements};
pub use visible::{visible_line, visible_lines};

use std::fmt;
use std::sync::Arc;

use countersign_gate::Gate;
use countersign_identity::Identity;

use crate::site::Site;

/// What the people listener needs.
pub struct Console {
    /// Where questions are read and votes are cast.
    pub gate: Gate,
    /// Who is signed in.
    pub identity: Arc<Identity>,
    /// Where people reach the console, for example `http://localhost:8811`. Requests that name another host are
    /// refused; with `https` the session cookie is `Secure`.
    pub public_url: String,
    /// Who may read the log.
    pub auditors: Auditors,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// What every handler gets.
struct App {
    console: Arc<Console>,
    site: Site,
}

type Shared = Arc<App>;

/// Everything that the people listener answers.
pub fn router(console: Arc<Console>) -> axum::Router {
    let site = Site::of(&console.public_url);
    routes::router(Arc::new(App { console, site }))
}

#[cfg(test)]
mod testing;
