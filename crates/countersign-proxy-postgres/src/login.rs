//! How does a session begin, with a client and with a server?
//!
//! The two are apart: the client proves itself to the gateway with a password of the gateway's own, and the gateway
//! logs in at the server with a credential that the client never sees. Nothing here judges who the client is.

pub mod client;
pub mod deny;
mod message;
mod secret;
pub mod upstream;

pub use secret::Secret;
