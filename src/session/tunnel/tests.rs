//! Tunnels between two sockets without a network: what each side hears, and how each end becomes the other's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::dialect::builtin;
use crate::fault::Reason;
use crate::metrics::Frames;
use crate::relay::MailboxLimits;
use crate::socket::{Frame, Gone, Received};
use crate::tasks::Tasks;

/// What the far end of a socket says and hears.
#[derive(Default)]
struct Wire {
    says: VecDeque<Received>,
    hears: Vec<Frame>,
    pings: usize,
    /// Messages that it still takes; `None`: all.
    room: Option<usize>,
    closed_with: Option<Option<(u16, String)>>,
    waker: Option<Waker>,
}

#[derive(Clone, Default)]
struct Far(Arc<Mutex<Wire>>);

impl Far {
    fn say(&self, received: Received) {
        let mut wire = self.0.lock().unwrap();
        wire.says.push_back(received);
        if let Some(waker) = wire.waker.take() {
            waker.wake();
        }
    }

    fn say_text(&self, text: &str) {
        self.say(Received::Frame(Frame::Text(text.into())));
    }

    fn heard(&self) -> Vec<String> {
        let wire = self.0.lock().unwrap();
        let texts = wire.hears.iter().map(|frame| match frame {
            Frame::Text(text) => text.to_string(),
            Frame::Binary(bytes) => format!("binary {bytes:?}"),
        });
        texts.collect()
    }

    fn closed_with(&self) -> Option<Option<(u16, String)>> {
        self.0.lock().unwrap().closed_with.clone()
    }

    fn stop_reading(&self) {
        self.0.lock().unwrap().room = Some(0);
    }
}

impl Duplex for Far {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let mut wire = self.0.lock().unwrap();
        wire.waker = Some(context.waker().clone());
        wire.says.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        if self.0.lock().unwrap().room == Some(0) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn start(&mut self, frame: Frame) -> Result<(), Gone> {
        self.0.lock().unwrap().hears.push(frame);
        Ok(())
    }

    fn start_ping(&mut self) -> Result<(), Gone> {
        self.0.lock().unwrap().pings += 1;
        Ok(())
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.poll_ready(context)
    }

    async fn part(self, close: Option<(u16, &str)>) {
        self.0.lock().unwrap().closed_with = Some(close.map(|(code, reason)| (code, reason.to_owned())));
    }
}

fn tunnel(dialect: Option<&str>) -> Tunnel {
    Tunnel {
        route: "test".into(),
        principal: "somebody".into(),
        rate: None,
        contract: dialect.map(|name| (builtin::find(name).unwrap(), 0)),
        redaction: Redaction::new(vec!["password".to_owned()]),
        frames: Frames::of("test"),
        settings: Settings {
            mailbox: MailboxLimits { messages: 1, bytes: 1 },
            ping_every: Duration::from_secs(20),
            dead_after: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
            replay: None,
        },
    }
}

struct Ended {
    end: End,
    client: Far,
    upstream: Far,
}

/// Runs a tunnel after both sides were told what to say.
async fn ended(tunnel: Tunnel, prepare: impl FnOnce(&Far, &Far)) -> Ended {
    let (client, upstream) = (Far::default(), Far::default());
    prepare(&client, &upstream);
    let end = run(tunnel, Standing::default(), client.clone(), upstream.clone(), Tasks::new().stay()).await;
    Ended { end, client, upstream }
}

fn close(code: u16, reason: &str) -> Received {
    Received::Closed(Some((code, reason.into())))
}

fn with(code: u16, reason: &str) -> Option<Option<(u16, String)>> {
    Some(Some((code, reason.to_owned())))
}

#[tokio::test(start_paused = true)]
async fn texts_pass_letter_by_letter_both_ways_in_order() {
    let odd = "{ \"unknown\" : 1.50 ,\t\"n\":-0.0e+0, \"n\":1 } ";
    let count = 1_000;
    let ended = ended(tunnel(Some("frontdesk")), |client, upstream| {
        for number in 0..count {
            client.say_text(&format!("{odd}{number}"));
            upstream.say_text(&format!("{number}{odd}"));
        }
        client.say(close(3000, "bye"));
    })
    .await;
    assert_eq!(ended.upstream.heard(), (0..count).map(|number| format!("{odd}{number}")).collect::<Vec<_>>());
    let heard = ended.client.heard();
    assert!(heard.len() + 100 > count, "one way starves: {}", heard.len());
    assert!(heard.iter().enumerate().all(|(number, text)| *text == format!("{number}{odd}")));
    assert_eq!((ended.end, ended.upstream.closed_with()), (End::Closed, with(3000, "bye")));
}

