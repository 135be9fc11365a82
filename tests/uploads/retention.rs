//! What stores keep only for a while: gone by itself once it is too old, over each kind of store, with the journal in Redis.

use serde_json::{Value, json};

use super::harness::http;
use super::lifecycle::name_in_a_message;
use super::shelf::{ROWS, Stage, content};
use super::tool::uploads;

/// Makes uploads older than they are, in the journal itself.
fn age(stage: &Stage, records: &[Value], until: &str) {
    let redis = stage.redis.as_ref().expect("a journal in Redis");
    let documents = "dragoman:{documents}:uploads";
    for record in records {
        let id = record["id"].as_str().unwrap();
        let mut upload: Value = serde_json::from_str(&redis.command(&["HGET", documents, id])).unwrap();
        assert!(upload["uploaded_at"].is_string(), "{upload}");
        upload["uploaded_at"] = json!(until);
        redis.command(&["HSET", documents, id, &upload.to_string()]);
    }
}

#[tokio::test]
async fn stores_keep_what_they_say_and_no_longer() {
    for row in ROWS.into_iter().filter(|row| row.redis) {
        let retention = "retention = { age = \"90d\", unused = \"2h\" }\n";
        let mut stage = Stage::start_with(row, retention, "", "").await;
        let mut paths = Vec::new();
        for at in 0..5 {
            paths.push(stage.stored("frontdesk", "view.png", &content(at)).await);
        }
        let records = stage.listed().await;
        for named in [&paths[1], &paths[3]] {
            name_in_a_message(&stage.gateway, named).await;
        }
        // Two that are too old, one of them in use; two that are old, of which one is in use; one that is not.
        age(&stage, &records[..2], "2025-01-01T00:00:00Z");
        let yesterday = jiff::Timestamp::now() - jiff::Span::new().hours(24);
        age(&stage, &records[2..4], &yesterday.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let expected = [404, 404, 404, 200, 200];
        let told = uploads(&stage.gateway, &["gc"]).await;
        let mut reasons: Vec<&str> = told.lines.iter().filter_map(|line| line.split(['(', ',']).nth(1)).collect();
        reasons.sort_unstable();
        assert_eq!((told.code, reasons), (0, vec!["age", "age", "unused"]), "{row:?}: {told:?}");

        // It looks at its start.
        stage.gateway.terminate();
        stage.gateway.ended().await;
        stage.gateway.restart().await;
        let gone = async {
            while stage.objects().len() > 2 {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(super::harness::PATIENCE * 4, gone).await;
        assert!(waited.is_ok(), "{row:?}: {:?}", stage.objects());
        for (path, status) in paths.iter().zip(expected) {
            assert_eq!(http::get(stage.gateway.address, path, &[]).await.status, status, "{row:?}: {path}");
        }
        assert_eq!(stage.listed().await.len(), 2);
        let verified = uploads(&stage.gateway, &["verify", "--content"]).await;
        assert_eq!((verified.code, verified.lines.len()), (0, 0), "{row:?}: {verified:?}");
    }
}
