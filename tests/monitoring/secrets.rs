//! A secret in every place where one can be, and a search for it in all that the gateway says: its log at the level of all there
//! is, metrics, the answers of the admin listener, refusals, what it keeps. Each is looked for as it is, percent-encoded, in
//! base64 of either alphabet, and in hex.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::collector::Collector;
use crate::harness::socket::Socket;
use crate::harness::{API_KEY, Gateway, PATIENCE, SECRET, http};
use crate::standin::{self, Standin};

const US: &str = "0e9d4c1b-7a25-4f83-b6c0-58d3a1f2e794";
const THEM: &str = "7c1d0b52-3e94-4a68-9f07-2b6a5d8e1c43";

/// What was planted: where, and what.
pub struct Planted {
    random: StdRng,
    secrets: Vec<(String, String)>,
}

impl Planted {
    pub fn new(seed: u64) -> Self {
        Planted { random: StdRng::seed_from_u64(seed), secrets: Vec::new() }
    }

    /// One that may stand in a header, a URL and a TOML string; percent-encoding changes it where `plain` is not asked for.
    pub fn plant(&mut self, place: &str, plain: bool) -> String {
        let letters: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut secret: String =
            (0..36).map(|_| char::from(letters[self.random.random_range(0..letters.len())])).collect();
        if !plain {
            secret.insert_str(12, "+/=");
        }
        self.secrets.push((place.to_owned(), secret.clone()));
        secret
    }

    pub fn add(&mut self, place: &str, secret: &str) {
        self.secrets.push((place.to_owned(), secret.to_owned()));
    }

    /// Every form of every secret that stands in a text.
    pub fn found_in(&self, of: &str, text: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (place, secret) in &self.secrets {
            for form in forms(secret) {
                if let Some(at) = text.windows(form.len()).position(|part| part == form.as_bytes()) {
                    let around = &text[at.saturating_sub(200)..(at + form.len() + 80).min(text.len())];
                    found.push(format!("{of} has that of {place}: … {} …", String::from_utf8_lossy(around)));
                }
            }
        }
        found
    }
}

/// How a secret may be written.
fn forms(secret: &str) -> Vec<String> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let percent = |upper: bool| {
        secret.bytes().fold(String::new(), |mut text, byte| {
            match (is_plain(&byte), upper) {
                (true, _) => text.push(char::from(byte)),
                (false, true) => _ = write!(text, "%{byte:02X}"),
                (false, false) => _ = write!(text, "%{byte:02x}"),
            }
            text
        })
    };
    let hex = secret.bytes().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    });
    let mut forms = vec![secret.to_owned(), percent(true), percent(false), hex];
    // Within other text it begins at any of three places of a group; what is certain of it is the middle.
    for shift in 0..3 {
        let padded = [&b"xyz"[..shift], secret.as_bytes()].concat();
        let standard = base64(&padded);
        let middle = &standard[4..standard.len() - 4];
        forms.push(middle.to_owned());
        forms.push(middle.replace('+', "-").replace('/', "_"));
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[test]
fn a_secret_is_found_in_any_of_its_forms() {
    let mut planted = Planted::new(7);
    let secret = planted.plant("a test", false);
    assert_eq!(base64(b"Man"), "TWFu");
    assert_eq!(base64(b"Ma"), "TWE=");
    for text in [
        format!("?token={secret}&x=1"),
        format!("token={}", secret.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")),
        format!("Basic {}", base64(format!("user:{secret}").as_bytes())),
        format!("Basic {}", base64(format!("us:{secret}").as_bytes())),
        format!("{{\"a\":\"{}\"}}", base64(secret.as_bytes()).replace('+', "-").replace('/', "_")),
    ] {
        assert!(!planted.found_in("it", text.as_bytes()).is_empty(), "{text}");
    }
    assert!(planted.found_in("it", b"nothing of it here").is_empty());
}

/// A token of this key.
fn token(key: &str, sub: &str, role: &str) -> String {
    let claims = json!({ "sub": sub, "role": role, "department": "reception", "exp": 4_102_444_800_u64 });
    let key = jsonwebtoken::EncodingKey::from_secret(key.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed")
}

/// Files and what is in them, below a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(content) = std::fs::read(&path) {
            found.push((path.display().to_string(), content));
        }
    }
}

