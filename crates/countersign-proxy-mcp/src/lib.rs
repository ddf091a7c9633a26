//! How does an agent that speaks MCP reach a protected MCP server? Through here, one judged message at a time.
//!
//! [`router`] is mounted on the agent listener. A request walks through `serve.rs` (authenticate, size, parse,
//! headers against body), `call.rs` (decode, gate, forward, explain) and `upstream.rs` (the only way out: it takes
//! permits by value). What the server sends of its own accord comes back through `inbound.rs`, judged as well.
//!
//! This crate decides nothing, keeps nothing durable, and never reads a message into values in order to write it
//! again: the bytes that were received are digested, shown and forwarded, with two correlators replaced.

mod auth;
mod call;
mod catalog;
mod codec;
mod config;
mod decode;
mod definitions;
mod explain;
mod forward;
mod inbound;
mod listing;
mod mirror;
mod outbox;
mod pins;
mod queue;
mod registry;
mod runner;
mod serve;
mod served;
mod session;
mod tasks;
mod testing;
mod tools;
mod upstream;

pub use auth::{Authenticate, Claims, PrincipalFuture};
pub use config::{EffectTemplate, ResourceConfig, ToolRule, Upstream};
pub use pins::{Pin, PinError, PinFuture, Pins, Visibility};
pub use registry::{McpProxy, StartError};
pub use serve::router;
