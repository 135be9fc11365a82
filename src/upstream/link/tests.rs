//! A link over sockets that the test holds the other ends of, in a time that the test passes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::event::{Event, EventKind, MessageKind};
use crate::socket::{Gone, Incoming};
use crate::tasks::Tasks;
use crate::upstream::correlator::{Came, Expected, From};

/// Far more than anything here takes; the clock is the test's own.
const LONG: Duration = Duration::from_secs(3_600);

/// How long a socket may confirm nothing.
const STALLED: Duration = Duration::from_secs(30);

/// Frames that wait, more than any test says at once.
const ENOUGH: usize = 200_000;

/// What a link did with a socket.
#[derive(Debug, PartialEq)]
enum Did {
    Wrote(String),
    Pinged,
    Closed(u16),
}

/// The link's end of a socket.
struct Near {
    incoming: mpsc::Receiver<Incoming>,
    did: mpsc::Sender<Did>,
    takes: Arc<AtomicBool>,
}

impl Socket for Near {
    async fn receive(&mut self) -> Incoming {
        self.incoming.recv().await.unwrap_or(Incoming::Closed(None))
    }

    async fn feed(&mut self, text: Text) -> Result<(), Gone> {
        if !self.takes.load(Ordering::Relaxed) {
            return Err(Gone);
        }
        self.did.try_send(Did::Wrote(text.to_string())).map_err(|_| Gone)
    }

    async fn ping(&mut self, _number: u64) -> Result<(), Gone> {
        self.did.try_send(Did::Pinged).map_err(|_| Gone)
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn close(self, code: u16, _reason: &str) {
        let _ = self.did.try_send(Did::Closed(code));
    }
}

/// The test's end of a socket.
struct Far {
    says: mpsc::Sender<Incoming>,
    did: mpsc::Receiver<Did>,
    takes: Arc<AtomicBool>,
}

impl Far {
    fn say(&self, text: &str) {
        self.says.try_send(Incoming::Text(text.to_owned().into())).expect("it is read");
    }

    async fn did(&mut self) -> Did {
        timeout(LONG, self.did.recv()).await.expect("in time").expect("it is not dropped before")
    }
}

/// What the owner is told, and what it answers.
#[derive(Default)]
struct Diary {
    sockets: Mutex<VecDeque<Result<Near, Status>>>,
    opened: AtomicUsize,
    events: Mutex<Vec<String>>,
    changed: Notify,
    needed: AtomicBool,
    /// Hearing waits for it.
    holds: Mutex<Option<Arc<Notify>>>,
}

impl Diary {
    fn note(&self, event: String) {
        self.events.lock().expect("no test panics in it").push(event);
        self.changed.notify_one();
    }

    fn events(&self) -> Vec<String> {
        self.events.lock().expect("no test panics in it").clone()
    }

    async fn until(&self, event: &str) {
        let noted = async {
            while !self.events().iter().any(|known| known == event) {
                self.changed.notified().await;
            }
        };
        timeout(LONG, noted).await.unwrap_or_else(|_| panic!("{event:?} is not in {:?}", self.events()));
    }
}

struct Owner(Arc<Diary>);

#[async_trait]
impl Hears for Owner {
    type Socket = Near;
    type Kept = ();

    async fn open(&self) -> Result<(Near, ()), Status> {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
        let next = self.0.sockets.lock().expect("no test panics in it").pop_front();
        match next {
            Some(opened) => opened.map(|near| (near, ())),
            None => std::future::pending().await,
        }
    }

    async fn catch_up(&self, _link: &Link, _outage: Outage) -> bool {
        self.0.note("caught up".to_owned());
        true
    }

    async fn hear(&self, _link: &Link, text: &str) {
        let holds = self.0.holds.lock().expect("no test panics in it").clone();
        if let Some(holds) = holds {
            holds.notified().await;
        }
        self.0.note(text.to_owned());
    }

    async fn wrote(&self, _link: &Link, send: u64) {
        self.0.note(format!("wrote {send}"));
    }

    async fn closed(&self, code: Option<u16>) -> End {
        self.0.note(format!("closed {code:?}"));
        match code {
            Some(4_003) => End::Over(Fault::new(Reason::Unauthorized)),
            _ => End::Lost(Fault::new(Reason::Upstream)),
        }
    }

