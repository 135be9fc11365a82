//! Killed exactly between the end of a file in its stores and its record: a scanner holds the upload there.

use std::time::Instant;

use super::kept::{Subject, To};
use crate::harness::{DIALECTS, PATIENCE, http};
use crate::scene::Upload;

/// Says that it was asked, and gives no verdict as long as its mark is there; it ends with the test's folder.
const HOLDING: &str = r#"
[scanners.holding]
kind = "command"
argv = ["sh", "-c", "touch asked; while [ -e asked ]; do sleep 0.1; done"]
"#;

#[tokio::test]
async fn a_whole_file_without_a_record_goes() {
    for to in [To::Folder, To::Bucket, To::Both] {
        let mut subject = Subject::start(to, "scan = \"holding\"", HOLDING).await;
        for (at, dialect) in DIALECTS.into_iter().enumerate() {
            // In one piece and, in a bucket, in parts.
            let length = if at == 3 { 6 << 20 } else { 100_000 };
            held_and_killed(&mut subject, dialect, length, at).await;
        }
    }
}

async fn held_and_killed(subject: &mut Subject, dialect: &'static str, length: usize, at: usize) {
    let upload = Upload::of(&subject.gateway, dialect).await;
    let (_, content) = subject.file(length);
    let parts = upload.parts("view.png", "image/png", &content);
    let headers = [(upload.header.0, upload.header.1.as_str())];
    let (address, asked) = (subject.gateway.address, subject.gateway.folder().join("asked"));
    let killing = async {
        let began = Instant::now();
        while !asked.exists() {
            assert!(began.elapsed() < PATIENCE, "{dialect}: nobody was asked");
            tokio::task::yield_now().await;
        }
        subject.kill().await;
    };
    let (answer, ()) = tokio::join!(http::post_form(address, upload.path, &headers, &parts), killing);
    assert_eq!(answer.status, 0, "{dialect}: nobody is told of it");
    std::fs::remove_file(asked).unwrap();

    let whole = subject.objects();
    assert_eq!(whole.len(), subject.folders().len(), "{dialect}: {whole:?}");
    assert_eq!(subject.unrecorded().await, whole.keys().cloned().collect(), "{dialect}");
    // Of the one half the command clears up, of the other the next start.
    if at.is_multiple_of(2) {
        subject.clear().await;
        // A bucket may finish late what it was told before the kill.
        for object in whole.keys() {
            subject.put_back(object, &content);
        }
        assert_eq!(subject.unrecorded().await, whole.keys().cloned().collect(), "{dialect}");
    }
    subject.gateway.restart().await;
    subject.check().await;
    assert!(subject.objects().is_empty(), "{dialect}: {:?}", subject.objects());
}
