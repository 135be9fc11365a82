//! Files that an upstream has, shown to clients under an address of the gateway's: parts, types, hosts that answer badly,
//! and what must not come through: credentials, foreign hosts, the upstream's secrets.

use serde_json::json;

use super::origin::{End, Origin, file};
use crate::client::Heard;
use crate::harness::http::{self, Answer};
use crate::pair::scene::{Backend, Scene, Staging, account, open, token};
use crate::standin::licomed::written::PASSWORD_HASH;

const BODY: &[u8] = b"%PDF-1.4 0123456789";
const TAG: &str = "\"version-1\"";

/// Staff before an andromedia backend, and a host that counts as the backend's own.
struct Stage {
    scene: Scene,
    origin: Origin,
}

impl Stage {
    async fn set(answer: impl Fn(&str) -> (Vec<u8>, End) + Send + Sync + 'static) -> Self {
        let origin = Origin::start(answer).await;
        let upstream = format!("timeout = \"700ms\"\nhosts.history = \"http://{}\"", origin.address);
        let scene = Scene::set_as("frontdesk", "andromedia", &Staging { upstream, ..Staging::default() }).await;
        Stage { scene, origin }
    }

    /// The backend sends a file of this URL: the URL and name that staff are shown.
    async fn shown(&mut self, url: &str, name: &str) -> (String, String) {
        let frame = json!({
            "type": "file", "file": url, "file_name": name, "is_audio": false,
            "sender_id": "99999999-2222-4333-8444-555555555555", "timestamp": "2026-01-02T03:04:05.678Z",
        });
        let sockets = &self.scene.backend.server().backstage().sockets;
        let seat = sockets.wait_for(|_| true).await;
        assert!(sockets.say(&seat, &frame).await);
        match self.scene.client.hears().await {
            Heard::File { url, name, .. } => (url, name),
            // What staff's dialect does not take comes in words, with the same address.
            Heard::Text(words) => {
                let url = words.rsplit(' ').next().unwrap_or_default();
                assert!(words.contains(name) && url.starts_with("http://"), "{words}");
                (url.to_owned(), name.to_owned())
            }
        }
    }

    /// What the gateway answers for the origin's file.
    async fn relayed(&mut self, name: &str, headers: &[(&str, &str)]) -> Answer {
        let (url, _) = self.shown(&self.origin.url(&format!("/media/{name}")), name).await;
        self.get(&url, headers).await
    }

    async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        let address = self.scene.gateway.address;
        let path = url.strip_prefix(&format!("http://{address}")).unwrap_or_else(|| panic!("{url} is not ours"));
        http::get(address, path, headers).await
    }
}

/// A value of a head, or none.
fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A host that gives parts as RFC 9110 has it: one range, a tag, 416 beyond the end.
fn with_parts(head: &str) -> (Vec<u8>, End) {
    let common = format!(
        "Content-Type: text/html\r\nAccept-Ranges: bytes\r\nETag: {TAG}\r\nSet-Cookie: session=of-the-upstream\r\n\
         Server: secret-name\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n"
    );
    let is_same = value(head, "if-range").is_none_or(|known| known == TAG);
    let range = value(head, "range").filter(|_| is_same).and_then(|range| range.strip_prefix("bytes="));
    let size = BODY.len();
    let (status, more, body) = match range.and_then(|range| range.split_once('-')) {
        None => ("200 OK", String::new(), BODY),
        Some((first, last)) => {
            let (start, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
                (Ok(first), Ok(last)) => (first, (last + 1).min(size)),
                (Ok(first), Err(_)) => (first, size),
                (Err(_), Ok(suffix)) => (size.saturating_sub(suffix), size),
                (Err(_), Err(_)) => panic!("{range:?}"),
            };
            if start >= end {
                ("416 Range Not Satisfiable", format!("Content-Range: bytes */{size}\r\n"), &b"no"[..])
            } else {
                let range = format!("Content-Range: bytes {start}-{}/{size}\r\n", end - 1);
                ("206 Partial Content", range, &BODY[start..end])
            }
        }
    };
    let head = format!("HTTP/1.1 {status}\r\n{common}{more}Content-Length: {}\r\n\r\n", body.len());
    ([head.as_bytes(), body].concat(), End::Close)
}

