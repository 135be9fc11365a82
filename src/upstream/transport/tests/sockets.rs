//! Handshakes as a client, and all the ways in which there is no socket.

use http::HeaderMap;
use tokio::time::Instant;

use super::origin::{Dead, Does, Origin};
use super::{LASTING, SHORT, TIMEOUT, fragile, healthy, settings};
use crate::fault::Reason;
use crate::socket::{Incoming, Socket};
use crate::tasks::Tasks;
use crate::upstream::transport::{Handshake, Opened, Refused, Transport};

const SWITCH: Does = Does::Switch { accept: None, headers: "" };

const LARGEST: usize = 1000;

fn handshake(subprotocols: &[&str]) -> Handshake {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer s3cret".parse().unwrap());
    headers.insert("sec-websocket-extensions", "permessage-deflate".parse().unwrap());
    let subprotocols = subprotocols.iter().map(|&name| name.to_owned()).collect();
    Handshake { path_and_query: "/ws/?room=1".parse().unwrap(), headers, subprotocols }
}

async fn open(origin: &Origin, subprotocols: &[&str]) -> Result<Opened, Refused> {
    let transport = Transport::new(settings(&[&origin.ws()], SHORT), &Tasks::new());
    transport.open(handshake(subprotocols), LARGEST).await
}

#[tokio::test]
async fn opened_and_used() {
    let origin = Origin::start(Does::Switch { accept: None, headers: "Sec-WebSocket-Protocol: chat.v2\r\n" }).await;
    let transport = Transport::new(settings(&[&format!("{}/below", origin.ws())], TIMEOUT), &Tasks::new());
    let mut opened = transport.open(handshake(&["chat.v1", "chat.v2"]), LARGEST).await.unwrap();
    assert_eq!(opened.subprotocol.as_deref(), Some("chat.v2"));
    opened.socket.feed("salut".into()).await.unwrap();
    opened.socket.flush().await.unwrap();
    assert_eq!(opened.socket.receive().await, Incoming::Text("salut".into()));
    opened.socket.feed("x".repeat(LARGEST + 1).into()).await.unwrap();
    opened.socket.flush().await.unwrap();
    assert_eq!(opened.socket.receive().await, Incoming::TooLarge);

    let asked = &origin.asked()[0];
    assert!(asked.head.starts_with("GET /below/ws/?room=1 HTTP/1.1\r\n"), "{}", asked.head);
    for (name, value) in [
        ("host", Some(&*origin.authority)),
        ("upgrade", Some("websocket")),
        ("connection", Some("Upgrade")),
        ("sec-websocket-version", Some("13")),
        ("sec-websocket-protocol", Some("chat.v1, chat.v2")),
        ("sec-websocket-extensions", None),
        ("authorization", Some("Bearer s3cret")),
    ] {
        assert_eq!(asked.header(name), value, "{name}");
    }
    assert_eq!(transport.endpoints()[0].in_flight, 1);
    drop(opened);
    assert_eq!(transport.endpoints()[0].in_flight, 0);
}

#[tokio::test]
async fn open_sockets_spread_evenly() {
    let (one, other) = (Origin::start(SWITCH).await, Origin::start(SWITCH).await);
    let transport = Transport::new(settings(&[&one.ws(), &other.ws()], TIMEOUT), &Tasks::new());
    let mut opened = Vec::new();
    for _ in 0..10 {
        opened.push(transport.open(handshake(&[]), LARGEST).await.unwrap());
    }
    assert_eq!((one.asked().len(), other.asked().len()), (5, 5));
}

#[tokio::test]
async fn one_is_down_and_the_other_opens() {
    let (dead, origin) = (Dead::new(), Origin::start(SWITCH).await);
    let endpoint = format!("ws://{}", dead.authority());
    let transport = Transport::new(settings(&[&endpoint, &origin.ws()], TIMEOUT), &Tasks::new());
    for _ in 0..10 {
        transport.open(handshake(&[]), LARGEST).await.unwrap();
    }
    assert_eq!(origin.asked().len(), 10);
}

#[tokio::test]
async fn a_refusal_says_its_status_and_is_no_failure_of_the_endpoint() {
    let origin = Origin::start(Does::Answer(403, "no")).await;
    let transport = fragile(settings(&[&origin.ws()], TIMEOUT), LASTING);
    for _ in 0..10 {
        let refused = transport.open(handshake(&["s3cret"]), LARGEST).await.err().unwrap();
        assert_eq!((refused.status, refused.fault.reason), (Some(403), Reason::Upstream));
        assert!(!format!("{refused:?}").contains("s3cret"), "{refused:?}");
    }
    assert_eq!(healthy(&transport), [true]);
    origin.does(Does::Answer(200, "a page"));
    assert_eq!(open(&origin, &[]).await.err().unwrap().status, Some(200));
}

#[tokio::test]
async fn never_answered() {
    let origin = Origin::start(Does::Stall("")).await;
    let began = Instant::now();
    let refused = open(&origin, &[]).await.err().unwrap();
    assert_eq!((refused.status, refused.fault.reason), (None, Reason::UpstreamTimeout));
    assert!(began.elapsed() < SHORT * 10);
}

#[tokio::test]
async fn an_answer_that_is_no_handshakes() {
    const STRAY: &str = "HTTP/1.1 101 X\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n";
    for does in [
        Does::Switch { accept: Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), headers: "" },
        Does::Switch { accept: Some(""), headers: "" },
        Does::Switch { accept: None, headers: "Sec-WebSocket-Protocol: other\r\n" },
        Does::Switch { accept: None, headers: "Sec-WebSocket-Extensions: permessage-deflate\r\n" },
        Does::Stall(STRAY),
        Does::Write("SSH-2.0-x\r\n"),
        Does::Reset,
    ] {
        let origin = Origin::start(does.clone()).await;
        let refused = open(&origin, &["chat"]).await.err().unwrap();
        assert_eq!((refused.status, refused.fault.reason), (None, Reason::Upstream), "{does:?}");
    }
}

#[tokio::test]
async fn no_subprotocol_where_the_upstream_chose_none() {
    let origin = Origin::start(SWITCH).await;
    assert_eq!(open(&origin, &["chat"]).await.ok().unwrap().subprotocol, None);
}
