//! Where a redirect leads is judged like any URL, and the credential stays where it belongs.

use http::{HeaderName, HeaderValue};

use super::stage::{PUBLIC, Stage, file, redirect, say};
use crate::fault::Reason;

const SECRET: &str = "Bearer of-this-test";

fn credential() -> Option<(HeaderName, HeaderValue)> {
    Some((http::header::AUTHORIZATION, HeaderValue::from_static(SECRET)))
}

/// Where a host on the list, called by https, sends us. `{host}` is an own endpoint's port.
const HOSTILE: &[&str] = &[
    "http://127.0.0.1:{trap}/",
    "https://127.0.0.1:{trap}/",
    "https://localhost:{trap}/",
    "https://127.1:{trap}/",
    "https://2130706433:{trap}/",
    "https://0x7f.1:{trap}/",
    "https://[::1]:{trap}/",
    "https://[::ffff:7f00:1]:{trap}/",
    "https://169.254.169.254/latest/meta-data/",
    "https://inside.example/",
    "https://rebound.example/",
    "https://unlisted.example/",
    "https://cdn.example@127.0.0.1:{trap}/",
    "https://cdn.example\\@127.0.0.1:{trap}/",
    "https://cdn.example#@127.0.0.1:{trap}/",
    "https://cdn.example:8443/",
    "//127.0.0.1:{trap}/",
    "///127.0.0.1:{trap}/",
    "//127.0.0.1:{trap}\\.cdn.example/",
    "\\\\127.0.0.1:{trap}\\",
    "/\\127.0.0.1:{trap}/",
    "https:127.0.0.1:{trap}/",
    "https:/127.0.0.1:{trap}/",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "gopher://127.0.0.1:{trap}/_x",
    "data:text/plain,x",
    "javascript:alert(1)",
    "ftp://cdn.example/x",
    // From https to http: even to where http would be fine.
    "http://cdn.example/x",
    "http://127.0.0.1:{host}/",
    // What is relative is understood differently.
    "x",
    "../x",
    "?x",
    "",
    // Text that is none.
    "https://cdn.example/a b",
    "https://cdn.example/\tx",
    "https://cdn.exаmple/",
];

#[tokio::test]
async fn hostile_redirects_are_not_followed() {
    for written in HOSTILE {
        let mut stage =
            redirecting(written).await.allowed("cdn.example").allowed("inside.example").own("http://127.0.0.1:{host}");
        stage.settings.allowed.push("rebound.example".to_owned());
        stage.names.set("inside.example", &[&["10.0.0.5"]]);
        stage.names.set("rebound.example", &[&["127.0.0.1"]]);

        let fetched = stage.fetcher().fetch("https://cdn.example/start?token=hidden", credential()).await;
        let fault = fetched.map(|_| ()).expect_err(written);
        assert_eq!(fault.reason, Reason::FileNotFound, "{written:?}: {fault}");
        assert!(!fault.to_string().contains("hidden"), "{written:?}: {fault}");
        let first = ((PUBLIC, 443).into(), Some("cdn.example".to_owned()));
        assert_eq!(stage.dials(), [first], "{written:?}: somebody else was dialled");
        assert_eq!(stage.tripped().await, 0, "{written:?}: somebody connected");
        assert!(!stage.heads().concat().contains("of-this-test"), "{written:?}");
    }
    assert!(HOSTILE.len() > 30);
}

/// A stage whose host redirects everything; the ports of the stage are known only when it is asked.
async fn redirecting(location: &'static str) -> Stage {
    let filled = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let later = std::sync::Arc::clone(&filled);
    let stage = Stage::new(move |_| redirect(later.get().expect("set before the first request"))).await;
    filled.set(stage.filled(location)).expect("set once");
    stage
}

/// The upstream's own open redirect leads no further than a stranger's URL.
#[tokio::test]
async fn an_open_redirect_of_the_upstream_leads_nowhere() {
    for location in
        ["http://127.0.0.1:{trap}/", "http://localhost:{trap}/", "//127.0.0.1:{trap}", "http://127.1:{host}/"]
    {
        let mut stage = redirecting(location).await.own("http://127.0.0.1:{host}");
        let url = stage.filled("http://127.0.0.1:{host}/go");
        let fault = stage.fetcher().fetch(&url, credential()).await.map(|_| ()).expect_err(location);
        assert_eq!(fault.reason, Reason::FileNotFound, "{location}: {fault}");
        assert_eq!(stage.dials(), [(stage.host, None)], "{location}");
        assert_eq!(stage.tripped().await, 0, "{location}");
    }
}