    fn is_needed(&self) -> bool {
        self.0.needed.load(Ordering::Relaxed)
    }

    fn stalled_after(&self) -> Duration {
        STALLED
    }

    fn let_go(&self, link: &Arc<Link>, unasked: Duration, why: &Fault) -> bool {
        let goes = !self.is_needed() && link.unasked() >= unasked && link.retire(why.clone());
        if goes {
            self.0.note("let go".to_owned());
        }
        goes
    }

    fn over(&self, _link: &Arc<Link>, why: &Fault) {
        self.0.note(format!("over {}", why.reason.as_str()));
    }
}

struct Stage {
    link: Arc<Link>,
    diary: Arc<Diary>,
    stop: CancellationToken,
}

impl Stage {
    fn next(&self, opened: Result<Near, Status>) {
        self.diary.sockets.lock().expect("no test panics in it").push_back(opened);
    }

    fn start(diary: Diary) -> Self {
        let diary = Arc::new(diary);
        diary.needed.store(true, Ordering::Relaxed);
        let (link, outgoing) = Link::new("toy".into(), None);
        let stop = CancellationToken::new();
        Tasks::new().spawn(run(Arc::clone(&link), outgoing, Owner(Arc::clone(&diary)), stop.clone()));
        Stage { link, diary, stop }
    }

    /// A link that is open.
    async fn open() -> (Self, Far) {
        let (near, far) = pair();
        let stage = Stage::start(Diary { sockets: Mutex::new([Ok(near)].into()), ..Diary::default() });
        stage.link.ready().await.expect("it opens");
        (stage, far)
    }

    fn write(&self, text: &str) -> Result<(), Fault> {
        self.link.write(vec![text.to_owned()])
    }

    fn send(&self, body: &str) -> Result<Outcome, Fault> {
        self.send_within(body, LONG)
    }

