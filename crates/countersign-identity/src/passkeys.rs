//! How does a person enrol a passkey and come back with it? Two ceremonies around single-use challenges.

use std::time::Duration;

use countersign_core::{Digest, DigestWriter, PersonId, Reviewer, Timestamp};
use countersign_store::{PasskeyEnrolment, PasskeyToEnrol, PasskeyUse, StoredChallenge, StoredPasskey};
use serde_json::Value;

use crate::sessions::new_session;
use crate::webauthn::{
    self, AuthenticationResponse, Challenge, ClientData, CreationOptions, Known, Registered,
    RegistrationResponse, RelyingParty, encode_base64url,
};
use crate::{Identity, IdentityError, NewSession, name};

/// A challenge must be answered within this.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// A passkey, as shown to its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyView {
    /// Which.
    pub id: String,
    /// What the person calls it.
    pub label: String,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

impl From<StoredPasskey> for PasskeyView {
    fn from(passkey: StoredPasskey) -> Self {
        Self {
            id: passkey.id,
            label: passkey.label,
            enrolled_at: passkey.enrolled_at,
            last_used_at: passkey.last_used_at,
        }
    }
}

impl Identity {
    /// Whether browsers offer passkeys at the public URL: only at `https` names and at `localhost`.
    pub fn offers_passkeys(&self) -> bool {
        self.party.is_some()
    }

    /// What the browser needs to make a passkey for this person: `PublicKeyCredentialCreationOptionsJSON`.
    ///
    /// # Errors
    /// When browsers offer no passkeys here, or the store can't be used.
    pub async fn begin_enrolment(&self, reviewer: &Reviewer, now: Timestamp) -> Result<Value, IdentityError> {
        let party = self.party()?;
        let person = reviewer.person();
        let enrolled = self.store.passkeys_of(person)?;
        let challenge = self.issue_challenge(Some(person), now).await?;
        Ok(webauthn::creation_options(
            party,
            &challenge,
            CreationOptions {
                user_handle: person.as_bytes(),
                name: reviewer.name(),
                enrolled: enrolled.into_iter().map(|key| (key.credential_id, key.transports)).collect(),
            },
        ))
    }

    /// Enrols the passkey that the browser made: takes a `RegistrationResponseJSON`.
    ///
    /// # Errors
    /// One variant for each check that does not hold.
    pub async fn finish_enrolment(
        &self,
        reviewer: &Reviewer,
        response: Value,
        label: &str,
        now: Timestamp,
    ) -> Result<PasskeyView, IdentityError> {
        let party = self.party()?;
        let label = name::checked("passkey", label)?;
        let response = RegistrationResponse::parse(response)?;
        let client_data = ClientData::parse(&response.response.client_data.0)?;
        let challenge = self.take_challenge(&client_data, Some(reviewer.person()), now).await?;
        let registered = party.verify_registration(&response, &client_data, &challenge)?;
        let new = to_enrol(reviewer.person(), registered, label, now);
        let view = PasskeyView::from(new.passkey.clone());
        match self.store.enrol_passkey(new, now).await? {
            PasskeyEnrolment::Enrolled => Ok(view),
            PasskeyEnrolment::AlreadyEnrolled => Err(IdentityError::PasskeyEnrolled),
            PasskeyEnrolment::TooMany => Err(IdentityError::PasskeysFull),
            PasskeyEnrolment::PersonRemoved => Err(IdentityError::PersonUnknown(reviewer.name().to_owned())),
        }
    }

    /// What the browser needs to sign somebody in: `PublicKeyCredentialRequestOptionsJSON`.
    ///
    /// # Errors
    /// When browsers offer no passkeys here, or the store can't be used.
    pub async fn begin_sign_in(&self, now: Timestamp) -> Result<Value, IdentityError> {
        let party = self.party()?;
        let challenge = self.issue_challenge(None, now).await?;
        Ok(webauthn::request_options(party, &challenge))
    }

