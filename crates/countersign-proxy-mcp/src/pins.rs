//! Which definition of each tool did people accept? Kept by whoever has the store.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin as Pinned;

use countersign_core::{Digest, Draft};

/// One accepted tool definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Digest of the definition in canonical form.
    pub digest: Digest,
    /// The definition in canonical form, to show what changed.
    pub definition: String,
}

/// The pins could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the accepted tool definitions can't be used")]
pub struct PinError {
    /// What went wrong.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// A boxed future, so that the trait can be an object.
pub type PinFuture<'a> = Pinned<Box<dyn Future<Output = Result<(), PinError>> + Send + 'a>>;

/// Where accepted definitions are kept.
pub trait Pins: Send + Sync + 'static {
    /// Every accepted definition of a resource by tool; `None` when the resource was never listed.
    ///
    /// # Errors
    /// [`PinError`] when that can't be known now. It must not look like `None`: that would accept everything.
    fn pinned(&self, resource: &str) -> Result<Option<BTreeMap<String, Pin>>, PinError>;

    /// Accepts these definitions from now on, beside those already accepted. Completes when it is durable.
    fn pin<'a>(&'a self, resource: &'a str, pins: BTreeMap<String, Pin>) -> PinFuture<'a>;
}

/// Whether policy could ever let a tool run, so that listings can leave out what never can.
pub trait Visibility: Send + Sync + 'static {
    /// `draft` is a call without arguments and with only those effects that no argument can change. Answer true
    /// only when no arguments at all could make such a call pass, not even with a review.
    fn never(&self, draft: &Draft) -> bool;
}
