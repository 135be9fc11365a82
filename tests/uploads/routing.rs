//! Where uploads go: each rule, over real forms; several stores at once; copies over a kill; keys by template. What is
//! known of a file only later than its first 64 KiB is a case of its own.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::http::{self, Answer, Part, field, file};
use crate::harness::{Gateway, PATIENCE, SECRET};
use crate::scene::{self, PNG};

const KIB: usize = 1024;

/// Three folders, one route for staff.
fn routes(uploads: &str) -> String {
    format!(
        r#"
[stores.bucket]
kind = "fs"
root = "bucket"

[stores.archive]
kind = "fs"
root = "archive"

[[routes]]
name    = "frontdesk"
dialect = "frontdesk"
to      = "hub"
auth    = {{ kind = "jwt", secret = "{SECRET}" }}
uploads = {uploads}

[[conversations]]
name       = "room-101"
frontdesk  = 123
kind       = "service"
department = "reception"

[[conversations]]
name       = "room-102"
frontdesk  = 124
kind       = "service"
department = "reception"
"#
    )
}

/// A file of this many bytes that is what its name says.
fn content(name: &str, size: usize) -> Vec<u8> {
    let mut content = if name.ends_with(".png") { PNG.to_vec() } else { b"%PDF-1.4\n".to_vec() };
    content.resize(size.max(content.len()), b'x');
    content
}

fn staff(gateway: &Gateway, role: &str) -> String {
    let claims = json!({ "sub": "staff-1", "role": role, "name": "Ann", "department": "reception" });
    format!("Bearer {}", gateway.token(claims))
}

async fn upload(gateway: &Gateway, role: &str, parts: &[Part]) -> Answer {
    let authorization = staff(gateway, role);
    http::post_form(gateway.address, "/api/chat/upload-media/", &[("Authorization", &authorization)], parts).await
}

