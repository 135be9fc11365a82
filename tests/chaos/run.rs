//! One run: a Redis, three replicas, sixty clients who talk while things break. In: how much is said, what breaks. Out: what
//! everybody heard, judged, and the figures.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::app::{App, KEY};
use super::faults::{Done, Fault, inflict};
use super::harness::{Gateway, http};
use super::party::{Party, Speech, rooms};
use super::record::{Gap, Listener, Record, Said, Verdict};
use super::servers::{Kind, Servers};
use super::talk::{CONFIRMED_WITHIN, Notes, Shared, call, talk};

pub const ROOMS: u16 = 12;
pub const CLIENTS: u16 = 60;
const REPLICAS: usize = 3;

/// What a client may be told again after a cut: what was told in the second or so since it was last kept how far it had heard.
const TAIL: usize = 1_000;
/// What an app may be told again when who calls it dies: what was told and not noted, of 100 ms or so, and what was under way.
const UNNOTED: usize = 256;

/// How long after another Redis leads the old one may still be written to.
const AFTERMATH: Duration = Duration::from_secs(5);

/// How long all may take to hear what was confirmed, once nobody says any more.
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

pub struct Plan {
    pub kind: Kind,
    /// Whether the relays fill gaps from the journal. Else nobody comes back for what it missed either, and no app is told:
    /// what pub/sub does not bring is lost, and counted.
    pub fill_gaps: bool,
    pub messages: usize,
    /// Between a client's confirmation and its next message.
    pub pause: Duration,
    /// By thousandths of the messages.
    pub faults: Vec<(usize, Fault)>,
}

pub struct Outcome {
    pub verdict: Verdict,
    pub done: Done,
    pub sent: usize,
    pub refused: usize,
    pub unanswered: usize,
    pub reconnects: u32,
    pub complaints: Vec<String>,
    pub took: Duration,
    /// How long each confirmation took, in milliseconds, in order.
    pub confirmations: Vec<u32>,
    /// What the relays say of themselves, by outcome; a replica that was killed counts anew.
    pub relayed: BTreeMap<String, u64>,
    /// What pub/sub did not bring, once for each reader: filled, or left out.
    pub missed: BTreeMap<String, u64>,
    /// Messages that the journal has in the end, and how many deliveries to sockets that makes.
    pub recorded: usize,
    pub due: usize,
}

/// Who is there: in each room a member of the staff, a visitor, a user and the app; in ten of them another of the staff;
/// and two admins who hear all.
pub fn everybody() -> Vec<(u16, Speech)> {
    let mut everybody = Vec::new();
    for room in 0..ROOMS {
        let speeches = [Speech::Frontdesk, Speech::Andromedia, Speech::Licomed, Speech::Divar];
        everybody.extend(speeches.map(|speech| (room, speech)));
    }
    everybody.extend((0..2).map(|room| (room, Speech::Luxmart)));
    everybody.extend((2..ROOMS).map(|room| (room, Speech::Frontdesk)));
    assert_eq!(everybody.len(), usize::from(CLIENTS));
    everybody
}

