//! An upstream of two endpoints, of which one fails: everything goes on over the other, and the first is used again once it is
//! well. In: two stand-ins of one dialect. Both stand-ins together take each message once at most.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::watch;
use crate::client::{Heard, Outcome};
use crate::pair::scene::{Backend, Scene, Staging, open};
use crate::standin::{Failing, Standin};

/// More than what opens the breaker of an endpoint that fails.
const MANY: usize = 20;
/// Failures in a row until an endpoint is passed by.
const NOTICED_AFTER: usize = 5;

/// The scene's own backend is the first endpoint.
struct Two {
    scene: Scene,
    second: Arc<dyn Standin>,
}

impl Two {
    async fn set(from: &'static str, to: &'static str, more: &str) -> Self {
        let upstream = format!("timeout = \"800ms\"\n{more}");
        Self::set_as(from, to, Staging { upstream, ..Staging::default() }).await
    }

    async fn set_as(from: &'static str, to: &'static str, staging: Staging) -> Self {
        let second = Backend::start(to, &staging).await.standin();
        let staging = Staging { also: vec![(second.http(), second.socket())], ..staging };
        Two { scene: Scene::set_as(from, to, &staging).await, second }
    }

    fn both(&self) -> [&Arc<dyn Standin>; 2] {
        [&self.scene.backend, &self.second]
    }

    /// The endpoint that the socket is at, and the other one.
    async fn used(&self) -> (Arc<dyn Standin>, Arc<dyn Standin>) {
        let [first, second] = self.both();
        watch::until("one socket is open", async || first.sockets() + second.sockets() == 1).await;
        let (here, there) = if first.sockets() == 1 { (first, second) } else { (second, first) };
        (Arc::clone(here), Arc::clone(there))
    }

    /// Sends; whether it was confirmed.
    async fn send(&mut self, text: &str) -> bool {
        self.scene.client.send_text(text).await;
        match self.scene.client.outcome().await {
            Outcome::Confirmed { .. } => true,
            Outcome::Error { .. } => false,
            Outcome::Closed { code } => panic!("closed with {code}:\n{}", self.scene.gateway.log()),
        }
    }

    /// Everything that was taken: what was confirmed is there, and nothing twice.
    async fn taken_once(&self, confirmed: &[String]) {
        let mut taken = Vec::new();
        for backend in self.both() {
            for _ in 0..backend.counts().0 {
                taken.push(backend.taken().await.body);
            }
        }
        for text in confirmed {
            assert!(taken.contains(text), "{text:?} was confirmed and is not among {taken:?}");
        }
        let count = taken.len();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), count, "twice among {taken:?}");
    }

    async fn healthy(&self) -> f64 {
        // Of calls; sockets have endpoints of their own.
        watch::total(&self.scene.gateway, "dragoman_upstream_endpoint_healthy", "endpoint=\"http://").await
    }
}

/// The socket is at one endpoint; that goes down, then comes back and the other goes down.
async fn sockets(from: &'static str, to: &'static str) {
    let mut two = Two::set(from, to, "").await;
    let mut confirmed = Vec::new();
    for round in 1..=3 {
        let (here, there) = two.used().await;
        here.fail(Failing::Down);
        watch::until("the other one has the socket", async || there.sockets() == 1).await;
        there.say(&format!("here now, {round}")).await;
        assert_eq!(two.scene.client.hears().await, Heard::Text(format!("here now, {round}")));
        let text = format!("round {round}");
        let before = there.counts().0;
        assert!(two.send(&text).await, "{}", two.scene.gateway.log());
        assert_eq!(there.counts().0, before + 1, "it went elsewhere");
        confirmed.push(text);
        here.fail(Failing::No);
    }
    two.taken_once(&confirmed).await;
}

