//! What every pair of a stand-in and its client promises. In: both. Panics where a promise is broken.

use serde_json::Value;

use super::{ANOTHER_SECRET, address, connect, failed, nothing_of, token, until};
use crate::client::{Client, Heard, Outcome};
use crate::standin::{Failing, Standin, credentials};

/// How a pair differs from the others.
pub struct Pair {
    /// Two people of the same side.
    pub ann: Value,
    pub ben: Value,
    /// The stand-in's name of the conversation.
    pub conversation: &'static str,
    /// What it calls a PNG.
    pub image: &'static str,
    /// Whether a caption goes with its file.
    pub has_captions: bool,
    /// What a handshake without a good token gets: a status or a close code.
    pub stranger: u16,
    /// The codes with which the end of the conversation closes the socket, if it does.
    pub end: Option<u16>,
    /// Whether there is a sign of the end.
    pub says_end: bool,
    pub history: &'static [&'static str],
}

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55 and so on";
const PNG_NAME: &str = "pool.png";
const PDF: &[u8] = b"%PDF-1.4\nthe menu";

/// Texts both ways, confirmed in order, two of the same words among them.
pub async fn texts<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    ann.say("Hello").await;
    for text in ["again", "again", "and on"] {
        ann.send_text(text).await;
    }
    for text in ["again", "again", "and on"] {
        assert_eq!(ann.outcome().await, Outcome::Confirmed { body: text.to_owned() });
    }
    for text in ["Hello", "again", "again", "and on"] {
        let taken = standin.taken().await;
        assert_eq!((taken.kind.as_str(), taken.body.as_str()), ("text", text));
        assert_eq!((taken.conversation.as_str(), taken.name, taken.file), (pair.conversation, None, None));
    }
    standin.say("Good evening, “Ann” \u{1f6ce}").await;
    assert_eq!(ann.hears().await, Heard::Text("Good evening, “Ann” \u{1f6ce}".to_owned()));
    assert_eq!(standin.counts(), (4, 0));
    assert_eq!(standin.sockets(), 1);
}

/// Two people of one side speak at once: each gets their own confirmations, and hears the other.
pub async fn two_people<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    let mut ben: C = connect(standin, pair.ben.clone()).await;
    for turn in 0..5 {
        ann.send_text(&format!("ann {turn}")).await;
        ben.send_text(&format!("ben {turn}")).await;
    }
    for turn in 0..5 {
        assert_eq!(ann.outcome().await, Outcome::Confirmed { body: format!("ann {turn}") });
        assert_eq!(ben.outcome().await, Outcome::Confirmed { body: format!("ben {turn}") });
        assert_eq!(ann.hears().await, Heard::Text(format!("ben {turn}")));
        assert_eq!(ben.hears().await, Heard::Text(format!("ann {turn}")));
    }
    standin.say("to both").await;
    assert_eq!(ann.hears().await, Heard::Text("to both".to_owned()));
    assert_eq!(ben.hears().await, Heard::Text("to both".to_owned()));
}

/// Files both ways, byte for byte, and the history with all of it.
pub async fn files<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    ann.say_file(PNG_NAME, "image/png", PNG, "The pool").await.unwrap();
    let taken = standin.taken().await;
    assert_eq!((taken.kind.as_str(), taken.file.as_deref()), (pair.image, Some(PNG)));
    assert_eq!(taken.conversation, pair.conversation);
    if pair.has_captions {
        assert_eq!(taken.body, "The pool");
    } else {
        assert_eq!((taken.body.as_str(), standin.taken().await.body.as_str()), ("", "The pool"));
    }
    assert_eq!(standin.counts().1, 1);

    standin.say_file("menu.pdf", "application/pdf", PDF, "Tonight").await;
    let Heard::File { url, caption, .. } = ann.hears().await else { panic!("no file") };
    assert_eq!(ann.fetch(&url).await, (200, PDF.to_vec()));
    match pair.has_captions {
        true => assert_eq!(caption, "Tonight"),
        false => assert_eq!(ann.hears().await, Heard::Text("Tonight".to_owned())),
    }
    ann.say("Thanks").await;
    assert_eq!(ann.history().await.unwrap(), pair.history);
}

/// Who has no good token is not let in.
pub async fn strangers<C: Client>(standin: &impl Standin, pair: &Pair) {
    let forged = credentials::token(ANOTHER_SECRET, pair.ann.clone());
    assert_eq!(C::open(address(standin), forged).await.err(), Some(pair.stranger));
    until("nobody is connected", || standin.sockets() == 0).await;
    // It was the token: with a good one the same person comes in.
    C::connect(address(standin), token(pair.ann.clone())).await.say("It is me").await;
}