/// A port at which nobody listens any more.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port")
}

struct Scene {
    gateway: Gateway,
    /// What the routes know tokens by.
    key: String,
    /// Texts that the gateway said to clients and operators.
    said: Vec<(String, Vec<u8>)>,
}

impl Scene {
    /// The config, with a secret at each of its places.
    async fn set(
        planted: &mut Planted,
        backend: &standin::licomed::Licomed,
        backend_secret: &str,
        collector: &Collector,
    ) -> Self {
        let key = planted.plant("the key of tokens", false);
        let jwks = planted.plant("the address of keys", true);
        let [visitors, api_key, fixed, path, webhook_key, webhook_url, access, bucket_key, session] = [
            ("the visitors' key", true),
            ("a fixed token of clients", false),
            ("the fixed credential of an upstream", false),
            ("the path of an upstream's URL", true),
            ("the key of a webhook", false),
            ("the URL of a webhook", true),
            ("the access key of a bucket", true),
            ("the secret key of a bucket", false),
            ("the session token of a bucket", false),
        ]
        .map(|(place, plain)| planted.plant(place, plain));
        let (http, socket, nobody) = (backend.http(), backend.socket(), nobody());
        let (collector, collector_key) = (collector.recorder.http(), planted.plant("the header of a collector", false));
        let more = format!(
            r#"
[tracing]
endpoint = "{collector}"
headers  = "x-api-key={collector_key}"

[stores.bucket]
kind = "s3"
endpoint = "http://{nobody}"
bucket = "chat"
region = "us-east-1"
access_key_id = "{access}"
secret_access_key = "{bucket_key}"
session_token = "{session}"
retries = 0

[upstreams.clinic]
dialect    = "licomed"
http       = "{http}"
socket     = "{socket}"
credential = {{ kind = "mint", secret = "{backend_secret}", claims = {{ sub = "{US}" }} }}
role       = "user"

[upstreams.dead]
dialect    = "licomed"
http       = "http://{nobody}/{path}"
credential = {{ kind = "fixed", value = "{fixed}" }}

[[routes]]
name    = "bridged"
dialect = "frontdesk"
prefix  = "/bridged"
to      = "clinic"
uploads = "bucket"
auth    = {{ kind = "jwt", secret = "{key}" }}

[[routes]]
name    = "nowhere"
dialect = "frontdesk"
prefix  = "/nowhere"
to      = "dead"
auth    = {{ kind = "jwt", secret = "{key}" }}

[[routes]]
name    = "passed"
dialect = "licomed"
prefix  = "/passed"
to      = "clinic"
auth    = {{ kind = "upstream" }}

[[routes]]
name    = "published"
dialect = "frontdesk"
prefix  = "/published"
to      = "hub"
auth    = {{ kind = "jwt", jwks_url = "http://{nobody}/keys?api_key={jwks}" }}

[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
licomed    = ["{US}", "{THEM}"]
divar      = "conversation-101"
"#
        );
        // Passing on is only for credentials of the clients themselves.
        let more = more.replace("\n[[routes]]\nname    = \"passed\"", &format!(
            "\n[upstreams.open]\ndialect = \"licomed\"\nhttp = \"{http}\"\nsocket = \"{socket}\"\ncredential = {{ kind = \"forward\" }}\n\n[[routes]]\nname    = \"passed\""
        )).replace("to      = \"clinic\"\nauth    = { kind = \"upstream\" }", "to      = \"open\"\nauth    = { kind = \"upstream\" }");
        let gateway = Gateway::start_changed(|text| {
            let text = text.replace(SECRET, &key).replace(API_KEY, &api_key);
            let text = text.replace("[server]", &format!("[server]\nvisitor_secret = \"{visitors}\""));
            let divar = "dialect = \"divar\"\n";
            let events = format!(
                "{divar}events = {{ url = \"http://{nobody}/hook?key={webhook_url}\", key = \"{webhook_key}\" }}\n"
            );
            text.replace(divar, &events) + &more
        })
        .await;
        Scene { gateway, key, said: Vec::new() }
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        let headers = [headers, &[("Content-Type", "application/json")]].concat();
        let answer = http::send(self.gateway.address, &http::request(method, path, &headers, body)).await;
        self.said.push((format!("the answer to {method} {}", path.split('?').next().unwrap_or(path)), whole(&answer)));
        answer.status
    }

    /// Opens a socket with raw headers, so that any subprotocol can be said, and hears what it says first.
    async fn connect(&mut self, path: &str, headers: &[(&'static str, &str)]) -> Option<Socket> {
        Socket::open_with(self.gateway.address, path, headers).await.ok()
    }

    async fn operator(&mut self, method: &str, path: &str) -> u16 {
        let answer = http::send(self.gateway.admin, &http::request(method, path, &[], b"")).await;
        self.said.push((format!("the admin listener's {path}"), whole(&answer)));
        answer.status
    }
}

fn whole(answer: &http::Answer) -> Vec<u8> {
    let head = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect::<String>();
    [head.as_bytes(), &answer.body].concat()
}

/// Bad and good credentials at every place that a client has for one.
async fn as_clients(scene: &mut Scene, planted: &mut Planted) {
    for path in [
        "/ws/chat/",
        "/bridged/ws/chat/",
        "/nowhere/ws/chat/",
        "/passed/ws/chat/room/",
        "/published/ws/chat/",
        "/unknown/",
    ] {
        let secret = planted.plant("a query", false);
        let encoded = secret.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
        scene.connect(&format!("{path}?token={encoded}"), &[]).await;
        scene.ask("GET", &format!("{path}?token={encoded}"), &[], b"").await;
        let secret = planted.plant("a subprotocol", true);
        scene.connect(path, &[("sec-websocket-protocol", &format!("Bearer, {secret}"))]).await;
    }
    for path in [
        "/api/chat/conversations/101",
        "/bridged/api/chat/conversations/101",
        "/chat/user/threads/",
        "/passed/chat/user/threads/",
        "/v1/chat/store/session/",
        "/nowhere/api/chat/conversations/101",
        "/published/api/chat/conversations/101",
        "/nothing",
    ] {
        let [bearer, basic, key, cookie, proxy] =
            ["a bearer", "a password of Basic", "a key in a header", "a cookie", "a proxy's"]
                .map(|place| planted.plant(place, false));
        let basic = base64(format!("somebody:{basic}").as_bytes());
        scene.ask("GET", path, &[("Authorization", &format!("Bearer {bearer}"))], b"").await;
        let authorization = format!("Basic {basic}");
        let (cookie, proxy) = (format!("session={cookie}"), format!("Basic {proxy}"));
        // What traces bring along: the one is no id, the other no trace's.
        let [request, state, baggage] =
            ["a request's id", "the state of no trace", "a baggage"].map(|place| planted.plant(place, false));
        let (state, baggage) = (format!("a={state}"), format!("a={baggage}"));
        let headers = [
            ("X-Request-Id", request.as_str()),
            ("Traceparent", "00-no-trace-00"),
            ("Tracestate", &state),
            ("Baggage", &baggage),
            ("Authorization", authorization.as_str()),
            ("X-API-Key", &key),
            ("Cookie", &cookie),
            ("Proxy-Authorization", &proxy),
        ];
        scene.ask("GET", path, &headers, b"").await;
        scene.ask("POST", path, &headers, b"{").await;
    }
    for path in ["/api/login/", "/bridged/api/login/", "/nowhere/api/login/", "/passed/api/login/"] {
        let password = planted.plant("a login", false);
        let body = json!({ "username": "somebody", "password": password }).to_string();
        scene.ask("POST", path, &[], body.as_bytes()).await;
        let broken = format!("{body},");
        scene.ask("POST", path, &[], broken.as_bytes()).await;
        let refresh = planted.plant("a refresh token", false);
        scene.ask("POST", &format!("{path}refresh/"), &[], json!({ "refresh": refresh }).to_string().as_bytes()).await;
    }
}

/// Tokens that are good, at work: messages on the hub, to an upstream, to one that is dead, uploads to a bucket that is dead.
async fn at_work(scene: &mut Scene, planted: &mut Planted, backend: &standin::licomed::Licomed) {
    let staff = token(&scene.key, "staff-1", "staff");
    let user = token(&scene.key, US, "user");
    let native = backend.token(US);
    for (place, token) in
        [("a good token of staff", &staff), ("a good token of a user", &user), ("a token of the upstream", &native)]
    {
        planted.add(place, token);
        planted.add(&format!("{place}, its signature"), token.rsplit('.').next().expect("a signature"));
    }
    let bearer = format!("Bearer {staff}");
    for path in ["/ws/chat/", "/bridged/ws/chat/", "/nowhere/ws/chat/"] {
        let Some(mut socket) = scene.connect(&format!("{path}?token={staff}"), &[]).await else { continue };
        let frame = json!({ "type": "text", "conversation_id": 101, "content": "words" });
        socket.say(&frame.to_string()).await;
        let heard = socket.hear_within(PATIENCE).await;
        scene.said.push((format!("the socket at {path}"), format!("{heard:?}").into_bytes()));
        socket.say("{\"type\":").await;
        let heard = socket.hear_within(PATIENCE).await;
        scene.said.push((format!("the socket at {path}"), format!("{heard:?}").into_bytes()));
    }
    let mut passed = scene.connect(&format!("/passed/ws/chat/room/?token={native}"), &[]).await.expect("passed on");
    passed.say(&json!({ "action": "text_message", "message_body": "words", "receiver_id": THEM }).to_string()).await;
    passed.hear_within(PATIENCE).await;
    for path in ["/api/chat/upload-media/", "/bridged/api/chat/upload-media/", "/nowhere/api/chat/upload-media/"] {
        let parts = [
            http::field("conversation_id", "101"),
            http::file("file", "a.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n"),
        ];
        let answer = http::post_form(scene.gateway.address, path, &[("Authorization", &bearer)], &parts).await;
        scene.said.push((format!("the answer to {path}"), whole(&answer)));
    }
    let history = scene.ask("GET", "/api/chat/conversations/101", &[("Authorization", &bearer)], b"").await;
    assert_eq!(history, 200, "the room of the hub was not spoken in: nothing was tried");
}

/// Configs that are refused show their lines, and what is wrong in them.
async fn as_operator(scene: &mut Scene, planted: &mut Planted) {
    let file = scene.gateway.folder().join("routes.toml");
    let good = std::fs::read_to_string(&file).expect("readable");
    let [one, two, three, four, five, six] = [
        "a line with a mistake",
        "a URL of Redis",
        "a user's part of an upstream's URL",
        "a line that is no TOML",
        "an unset variable's default",
        "the headers of a collector that are none",
    ]
    .map(|place| planted.plant(place, true));
    let headers = good.lines().find(|line| line.starts_with("headers  = ")).expect("the header of the collector");
    for broken in [
        good.replace(headers, &format!("headers = \"{six}\"")),
        format!(
            "{good}\n[upstreams.more]\ndialect = \"licomed\"\nhttp = \"http://127.0.0.1:1\"\ncredential = {{ kind = \"fixd\", value = \"{one}\", nonsense = 1 }}\n"
        ),
        format!("{good}\n[redis]\nurl = \"redis://user:{two}@127.0.0.1:1/0\"\nnonsense = 1\n"),
        format!(
            "{good}\n[upstreams.more]\ndialect = \"licomed\"\nhttp = \"http://user:{three}@127.0.0.1:1\"\ncredential = {{ kind = \"forward\" }}\n"
        ),
        format!("{good}\n[upstreams.more]\nvalue = \"{four}\" \"\nsecret = {four}\n"),
        format!(
            "{good}\n[upstreams.more]\ndialect = \"licomed\"\nhttp = \"http://127.0.0.1:1\"\ncredential = {{ kind = \"fixed\", value = \"${{NOT_SET_ANYWHERE:-{five}}}\", x = 1 }}\n"
        ),
    ] {
        std::fs::write(&file, &broken).expect("written");
        let status = scene.operator("POST", "/api/reload").await;
        assert_eq!(status, 422, "{broken}");
    }
    std::fs::write(&file, &good).expect("written");
    for (method, path) in [
        ("POST", "/api/reload"),
        ("GET", "/metrics"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/console"),
        ("POST", "/api/uploads/list"),
        ("POST", "/api/journal/backup"),
        ("GET", "/nothing"),
    ] {
        scene.operator(method, path).await;
    }
    let revoked = token(&scene.key, "staff-2", "staff");
    planted.add("a revoked token", &revoked);
    planted.add("a revoked token, its signature", revoked.rsplit('.').next().expect("a signature"));
    let by_mistake = planted.plant("a token where its digest is wanted", false);
    for (wanted, status) in [
        (json!({ "sha256": dragoman::auth::digest(&revoked) }), 200),
        (json!({ "sha256": by_mistake }), 400),
        (json!({ "token": by_mistake }), 400),
        (json!({ "jti": "a", "until": by_mistake }), 400),
    ] {
        let request = http::request("POST", "/api/tokens/revoke", &[], wanted.to_string().as_bytes());
        let answer = http::send(scene.gateway.admin, &request).await;
        assert_eq!(answer.status, status, "{answer:?}");
        scene.said.push(("the answer to a revocation".to_owned(), whole(&answer)));
    }
    let bearer = format!("Bearer {revoked}");
    let refused = scene.ask("GET", "/api/chat/conversations/101", &[("Authorization", &bearer)], b"").await;
    assert_eq!(refused, 401);
    scene.operator("POST", "/api/tokens/list").await;
    let query = planted.plant("a query on the admin listener", false);
    scene.operator("GET", &format!("/metrics?token={query}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_said_anywhere() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut planted = Planted::new(seed);
    let backend_secret = planted.plant("the key of tokens that are minted", false);
    let backend = standin::licomed::Licomed::start(&backend_secret, US, THEM).await;
    let collector = Collector::start().await;
    let mut scene = Scene::set(&mut planted, &backend, &backend_secret, &collector).await;
    as_clients(&mut scene, &mut planted).await;
    at_work(&mut scene, &mut planted, &backend).await;
    as_operator(&mut scene, &mut planted).await;
    // What waits for an app that is not there would keep it for a while, and the last spans are not sent then.
    collector.some(|span| span.name.starts_with("receive ")).await;
    scene.gateway.kill().await;
    let log = scene.gateway.log();
    assert!(log.contains("TRACE"), "not all there is to log was logged");
    let mut all = std::mem::take(&mut scene.said);
    all.push(("the log".to_owned(), log.into_bytes()));
    all.push(("what the collector got".to_owned(), format!("{:?}", collector.seen()).into_bytes()));
    all.extend(
        collector
            .recorder
            .asked()
            .into_iter()
            .map(|asked| ("what the collector was sent".to_owned(), asked.body.to_vec())),
    );
    files(scene.gateway.folder(), &mut all);
    // The operator wrote this one.
    all.retain(|(of, _)| !of.ends_with("routes.toml"));
    let found: Vec<String> = all.iter().flat_map(|(of, text)| planted.found_in(of, text)).collect();
    // A token that the gateway made itself is known by its head, {"alg": … }.
    let log = &all.iter().find(|(of, _)| of == "the log").expect("the log").1;
    let minted = log.windows(6).filter(|part| part == b"eyJ0eX" || part == b"eyJhbG").count();
    assert!(
        found.is_empty() && minted == 0,
        "{minted} tokens in the log; {} places:\n{}",
        found.len(),
        found.join("\n")
    );
    assert!(planted.secrets.len() > 60, "{}", planted.secrets.len());
}
