//! Who may read a file: whoever has its address, or, where the route says so, only who may see its conversation.

use serde_json::json;

use super::harness::http;
use super::harness::{ACCESS_TOKEN, API_KEY, DIALECTS, Gateway};
use super::scene::{BOB, CAROL, CONVERSATIONS, Header, PNG, Upload, claims, credential, is_refusal};

async fn read(gateway: &Gateway, path: &str, header: Option<&Header>) -> http::Answer {
    let headers: Vec<(&str, &str)> = header.iter().map(|(name, value)| (*name, value.as_str())).collect();
    http::get(gateway.address, path, &headers).await
}

/// No document of the five asks for a credential where files are served.
#[tokio::test]
async fn whoever_has_the_address_reads() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for dialect in DIALECTS {
        let path = Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await;
        let answer = read(&gateway, &path, None).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, PNG), "{dialect}: {path}");
        assert_eq!(answer.header("cache-control"), Some("private, max-age=31536000, immutable"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        // The same file under another's name is none.
        let renamed = path.replace("view", "other");
        let answer = read(&gateway, &renamed, None).await;
        // An unknown file is a 400 to one of them. Whose it would have been nobody knows.
        assert!(matches!(answer.status, 400 | 404), "{dialect}: {answer:?}");
    }
    assert!(gateway.is_alive());
}

/// Whoever may see the conversation reads, whoever shows nothing is asked to, and others are refused: in the dialect's words.
#[tokio::test]
async fn a_stricter_route_looks_at_the_conversation() {
    let mut gateway = Gateway::start_with(CONVERSATIONS, |_| "file_access = \"conversation\"".to_owned()).await;
    for dialect in DIALECTS {
        let path = Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await;
        let as_party = |claims: serde_json::Value| credential(&gateway, dialect, &claims);
        let owner = match dialect {
            "divar" => ("X-API-Key", API_KEY.to_owned()),
            _ => as_party(claims(dialect)),
        };
        let member = match dialect {
            "frontdesk" => Some(as_party(json!({ "sub": "staff-2", "role": "staff", "department": "reception" }))),
            "licomed" => Some(as_party(json!({ "sub": BOB, "role": "user" }))),
            // Nobody named the file in a conversation yet: it is its uploader's.
            _ => None,
        };
        let stranger = match dialect {
            "frontdesk" => as_party(json!({ "sub": "staff-3", "role": "staff", "department": "kitchen" })),
            "andromedia" => as_party(
                json!({ "sub": "21111111-2222-4333-8444-555555555555", "role": "visitor", "business": "hotel" }),
            ),
            "licomed" => as_party(json!({ "sub": CAROL, "role": "user" })),
            "divar" => ("Authorization", format!("Bearer {ACCESS_TOKEN}")),
            "luxmart" => as_party(json!({ "sub": "11", "role": "store" })),
            other => unreachable!("no dialect {other}"),
        };
        for reader in std::iter::once(&owner).chain(&member) {
            let answer = read(&gateway, &path, Some(reader)).await;
            assert_eq!((answer.status, answer.body.as_slice()), (200, PNG), "{dialect}: {answer:?}");
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "asked again each time");
        }
        for (who, header, status) in [("nobody", None, 401), ("a stranger", Some(&stranger), 403)] {
            let answer = read(&gateway, &path, header).await;
            assert_eq!(answer.status, status, "{dialect}: {who}: {answer:?}");
            assert!(is_refusal(dialect, &answer.json()), "{dialect}: {who}: {answer:?}");
        }
        let forged = ("Authorization", format!("Bearer {}", gateway.forged(claims(dialect))));
        assert_eq!(read(&gateway, &path, Some(&forged)).await.status, 401, "{dialect}: a forged token");
    }
    assert!(gateway.is_alive());
}

/// Three dialects serve files below one path: each file is judged by the route that took it.
#[tokio::test]
async fn a_lax_route_gives_no_file_of_a_strict_one() {
    let strict = |dialect: &str| match dialect {
        "licomed" => "file_access = \"conversation\"".to_owned(),
        _ => String::new(),
    };
    let gateway = Gateway::start_with(CONVERSATIONS, strict).await;
    for (dialect, status) in [("frontdesk", 200), ("andromedia", 200), ("licomed", 401)] {
        let path = Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await;
        assert!(path.starts_with("/media/"), "{path}");
        assert_eq!(read(&gateway, &path, None).await.status, status, "{dialect}");
    }
}

/// A page cannot set headers on an image: the token stands where sockets of the dialect have it.
#[tokio::test]
async fn a_page_shows_the_token_in_the_query() {
    let gateway = Gateway::start_with(CONVERSATIONS, |_| "file_access = \"conversation\"".to_owned()).await;
    for dialect in ["frontdesk", "licomed"] {
        let path = Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await;
        let token = gateway.token(claims(dialect));
        assert_eq!(read(&gateway, &format!("{path}?token={token}"), None).await.status, 200, "{dialect}");
        assert_eq!(read(&gateway, &format!("{path}?token=x{token}"), None).await.status, 401, "{dialect}");
    }
    assert!(!gateway.log().contains("eyJ"), "no token is logged");
}
