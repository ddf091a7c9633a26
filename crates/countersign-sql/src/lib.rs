//! What would this SQL do? From a statement's text and the catalog of its database to effects.
//!
//! [`classify`] parses with PostgreSQL's own grammar, walks the tree by a list of allowed kinds of nodes, and looks up
//! every name in a [`Catalog`]: relations, functions, operators, types, and what their definitions lead to. It does no
//! IO and never runs anything. Whatever it doesn't know is `unknown`, and whoever may allow must not allow that.
//!
//! # Objects
//!
//! | object | is |
//! |---|---|
//! | `schema.name` | a table, view, sequence or index; parts are quoted only when they hold more than letters, digits, `_`, `$`, `-` |
//! | `schema.name()` | a function, procedure or aggregate; overloads are one object |
//! | `session` | transaction control, harmless settings, SHOW, cursors that were judged when declared, a SELECT that names nothing (always with `read`) |
//! | `setting:NAME` | a setting that changes what texts mean or what may be done |
//! | `role:NAME` | a role; `role:public` is everybody |
//! | `database`, `system` | the whole database, the whole server |
//! | `schema:NAME`, `database:NAME`, `tablespace:NAME`, `extension:NAME`, `language:NAME`, `type:NAME`, `operator:NAME`, `statistics:NAME`, `conversion:NAME`, `event-trigger:NAME`, `wrapper:NAME`, `large-object:NAME`, `cast`, `object:NAME` | what DDL names |
//! | `server:NAME`, `channel:NAME`, `publication:NAME`, `subscription:NAME` | what connects to elsewhere |
//! | `file:PATH`, `program:COMMAND` | the server's files and programs, up to 120 characters |
//! | `transaction:ID` | a prepared transaction |
//! | `prepared:NAME` | a statement prepared by SQL: always `unknown`; the caller puts what PREPARE gave in its place |
//! | `dependants:OBJECT` | what CASCADE takes along: always `unknown` |
//! | `text`, `catalog`, `definition`, `syntax:KIND` | always `unknown`: the text as a whole, a missing catalog, an unreadable definition, a kind of node that isn't on the list |
//! | a name as it is written | always `unknown`: it stands for nothing that the catalog has |
//!
//! # Verbs
//!
//! `read`: rows are read, also through views (the view and what stands behind it). `write`: INSERT, UPDATE, MERGE, row and
//! table locks, sequences, VACUUM, tables that a foreign key changes. `delete`: DELETE, TRUNCATE, DROP, tables that a
//! foreign key empties. `schema`: DDL. `privilege`: grants, roles, owners, policies, triggers and rules switched,
//! settings, code with others' rights or in a language without limits, changes of PostgreSQL's own catalogs. `secret`:
//! catalogs with passwords or samples of values, files that are read. `export`: COPY … TO, publications. `execute`:
//! somebody's function (called, or run by a trigger, default, check, policy, operator, cast, domain), PostgreSQL's own
//! functions that act, DO, programs. `network`: foreign tables and servers, dblink, LISTEN, NOTIFY. EXPLAIN without
//! ANALYZE turns changes into reads; functions still count, because planning runs them.
//!
//! # What the caller must keep
//!
//! - Load the catalog as the role of the session, anew after [`Classified::changes_meaning`], and now and then: other
//!   sessions change it too. Between a change by others and the next load, a verdict may be wrong.
//! - Judge a prepared statement again when the session's path or role, or the catalog, has changed since: PostgreSQL
//!   plans it anew with the new ones.
//! - Hold a Parse that declares a parameter of a type that isn't plain ([`Catalog::type_is_plain`]).
//! - `client_encoding` is UTF8, and no fast-path function call and no replication connection passes.
//! - Settings that the gateway relies on stand in the startup packet: RESET ALL and DISCARD ALL, which are harmless here,
//!   go back to those.
//! - The server's version is at most that of the grammar (18).
//!
//! # What it does not see
//!
//! Superusers can change what PostgreSQL's own objects do (input functions of base types, operator classes, the system
//! catalogs); their doing so is a `privilege` or `schema`, what follows is not seen. The body of a function isn't read:
//! a call is one `execute`. Statistics over expressions run with ANALYZE, which is a `write`.

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
mod room;
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
pub use settings::{is_harmless, is_harmless_value};
