use std::time::Duration;

use countersign_core::{Digest, Timestamp};
use serde_json::{Value, json};

use super::token::TokenRefusal;
use super::{IssuerConfig, IssuerKind, Issuers, KeySource};
use crate::testing::issuer::{AUDIENCE, LocalIssuer, Signer, encoded};
use crate::testing::{HOUR, MINUTE, START, some_agent};

const HEADER: &str = r#"{"typ":"JWT","alg":"RS256","kid":"key-1"}"#;
const SECOND: Duration = Duration::from_secs(1);

fn seconds(at: Timestamp) -> i64 {
    at.as_micros() / 1_000_000
}

/// Claims of a good token, valid for ten minutes from the start.
fn claims(issuer: &LocalIssuer) -> Value {
    let start = seconds(START);
    json!({ "iss": issuer.url, "aud": AUDIENCE, "sub": "robot", "iat": start, "nbf": start, "exp": start + 600 })
}

/// The same with some claims set, or left out where they are null.
fn with(issuer: &LocalIssuer, changes: &Value) -> Value {
    let mut claims = claims(issuer);
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn believing(config: IssuerConfig) -> Issuers {
    Issuers::new(vec![config])
}

/// Why not; a token that is good is taken to name an agent, and remembered.
async fn refusal(issuers: &Issuers, token: &str, now: Timestamp) -> Option<TokenRefusal> {
    match issuers.verified(token, now).await {
        Ok(verified) => {
            issuers.remember(&verified, some_agent(), 0);
            None
        }
        Err(refusal) => Some(refusal),
    }
}

#[tokio::test]
async fn only_what_names_an_agent_is_remembered() {
    let issuer = LocalIssuer::start().await;
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    let token = issuer.token(&claims(&issuer));
    let hash = Digest::of(token.as_bytes());
    let verified = issuers.verified(&token, START).await.ok().unwrap();
    assert!(issuers.seen.get(&hash).is_none());
    issuers.remember(&verified, some_agent(), 7);
    let again = issuers.verified(&token, START).await.ok().unwrap();
    assert_eq!(again.named(), Some((some_agent(), 7)));
}

#[tokio::test]
async fn every_asymmetric_algorithm_is_taken_with_a_key_of_its_type() {
    for (signer, algorithms) in [
        (Signer::rsa(), ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].as_slice()),
        (Signer::p256(), &["ES256"]),
        (Signer::p384(), &["ES384"]),
        (Signer::ed25519(), &["EdDSA"]),
    ] {
        let issuer = LocalIssuer::with(signer).await;
        let issuers = believing(issuer.config(IssuerKind::Oidc));
        for algorithm in algorithms {
            let header = json!({ "alg": algorithm, "kid": "key-1", "typ": "at+jwt" }).to_string();
            let token = issuer.signer.sign(&header, &claims(&issuer).to_string());
            assert_eq!(refusal(&issuers, &token, START).await, None, "{algorithm}");
            let other = token.replacen(|c: char| c.is_ascii_lowercase(), "Z", 1);
            assert!(refusal(&issuers, &other, START).await.is_some());
        }
    }
}

#[tokio::test]
async fn no_algorithm_is_taken_that_a_stranger_could_use() {
    let issuer = LocalIssuer::start().await;
    let jwk = issuer.signer.jwk("key-1");
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    let text = claims(&issuer).to_string();
    let unsigned = |algorithm: &str| {
        let header = json!({ "alg": algorithm, "kid": "key-1" }).to_string();
        format!("{}.{}.", encoded(header.as_bytes()), encoded(text.as_bytes()))
    };
    for none in ["none", "None", "NONE", "nOnE", ""] {
        assert_eq!(refusal(&issuers, &unsigned(none), START).await, Some(TokenRefusal::Algorithm), "{none}");
    }
    assert_eq!(refusal(&issuers, &unsigned("RS256"), START).await, Some(TokenRefusal::Signature));
    // The public key, in every form in which somebody may have it, as a shared secret.
    for (secret, name) in [
        (jwk["n"].as_str().unwrap().as_bytes().to_vec(), "HS256"),
        (jwk.to_string().into_bytes(), "HS256"),
        (jwk["n"].as_str().unwrap().as_bytes().to_vec(), "HS512"),
    ] {
        let algorithm = name.parse().unwrap();
        let mut header = jsonwebtoken::Header::new(algorithm);
        header.kid = Some("key-1".to_owned());
        let key = jsonwebtoken::EncodingKey::from_secret(&secret);
        let token = jsonwebtoken::encode(&header, &claims(&issuer), &key.unwrap()).unwrap();
        assert_eq!(refusal(&issuers, &token, START).await, Some(TokenRefusal::Algorithm), "{name}");
    }
    // Neither is a symmetric key that the issuer publishes by mistake.
    let symmetric =
        json!({ "kty": "oct", "kid": "key-1", "k": encoded(b"secret secret secret secret secret") });
    issuer.change(|documents| documents.keys = json!({ "keys": [symmetric, issuer.signer.jwk("key-2")] }));
    let later = believing(issuer.config(IssuerKind::Oidc));
    let key = jsonwebtoken::EncodingKey::from_secret(b"secret secret secret secret secret").unwrap();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = Some("key-1".to_owned());
    let token = jsonwebtoken::encode(&header, &claims(&issuer), &key).unwrap();
    assert_eq!(refusal(&later, &token, START).await, Some(TokenRefusal::KeyUnknown));
}