#[tokio::test]
async fn parts_are_passed_through() {
    let mut stage = Stage::set(with_parts).await;
    let (url, name) = stage.shown(&stage.origin.url("/media/chat_attachments/bill.pdf"), "bill.pdf").await;
    assert!(
        name == "bill.pdf" && url.ends_with("/bill.pdf") && !url.contains(&stage.origin.address.to_string()),
        "{url}"
    );
    let size = BODY.len();
    for (range, status, body, says) in [
        ("", 200, BODY, None),
        ("bytes=9-12", 206, &BODY[9..13], Some(format!("bytes 9-12/{size}"))),
        ("bytes=9-", 206, &BODY[9..], Some(format!("bytes 9-{}/{size}", size - 1))),
        ("bytes=-3", 206, &BODY[size - 3..], Some(format!("bytes {}-{}/{size}", size - 3, size - 1))),
        ("bytes=0-999", 206, BODY, Some(format!("bytes 0-{}/{size}", size - 1))),
        // What is not one range of bytes is answered with the whole.
        ("bytes=0-1,4-5", 200, BODY, None),
        ("lines=0-1", 200, BODY, None),
        ("bytes=a-b", 200, BODY, None),
    ] {
        let headers = [("Range", range)];
        let answer = stage.get(&url, if range.is_empty() { &[] } else { &headers }).await;
        assert_eq!((answer.status, answer.body.as_slice()), (status, body), "{range}: {answer:?}");
        assert_eq!(answer.header("content-range").map(str::to_owned), says, "{range}");
        let length = body.len().to_string();
        for (name, wanted) in [
            ("content-type", "application/pdf"),
            ("content-length", length.as_str()),
            ("accept-ranges", "bytes"),
            ("etag", TAG),
            ("x-content-type-options", "nosniff"),
            ("content-disposition", "inline; filename*=UTF-8''bill.pdf"),
        ] {
            assert_eq!(answer.header(name), Some(wanted), "{range}: {name} in {answer:?}");
        }
        for name in ["set-cookie", "server", "access-control-allow-origin", "authorization", "location"] {
            assert_eq!(answer.header(name), None, "{range}: {answer:?}");
        }
        let asked = stage.origin.heads().pop().unwrap();
        let passed_on = (status == 206).then_some(range);
        assert_eq!(value(&asked, "range"), passed_on, "{asked}");
    }
    let beyond = stage.get(&url, &[("Range", "bytes=999-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(format!("bytes */{size}").as_str())));
    for (condition, status) in [(TAG, 206), ("\"version-0\"", 200)] {
        let answer = stage.get(&url, &[("Range", "bytes=0-1"), ("If-Range", condition)]).await;
        assert_eq!(answer.status, status, "{condition}: {answer:?}");
    }
    let unchanged = stage.get(&url, &[("If-None-Match", TAG)]).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let path = &url[url.find("/media/").unwrap()..];
    let head = http::send(stage.scene.gateway.address, &http::request("HEAD", path, &[], b"")).await;
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length")),
        (200, 0, Some(size.to_string().as_str()))
    );
    credentials_stay(&stage, &url).await;
}

/// The origin was shown the gateway's credential; nobody else was, and the log has none of it.
async fn credentials_stay(stage: &Stage, url: &str) {
    let shown = stage.origin.heads().pop().unwrap();
    let secret = value(&shown, "authorization").expect("files of the upstream want its credential").to_owned();
    let token = secret.strip_prefix("Bearer ").expect("a token");
    let answer = stage.get(url, &[("Authorization", "Bearer of-the-client"), ("Cookie", "a=b")]).await;
    let asked = stage.origin.heads().pop().unwrap();
    assert_eq!(value(&asked, "authorization"), Some(secret.as_str()), "the client's own went to the upstream");
    assert_eq!(value(&asked, "cookie"), None);
    let told = format!("{:?}{url}", answer.headers);
    assert!(!told.contains(token), "{told}");
    assert!(!stage.scene.gateway.log().contains(token), "the log has a credential");
}

#[tokio::test]
async fn a_host_without_parts_gives_the_whole() {
    let mut stage = Stage::set(|_| (file("application/pdf", BODY.len(), BODY), End::Close)).await;
    let answer = stage.relayed("bill.pdf", &[("Range", "bytes=0-3")]).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, BODY));
    assert_eq!((answer.header("accept-ranges"), answer.header("content-range")), (None, None));
}

#[tokio::test]
async fn nothing_that_is_relayed_can_run() {
    let mut stage = Stage::set(|head| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let mime = if path.contains("nameless-image") { "image/png" } else { "text/html; charset=utf-8" };
        (file(mime, BODY.len(), BODY), End::Close)
    })
    .await;
    for (name, mime, shown) in [
        ("bill.pdf", "application/pdf", "inline"),
        ("photo.png", "image/png", "inline"),
        ("film.mp4", "video/mp4", "inline"),
        ("page.html", "application/octet-stream", "attachment"),
        ("drawing.svg", "application/octet-stream", "attachment"),
        ("nameless", "application/octet-stream", "attachment"),
        ("nameless-image", "image/png", "attachment"),
    ] {
        let answer = stage.relayed(name, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(mime)), "{name}: {answer:?}");
        assert!(answer.header("content-disposition").is_some_and(|value| value.starts_with(shown)), "{answer:?}");
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    }
}