    /// Signs in the person whose passkey signed: takes an `AuthenticationResponseJSON`. `None` when the passkey is
    /// not, or no longer, enrolled here.
    ///
    /// # Errors
    /// One variant for each check that does not hold.
    pub async fn finish_sign_in(
        &self,
        response: Value,
        now: Timestamp,
    ) -> Result<Option<NewSession>, IdentityError> {
        let party = self.party()?;
        let response = AuthenticationResponse::parse(response)?;
        let client_data = ClientData::parse(&response.response.client_data.0)?;
        let challenge = self.take_challenge(&client_data, None, now).await?;
        let Some(passkey) = self.store.passkey_by_credential(response.credential_id())? else {
            return Ok(None);
        };
        let known = Known {
            credential_id: &passkey.credential_id,
            public_key: &passkey.public_key,
            sign_count: passkey.sign_count,
            backup_eligible: passkey.backup_eligible,
            user_handle: passkey.person.as_bytes(),
        };
        let used = party.verify_assertion(&response, &client_data, &challenge, &known)?;
        let used = PasskeyUse {
            id: passkey.id,
            sign_count_before: passkey.sign_count,
            sign_count: used.sign_count,
            backed_up: used.backed_up,
        };
        let (token, to_start) = self.fresh_session(now);
        let started = self.store.sign_in_with_passkey(used, to_start, now).await?;
        Ok(started.map(|session| new_session(session, token)))
    }

    /// The person's passkeys, oldest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn passkeys(&self, person: PersonId) -> Result<Vec<PasskeyView>, IdentityError> {
        Ok(self.store.passkeys_of(person)?.into_iter().map(PasskeyView::from).collect())
    }

    /// Removes one of the person's own passkeys and ends the sessions that began with it. False when the person has
    /// none with this id.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn remove_passkey(
        &self,
        reviewer: &Reviewer,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, IdentityError> {
        Ok(self.store.remove_passkey(reviewer.person(), id.to_owned(), now).await?)
    }

    fn party(&self) -> Result<&RelyingParty, IdentityError> {
        self.party.as_ref().ok_or(IdentityError::PasskeysUnavailable)
    }

    async fn issue_challenge(
        &self,
        person: Option<PersonId>,
        now: Timestamp,
    ) -> Result<Challenge, IdentityError> {
        let mut challenge = Challenge::default();
        self.entropy.fill(&mut challenge);
        let stored = StoredChallenge { person, expires_at: now.plus(CHALLENGE_LIFETIME) };
        self.store.keep_challenge(stored_under(&challenge), stored, now).await?;
        Ok(challenge)
    }

    /// Takes the challenge that the response claims to answer out of the store, whether or not the response turns
    /// out to hold, and checks that it was issued for this.
    async fn take_challenge(
        &self,
        client_data: &ClientData,
        person: Option<PersonId>,
        now: Timestamp,
    ) -> Result<Challenge, IdentityError> {
        let claimed: Challenge =
            client_data.claimed_challenge().try_into().map_err(|_length| IdentityError::ChallengeUnknown)?;
        let stored = self.store.take_challenge(stored_under(&claimed)).await?;
        let stored = stored.ok_or(IdentityError::ChallengeUnknown)?;
        if stored.expires_at <= now {
            return Err(IdentityError::ChallengeExpired);
        }
        if stored.person.is_some() != person.is_some() {
            return Err(IdentityError::ChallengePurpose);
        }
        if stored.person != person {
            return Err(IdentityError::ChallengePerson);
        }
        Ok(claimed)
    }
}

fn stored_under(challenge: &Challenge) -> Digest {
    DigestWriter::new("countersign/passkey-challenge/v1").part(challenge).finish()
}

fn to_enrol(person: PersonId, registered: Registered, label: String, now: Timestamp) -> PasskeyToEnrol {
    let evidence = vec![
        ("credential_id", encode_base64url(&registered.credential_id)),
        ("public_key", encode_base64url(&registered.public_key)),
        ("algorithm", registered.algorithm.to_string()),
        ("attestation_format", registered.attestation_format),
        ("attestation_object", encode_base64url(&registered.attestation_object)),
        ("aaguid", encode_base64url(&registered.aaguid)),
        ("backup_eligible", registered.backup_eligible.to_string()),
        ("backed_up", registered.backed_up.to_string()),
    ];
    let id = DigestWriter::new("countersign/passkey-id/v1").part(&registered.credential_id).finish().hex();
    PasskeyToEnrol {
        passkey: StoredPasskey {
            id: format!("pky_{}", id.chars().take(32).collect::<String>()),
            credential_id: registered.credential_id,
            person,
            label,
            public_key: registered.public_key,
            sign_count: registered.sign_count,
            backup_eligible: registered.backup_eligible,
            transports: registered.transports,
            enrolled_at: now,
            last_used_at: None,
        },
        backed_up: registered.backed_up,
        evidence,
    }
}

#[cfg(test)]
mod tests;
