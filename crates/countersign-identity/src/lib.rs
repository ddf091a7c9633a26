//! Who is calling? Agents by bearer token, people by session: two worlds without a bridge.
//!
//! [`Identity::principal`] turns an agent's token into a `Principal`, [`Identity::reviewer`] turns a person's
//! session into a `Reviewer`. The tokens have different prefixes, are hashed under different domains and are
//! looked up in different tables, so neither credential can stand in for the other, and no function makes one
//! type from the other.
//!
//! Tokens are 32 random bytes and are stored only as SHA-256 values. Every question reads the store anew, so that
//! a revocation by another process holds for the next request. Nothing here reads a clock: `now` is a parameter.
//! What this crate deliberately doesn't do: passwords, policy (who *may* vote), cookies, HTTP.

mod agents;
mod error;
mod name;
mod passkeys;
mod people;
mod public_url;
mod sessions;
mod token;
mod webauthn;

use std::sync::Arc;

use countersign_core::Entropy;
use countersign_store::Store;

pub use agents::{AgentView, Claims, NewAgent};
pub use error::IdentityError;
pub use passkeys::PasskeyView;
pub use people::{Invitation, PersonView};
pub use public_url::PublicUrlError;
pub use sessions::{InvitationView, NewSession, SessionView, SignedIn};
pub use token::{AgentToken, InvitationToken};
pub use webauthn::WebauthnRefusal;

use webauthn::RelyingParty;

/// Everybody who is known, and how they prove it. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    store: Store,
    entropy: Arc<dyn Entropy>,
    /// `None` when browsers don't offer passkeys at the public URL.
    party: Option<RelyingParty>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("party", &self.party).finish_non_exhaustive()
    }
}

impl Identity {
    /// Identity over a store, for a people listener that browsers reach at `public_url`.
    ///
    /// # Errors
    /// When `public_url` is not an `http` or `https` URL with a host.
    pub fn new(store: Store, entropy: Arc<dyn Entropy>, public_url: &str) -> Result<Self, IdentityError> {
        Ok(Self { store, entropy, party: public_url::relying_party(public_url)? })
    }
}

#[cfg(test)]
mod testing;