#[tokio::test]
async fn a_key_signs_only_with_algorithms_of_its_own_type_and_the_one_it_is_for() {
    let issuer = LocalIssuer::with(Signer::p256()).await;
    let mut rsa_only = Signer::rsa().jwk("rsa");
    rsa_only["alg"] = json!("RS512");
    let mut sealing = issuer.signer.jwk("sealing");
    sealing["use"] = json!("enc");
    let keys = json!({ "keys": [issuer.signer.jwk("key-1"), rsa_only, sealing] });
    issuer.change(|documents| documents.keys = keys);
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    for (algorithm, key, wanted) in [
        ("ES256", "key-1", None),
        ("RS256", "key-1", Some(TokenRefusal::Algorithm)),
        ("ES384", "key-1", Some(TokenRefusal::Algorithm)),
        ("EdDSA", "key-1", Some(TokenRefusal::Algorithm)),
        ("RS256", "rsa", Some(TokenRefusal::Algorithm)),
        ("RS512", "rsa", Some(TokenRefusal::Signature)),
        ("ES256", "sealing", Some(TokenRefusal::KeyUnknown)),
    ] {
        let header = json!({ "alg": algorithm, "kid": key }).to_string();
        let token = issuer.signer.sign(&header, &claims(&issuer).to_string());
        assert_eq!(refusal(&issuers, &token, START).await, wanted, "{algorithm} with {key}");
    }
}

#[tokio::test]
async fn keys_that_a_token_brings_along_or_points_to_are_not_looked_at() {
    let issuer = LocalIssuer::start().await;
    let thief = LocalIssuer::start().await;
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    let text = claims(&issuer).to_string();
    let jwk = thief.signer.jwk("key-1");
    let elsewhere = format!("{}/keys", thief.url);
    for header in [
        json!({ "alg": "RS256", "kid": "key-1", "jku": elsewhere }),
        json!({ "alg": "RS256", "kid": "key-1", "x5u": elsewhere }),
        json!({ "alg": "RS256", "kid": "key-1", "jwk": jwk }),
        json!({ "alg": "RS256", "kid": "key-1", "x5c": ["MIIB"] }),
        json!({ "alg": "RS256", "kid": elsewhere }),
        json!({ "alg": "RS256", "kid": "../../../../dev/null" }),
        json!({ "alg": "RS256", "jwk": jwk }),
    ] {
        let token = thief.signer.sign(&header.to_string(), &text);
        assert!(refusal(&issuers, &token, START).await.is_some(), "{header}");
        // Signed by the issuer itself they are only ignored.
        let known = header["kid"] == "key-1" || header.get("kid").is_none();
        let token = issuer.signer.sign(&header.to_string(), &text);
        assert_eq!(refusal(&issuers, &token, START).await.is_none(), known, "{header}");
    }
    assert_eq!(thief.fetched(), 0, "nobody asks the thief");
}

#[tokio::test]
async fn what_must_be_understood_and_is_not_is_refused() {
    let issuer = LocalIssuer::start().await;
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    for header in [
        json!({ "alg": "RS256", "kid": "key-1", "crit": ["exp"] }),
        json!({ "alg": "RS256", "kid": "key-1", "crit": [] }),
        json!({ "alg": "RS256", "kid": "key-1", "b64": false, "crit": ["b64"] }),
        json!({ "alg": "RS256", "kid": "key-1", "typ": "logout+jwt" }),
        json!({ "alg": "RS256", "kid": "key-1", "typ": "dpop+jwt" }),
        json!({ "alg": "RS256", "kid": "key-1", "typ": "oauth-id-jag+jwt" }),
    ] {
        let token = issuer.signer.sign(&header.to_string(), &claims(&issuer).to_string());
        assert_eq!(refusal(&issuers, &token, START).await, Some(TokenRefusal::Header), "{header}");
    }
}

