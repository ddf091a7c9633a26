//! What is protected? A named system with labels. Where it is and its credential stay with the proxy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A protected system as policy and people know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Unique in the configuration, for example `orders`.
    pub name: String,
    /// The proxy that speaks for it: `mcp`, later `postgres`, `http`, `ssh`, `command`.
    pub protocol: String,
    /// For example `env = "prod"`.
    pub labels: BTreeMap<String, String>,
}
