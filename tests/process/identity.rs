//! Routes that know their callers by the keys of an identity provider: rotation under traffic, a provider that is away, and
//! tokens that nobody gave out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::harness::http::{self, Answer};
use super::harness::identity::{Provider, Signer};
use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE, SECRET};

const LIST: &str = "/api/chat/conversations/";

/// The five routes, of which frontdesk's takes the tokens of a provider.
async fn gateway(url: &str, more: &str) -> Gateway {
    let auth = format!("{{ kind = \"jwt\", secret = \"{SECRET}\" }}");
    let published = format!(
        "{{ kind = \"jwt\", jwks_url = \"{url}\", issuer = \"https://id.example\", audience = \"chat\"{more} }}"
    );
    Gateway::start_changed(|text| text.replacen(&auth, &published, 1)).await
}

fn claims() -> Value {
    json!({ "sub": "staff-1", "role": "staff", "iss": "https://id.example", "aud": "chat" })
}

async fn ask(address: SocketAddr, token: &str) -> Answer {
    http::get(address, LIST, &[("Authorization", &format!("Bearer {token}"))]).await
}

async fn status(address: SocketAddr, token: &str) -> u16 {
    ask(address, token).await.status
}

async fn text(gateway: &Gateway, path: &str) -> String {
    String::from_utf8(http::get(gateway.admin, path, &[]).await.body).unwrap()
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE * 3, "{what} did not happen");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_under_traffic_and_nobody_is_refused() {
    let (old, new) = (Signer::rsa("2026-10"), Signer::p256("2026-11"));
    let provider = Provider::start_secured(&[&old]).await;
    let gateway = gateway(&provider.url(), "").await;
    let address = gateway.address;
    let mut socket = Socket::open(address, &format!("/ws/chat/?token={}", old.token(claims())), None).await.unwrap();
    let calls = async |signer: &Signer, count: usize| {
        let token = signer.token(claims());
        let asked = (0..count).map(|_| status(address, &token));
        for found in futures_util::future::join_all(asked).await {
            assert_eq!(found, 200, "{}", gateway.log());
        }
    };
    calls(&old, 20).await;
    // Both are good for a while; the first token of the new key comes with many others.
    provider.publish(&[&old, &new]);
    for _ in 0..5 {
        tokio::join!(calls(&old, 20), calls(&new, 20));
    }
    assert_eq!(provider.asked(), 2, "one fetch at the start, one for all who came with the new key");
    let mut other = Socket::open(address, &format!("/ws/chat/?token={}", new.token(claims())), None).await.unwrap();
    for socket in [&mut socket, &mut other] {
        socket.say("{\"type\":").await;
        socket.hear_within(PATIENCE).await.expect("the socket is there");
    }
    let page = text(&gateway, "/metrics").await;
    for line in [
        "dragoman_jwks_fetches_total{outcome=\"taken\",route=\"frontdesk\"} 2",
        "dragoman_jwks_fetches_total{outcome=\"status\",route=\"frontdesk\"} 0",
        "dragoman_jwks_keys{route=\"frontdesk\"} 2",
    ] {
        assert!(page.contains(line), "{line}\nis not in\n{page}");
    }
    assert!(text(&gateway, "/readyz").await.contains("\"keys\":{\"frontdesk\":\"ok\"}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_starts_without_its_provider_and_says_so() {
    let signer = Signer::ed25519("a");
    let provider = Provider::start(&[&signer]).await;
    let url = provider.url();
    let address = provider.stop().await;
    let gateway = gateway(&format!("{url}?api_key=not-for-everybody"), "").await;
    let token = signer.token(claims());
    let refused = ask(gateway.address, &token).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let socket = Socket::open(gateway.address, &format!("/ws/chat/?token={token}"), None).await;
    assert!(socket.is_err_and(|refused| format!("{refused:?}").contains("503")));
    // Other routes are not concerned.
    let user = gateway.token(json!({ "sub": "302e305b-6e73-4f9c-bac7-551a92b106b0", "role": "user" }));
    let bearer = format!("Bearer {user}");
    let threads = http::get(gateway.address, "/chat/user/threads/", &[("Authorization", &bearer)]).await;
    assert_eq!(threads.status, 200);
    let ready = http::get(gateway.admin, "/readyz", &[]).await;
    assert_eq!(ready.status, 200);
    let said = ready.json();
    assert_eq!(said["status"], "ready, but not well", "{said}");
    let wrong = said["keys"]["frontdesk"].as_str().unwrap_or_default();
    assert!(wrong.contains(&address.to_string()) && wrong.contains("503"), "{said}");
    let _provider = Provider::start_at(address, &[&signer], false).await;
    until("a first fetch", async || status(gateway.address, &token).await == 200).await;
    assert_eq!(http::get(gateway.admin, "/readyz", &[]).await.json()["keys"]["frontdesk"], "ok");
    let page = text(&gateway, "/metrics").await;
    assert!(!format!("{}{page}{said}", gateway.log()).contains("not-for-everybody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_the_provider_did_not_make_are_refused() {
    let (rsa, stranger) = (Signer::rsa("a"), Signer::p256("a"));
    let provider = Provider::start(&[&rsa]).await;
    let gateway = gateway(&provider.url(), "").await;
    assert_eq!(status(gateway.address, &rsa.token(claims())).await, 200);
    let mut lasting = claims();
    lasting["exp"] = json!(4_102_444_800_u64);
    let shared = |secret: &[u8], id: &str| {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &lasting, &EncodingKey::from_secret(secret)).unwrap()
    };
    let public = include_bytes!("../keys/rsa.pub.pem");
    let modulus = rsa.published()["n"].as_str().unwrap().to_owned();
    let good = rsa.token(claims());
    let (_, rest) = good.split_once('.').unwrap();
    let [none, unsigned] = ["eyJhbGciOiJub25lIiwia2lkIjoiYSJ9", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ"];
    let payload = rest.split_once('.').unwrap().0;
    let mut of_another_issuer = claims();
    of_another_issuer["iss"] = json!("https://evil.example");
    let mut of_none = claims();
    of_none.as_object_mut().unwrap().remove("aud");
    let cases = [
        ("the public key as a secret", shared(public, "a")),
        ("the modulus as a secret", shared(modulus.as_bytes(), "a")),
        ("no algorithm", format!("{none}.{payload}.")),
        ("no algorithm, and a signature", format!("{none}.{rest}")),
        ("no signature", format!("{unsigned}.{payload}.")),
        ("another key under the name", stranger.token(claims())),
        ("a path for a name", stranger.token_as(Some("../../etc/passwd"), claims())),
        ("a query for a name", stranger.token_as(Some("a' OR '1'='1"), claims())),
        ("a URL for a name", stranger.token_as(Some("http://127.0.0.1:1/keys"), claims())),
        ("an empty name", stranger.token_as(Some(""), claims())),
        ("a name without an end", stranger.token_as(Some(&"a".repeat(4_000)), claims())),
        ("another issuer", rsa.token(of_another_issuer)),
        ("no audience", rsa.token(of_none)),
        ("the routes' own secret", gateway.token(claims())),
    ];
    for (case, token) in cases {
        // One that has to be looked for may be told to come again, while looks are not allowed.
        let found = status(gateway.address, &token).await;
        assert!(matches!(found, 401 | 503), "{case}: {found}");
    }
    assert_eq!(status(gateway.address, &good).await, 200);
    assert!(provider.asked() <= 4, "{}", provider.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_config_keeps_the_keys_it_has() {
    let signer = Signer::p256("a");
    let provider = Provider::start(&[&signer]).await;
    let gateway = gateway(&provider.url(), "").await;
    let token = signer.token(claims());
    assert_eq!(status(gateway.address, &token).await, 200);
    // The provider goes; a config that is otherwise another knows the keys still.
    let address = provider.stop().await;
    let file = gateway.folder().join("routes.toml");
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, written.replace("audience = \"chat\"", "audience = [\"chat\", \"more\"]")).unwrap();
    let reload = http::request("POST", "/api/reload", &[], b"");
    assert_eq!(http::send(gateway.admin, &reload).await.status, 200);
    assert_eq!(status(gateway.address, &token).await, 200);
    // Another address is another set.
    let moved = format!("http://{address}/moved");
    std::fs::write(&file, written.replace(&format!("http://{address}/keys"), &moved)).unwrap();
    assert_eq!(http::send(gateway.admin, &reload).await.status, 200);
    assert_eq!(status(gateway.address, &token).await, 503);
}