#[tokio::test]
async fn claims_must_hold_exactly() {
    use TokenRefusal::{Audience, Bound, Expired, Issuer, Lifetime, Malformed, NotYetValid};
    let issuer = LocalIssuer::start().await;
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    let start = seconds(START);
    for (changes, wanted) in [
        (json!({}), None),
        (json!({ "aud": ["https://other.example", AUDIENCE] }), None),
        (json!({ "exp": start + 1, "nbf": null, "iat": null }), None),
        (json!({ "exp": start + 600, "iat": start as f64 + 0.5 }), None),
        (json!({ "iss": "https://issuer.example" }), Some(Issuer)),
        (json!({ "iss": format!("{}/", issuer.url) }), Some(Issuer)),
        (json!({ "iss": issuer.url.to_uppercase() }), Some(Issuer)),
        (json!({ "iss": [issuer.url] }), Some(Issuer)),
        (json!({ "iss": null }), Some(Issuer)),
        (json!({ "aud": "https://other.example" }), Some(Audience)),
        (json!({ "aud": format!("{AUDIENCE}/") }), Some(Audience)),
        (json!({ "aud": [] }), Some(Audience)),
        (json!({ "aud": [[AUDIENCE]] }), Some(Audience)),
        (json!({ "aud": null }), Some(Audience)),
        (json!({ "exp": null }), Some(Expired)),
        (json!({ "iat": start - 900, "nbf": start - 900, "exp": start - 30 }), Some(Expired)),
        (json!({ "exp": (start + 600).to_string() }), Some(Malformed)),
        (json!({ "exp": 1e300 }), Some(Malformed)),
        (json!({ "exp": -1 }), Some(Malformed)),
        (json!({ "nbf": "now" }), Some(Malformed)),
        (json!({ "nbf": start + 31 }), Some(NotYetValid)),
        (json!({ "iat": start + 31 }), Some(NotYetValid)),
        (json!({ "exp": start + 3601 }), Some(Lifetime)),
        (json!({ "iat": null, "exp": start + 3601 }), Some(Lifetime)),
        (json!({ "iat": start - 3500, "exp": start + 200 }), Some(Lifetime)),
        (json!({ "cnf": { "jkt": "x" } }), Some(Bound)),
    ] {
        let token = issuer.token(&with(&issuer, &changes));
        assert_eq!(refusal(&issuers, &token, START).await, wanted, "{changes}");
    }
}

#[tokio::test]
async fn the_leeway_is_thirty_seconds_on_either_side() {
    let issuer = LocalIssuer::start().await;
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    let token = issuer.token(&claims(&issuer));
    let end = START.plus(10 * MINUTE + 30 * SECOND);
    assert_eq!(refusal(&issuers, &token, start_less(30 * SECOND)).await, None);
    assert_eq!(refusal(&issuers, &token, end_less(end)).await, None);
    // Also when it is remembered.
    assert_eq!(refusal(&issuers, &token, end).await, Some(TokenRefusal::Expired));
    let early = issuer.token(&with(&issuer, &json!({ "jti": "1" })));
    let before = start_less(31 * SECOND);
    assert_eq!(refusal(&issuers, &early, before).await, Some(TokenRefusal::NotYetValid));
}

fn start_less(span: Duration) -> Timestamp {
    Timestamp::from_micros(START.as_micros() - i64::try_from(span.as_micros()).unwrap())
}

