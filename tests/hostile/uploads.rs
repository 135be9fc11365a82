//! The table of bad uploads: over the limit, not what they say they are, names that want out, forms that are none.

use super::harness::http::{self, Answer, BOUNDARY, Part, field, file};
use super::harness::{API_KEY, DIALECTS, Gateway};
use super::place::{BOB, CONVERSATIONS, Place, is_refusal};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0";
const HTML: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";

/// The largest file that the routes of this test take.
const LIMIT: usize = 64 * 1024;

/// Where a dialect takes uploads: path, header of the credential, fields beside the file, the file's field.
struct Upload {
    path: &'static str,
    header: (&'static str, String),
    fields: Vec<(&'static str, &'static str)>,
    file: &'static str,
}

impl Upload {
    async fn of(gateway: &Gateway, place: &Place) -> Upload {
        let header = place.headers().pop().unwrap();
        let (path, fields, file) = match place.dialect {
            "frontdesk" => ("/api/chat/upload-media/", vec![("conversation_id", "123")], "file"),
            "andromedia" => ("/chat/upload-file/", vec![("message", "null")], "file"),
            "licomed" => ("/chat/attachment/", vec![("receiver", BOB), ("message", "a file")], "attached_file"),
            "divar" => ("/upload/image", vec![], "file"),
            "luxmart" => ("/v1/chat/upload/", vec![], "file"),
            other => unreachable!("no dialect {other}"),
        };
        let header = if place.dialect == "divar" { ("Authorization", grant(gateway).await) } else { header };
        Upload { path, header, fields, file }
    }

    fn parts(&self, name: &str, mime: &str, content: &[u8]) -> Vec<Part> {
        let mut parts: Vec<Part> = self.fields.iter().map(|(name, value)| field(name, value)).collect();
        parts.push(file(self.file, name, mime, content));
        parts
    }

    async fn send(&self, gateway: &Gateway, parts: &[Part]) -> Answer {
        http::post_form(gateway.address, self.path, &[(self.header.0, &self.header.1)], parts).await
    }

    /// A body that is no form, or not all of one.
    async fn send_raw(&self, gateway: &Gateway, content_type: &str, body: &[u8]) -> Answer {
        let headers = [(self.header.0, self.header.1.as_str()), ("Content-Type", content_type)];
        http::send(gateway.address, &http::request("POST", self.path, &headers, body)).await
    }
}

/// The upload token of divar's first step, as the header of its second.
async fn grant(gateway: &Gateway) -> String {
    let headers = [("X-API-Key", API_KEY)];
    let answer = http::post_json(gateway.address, "/experimental/open-platform/chat/upload", &headers, b"{}").await;
    format!("Bearer {}", answer.json()["token"].as_str().unwrap_or_else(|| panic!("no upload token in {answer:?}")))
}

fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

async fn start() -> Gateway {
    Gateway::start_with(CONVERSATIONS, |_| "limits = { upload = \"64KiB\" }".to_owned()).await
}

/// Files below the folder of uploads.
fn stored(gateway: &Gateway) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.flatten().map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&gateway.uploads())
}

