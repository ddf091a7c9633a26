//! A software authenticator for tests that answers as a browser would, or in exactly one thing differently.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::encode_base64url;

pub(crate) const USER_PRESENT: u8 = 0x01;
pub(crate) const USER_VERIFIED: u8 = 0x04;
pub(crate) const BACKUP_ELIGIBLE: u8 = 0x08;
pub(crate) const BACKED_UP: u8 = 0x10;
pub(crate) const HAS_CREDENTIAL: u8 = 0x40;
pub(crate) const HAS_EXTENSIONS: u8 = 0x80;

#[derive(Debug)]
enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// What one ceremony would say; tests change one field before it is sealed.
#[derive(Debug, Clone)]
pub(crate) struct Ceremony {
    pub(crate) client_data: Value,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) credential_id: Vec<u8>,
    /// The id in the response, when it differs from the one that the authenticator signs.
    pub(crate) response_id: Option<Vec<u8>>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) user_handle: Option<Vec<u8>>,
    /// Follows the rest of the authenticator data.
    pub(crate) trailer: Vec<u8>,
    pub(crate) format: String,
    pub(crate) statement: Vec<(Cbor, Cbor)>,
}

/// One credential with its private key.
#[derive(Debug)]
pub(crate) struct Authenticator {
    pair: Pair,
    pub(crate) origin: String,
    pub(crate) credential_id: Vec<u8>,
    pub(crate) user_handle: Vec<u8>,
    pub(crate) sign_count: u32,
}

impl Authenticator {
    /// A fresh ES256 credential of this name.
    pub(crate) fn es256(name: &str, origin: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self::with(Pair::Es256(pair), name, origin)
    }

    pub(crate) fn eddsa(name: &str, origin: &str) -> Self {
        Self::with(Pair::EdDsa(Ed25519KeyPair::generate().unwrap()), name, origin)
    }

    pub(crate) fn rs256(name: &str, origin: &str) -> Self {
        Self::with(Pair::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()), name, origin)
    }

    fn with(pair: Pair, name: &str, origin: &str) -> Self {
        let credential_id = Sha256::digest(name.as_bytes()).to_vec();
        Self { pair, origin: origin.to_owned(), credential_id, user_handle: Vec::new(), sign_count: 0 }
    }

    /// Answers creation options as `RegistrationResponseJSON`, after `change`.
    pub(crate) fn create(&mut self, options: &Value, change: impl FnOnce(&mut Ceremony)) -> Value {
        self.user_handle = decode(&options["user"]["id"]);
        let mut ceremony = Ceremony {
            client_data: self.client_data("webauthn.create", options),
            rp_id: options["rp"]["id"].as_str().unwrap().to_owned(),
            flags: USER_PRESENT | USER_VERIFIED | HAS_CREDENTIAL,
            sign_count: self.sign_count,
            credential_id: self.credential_id.clone(),
            response_id: None,
            public_key: self.public_key(),
            user_handle: None,
            trailer: Vec::new(),
            format: "none".to_owned(),
            statement: Vec::new(),
        };
        change(&mut ceremony);
        let mut data = head(&ceremony);
        if ceremony.flags & HAS_CREDENTIAL != 0 {
            data.extend([0_u8; 16]);
            data.extend(u16::try_from(ceremony.credential_id.len()).unwrap().to_be_bytes());
            data.extend(&ceremony.credential_id);
            data.extend(&ceremony.public_key);
        }
        data.extend(&ceremony.trailer);
        let object = cbor(&Cbor::Map(vec![
            (text("fmt"), text(&ceremony.format)),
            (text("attStmt"), Cbor::Map(ceremony.statement.clone())),
            (text("authData"), Cbor::Bytes(data)),
        ]));
        let id = encode_base64url(ceremony.response_id.as_ref().unwrap_or(&ceremony.credential_id));
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": encode_base64url(ceremony.client_data.to_string().as_bytes()),
                "attestationObject": encode_base64url(&object),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// Answers request options as `AuthenticationResponseJSON`, after `change`.
    pub(crate) fn get(&self, options: &Value, change: impl FnOnce(&mut Ceremony)) -> Value {
        let mut ceremony = Ceremony {
            client_data: self.client_data("webauthn.get", options),
            rp_id: options["rpId"].as_str().unwrap().to_owned(),
            flags: USER_PRESENT | USER_VERIFIED,
            sign_count: self.sign_count,
            credential_id: self.credential_id.clone(),
            response_id: None,
            public_key: Vec::new(),
            user_handle: Some(self.user_handle.clone()),
            trailer: Vec::new(),
            format: String::new(),
            statement: Vec::new(),
        };
        change(&mut ceremony);
        let client_data = ceremony.client_data.to_string();
        let mut data = head(&ceremony);
        data.extend(&ceremony.trailer);
        let signed = [data.clone(), Sha256::digest(client_data.as_bytes()).to_vec()].concat();
        let id = encode_base64url(ceremony.response_id.as_ref().unwrap_or(&ceremony.credential_id));
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode_base64url(client_data.as_bytes()),
                "authenticatorData": encode_base64url(&data),
                "signature": encode_base64url(&self.sign(&signed)),
                "userHandle": ceremony.user_handle.as_deref().map(encode_base64url),
            },
        })
    }

    /// The COSE key.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let members = match &self.pair {
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                vec![
                    (1, int(2)),
                    (3, int(-7)),
                    (-1, int(1)),
                    (-2, Cbor::Bytes(point[1..33].to_vec())),
                    (-3, Cbor::Bytes(point[33..].to_vec())),
                ]
            }
            Pair::EdDsa(pair) => {
                let x = pair.public_key().as_ref().to_vec();
                vec![(1, int(1)), (3, int(-8)), (-1, int(6)), (-2, Cbor::Bytes(x))]
            }
            Pair::Rs256(pair) => {
                // PKCS #1: a sequence of the modulus (with a leading zero) and the exponent.
                let der = pair.public_key().as_ref();
                let (n, e) = (der[9..265].to_vec(), der[267..].to_vec());
                vec![(1, int(3)), (3, int(-257)), (-1, Cbor::Bytes(n)), (-2, Cbor::Bytes(e))]
            }
        };
        cose(members)
    }

    fn client_data(&self, kind: &str, options: &Value) -> Value {
        json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A COSE key of these members.
pub(crate) fn cose(members: Vec<(i64, Cbor)>) -> Vec<u8> {
    cbor(&Cbor::Map(members.into_iter().map(|(label, value)| (int(label), value)).collect()))
}

pub(crate) fn int(value: i64) -> Cbor {
    Cbor::Integer(value.into())
}

pub(crate) fn text(value: &str) -> Cbor {
    Cbor::Text(value.to_owned())
}

pub(crate) fn cbor(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

pub(crate) fn decode(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

fn head(ceremony: &Ceremony) -> Vec<u8> {
    let mut data = Sha256::digest(ceremony.rp_id.as_bytes()).to_vec();
    data.push(ceremony.flags);
    data.extend(ceremony.sign_count.to_be_bytes());
    data
}
