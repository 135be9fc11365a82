//! The promises of the verifiers, told as tables: what is presented, and what must come of it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::event::Role;
use crate::fault::{Fault, Reason};

const SECRET: &str = "a secret of this test, long enough for it";
const ED25519: (&str, &str) =
    (include_str!("../../tests/keys/ed25519.pem"), include_str!("../../tests/keys/ed25519.pub.pem"));
const P256: (&str, &str) = (include_str!("../../tests/keys/p256.pem"), include_str!("../../tests/keys/p256.pub.pem"));
const RSA: (&str, &str) = (include_str!("../../tests/keys/rsa.pem"), include_str!("../../tests/keys/rsa.pub.pem"));

fn settings() -> JwtSettings {
    JwtSettings {
        key: JwtKey::Shared(Algorithm::Hs256, Secret::new(SECRET)),
        audience: Vec::new(),
        issuer: Vec::new(),
        leeway: Duration::ZERO,
        require_expiry: true,
        claims: ClaimNames::default(),
        role: None,
        roles: BTreeMap::new(),
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn signed(claims: &Value) -> String {
    signed_with(&Header::new(jsonwebtoken::Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

fn signed_with(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

/// A verifier that needs no published keys.
fn verifier(auth: &Auth) -> Result<Verifier, BadKey> {
    Verifier::new(auth, |_| panic!("no keys are fetched here"))
}

/// What is known without waiting.
fn ask(verifier: &Verifier, presented: &Presented<'_>) -> Result<Principal, Fault> {
    verifier.verify(presented).now_or_never().expect("at once")
}

fn verify(settings: &JwtSettings, token: &str) -> Result<Principal, Fault> {
    let verifier = verifier(&Auth::Jwt(Box::new(settings.clone()))).unwrap();
    ask(&verifier, &Presented { token: Some(token), ..Presented::default() })
}

#[track_caller]
fn refused(case: &str, settings: &JwtSettings, token: &str, reason: Reason, words: &str) {
    match verify(settings, token) {
        Ok(principal) => panic!("{case}: accepted as {principal:?}"),
        Err(fault) => {
            assert_eq!(fault.reason, reason, "{case}: {fault}");
            let detail = fault.detail.unwrap_or_default();
            assert!(detail.contains(words), "{case}: says {detail:?}, not {words:?}");
            assert!(token.len() < 20 || !detail.contains(&token[..20]), "{case}: shows the token");
        }
    }
}

/// base64url without padding, enough for making tokens by hand.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

fn by_hand(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(claims), base64url(signature))
}

#[test]
fn claims_become_a_principal() {
    let claims = json!({ "sub": "ann", "role": "staff", "name": "Ann", "department": ["desk", "spa"],
        "business": "hotel", "conversations": "room-101", "exp": now() + 60, "unknown": {} });
    let expected = Principal {
        id: "ann".into(),
        role: Some(Role::Staff),
        name: Some("Ann".to_owned()),
        departments: vec!["desk".to_owned(), "spa".to_owned()],
        business: Some("hotel".to_owned()),
        conversations: vec!["room-101".to_owned()],
        permissions: Vec::new(),
        issued: None,
        expires: claims["exp"].as_i64(),
        token: None,
    };
    assert_eq!(verify(&settings(), &signed(&claims)), Ok(expected));
}

#[test]
fn claims_may_have_other_names_and_forms() {
    let mut settings = settings();
    settings.claims.subject = "user_id".to_owned();
    settings.claims.role = "user_type".to_owned();
    settings.roles.insert("2".to_owned(), Role::Admin);
    let claims = json!({ "user_id": 17, "user_type": 2, "department": "desk", "exp": now() + 60 });
    let principal = verify(&settings, &signed(&claims)).unwrap();
    assert_eq!((principal.id.as_ref(), principal.role), ("17", Some(Role::Admin)));
    assert_eq!(principal.departments, ["desk"]);
    let number = verify(&self::settings(), &signed(&json!({ "sub": 17, "exp": now() + 60 }))).unwrap();
    assert_eq!(number.id.as_ref(), "17");
}

#[test]
fn bad_claims_are_refused() {
    let cases = [
        ("no subject", json!({ "exp": now() + 60 }), Reason::Unauthorized, "`sub` is missing"),
        ("empty subject", json!({ "sub": "", "exp": now() + 60 }), Reason::Unauthorized, "`sub` is missing"),
        ("fraction", json!({ "sub": 1.5, "exp": now() + 60 }), Reason::Unauthorized, "neither a text"),
        ("object", json!({ "sub": {}, "exp": now() + 60 }), Reason::Unauthorized, ""),
        ("long", json!({ "sub": "x".repeat(257), "exp": now() + 60 }), Reason::Unauthorized, "too long"),
        ("many", json!({ "sub": "a", "department": vec!["d"; 257], "exp": now() + 60 }), Reason::Unauthorized, "many"),
        ("role", json!({ "sub": "a", "role": "emperor", "exp": now() + 60 }), Reason::Role, "does not know"),
        ("expired", json!({ "sub": "a", "exp": now() - 1 }), Reason::Unauthorized, "expired"),
        ("no expiry", json!({ "sub": "a" }), Reason::Unauthorized, "missing"),
        ("expiry as text", json!({ "sub": "a", "exp": "tomorrow" }), Reason::Unauthorized, ""),
        ("not yet", json!({ "sub": "a", "exp": now() + 60, "nbf": now() + 30 }), Reason::Unauthorized, "not valid yet"),
        ("for others", json!({ "sub": "a", "exp": now() + 60, "aud": "bank" }), Reason::Unauthorized, "audience"),
    ];
    for (case, claims, reason, words) in cases {
        refused(case, &settings(), &signed(&claims), reason, words);
    }
}

#[test]
fn what_is_configured_must_be_there() {
    let mut settings = settings();
    settings.audience = vec!["chat".to_owned()];
    settings.issuer = vec!["https://id.example".to_owned()];
    let with = |aud: Value, iss: Value| signed(&json!({ "sub": "a", "exp": now() + 60, "aud": aud, "iss": iss }));
    assert!(verify(&settings, &with(json!("chat"), json!("https://id.example"))).is_ok());
    assert!(verify(&settings, &with(json!(["bank", "chat"]), json!("https://id.example"))).is_ok());
    let refusals = [
        ("wrong audience", with(json!("bank"), json!("https://id.example")), "audience"),
        ("no audience", with(Value::Null, json!("https://id.example")), ""),
        ("wrong issuer", with(json!("chat"), json!("https://evil.example")), "issuer"),
        ("neither", signed(&json!({ "sub": "a", "exp": now() + 60 })), "missing"),
    ];
    for (case, token, words) in refusals {
        refused(case, &settings, &token, Reason::Unauthorized, words);
    }
}

#[test]
fn leeway_and_expiry_are_as_configured() {
    let mut tolerant = settings();
    tolerant.leeway = Duration::from_secs(60);
    assert!(verify(&tolerant, &signed(&json!({ "sub": "a", "exp": now() - 30 }))).is_ok());
    refused(
        "past leeway",
        &tolerant,
        &signed(&json!({ "sub": "a", "exp": now() - 90 })),
        Reason::Unauthorized,
        "expired",
    );

    let mut endless = settings();
    endless.require_expiry = false;
    assert!(verify(&endless, &signed(&json!({ "sub": "a" }))).is_ok());
    refused("given all the same", &endless, &signed(&json!({ "sub": "a", "exp": 1 })), Reason::Unauthorized, "expired");
}

#[test]
fn the_header_chooses_nothing() {
    let claims = json!({ "sub": "admin", "exp": now() + 60 });
    let good = signed(&claims);
    let (signed_part, _) = good.rsplit_once('.').unwrap();
    let rsa = EncodingKey::from_rsa_pem(RSA.0.as_bytes()).unwrap();
    let foreign = EncodingKey::from_secret(b"the attacker's own secret, long enough");
    let mut by_reference = Header::new(jsonwebtoken::Algorithm::HS256);
    by_reference.kid = Some("../../dev/null".to_owned());
    by_reference.jku = Some("https://evil.example/jwks.json".to_owned());
    by_reference.x5u = Some("https://evil.example/cert.pem".to_owned());
    let own_key = json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": base64url(b"mine") } });
    let cases = [
        ("alg none", by_hand(&json!({ "alg": "none" }), &claims, b"")),
        ("alg None", by_hand(&json!({ "alg": "None", "typ": "JWT" }), &claims, b"")),
        ("alg none with a signature", by_hand(&json!({ "alg": "none" }), &claims, b"x")),
        ("no alg", by_hand(&json!({ "typ": "JWT" }), &claims, b"x")),
        ("no signature", format!("{signed_part}.")),
        ("two parts", signed_part.to_owned()),
        ("other signature", by_hand(&json!({ "alg": "HS256" }), &claims, &[0; 32])),
        ("other algorithm of the family", {
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            signed_with(&Header::new(jsonwebtoken::Algorithm::HS512), &claims, &key)
        }),
        ("other family", signed_with(&Header::new(jsonwebtoken::Algorithm::RS256), &claims, &rsa)),
        ("kid, jku and x5u", signed_with(&by_reference, &claims, &foreign)),
        ("a key of its own", by_hand(&own_key, &claims, &[1; 32])),
        ("empty parts", "..".to_owned()),
        ("not base64", "a b.c d.e f".to_owned()),
        ("not a token", "hello".to_owned()),
        ("a header that is no object", by_hand(&json!([1]), &claims, b"x")),
        ("claims that are no object", by_hand(&json!({ "alg": "HS256" }), &json!("sub"), b"x")),
        ("a megabyte", format!("{good}{}", "A".repeat(1024 * 1024))),
    ];
    assert!(verify(&settings(), &good).is_ok());
    for (case, token) in cases {
        refused(case, &settings(), &token, Reason::Unauthorized, "");
    }
}

#[test]
fn every_algorithm_takes_its_own_and_no_other() {
    let claims = json!({ "sub": "a", "exp": now() + 60 });
    let shared =
        |algorithm| (EncodingKey::from_secret(SECRET.as_bytes()), JwtKey::Shared(algorithm, Secret::new(SECRET)));
    let pairs: Vec<(Algorithm, jsonwebtoken::Algorithm, EncodingKey, JwtKey)> = vec![
        (Algorithm::Hs256, jsonwebtoken::Algorithm::HS256, shared(Algorithm::Hs256).0, shared(Algorithm::Hs256).1),
        (Algorithm::Hs384, jsonwebtoken::Algorithm::HS384, shared(Algorithm::Hs384).0, shared(Algorithm::Hs384).1),
        (Algorithm::Hs512, jsonwebtoken::Algorithm::HS512, shared(Algorithm::Hs512).0, shared(Algorithm::Hs512).1),
        (
            Algorithm::Rs256,
            jsonwebtoken::Algorithm::RS256,
            EncodingKey::from_rsa_pem(RSA.0.as_bytes()).unwrap(),
            JwtKey::Public(Algorithm::Rs256, RSA.1.to_owned()),
        ),
        (
            Algorithm::Es256,
            jsonwebtoken::Algorithm::ES256,
            EncodingKey::from_ec_pem(P256.0.as_bytes()).unwrap(),
            JwtKey::Public(Algorithm::Es256, P256.1.to_owned()),
        ),
        (
            Algorithm::EdDsa,
            jsonwebtoken::Algorithm::EdDSA,
            EncodingKey::from_ed_pem(ED25519.0.as_bytes()).unwrap(),
            JwtKey::Public(Algorithm::EdDsa, ED25519.1.to_owned()),
        ),
    ];
    for (algorithm, _, _, key) in &pairs {
        let settings = JwtSettings { key: key.clone(), ..settings() };
        for (signer, name, signing_key, _) in &pairs {
            let token = signed_with(&Header::new(*name), &claims, signing_key);
            let accepted = verify(&settings, &token).is_ok();
            assert_eq!(accepted, algorithm == signer, "{} checked as {}", signer.as_str(), algorithm.as_str());
        }
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let settings = JwtSettings { key: JwtKey::Public(Algorithm::Rs256, RSA.1.to_owned()), ..settings() };
    let key = EncodingKey::from_secret(RSA.1.as_bytes());
    let header = Header::new(jsonwebtoken::Algorithm::HS256);
    let token = signed_with(&header, &json!({ "sub": "a", "exp": now() + 60 }), &key);
    refused("signed with the public key", &settings, &token, Reason::Unauthorized, "algorithm");

    let wrong_keys = [
        JwtKey::Public(Algorithm::Hs256, RSA.1.to_owned()),
        JwtKey::Shared(Algorithm::Rs256, Secret::new(SECRET)),
        JwtKey::Public(Algorithm::Rs256, P256.1.to_owned()),
        JwtKey::Public(Algorithm::Es256, ED25519.1.to_owned()),
        JwtKey::Public(Algorithm::EdDsa, ED25519.0.to_owned()),
        JwtKey::Public(Algorithm::EdDsa, "nonsense".to_owned()),
    ];
    for key in wrong_keys {
        let settings = JwtSettings { key, ..settings.clone() };
        assert!(self::verifier(&Auth::Jwt(Box::new(settings.clone()))).is_err(), "{settings:?}");
    }
}

fn static_token(token: &str, party: &str, credential: Option<&str>) -> StaticToken {
    StaticToken {
        token: Secret::new(token),
        credential: credential.map(str::to_owned),
        party: party.to_owned(),
        role: Some(Role::Bot),
        name: None,
        departments: Vec::new(),
        business: None,
        conversations: Vec::new(),
        login: None,
        permissions: vec!["CHAT_UPLOAD_MEDIA".to_owned()],
    }
}

#[test]
fn fixed_tokens_stand_for_their_parties() {
    let tokens = vec![
        static_token("key-1", "app-1", None),
        static_token("key-2", "app-2", None),
        static_token("access", "ann", Some("access_token")),
    ];
    let verifier = self::verifier(&Auth::Tokens(tokens)).unwrap();
    let ask = |credential, token| self::ask(&verifier, &Presented { credential, token, party: Some("root") });
    let party = |credential, token| ask(credential, token).map(|principal| principal.id.to_string());
    assert_eq!(party(None, Some("key-1")), Ok("app-1".to_owned()));
    assert_eq!(party(Some("api_key"), Some("key-2")), Ok("app-2".to_owned()));
    assert_eq!(party(Some("access_token"), Some("access")), Ok("ann".to_owned()));
    assert_eq!(ask(None, Some("key-1")).unwrap().permissions, ["CHAT_UPLOAD_MEDIA"]);
    for (credential, token) in
        [(None, Some("access")), (None, Some("key-")), (None, Some("key-11")), (Some("access_token"), Some("nobody"))]
    {
        assert_eq!(ask(credential, token).unwrap_err().reason, Reason::Unauthorized, "{token:?}");
    }
    assert_eq!(ask(None, None).unwrap_err().reason, Reason::Unauthenticated);
    assert_eq!(ask(None, Some("")).unwrap_err().reason, Reason::Unauthenticated);
}

#[test]
fn without_credentials_everybody_is_somebody_else() {
    let unnamed = self::verifier(&Auth::None { named: false, role: Some(Role::Visitor) }).unwrap();
    let ask = |party| self::ask(&unnamed, &Presented { party, ..Presented::default() }).unwrap();
    assert_ne!(ask(None).id, ask(None).id);
    assert!(ask(Some("ann")).id.starts_with("anonymous-"), "a client named itself");
    assert_eq!(ask(None).role, Some(Role::Visitor));

    let named = self::verifier(&Auth::None { named: true, role: None }).unwrap();
    let ask = |party| self::ask(&named, &Presented { party: Some(party), ..Presented::default() });
    assert_eq!(ask("ann").unwrap().id.as_ref(), "ann");
    assert!(ask(&"x".repeat(257)).is_err());
}

#[test]
fn an_upstream_s_token_is_only_a_digest_here() {
    let verifier = self::verifier(&Auth::Upstream).unwrap();
    let ask = |token| self::ask(&verifier, &Presented { token: Some(token), ..Presented::default() }).unwrap();
    assert_eq!(ask("opaque-token").id, ask("opaque-token").id);
    assert_ne!(ask("opaque-token").id, ask("another-token").id);
    assert!(!ask("opaque-token").id.contains("opaque"));
}

#[test]
fn visitors_are_confined_to_their_route_and_conversation() {
    let key = Visitors::random_key();
    assert!(key.expose().len() >= 64 && key != Visitors::random_key());
    let visitors = |route| Visitors::new(key.clone(), route).unwrap();
    let visitor =
        Principal { role: Some(Role::Visitor), conversations: vec!["session-1".to_owned()], ..Principal::anonymous() };
    let token = visitors("web").mint(&visitor, Duration::from_secs(60)).unwrap();
    let ask = |route| {
        let verifier = self::verifier(&Auth::Jwt(Box::new(settings()))).unwrap().with_visitors(visitors(route));
        self::ask(&verifier, &Presented { token: Some(&token), ..Presented::default() })
    };
    let known = ask("web").unwrap();
    assert_eq!((known.id, known.conversations, known.role), (visitor.id, visitor.conversations, visitor.role));
    assert_eq!(ask("staff").unwrap_err().reason, Reason::Unauthorized);
    let verifier = self::verifier(&Auth::Jwt(Box::new(settings()))).unwrap().with_visitors(visitors("web"));
    let own = signed(&json!({ "sub": "ann", "exp": now() + 60 }));
    assert!(self::ask(&verifier, &Presented { token: Some(&own), ..Presented::default() }).is_ok());
}

#[test]
fn what_is_minted_verifies() {
    let mut settings = settings();
    settings.audience = vec!["chat".to_owned()];
    settings.issuer = vec!["dev".to_owned()];
    settings.claims.role = "user_type".to_owned();
    settings.roles.insert("3".to_owned(), Role::Store);
    let principal = Principal {
        role: Some(Role::Store),
        name: Some("Shop".to_owned()),
        departments: vec!["desk".to_owned()],
        ..Principal::named("7")
    };
    let token = settings.mint(&principal, Duration::from_secs(60)).unwrap();
    let read = verify(&settings, &token).unwrap();
    assert!(read.expires.is_some());
    assert!(read.issued.is_some());
    assert_eq!(Principal { issued: None, expires: None, ..read }, principal);

    settings.key = JwtKey::Public(Algorithm::EdDsa, ED25519.1.to_owned());
    assert_eq!(settings.mint(&principal, Duration::ZERO), Err(MintError::NotShared("EdDSA")));
}

#[test]
fn printing_shows_no_credential() {
    let presented = Presented { token: Some("open sesame"), ..Presented::default() };
    let auth = (Auth::Jwt(Box::new(settings())), Auth::Tokens(vec![static_token("open sesame", "a", None)]));
    let printed = format!("{presented:?} {auth:?}");
    assert!(!printed.contains("sesame") && !printed.contains(SECRET), "{printed}");
}