/// A name that was public when it was first asked for and is this machine at the redirect.
#[tokio::test]
async fn rebinding_between_redirects_is_noticed() {
    let mut stage = redirecting("https://cdn.example/next").await.allowed("cdn.example");
    stage.names.set("cdn.example", &[&["93.184.215.14"], &["127.0.0.1"]]);
    let fault = stage.fetcher().fetch("https://cdn.example/start", None).await.map(|_| ()).expect_err("rebound");
    assert_eq!(fault.reason, Reason::FileNotFound);
    assert_eq!(stage.names.asked().len(), 2);
    assert_eq!(stage.dials().len(), 1);
    assert_eq!(stage.tripped().await, 0);
}

#[tokio::test]
async fn loops_end() {
    let stage = redirecting("https://cdn.example/again").await.allowed("cdn.example");
    let fault = stage.fetcher().fetch("https://cdn.example/again", None).await.map(|_| ()).expect_err("a loop");
    assert_eq!(fault.reason, Reason::Upstream, "{fault}");
    assert_eq!(stage.dials().len(), 4, "the first and three redirects");
}

#[tokio::test]
async fn a_redirect_must_lead_to_one_place() {
    for answer in [
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 300 Multiple Choices\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nLocation: /a\r\n\r\n",
    ] {
        let stage = Stage::new(move |_| say(answer)).await.allowed("cdn.example");
        let fault = stage.fetcher().fetch("https://cdn.example/x", None).await.map(|_| ()).expect_err(answer);
        assert_eq!(fault.reason, Reason::Upstream, "{answer}: {fault}");
        assert_eq!(stage.dials().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn good_redirects_are_followed() {
    for location in ["/file", "//cdn.example/file", "https://cdn.example/file", "https://CDN.example.:443/file"] {
        let script = move |path: &str| if path == "/file" { file("hello") } else { redirect(location) };
        let stage = Stage::new(script).await.allowed("cdn.example");
        let fetched = stage.fetcher().fetch("https://cdn.example/start", None).await.expect(location);
        assert_eq!(fetched.size, Some(5), "{location}");
        assert_eq!(fetched.name.as_deref(), Some("file"), "{location}");
        assert_eq!(stage.dials().len(), 2, "{location}");
    }
}

/// Who is shown the credential, along ways of several hosts. The host answers `/1` with a redirect to what is beside it,
/// and so on; `own`, `other` (own as well) and `cdn` are origins.
#[tokio::test]
async fn a_credential_stays_where_it_belongs() {
    const OWN: &str = "http://own.internal:8000";
    const OTHER: &str = "http://other.internal:8000";
    const CDN: &str = "http://cdn.example";
    for (way, shown) in [
        (&[OWN][..], &[true][..]),
        (&[OWN, OWN], &[true, true]),
        (&[OWN, CDN], &[true, false]),
        (&[OWN, CDN, OWN], &[true, false, false]),
        (&[OWN, OTHER], &[true, false]),
        (&[OWN, OTHER, OWN], &[true, false, false]),
        (&[CDN], &[false]),
        (&[CDN, OWN], &[false, false]),
        (&[OTHER, OTHER, CDN], &[true, true, false]),
    ] {
        let script = move |path: &str| {
            let step: usize = path[1..].parse().unwrap();
            way.get(step + 1).map_or_else(|| file("hello"), |next| redirect(&format!("{next}/{}", step + 1)))
        };
        let stage = Stage::new(script).await.own(OWN).own(OTHER).allowed("cdn.example");
        stage.names.set("own.internal", &[&["10.0.0.1"]]);
        stage.names.set("other.internal", &[&["10.0.0.2"]]);
        stage.fetcher().fetch(&format!("{}/0", way[0]), credential()).await.expect("all of them are fine");
        let seen: Vec<bool> = stage.heads().iter().map(|head| head.contains(SECRET)).collect();
        assert_eq!(seen, shown, "{way:?}");
    }
}
