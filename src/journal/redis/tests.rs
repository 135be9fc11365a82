//! The journal in real servers: the promises of every journal, and what is its own: connections killed while appends are
//! on their way, restarts with the append-only file, what is told, what goes with age and length.

use std::collections::BTreeSet;

use super::super::promises;
use super::*;
use crate::event::Timestamp;
use crate::redis::parse_url;
use crate::redis::server::RedisServer;

const PATIENCE: Duration = Duration::from_secs(10);

fn settings(server: &RedisServer) -> RedisJournalSettings {
    let redis = parse_url(&server.url()).expect("a URL");
    let redis = RedisSettings { heartbeat: Duration::from_millis(200), timeout: Duration::from_secs(2), ..redis };
    RedisJournalSettings { redis, keep: Keep::default(), hold: PATIENCE }
}

async fn open(server: &RedisServer) -> RedisJournal {
    RedisJournal::open(settings(server)).await.expect("opens")
}

fn told(conversation: &str, body: &str) -> Append {
    let audience = Audience { topics: vec![Topic::Conversation(conversation.into()), Topic::Everyone], last: None };
    Append { audience: Some(audience), ..promises::text(conversation, body) }
}

async fn bodies(journal: &RedisJournal, conversation: &str) -> Vec<String> {
    let events = journal.read(conversation, promises::all()).await.expect("readable");
    let sequences: Vec<_> = events.iter().filter_map(|event| event.details.sequence).collect();
    let first = sequences.first().copied().unwrap_or(1);
    assert_eq!(sequences, (first..first + events.len() as u64).collect::<Vec<_>>(), "no holes");
    events.iter().map(|event| event.details.body.clone().unwrap_or_default()).collect()
}

#[tokio::test]
async fn promises_hold() {
    let server = RedisServer::start();
    promises::hold(Arc::new(open(&server).await)).await;
}

#[tokio::test]
async fn promises_outlive_a_restart() {
    let mut server = RedisServer::start();
    let journal = open(&server).await;
    let before = promises::fill(&journal).await;
    server.restart();
    promises::remembered(&open(&server).await, before).await;
    drop(journal);
}

#[tokio::test]
async fn two_processes_number_one_conversation() {
    let server = RedisServer::start();
    let (one, other) = (open(&server).await, open(&server).await);
    let append = |at: usize| [&one, &other][at % 2].append(promises::text("room", &at.to_string()));
    let recorded = futures_util::future::join_all((0..200).map(append)).await;
    let events: Vec<_> = recorded.into_iter().map(|recorded| recorded.expect("recorded").event).collect();
    let ids: BTreeSet<_> = events.iter().map(|event| event.details.id.clone()).collect();
    let sequences: BTreeSet<_> = events.iter().filter_map(|event| event.details.sequence).collect();
    assert_eq!((ids.len(), sequences), (200, (1..=200).collect()));
    assert_eq!(bodies(&one, "room").await.len(), 200);
}

