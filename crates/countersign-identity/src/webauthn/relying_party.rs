//! Is this response for us, and does it hold? The two verification procedures of Level 3.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::authenticator_data::AuthenticatorData;
use super::client_data::Ceremony;
use super::key::PublicKey;
use super::registration::AttestationObject;
use super::{
    AuthenticationResponse, Challenge, ClientData, Registered, RegistrationResponse, WebauthnRefusal,
};

/// Us, as browsers and authenticators know us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RelyingParty {
    /// The host of the public URL.
    pub(crate) id: String,
    /// The origin of the public URL.
    pub(crate) origin: String,
}

/// What is stored of a credential that claims to have signed.
#[derive(Debug, Clone)]
pub(crate) struct Known<'a> {
    pub(crate) credential_id: &'a [u8],
    pub(crate) public_key: &'a [u8],
    pub(crate) sign_count: u32,
    pub(crate) backup_eligible: bool,
    pub(crate) user_handle: &'a [u8],
}

/// What a verified sign-in changes in the stored credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) sign_count: u32,
    pub(crate) backed_up: bool,
}

impl RelyingParty {
    /// Section 7.1: the response to the creation of a credential.
    pub(crate) fn verify_registration(
        &self,
        response: &RegistrationResponse,
        client_data: &ClientData,
        challenge: &Challenge,
    ) -> Result<Registered, WebauthnRefusal> {
        client_data.check(Ceremony::Registration, challenge, &self.origin)?;
        let object = AttestationObject::parse(&response.response.attestation_object.0)?;
        let data = AuthenticatorData::parse(&object.authenticator_data)?;
        self.check_presence(&data)?;
        let credential = data
            .credential
            .as_ref()
            .ok_or(WebauthnRefusal::AuthenticatorDataMalformed("it holds no credential"))?;
        // Also bounds its length: the response's id was checked when it was parsed.
        if credential.id != response.credential_id() {
            return Err(WebauthnRefusal::CredentialMismatch);
        }
        let key = PublicKey::from_cose(credential.public_key)?;
        Ok(Registered {
            credential_id: credential.id.to_vec(),
            public_key: credential.public_key.to_vec(),
            algorithm: key.algorithm(),
            sign_count: data.sign_count,
            backup_eligible: data.flags.backup_eligible(),
            backed_up: data.flags.backed_up(),
            aaguid: credential.aaguid,
            attestation_format: object.format.clone(),
            attestation_object: response.response.attestation_object.0.clone(),
            transports: response.response.transports.iter().take(8).map(|word| hint(word)).collect(),
        })
    }

    /// Section 7.2: an assertion made with a credential that is known.
    pub(crate) fn verify_assertion(
        &self,
        response: &AuthenticationResponse,
        client_data: &ClientData,
        challenge: &Challenge,
        known: &Known<'_>,
    ) -> Result<Used, WebauthnRefusal> {
        if response.credential_id() != known.credential_id {
            return Err(WebauthnRefusal::CredentialMismatch);
        }
        // Only discoverable credentials are enrolled, so the handle is always there.
        let handle = response.response.user_handle.as_ref().map(|handle| handle.0.as_slice());
        if handle != Some(known.user_handle) {
            return Err(WebauthnRefusal::UserHandleMismatch);
        }
        client_data.check(Ceremony::Authentication, challenge, &self.origin)?;
        let bytes = &response.response.authenticator_data.0;
        let data = AuthenticatorData::parse(bytes)?;
        self.check_presence(&data)?;
        if data.flags.backup_eligible() != known.backup_eligible {
            return Err(WebauthnRefusal::BackupEligibilityChanged);
        }
        let signed = [bytes.as_slice(), client_data.hash()].concat();
        PublicKey::from_cose(known.public_key)?.verify(&signed, &response.response.signature.0)?;
        check_sign_count(known.sign_count, data.sign_count)?;
        Ok(Used { sign_count: data.sign_count, backed_up: data.flags.backed_up() })
    }

    /// What both procedures ask of the authenticator data.
    fn check_presence(&self, data: &AuthenticatorData<'_>) -> Result<(), WebauthnRefusal> {
        let expected = Sha256::digest(self.id.as_bytes());
        if !bool::from(data.rp_id_hash.as_slice().ct_eq(expected.as_slice())) {
            return Err(WebauthnRefusal::RelyingPartyMismatch);
        }
        if !data.flags.user_present() {
            return Err(WebauthnRefusal::UserAbsent);
        }
        if !data.flags.user_verified() {
            return Err(WebauthnRefusal::UserUnverified);
        }
        if data.flags.backed_up() && !data.flags.backup_eligible() {
            return Err(WebauthnRefusal::BackupInconsistent);
        }
        Ok(())
    }
}

/// Passkeys that are kept in sync have no counter and always say zero; a counter that counts must rise.
fn check_sign_count(stored: u32, received: u32) -> Result<(), WebauthnRefusal> {
    let counts = stored != 0 || received != 0;
    if counts && received <= stored {
        return Err(WebauthnRefusal::SignCountRegressed { stored, received });
    }
    Ok(())
}

/// A transport as the browser wrote it, if it looks like one of the registered words.
fn hint(word: &str) -> String {
    word.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(20).collect()
}
