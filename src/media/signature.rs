//! Addresses of files that somebody could guess, signed by the gateway. In: a key that operators' templates made. Out: the
//! same key behind a segment that only this installation can write; later, whether such a segment is ours.
//!
//! The segment stands before the key, so that a dialect's documented path begins and ends as documented: clients that
//! take the last segment for the file's name, or a query for no part of it, find what they expect.

use std::fmt::Write;

use aws_lc_rs::hmac;

use crate::secret::Secret;

/// What a segment begins with that is a signature. No key begins so.
pub const MARK: char = '~';
/// Half of the 256 bits (RFC 2104 §5): applications in the field keep URLs in columns of 200 letters.
const KEPT: usize = 16;
/// What the installation's secret is used for here, so that no other use of it gives the same.
const PURPOSE: &[u8] = b"dragoman file addresses 1";

/// Signs and knows addresses. The same in all replicas that have the same secret.
#[derive(Clone)]
pub struct Signer(hmac::Key);

/// A key as an address names it.
#[derive(Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// Its signature is ours and of this route.
    Signed(&'a str),
    Unsigned(&'a str),
    /// It has a signature that is not.
    Forged,
}

impl Signer {
    pub fn new(secret: &Secret) -> Self {
        let whole = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Signer(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&whole, PURPOSE).as_ref()))
    }

    /// The key behind its signature: good for this route, for ever.
    pub fn sign(&self, route: &str, key: &str) -> String {
        let tag = self.tag(route, key);
        let mut signed = String::with_capacity(key.len() + 2 * KEPT + 2);
        signed.push(MARK);
        for byte in tag.as_ref().iter().take(KEPT) {
            // Writing to a String cannot fail.
            let _ = write!(signed, "{byte:02x}");
        }
        signed.push('/');
        signed.push_str(key);
        signed
    }

    /// What an address of this route names.
    pub fn named<'a>(&self, route: &str, text: &'a str) -> Named<'a> {
        if !text.starts_with(MARK) {
            return Named::Unsigned(text);
        }
        let key = without(text);
        let ours = Secret::new(self.sign(route, key));
        if ours.is(text) { Named::Signed(key) } else { Named::Forged }
    }

    fn tag(&self, route: &str, key: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        // With its length before it no route and key say what another two say.
        context.update(&(route.len() as u64).to_be_bytes());
        context.update(route.as_bytes());
        context.update(key.as_bytes());
        context.sign()
    }
}

/// The key that an address names, whoever wrote its signature.
pub fn without(text: &str) -> &str {
    match text.strip_prefix(MARK) {
        Some(rest) => rest.split_once('/').map_or("", |(_, key)| key),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "chat/session-7/گزارش.pdf";

    fn signer() -> Signer {
        Signer::new(&Secret::new("a secret of this installation, long enough"))
    }

    #[test]
    fn only_what_was_signed_is_known() {
        let signed = signer().sign("shops", KEY);
        assert!(signed.ends_with(&format!("/{KEY}")) && signed.len() == KEY.len() + 34, "{signed}");
        assert_eq!(signer().named("shops", &signed), Named::Signed(KEY));
        assert_eq!(signer().named("shops", KEY), Named::Unsigned(KEY));
        assert_eq!(signer().named("staff", &signed), Named::Forged, "of another route");
        assert_eq!(Signer::new(&Secret::new("another")).named("shops", &signed), Named::Forged);
        for at in 1..signed.len() {
            if signed.is_char_boundary(at) && signed.is_char_boundary(at + 1) {
                let other = if &signed[at..=at] == "a" { "b" } else { "a" };
                let changed = format!("{}{other}{}", &signed[..at], &signed[at + 1..]);
                assert_eq!(signer().named("shops", &changed), Named::Forged, "{changed}");
            }
        }
        for text in ["~", "~/", "~/chat/session-7/a", &signed[..33], &signed[..34], &signed.to_uppercase()] {
            assert_eq!(signer().named("shops", text), Named::Forged, "{text}");
        }
    }

    #[test]
    fn a_route_and_a_key_are_not_taken_for_others() {
        let signed = signer().sign("a", "b/c");
        assert_eq!(signer().named("ab", &signed.replace("b/c", "/c")), Named::Forged);
    }

    /// RFC 4231, test case 2, cut: the same in every replica and every version.
    #[test]
    fn the_function_is_the_standard_one() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        let tag = hmac::sign(&key, b"what do ya want for nothing?");
        assert_eq!(&tag.as_ref()[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(signer().sign("shops", "chat/a.png"), signer().sign("shops", "chat/a.png"));
    }
}