macro_rules! sockets {
    ($($name:ident: $from:literal;)+) => {
        $(#[tokio::test] async fn $name() { sockets($from, stringify!($name)).await; })+
    };
}

sockets! {
    frontdesk: "licomed";
    andromedia: "frontdesk";
    licomed: "luxmart";
    luxmart: "andromedia";
}

/// An endpoint that takes connections and resets them: after a few failures nobody notices any more.
#[tokio::test]
async fn calls_pass_by_an_endpoint_that_resets() {
    let mut two = Two::set("licomed", "divar", "").await;
    let (mut confirmed, mut refused) = (Vec::new(), 0);
    two.scene.backend.fail(Failing::Down);
    for number in 0..MANY {
        let text = format!("message {number}");
        match two.send(&text).await {
            true => confirmed.push(text),
            false => refused += 1,
        }
    }
    // Each trial of it may fail once more.
    assert!(refused <= NOTICED_AFTER + 2, "{refused} of {MANY} were refused");
    assert_eq!(two.second.counts().0, confirmed.len());
    two.scene.backend.fail(Failing::No);
    let mut number = 0;
    watch::until("the first is used again", async || {
        number += 1;
        let text = format!("afterwards {number}");
        assert!(two.send(&text).await);
        confirmed.push(text);
        two.scene.backend.counts().0 > 0
    })
    .await;
    two.taken_once(&confirmed).await;
}

/// An endpoint that is not there: nothing was sent to it, so everything goes to the other and nobody notices.
#[tokio::test]
async fn calls_pass_by_an_endpoint_that_is_gone() {
    // Its port was free a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let staging = Staging { also: vec![(format!("http://{gone}"), format!("ws://{gone}"))], ..Staging::default() };
    for (from, to) in [("frontdesk", "divar"), ("andromedia", "licomed")] {
        let mut scene = Scene::set_as(from, to, &staging).await;
        for number in 0..MANY {
            scene.client.say(&format!("message {number}")).await;
            assert_eq!(scene.backend.taken().await.body, format!("message {number}"));
        }
    }
}

/// Whoever asks whether it is well finds out before a client does.
#[tokio::test]
async fn checks_find_what_fails_and_what_is_well_again() {
    let mut two = Two::set("luxmart", "divar", "health = { path = \"/health\", every = \"1s\" }").await;
    watch::until("both are well", async || two.healthy().await == 2.0).await;
    two.scene.backend.fail(Failing::Status500);
    watch::until("one is not", async || two.healthy().await == 1.0).await;
    for number in 0..MANY {
        assert!(two.send(&format!("message {number}")).await, "{}", two.scene.gateway.log());
    }
    assert_eq!(two.second.counts().0, MANY);
    two.scene.backend.fail(Failing::No);
    watch::until("both are well again", async || two.healthy().await == 2.0).await;
}

/// Of one dialect on both sides: a handshake opens nothing until it is answered, so it is made at the other one.
#[tokio::test]
async fn passed_on_handshakes_go_to_the_other() {
    let mut two = Two::set("licomed", "licomed", "").await;
    two.scene.backend.fail(Failing::Down);
    for _ in 0..MANY {
        let opened = open("licomed", two.scene.gateway.address, two.scene.token.clone()).await;
        two.scene.client = opened.unwrap_or_else(|status| panic!("{status}:\n{}", two.scene.gateway.log()));
        two.scene.client.say("hello").await;
        assert_eq!(two.second.taken().await.body, "hello");
    }
    two.scene.backend.fail(Failing::No);
    let mut clients = Vec::new();
    watch::until("the first is used again", async || {
        clients.push(open("licomed", two.scene.gateway.address, two.scene.token.clone()).await.ok());
        two.scene.backend.sockets() > 0
    })
    .await;
}

/// One that opens and closes in turn is tried less and less often, however well it opens.
#[tokio::test]
async fn one_that_closes_is_not_besieged() {
    let scene = Scene::set_as("licomed", "frontdesk", &Staging::default()).await;
    let before = watch::handshakes(&scene);
    let began = Instant::now();
    scene.backend.fail(Failing::CloseWith(1011));
    watch::until("it is tried again", async || watch::handshakes(&scene) >= before + 4).await;
    // Four pauses, each half of its bound at least: 50, 100, 200 and 400 ms.
    assert!(began.elapsed() >= Duration::from_millis(700), "after {:?}", began.elapsed());
}
/// Of two endpoints the one with fewer sockets gets the next.
#[tokio::test]
async fn sockets_are_shared_out() {
    let two = Two::set_as("frontdesk", "luxmart", Staging { own_accounts: true, ..Staging::default() }).await;
    let mut clients = Vec::new();
    for number in 2..=8 {
        let staff = json!({ "sub": number.to_string(), "role": "staff", "name": "Ann", "department": "reception" });
        let token = two.scene.gateway.token(staff);
        let opened = open("frontdesk", two.scene.gateway.address, token).await;
        clients.push(opened.unwrap_or_else(|status| panic!("refused with {status}")));
    }
    let [first, second] = two.both();
    assert_eq!((first.sockets(), second.sockets()), (4, 4));
}
