//! Who calls? A question to the binary's wiring; this crate never sees how a token is checked.

use std::future::Future;
use std::pin::Pin;

use countersign_core::{Principal, Timestamp};

/// The answer to who calls: it may have to wait for the keys of an issuer of tokens.
pub type PrincipalFuture<'a> = Pin<Box<dyn Future<Output = Option<Principal>> + Send + 'a>>;

/// What the caller says about itself. None of it is believed; each becomes a *claimed* link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The client program, `name/version`, from `clientInfo`.
    pub client: Option<String>,
    /// The model, from the header `Countersign-Model`.
    pub model: Option<String>,
    /// The person, from the header `Countersign-On-Behalf-Of`.
    pub on_behalf_of: Option<String>,
}

/// Turns a bearer token into a principal.
pub trait Authenticate: Send + Sync + 'static {
    /// The principal behind `bearer`, with `claims` as claimed links. `None` when the token is missing, unknown,
    /// revoked or expired.
    fn principal<'a>(
        &'a self,
        bearer: Option<&'a str>,
        claims: &'a Claims,
        now: Timestamp,
    ) -> PrincipalFuture<'a>;
}
