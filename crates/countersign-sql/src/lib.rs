//! What would this SQL do? From a statement's text and the catalog of its database to effects.

mod bounds;
mod catalog;
mod classified;
mod classify;
mod functions;
pub mod fuzzing;
mod key;
mod lex;
mod object;
pub mod preview;
mod secrets;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod walk;

pub use bounds::{MAX_DEPTH, MAX_TEXT, MAX_UNATTENDED};
pub use catalog::{CATALOG_QUERY, Catalog, CatalogError};
pub use classified::{Classified, DmlTarget, Problem, RelationUse, Statement, StatementKind};
pub use classify::classify;
pub use key::normal_key;
pub use session::Session;