#[tokio::test]
async fn bad_uploads_are_refused_and_leave_no_file() {
    let mut gateway = start().await;
    for dialect in DIALECTS {
        let mut place = Place::open(&gateway, dialect).await;
        let upload = Upload::of(&gateway, &place).await;
        let before = stored(&gateway);
        let good = http::form(&upload.parts("photo.png", "image/png", PNG));
        let large = [PNG, &vec![0; LIMIT]].concat();
        let much_larger = [PNG, &vec![0; 4 << 20]].concat();
        let only_fields: Vec<Part> = upload.fields.iter().map(|(name, value)| field(name, value)).collect();
        let mut as_field: Vec<Part> = upload.fields.iter().map(|(name, value)| field(name, value)).collect();
        as_field.push(field(upload.file, "not a file"));
        let huge_boundary = format!("multipart/form-data; boundary={}", "b".repeat(8 * 1024));
        let many: Vec<Part> = (0..3_000).map(|number| field(&format!("f{number}"), "x")).collect();

        let answers = [
            ("over the limit", upload.send(&gateway, &upload.parts("photo.png", "image/png", &large)).await),
            ("far over the limit", upload.send(&gateway, &upload.parts("photo.png", "image/png", &much_larger)).await),
            (
                "a program that says it is an image",
                upload.send(&gateway, &upload.parts("tool.exe", "image/png", ELF)).await,
            ),
            (
                "a page that says it is an image",
                upload.send(&gateway, &upload.parts("page.html", "image/png", HTML)).await,
            ),
            ("no file", upload.send(&gateway, &only_fields).await),
            ("a field in place of the file", upload.send(&gateway, &as_field).await),
            ("three thousand fields", upload.send(&gateway, &many).await),
            ("JSON", upload.send_raw(&gateway, "application/json", b"{}").await),
            ("a form without a boundary", upload.send_raw(&gateway, "multipart/form-data", &good).await),
            ("another boundary", upload.send_raw(&gateway, "multipart/form-data; boundary=other", &good).await),
            ("a huge boundary", upload.send_raw(&gateway, &huge_boundary, &good).await),
            ("half a form", upload.send_raw(&gateway, &form_type(), &good[..good.len() / 2]).await),
            ("a form without its end", upload.send_raw(&gateway, &form_type(), &good[..good.len() - 4]).await),
            ("an empty body", upload.send_raw(&gateway, &form_type(), b"").await),
        ];
        let wrong: Vec<String> = answers
            .iter()
            .filter(|(_, answer)| !(400..500).contains(&answer.status) || !is_refusal(dialect, &answer.json()))
            .map(|(name, answer)| format!("{name}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)))
            .collect();
        assert!(wrong.is_empty(), "{dialect} did not refuse:\n{}", wrong.join("\n"));
        assert_eq!(stored(&gateway), before, "{dialect}: a refused upload left a file");

        let answer = upload.send(&gateway, &upload.parts("photo.png", "image/png", PNG)).await;
        assert!((200..300).contains(&answer.status), "{dialect}: {answer:?}");
        place.confirmed(&gateway, "after bad uploads").await;
    }
    assert!(gateway.is_alive());
}

/// Dialects with a list of types decide by extension and bytes: what a client declares counts for nothing.
#[tokio::test]
async fn a_name_that_the_bytes_contradict_is_refused() {
    let mut gateway = start().await;
    for dialect in ["frontdesk", "divar", "luxmart"] {
        let place = Place::open(&gateway, dialect).await;
        let upload = Upload::of(&gateway, &place).await;
        for (name, content) in [("photo.png", ELF), ("photo.png", HTML), ("photo.png", PDF)] {
            let answer = upload.send(&gateway, &upload.parts(name, "image/png", content)).await;
            assert_eq!(answer.status, 400, "{dialect}: {answer:?}");
            assert!(is_refusal(dialect, &answer.json()), "{dialect}: {answer:?}");
        }
        let answer = upload.send(&gateway, &upload.parts("photo.png", "application/x-nonsense", PNG)).await;
        assert!((200..300).contains(&answer.status), "{dialect}: a wrong declaration of good bytes: {answer:?}");
    }
    assert!(gateway.is_alive());
}

/// A name is taken without its path or refused; either way nothing is written elsewhere.
#[tokio::test]
async fn names_cannot_leave_the_folder_of_uploads() {
    const NAMES: [&str; 12] = [
        "../../escaped.png",
        "..\\\\..\\\\escaped.png",
        "/tmp/escaped.png",
        "....//escaped.png",
        "%2e%2e%2fescaped.png",
        "..%2f..%2fescaped.png",
        ".png",
        "..",
        "con.png",
        "a\u{202e}gnp.exe.png",
        "a\u{1}b.png",
        "-rf.png",
    ];
    let mut gateway = start().await;
    for dialect in DIALECTS {
        let place = Place::open(&gateway, dialect).await;
        let upload = Upload::of(&gateway, &place).await;
        let long = format!("{}.png", "n".repeat(3_000));
        for name in NAMES.into_iter().chain([long.as_str()]) {
            let answer = upload.send(&gateway, &upload.parts(name, "image/png", PNG)).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            if (200..300).contains(&answer.status) {
                let climbs = ["../", "/..", "..\\", "\\.."].into_iter().any(|step| text.contains(step));
                assert!(!climbs, "{dialect}: {name:?} became {text}");
                assert!(!text.contains('\u{202e}'), "{dialect}: {name:?} became {text}");
            } else {
                assert!((400..500).contains(&answer.status), "{dialect}: {name:?} {answer:?}");
                assert!(is_refusal(dialect, &answer.json()), "{dialect}: {name:?} {answer:?}");
            }
        }
    }
    // Beside its own folders, the gateway's folder holds the config and nothing else.
    let mut entries: Vec<String> = std::fs::read_dir(gateway.folder())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    entries.sort();
    assert_eq!(entries, ["journal", "journal.key", "routes.toml", "uploads"]);
    assert!(!std::path::Path::new("/tmp/escaped.png").exists());
    assert!(gateway.is_alive());
}

/// A client that hangs up in the middle leaves nothing.
#[tokio::test]
async fn an_upload_that_is_cut_leaves_no_file() {
    let mut gateway = start().await;
    for dialect in DIALECTS {
        let mut place = Place::open(&gateway, dialect).await;
        let upload = Upload::of(&gateway, &place).await;
        let before = stored(&gateway);
        let body = http::form(&upload.parts("photo.png", "image/png", &[PNG, &vec![7; 32 * 1024]].concat()));
        let kind = form_type();
        let whole =
            http::request("POST", upload.path, &[(upload.header.0, &upload.header.1), ("Content-Type", &kind)], &body);
        let head = whole.len() - body.len();
        // The last cut is before the closing boundary; what a form has after it means nothing.
        for cut in [head, head + 1, head + 100, head + body.len() / 2, whole.len() - BOUNDARY.len() - 6] {
            let answer = http::send_and_hang_up(gateway.address, &whole[..cut]).await;
            assert!(answer.status == 0 || (400..500).contains(&answer.status), "{dialect}: cut at {cut}: {answer:?}");
        }
        place.confirmed(&gateway, "after cut uploads").await;
        assert_eq!(stored(&gateway), before, "{dialect}: a cut upload left a file");
    }
    assert!(gateway.is_alive());
}

/// Paths under which files are served lead nowhere else.
#[tokio::test]
async fn links_cannot_leave_the_folder_of_uploads() {
    let mut gateway = start().await;
    for public in ["/media", "/uploads", "/chat-media"] {
        for path in [
            "/../routes.toml",
            "/%2e%2e/routes.toml",
            "/..%2froutes.toml",
            "/chat/../../routes.toml",
            "//etc/passwd",
            "/%00",
            "/",
        ] {
            let answer = http::get(gateway.address, &format!("{public}{path}"), &[]).await;
            assert!((400..500).contains(&answer.status), "{public}{path}: {answer:?}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("[server]"), "{public}{path}");
        }
    }
    assert!(gateway.is_alive());
}
