//! The embedded journal: the promises of every journal, and what is its own: restart and sudden death.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::super::promises;
use super::*;

/// In the child process: where the journal is.
const CHILD: &str = "DRAGOMAN_TEST_JOURNAL";

#[tokio::test]
async fn promises_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = EmbeddedJournal::open(&folder.path().join("journal")).expect("opens");
    promises::hold(Arc::new(journal)).await;
}

#[tokio::test]
async fn what_was_recorded_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/journal");
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let recorded = journal.append(promises::text("room", "hello")).await.expect("recorded");
    let second = EmbeddedJournal::open(&path).map(|_| ());
    assert!(matches!(second, Err(JournalError::Unavailable(ref why)) if why.contains("another process")), "{second:?}");
    journal.close().await;
    drop(journal);
    let journal = EmbeddedJournal::open(&path).expect("opens again");
    assert_eq!(journal.read("room", promises::all()).await, Ok(vec![recorded.event]));
    let next = journal.append(promises::text("room", "again")).await.expect("recorded");
    assert_eq!((next.event.details.sequence, next.event.details.id.as_str()), (Some(2), "2"));
}

/// Not a test of its own: the process that is killed below.
#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "how the parent tells its child what to do; no setting")]
async fn child_that_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let journal = EmbeddedJournal::open(Path::new(&path)).expect("opens");
    for at in 0.. {
        let recorded = journal.append(promises::text("room", &at.to_string())).await.expect("recorded");
        println!("confirmed {}", recorded.event.details.id);
    }
}

#[tokio::test]
async fn what_was_confirmed_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let mut confirmed = 0;
    for lines in [1, 40, 7, 150, 23] {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "journal::embedded::tests::child_that_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let ids = output.lines().map(|line| line.expect("readable"));
        // The harness prints "test …" before the first line of ours, without a line feed.
        let mut seen =
            ids.filter_map(|line| line.rsplit_once("confirmed ").map(|(_, id)| id.parse::<u64>().expect("an id")));
        let last = seen.by_ref().take(lines).last().expect("something was confirmed");
        child.kill().expect("killed");
        // What it still managed to say before it died counts too.
        confirmed = seen.last().unwrap_or(last);
        child.wait().expect("gone");
    }
    let journal = EmbeddedJournal::open(&path).expect("opens after the kills");
    let events = journal.read("room", promises::all()).await.expect("readable");
    let sequences: Vec<_> = events.iter().filter_map(|event| event.details.sequence).collect();
    assert!(events.len() as u64 >= confirmed, "{} recorded, {confirmed} confirmed", events.len());
    assert_eq!(sequences, (1..=events.len() as u64).collect::<Vec<_>>(), "no holes");
}