fn end_less(end: Timestamp) -> Timestamp {
    Timestamp::from_micros(end.as_micros() - 1)
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused() {
    let issuer = LocalIssuer::start().await;
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    let good = claims(&issuer).to_string();
    let more = |text: &str| format!("{},{text}}}", good.trim_end_matches('}'));
    for claims in [
        more(r#""sub":"admin""#),
        more(r#""x":{"y":1,"y":2}"#),
        more(r#""x":[{"y":1,"y":2}]"#),
        more(r#""s\u0075b":"admin""#),
        format!("{good} {{}}"),
        "[]".to_owned(),
        String::new(),
        format!("\u{feff}{good}"),
        more(&format!(r#""x":{}1{}"#, "[".repeat(200), "]".repeat(200))),
    ] {
        let token = issuer.signer.sign(HEADER, &claims);
        assert_eq!(refusal(&issuers, &token, START).await, Some(TokenRefusal::Malformed), "{claims}");
    }
    for header in
        [r#"{"alg":"RS256","alg":"none","kid":"key-1"}"#, r#"{"alg":"RS256","kid":"key-1","kid":"x"}"#]
    {
        let token = issuer.signer.sign(header, &good);
        assert_eq!(refusal(&issuers, &token, START).await, Some(TokenRefusal::Malformed), "{header}");
    }
    let token = issuer.token(&claims(&issuer));
    for odd in [
        format!("{token}="),
        format!("{token}A"),
        token.replace('.', ".."),
        format!(" {token}"),
        format!("{token}.x"),
    ] {
        assert!(refusal(&issuers, &odd, START).await.is_some(), "{odd}");
    }
    assert_eq!(refusal(&issuers, &token, START).await, None);
}

#[tokio::test]
async fn a_long_token_is_taken_and_a_longer_one_is_not_looked_at() {
    let issuer = LocalIssuer::start().await;
    let issuers = believing(issuer.config(IssuerKind::Oidc));
    let long = |length| issuer.token(&with(&issuer, &json!({ "x": "x".repeat(length) })));
    assert!(long(5_000).len() > 7_000);
    assert_eq!(refusal(&issuers, &long(5_000), START).await, None);
    assert_eq!(refusal(&issuers, &long(6_000), START).await, Some(TokenRefusal::TooLong));
    assert_eq!(refusal(&issuers, &"x".repeat(1 << 20), START).await, Some(TokenRefusal::TooLong));
}

#[tokio::test]
async fn an_issuer_signs_only_for_itself() {
    let (one, other) = (LocalIssuer::start().await, LocalIssuer::start().await);
    let second = IssuerConfig { name: "other".to_owned(), ..other.config(IssuerKind::Oidc) };
    let issuers = Issuers::new(vec![one.config(IssuerKind::Oidc), second]);
    assert_eq!(refusal(&issuers, &one.token(&claims(&one)), START).await, None);
    assert_eq!(refusal(&issuers, &other.token(&claims(&other)), START).await, None);
    assert_eq!(refusal(&issuers, &other.token(&claims(&one)), START).await, Some(TokenRefusal::Signature));
}

mod keys {
    use super::*;

    #[tokio::test]
    async fn strangers_with_unknown_keys_make_us_ask_only_so_often() {
        let issuer = LocalIssuer::start().await;
        let issuers = believing(issuer.config(IssuerKind::Oidc));
        for number in 0..200 {
            let header = json!({ "alg": "RS256", "kid": format!("key-{number}-x") }).to_string();
            let token = issuer.signer.sign(&header, &claims(&issuer).to_string());
            assert_eq!(refusal(&issuers, &token, START).await, Some(TokenRefusal::KeyUnknown));
        }
        assert_eq!(issuer.fetched(), 1);
        assert_eq!(refusal(&issuers, &issuer.token(&claims(&issuer)), START).await, None, "others come in");
        let header = json!({ "alg": "RS256", "kid": "key-x" }).to_string();
        let token = issuer.signer.sign(&header, &claims(&issuer).to_string());
        assert_eq!(refusal(&issuers, &token, START.plus(10 * SECOND)).await, Some(TokenRefusal::KeyUnknown));
        assert_eq!(issuer.fetched(), 2);
    }

    #[tokio::test]
    async fn a_new_key_is_found_at_once_and_an_old_one_ends() {
        let issuer = LocalIssuer::start().await;
        let issuers = believing(issuer.config(IssuerKind::Oidc));
        let old = issuer.token(&claims(&issuer));
        assert_eq!(refusal(&issuers, &old, START).await, None);
        let fresh = Signer::ed25519();
        issuer.change(|documents| documents.keys = json!({ "keys": [fresh.jwk("key-2")] }));
        let soon = START.plus(10 * SECOND);
        assert_eq!(refusal(&issuers, &old, soon).await, None, "nothing has told us yet");
        let token = fresh.sign(r#"{"alg":"EdDSA","kid":"key-2"}"#, &claims(&issuer).to_string());
        assert_eq!(refusal(&issuers, &token, soon).await, None);
        assert_eq!(
            refusal(&issuers, &old, soon).await,
            Some(TokenRefusal::KeyUnknown),
            "though it was remembered"
        );
    }

    #[tokio::test]
    async fn a_key_that_was_withdrawn_ends_within_ten_minutes() {
        let issuer = LocalIssuer::start().await;
        let issuers = believing(issuer.config(IssuerKind::Oidc));
        let token = issuer.token(&with(&issuer, &json!({ "exp": seconds(START) + 3000 })));
        assert_eq!(refusal(&issuers, &token, START).await, None);
        issuer.change(|documents| documents.keys = json!({ "keys": [Signer::p256().jwk("key-2")] }));
        assert_eq!(refusal(&issuers, &token, START.plus(10 * MINUTE - SECOND)).await, None);
        assert_eq!(refusal(&issuers, &token, START.plus(10 * MINUTE)).await, Some(TokenRefusal::KeyUnknown));
    }

    #[tokio::test]
    async fn without_keys_nobody_comes_in_and_cached_ones_go_on_for_two_hours() {
        let issuer = LocalIssuer::start().await;
        let down = |documents: &mut crate::testing::issuer::Documents| documents.status = "503 Unavailable";
        issuer.change(down);
        let issuers = believing(issuer.config(IssuerKind::Oidc));
        let long = |jti: u32, at: Timestamp| {
            let start = seconds(at);
            let times = json!({ "iat": start, "nbf": start, "exp": start + 600, "jti": jti });
            issuer.token(&with(&issuer, &times))
        };
        let unavailable = Some(TokenRefusal::KeysUnavailable);
        assert_eq!(refusal(&issuers, &long(1, START), START).await, unavailable, "down at the start");
        issuer.change(|documents| documents.status = "200 OK");
        assert_eq!(refusal(&issuers, &long(1, START), START).await, unavailable, "not asked again at once");
        let up = START.plus(10 * SECOND);
        assert_eq!(refusal(&issuers, &long(1, up), up).await, None);
        issuer.change(down);
        let almost = up.plus(2 * HOUR - SECOND);
        assert_eq!(refusal(&issuers, &long(2, almost), almost).await, None, "kept while it is down");
        let over = up.plus(2 * HOUR);
        assert_eq!(refusal(&issuers, &long(3, over), over).await, unavailable);
        assert_eq!(refusal(&issuers, &long(2, almost), over).await, unavailable, "though it was remembered");
    }

    #[tokio::test]
    async fn documents_that_are_not_the_issuers_own_are_not_taken() {
        let thief = LocalIssuer::start().await;
        type Change = fn(&mut crate::testing::issuer::Documents, &str);
        let changes: [(&str, Change); 6] = [
            ("another issuer", |documents, url| documents.says_it_is = Some(url.to_owned())),
            ("plain http elsewhere", |documents, _| {
                documents.keys_at = Some("http://192.0.2.1/keys".to_owned());
            }),
            ("a file", |documents, _| documents.keys_at = Some("file:///etc/passwd".to_owned())),
            ("a redirect", |documents, url| {
                documents.status = "302 Found";
                documents.header = format!("Location: {url}/keys");
            }),
            ("too large", |documents, _| documents.keys["x"] = json!("x".repeat(300_000))),
            ("too many", |documents, _| {
                let key = documents.keys["keys"][0].clone();
                documents.keys["keys"] = vec![key; 65].into();
            }),
        ];
        for (what, change) in changes {
            let issuer = LocalIssuer::start().await;
            issuer.change(|documents| change(documents, &thief.url));
            let issuers = believing(issuer.config(IssuerKind::Oidc));
            let found = refusal(&issuers, &issuer.token(&claims(&issuer)), START).await;
            assert_eq!(found, Some(TokenRefusal::KeysUnavailable), "{what}");
        }
        assert_eq!(thief.fetched(), 0);
    }

    #[tokio::test]
    async fn keys_can_stand_at_a_url_or_in_a_file_which_is_read_again() {
        let issuer = LocalIssuer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        std::fs::write(&file, json!({ "keys": [issuer.signer.jwk("key-1")] }).to_string()).unwrap();
        for keys in [KeySource::Url(format!("{}/keys", issuer.url)), KeySource::File(file.clone())] {
            let issuers = believing(IssuerConfig { keys, ..issuer.config(IssuerKind::Oidc) });
            assert_eq!(refusal(&issuers, &issuer.token(&claims(&issuer)), START).await, None);
        }
        let issuers = believing(IssuerConfig {
            keys: KeySource::File(file.clone()),
            ..issuer.config(IssuerKind::Oidc)
        });
        assert_eq!(refusal(&issuers, &issuer.token(&claims(&issuer)), START).await, None);
        std::fs::write(&file, "{}").unwrap();
        let later = START.plus(10 * MINUTE - SECOND);
        let header = r#"{"alg":"RS256","kid":"other"}"#;
        let token = issuer.signer.sign(header, &claims(&issuer).to_string());
        assert_eq!(refusal(&issuers, &token, later).await, Some(TokenRefusal::KeyUnknown));
    }
}
