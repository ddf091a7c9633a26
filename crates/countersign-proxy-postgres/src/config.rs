//! How is one protected database described? What the binary's configuration turns into.

use std::time::Duration;

use countersign_core::Resource;

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

/// Who calls? A question to the binary's wiring; this crate never sees how a token is checked.
pub trait Authenticate: Send + Sync + 'static {
    /// The principal behind `token`, with what the client calls itself as a claimed link. `None` when the token is
    /// missing, unknown, revoked or expired.
    fn principal(
        &self,
        token: &str,
        client: Option<&str>,
        now: countersign_core::Timestamp,
    ) -> Option<countersign_core::Principal>;

    /// Whether the agent's credential still stands.
    fn stands(&self, agent: countersign_core::AgentId, now: countersign_core::Timestamp) -> bool;
}