#[tokio::test(start_paused = true)]
async fn named_members_are_not_heard() {
    let ended = ended(tunnel(Some("licomed")), |client, upstream| {
        client.say_text(r#"{"password":"mine"}"#);
        upstream.say_text(r#"{ "sender":{"id":1,"password":"pbkdf2"} }"#);
        upstream.say_text(r#"{"password":"cut"#);
        upstream.say(close(1000, ""));
    })
    .await;
    assert_eq!(ended.client.heard(), [r#"{ "sender":{"id":1} }"#]);
    assert_eq!(ended.upstream.heard(), [r#"{"password":"mine"}"#]);
}

#[tokio::test(start_paused = true)]
async fn closes_pass_across_and_what_is_no_code_is_never_written() {
    for (said, client_hears, upstream_hears, end) in [
        (Ok(close(4003, "Unauthorized access")), with(4003, "Unauthorized access"), Some(None), End::Ended),
        (Ok(close(1000, "")), with(1000, ""), Some(None), End::Ended),
        (Ok(Received::Closed(None)), Some(None), Some(None), End::Ended),
        (Ok(close(1006, "x")), Some(None), Some(None), End::Ended),
        (Ok(Received::Lost), with(1013, "The backend failed"), None, End::Refused(Reason::Upstream)),
        (Ok(Received::TooLarge), with(1013, "The backend failed"), with(1009, ""), End::Refused(Reason::Upstream)),
        (Ok(Received::Broken(1002)), with(1013, "The backend failed"), with(1002, ""), End::Refused(Reason::Upstream)),
        (Err(close(1001, "tab closed")), Some(None), with(1001, "tab closed"), End::Closed),
        (Err(Received::Closed(None)), Some(None), Some(None), End::Closed),
        (Err(Received::Lost), None, with(1001, ""), End::Closed),
        (Err(Received::TooLarge), with(1009, "message too large"), with(1001, ""), End::Refused(Reason::TooLarge)),
        (Err(Received::Broken(1007)), with(1007, "protocol error"), with(1001, ""), End::Refused(Reason::Malformed)),
    ] {
        let ended = ended(tunnel(Some("andromedia")), |client, upstream| match said.clone() {
            Ok(received) => upstream.say(received),
            Err(received) => client.say(received),
        })
        .await;
        assert_eq!(ended.client.closed_with(), client_hears, "{said:?}");
        assert_eq!(ended.upstream.closed_with(), upstream_hears, "{said:?}");
        assert_eq!(ended.end, end, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn binary_passes_where_no_dialect_is_known() {
    let binary = || Received::Frame(Frame::Binary(vec![0, 255].into()));
    let prepare = |client: &Far, upstream: &Far| {
        client.say(binary());
        client.say_text("after");
        upstream.say(binary());
        upstream.say(close(1000, ""));
    };
    let open = ended(tunnel(None), prepare).await;
    assert_eq!(open.upstream.heard(), [r#"binary b"\0\xff""#, "after"]);
    assert_eq!(open.client.heard(), [r#"binary b"\0\xff""#]);
    let known = ended(tunnel(Some("frontdesk")), prepare).await;
    assert_eq!(known.upstream.heard(), ["after"], "the socket stays open");
    let heard = known.client.heard();
    assert!(heard.len() == 1 && heard[0].contains("\"error\""), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn too_many_frames_are_refused_in_the_dialect() {
    let rate = RateLimit::new(std::num::NonZeroU32::new(2).unwrap(), Duration::from_secs(3600)).map(Arc::new);
    let place = Tunnel { rate, ..tunnel(Some("frontdesk")) };
    let ended = ended(place, |client, _| {
        for text in ["1", "2", "3"] {
            client.say_text(text);
        }
        client.say(close(1000, ""));
    })
    .await;
    assert_eq!(ended.upstream.heard(), ["1", "2"]);
    assert!(ended.client.heard()[0].contains("Too many requests"), "{:?}", ended.client.heard());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_closed_in_time() {
    let began = tokio::time::Instant::now();
    let slow_client = ended(tunnel(Some("frontdesk")), |client, upstream| {
        client.stop_reading();
        upstream.say_text("{}");
    })
    .await;
    assert_eq!((slow_client.end, slow_client.client.closed_with().unwrap().unwrap().0), (End::Overflowed, 1013));
    assert_eq!(began.elapsed().as_secs(), 10);
    let slow_upstream = ended(tunnel(Some("frontdesk")), |client, upstream| {
        upstream.stop_reading();
        client.say_text("{}");
    })
    .await;
    assert_eq!(slow_upstream.end, End::Refused(Reason::UpstreamTimeout));
    assert_eq!(slow_upstream.client.closed_with().unwrap().unwrap().0, 1013);
    assert_eq!(began.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn each_side_is_kept_alive_and_given_up_on_its_own() {
    let began = tokio::time::Instant::now();
    let silent = ended(tunnel(Some("frontdesk")), |_, _| {}).await;
    assert_eq!(silent.end, End::Refused(Reason::UpstreamTimeout));
    assert_eq!(began.elapsed().as_secs(), 60);
    for far in [&silent.client, &silent.upstream] {
        assert_eq!(far.0.lock().unwrap().pings, 2);
    }
    let tasks = Tasks::new();
    let (client, upstream) = (Far::default(), Far::default());
    let pongs = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(15)).await;
            upstream.say(Received::Alive);
        }
    };
    let running = run(tunnel(None), Standing::default(), client.clone(), upstream.clone(), tasks.stay());
    let (end, ()) = tokio::join!(running, pongs);
    assert_eq!(end, End::Dead, "the client alone is silent");
    assert_eq!(upstream.0.lock().unwrap().pings, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_told_to_both() {
    let tasks = Tasks::new();
    let (client, upstream) = (Far::default(), Far::default());
    let running = run(tunnel(Some("frontdesk")), Standing::default(), client.clone(), upstream.clone(), tasks.stay());
    let (end, ()) = tokio::join!(running, async { tasks.stop() });
    assert_eq!(end, End::Stopped);
    assert_eq!(client.closed_with(), with(1012, "The server is restarting"));
    assert_eq!(upstream.closed_with(), with(1001, ""));
}
