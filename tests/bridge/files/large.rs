//! A video of 50 MiB from staff to a divar backend: exactly as much as its document takes, and one byte more.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::memory::Memory;
use super::stage::{MEBIBYTE, Stage};
use crate::client::fetch;
use crate::harness::PATIENCE;
use crate::harness::http::BOUNDARY;
use crate::media::{File, Format};
use crate::pair::scene::{Scene, Staging};

/// What divar's document allows for a video; as much is still taken.
const LIMIT: usize = 50 * MEBIBYTE;
/// What the process may grow by while such a file passes.
const MOST_GROWTH: u64 = 32 * MEBIBYTE as u64;

/// The route takes more than the backend does, so that it is the backend's limit that decides.
const REFUSE: &str = "limits = { upload = \"64MiB\" }\non_loss = \"refuse\"";
const DEGRADE: &str = "limits = { upload = \"64MiB\" }\non_loss = \"degrade\"";

#[tokio::test]
async fn fifty_mebibytes_stream_once() {
    let mut stage = Stage::set(REFUSE, "").await;
    let video = File::new(Format::Mp4, LIMIT, 2);
    let memory = Memory::watch(stage.scene.gateway.process_id());
    stage.send(video).await.unwrap();
    let growth = memory.growth();
    println!("50 MiB from staff to divar: the gateway grew by {:.1} MiB", growth as f64 / MEBIBYTE as f64);
    assert!(growth < MOST_GROWTH, "{growth} bytes");
    stage.arrives(video).await;
    assert_eq!(stage.uploads(), 1);

    // The same content again, as another upload of the client's.
    stage.send(video).await.unwrap();
    stage.arrives(video).await;
    assert_eq!((stage.uploads(), stage.tries()), (1, 1));
    assert_eq!(stage.scene.backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn one_byte_more_is_refused_before_the_file_is_read() {
    let stage = Stage::set(REFUSE, "").await;
    for size in [LIMIT + 1, LIMIT + 1 + MEBIBYTE, 60 * MEBIBYTE] {
        let (status, words, seconds) = head_only(&stage, size).await;
        println!("{size} bytes: {status} after {seconds:.3} s, of the file nothing was sent");
        assert_eq!((status, words.contains("File size exceeds")), (400, true), "{words}");
    }
    // Whoever sends all of it is told the same.
    let answer = stage.upload(File::new(Format::Mp4, LIMIT + 1, 3)).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(stage.scene.backend.counts(), (0, 0));
    assert_eq!(files_below(&stage.scene.gateway.uploads()), Vec::<String>::new());
}

/// Sends everything of the form that stands before the file's first byte: status and body, and after how many seconds.
async fn head_only(stage: &Stage, size: usize) -> (u16, String, f64) {
    let token = stage.token();
    let part = |head: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
    let before = part("name=\"conversation_id\"")
        + "101\r\n"
        + &part("name=\"file\"; filename=\"long.mp4\"\r\nContent-Type: video/mp4");
    let length = before.len() + size + format!("\r\n--{BOUNDARY}--\r\n").len();
    let head = format!(
        "POST /api/chat/upload-media/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(stage.scene.gateway.address).await.unwrap();
    stream.write_all((head + &before).as_bytes()).await.unwrap();
    let began = Instant::now();
    let mut answer = Vec::new();
    let reading = async {
        while !(answer.ends_with(b"}") && String::from_utf8_lossy(&answer).contains("\r\n\r\n{")) {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "closed without an answer");
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("an answer before the file");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer, began.elapsed().as_secs_f64())
}

#[tokio::test]
async fn what_is_too_large_becomes_words_with_a_link_where_the_route_allows_it() {
    let mut stage = Stage::set(DEGRADE, "").await;
    let video = File::new(Format::Mp4, LIMIT + 1, 4);
    stage.send(video).await.unwrap();
    let taken = stage.scene.backend.taken().await;
    assert_eq!((taken.kind.as_str(), taken.file), ("text", None));
    assert!(taken.body.contains(&video.name()) && taken.body.contains("50"), "{}", taken.body);
    let link = taken.body.split_whitespace().find(|word| word.starts_with("http://")).expect("a link");
    let (status, bytes) = fetch(stage.scene.gateway.address, link).await;
    assert!(status == 200 && bytes == video.bytes(), "{status}, {} bytes", bytes.len());
    assert_eq!((stage.uploads(), stage.tries()), (0, 0));
}

#[tokio::test]
async fn many_who_send_the_same_file_at_once_upload_it_once() {
    let stage = Stage::set(REFUSE, "").await;
    let video = File::new(Format::Mp4, 4 * MEBIBYTE, 5);
    let (stage, count) = (&stage, 6);
    let sends = (1..=count).map(|number| async move {
        let mut staff = stage.enter_as(number).await;
        let uploaded = stage.uploaded(video).await;
        staff.announce(&uploaded, "").await
    });
    let outcomes = futures_util::future::join_all(sends).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    for _ in 0..count {
        stage.arrives(video).await;
    }
    assert_eq!((stage.uploads(), stage.tries()), (1, 1));
}

#[tokio::test]
async fn a_file_is_known_after_a_restart() {
    let mut stage = Stage::set(REFUSE, "").await;
    let video = File::new(Format::Mp4, MEBIBYTE, 6);
    stage.send(video).await.unwrap();
    stage.arrives(video).await;
    stage.scene.gateway.kill_and_restart().await;
    stage.staff = Stage::enter(&stage.scene).await;
    stage.send(video).await.unwrap();
    stage.arrives(video).await;
    assert_eq!((stage.uploads(), stage.tries()), (1, 1));
}

#[tokio::test]
async fn a_token_that_the_backend_forgot_is_replaced_once() {
    let mut stage = Stage::set(REFUSE, "").await;
    let video = File::new(Format::Mp4, MEBIBYTE, 7);
    stage.send(video).await.unwrap();
    stage.arrives(video).await;
    for uploads in [2, 3] {
        stage.scene.divar.as_ref().unwrap().forget_media();
        stage.send(video).await.unwrap();
        stage.arrives(video).await;
        assert_eq!((stage.uploads(), stage.tries()), (uploads, uploads));
        // The new one is kept.
        stage.send(video).await.unwrap();
        stage.arrives(video).await;
        assert_eq!((stage.uploads(), stage.tries()), (uploads, uploads));
    }
    // A send that the backend refuses for another reason uploads nothing again.
    stage.scene.divar.as_ref().unwrap().restrict(true);
    assert!(stage.send(video).await.is_err());
    assert_eq!((stage.uploads(), stage.tries()), (3, 3));
}

/// The same where the handle is a URL and the message a frame.
#[tokio::test]
async fn a_url_that_the_backend_forgot_is_replaced_once() {
    let mut scene = Scene::set_as("frontdesk", "andromedia", &Staging::default()).await;
    let photo = File::new(Format::Png, 40_000, 8);
    for uploads in [1, 2] {
        // The second time it is known, whatever was forgotten before.
        for _ in 0..2 {
            let sent = scene.client.say_file(&photo.name(), "image/png", &photo.bytes(), "").await;
            sent.unwrap_or_else(|why| panic!("{why:?}\n{}", scene.gateway.log()));
            assert!(scene.backend.taken().await.file.is_some_and(|bytes| bytes == photo.bytes()));
            assert_eq!(scene.backend.counts().1, uploads);
        }
        scene.backend.server().backstage().files.forget();
    }
}

/// Several different files at once cost little more than one.
#[tokio::test]
async fn several_at_once_stream() {
    let stage = Stage::set(REFUSE, "").await;
    let memory = Memory::watch(stage.scene.gateway.process_id());
    let (stage, count) = (&stage, 6);
    let sends = (1..=count).map(|number| async move {
        let mut staff = stage.enter_as(number).await;
        let uploaded = stage.uploaded(File::new(Format::Mp4, 12 * MEBIBYTE, number as u64)).await;
        staff.announce(&uploaded, "").await
    });
    let outcomes = futures_util::future::join_all(sends).await;
    let growth = memory.growth();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    println!("{count} × 12 MiB at once: the gateway grew by {:.1} MiB", growth as f64 / MEBIBYTE as f64);
    assert!(growth < MOST_GROWTH, "{growth} bytes");
    assert_eq!((stage.uploads(), stage.tries()), (count, count));
}

/// The names of all files below a folder, at any depth.
pub fn files_below(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let names = paths.flat_map(|path| match path.is_dir() {
        true => files_below(&path),
        false => vec![path.display().to_string()],
    });
    names.collect()
}