/// The end shows in the dialect's way.
pub async fn end<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    ann.say("Goodbye").await;
    assert_eq!(standin.end().await, pair.says_end);
    assert_eq!(ann.ended().await, pair.says_end);
    if let Some(code) = pair.end {
        assert_eq!(ann.closed().await, code);
    }
}

/// A message that is lost has no outcome and is not kept; the next one is.
pub async fn a_lost_message<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    let mut ben: C = connect(standin, pair.ben.clone()).await;
    standin.fail(Failing::DropNext);
    ann.send_text("lost").await;
    failed(standin).await;
    nothing_of(ann.outcome(), async {
        ben.say("kept").await;
        assert_eq!(standin.taken().await.body, "kept");
    })
    .await;
    assert_eq!(ann.hears().await, Heard::Text("kept".to_owned()));
    assert_eq!((standin.counts(), standin.lost()), ((1, 0), 1));
}

/// A message that is late is confirmed once, late.
pub async fn a_late_message<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    let mut ben: C = connect(standin, pair.ben.clone()).await;
    standin.fail(Failing::LateNext(300));
    let sent = std::time::Instant::now();
    ann.send_text("late").await;
    failed(standin).await;
    ben.say("in time").await;
    assert_eq!(ann.outcome().await, Outcome::Confirmed { body: "late".to_owned() });
    assert!(sent.elapsed().as_millis() >= 300);
    assert_eq!((standin.taken().await.body, standin.taken().await.body), ("in time".to_owned(), "late".to_owned()));
}

/// A backend that says nothing confirms nothing, and keeps nothing of it later.
pub async fn silence<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    let calls = standin.calls().len();
    standin.fail(Failing::Silent);
    ann.send_text("unheard").await;
    let opening = C::open(address(standin), token(pair.ben.clone()));
    nothing_of(opening, until("both came", || standin.lost() == 1 && standin.calls().len() > calls)).await;
    standin.fail(Failing::No);
    ann.send_text("heard").await;
    assert_eq!(standin.taken().await.body, "heard");
    assert_eq!((standin.counts(), standin.lost()), ((1, 0), 1));
}

/// The connection breaks in the middle of a confirmation; the message was kept.
pub async fn a_reset<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    standin.fail(Failing::Reset);
    ann.send_text("broken off").await;
    assert_eq!(ann.outcome().await, Outcome::Closed { code: 1006 });
    assert_eq!(standin.taken().await.body, "broken off");
    until("the socket is gone", || standin.sockets() == 0).await;
    standin.fail(Failing::No);
    connect::<C>(standin, pair.ann.clone()).await.say("whole").await;
}

/// Sockets close with the code that was ordered, the open ones and those that open.
pub async fn closes<C: Client>(standin: &impl Standin, pair: &Pair) {
    for code in [1000, 1001, 1006, 1011, 4003] {
        let mut ann: C = connect(standin, pair.ann.clone()).await;
        standin.fail(Failing::CloseWith(code));
        assert_eq!(ann.closed().await, code);
        standin.fail(Failing::No);
    }
}

/// Calls and handshakes are refused while the backend is ill, and the open socket goes on.
pub async fn illness<C: Client>(standin: &impl Standin, pair: &Pair) {
    let mut ann: C = connect(standin, pair.ann.clone()).await;
    standin.fail(Failing::Status500);
    assert_eq!(C::open(address(standin), token(pair.ben.clone())).await.err(), Some(500));
    let refused = ann.say_file(PNG_NAME, "image/png", PNG, "").await;
    assert_eq!(refused.map_err(|(status, _)| status), Err(500));
    standin.fail(Failing::RefuseHandshake(418));
    assert_eq!(C::open(address(standin), token(pair.ben.clone())).await.err(), Some(418));
    ann.say("still here").await;
    standin.fail(Failing::Down);
    assert_eq!(ann.closed().await, 1006);
    assert_eq!(ann.fetch("/").await.0, 0);
    standin.fail(Failing::No);
    connect::<C>(standin, pair.ann.clone()).await.say("and again").await;
}

/// Every promise, each on a backend of its own.
macro_rules! promises {
    ($client:ty, $start:expr, $pair:expr) => {
        promises!(@ $client, $start, $pair, texts two_people files strangers end a_lost_message a_late_message
            silence a_reset closes illness);
    };
    (@ $client:ty, $start:expr, $pair:expr, $($promise:ident)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let standin = $start.await;
                $crate::pieces::promises::$promise::<$client>(&standin, &$pair).await;
                assert_eq!(standin.complaints(), [""; 0]);
            }
        )*
    };
}
pub(super) use promises;
