//! The reader of URLs against another one, and against nonsense.

use http::Uri;
use proptest::prelude::*;

use super::super::host::Host;
use super::super::url::{Origin, Url};

/// Pieces of which hostile URLs are made.
const PIECES: &[&str] = &[
    "http",
    "https",
    "HTTP",
    ":",
    "://",
    ":/",
    "//",
    "/",
    "\\",
    "?",
    "#",
    "@",
    "%40",
    "%",
    "%00",
    ".",
    "..",
    "example",
    "cdn.example",
    "localhost",
    "127.0.0.1",
    "0x7f",
    "1",
    "[::1]",
    "[",
    "]",
    "::",
    ":80",
    ":443",
    ":0",
    ";",
    ",",
    "&",
    " ",
    "\t",
    "\r\n",
    "\0",
    "ن",
    "。",
    "\u{ad}",
    "-",
    "_",
    "~",
    "user",
    "x",
];

fn any_url() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat());
    prop_oneof![
        pieces.clone(),
        pieces.prop_map(|rest| format!("http://{rest}")),
        ("https?://[a-z0-9.:@\\[\\]%-]{0,20}", "(/[ -~]{0,20})?").prop_map(|(begin, path)| begin + &path),
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is accepted, another reader takes for the same: scheme, host, port, and no user.
    #[test]
    fn another_reader_agrees(text in any_url()) {
        let Ok(url) = Url::parse(&text) else { return Ok(()) };
        // Other letters in a path are percent-encoded; the other reader takes some of them for itself.
        let begin = text.find("://").map_or(0, |at| at + 3);
        let authority = &text[..text[begin..].find('/').map_or(text.len(), |slash| begin + slash)];
        let other: Uri = authority.parse().expect("accepted here, refused there");
        prop_assert_eq!(other.scheme_str() == Some("https"), url.origin.secure, "{}", text);
        let host = other.host().unwrap_or_default().to_ascii_lowercase();
        prop_assert_eq!(host.strip_suffix('.').unwrap_or(&host), url.origin.host.to_string(), "{}", text);
        prop_assert_eq!(other.port_u16().unwrap_or(if url.origin.secure { 443 } else { 80 }), url.origin.port, "{}", text);
        prop_assert!(!other.authority().is_some_and(|authority| authority.as_str().contains('@')), "{}", text);
        prop_assert_eq!(Origin::of(&other), Some(url.origin.clone()), "{}", text);
        // And what is made of it is read as itself again.
        let again = Url::parse(&format!("{}{}", url.origin, url.path)).expect("its own form");
        prop_assert_eq!(again.origin, url.origin, "{}", text);
        prop_assert_eq!(again.path, url.path, "{}", text);
    }

    #[test]
    fn redirects_to_nonsense_do_not_panic(text in any_url()) {
        let from = Url::parse("https://cdn.example/x").unwrap();
        if let Ok(next) = from.redirected(&text) {
            prop_assert!(next.origin.secure, "{}", text);
        }
    }
}

#[test]
fn good_urls_are_read() {
    for (text, origin, path) in [
        ("http://cdn.example", "http://cdn.example", "/"),
        ("https://CDN.Example.:443/", "https://cdn.example", "/"),
        ("https://cdn.example:8443/a/b?c=d&e=%20", "https://cdn.example:8443", "/a/b?c=d&e=%20"),
        ("http://my_backend:8000/@x//y?z=http://a", "http://my_backend:8000", "/@x//y?z=http://a"),
        ("http://10.0.0.1:80/", "http://10.0.0.1", "/"),
        ("http://[FD12::5]:8000/", "http://[fd12::5]:8000", "/"),
        ("http://cdn.example/منو.pdf", "http://cdn.example", "/%D9%85%D9%86%D9%88.pdf"),
        ("http://cdn.example/{a}|\"b\"^`", "http://cdn.example", "/%7Ba%7D%7C%22b%22%5E%60"),
        ("http://xn--mgbaa.example/", "http://xn--mgbaa.example", "/"),
    ] {
        let url = Url::parse(text).expect(text);
        assert_eq!(url.origin.to_string(), origin, "{text}");
        assert_eq!(url.path, path, "{text}");
    }
}

#[test]
fn lengths_are_bounded() {
    let label = "a".repeat(63);
    assert!(Host::parse(&format!("{label}.example")).is_ok());
    assert!(Host::parse(&format!("{label}a.example")).is_err());
    assert!(Host::parse(&[&*label; 4].join(".")).is_err(), "255 bytes");
    assert!(Url::parse(&format!("http://cdn.example/{}", "x".repeat(8000))).is_ok());
    assert!(Url::parse(&format!("http://cdn.example/{}", "x".repeat(8192))).is_err());
}