#[allow(clippy::disallowed_methods, reason = "tasks of a test, awaited here")]
pub async fn run(plan: Plan) -> Outcome {
    let mut servers = Servers::start(plan.kind);
    let app = App::start().await;
    let (url, mut more) = (app.url(), rooms(ROOMS));
    if !plan.fill_gaps {
        more += "\n[relay]\nfill_gaps = false\n";
    }
    let options = |dialect: &str| match dialect {
        _ if !plan.fill_gaps => String::new(),
        "divar" => format!("events = {{ url = \"{url}\", key = \"{KEY}\" }}"),
        _ => "replay = \"missed\"\nreplay_window = \"60s\"".to_owned(),
    };
    let mut gateways = Vec::new();
    for _ in 0..REPLICAS {
        gateways.push(Gateway::start_quiet_replica(&servers.url(), &more, options).await);
    }
    let shared = Arc::new(Shared {
        replicas: Mutex::new(gateways.iter().map(|gateway| Some(gateway.address)).collect()),
        confirmed: AtomicUsize::new(0),
        has_begun: AtomicBool::new(false),
        is_over: AtomicBool::new(false),
        share: u32::try_from(plan.messages / usize::from(CLIENTS)).expect("few enough"),
        pause: plan.pause,
        // Its own words too are lost to somebody whose gaps are not filled.
        patience: if plan.fill_gaps { CONFIRMED_WITHIN } else { CONFIRMED_WITHIN / 10 },
        began: Instant::now(),
        closes: Mutex::default(),
    });
    let parties: Vec<Party> = (0..CLIENTS)
        .zip(everybody())
        .map(|(number, (room, speech))| Party::new(number, room, speech, |claims| gateways[0].token(claims)))
        .collect();
    let notes: Vec<Arc<Mutex<Notes>>> = parties.iter().map(|_| Arc::default()).collect();
    let mut clients = JoinSet::new();
    // Whoever speaks is heard by all who are connected: those who hear come first.
    for (party, notes) in parties.iter().zip(&notes).filter(|(party, _)| party.speech != Speech::Divar) {
        clients.spawn(talk(party.clone(), Arc::clone(&shared), Arc::clone(notes)));
    }
    let sockets = parties.iter().filter(|party| party.speech != Speech::Divar).count();
    let is_there = |notes: &&Arc<Mutex<Notes>>| notes.lock().expect("whole").connections > 0;
    while notes.iter().filter(is_there).count() < sockets {
        sleep(Duration::from_millis(20)).await;
    }
    shared.has_begun.store(true, Ordering::Relaxed);
    let began = Instant::now();
    for (party, notes) in parties.iter().zip(&notes).filter(|(party, _)| party.speech == Speech::Divar) {
        clients.spawn(call(party.clone(), Arc::clone(&shared), Arc::clone(notes)));
    }
    let done = inflict(&plan.faults, plan.messages, &shared, &mut gateways, &mut servers).await;
    let is_done = |notes: &Arc<Mutex<Notes>>| notes.lock().expect("whole").is_done;
    while !notes.iter().all(is_done) {
        assert!(!clients.is_empty(), "nobody is there any more");
        if let Some(Err(error)) = clients.try_join_next() {
            panic!("a client failed: {error}");
        }
        sleep(Duration::from_millis(20)).await;
    }
    let settling = Instant::now();
    let within = if plan.fill_gaps { SETTLED_WITHIN } else { Duration::from_secs(2) };
    let behind = |done: &Done| app_gaps(&gateways, done, shared.began);
    let record = || record(&parties, &notes, plan.fill_gaps.then(|| (&app, behind(&done))));
    while !record().is_complete() && settling.elapsed() < within {
        sleep(Duration::from_millis(100)).await;
    }
    // What is told twice may come late.
    sleep(Duration::from_secs(1)).await;
    let took = began.elapsed();
    let record = record();
    shared.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client ends well");
    }
    let all = |figure: fn(&Notes) -> usize| notes.iter().map(|notes| figure(&notes.lock().expect("whole"))).sum();
    let connections: u32 = notes.iter().map(|notes| notes.lock().expect("whole").connections).sum();
    let verdict = record.judge();
    let mut confirmations: Vec<u32> =
        notes.iter().flat_map(|notes| notes.lock().expect("whole").took.clone()).collect();
    confirmations.sort_unstable();
    let (mut relayed, mut missed) = (BTreeMap::new(), BTreeMap::new());
    for gateway in &gateways {
        let page = http::get(gateway.admin, "/metrics", &[]).await.body;
        let page = String::from_utf8_lossy(&page).into_owned();
        count(&page, "dragoman_relay_events_total", &mut relayed);
        count(&page, "dragoman_relay_missed_messages_total", &mut missed);
    }
    let recorded = (0..ROOMS).map(|room| (room, servers.recorded(&format!("room-{room}"))));
    let recorded: BTreeMap<u16, usize> = recorded.collect();
    let sockets_hear = |party: &&Party| party.speech != Speech::Divar;
    let heard_by = |party: &Party| rooms_of(party).iter().map(|room| recorded[room]).sum::<usize>();
    let due = parties.iter().filter(sockets_hear).map(heard_by).sum();
    if plan.fill_gaps && !verdict.is_good() {
        for gateway in &gateways {
            eprintln!("{}\n", gateway.log());
        }
    }
    Outcome {
        verdict,
        done,
        sent: usize::try_from(shared.share).expect("few enough") * usize::from(CLIENTS),
        refused: all(|notes| notes.refused),
        unanswered: all(|notes| notes.unanswered),
        reconnects: connections - u32::try_from(sockets).expect("few enough"),
        complaints: app.complaints(),
        took,
        confirmations,
        relayed,
        missed,
        recorded: recorded.values().sum(),
        due,
    }
}

/// Adds what a page of metrics says of one, by outcome.
fn count(page: &str, metric: &str, counts: &mut BTreeMap<String, u64>) {
    for line in page.lines() {
        let Some(rest) = line.strip_prefix(metric).and_then(|rest| rest.strip_prefix("{outcome=\"")) else { continue };
        let Some((outcome, count)) = rest.split_once("\"} ") else { continue };
        *counts.entry(outcome.to_owned()).or_default() += count.trim().parse::<u64>().unwrap_or(0);
    }
}

/// The rooms that a client hears.
fn rooms_of(party: &Party) -> BTreeSet<u16> {
    match party.speech {
        Speech::Luxmart => (0..ROOMS).collect(),
        _ => [party.room].into(),
    }
}

