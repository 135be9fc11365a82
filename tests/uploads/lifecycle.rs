//! Uploads after they were taken: listed, compared with the store, removed when nobody needs them; of a gateway that runs
//! and of one that does not, over each kind of store and journal.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::harness::http;
use super::harness::socket::Socket;
use super::harness::{DIALECTS, Gateway};
use super::scene::{CONVERSATIONS, PNG, Upload, claims, credential};
use super::shelf::{ROWS, Stage, content};
use super::tool::{run, uploads};

/// Says a message of frontdesk that names an uploaded file; what is heard then.
pub async fn name_in_a_message(gateway: &Gateway, path: &str) -> serde_json::Value {
    let token = gateway.token(claims("frontdesk"));
    let mut socket = Socket::open(gateway.address, &format!("/ws/chat/?token={token}"), None).await.unwrap();
    let url = format!("http://{}{path}", gateway.address);
    let message = json!({ "type": "media", "conversation_id": 123, "file_url": url, "filename": "named.png", "file_type": "image" });
    socket.say(&message.to_string()).await;
    socket.frame().await
}

/// The name under which the store has the upload of this number among [`Stage::filled`].
fn object(stage: &Stage, records: &[serde_json::Value], number: usize) -> String {
    match stage.row.once {
        true => format!("once/{:x}", Sha256::digest(content(number))),
        false => records[number]["key"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn every_upload_is_listed_and_verified() {
    for row in ROWS {
        let mut stage = Stage::start(row).await;
        let paths = stage.filled().await;
        let records = stage.listed().await;
        assert_eq!(records.len(), DIALECTS.len());
        for (record, path) in records.iter().zip(&paths) {
            assert_eq!((&record["handle"], &record["stores"]), (&json!(path), &json!(["files"])));
            assert_eq!(record["size"], content(0).len());
            assert!(path.ends_with(record["key"].as_str().unwrap()), "{record}");
            // An upload of licomed is a message at once.
            assert_eq!(record["named"], record["route"] == "licomed", "{record}");
        }
        assert_eq!(records[0]["conversation"], "room-101");
        let verified = uploads(&stage.gateway, &["verify", "--content"]).await;
        assert_eq!((verified.code, verified.lines.len()), (0, 0), "{row:?}: {verified:?}");
        assert_eq!(stage.objects().len(), DIALECTS.len(), "{row:?}: {:?}", stage.objects());

        // The same with the gateway stopped, over the store itself.
        stage.gateway.kill().await;
        let folder = stage.gateway.folder();
        let own = run(folder, &["list", "--format", "json"]).await;
        let handles =
            |records: &[serde_json::Value]| records.iter().map(|one| one["handle"].clone()).collect::<Vec<_>>();
        assert_eq!((own.code, handles(&own.records())), (0, handles(&records)), "{row:?}: {own:?}");
        stage.remove(&object(&stage, &records, 0));
        stage.write(&object(&stage, &records, 1), &[PNG, b"more"].concat());
        stage.write(&object(&stage, &records, 2), &vec![7; content(2).len()]);
        stage.write("stray.png", PNG);
        for (content, expected) in
            [(false, vec!["missing", "size", "unknown"]), (true, vec!["content", "missing", "size", "unknown"])]
        {
            let arguments = if content { vec!["verify", "--content"] } else { vec!["verify"] };
            let verified = run(folder, &arguments).await;
            let mut problems: Vec<&str> = verified.lines.iter().filter_map(|line| line.split(' ').next()).collect();
            problems.sort_unstable();
            assert_eq!((verified.code, problems), (1, expected), "{row:?}: {verified:?}");
            assert!(verified.talk.contains("problems"), "{verified:?}");
        }
        let wrong = run(folder, &["list", "--store", "bucket"]).await;
        assert_eq!(wrong.code, 2);
        let words = "there is no store `bucket`; the config has: aside, files, local";
        assert!(wrong.talk.contains(words), "{wrong:?}");
    }
}

#[tokio::test]
async fn what_nobody_needs_is_removed() {
    for row in ROWS {
        let stage = Stage::start(row).await;
        let gateway = &stage.gateway;
        let unused = stage.stored("frontdesk", "unused.png", &content(1)).await;
        let named = stage.stored("frontdesk", "named.png", &content(2)).await;
        let heard = name_in_a_message(gateway, &named).await;
        assert!(heard["message"]["media_url"].as_str().is_some_and(|url| url.ends_with(&named)), "{heard}");
        let message = stage.stored("licomed", "message.png", &content(3)).await;

        // Stores keep everything unless they say otherwise.
        let nothing = uploads(gateway, &["gc", "--apply"]).await;
        assert_eq!((nothing.code, nothing.lines.len()), (0, 0), "{row:?}: {nothing:?}");
        let only_told = uploads(gateway, &["gc", "--unused-for", "0s"]).await;
        assert_eq!((only_told.code, only_told.lines.len()), (0, 1), "{row:?}: {only_told:?}");
        assert!(only_told.lines[0].starts_with("would remove files") && only_told.lines[0].contains("unused.png"));
        assert_eq!(stage.objects().len(), 3, "{row:?}: nothing went");

        let removed = uploads(gateway, &["gc", "--unused-for", "0s", "--apply", "--format", "json"]).await;
        assert_eq!(
            (removed.code, removed.records()[0]["action"].as_str()),
            (0, Some("removed")),
            "{row:?}: {removed:?}"
        );
        assert_eq!(stage.objects().len(), 2, "{row:?}: {:?}", stage.objects());
        for (path, status) in [(&unused, 404), (&named, 200), (&message, 200)] {
            assert_eq!(http::get(gateway.address, path, &[]).await.status, status, "{row:?}: {path}");
        }
        // No message can name it any more.
        assert_eq!(name_in_a_message(gateway, &unused).await["type"], "error");

        let all = uploads(gateway, &["gc", "--older-than", "0s", "--apply"]).await;
        assert_eq!((all.code, all.lines.len()), (0, 2), "{row:?}: {all:?}");
        assert_eq!(stage.objects(), [""; 0], "{row:?}");
        assert!(stage.listed().await.is_empty());
        assert_eq!(uploads(gateway, &["verify"]).await.code, 0);
        // Over Redis the command does it, not the gateway.
        if !row.redis {
            let page = http::get(gateway.admin, "/metrics", &[]).await;
            let page = String::from_utf8(page.body).unwrap();
            assert!(page.contains("dragoman_uploads_removed_total{reason=\"unused\",store=\"files\"} 1"), "{page}");
            assert!(page.contains("dragoman_uploads_removed_total{reason=\"age\",store=\"files\"} 2"), "{page}");
        }
    }
}

/// Of a content that several uploads have, as many keys go as are not needed; its bytes go with the last.
#[tokio::test]
async fn the_same_content_stays_for_who_needs_it() {
    for row in ROWS.into_iter().filter(|row| row.once) {
        let stage = Stage::start(row).await;
        let gateway = &stage.gateway;
        let mut paths = Vec::new();
        for name in ["a.png", "b.png", "c.png"] {
            paths.push(stage.stored("frontdesk", name, PNG).await);
        }
        assert_eq!((stage.objects().len(), stage.listed().await.len()), (1, 3), "{row:?}: {:?}", stage.objects());
        name_in_a_message(gateway, &paths[1]).await;
        let removed = uploads(gateway, &["gc", "--unused-for", "0s", "--apply"]).await;
        assert_eq!((removed.code, removed.lines.len()), (0, 2), "{row:?}: {removed:?}");
        for (path, status) in paths.iter().zip([404, 200, 404]) {
            assert_eq!(http::get(gateway.address, path, &[]).await.status, status, "{row:?}: {path}");
        }
        let verified = uploads(gateway, &["verify", "--content"]).await;
        assert_eq!((verified.code, verified.lines.len()), (0, 0), "{row:?}: {verified:?}");
        let all = uploads(gateway, &["gc", "--older-than", "0s", "--apply"]).await;
        assert_eq!((all.code, stage.objects().len()), (0, 0), "{row:?}: {all:?}");
    }
}

/// What lies in the store and is no upload stays, unless it is asked for and old enough to be none on its way.
#[tokio::test]
async fn strays_are_removed_only_when_asked_for() {
    for row in ROWS {
        let stage = Stage::start(row).await;
        let path = stage.stored("frontdesk", "view.png", PNG).await;
        for stray in ["old.png", "young.png"] {
            stage.write(stray, PNG);
        }
        // One of the servers dates what it has by itself.
        let Some(old) = stage.file("old.png") else {
            let removed = uploads(&stage.gateway, &["gc", "--apply", "--unknown"]).await;
            assert_eq!((removed.code, removed.lines.len(), stage.objects().len()), (0, 0, 3), "{row:?}: {removed:?}");
            continue;
        };
        let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
        std::fs::File::options().write(true).open(&old).unwrap().set_modified(hours_ago).unwrap();
        assert_eq!(uploads(&stage.gateway, &["gc", "--apply"]).await.lines.len(), 0);
        let removed = uploads(&stage.gateway, &["gc", "--apply", "--unknown"]).await;
        let line = format!("removed files \"old.png\" (unknown, {} bytes)", PNG.len());
        assert_eq!((removed.code, removed.lines), (0, vec![line]), "{row:?}");
        let left = stage.objects();
        assert!(left.len() == 2 && left.contains(&"young.png".to_owned()), "{row:?}: {left:?}");
        assert_eq!(http::get(stage.gateway.address, &path, &[]).await.status, 200, "{row:?}");
    }
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
