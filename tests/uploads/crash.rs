//! A gateway that is killed while it takes uploads: afterwards each file is there and known, or neither.

use std::time::Duration;

use rand::{RngExt, SeedableRng};

use super::harness::http;
use super::harness::{DIALECTS, Gateway};
use super::scene::{CONVERSATIONS, PNG, Upload, files};
use super::tool::uploads;

/// `DRAGOMAN_KILLS=100` for the whole of it.
#[allow(clippy::disallowed_methods, reason = "a test is not configured by a file")]
fn kills() -> usize {
    std::env::var("DRAGOMAN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

#[tokio::test]
async fn a_crash_leaves_both_or_neither() {
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let (mut confirmed, mut swept) = (Vec::new(), 0);
    for number in 0..kills() {
        let dialect = DIALECTS[number % DIALECTS.len()];
        let upload = Upload::of(&gateway, dialect).await;
        let content = [PNG, &vec![7; random.random_range(0..200_000)]].concat();
        let parts = upload.parts("view.png", "image/png", &content);
        let headers = [(upload.header.0, upload.header.1.as_str())];
        let delay = Duration::from_micros(random.random_range(0..30_000));
        let address = gateway.address;
        let sending = async {
            // As many as the time until the kill allows.
            let mut answers = Vec::new();
            loop {
                let answer = http::post_form(address, upload.path, &headers, &parts).await;
                if !(200..300).contains(&answer.status) {
                    return answers;
                }
                answers.push(answer);
            }
        };
        let killing = async {
            tokio::time::sleep(delay).await;
            gateway.kill().await;
        };
        let (answers, ()) = tokio::join!(sending, killing);
        confirmed.extend(answers.iter().filter_map(|answer| address_in(dialect, &answer.json())));
        gateway.restart().await;
        let removed = uploads(&gateway, &["gc", "--apply"]).await;
        assert_eq!(removed.code, 0, "after {number}: {removed:?}");
        swept += removed.lines.len();
        let verified = uploads(&gateway, &["verify", "--content"]).await;
        assert_eq!(verified.code, 0, "after {number}: {verified:?}");
    }
    for path in &confirmed {
        assert_eq!(http::get(gateway.address, path, &[]).await.status, 200, "{path} was confirmed");
    }
    let left: Vec<_> =
        files(&gateway.uploads()).into_iter().filter(|file| file.to_string_lossy().contains(".unfinished")).collect();
    assert!(left.is_empty(), "{left:?}");
    eprintln!("{} confirmed uploads are there, {swept} unknown files were removed", confirmed.len());
}

/// The path of a file in the answer of its upload, where the dialect tells it.
fn address_in(dialect: &str, json: &serde_json::Value) -> Option<String> {
    let told = match dialect {
        "frontdesk" => &json["file_url"],
        "andromedia" => &json["data"]["file"],
        "licomed" => &json["entity"]["message"]["attached_file"],
        "luxmart" => &json["url"],
        _ => return None,
    };
    let told = told.as_str()?;
    Some(told.split_once("://").map_or(told, |(_, rest)| &rest[rest.find('/').unwrap_or(0)..]).to_owned())
}
