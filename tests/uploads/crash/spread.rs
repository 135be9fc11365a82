//! Killed at moments spread over the life of uploads, several of which are on their way: after any time, and as soon as
//! another file is whole in its store, which is about when its record is written.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::kept::{self, Subject, To};
use crate::harness::{DIALECTS, http};
use crate::scene::Upload;

/// Clients at a time.
const CLIENTS: usize = 4;
/// Kills of one gateway and its stores; then there are new ones.
const OF_ONE: usize = 50;
/// Until a file must have become whole.
const AT_MOST: Duration = Duration::from_secs(2);

/// When it is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    After(Duration),
    /// Once so many more files are whole, and then after this.
    Whole(usize, Duration),
}

#[tokio::test]
async fn in_a_folder() {
    spread(To::Folder, super::kills(10)).await;
}

#[tokio::test]
async fn in_a_bucket() {
    spread(To::Bucket, super::kills(10)).await;
}

#[tokio::test]
async fn in_both() {
    spread(To::Both, super::kills(6)).await;
}

async fn spread(to: To, kills: usize) {
    let seed: u64 = rand::random();
    eprintln!("{to:?}: seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut confirmed, mut unrecorded) = (0, 0);
    for begun in (0..kills).step_by(OF_ONE) {
        let mut subject = Subject::start(to, "", "").await;
        let usual = usual(&mut subject).await;
        for number in begun..kills.min(begun + OF_ONE) {
            let dialect = DIALECTS[number % DIALECTS.len()];
            let moment = moment(&mut random, usual);
            eprintln!("{number}: {dialect}, {moment:?}");
            uploading(&mut subject, dialect, moment, &mut random).await;
            unrecorded += subject.unrecorded().await.len();
            // Of the one half the command clears up, of the other the next start.
            if number.is_multiple_of(2) {
                subject.clear().await;
            }
            subject.gateway.restart().await;
            subject.check().await;
        }
        subject.check_all().await;
        confirmed += subject.confirmed();
    }
    eprintln!(
        "{to:?}: {kills} kills; {confirmed} confirmed uploads are there, {unrecorded} whole objects had no record"
    );
    assert!(confirmed > kills && unrecorded > 0, "the kills came at no moment that matters");
}

/// How long an upload takes that nobody cuts.
async fn usual(subject: &mut Subject) -> Duration {
    let upload = Upload::of(&subject.gateway, "frontdesk").await;
    let began = Instant::now();
    for _ in 0..3 {
        let (number, content) = subject.file(50_000);
        let answer = upload.send(&subject.gateway, "view.png", "image/png", &content).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        subject.confirm(number);
    }
    began.elapsed() / 3
}

fn moment(random: &mut StdRng, usual: Duration) -> Moment {
    let usual = u64::try_from(usual.as_micros()).unwrap().max(1);
    match random.random_range(0..3) {
        0 => Moment::After(Duration::from_micros(random.random_range(0..usual * 4))),
        1 => Moment::Whole(random.random_range(1..=2 * CLIENTS), Duration::ZERO),
        _ => Moment::Whole(random.random_range(1..=2 * CLIENTS), Duration::from_micros(random.random_range(0..usual))),
    }
}

/// Uploads by several clients until the gateway is killed at that moment.
async fn uploading(subject: &mut Subject, dialect: &'static str, moment: Moment, random: &mut StdRng) {
    let upload = Upload::of(&subject.gateway, dialect).await;
    // More than can be sent until the end.
    let files: Vec<Vec<_>> = (0..CLIENTS).map(|_| (0..8).map(|_| subject.file(length(random))).collect()).collect();
    let (address, folders) = (subject.gateway.address, subject.folders());
    let sending = files.iter().map(async |files| {
        let mut confirmed = Vec::new();
        for (number, content) in files {
            let parts = upload.parts("view.png", "image/png", content);
            let answer = http::post_form(address, upload.path, &[(upload.header.0, &upload.header.1)], &parts).await;
            match answer.status {
                200..300 => confirmed.push(*number),
                0 => break,
                _ => panic!("{dialect}: {answer:?}"),
            }
        }
        confirmed
    });
    let before = kept::count(&folders);
    let killing = async {
        match moment {
            Moment::After(delay) => tokio::time::sleep(delay).await,
            Moment::Whole(more, delay) => {
                seen(folders, before + more).await;
                tokio::time::sleep(delay).await;
            }
        }
        subject.kill().await;
    };
    let (confirmed, ()) = tokio::join!(futures_util::future::join_all(sending), killing);
    for number in confirmed.into_iter().flatten() {
        subject.confirm(number);
    }
}

/// Mostly one piece; some are more than one part of a bucket's upload.
fn length(random: &mut StdRng) -> usize {
    match random.random_range(0..12) {
        0 => random.random_range(5 << 20..7 << 20),
        1..6 => random.random_range(0..1_000),
        _ => random.random_range(0..200_000),
    }
}

/// Waits until so many files are whole, without a pause; not for ever: clients may have been through before.
async fn seen(folders: Vec<(&'static str, PathBuf)>, wanted: usize) {
    let watching = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        while kept::count(&folders) < wanted && began.elapsed() < AT_MOST {
            std::hint::spin_loop();
        }
    });
    watching.await.unwrap();
}