/// A host that does not do its part: the client hears of it in its own dialect's words.
#[tokio::test]
async fn hosts_that_answer_badly() {
    let mut stage = Stage::set(|head| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let with = |line: &str| [format!("HTTP/1.1 {line}\r\nContent-Length: 4\r\n\r\n").as_bytes(), b"%PDF"].concat();
        match name {
            "gone.pdf" => (with("404 Not Found"), End::Close),
            "broken.pdf" => (with("500 Internal Server Error"), End::Close),
            "closed.pdf" => (with("403 Forbidden"), End::Close),
            "packed.pdf" => (with("200 OK\r\nContent-Encoding: gzip"), End::Close),
            "other-part.pdf" => (with("206 Partial Content\r\nContent-Range: bytes 0-9/10"), End::Close),
            "no-part.pdf" => (with("206 Partial Content"), End::Close),
            "elsewhere.pdf" => (with("302 Found\r\nLocation: http://127.0.0.2:1/x.pdf"), End::Close),
            "silent.pdf" => (Vec::new(), End::Never),
            "reset.pdf" => (Vec::new(), End::Reset),
            "cut.pdf" => (file("application/pdf", 4_000_000, &[7; 3_000_000]), End::Close),
            other => panic!("{other}"),
        }
    })
    .await;
    for (name, status, words) in [
        ("gone.pdf", 404, "Unknown file"),
        ("broken.pdf", 502, "The backend failed"),
        ("closed.pdf", 502, "The backend failed"),
        ("packed.pdf", 502, "The backend failed"),
        ("other-part.pdf", 502, "The backend failed"),
        ("no-part.pdf", 502, "The backend failed"),
        ("elsewhere.pdf", 404, "Unknown file"),
        ("silent.pdf", 504, "The backend did not answer in time"),
        ("reset.pdf", 502, "The backend failed"),
    ] {
        let answer = stage.relayed(name, &[("Range", "bytes=0-3")]).await;
        let said = answer.json();
        assert_eq!((answer.status, said["error"].as_str()), (status, Some(words)), "{name}: {answer:?}");
    }
    // It said that more would come, and so did the gateway: the client sees that it is cut.
    let cut = stage.relayed("cut.pdf", &[]).await;
    assert_eq!((cut.status, cut.header("content-length")), (200, Some("4000000")));
    assert!(cut.body.len() <= 3_000_000, "{} bytes", cut.body.len());
}

/// A file elsewhere is shown as the link that it is; nothing is fetched from there, whoever asks.
#[tokio::test]
async fn foreign_hosts_are_left_alone() {
    let foreign = Origin::start(|_| (file("application/pdf", BODY.len(), BODY), End::Close)).await;
    let leads_there = foreign.url("/media/x.pdf");
    let target = leads_there.clone();
    let mut stage = Stage::set(move |_| {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
        (head.into_bytes(), End::Close)
    })
    .await;
    let (url, _) = stage.shown(&leads_there, "x.pdf").await;
    assert_eq!(url, leads_there);
    for hostile in ["http://169.254.169.254/latest/meta-data/", "http://localhost:1/x.pdf", "http://[::1]:1/x.pdf"] {
        assert_eq!(stage.shown(hostile, "x.pdf").await.0, hostile);
    }
    let redirected = stage.relayed("own.pdf", &[]).await;
    assert_eq!(redirected.status, 404, "{redirected:?}");
    assert_eq!(foreign.heads(), Vec::<String>::new(), "a foreign host was asked");
    // An address of ours that nobody gave.
    let guessed = stage.get(&format!("http://{}/media/relayed/0123/x.pdf", stage.scene.gateway.address), &[]).await;
    assert_eq!(guessed.status, 404);
}

