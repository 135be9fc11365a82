//! Uploads that a scanner must pass, by a real program: infected ones are refused in the dialect's words, and put aside or
//! gone; without a verdict the config decides.

use super::harness::http;
use super::harness::{DIALECTS, Gateway};
use super::scene::{CONVERSATIONS, PNG, Upload, files, is_refusal};
use super::shelf::{ROWS, Stage, content};
use super::tool::uploads;

/// What the scanner of these tests takes for a virus.
const MARK: &[u8] = b"X5O!-not-a-virus-of-these-tests";

fn infected() -> Vec<u8> {
    [PNG, &vec![7; 100_000], MARK].concat()
}

async fn start(scanner: &str) -> Gateway {
    let more =
        format!("{CONVERSATIONS}\n[stores.aside]\nkind = \"fs\"\nroot = \"aside\"\n\n[scanners.virus]\n{scanner}\n");
    Gateway::start_with(&more, |_| "scan = \"virus\"".to_owned()).await
}

/// Says what `grep` found by the exit code that scanners use.
const GREP: &str = "kind = \"command\"\nargv = [\"sh\", \"-c\", \"if grep -aq X5O; then echo Test.Virus; exit 1; fi\"]";

#[tokio::test]
async fn infected_files_are_refused_and_put_aside() {
    for row in ROWS {
        let scanner = format!("\n[scanners.virus]\n{GREP}\nquarantine = \"aside\"\n");
        let mut stage = Stage::start_with(row, "", "scan = \"virus\"", &scanner).await;
        for (at, dialect) in DIALECTS.into_iter().enumerate() {
            let path = stage.stored(dialect, "clean.png", &[content(at), vec![7; 100_000]].concat()).await;
            assert_eq!(http::get(stage.gateway.address, &path, &[]).await.status, 200, "{row:?}: {dialect}");
            let upload = Upload::of(&stage.gateway, dialect).await;
            let answer = upload.send(&stage.gateway, "infected.png", "image/png", &infected()).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let is_refused = answer.status == 400 && is_refusal(dialect, &answer.json());
            assert!(is_refused, "{row:?}: {dialect}: {} {text}", answer.status);
            assert!(!text.contains("Virus"), "what was found is told to operators only: {text}");
            let kept = stage.aside();
            assert_eq!(kept.len(), at + 1, "{row:?}: {dialect}: {kept:?}");
            for name in &kept {
                assert!(name.starts_with("quarantine/"), "{name}");
                assert!(stage.bytes_aside(name).is_none_or(|bytes| bytes == infected()), "{dialect}: put aside whole");
            }
        }
        let settled = async {
            while stage.objects().len() != DIALECTS.len() {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(super::harness::PATIENCE * 4, settled).await;
        assert!(waited.is_ok(), "{row:?}: {:?}", stage.objects());
        // What is aside is no stray, however old it is.
        let removed = uploads(&stage.gateway, &["gc", "--unknown", "--apply"]).await;
        assert_eq!((removed.code, removed.lines.len()), (0, 0), "{row:?}: {removed:?}");
        let verified = uploads(&stage.gateway, &["verify", "--content"]).await;
        assert_eq!(verified.code, 0, "{row:?}: {verified:?}");
        let page = String::from_utf8(http::get(stage.gateway.admin, "/metrics", &[]).await.body).unwrap();
        for outcome in ["clean", "infected"] {
            let line = format!("dragoman_scans_total{{outcome=\"{outcome}\",scanner=\"virus\"}} 5");
            assert!(page.contains(&line), "{line}");
        }
        assert!(stage.gateway.log().contains("Test.Virus") && stage.gateway.is_alive());
    }
}

#[tokio::test]
async fn infected_files_are_gone_where_there_is_no_quarantine() {
    let gateway = start(GREP).await;
    let upload = Upload::of(&gateway, "luxmart").await;
    assert_eq!(upload.send(&gateway, "infected.png", "image/png", &infected()).await.status, 400);
    becomes(&gateway, 0).await;
}

#[tokio::test]
async fn without_a_verdict_the_config_decides() {
    for (on_failure, status, left) in [("refuse", 503, 0), ("accept", 200, 1)] {
        let gateway =
            start(&format!("kind = \"command\"\nargv = [\"sh\", \"-c\", \"exit 2\"]\non_failure = \"{on_failure}\""))
                .await;
        let upload = Upload::of(&gateway, "luxmart").await;
        let answer = upload.send(&gateway, "view.png", "image/png", PNG).await;
        assert_eq!(answer.status, status, "{on_failure}: {answer:?}");
        becomes(&gateway, left).await;
    }
    // A server that is not there.
    let gateway = start("kind = \"icap\"\nurl = \"icap://127.0.0.1:1/avscan\"").await;
    let upload = Upload::of(&gateway, "divar").await;
    let answer = upload.send(&gateway, "view.png", "image/png", PNG).await;
    assert!(answer.status == 503 && is_refusal("divar", &answer.json()), "{answer:?}");
    becomes(&gateway, 0).await;
}

/// Waits until the store has this many files; what was refused is removed beside its answer.
async fn becomes(gateway: &Gateway, count: usize) {
    let settled = async {
        while files(&gateway.uploads()).len() != count {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(super::harness::PATIENCE, settled).await;
    assert!(waited.is_ok(), "{:?}", files(&gateway.uploads()));
}
