//! Which person is calling? A session that began with a one-time link or a passkey, and is not over.

use std::time::Duration;

use countersign_core::{Assurance, PersonId, Reviewer, Timestamp};
use countersign_store::{SessionKey, SessionToStart, StoredSession};

use crate::token::{TokenKind, csrf};
use crate::{Identity, IdentityError};

/// No session lasts longer.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// A session that nobody uses for so long is over.
const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// Uses are noted at most so often.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A session, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// What it is called; not a secret.
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it will be over if nobody uses it: after 12 idle hours, and 7 days after its start in any case.
    pub expires_at: Timestamp,
    /// How it began.
    pub assurance: Assurance,
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The person, with the groups of this moment.
    pub reviewer: Reviewer,
    /// The session.
    pub session: SessionView,
    /// What forms must carry to be accepted with this session.
    pub csrf: String,
}

/// A session that has just begun.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The session's secret, for the cookie.
    pub token: String,
    /// Who is signed in now.
    pub signed_in: SignedIn,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession").field("signed_in", &self.signed_in.session).finish_non_exhaustive()
    }
}

/// A one-time link that can still be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationView {
    /// Whom it would sign in.
    pub name: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Identity {
    /// The person with this session. `None` when the token is not one, is unknown, or its session is over.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn reviewer(&self, session_token: &str, now: Timestamp) -> Result<Option<SignedIn>, IdentityError> {
        let Some(hash) = TokenKind::Session.hash(session_token) else { return Ok(None) };
        let found = self.store.session_by_token(&hash)?;
        let Some(session) = found.filter(|session| is_open(session, now)) else { return Ok(None) };
        if now.since(session.last_seen_at) >= NOTE_EVERY {
            self.store.note_session_seen(hash, now);
        }
        Ok(Some(signed_in(session, session_token)))
    }

    /// Looks at a one-time link without using it up. `None` when it is unknown, used or ended.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn invitation(&self, token: &str, now: Timestamp) -> Result<Option<InvitationView>, IdentityError> {
        let Some(hash) = TokenKind::Invitation.hash(token) else { return Ok(None) };
        let found = self.store.invitation(&hash)?;
        Ok(found
            .filter(|invitation| now < invitation.expires_at)
            .map(|invitation| InvitationView { name: invitation.name, expires_at: invitation.expires_at }))
    }

    /// Uses up a one-time link and signs its person in. `None` when it is unknown, used or ended.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn accept_invitation(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<NewSession>, IdentityError> {
        let Some(hash) = TokenKind::Invitation.hash(token) else { return Ok(None) };
        let (session_token, to_start) = self.fresh_session(now);
        let started = self.store.accept_invitation(hash, to_start, now).await?;
        Ok(started.map(|session| new_session(session, session_token)))
    }

    /// Signs out: this session ends. Ending one that is over changes nothing.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn end_session(&self, session_token: &str, now: Timestamp) -> Result<(), IdentityError> {
        if let Some(hash) = TokenKind::Session.hash(session_token) {
            self.store.end_session(SessionKey::Token(hash), now).await?;
        }
        Ok(())
    }

    /// Ends every session of the person but the one to keep, named by its token or by its id.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn end_other_sessions(
        &self,
        person: PersonId,
        keep: &str,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let keep = match TokenKind::Session.hash(keep) {
            Some(hash) => SessionKey::Token(hash),
            None => SessionKey::Id(keep.to_owned()),
        };
        self.store.end_sessions_of(person, Some(keep), now).await?;
        Ok(())
    }

    /// The person's sessions that are not over, newest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn sessions(&self, person: PersonId, now: Timestamp) -> Result<Vec<SessionView>, IdentityError> {
        let sessions = self.store.sessions_of(person)?;
        Ok(sessions.iter().filter(|session| is_open(session, now)).map(view).collect())
    }

    /// A token and what is stored of the session that it opens.
    pub(crate) fn fresh_session(&self, now: Timestamp) -> (String, SessionToStart) {
        let (token, token_hash) = TokenKind::Session.mint(self.entropy.as_ref());
        let mut random = [0_u8; 16];
        self.entropy.fill(&mut random);
        let id = format!("ses_{:032x}", u128::from_be_bytes(random));
        (token, SessionToStart { id, token_hash, expires_at: now.plus(LIFETIME) })
    }
}

pub(crate) fn new_session(session: StoredSession, token: String) -> NewSession {
    let signed_in = signed_in(session, &token);
    NewSession { token, signed_in }
}

fn signed_in(session: StoredSession, token: &str) -> SignedIn {
    let view = view(&session);
    let person = session.person;
    let reviewer = Reviewer::signed_in(person.id, person.name, person.groups, session.assurance);
    SignedIn { reviewer, session: view, csrf: csrf(token) }
}

/// When the session is over if nobody uses it.
fn ends(session: &StoredSession) -> Timestamp {
    session.expires_at.min(session.last_seen_at.plus(IDLE))
}

fn is_open(session: &StoredSession, now: Timestamp) -> bool {
    session.ended_at.is_none() && now < ends(session)
}

fn view(session: &StoredSession) -> SessionView {
    SessionView {
        id: session.id.clone(),
        started_at: session.started_at,
        expires_at: ends(session),
        assurance: session.assurance,
    }
}

#[cfg(test)]
mod tests;