/// A replica that slept past its claim wakes and writes what it believed: nothing of it is kept.
#[tokio::test]
async fn who_lost_a_claim_writes_nothing() {
    let server = RedisServer::start();
    let (slept, awake) = (open(&server).await, open(&server).await);
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let at = |place: &str| {
        vec![Put { collection: Collection::Deliveries, key: "webhook/x".into(), value: Some(place.into()) }]
    };
    let kept = async || awake.get(Collection::Deliveries, "webhook/x").await.expect("readable");
    assert!(slept.claim("webhook/x", first, Duration::from_millis(50)).await.expect("asked"));
    assert!(slept.put_claimed("webhook/x", first, at("10")).await.expect("written"));
    let taken = async {
        while !awake.claim("webhook/x", second, PATIENCE).await.expect("asked") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.expect("the first claim ends by itself");
    assert!(awake.put_claimed("webhook/x", second, at("20")).await.expect("written"));
    assert!(!slept.put_claimed("webhook/x", first, at("11")).await.expect("answered"), "it is not its any more");
    assert_eq!(kept().await.as_deref(), Some(&b"20"[..]));
    awake.disclaim("webhook/x", second).await.expect("given back");
    assert!(!slept.put_claimed("webhook/x", first, at("12")).await.expect("answered"), "nobody's is not its either");
    assert_eq!(kept().await.as_deref(), Some(&b"20"[..]));
}

/// Connections are killed while appends are on their way: each is recorded once, in order, though its answer was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_answer_is_asked_for_and_nothing_is_done_twice() {
    const APPENDS: usize = 2_000;
    let server = Arc::new(RedisServer::start());
    let journal = open(&server).await;
    let killer = Arc::clone(&server);
    let (done, is_done) = (Arc::new(std::sync::atomic::AtomicBool::new(false)), std::sync::atomic::Ordering::SeqCst);
    let ending = Arc::clone(&done);
    let events = keys::conversation(&journal.names, "room").events;
    let number = |answer: &str| answer.strip_prefix(':').and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    let killing = tokio::task::spawn_blocking(move || {
        let (mut killed, mut recorded) = (0, 0);
        while !ending.load(is_done) {
            // Whenever some more are recorded, so that there is progress between the kills.
            let length = number(&killer.command(&["XLEN", &events]));
            if length >= recorded + 50 {
                recorded = length;
                killed += number(&killer.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]));
            }
        }
        killed
    });
    let expected: Vec<_> = (0..APPENDS).map(|at| format!("{at:05}")).collect();
    let appends = expected.iter().map(|body| journal.append(promises::text("room", body)));
    let appends: Vec<_> = appends.collect();
    let recorded = futures_util::future::join_all(appends).await;
    done.store(true, is_done);
    let killed = killing.await.expect("no panic");
    assert!(killed > 3, "only {killed} connections were killed");
    assert!(recorded.iter().all(|recorded| recorded.as_ref().is_ok_and(|recorded| !recorded.repeated)));
    assert_eq!(bodies(&journal, "room").await, expected, "{killed} connections were killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_confirmed_outlives_restarts_of_the_server() {
    let mut server = RedisServer::start();
    let journal = Arc::new(open(&server).await);
    for round in 0..3 {
        let appends = (0..300).map(|at| journal.append(promises::text("room", &format!("{round}/{at:03}"))));
        let mut appends: Vec<_> = appends.collect();
        let rest = appends.split_off(100);
        // A hundred are confirmed, the others on their way or not yet sent.
        assert!(futures_util::future::join_all(appends).await.iter().all(Result::is_ok));
        server.kill();
        server.restart();
        assert!(futures_util::future::join_all(rest).await.iter().all(Result::is_ok), "held until it was back");
    }
    let expected: Vec<_> = (0..900).map(|at| format!("{}/{:03}", at / 300, at % 300)).collect();
    assert_eq!(bodies(&journal, "room").await, expected);
}

#[tokio::test]
async fn nothing_is_confirmed_while_the_server_is_away() {
    let mut server = RedisServer::start();
    let journal =
        RedisJournal::open(RedisJournalSettings { hold: Duration::from_millis(300), ..settings(&server) }).await;
    let journal = journal.expect("opens");
    server.kill();
    let began = Instant::now();
    let refused = journal.append(promises::text("room", "x")).await;
    assert!(matches!(refused, Err(JournalError::Unavailable(_))), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "refused after {:?}", began.elapsed());
    assert!(journal.healthy().await.is_err());
    server.restart();
    journal.link.ready(PATIENCE).await.expect("back");
    assert!(bodies(&journal, "room").await.is_empty(), "what was refused does not come later");
    journal.append(promises::text("room", "y")).await.expect("recorded");
}

#[tokio::test]
async fn what_was_told_can_be_asked_for() {
    let server = RedisServer::start();
    let journal = open(&server).await;
    let room = || Topic::Conversation("room".into());
    journal.append(told("room", "before")).await.expect("recorded");
    let from = Place { number: journal.told(&room()).await, mark: 0 };
    for body in ["1", "2"] {
        journal.append(told("room", body)).await.expect("recorded");
    }
    let silent = journal.append(promises::text("room", "silent")).await.expect("recorded").event;
    journal.append(told("room", "3")).await.expect("recorded");
    let audience = Audience { topics: vec![room()], last: None };
    let mut amended = (*silent).clone();
    amended.details.body = Some("silent no more".to_owned());
    journal.amend(amended, Vec::new(), Some(audience)).await.expect("amended");
    let everyone = (Topic::Everyone, Place { number: 1, mark: 0 });
    let missed = journal.missed(&[(room(), from), everyone]).await.expect("known");
    let shown = |announced: &Announced| {
        (announced.event.details.body.clone().unwrap_or_default(), announced.turn, announced.audience.topics.len())
    };
    let told: Vec<_> = missed.announced.iter().map(shown).collect();
    let expected = [("1", 2, 2), ("2", 3, 2), ("3", 4, 2), ("silent no more", 5, 1)];
    assert_eq!(told, expected.map(|(body, turn, topics)| (body.to_owned(), turn, topics)));
    let reached: Vec<_> = missed.reached.iter().map(|(_, place)| place.number).collect();
    assert_eq!((reached, missed.lost), (vec![5, 4], Vec::new()));
}

