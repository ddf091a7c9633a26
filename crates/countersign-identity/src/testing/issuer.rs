//! An issuer that a test starts: real keys, its documents over real HTTP on this machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::{IssuerConfig, IssuerKind, KeySource};

pub(crate) const AUDIENCE: &str = "https://gate.example";

/// What an issuer signs with.
pub(crate) enum Signer {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    /// Its public key as a JWK.
    pub(crate) fn jwk(&self, id: &str) -> Value {
        let point = |curve: &str, key: &EcdsaKeyPair| {
            let bytes = key.public_key().as_ref();
            let (x, y) = bytes[1..].split_at(bytes.len() / 2);
            json!({ "kty": "EC", "crv": curve, "kid": id, "x": encoded(x), "y": encoded(y) })
        };
        match self {
            Self::Rsa(key) => {
                let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "use": "sig", "kid": id, "n": encoded(n), "e": encoded(e) })
            }
            Self::P256(key) => point("P-256", key),
            Self::P384(key) => point("P-384", key),
            Self::Ed25519(key) => {
                let x = encoded(key.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": x })
            }
        }
    }

    /// A token of these parts, signed as the header says, or as the key can where the header says something else.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.as_bytes()));
        let random = SystemRandom::new();
        let bytes = message.as_bytes();
        let signature = match self {
            Self::Rsa(key) => {
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match () {
                    () if header.contains("RS384") => &RSA_PKCS1_SHA384,
                    () if header.contains("RS512") => &RSA_PKCS1_SHA512,
                    () if header.contains("PS256") => &RSA_PSS_SHA256,
                    () if header.contains("PS384") => &RSA_PSS_SHA384,
                    () if header.contains("PS512") => &RSA_PSS_SHA512,
                    () => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, bytes, &mut signature).unwrap();
                signature
            }
            Self::P256(key) | Self::P384(key) => key.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(bytes).as_ref().to_vec(),
        };
        format!("{message}.{}", encoded(&signature))
    }
}

pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the issuer's documents say now, and how it behaves.
pub(crate) struct Documents {
    pub(crate) keys: Value,
    /// The `issuer` of the discovery document, when it is not its own.
    pub(crate) says_it_is: Option<String>,
    /// Where it says that its keys are, when they are not where they are.
    pub(crate) keys_at: Option<String>,
    /// The status of every answer.
    pub(crate) status: &'static str,
    /// A further header of every answer.
    pub(crate) header: String,
}

/// A running issuer; ends with the test.
pub(crate) struct LocalIssuer {
    pub(crate) url: String,
    pub(crate) signer: Signer,
    pub(crate) documents: Arc<Mutex<Documents>>,
    /// How often its keys were fetched.
    pub(crate) fetched: Arc<AtomicUsize>,
}

impl LocalIssuer {
    pub(crate) async fn start() -> Self {
        Self::with(Signer::rsa()).await
    }

    pub(crate) async fn with(signer: Signer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let documents = Documents {
            keys: json!({ "keys": [signer.jwk("key-1")] }),
            says_it_is: None,
            keys_at: None,
            status: "200 OK",
            header: "X: y".to_owned(),
        };
        let (documents, fetched) = (Arc::new(Mutex::new(documents)), Arc::default());
        let issuer = Self { url: url.clone(), signer, documents, fetched };
        let (documents, fetched) = (Arc::clone(&issuer.documents), Arc::clone(&issuer.fetched));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap_or(b'\n'));
                }
                let answer = answer(&String::from_utf8(head).unwrap(), &url, &documents, &fetched);
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.ok();
            }
        });
        issuer
    }

    pub(crate) fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Documents)) {
        change(&mut self.documents.lock().unwrap());
    }

    pub(crate) fn config(&self, kind: IssuerKind) -> IssuerConfig {
        IssuerConfig {
            name: "local".to_owned(),
            issuer: self.url.clone(),
            audience: AUDIENCE.to_owned(),
            keys: KeySource::Discovery,
            kind,
            people: false,
            person_claim: None,
            max_lifetime: Duration::from_secs(3600),
        }
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signer.sign(r#"{"typ":"JWT","alg":"RS256","kid":"key-1"}"#, &claims.to_string())
    }
}

fn answer(head: &str, url: &str, documents: &Mutex<Documents>, fetched: &AtomicUsize) -> String {
    let documents = documents.lock().unwrap();
    let body = if head.starts_with("GET /.well-known/openid-configuration ") {
        let issuer = documents.says_it_is.clone().unwrap_or_else(|| url.to_owned());
        let keys = documents.keys_at.clone().unwrap_or_else(|| format!("{url}/keys"));
        json!({ "issuer": issuer, "jwks_uri": keys }).to_string()
    } else {
        fetched.fetch_add(1, Ordering::SeqCst);
        documents.keys.to_string()
    };
    let (status, header) = (documents.status, &documents.header);
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
