//! How is one protected database described? What the binary's configuration turns into.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use countersign_core::{AgentId, Principal, Resource, Timestamp};

use crate::login::upstream::UpstreamAddress;

/// One protected database.
#[derive(Debug, Clone)]
pub struct ResourceConfig {
    /// The resource; clients connect to its name as the database.
    pub resource: Resource,
    /// Where it is, and with which credential. Clients never see it.
    pub upstream: UpstreamAddress,
    /// The same database with a role for previews, which needs to read and nothing else; without one, that of
    /// `upstream` is used, in transactions that can only read.
    pub preview: Option<UpstreamAddress>,
    /// By how many percent a statement may touch more rows than were counted when people agreed to it.
    pub margin_percent: u8,
    /// How long a connection is held while people decide.
    pub hold: Duration,
    /// The same inside a transaction block, where locks wait as well. Zero gives a ticket at once.
    pub hold_in_transaction: Duration,
    /// How often a held client is shown a sign of life.
    pub remind_every: Duration,
    /// Connections of one agent at the same time.
    pub connections_per_agent: usize,
    /// What hashes of masked values are made with. Without one they stay equal only until the gateway ends.
    pub mask_secret: Option<MaskSecret>,
}

/// 32 random bytes that stay in the gateway. Debugging them reveals nothing.
#[derive(Clone)]
pub struct MaskSecret(pub [u8; 32]);

impl std::fmt::Debug for MaskSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskSecret(…)")
    }
}

impl ResourceConfig {
    /// With the defaults: held for 45 s, in a transaction as well, with a sign of life every 10 s, 100 connections per
    /// agent, 10 % more rows than counted, previews with the same role.
    pub fn new(resource: Resource, upstream: UpstreamAddress) -> Self {
        Self {
            resource,
            upstream,
            preview: None,
            margin_percent: 10,
            hold: Duration::from_secs(45),
            hold_in_transaction: Duration::from_secs(45),
            remind_every: Duration::from_secs(10),
            connections_per_agent: 100,
            mask_secret: None,
        }
    }
}

/// What a client shows to prove who it is. The password is not shown in logs.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// Its password: a token. None when it was not asked for one.
    pub password: Option<&'a str>,
    /// Its certificate in DER; its authority vouches for it, and the client has its key.
    pub certificate: Option<&'a [u8]>,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// The answer to who calls: it may have to wait for the keys of an issuer of tokens.
pub type PrincipalFuture<'a> = Pin<Box<dyn Future<Output = Option<Principal>> + Send + 'a>>;

/// Who calls? A question to the binary's wiring; this crate never sees how a credential is checked.
pub trait Authenticate: Send + Sync + 'static {
    /// The principal that everything shown names, with what the client calls itself as a claimed link. `None` when
    /// nothing is shown, or anything of it is unknown, revoked or expired.
    fn principal<'a>(
        &'a self,
        shown: Shown<'a>,
        client: Option<&'a str>,
        now: Timestamp,
    ) -> PrincipalFuture<'a>;

    /// Whether the agent is still let in.
    fn stands(&self, agent: AgentId, now: Timestamp) -> bool;
}
