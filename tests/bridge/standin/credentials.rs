//! Tokens of the users of a stand-in: JWT signed with HS256. In: a secret. Out: claims, or a token for a test.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// The claims of a token, if the secret signed it and it has not ended.
pub fn claims(secret: &str, token: &str) -> Option<Value> {
    let mut checks = Validation::new(Algorithm::HS256);
    checks.validate_aud = false;
    checks.leeway = 0;
    let key = DecodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::decode::<Value>(token, &key, &checks).ok().map(|token| token.claims)
}

/// A token of these claims, good for an hour.
pub fn token(secret: &str, mut claims: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    claims["exp"] = json!(now + 3600);
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// A claim as text, whether it is text or a number.
pub fn claim(claims: &Value, name: &str) -> Option<String> {
    match &claims[name] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
