//! Who are the people, and how do they get in for the first time? By a one-time link, never a password.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_core::{PersonId, Timestamp};
use countersign_store::InvitationToMake;

use crate::token::TokenKind;
use crate::{Identity, IdentityError, InvitationToken, name};

/// A fresh one-time link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The secret part of the link.
    pub token: InvitationToken,
    /// Whom it signs in.
    pub person: PersonId,
    /// The person's name as it stands in the store.
    pub name: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A person, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// Who.
    pub id: PersonId,
    /// The name.
    pub name: String,
    /// Groups at this moment.
    pub groups: BTreeSet<String>,
    /// How many passkeys.
    pub passkeys: usize,
    /// How many sessions that are not over.
    pub sessions: usize,
}

impl Identity {
    /// Makes a one-time link that signs this person in, and the person when the name is new. Groups that are given
    /// replace the person's; none leaves them. Earlier links of the person end.
    ///
    /// # Errors
    /// When a name can't be used or the store can't be written.
    pub async fn invite(
        &self,
        name: &str,
        groups: BTreeSet<String>,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Invitation, IdentityError> {
        if lifetime.is_zero() {
            return Err(IdentityError::Lifetime);
        }
        let checked = name::checked("person", name)?;
        let (token, token_hash) = TokenKind::Invitation.mint(self.entropy.as_ref());
        let expires_at = now.plus(lifetime);
        let new = InvitationToMake {
            fresh_id: PersonId::mint(now, self.entropy.as_ref()),
            name_key: name::key(&checked),
            name: checked,
            groups: name::checked_set("group", &groups)?,
            token_hash,
            expires_at,
        };
        let person = self.store.invite(new, now).await?;
        Ok(Invitation { token: InvitationToken(token), person: person.id, name: person.name, expires_at })
    }

    /// Every person who was not removed, by name.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn people(&self, now: Timestamp) -> Result<Vec<PersonView>, IdentityError> {
        let people = self.store.people()?;
        people
            .into_iter()
            .map(|person| {
                Ok(PersonView {
                    passkeys: self.store.passkeys_of(person.id)?.len(),
                    sessions: self.sessions(person.id, now)?.len(),
                    id: person.id,
                    name: person.name,
                    groups: person.groups,
                })
            })
            .collect()
    }

    /// Replaces a person's groups; votes from now on count for these.
    ///
    /// # Errors
    /// When nobody has this name, a group's name can't be used, or the store can't be written.
    pub async fn set_groups(
        &self,
        name: &str,
        groups: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let groups = name::checked_set("group", &groups)?;
        let changed = self.store.set_groups(name::key(name), groups, now).await?;
        changed.map(drop).ok_or_else(|| IdentityError::PersonUnknown(name.to_owned()))
    }

    /// Removes a person: groups, sessions, links and passkeys end at once, and so do the tokens of the agents that
    /// the person owns or that act for the person. An invitation later brings back the same person id, so that
    /// nobody can approve their own request by leaving and coming back.
    ///
    /// # Errors
    /// When nobody has this name, or the store can't be written.
    pub async fn remove_person(&self, name: &str, now: Timestamp) -> Result<(), IdentityError> {
        let removed = self.store.remove_person(name::key(name), now).await?;
        removed.map(drop).ok_or_else(|| IdentityError::PersonUnknown(name.to_owned()))
    }

    /// Ends every session of a person; returns how many.
    ///
    /// # Errors
    /// When nobody has this name, or the store can't be written.
    pub async fn end_sessions(&self, name: &str, now: Timestamp) -> Result<usize, IdentityError> {
        let person = self.store.person_by_name(&name::key(name))?;
        let person = person.ok_or_else(|| IdentityError::PersonUnknown(name.to_owned()))?;
        Ok(self.store.end_sessions_of(person.id, None, now).await?)
    }
}

#[cfg(test)]
mod tests;
