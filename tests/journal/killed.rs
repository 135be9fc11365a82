//! Commands that are killed in the middle: a backup is whole or not there, a copy goes on where it was.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;

use dragoman::event::{Event, EventKind, MessageKind};
use dragoman::journal::{Append, EmbeddedJournal, Journal};

use super::command::{begin, run, said};
use super::redis::RedisServer;

const CONVERSATIONS: usize = 40;
const EVENTS: usize = 4_000;
const ROUNDS: usize = 5;

/// A folder with a config and a journal of many messages.
async fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[journal]\nkind = \"embedded\"\npath = \"{}/journal\"\n\n[[routes]]\nname = \"staff\"\ndialect = \"frontdesk\"\n\
         to = \"hub\"\nauth = {{ kind = \"none\" }}\n",
        folder.path().display()
    );
    std::fs::write(folder.path().join("routes.toml"), config).unwrap();
    let journal = EmbeddedJournal::open(&folder.path().join("journal")).unwrap();
    for group in 0..EVENTS / 1_000 {
        let appends: Vec<_> = (0..1_000).map(|at| journal.append(text(group * 1_000 + at))).collect();
        for append in appends {
            append.await.unwrap();
        }
    }
    journal.close().await;
    folder
}

fn text(number: usize) -> Append {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.conversation.id = format!("room-{}", number % CONVERSATIONS);
    event.details.body = Some(format!("message {number} {}", "x".repeat(200)));
    Append { event, key: Some(format!("key-{number}")), documents: Vec::new(), audience: None }
}

/// Moments to kill at, by chance; the seed is printed.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let seed = RandomState::new().hash_one(0) | 1;
        println!("seed {seed}");
        Moments(seed)
    }

    /// A number below this one.
    fn next(&mut self, end: usize) -> usize {
        // xorshift: each bit of the next depends on all of the last.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }

    /// Some part of this long.
    fn within(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.next(1_000) as f64 / 1_000.0)
    }
}

/// Begins a command and kills it after a while. Whether it was still at work.
async fn killed(folder: &Path, arguments: &[&str], after: Duration) -> bool {
    let mut child = begin(folder, arguments);
    // The moment of the kill is the point of the test.
    tokio::time::sleep(after).await;
    let was_at_work = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_at_work
}

#[tokio::test]
async fn a_backup_is_whole_or_not_there() {
    let (folder, mut moments) = (filled().await, Moments::new());
    let folder = folder.path();
    let began = std::time::Instant::now();
    assert!(said(folder, &["backup", "whole"]).contains(&format!("{EVENTS} events")));
    let (longest, mut cut) = (began.elapsed(), 0);
    for round in 0..ROUNDS {
        let was_at_work = killed(folder, &["backup", "cut"], moments.within(longest)).await;
        cut += usize::from(was_at_work);
        match folder.join("cut").exists() {
            true => assert!(said(folder, &["verify", "cut"]).contains(&format!("{EVENTS} events")), "round {round}"),
            false => assert!(was_at_work, "round {round}: it ended without a backup"),
        }
        let _ = std::fs::remove_file(folder.join("cut"));
    }
    println!("{cut} of {ROUNDS} were killed at work");
    assert!(said(folder, &["backup", "cut"]).contains("all fits"), "what was left behind is in nobody's way");
    assert!(said(folder, &["verify"]).contains(&format!("{EVENTS} events")), "the journal itself is as it was");
}

#[tokio::test]
async fn a_restore_leaves_a_journal_at_every_moment() {
    let (folder, mut moments) = (filled().await, Moments::new());
    let folder = folder.path();
    said(folder, &["backup", "whole"]);
    let began = std::time::Instant::now();
    said(folder, &["restore", "whole", "--force"]);
    let longest = began.elapsed();
    for _ in 0..ROUNDS {
        killed(folder, &["restore", "whole", "--force"], moments.within(longest)).await;
        assert!(said(folder, &["verify"]).contains(&format!("{EVENTS} events")));
    }
    assert!(said(folder, &["verify", "whole"]).contains(&format!("{EVENTS} events")), "the backup is as it was");
}

#[tokio::test]
async fn a_copy_that_was_cut_off_goes_on() {
    let (folder, redis, mut moments) = (filled().await, RedisServer::start(), Moments::new());
    let folder = folder.path();
    let url = redis.url();
    let copy = ["copy", "--from", "embedded:journal", "--to", &url];
    let recorded = || {
        let script = "local n = 0 for _, key in ipairs(redis.call('KEYS', '*:events:*')) do \
                      n = n + redis.call('XLEN', key) end return n";
        redis.command(&["EVAL", script, "0"]).trim_start_matches(':').trim().parse::<usize>().unwrap()
    };
    let mut before = 0;
    for _ in 0..ROUNDS {
        let mut child = begin(folder, &copy);
        let some = 1 + moments.next(EVENTS / (2 * ROUNDS));
        while recorded() < before + some {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        before = recorded();
    }
    println!("{before} of {EVENTS} were there after {ROUNDS} kills");
    assert!(before < EVENTS, "it was never killed at work");
    let output = run(folder, &copy);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(
        said.starts_with(&format!("copied and compared: {CONVERSATIONS} conversations, {EVENTS} events (")),
        "{said}"
    );
    assert_eq!(recorded(), EVENTS, "none twice, none missing");
    let again = run(folder, &copy);
    assert!(String::from_utf8_lossy(&again.stdout).contains("(0 of them new)"), "{again:?}");
}
