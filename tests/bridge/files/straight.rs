//! Uploads that go straight to an upstream of another dialect: over pairs of dialects, beside a store, what the upstream does
//! not take, and a client that hangs up.

use crate::harness::http;
use crate::media::{File, Format};
use crate::pair::scene::{Scene, Staging};

use super::large::files_below;

const UPLOAD: &str = "/api/chat/upload-media/";

/// Held back as a whole, and more than that.
const SIZES: [usize; 2] = [20_000, 300_000];

async fn set(from: &'static str, to: &'static str, uploads: &'static str, route: &str) -> Scene {
    let staging = Staging { uploads: Some(uploads), route: route.to_owned(), ..Staging::default() };
    Scene::set_as(from, to, &staging).await
}

/// A member of staff uploads: the answer, and whatever its URL serves.
async fn staff_uploads(scene: &Scene, file: File) -> http::Answer {
    let authorization = format!("Bearer {}", scene.token);
    let headers = [("Authorization", authorization.as_str())];
    file.upload(scene.gateway.address, UPLOAD, &headers, &[("conversation_id", "101")], "file").await.0
}

#[tokio::test]
async fn a_file_goes_there_once_and_its_message_names_it() {
    for (from, to) in [
        ("frontdesk", "luxmart"),
        ("frontdesk", "andromedia"),
        ("andromedia", "luxmart"),
        ("luxmart", "andromedia"),
        ("licomed", "luxmart"),
        ("licomed", "andromedia"),
        ("divar", "luxmart"),
    ] {
        let mut scene = set(from, to, "\"upstream\"", "").await;
        for (seed, size) in (1..).zip(SIZES) {
            let file = File::new(Format::Png, size, seed);
            let before = scene.backend.counts().1;
            let said = scene.client.say_file(&file.name(), "image/png", &file.bytes(), "").await;
            assert_eq!(said, Ok(()), "{from} → {to}, {size} bytes\n{}", scene.gateway.log());
            let taken = scene.backend.taken().await;
            assert!(
                taken.file.is_some_and(|bytes| bytes == file.bytes()),
                "{from} → {to}: other bytes, {}",
                taken.body
            );
            assert_eq!(scene.backend.counts().1, before + 1, "{from} → {to}: uploaded once");
        }
        assert_eq!(files_below(&scene.gateway.uploads()), Vec::<String>::new(), "{from} → {to}: kept nowhere else");
    }
}

/// The client's own answer, with an address that serves the upstream's bytes.
#[tokio::test]
async fn the_answer_is_the_clients_own() {
    let scene = set("frontdesk", "luxmart", "\"upstream\"", "").await;
    for (seed, size) in (1..).zip(SIZES) {
        let file = File::new(Format::Png, size, seed);
        let answer = staff_uploads(&scene, file).await;
        let json = answer.json();
        assert_eq!((answer.status, &json["file_size"]), (200, &size.into()), "{json}");
        let url = json["file_url"].as_str().expect("a URL");
        let path = url.strip_prefix(&format!("http://{}", scene.gateway.address)).expect("an address of the gateway");
        let read = http::get(scene.gateway.address, path, &[]).await;
        assert_eq!(read.status, 200);
        assert!(read.body == file.bytes(), "other bytes than were sent");
    }
}

#[tokio::test]
async fn beside_a_store_it_is_in_both() {
    // divar gives no address of a file; clients read it from the store.
    for to in ["luxmart", "divar"] {
        let mut scene = set("frontdesk", to, r#"["upstream", "local"]"#, "").await;
        for (seed, size) in (1..).zip(SIZES) {
            let file = File::new(Format::Png, size, seed);
            let said = scene.client.say_file(&file.name(), "image/png", &file.bytes(), "").await;
            assert_eq!(said, Ok(()), "→ {to}, {size} bytes\n{}", scene.gateway.log());
            assert!(scene.backend.taken().await.file.is_some_and(|bytes| bytes == file.bytes()), "→ {to}");
        }
        assert_eq!(files_below(&scene.gateway.uploads()).len(), SIZES.len(), "→ {to}");
        assert_eq!(scene.backend.counts().1, SIZES.len(), "→ {to}: uploaded once each");
    }
}

/// What luxmart does not take: refused in staff's words; where it is kept in a store too, and losses are bridged, it is
/// linked to.
#[tokio::test]
async fn what_the_upstream_does_not_take() {
    let video = |size| File::new(Format::Mp4, size, 9);
    let image = File::new(Format::Png, 11 << 20, 9);
    for (uploads, route, kept) in [
        (r#""upstream""#, "", false),
        (r#"["upstream", "local"]"#, "on_loss = \"refuse\"", false),
        (r#"["upstream", "local"]"#, "", true),
    ] {
        let route = format!("{route}\nlimits = {{ upload = \"20MiB\" }}");
        let scene = set("frontdesk", "luxmart", uploads, &route).await;
        for size in SIZES {
            let answer = staff_uploads(&scene, video(size)).await;
            if kept {
                assert_eq!(answer.status, 200, "{answer:?}");
            } else {
                let words = answer.json().to_string();
                assert_eq!(answer.status, 400, "{uploads}: {words}");
                assert!(words.contains("File type is not supported"), "{uploads}: {words}");
            }
        }
        let answer = staff_uploads(&scene, image).await;
        if kept {
            assert_eq!(answer.status, 200, "{answer:?}");
        } else {
            let words = answer.json().to_string();
            assert!(words.contains("File size exceeds 10MB limit"), "{uploads}: {words}");
        }
        assert_eq!(scene.backend.counts().1, 0, "{uploads}: nothing whole came there");
        let files = files_below(&scene.gateway.uploads()).len();
        assert_eq!(files, if kept { 3 } else { 0 }, "{uploads}");
    }
}

#[tokio::test]
async fn who_hangs_up_leaves_nothing_there() {
    let scene = set("frontdesk", "luxmart", r#"["upstream", "local"]"#, "").await;
    let file = File::new(Format::Png, 300_000, 3);
    let form = http::form(&[
        http::field("conversation_id", "101"),
        http::file("file", &file.name(), "image/png", &file.bytes()),
    ]);
    let authorization = format!("Bearer {}", scene.token);
    let kind = format!("multipart/form-data; boundary={}", http::BOUNDARY);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", &kind)];
    let whole = http::request("POST", UPLOAD, &headers, &form);
    for at in [30_000, 100_000, 250_000, whole.len() - 1] {
        http::send_and_hang_up(scene.gateway.address, &whole[..at]).await;
    }
    // Whatever was begun before has ended when this one is answered.
    assert_eq!(staff_uploads(&scene, file).await.status, 200);
    assert_eq!(scene.backend.counts().1, 1, "only the whole one");
    assert_eq!(files_below(&scene.gateway.uploads()).len(), 1);
}
