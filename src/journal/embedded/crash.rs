//! Sudden death: this program runs itself as a child that records without end, kills it at random points, and checks that
//! all that the child was told is recorded is there.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::super::promises;
use super::*;

/// In the child process: which round it is, and where the journal is.
const CHILD: &str = "DRAGOMAN_TEST_JOURNAL";
/// To repeat a run.
const SEED: &str = "DRAGOMAN_TEST_SEED";
const ROUNDS: usize = 8;
const SENDERS: usize = 6;
const ROOMS: [&str; 3] = ["room-0", "room-1", "room-2"];

/// Not a test of its own: the process that is killed below.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how the parent tells its child what to do; no setting")]
async fn child_that_is_killed() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (round, path) = told.split_once(' ').expect("a round and a path");
    let journal = EmbeddedJournal::open(Path::new(path)).expect("opens");
    let send = async |sender: usize| {
        for at in 0.. {
            let (room, body) = (ROOMS[at % ROOMS.len()], format!("{round}/{sender}/{at:06}"));
            let last =
                Put { collection: Collection::Conversations, key: room.to_owned(), value: Some(body.clone().into()) };
            let append = Append { documents: vec![last], ..promises::text(room, &body) };
            let recorded = journal.append(append).await.expect("recorded").event;
            let sequence = recorded.details.sequence.expect("numbered");
            println!("confirmed {room} {sequence} {body}");
        }
    };
    futures_util::future::join_all((0..SENDERS).map(send)).await;
}

/// What one child was told is recorded, up to its death: room and sequence number to body.
fn confirmed(round: usize, path: &Path, lines: usize) -> BTreeMap<(String, u64), String> {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "journal::embedded::crash::child_that_is_killed", "--nocapture"])
        .env(CHILD, format!("{round:02} {}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    // The harness prints "test …" before the first line of ours, without a line feed.
    let mut told = output.lines().filter_map(|line| {
        let line = line.expect("readable");
        let mut words = line.split_once("confirmed ")?.1.split(' ').map(str::to_owned);
        Some(((words.next()?, words.next()?.parse().ok()?), words.next()?))
    });
    let mut all: BTreeMap<_, _> = told.by_ref().take(lines).collect();
    child.kill().expect("killed");
    // What it still managed to say before it died counts too.
    all.extend(told);
    child.wait().expect("gone");
    assert!(all.len() >= lines, "the child of round {round} ended by itself");
    all
}

async fn check(path: &Path, told: &BTreeMap<(String, u64), String>) {
    let journal = EmbeddedJournal::open(path).expect("opens after the kill");
    for room in ROOMS {
        let events = journal.read(room, promises::all()).await.expect("readable");
        let sequences: Vec<_> = events.iter().filter_map(|event| event.details.sequence).collect();
        assert_eq!(sequences, (1..=events.len() as u64).collect::<Vec<_>>(), "{room} has no holes");
        let bodies: Vec<_> = events.iter().filter_map(|event| event.details.body.clone()).collect();
        for ((_, sequence), body) in told.iter().filter(|((told_room, _), _)| told_room == room) {
            assert_eq!(bodies.get(*sequence as usize - 1), Some(body), "{room} {sequence} was confirmed");
        }
        for sender in 0..SENDERS {
            let own = bodies.iter().filter(|body| body.contains(&format!("/{sender}/")));
            assert!(own.is_sorted(), "{room}: what {sender} sent is in its order");
        }
        let last = journal.get(Collection::Conversations, room).await.expect("readable");
        assert_eq!(last, bodies.last().map(|body| body.clone().into_bytes()), "{room}: event and document in one step");
    }
    journal.close().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the seed of a run to repeat; no setting")]
async fn what_was_confirmed_survives_kill_9() {
    let seed =
        std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("{SEED}={seed}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let mut random: u64 = seed | 1;
    let mut told = BTreeMap::new();
    for round in 0..ROUNDS {
        // xorshift: each bit of the next depends on all of the last.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        told.extend(confirmed(round, &path, 1 + (random % 300) as usize));
        check(&path, &told).await;
    }
}
