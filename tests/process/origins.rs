//! Pages of other origins (Fetch Standard, CORS protocol) on every call of a route that lists some.

use crate::harness::{Gateway, http};

const LIST: &str = "/api/chat/conversations/";
const PAGE: &str = "https://chat.example";

fn options(dialect: &str, more: &str) -> String {
    if dialect == "frontdesk" { format!("origins = [\"{PAGE}\"]\n{more}") } else { String::new() }
}

#[tokio::test]
async fn listed_pages_read_answers_and_caches_know_that_they_differ() {
    let gateway = Gateway::start_with("", |dialect| options(dialect, "")).await;
    for (origin, allowed) in [(Some(PAGE), Some(PAGE)), (Some("https://other.example"), None), (None, None)] {
        let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
        let answer = http::get(gateway.address, LIST, &headers).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, allowed), "{origin:?}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{origin:?}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{origin:?}");
    }
    // A route without a list says the same to all.
    assert_eq!(http::get(gateway.address, "/chat/history/", &[]).await.header("vary"), None);
}

#[tokio::test]
async fn a_browser_that_asks_first_hears_what_calls_carry() {
    let gateway = Gateway::start_with("", |dialect| options(dialect, "cookies = true")).await;
    let asked = [
        ("Origin", PAGE),
        ("Access-Control-Request-Method", "GET"),
        ("Access-Control-Request-Headers", "authorization, x-invented"),
    ];
    let answer = http::send(gateway.address, &http::request("OPTIONS", LIST, &asked, b"")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(PAGE)), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{answer:?}");
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("Authorization") && !allowed.contains("x-invented"), "{allowed}");
    let other = [("Origin", "https://other.example"), asked[1]];
    let answer = http::send(gateway.address, &http::request("OPTIONS", LIST, &other, b"")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, None), "{answer:?}");
}