/// When an app may have missed something that its gateways told the operator of: at each change of the leading Redis, and
/// before each time that a gateway said so, as sentinels of a busy machine change it by themselves.
fn app_gaps(gateways: &[Gateway], done: &Done, began: Instant) -> Vec<Gap> {
    let began = jiff::Timestamp::now() - began.elapsed();
    let said = gateways.iter().flat_map(|gateway| {
        let log = gateway.log();
        let lines = log.lines().filter(|line| line.contains("who is told was behind by more than is kept"));
        let read =
            lines.map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of the log is JSON"));
        let times = read.map(|line| line["timestamp"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok()));
        times.map(|time| time.expect("a line of the log has a time")).collect::<Vec<_>>()
    });
    let said: Vec<_> = said.map(|time| time.duration_since(began).unsigned_abs()).collect();
    if said.is_empty() {
        return Vec::new();
    }
    let told = said.into_iter().map(|until| Gap { from: until.saturating_sub(AFTERMATH), until });
    done.failovers.iter().map(|gap| Gap { until: gap.until + AFTERMATH, ..*gap }).chain(told).collect()
}

/// Everything that is known by now; of the app too, if it is told anything.
fn record(parties: &[Party], notes: &[Arc<Mutex<Notes>>], app: Option<(&App, Vec<Gap>)>) -> Record {
    let mut record = Record::default();
    for (party, notes) in parties.iter().zip(notes) {
        let notes = notes.lock().expect("whole");
        record.rooms.insert(party.number, party.room);
        record.sent.extend(notes.sent.iter().copied());
        record.confirmed.extend(notes.confirmed.iter().copied());
        if party.speech != Speech::Divar {
            let name = format!("{:?} {} in room {}", party.speech, party.number, party.room);
            let (heard, gaps) = (notes.heard.clone(), notes.gaps.clone());
            let rooms = rooms_of(party);
            record.listeners.push(Listener { name, rooms, deaf_to: [].into(), heard, tail: TAIL, gaps });
        }
    }
    let Some((app, gaps)) = app else { return record };
    let apps = parties.iter().filter(|party| party.speech == Speech::Divar).map(|party| party.number);
    record.listeners.push(Listener {
        name: "the app".to_owned(),
        rooms: (0..ROOMS).collect(),
        deaf_to: apps.collect(),
        heard: app_heard(app),
        tail: UNNOTED,
        gaps,
    });
    record
}

/// An app has no connections: what comes to it again comes from another caller.
fn app_heard(app: &App) -> Vec<(u32, Said)> {
    let (mut caller, mut told) = (1, HashSet::new());
    let heard = app.told().into_iter().map(|said| {
        if !told.insert(said) {
            caller += 1;
            told = [said].into();
        }
        (caller, said)
    });
    heard.collect()
}

impl Outcome {
    pub fn print(&self) {
        println!("{} sent in {:.1} s: {}", self.sent, self.took.as_secs_f64(), self.verdict);
        println!(
            "{} refused, {} cut off before an outcome, {} reconnects",
            self.refused, self.unanswered, self.reconnects
        );
        let Done { cut, restarts, failovers, moves, kills, reloads, rolls } = &self.done;
        println!(
            "{cut} subscriptions cut, {restarts} restarts of Redis, {} times another one led, {moves} moves of the slot, \
             {kills} replicas killed, {reloads} reloads",
            failovers.len()
        );
        let at = |share: usize| self.confirmations[(self.confirmations.len() - 1) * share / 100];
        println!("confirmed within: half {} ms, 99 of 100 {} ms, all {} ms", at(50), at(99), at(100));
        let relayed: Vec<_> = self.relayed.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        println!("the relays: {}", relayed.join(", "));
        let missed: Vec<_> = self.missed.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        println!("not brought by pub/sub, once for each reader: {}", missed.join(", "));
        println!("{} recorded in the end, due to sockets {} times", self.recorded, self.due);
        for roll in rolls {
            let at = |share: usize| roll.get((roll.len().max(1) - 1) * share / 100).map_or(0, Duration::as_millis);
            println!(
                "a replica asked to stop: {} sockets closed, the first after {} ms, half after {} ms, the last after {} ms",
                roll.len(),
                at(0),
                at(50),
                at(100)
            );
        }
    }

    pub fn expect_good(&self) {
        assert!(self.verdict.is_good(), "{}", self.verdict);
        assert!(self.complaints.is_empty(), "{:?}", self.complaints);
        // What was sent while nobody led may be refused; a run that confirmed little would show nothing.
        assert!(self.verdict.confirmed * 4 > self.sent * 3, "most were confirmed: {}", self.verdict);
    }

    /// Of a run whose gaps were not filled: what the gateways count as left out is what the clients did not hear, and the
    /// checker finds it.
    pub fn expect_counted_loss(&self) {
        let not_heard = self.due - self.verdict.deliveries;
        let filled = self.missed["filled"];
        assert_eq!((self.reconnects, self.refused, filled), (0, 0, 0), "only pub/sub was cut");
        assert!(not_heard > 0 && !self.verdict.lost.is_empty(), "nothing was lost: {}", self.verdict);
        let left_out = self.missed.get("left_out").copied();
        assert_eq!(left_out, u64::try_from(not_heard).ok(), "counted, and not heard");
    }
}
