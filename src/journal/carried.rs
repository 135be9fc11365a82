//! A journal carried elsewhere: a backup of one that is written to, and the same journal in Redis.

use std::path::Path;
use std::sync::Arc;

use super::{Append, EmbeddedJournal, Journal, JournalError, JournalFile, Keep, RedisJournal, RedisJournalSettings};
use super::{copy, promises};
use crate::redis::parse_url;
use crate::redis::server::RedisServer;

fn names(folder: &tempfile::TempDir) -> [std::path::PathBuf; 3] {
    ["journal", "elsewhere/copy", "other"].map(|name| folder.path().join(name))
}

#[tokio::test]
async fn a_backup_of_a_journal_that_is_written_to_is_a_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, ..] = names(&folder);
    let journal = Arc::new(EmbeddedJournal::open(&path).expect("opens"));
    let before = promises::fill(&*journal).await;
    let writing: Vec<_> = (0..500).map(|at| journal.append(promises::text("meanwhile", &at.to_string()))).collect();
    let (copy, written) = tokio::join!(journal.back_up(), futures_util::future::join_all(writing));
    assert!(written.iter().all(Result::is_ok), "writes go on");
    let copy = copy.expect("written");
    assert_eq!(copy.file_name().and_then(|name| name.to_str()), Some("journal.backup"));
    let again = journal.back_up().await.expect("written again");
    assert_eq!(again, copy, "in place of the last one");
    let found = JournalFile::open(&copy).expect("opens").verify().expect("readable");
    assert_eq!((found.faults, found.events), (0, 4 + 500), "{:?}", found.words);
    let restored = EmbeddedJournal::open(&copy).expect("opens");
    promises::remembered(&restored, before).await;
}

#[tokio::test]
async fn a_restored_journal_is_the_backup_and_the_other_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, copy, _] = names(&folder);
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let before = promises::fill(&journal).await;
    assert!(JournalFile::is_in_use(&path));
    assert!(JournalFile::open(&path).is_err(), "it is another's");
    journal.close().await;
    assert!(!JournalFile::is_in_use(&path));
    JournalFile::open(&path).expect("opens").back_up(&copy).expect("written");
    let journal = EmbeddedJournal::open(&path).expect("opens");
    journal.append(promises::text("kept", "after the backup")).await.expect("recorded");
    journal.close().await;
    let replaced = JournalFile::open(&copy).expect("opens").restore(&path).expect("restored").expect("there was one");
    let journal = EmbeddedJournal::open(&path).expect("opens");
    promises::remembered(&journal, before).await;
    let found = JournalFile::open(&replaced).expect("opens").verify().expect("readable");
    assert_eq!((found.faults, found.events), (0, 5));
}

#[test]
fn what_is_no_journal_is_not_made_into_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, copy, other] = names(&folder);
    assert!(JournalFile::open(&path).is_err() && !path.exists());
    std::fs::write(&other, "").expect("written");
    assert!(matches!(JournalFile::open(&other), Err(JournalError::Unreadable(_))));
    std::fs::write(&other, "no journal at all, whatever its name").expect("written");
    assert!(JournalFile::open(&other).is_err());
    assert!(!copy.exists());
}

#[tokio::test]
async fn a_page_that_the_disk_changed_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, ..] = names(&folder);
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let long = "y".repeat(2_000);
    for _ in 0..50 {
        journal.append(promises::text("room", &long)).await.expect("recorded");
    }
    journal.close().await;
    let mut bytes = std::fs::read(&path).expect("readable");
    let places: Vec<_> =
        bytes.windows(200).enumerate().filter(|(_, window)| window.iter().all(|byte| *byte == b'y')).collect();
    let place = places[places.len() / 2].0;
    bytes[place] = b'z';
    std::fs::write(&path, &bytes).expect("written");
    let found = JournalFile::open(&path).and_then(|file| file.verify());
    assert!(matches!(found, Err(JournalError::Unreadable(_))), "{found:?}");
}

async fn redis(server: &RedisServer) -> RedisJournal {
    let redis = parse_url(&server.url()).expect("a URL");
    let hold = std::time::Duration::from_secs(10);
    RedisJournal::open(RedisJournalSettings { redis, keep: Keep::default(), hold }).await.expect("opens")
}

async fn carry(path: &Path, to: &RedisJournal) -> Result<super::Copied, JournalError> {
    copy(&JournalFile::open(path).expect("opens"), to, &mut |_| {}).await
}

#[tokio::test]
async fn the_same_journal_is_in_redis_however_often_it_is_copied() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), RedisServer::start());
    let [path, other, _] = names(&folder);
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let before = promises::fill(&journal).await;
    let writing: Vec<_> = (0..700).map(|at| journal.append(promises::text("long", &at.to_string()))).collect();
    let written = futures_util::future::join_all(writing).await;
    let mut receipt = promises::text("long", "a receipt of the first");
    receipt.event.details.id = written[0].as_ref().expect("recorded").event.details.id.clone();
    journal.append(receipt).await.expect("recorded");
    journal.close().await;
    let to = redis(&server).await;
    let copied = carry(&path, &to).await.expect("copied");
    assert_eq!((copied.conversations, copied.events, copied.new_events), (3, 4 + 701, 4 + 701));
    // The source goes on, and so does the copy.
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let mut amended = (*written[3].as_ref().expect("recorded").event).clone();
    amended.details.body = Some("amended".to_owned());
    journal.amend(amended.clone(), Vec::new(), None).await.expect("amended");
    journal.append(Append { key: Some("late".to_owned()), ..promises::text("long", "late") }).await.expect("recorded");
    journal.close().await;
    let again = carry(&path, &to).await.expect("copied again");
    assert_eq!((again.events, again.new_events), (4 + 702, 1));
    let first = written[0].as_ref().expect("recorded").event.clone();
    assert_eq!(to.event(&first.details.id).await, Ok(Some(first)), "an id names what it named");
    assert_eq!(to.event(&amended.details.id).await, Ok(Some(Arc::new(amended))));
    let late = Append { key: Some("late".to_owned()), ..promises::text("long", "late") };
    assert!(to.append(late).await.expect("recognised").repeated);
    promises::remembered_but_feeds(&redis(&server).await, before).await;
    // Another journal is not mixed in.
    let journal = EmbeddedJournal::open(&other).expect("opens");
    for at in 0..3 {
        let mut another = promises::text("long", "other");
        another.event.details.id = format!("other {at}");
        journal.append(another).await.expect("recorded");
    }
    journal.close().await;
    let refused = carry(&other, &to).await;
    assert!(matches!(refused, Err(JournalError::Unreadable(_))), "{refused:?}");
}