#[tokio::test]
async fn another_history_is_noticed() {
    let mut server = RedisServer::start();
    let journal = open(&server).await;
    let room = Topic::Conversation("room".into());
    for body in ["1", "2", "3"] {
        journal.append(told("room", body)).await.expect("recorded");
    }
    let missed = journal.missed(&[(room.clone(), Place { number: 0, mark: 0 })]).await.expect("known");
    let (_, heard) = missed.reached[0].clone();
    assert_ne!(heard.mark, 0);
    server.lose_data();
    server.restart();
    let missed = journal.missed(&[(room.clone(), heard)]).await;
    let missed = match missed {
        Ok(missed) => missed,
        Err(_) => {
            journal.link.ready(PATIENCE).await.expect("back");
            journal.missed(&[(room.clone(), heard)]).await.expect("known")
        }
    };
    assert_eq!(missed.lost, std::slice::from_ref(&room), "less than was heard");
    for body in ["1", "2", "3", "4"] {
        journal.append(told("room", body)).await.expect("recorded");
    }
    let missed = journal.missed(&[(room.clone(), heard)]).await.expect("known");
    assert_eq!(missed.lost, [room], "as much as was heard, and not the same");
}

#[tokio::test]
async fn what_is_too_much_or_too_old_goes() {
    let server = RedisServer::start();
    let short = RedisJournalSettings { keep: Keep { messages: Some(10), ..Keep::default() }, ..settings(&server) };
    let journal = RedisJournal::open(short).await.expect("opens");
    let first = journal.append(Append { key: Some("k".to_owned()), ..promises::text("room", "first") }).await;
    let first = first.expect("recorded").event;
    for at in 0..50 {
        journal.append(promises::text("room", &at.to_string())).await.expect("recorded");
    }
    assert_eq!(bodies(&journal, "room").await, (40..50).map(|at| at.to_string()).collect::<Vec<_>>());
    assert_eq!(journal.event(&first.details.id).await, Ok(None));
    let again = journal.append(Append { key: Some("k".to_owned()), ..promises::text("room", "again") }).await;
    assert_eq!(again.expect("recorded").event.details.sequence, Some(52), "the count goes on");
    let young = Keep { age: Some(Duration::from_millis(1)), ..Keep::default() };
    let journal = RedisJournal::open(RedisJournalSettings { keep: young, ..settings(&server) }).await.expect("opens");
    tokio::time::timeout(PATIENCE, async {
        // Each append looks at what is old by then; the last always stays.
        while bodies(&journal, "room").await.len() > 2 {
            journal.append(promises::text("room", &Timestamp::now().to_string())).await.expect("recorded");
        }
    })
    .await
    .expect("the old goes");
}

#[tokio::test]
async fn another_layout_is_refused() {
    let server = RedisServer::start();
    server.command(&["SET", "dragoman:format", "99"]);
    let refused = RedisJournal::open(settings(&server)).await.map(|_| ());
    assert_eq!(refused, Err(unreadable("layout 99; this version reads layout 1")));
}

#[tokio::test]
async fn a_server_without_room_refuses_and_recovers() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]);
    let journal = open(&server).await;
    journal.append(promises::text("room", "first")).await.expect("recorded");
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = journal.append(promises::text("room", "lost")).await.map(|_| ());
    assert_eq!(refused, Err(JournalError::Full));
    assert_eq!(bodies(&journal, "room").await, ["first"], "what was recorded is readable meanwhile");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    journal.append(promises::text("room", "second")).await.expect("recorded as soon as there is room");
    assert_eq!(bodies(&journal, "room").await, ["first", "second"]);
}

#[tokio::test]
async fn a_server_that_forgets_is_warned_of() {
    let server = RedisServer::start();
    assert_eq!(open(&server).await.doubts().await, [""; 0], "synced before each answer, nothing evicted");
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-lru", "--appendonly", "no"]);
    let doubts = open(&server).await.doubts().await.join("\n");
    assert!(doubts.contains("maxmemory-policy is allkeys-lru") && doubts.contains("appendonly is no"), "{doubts}");
    let fresh = RedisServer::start();
    assert_eq!(RedisJournal::inspect(&settings(&fresh)).await, Ok(Vec::new()));
    assert_eq!(fresh.command(&["DBSIZE"]), ":0", "who only looks leaves nothing behind");
}

