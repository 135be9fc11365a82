//! The id of a request. In: a head. Out: the id that it names, if that can be one; else a new one.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Names a request to whoever handles it; no standard, and known to most proxies.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Letters of an id that somebody else chose.
const LONGEST: usize = 128;

/// A label and nothing more: whoever asks may choose it, so that nothing is looked up by it and nobody is trusted for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// One that nobody else has.
    pub fn new() -> Self {
        RequestId(format!("{:032x}", rand::random::<u128>()).into())
    }

    /// What the head names, where it is 1 to 128 letters, digits, `_` and `-`: nothing that a line of a log or a header
    /// could be broken by. Of several none counts.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut named = headers.get_all(REQUEST_ID).iter();
        match (named.next(), named.next()) {
            (Some(id), None) => RequestId::parse(id.as_bytes()).unwrap_or_default(),
            _ => RequestId::new(),
        }
    }

    fn parse(id: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        let fits = (1..=LONGEST).contains(&id.len()) && id.iter().all(plain);
        let text = std::str::from_utf8(id).ok().filter(|_| fits)?;
        Some(RequestId(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the value of a header.
    pub fn value(&self) -> HeaderValue {
        // Its letters are all plain.
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl Default for RequestId {
    fn default() -> Self {
        RequestId::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(named: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for id in named {
            headers.append(REQUEST_ID, HeaderValue::from_bytes(id).expect("a header"));
        }
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_plain_id_is_taken() {
        let long = "x".repeat(LONGEST);
        for id in ["a", "7f3c-91_B", "0af7651916cd43dd8448eb211c80319c", &long] {
            assert_eq!(of(&[id.as_bytes()]), id);
        }
    }

    #[test]
    fn any_other_is_replaced() {
        let long = "x".repeat(LONGEST + 1);
        let odd: [&[u8]; 6] = [b"", b"a b", b"a,b", b"a\"b", b"\xc3\xa4", long.as_bytes()];
        let two: [&[u8]; 2] = [b"a", b"b"];
        for named in odd.iter().map(std::slice::from_ref).chain([&[], &two[..]]) {
            let id = of(named);
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id} for {named:?}");
        }
        assert_ne!(of(&[]), of(&[]));
    }
}
