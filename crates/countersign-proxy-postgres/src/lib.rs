//! How does an agent use a protected PostgreSQL? Through here, one judged statement at a time.
//!
//! [`PostgresProxy::serve`] takes connections. `door.rs` says who connects and to what, `session.rs` and its folder
//! read what the client wants, take it through the gate and follow the server's answers. Below them are `login/`,
//! `tls.rs` and `cancel.rs`, and at the bottom `codec/`, which knows bytes and nothing else.
//!
//! This crate decides nothing and keeps nothing durable. What is judged is what is sent: the client's own messages,
//! byte for byte.

pub mod cancel;
mod catalog;
pub mod codec;
mod config;
mod control;
pub mod discover;
mod door;
mod explain;
pub mod fuzzing;
pub mod login;
mod masking;
mod names;
mod preview;
mod reading;
mod served;
mod session;
pub mod tls;
pub mod wire;
mod workers;

pub use config::{Authenticate, MaskSecret, PrincipalFuture, ResourceConfig, Shown};
pub use door::PostgresProxy;
