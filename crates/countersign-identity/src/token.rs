//! How is a secret made, written and recognised? 32 random bytes, shown once, stored only as SHA-256.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::{Digest, DigestWriter, Entropy};

/// What a token is for: decides its prefix and the domain of its hash, so that one kind never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Agent,
    Session,
    Invitation,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Agent => "csa_",
            Self::Session => "css_",
            Self::Invitation => "csi_",
        }
    }

    const fn domain(self) -> &'static str {
        match self {
            Self::Agent => "countersign/agent-token/v1",
            Self::Session => "countersign/session-token/v1",
            Self::Invitation => "countersign/invitation-token/v1",
        }
    }

    /// A fresh token and the hash under which it is stored.
    pub(crate) fn mint(self, entropy: &dyn Entropy) -> (String, Digest) {
        let mut secret = [0_u8; 32];
        entropy.fill(&mut secret);
        let token = format!("{}{}", self.prefix(), URL_SAFE_NO_PAD.encode(secret));
        let hash = self.hash_secret(&secret);
        (token, hash)
    }

    /// The hash under which `token` would be stored; `None` when it is not a token of this kind.
    pub(crate) fn hash(self, token: &str) -> Option<Digest> {
        let encoded = token.strip_prefix(self.prefix())?;
        let secret: [u8; 32] = URL_SAFE_NO_PAD.decode(encoded).ok()?.try_into().ok()?;
        Some(self.hash_secret(&secret))
    }

    fn hash_secret(self, secret: &[u8; 32]) -> Digest {
        DigestWriter::new(self.domain()).part(secret).finish()
    }
}

/// What a form must carry to be accepted with this session: derived from the token, so that it needs no storage and
/// tells nothing about it.
pub(crate) fn csrf(session_token: &str) -> String {
    let digest = DigestWriter::new("countersign/csrf/v1").part(session_token.as_bytes()).finish();
    URL_SAFE_NO_PAD.encode(digest.as_bytes())
}

/// An agent's bearer token. Displaying it reveals it; debugging doesn't.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentToken(pub(crate) String);

/// The token of a one-time link. Displaying it reveals it; debugging doesn't.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken(pub(crate) String);

impl fmt::Display for AgentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AgentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentToken(…)")
    }
}

impl fmt::Display for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(…)")
    }
}