    fn send_within(&self, body: &str, within: Duration) -> Result<Outcome, Fault> {
        let event = message(body);
        let expected = Expected { event: event.clone(), follows: false, within, counted: None, turn: None };
        let sent = self.link.send(vec![body.to_owned()], false, |correlator| correlator.expect(&event, expected))?;
        Ok(sent.expect("a message is confirmed").1)
    }
}

fn pair() -> (Near, Far) {
    let (says, incoming) = mpsc::channel(ENOUGH);
    let (did, done) = mpsc::channel(ENOUGH);
    let takes = Arc::new(AtomicBool::new(true));
    (Near { incoming, did, takes: Arc::clone(&takes) }, Far { says, did: done, takes })
}

fn message(body: &str) -> Event {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.body = Some(body.to_owned());
    event
}

/// Answers pings and reads what is written, until it is closed: when that was.
async fn swallow(far: &mut Far) -> Instant {
    loop {
        match far.did().await {
            Did::Pinged => far.says.try_send(Incoming::Pong(0)).expect("it is read"),
            Did::Wrote(_) => {}
            Did::Closed(code) => {
                assert_eq!(code, 1_001);
                return Instant::now();
            }
        }
    }
}

/// Whose sender was told before that nothing came.
#[tokio::test(start_paused = true)]
async fn one_that_answers_pings_and_confirms_nothing_is_opened_again() {
    for within in [STALLED / 3, STALLED * 2] {
        let (stage, mut far) = Stage::open().await;
        let (near, mut again) = pair();
        stage.next(Ok(near));
        let began = Instant::now();
        let outcome = stage.send_within("hello", within).expect("there is room");
        let closed = swallow(&mut far).await - began;
        assert!(closed >= STALLED.max(within) && closed <= STALLED.max(within) + STALLED / 2, "{closed:?}");
        assert!(outcome.await.expect("it is told").is_err());
        stage.diary.until("caught up").await;
        stage.link.ready().await.expect("it is open again");
        // What was swallowed is not sent again, and holds nothing against the new one.
        stage.send_within("next", within).expect("there is room").close();
        assert_eq!(again.did().await, wrote("next"));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_confirms_now_and_then_or_is_not_spoken_to_is_kept() {
    let (stage, mut far) = Stage::open().await;
    for turn in 0..20 {
        // One is lost each time, one comes back.
        let texts = [format!("lost {turn}"), format!("found {turn}")];
        let outcomes = texts.each_ref().map(|text| stage.send_within(text, STALLED / 6).expect("there is room"));
        let came = stage.link.correlator().confirm(&message(&texts[1]), From::Us);
        assert!(matches!(came, Came::Back(_)));
        drop(outcomes);
        let quiet = tokio::time::sleep(STALLED * 2 / 3);
        tokio::select! {
            closed = swallow(&mut far) => panic!("{closed:?}"),
            () = quiet => {}
        }
    }
    assert_eq!(stage.diary.opened.load(Ordering::Relaxed), 1);
}

fn wrote(text: &str) -> Did {
    Did::Wrote(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_written_in_order() {
    let (stage, mut far) = Stage::open().await;
    for number in 0..200 {
        stage.write(&number.to_string()).expect("there is room");
    }
    for number in 0..200 {
        assert_eq!(far.did().await, wrote(&number.to_string()));
    }
    assert!(!stage.diary.events().contains(&"caught up".to_owned()), "nothing was missed yet");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_is_busy_and_nothing_of_a_send_is_left() {
    let (stage, _far) = Stage::open().await;
    // The link's task does not run before this one waits.
    let refused = (0..=OUTGOING).find_map(|_| stage.send("x").err()).expect("it is bounded");
    assert_eq!(refused.reason, Reason::Busy);
    assert_eq!(stage.link.correlator().take(OUTGOING as u64 + 1).map(|_| ()), None);
}

#[tokio::test(start_paused = true)]
async fn a_send_whose_link_dies_fails_once_and_is_not_sent_again() {
    let (stage, mut far) = Stage::open().await;
    let outcome = stage.send("hello").expect("there is room");
    assert_eq!(far.did().await, wrote("hello"));
    let (near, mut again) = pair();
    stage.next(Ok(near));
    drop(far.says);
    let fault = outcome.await.expect("it is told").expect_err("it is not confirmed");
    assert_eq!(fault.reason, Reason::Upstream);
    assert!(!fault.is_certain(), "it may have arrived");
    stage.diary.until("caught up").await;
    stage.link.ready().await.expect("it is open again");
    stage.write("next").expect("there is room");
    assert_eq!(again.did().await, wrote("next"));
}

#[tokio::test(start_paused = true)]
async fn while_it_is_away_nothing_is_queued() {
    let (stage, far) = Stage::open().await;
    drop(far);
    stage.diary.until("closed None").await;
    let mut status = stage.link.status.subscribe();
    status.wait_for(|status| *status != Status::Open).await.expect("it lives");
    let refused = stage.send("hello").map(|_| ()).expect_err("there is no socket");
    assert!(refused.is_certain(), "it was certainly not sent");
    assert!(stage.link.correlator().is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_told_before_what_is_said() {
    let (stage, far) = Stage::open().await;
    far.say("first");
    stage.diary.until("first").await;
    let (near, again) = pair();
    again.say("second");
    stage.next(Ok(near));
    drop(far);
    stage.diary.until("second").await;
    assert_eq!(stage.diary.events(), ["first", "closed None", "caught up", "second"]);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_says_when_is_not_asked_before() {
    let asked = Duration::from_secs(30);
    let busy = Fault { retry_after: Some(asked), ..Fault::new(Reason::Busy) };
    let (near, _far) = pair();
    let began = Instant::now();
    let sockets = Mutex::new([Err(Status::Down(busy.clone())), Ok(near)].into());
    let stage = Stage::start(Diary { sockets, ..Diary::default() });
    assert_eq!(stage.link.ready().await, Err(busy), "nobody waits for it");
    let mut status = stage.link.status.subscribe();
    status.wait_for(|status| *status == Status::Open).await.expect("it lives");
    assert!(began.elapsed() >= asked, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_that_is_closed_for_good_is_not_opened_again() {
    let (stage, far) = Stage::open().await;
    far.says.try_send(Incoming::Closed(Some(4_003))).expect("it is read");
    stage.diary.until("over unauthorized").await;
    assert!(stage.link.is_over());
    assert_eq!(stage.link.ready().await.map_err(|fault| fault.reason), Err(Reason::Unauthorized));
    assert_eq!(stage.diary.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_nobody_needs_is_closed_after_a_while() {
    let (stage, mut far) = Stage::open().await;
    stage.diary.needed.store(false, Ordering::Relaxed);
    let began = Instant::now();
    stage.diary.until("let go").await;
    assert!(began.elapsed() >= Duration::from_secs(50), "{:?}", began.elapsed());
    while let did = far.did().await
        && did != Did::Closed(1_000)
    {
        assert_eq!(did, Did::Pinged, "it is silent meanwhile");
        // It may be gone already.
        let _ = far.says.try_send(Incoming::Alive);
    }
    assert!(stage.link.is_over());
    assert!(!stage.diary.events().iter().any(|event| event.starts_with("over")), "nobody is told");
}

#[tokio::test(start_paused = true)]
async fn one_on_which_somebody_waits_is_kept() {
    let (stage, mut far) = Stage::open().await;
    stage.diary.needed.store(false, Ordering::Relaxed);
    let _outcome = stage.send("hello").expect("there is room");
    let until = Instant::now() + Duration::from_secs(300);
    while Instant::now() < until {
        if far.did().await == Did::Pinged {
            far.says.try_send(Incoming::Alive).expect("it is read");
        }
    }
    assert!(!stage.link.is_over());
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_answer_pings_is_given_up() {
    let (stage, mut far) = Stage::open().await;
    let began = Instant::now();
    while let did = far.did().await
        && did != Did::Closed(1_001)
    {
        assert_eq!(did, Did::Pinged);
    }
    assert!(began.elapsed() >= Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(!stage.link.is_over(), "it is tried again");
}

#[tokio::test(start_paused = true)]
async fn writing_does_not_wait_for_what_a_text_sets_off() {
    let (stage, mut far) = Stage::open().await;
    let holds = Arc::new(Notify::new());
    *stage.diary.holds.lock().expect("no test panics in it") = Some(Arc::clone(&holds));
    far.say("slow");
    far.say("next");
    tokio::task::yield_now().await;
    stage.write("hello").expect("there is room");
    assert_eq!(far.did().await, wrote("hello"));
    assert!(stage.diary.events().is_empty(), "one text after the other");
    holds.notify_one();
    stage.diary.until("slow").await;
    holds.notify_one();
    stage.diary.until("next").await;
    assert_eq!(stage.diary.events(), ["slow", "next"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_says_very_much_is_written_to_all_the_same() {
    let (stage, mut far) = Stage::open().await;
    for number in 0..100_000 {
        far.say(&number.to_string());
    }
    stage.write("hello").expect("there is room");
    assert_eq!(far.did().await, wrote("hello"));
    assert!(stage.diary.events().len() < 50_000, "it came to its turn");
}

#[tokio::test(start_paused = true)]
async fn what_it_said_before_it_took_nothing_more_is_heard() {
    let (stage, far) = Stage::open().await;
    let holds = Arc::new(Notify::new());
    *stage.diary.holds.lock().expect("no test panics in it") = Some(Arc::clone(&holds));
    far.say("last words");
    tokio::task::yield_now().await;
    far.says.try_send(Incoming::Closed(Some(4_003))).expect("it is read");
    far.takes.store(false, Ordering::Relaxed);
    stage.write("hello").expect("there is room");
    tokio::task::yield_now().await;
    holds.notify_one();
    stage.diary.until("over unauthorized").await;
    assert_eq!(stage.diary.events(), ["last words", "closed Some(4003)", "over unauthorized"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_and_ends_those_who_wait() {
    let (stage, mut far) = Stage::open().await;
    let outcome = stage.send("hello").expect("there is room");
    assert_eq!(far.did().await, wrote("hello"));
    stage.stop.cancel();
    assert_eq!(far.did().await, Did::Closed(1_001));
    let fault = outcome.await.expect("it is told").expect_err("it is not confirmed");
    assert_eq!(fault.reason, Reason::GoingAway);
}
