//! Uploads after they were taken: listed, compared with the store, removed when nobody needs them; of a gateway that runs
//! and of one that does not.

use serde_json::json;

use super::harness::http;
use super::harness::socket::Socket;
use super::harness::{DIALECTS, Gateway};
use super::scene::{CONVERSATIONS, PNG, Upload, claims, credential, files};
use super::tool::{run, uploads};

/// Names an uploaded file in a message of frontdesk.
async fn name_in_a_message(gateway: &Gateway, path: &str) {
    let token = gateway.token(claims("frontdesk"));
    let mut socket = Socket::open(gateway.address, &format!("/ws/chat/?token={token}"), None).await.unwrap();
    let url = format!("http://{}{path}", gateway.address);
    let message = json!({ "type": "media", "conversation_id": 123, "file_url": url, "filename": "named.png", "file_type": "image" });
    socket.say(&message.to_string()).await;
    let heard = socket.frame().await;
    assert_eq!(heard["message"]["media_url"], url.as_str(), "{heard}");
}

#[tokio::test]
async fn every_upload_is_listed_and_verified() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let mut paths = Vec::new();
    for dialect in DIALECTS {
        paths.push(Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await);
    }
    let listed = uploads(&gateway, &["list", "--format", "json"]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let records = listed.records();
    assert_eq!(records.len(), DIALECTS.len());
    for (record, path) in records.iter().zip(&paths) {
        assert_eq!((&record["handle"], &record["stores"]), (&json!(path), &json!(["local"])));
        assert_eq!(record["size"], PNG.len());
        assert!(path.ends_with(record["key"].as_str().unwrap()), "{record}");
        // An upload of licomed is a message at once.
        assert_eq!(record["named"], record["route"] == "licomed", "{record}");
    }
    assert_eq!(records[0]["conversation"], "room-101");
    let verified = uploads(&gateway, &["verify", "--content"]).await;
    assert_eq!((verified.code, verified.lines.len()), (0, 0), "{verified:?}");

    // The same with the gateway stopped, over the files themselves.
    gateway.kill().await;
    let own = run(gateway.folder(), &["list", "--format", "json"]).await;
    let handles = |records: &[serde_json::Value]| records.iter().map(|one| one["handle"].clone()).collect::<Vec<_>>();
    assert_eq!((own.code, handles(&own.records())), (0, handles(&records)), "{own:?}");
    let stored = files(&gateway.uploads());
    std::fs::remove_file(&stored[0]).unwrap();
    std::fs::write(&stored[1], [PNG, b"more"].concat()).unwrap();
    std::fs::write(&stored[2], vec![7; PNG.len()]).unwrap();
    std::fs::write(gateway.uploads().join("stray.png"), PNG).unwrap();
    for (content, expected) in
        [(false, vec!["missing", "size", "unknown"]), (true, vec!["content", "missing", "size", "unknown"])]
    {
        let arguments = if content { vec!["verify", "--content"] } else { vec!["verify"] };
        let verified = run(gateway.folder(), &arguments).await;
        let mut problems: Vec<&str> = verified.lines.iter().filter_map(|line| line.split(' ').next()).collect();
        problems.sort_unstable();
        assert_eq!((verified.code, problems), (1, expected), "{verified:?}");
        assert!(verified.talk.contains("problems"), "{verified:?}");
    }
    let wrong = run(gateway.folder(), &["list", "--store", "bucket"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.talk.contains("there is no store `bucket`; the config has: local"), "{wrong:?}");
}

#[tokio::test]
async fn what_nobody_needs_is_removed() {
    let gateway = Gateway::start(CONVERSATIONS).await;
    let upload = Upload::of(&gateway, "frontdesk").await;
    let unused = upload.stored(&gateway, "unused.png", "image/png", PNG).await;
    let named = upload.stored(&gateway, "named.png", "image/png", PNG).await;
    name_in_a_message(&gateway, &named).await;
    let message = Upload::of(&gateway, "licomed").await.stored(&gateway, "message.png", "image/png", PNG).await;

    // Stores keep everything unless they say otherwise.
    let nothing = uploads(&gateway, &["gc", "--apply"]).await;
    assert_eq!((nothing.code, nothing.lines.len()), (0, 0), "{nothing:?}");
    let only_told = uploads(&gateway, &["gc", "--unused-for", "0s"]).await;
    assert_eq!((only_told.code, only_told.lines.len()), (0, 1), "{only_told:?}");
    assert!(only_told.lines[0].starts_with("would remove local") && only_told.lines[0].contains("unused.png"));
    assert_eq!(files(&gateway.uploads()).len(), 3, "nothing went");

    let removed = uploads(&gateway, &["gc", "--unused-for", "0s", "--apply", "--format", "json"]).await;
    assert_eq!((removed.code, removed.records()[0]["action"].as_str()), (0, Some("removed")), "{removed:?}");
    for (path, status) in [(&unused, 404), (&named, 200), (&message, 200)] {
        assert_eq!(http::get(gateway.address, path, &[]).await.status, status, "{path}");
    }
    // No message can name it any more.
    let token = gateway.token(claims("frontdesk"));
    let mut socket = Socket::open(gateway.address, &format!("/ws/chat/?token={token}"), None).await.unwrap();
    let url = format!("http://{}{unused}", gateway.address);
    let late = json!({ "type": "media", "conversation_id": 123, "file_url": url, "filename": "unused.png", "file_type": "image" });
    socket.say(&late.to_string()).await;
    assert_eq!(socket.frame().await["type"], "error");

    let all = uploads(&gateway, &["gc", "--older-than", "0s", "--apply"]).await;
    assert_eq!((all.code, all.lines.len()), (0, 2), "{all:?}");
    assert_eq!(files(&gateway.uploads()).len(), 0);
    let listed = uploads(&gateway, &["list"]).await;
    assert_eq!((listed.code, listed.lines.len()), (0, 0), "{listed:?}");
    assert_eq!(uploads(&gateway, &["verify"]).await.code, 0);
    let page = http::get(gateway.admin, "/metrics", &[]).await;
    let page = String::from_utf8(page.body).unwrap();
    assert!(page.contains("dragoman_uploads_removed_total{reason=\"unused\",store=\"local\"} 1"), "{page}");
    assert!(page.contains("dragoman_uploads_removed_total{reason=\"age\",store=\"local\"} 2"), "{page}");
}

/// What lies in the folder and is no upload stays, unless it is asked for and old enough to be none on its way.
#[tokio::test]
async fn strays_are_removed_only_when_asked_for() {
    let gateway = Gateway::start(CONVERSATIONS).await;
    let path = Upload::of(&gateway, "frontdesk").await.stored(&gateway, "view.png", "image/png", PNG).await;
    let (old, young) = (gateway.uploads().join("old.png"), gateway.uploads().join("young.png"));
    for stray in [&old, &young] {
        std::fs::write(stray, PNG).unwrap();
    }
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(hours_ago).unwrap();
    assert_eq!(uploads(&gateway, &["gc", "--apply"]).await.lines.len(), 0);
    let removed = uploads(&gateway, &["gc", "--apply", "--unknown"]).await;
    let line = format!("removed local \"old.png\" (unknown, {} bytes)", PNG.len());
    assert_eq!((removed.code, removed.lines), (0, vec![line]));
    assert!(!old.exists() && young.exists());
    assert_eq!(http::get(gateway.address, &path, &[]).await.status, 200);
}

/// A page of a browser, or a client, cannot ask for any of it.
#[tokio::test]
async fn only_operators_ask() {
    let gateway = Gateway::start(CONVERSATIONS).await;
    let header = credential(&gateway, "frontdesk", &claims("frontdesk"));
    let path = Upload::of(&gateway, "frontdesk").await.stored(&gateway, "view.png", "image/png", PNG).await;
    for call in ["list", "gc", "verify"] {
        let call = format!("/api/uploads/{call}");
        let as_client = http::post_json(gateway.address, &call, &[(header.0, &header.1)], b"{}").await;
        assert_eq!(as_client.status, 404, "{as_client:?}");
        let as_page = http::post_json(gateway.admin, &call, &[("Origin", "http://evil.example")], b"{}").await;
        assert_eq!(as_page.status, 403, "{as_page:?}");
        assert_eq!(http::get(gateway.admin, &call, &[]).await.status, 405);
        let malformed = http::post_json(gateway.admin, &call, &[], b"{\"aply\":true}").await;
        assert_eq!(malformed.status, 400, "{malformed:?}");
    }
    assert_eq!(http::get(gateway.address, &path, &[]).await.status, 200);
}