/// Two routes without a prefix serve files below the same path; each leads to an upstream of its own.
#[tokio::test]
async fn upstreams_with_the_same_path_for_files() {
    let second = Backend::start("licomed", &Staging::default()).await.standin();
    let more = format!(
        "[upstreams.second]\ndialect = \"licomed\"\nhttp = \"{}\"\nsocket = \"{}\"\n{}\n\n\
         [[routes]]\nname = \"second\"\ndialect = \"andromedia\"\nto = \"second\"\nuploads = \"local\"\n\
         auth = {{ kind = \"jwt\", secret = \"{}\" }}\n",
        second.http(),
        second.socket(),
        account("licomed", false),
        crate::harness::SECRET
    );
    let mut scene = Scene::set_as("frontdesk", "andromedia", &Staging { more, ..Staging::default() }).await;
    let token = token("andromedia", &scene.gateway, None);
    let mut visitor = open("andromedia", scene.gateway.address, token).await.unwrap();
    second.say_file("second.pdf", "application/pdf", b"%PDF-1.4 second", "").await;
    scene.backend.say_file("first.pdf", "application/pdf", b"%PDF-1.4 first", "").await;
    for (client, bytes) in [(&mut visitor, &b"%PDF-1.4 second"[..]), (&mut scene.client, b"%PDF-1.4 first")] {
        let Heard::File { url, .. } = client.hears().await else { panic!("no file") };
        let (status, fetched) = client.fetch(&url).await;
        assert_eq!((status, fetched.as_slice()), (200, bytes), "{url}");
    }
}

/// What staff got from the backend they send back: the backend's own file is named, or read from it once more.
#[tokio::test]
async fn a_file_of_the_upstream_goes_back() {
    for (to, uploads) in [("andromedia", 0), ("luxmart", 0), ("licomed", 1), ("divar", 1)] {
        let mut scene = Scene::set_as("frontdesk", to, &Staging::default()).await;
        let bytes = b"%PDF-1.4 back and forth";
        scene.backend.say_file("bill.pdf", "application/pdf", bytes, "").await;
        let Heard::File { url, name, .. } = scene.client.hears().await else { panic!("no file") };
        let mut staff = super::stage::Stage::enter(&scene).await;
        let named = json!({ "file_url": url, "filename": name, "file_type": "document" });
        let before = scene.backend.counts().1;
        staff.announce(&named, "").await.unwrap_or_else(|why| panic!("{to}: {why:?}\n{}", scene.gateway.log()));
        let taken = scene.backend.taken().await;
        assert_eq!(taken.file.as_deref(), Some(&bytes[..]), "{to}: {taken:?}");
        assert_eq!(scene.backend.counts().1 - before, uploads, "{to}");
        assert_eq!(scene.backend.complaints(), Vec::<String>::new(), "{to}");
    }
}

/// The rows of a licomed user have a password hash. It ends at the gateway.
#[tokio::test]
async fn a_password_hash_of_the_upstream_is_seen_by_nobody() {
    for from in ["frontdesk", "andromedia", "licomed", "divar", "luxmart"] {
        let mut scene = Scene::set_as(from, "licomed", &Staging::default()).await;
        scene.client.say("good evening").await;
        scene.backend.taken().await;
        scene.backend.say_file("bill.pdf", "application/pdf", b"%PDF-1.4", "the bill").await;
        scene.client.hears().await;
        let authorization = format!("Bearer {}", scene.token);
        let start = json!({ "business": "hotel", "external_customer_id": "room-101" }).to_string();
        let bearer = [("Authorization", authorization.as_str())];
        let started = http::post_json(scene.gateway.address, "/chat/start-session/", &bearer, start.as_bytes()).await;
        let session = started.json()["data"]["session_id"].as_str().unwrap_or_default().to_owned();
        let them = crate::client::licomed::THEM;
        let paths = [
            "/api/chat/conversations/".to_owned(),
            "/api/chat/conversations/101/".to_owned(),
            format!("/chat/history/{session}/"),
            "/v1/chat/admin/session/?session_id=7".to_owned(),
            "/v1/chat/admin/sessions/my/".to_owned(),
            format!("/chat/messages/{them}/"),
            "/chat/user/threads/".to_owned(),
            "/chat/thread/files/1/".to_owned(),
            "/v1/open-platform/chat/conversations/conversation-101".to_owned(),
        ];
        let mut answered = 0;
        for path in paths {
            let key = [("Authorization", authorization.as_str()), ("X-API-Key", crate::harness::API_KEY)];
            let headers = if from == "divar" { &key[1..] } else { &key[..1] };
            let answer = http::get(scene.gateway.address, &path, headers).await;
            answered += usize::from(answer.status == 200);
            let body = String::from_utf8_lossy(&answer.body);
            assert!(!body.contains(PASSWORD_HASH) && !body.contains("pbkdf2"), "{from} {path}: {body}");
        }
        assert!(answered >= 1, "{from} could read nothing");
        assert!(!scene.gateway.log().contains(PASSWORD_HASH), "{from}: the log has it");
    }
}
