//! The embedded journal: the promises of every journal, and what is its own: restart, other versions, a full disk.

use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::super::promises;
use super::*;

fn fresh() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/journal");
    (folder, path)
}

#[tokio::test]
async fn promises_hold() {
    let (_folder, path) = fresh();
    promises::hold(Arc::new(EmbeddedJournal::open(&path).expect("opens"))).await;
}

#[tokio::test]
async fn promises_outlive_a_restart() {
    let (_folder, path) = fresh();
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let before = promises::fill(&journal).await;
    // Closing lets go of the file, though the journal is still held.
    journal.close().await;
    let again = EmbeddedJournal::open(&path).expect("opens again");
    promises::remembered(&again, before).await;
}

#[tokio::test]
async fn one_process_at_a_time() {
    let (_folder, path) = fresh();
    let _journal = EmbeddedJournal::open(&path).expect("opens");
    let second = EmbeddedJournal::open(&path).map(|_| ());
    assert!(matches!(second, Err(JournalError::Unavailable(ref why)) if why.contains("another process")), "{second:?}");
}

#[tokio::test]
async fn the_first_message_is_1() {
    let (_folder, path) = fresh();
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let recorded = journal.append(promises::text("room", "hello")).await.expect("recorded");
    assert_eq!(recorded.event.details.id, "1");
}

fn set_format(path: &Path, format: u64) {
    let medium = Medium::file(path).expect("opens");
    let change = |transaction: &redb::WriteTransaction| {
        let mut meta = transaction.open_table(tables::META).map_err(tables::error)?;
        meta.insert("format", format).map(|_| ()).map_err(tables::error)
    };
    medium.write(change).expect("written");
    medium.close();
}

#[test]
fn a_file_of_another_version_is_refused_and_it_is_said_what_to_do() {
    for (format, advice) in [(99, "A newer version wrote it: start that one"), (0, "restore a backup")] {
        let (_folder, path) = fresh();
        set_format(&path, format);
        let refused = EmbeddedJournal::open(&path).map(|_| ());
        let Err(JournalError::Unreadable(why)) = refused else { panic!("{refused:?}") };
        assert!(why.starts_with(&format!("format {format}; this version reads format 2.")) && why.contains(advice));
    }
}

#[tokio::test]
async fn the_first_format_becomes_this_one() {
    let (_folder, path) = fresh();
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let before = promises::fill(&journal).await;
    journal.close().await;
    let medium = Medium::file(&path).expect("opens");
    let first = |transaction: &redb::WriteTransaction| {
        transaction.delete_table(tables::LAST).map_err(tables::error)?;
        transaction.delete_table(tables::AGES).map_err(tables::error)?;
        transaction.delete_table(tables::TOLD).map_err(tables::error)?;
        transaction.delete_table(tables::FEED).map_err(tables::error)?;
        let mut meta = transaction.open_table(tables::META).map_err(tables::error)?;
        meta.remove("bytes").map(|_| ()).map_err(tables::error)
    };
    medium.write(first).expect("written");
    medium.close();
    set_format(&path, 1);
    let again = EmbeddedJournal::open(&path).expect("opens again");
    promises::remembered_but_feeds(&again, before).await;
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = fresh();
    let _medium = Medium::file(&path).expect("opens");
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o077, 0);
}

/// A disk that can be full.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn room(&self) -> std::io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.room().and_then(|()| self.file.set_len(len))
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        // The header lies on blocks that the file has; a full disk still takes those.
        if offset == 0 { Ok(()) } else { self.room() }.and_then(|()| self.file.write(offset, data))
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let (folder, _) = fresh();
    let full = Arc::new(AtomicBool::new(false));
    let (path, disk_full) = (folder.path().join("journal"), Arc::clone(&full));
    let open = move || {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path).expect("opens");
        let disk = Disk { file: FileBackend::new(file)?, full: Arc::clone(&disk_full) };
        medium::builder().create_with_backend(disk)
    };
    let medium = Medium::new(Box::new(move || open().map_err(tables::error))).expect("opens");
    let journal = EmbeddedJournal::on(medium, Keep::default()).expect("starts");
    let first = journal.append(promises::text("room", "first")).await.expect("recorded");
    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(journal.append(promises::text("room", "lost")).await.map(|_| ()), Err(JournalError::Full));
    }
    assert_eq!(journal.event("1").await, Ok(Some(first.event)), "what was recorded is readable meanwhile");
    full.store(false, Ordering::SeqCst);
    journal.append(promises::text("room", "second")).await.expect("recorded as soon as there is room");
    let bodies: Vec<_> = journal.read("room", promises::all()).await.expect("readable");
    let bodies: Vec<_> = bodies.iter().map(|event| event.details.body.as_deref().unwrap_or_default()).collect();
    assert_eq!(bodies, ["first", "second"], "no hole, nothing of what was refused");
}
