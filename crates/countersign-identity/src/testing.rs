//! A store in a folder of its own, seeded randomness and a time that only the test moves.

pub(crate) mod issuer;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::{AgentId, DigestWriter, Entropy, Principal, Timestamp};
use countersign_ledger::note::{Algorithm, SigningKey};
use countersign_store::{ContentKey, Options, Store};

use crate::webauthn::authenticator::Authenticator;
use crate::{
    Claims, Identity, IdentityError, Issued, IssuerConfig, KnownBy, NewAgent, NewSession, Rule, SignedIn,
};

pub(crate) const ORIGIN: &str = "https://gate.example";
pub(crate) const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Unpredictable only to whoever doesn't read this.
#[derive(Debug)]
struct Seeded {
    seed: u64,
    next: AtomicU64,
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.next.fetch_add(1, Ordering::Relaxed);
            let digest = DigestWriter::new("test entropy")
                .part(&self.seed.to_be_bytes())
                .part(&count.to_be_bytes())
                .finish();
            chunk.copy_from_slice(&digest.as_bytes()[..chunk.len()]);
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) identity: Identity,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(ORIGIN)
    }

    pub(crate) fn at(public_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = open(&folder, 1, public_url);
        Self { identity, folder }
    }

    /// The same folder, believing these issuers as well.
    pub(crate) fn believing(self, issuers: Vec<IssuerConfig>) -> Self {
        Self { identity: self.identity.with_issuers(issuers), ..self }
    }

    /// An agent of ada that is known by tokens of the issuer `local` with these claims.
    pub(crate) async fn workload(
        &self,
        name: &str,
        claims: &[(&str, &str)],
    ) -> Result<AgentId, IdentityError> {
        let claims = claims.iter().map(|(name, value)| Rule::new(*name, *value)).collect();
        let issued = Some(Issued { issuer: "local".to_owned(), claims });
        let known_by = KnownBy { issued, ..KnownBy::default() };
        let (view, token) = self.identity.add_known_agent(new_agent(name, "ada"), &known_by, START).await?;
        assert_eq!(token, None);
        Ok(view.id)
    }

    /// Who shows this token, if anybody.
    pub(crate) async fn who(&self, token: &str, now: Timestamp) -> Option<Principal> {
        self.identity.principal(token, &Claims::default(), now).await.unwrap()
    }

    /// The same folder opened a second time, as another process would.
    pub(crate) fn second_process(&self) -> Identity {
        open(&self.folder, 2, ORIGIN)
    }

    /// Signs a person in through a fresh one-time link.
    pub(crate) async fn sign_in(&self, name: &str, groups: &[&str], now: Timestamp) -> NewSession {
        let invitation = self.identity.invite(name, set(groups), HOUR, now).await.unwrap();
        let accepted = self.identity.accept_invitation(&invitation.token.to_string(), now).await;
        accepted.unwrap().expect("a fresh link signs in")
    }

    /// Enrols a passkey for somebody who is signed in.
    pub(crate) async fn enrol(&self, signed_in: &SignedIn, name: &str, now: Timestamp) -> Authenticator {
        let options = self.identity.begin_enrolment(&signed_in.reviewer, now).await.unwrap();
        let mut key = Authenticator::es256(name, ORIGIN);
        let response = key.create(&options, |_| {});
        self.identity.finish_enrolment(&signed_in.reviewer, response, name, now).await.unwrap();
        key
    }

    /// Adds an agent of a person who is known, for one day; gives its token.
    pub(crate) async fn agent(&self, name: &str, owner: &str, now: Timestamp) -> String {
        let (_, token) = self.identity.add_agent(new_agent(name, owner), now).await.unwrap();
        token.to_string()
    }
}

fn open(folder: &tempfile::TempDir, seed: u64, public_url: &str) -> Identity {
    let entropy: Arc<dyn Entropy> = Arc::new(Seeded { seed, next: AtomicU64::new(0) });
    let key = SigningKey::generate("identity.example/ledger", Algorithm::Ed25519, &[5; 32]).unwrap();
    let content = Arc::new(ContentKey::new(&[6; 32]).unwrap());
    let store = Store::open(&Options::new(folder.path(), entropy.clone(), Arc::new(key), content)).unwrap();
    Identity::new(store, entropy, public_url).unwrap()
}

/// Some agent's id.
pub(crate) fn some_agent() -> AgentId {
    AgentId::mint(START, &Seeded { seed: 0, next: AtomicU64::new(0) })
}

pub(crate) fn new_agent(name: &str, owner: &str) -> NewAgent {
    NewAgent {
        name: name.to_owned(),
        owner: owner.to_owned(),
        on_behalf_of: None,
        teams: set(&["data"]),
        lifetime: DAY,
    }
}

/// A token without its prefix.
pub(crate) fn bare(token: &str) -> &str {
    token.split_once('_').unwrap().1
}

pub(crate) fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
