//! Uploads that fail on their way to the backend: each is one refusal in the client's own dialect, nothing is left behind,
//! and the next one works.

use serde_json::json;

use super::between::Conduct;
use super::large::files_below;
use super::origin::{End, Origin, file};
use super::stage::{MEBIBYTE, Stage};
use crate::harness::http;
use crate::media::{File, Format};

/// Both kinds of routes refuse what failed; only what the backend does not take may become a link.
const REFUSE: &str = "on_loss = \"refuse\"";
const DEGRADE: &str = "on_loss = \"degrade\"";
/// An upstream that answers within this is not slow.
const SHORT: &str = "timeout = \"700ms\"";

const FAILED: &str = "The backend failed";
const LATE: &str = "The backend did not answer in time";

/// How many sends wait for a confirmation.
async fn unconfirmed(stage: &Stage) -> f64 {
    let page = http::get(stage.scene.gateway.admin, "/metrics", &[]).await;
    let text = String::from_utf8(page.body).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("dragoman_unconfirmed{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// The file goes again, over the same socket, and arrives; the backend keeps it once.
async fn goes_well_again(stage: &mut Stage, file: File, case: &str) {
    let uploads = stage.uploads();
    stage.grants.behave(Conduct::Pass);
    stage.host.behave(Conduct::Pass);
    stage.send(file).await.unwrap_or_else(|why| panic!("after {case}: {why:?}"));
    stage.arrives(file).await;
    assert_eq!(stage.uploads(), uploads + 1, "{case}");
    assert_eq!(unconfirmed(stage).await, 0.0, "{case}");
}

#[tokio::test]
async fn each_step_of_an_upload_may_fail() {
    each_step_fails(REFUSE).await;
}

#[tokio::test]
async fn each_step_of_an_upload_may_fail_where_losses_are_bridged() {
    each_step_fails(DEGRADE).await;
}

async fn each_step_fails(route: &str) {
    let mut stage = Stage::set(route, SHORT).await;
    let mut seed = 0;
    for (step, conduct, words) in [
        ("grant", Conduct::Answer(500), FAILED),
        ("grant", Conduct::Answer(401), FAILED),
        ("grant", Conduct::Answer(200), FAILED),
        ("grant", Conduct::ResetAfter(0), FAILED),
        ("grant", Conduct::Silent, LATE),
        ("upload", Conduct::Answer(500), FAILED),
        ("upload", Conduct::Answer(502), FAILED),
        ("upload", Conduct::Answer(401), FAILED),
        ("upload", Conduct::Answer(200), FAILED),
        ("upload", Conduct::ResetAfter(0), FAILED),
        ("upload", Conduct::ResetAfter(MEBIBYTE), FAILED),
        ("upload", Conduct::Silent, LATE),
        ("upload", Conduct::StallAfter(MEBIBYTE), LATE),
    ] {
        seed += 1;
        let case = format!("{step}: {conduct:?}, {route}");
        // More than all buffers on the way can hold, where the host stops reading.
        let size = if conduct == Conduct::StallAfter(MEBIBYTE) { 9 } else { 2 };
        let video = File::new(Format::Mp4, size * MEBIBYTE, seed);
        if step == "grant" { &stage.grants } else { &stage.host }.behave(conduct);
        let outcome = stage.send(video).await;
        assert_eq!(outcome, Err((0, words.to_owned())), "{case}");
        goes_well_again(&mut stage, video, &case).await;
    }
    assert_eq!(stage.scene.backend.counts().0, seed as usize, "messages beside those that arrived");
    // What clients uploaded is there, and nothing half-written beside it.
    assert_eq!(files_below(&stage.scene.gateway.uploads()).len(), 2 * seed as usize);
}

/// The backend takes less than its document says.
#[tokio::test]
async fn what_the_backend_refuses_is_refused_or_linked_to() {
    for status in [413, 415] {
        for (route, links) in [(REFUSE, false), (DEGRADE, true)] {
            for conduct in [Conduct::Answer(status), Conduct::Refuse(status)] {
                let mut stage = Stage::set(route, "").await;
                let video = File::new(Format::Mp4, 4 * MEBIBYTE, 1);
                stage.host.behave(conduct);
                let outcome = stage.send(video).await;
                assert_eq!(outcome.is_ok(), links, "{conduct:?}, {route}: {outcome:?}");
                if links {
                    let taken = stage.scene.backend.taken().await;
                    assert!(taken.kind == "text" && taken.body.contains("http://"), "{taken:?}");
                }
                goes_well_again(&mut stage, video, &format!("{conduct:?}")).await;
            }
        }
    }
}

#[tokio::test]
async fn the_backend_refuses_the_key_of_the_gateway() {
    let mut stage = Stage::set(REFUSE, "").await;
    let video = File::new(Format::Mp4, 100_000, 1);
    stage.scene.divar.as_ref().unwrap().forbid(true);
    assert!(stage.send(video).await.is_err());
    assert_eq!((stage.uploads(), stage.tries()), (0, 0));
    stage.scene.divar.as_ref().unwrap().forbid(false);
    goes_well_again(&mut stage, video, "a missing permission").await;
}

#[tokio::test]
async fn the_stored_file_vanishes_or_shrinks() {
    let mut stage = Stage::set(DEGRADE, SHORT).await;
    let stored = |stage: &Stage| files_below(&stage.scene.gateway.uploads());
    for case in ["gone before", "cut before", "cut on the way"] {
        let video = File::new(Format::Mp4, 9 * MEBIBYTE, case.len() as u64);
        let before = stored(&stage);
        let uploaded = stage.uploaded(video).await;
        let path = stored(&stage).into_iter().find(|path| !before.contains(path)).expect("the stored file");
        let cut = || std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
        match case {
            "gone before" => std::fs::remove_file(&path).unwrap(),
            "cut before" => cut(),
            _ => stage.host.behave(Conduct::Hold),
        }
        let tries = stage.tries();
        let words = if case == "gone before" { "File not found" } else { "Temporarily unavailable" };
        let (outcome, ()) = tokio::join!(stage.staff.announce(&uploaded, ""), async {
            if case == "cut on the way" {
                // Far more than all buffers on the way can hold is still in the store.
                stage.host.has_seen(tries + 1).await;
                cut();
                stage.host.behave(Conduct::Pass);
            }
        });
        assert_eq!(outcome, Err((0, words.to_owned())), "{case}: {}", stage.scene.gateway.log());
        // The host of the backend is not to blame, and is used at once.
        stage.send(File::new(Format::Mp4, 1000, 99)).await.unwrap();
        stage.arrives(File::new(Format::Mp4, 1000, 99)).await;
        assert_eq!(unconfirmed(&stage).await, 0.0, "{case}");
    }
    assert_eq!((stage.uploads(), stage.scene.backend.counts().0), (1, 3));
}

/// A file that another host has, and does not give whole.
#[tokio::test]
async fn the_source_breaks_off() {
    source_ends(&[(End::Close, FAILED), (End::Reset, FAILED)]).await;
}

/// A host may take ten seconds for a piece.
#[tokio::test]
async fn the_source_falls_silent() {
    source_ends(&[(End::Never, LATE)]).await;
}

async fn source_ends(cases: &[(End, &str)]) {
    let declared = 8 * MEBIBYTE;
    for (end, words) in cases.iter().copied() {
        let part = File::new(Format::Mp4, 2 * MEBIBYTE, 1).bytes();
        let origin = Origin::start(move |_| (file("video/mp4", declared, &part), end)).await;
        let route = format!("{REFUSE}\noptions = {{ foreign_files = true }}");
        let upstream = format!("{SHORT}\nhosts.subscribe = \"http://{}\"", origin.address);
        let mut stage = Stage::set(&route, &upstream).await;
        let foreign = json!({ "file_url": origin.url("/a.mp4"), "filename": "a.mp4", "file_type": "video" });
        let outcome = stage.staff.announce(&foreign, "").await;
        assert_eq!(outcome, Err((0, words.to_owned())), "{end:?}");
        assert_eq!(stage.uploads(), 0, "{end:?}: a file that is not whole was kept");
        goes_well_again(&mut stage, File::new(Format::Mp4, 100_000, 2), &format!("{end:?}")).await;
    }
}

/// A client that goes while its file is under way: what it sent may arrive or not, but once, and the next one works.
#[tokio::test]
async fn the_client_goes_while_its_file_is_under_way() {
    let mut stage = Stage::set(REFUSE, "").await;
    let video = File::new(Format::Mp4, 9 * MEBIBYTE, 1);
    let uploaded = stage.uploaded(video).await;
    stage.host.behave(Conduct::Hold);
    let mut gone = stage.enter_as(2).await;
    tokio::select! {
        outcome = gone.announce(&uploaded, "") => panic!("confirmed without an upload: {outcome:?}"),
        _ = stage.host.has_seen(1) => {}
    }
    drop(gone);
    stage.host.behave(Conduct::Pass);
    stage.staff.announce(&uploaded, "").await.unwrap();
    stage.arrives(video).await;
    assert_eq!(stage.uploads(), 1);
    assert_eq!(unconfirmed(&stage).await, 0.0);
}

/// A client that goes while it uploads: nothing of the file is kept.
#[tokio::test]
async fn the_client_goes_while_it_uploads() {
    use tokio::io::AsyncWriteExt;

    let mut stage = Stage::set(REFUSE, "").await;
    let bytes = File::new(Format::Mp4, MEBIBYTE, 1).bytes();
    let form = http::form(&[http::field("conversation_id", "101"), http::file("file", "a.mp4", "video/mp4", &bytes)]);
    let authorization = format!("Bearer {}", stage.token());
    let content_type = format!("multipart/form-data; boundary={}", http::BOUNDARY);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", content_type.as_str())];
    let request = http::request("POST", "/api/chat/upload-media/", &headers, &form);
    for cut in [request.len() / 10, request.len() / 2, request.len() - 10, request.len() - 1] {
        let mut stream = tokio::net::TcpStream::connect(stage.scene.gateway.address).await.unwrap();
        stream.write_all(&request[..cut]).await.unwrap();
        stream.set_zero_linger().unwrap();
    }
    // It is told of the last reset before it hears of this.
    let video = File::new(Format::Mp4, 100_000, 2);
    stage.send(video).await.unwrap();
    stage.arrives(video).await;
    let only_one = || files_below(&stage.scene.gateway.uploads()).len() == 1;
    let waiting = async {
        while !only_one() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, waiting).await.expect("what was cut goes");
}
