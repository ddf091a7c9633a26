//! Who is calling? Agents by bearer token or client certificate, people by session: two worlds without a bridge.
//!
//! [`Identity::principal`] turns an agent's credential into a `Principal`, [`Identity::reviewer`] turns a person's
//! session into a `Reviewer`. The tokens have different prefixes, are hashed under different domains and are
//! looked up in different tables, so neither credential can stand in for the other, and no function makes one
//! type from the other.
//!
//! Tokens are 32 random bytes and are stored only as SHA-256 values. Every question reads the store anew, so that
//! a revocation by another process holds for the next request. Nothing here reads a clock: `now` is a parameter.
//!
//! An agent may also show what somebody else has issued: a JWT of an issuer of the configuration (`issuers.rs`), or a
//! certificate. Then the rules that it was added with say which agent it is (`workload.rs`).
//! What this crate deliberately doesn't do: passwords, policy (who *may* vote), cookies, serving HTTP; whether an
//! authority vouches for a certificate is seen to where TLS is.

mod agents;
mod certificate;
mod error;
mod issuers;
mod name;
mod passkeys;
mod people;
mod public_url;
mod sessions;
mod token;
mod webauthn;
mod workload;

use std::sync::Arc;

use countersign_core::Entropy;
use countersign_store::Store;

pub use agents::{AgentView, Claims, NewAgent, Shown};
pub use countersign_store::{Rule, RuleSet};
pub use error::IdentityError;
pub use issuers::{IssuerConfig, IssuerKind, KeySource, TokenRefusal, UrlProblem, fetchable};
pub use passkeys::PasskeyView;
pub use people::{Invitation, PersonView};
pub use public_url::PublicUrlError;
pub use sessions::{InvitationView, NewSession, SessionView, SignedIn};
pub use token::{AgentToken, InvitationToken};
pub use webauthn::WebauthnRefusal;
pub use workload::{Issued, KnownBy, RuleRefusal};

use issuers::Issuers;
use webauthn::RelyingParty;

/// Everybody who is known, and how they prove it. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    store: Store,
    entropy: Arc<dyn Entropy>,
    /// `None` when browsers don't offer passkeys at the public URL.
    party: Option<RelyingParty>,
    issuers: Arc<Issuers>,
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
        let party = public_url::relying_party(public_url)?;
        Ok(Self { store, entropy, party, issuers: Arc::default() })
    }

    /// The same, which also believes the tokens of these issuers.
    #[must_use]
    pub fn with_issuers(self, issuers: Vec<IssuerConfig>) -> Self {
        Self { issuers: Arc::new(Issuers::new(issuers)), ..self }
    }

    /// The name of the issuer with this URL, when it is configured.
    pub fn issuer_name(&self, url: &str) -> Option<&str> {
        self.issuers.name_of(url)
    }
}

#[cfg(test)]
mod testing;