#[tokio::test]
async fn one_holder_at_a_time_over_all_processes() {
    let server = RedisServer::start();
    let (one, other) = (open(&server).await, open(&server).await);
    let inside = std::sync::atomic::AtomicUsize::new(0);
    let order = std::sync::atomic::Ordering::SeqCst;
    let decide = async |journal: &RedisJournal| {
        for _ in 0..20 {
            let lease = journal.lease("about").await.expect("its turn comes");
            assert_eq!(inside.fetch_add(1, order), 0, "two at once");
            // Whoever else may come gets the chance to.
            journal.get(Collection::Uploads, "x").await.expect("readable");
            inside.fetch_sub(1, order);
            drop(lease);
        }
    };
    tokio::join!(decide(&one), decide(&other));
    let _held = one.lease("about").await.expect("free");
    other.lease("something else").await.expect("free");
}

/// A server that takes a command and does not answer: the command is given again to a server that did it meanwhile.
#[tokio::test]
async fn a_late_answer_is_no_second_message() {
    let server = RedisServer::start();
    let journal = open(&server).await;
    let mut state = journal.link.state();
    server.pause();
    let appends = ["first", "second"].map(|body| journal.append(promises::text("room", body)));
    let down = state.wait_for(|state| matches!(state, crate::redis::LinkState::Down(_)));
    tokio::time::timeout(PATIENCE, down).await.expect("the silence is noticed").expect("the link lives");
    server.resume();
    for recorded in futures_util::future::join_all(appends).await {
        assert!(!recorded.expect("recorded").repeated);
    }
    assert_eq!(bodies(&journal, "room").await, ["first", "second"]);
}

/// What is told while it is asked what was missed is found at all of its topics, or at none: who is told of it at one must
/// not be passed by at another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_told_meanwhile_is_missed_at_all_its_topics_or_at_none() {
    const APPENDS: usize = 300;
    let server = RedisServer::start();
    let (one, other) = (open(&server).await, open(&server).await);
    // Other topics between the two make the time between reading them longer.
    let rest = (0..1_000).map(|at| Topic::Department(at.to_string().into()));
    let topics = std::iter::once(Topic::Everyone).chain(rest).chain([Topic::Conversation("room".into())]);
    let heard: Vec<_> = topics.map(|topic| (topic, Place::default())).collect();
    let telling = async {
        for at in 0..APPENDS {
            one.append(told("room", &at.to_string())).await.expect("recorded");
        }
    };
    let asking = async {
        let mut missed = 0;
        while missed < APPENDS {
            let found = other.missed(&heard).await.expect("answered").announced;
            let partly = found.iter().find(|announced| announced.places.len() != 2);
            assert!(partly.is_none(), "{partly:?}");
            missed = found.len();
        }
    };
    tokio::join!(telling, asking);
}

/// A server that lost what was confirmed is found out by who confirmed it: those who heard nothing of it are told too, and
/// those who come later are not.
#[tokio::test]
async fn what_is_gone_is_told_to_those_who_never_heard_of_it() {
    let mut server = RedisServer::start();
    let journal = open(&server).await;
    let room = Topic::Conversation("room".into());
    journal.append(told("room", "one")).await.expect("recorded");
    server.restart();
    let nothing = [(room.clone(), Place::default())];
    // A write is done once what was confirmed before it is found.
    journal.append(promises::text("elsewhere", "untold")).await.expect("recorded");
    let missed = journal.missed(&nothing).await.expect("answered");
    assert_eq!((missed.announced.len(), missed.lost.len()), (1, 0), "it has its data");
    server.lose_data();
    server.restart();
    let noticed = async {
        loop {
            match journal.missed(&nothing).await {
                Ok(missed) if !missed.lost.is_empty() => return missed,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let missed = tokio::time::timeout(PATIENCE, noticed).await.expect("noticed without another write");
    assert_eq!((missed.announced.len(), missed.lost), (0, vec![room.clone()]));
    let now = journal.places(std::slice::from_ref(&room)).await.expect("answered");
    journal.append(told("room", "two")).await.expect("recorded");
    let missed = journal.missed(&now).await.expect("answered");
    assert_eq!((missed.announced.len(), missed.lost.len()), (1, 0), "once is enough");
}

/// What was done at a server that is lost, and is done again, may stand elsewhere among the others: it is not the same.
#[tokio::test]
async fn what_is_done_again_is_another_history() {
    let server = RedisServer::start();
    let journal = open(&server).await;
    let room = Topic::Conversation("room".into());
    let (write, _) = orders::append(&journal.names, &told("room", "one"), Keep::default()).expect("a command");
    let mut places = Vec::new();
    for _ in 0..2 {
        journal.link.ask::<Value>(&write.command).await.expect("done");
        places.extend(journal.places(std::slice::from_ref(&room)).await.expect("answered"));
        server.command(&["FLUSHALL"]);
    }
    assert_eq!((places[0].1.number, places[1].1.number), (1, 1));
    assert_ne!(places[0].1.mark, places[1].1.mark);
}