/// Names of the stores, and how many files each has, unfinished ones included.
fn stored(gateway: &Gateway) -> [(&'static str, usize); 3] {
    [("local", "uploads"), ("bucket", "bucket"), ("archive", "archive")]
        .map(|(name, folder)| (name, scene::files(&gateway.folder().join(folder)).len()))
}

/// Waits until the stores have as many files.
async fn becomes(gateway: &Gateway, expected: [(&'static str, usize); 3]) {
    let same = async {
        while stored(gateway) != expected {
            tokio::task::yield_now().await;
        }
    };
    let patience = PATIENCE * 4;
    assert!(tokio::time::timeout(patience, same).await.is_ok(), "{:?} is not {expected:?}", stored(gateway));
}

/// One upload and where it should be.
struct Case {
    what: &'static str,
    role: &'static str,
    parts: Vec<Part>,
    size: usize,
    stores: &'static [&'static str],
}

fn png(size: usize) -> Part {
    file("file", "a.png", "image/png", &content("a.png", size))
}

fn pdf(size: usize) -> Part {
    file("file", "a.pdf", "application/pdf", &content("a.pdf", size))
}

fn cases() -> Vec<Case> {
    let to = |id| field("conversation_id", id);
    let case = |what, role, parts, size, stores| Case { what, role, parts, size, stores };
    vec![
        case("small", "staff", vec![to("123"), png(500)], 500, &["local", "archive"]),
        case("at the size", "staff", vec![to("123"), png(100 * KIB)], 100 * KIB, &["local", "archive"]),
        case("a byte larger", "staff", vec![to("123"), png(100 * KIB + 1)], 100 * KIB + 1, &["bucket"]),
        case("large and no image", "staff", vec![to("123"), pdf(150 * KIB)], 150 * KIB, &["local", "archive"]),
        case("by conversation", "staff", vec![to("124"), pdf(500)], 500, &["local", "bucket"]),
        case("by conversation, large", "staff", vec![to("124"), pdf(70 * KIB)], 70 * KIB, &["local", "bucket"]),
        case("named after a small file", "staff", vec![pdf(500), to("124")], 500, &["local", "bucket"]),
        case("named after a large file", "staff", vec![pdf(70 * KIB), to("124")], 70 * KIB, &["local", "archive"]),
        case("by role and type", "agent", vec![to("123"), pdf(500)], 500, &["archive"]),
        case("by role and not type", "agent", vec![to("123"), png(500)], 500, &["local", "archive"]),
        case(
            "by what is said with it",
            "staff",
            vec![to("123"), pdf(500), field("caption", "keep it")],
            500,
            &["archive"],
        ),
    ]
}

#[tokio::test]
async fn the_first_rule_that_fits_decides() {
    let rules = r#"[
  { if = { kind = "image", larger = "100KiB" }, to = "bucket" },
  { if = { conversation = "room-102" }, to = ["local", "bucket"] },
  { if = "$.sender.role == 'agent' && $.attachment.mime == 'application/pdf'", to = "archive" },
  { if = "$.body == 'keep it'", to = "archive" },
  { to = { primary = "local", copies = ["archive"] } },
]"#;
    let gateway = Gateway::start_routes(&routes(rules)).await;
    for case in cases() {
        let before = stored(&gateway);
        let answer = upload(&gateway, case.role, &case.parts).await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", case.what);
        let after = stored(&gateway);
        let grown: BTreeSet<&str> = before
            .iter()
            .zip(after)
            .filter(|(before, after)| after.1 == before.1 + 1)
            .map(|(_, (name, _))| name)
            .collect();
        assert_eq!(grown, case.stores.iter().copied().collect(), "{}", case.what);
        let url = answer.json()["file_url"].as_str().expect("a URL").to_owned();
        let path = &url[url.find("/media/").expect("its path")..];
        let read = http::get(gateway.address, path, &[]).await;
        assert_eq!((read.status, read.body.len()), (200, case.size), "{}", case.what);
    }
}

/// A body without a length counts as large as its kind may be, once it is more than can be held back.
#[tokio::test]
async fn a_body_without_a_length_counts_as_large() {
    let rules = r#"[{ if = { larger = "100KiB" }, to = "bucket" }, { to = "local" }]"#;
    let gateway = Gateway::start_routes(&routes(rules)).await;
    for (size, grown) in [(500, "local"), (70 * KIB, "bucket")] {
        let before = stored(&gateway);
        let body = http::form(&[field("conversation_id", "123"), png(size)]);
        let mut request = format!(
            "POST /api/chat/upload-media/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {}\r\n\
             Content-Type: multipart/form-data; boundary={}\r\nTransfer-Encoding: chunked\r\n\r\n",
            staff(&gateway, "staff"),
            http::BOUNDARY
        )
        .into_bytes();
        for piece in body.chunks(10_000) {
            request.extend(format!("{:x}\r\n", piece.len()).into_bytes());
            request.extend(piece);
            request.extend(b"\r\n");
        }
        request.extend(b"0\r\n\r\n");
        let answer = http::send(gateway.address, &request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let after = stored(&gateway);
        for (before, after) in before.iter().zip(after) {
            assert_eq!(after.1 - before.1, usize::from(after.0 == grown), "{size}: {}", after.0);
        }
    }
}

/// What cannot be written to: something else stands where its unfinished files go.
fn break_store(gateway: &Gateway, folder: &str) {
    let unfinished = gateway.folder().join(folder).join(".unfinished");
    std::fs::remove_dir(&unfinished).expect("empty");
    std::fs::write(&unfinished, "").expect("written");
}

fn mend_store(gateway: &Gateway, folder: &str) {
    let unfinished = gateway.folder().join(folder).join(".unfinished");
    std::fs::remove_file(&unfinished).expect("there");
    std::fs::create_dir(&unfinished).expect("made");
}

#[tokio::test]
async fn what_one_store_refuses_is_in_none() {
    let gateway = Gateway::start_routes(&routes(r#"["local", "bucket"]"#)).await;
    break_store(&gateway, "bucket");
    for size in [500, 300 * KIB] {
        let answer = upload(&gateway, "staff", &[field("conversation_id", "123"), png(size)]).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.json()["error"].is_string() || answer.json()["message"].is_string(), "{answer:?}");
        becomes(&gateway, [("local", 0), ("bucket", 1), ("archive", 0)]).await;
    }
    mend_store(&gateway, "bucket");
    let answer = upload(&gateway, "staff", &[field("conversation_id", "123"), png(300 * KIB)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(stored(&gateway), [("local", 1), ("bucket", 1), ("archive", 0)]);
}

#[tokio::test]
async fn who_hangs_up_leaves_nothing_in_any_store() {
    let rules = r#"[{ if = { up_to = "1KiB" }, to = "local" }, { to = { primary = "local", copies = ["bucket"] } }]"#;
    let gateway = Gateway::start_routes(&routes(rules)).await;
    let form = http::form(&[field("conversation_id", "123"), png(400 * KIB)]);
    let authorization = staff(&gateway, "staff");
    let head = format!("multipart/form-data; boundary={}", http::BOUNDARY);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", &head)];
    let whole = http::request("POST", "/api/chat/upload-media/", &headers, &form);
    for at in [1_000, 60 * KIB, 70 * KIB, 200 * KIB, whole.len() - 1] {
        http::send_and_hang_up(gateway.address, &whole[..at]).await;
        becomes(&gateway, [("local", 0), ("bucket", 0), ("archive", 0)]).await;
    }
}

/// The copy's store is away, the process is killed, and the next one makes the copy.
#[tokio::test]
async fn a_copy_is_made_up_for_over_a_kill() {
    let copies = r#"{ primary = "local", copies = ["archive"] }"#;
    let mut gateway = Gateway::start_routes(&routes(copies)).await;
    break_store(&gateway, "archive");
    let answer = upload(&gateway, "staff", &[field("conversation_id", "123"), png(300 * KIB)]).await;
    assert_eq!(answer.status, 200, "the primary decides: {answer:?}");
    assert_eq!(stored(&gateway), [("local", 1), ("bucket", 0), ("archive", 1)], "only what is in the way");
    gateway.kill().await;
    mend_store(&gateway, "archive");
    gateway.restart().await;
    let local = scene::files(&gateway.uploads()).remove(0);
    let copy = gateway.folder().join("archive").join(local.strip_prefix(gateway.uploads()).unwrap());
    let made = async {
        while !copy.exists() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE * 4, made).await.is_ok(), "{}", gateway.log());
    assert_eq!(std::fs::read(&local).unwrap(), std::fs::read(&copy).unwrap());
    let counted = async {
        loop {
            let metrics = http::get(gateway.admin, "/metrics", &[]).await;
            let page = String::from_utf8_lossy(&metrics.body).into_owned();
            if page.contains("dragoman_upload_copies_total{outcome=\"later\",store=\"archive\"} 1") {
                break;
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, counted).await.is_ok(), "the copy is not counted");
}

/// A template without `{random}`: each file has its own key, behind a signature, and keeps its own bytes.
#[tokio::test]
async fn keys_follow_the_operators_templates() {
    let gateway = Gateway::start_routes(&format!(
        r#"
[[routes]]
name    = "luxmart"
dialect = "luxmart"
to      = "hub"
auth    = {{ kind = "jwt", secret = "{SECRET}" }}
uploads = {{ to = "local", key = ["chat/of-session-{{session_id}}/{{name}}", "chat/of-{{sender.role}}/{{stem}}-{{random}}.{{ext}}"] }}
"#
    ))
    .await;
    let token = gateway.token(json!({ "sub": "10", "role": "store", "name": "Store" }));
    let headers = [("Authorization", format!("Token {token}"))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let session = http::get(gateway.address, "/v1/chat/store/session/", &headers).await.json();
    let session = session["id"].as_i64().or(session["session_id"].as_i64()).expect("a session").to_string();
    let mut urls = Vec::new();
    for size in [500, 600, 70 * KIB] {
        let parts = [field("session_id", &session), file("file", "photo.png", "image/png", &content("a.png", size))];
        let answer = http::post_form(gateway.address, "/v1/chat/upload/", &headers, &parts).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let url = answer.json()["url"].as_str().expect("a URL").to_owned();
        let path = url.split_once("://").map_or(&*url, |(_, rest)| &rest[rest.find('/').expect("a path")..]).to_owned();
        urls.push((path, size));
    }
    let folder = gateway.uploads().join(format!("chat/of-session-{session}"));
    let mut names: Vec<String> =
        scene::files(&folder).iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(names[2], "photo.png");
    assert!(names[..2].iter().all(|name| name.starts_with("photo-") && name.ends_with(".png")), "{names:?}");
    for (path, size) in &urls {
        assert!(path.starts_with("/uploads/~"), "what can be guessed is signed: {path}");
        let read = http::get(gateway.address, path, &[]).await;
        assert_eq!((read.status, read.body.len()), (200, *size), "{path}");
        let unsigned = format!("/uploads/{}", path.rsplit_once("~").unwrap().1.split_once('/').unwrap().1);
        // Its document has 400 for what is not there.
        assert_eq!(http::get(gateway.address, &unsigned, &[]).await.status, 400, "{unsigned}");
    }
    let parts = [file("file", "photo.png", "image/png", PNG)];
    let answer = http::post_form(gateway.address, "/v1/chat/upload/", &headers, &parts).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.json()["url"].as_str().is_some_and(|url| url.contains("/uploads/chat/of-store/photo-")),
        "{answer:?}"
    );
}
