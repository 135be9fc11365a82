//! The server below the stand-ins, on a backend that only echoes.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use hyper::Uri;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::until;
use crate::harness::http::{self, field, file};
use crate::standin::Failing;
use crate::standin::server::{Backstage, Request, Response, Said, Server, json as answer, unknown};

/// Answers a form with what it holds, and says again what a socket says.
async fn echo(backstage: Arc<Backstage>, request: Request) -> Response {
    match request.path.as_str() {
        "/form/" => match request.form().await {
            Ok(form) => {
                let files = form.files.iter().map(|part| json!([part.field, part.name, part.mime, part.bytes.len()]));
                let files: Vec<Value> = files.collect();
                answer(200, &json!({ "fields": form.fields, "files": files, "query": request.query.get("q") }))
            }
            Err(problem) => answer(400, &json!({ "error": problem })),
        },
        "/ws/" => backstage.accept(request, "one", Some("Bearer"), |mut session| async move {
            while let Some(said) = session.hear().await {
                match said {
                    Said::Text(text) if text == "bye" => return,
                    Said::Text(text) => session.say(&json!({ "said": text })).await,
                    Said::Binary => session.close(1003).await,
                }
            }
        }),
        _ => unknown(&backstage, &request),
    }
}

async fn start() -> Server {
    let backstage = Backstage::new();
    let shared = backstage.clone();
    Server::start(backstage, move |request| echo(shared.clone(), request)).await
}

async fn open(server: &Server) -> Result<WebSocketStream<TcpStream>, Error> {
    let uri: Uri = format!("ws://{}/ws/", server.address()).parse().unwrap();
    let mut request = uri.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "Bearer, secret".parse().unwrap());
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    client_async_with_config(request, stream, Some(config)).await.map(|(socket, answer)| {
        assert_eq!(answer.headers()["sec-websocket-protocol"], "Bearer");
        socket
    })
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> Option<Result<Message, Error>> {
    tokio::time::timeout(crate::standin::PATIENCE, socket.next()).await.expect("something in time")
}

fn code(message: Option<Result<Message, Error>>) -> u16 {
    match message {
        Some(Ok(Message::Close(Some(frame)))) => frame.code.into(),
        other => panic!("no close: {other:?}"),
    }
}

#[tokio::test]
async fn a_form_is_read_whole() {
    let server = start().await;
    let big = vec![7; 11 * 1024 * 1024];
    let parts = [field("a", "one"), file("f", "münü.pdf", "application/pdf", &big), field("b", "")];
    let answer = http::post_form(server.address(), "/form/?q=a%20b&q=c", &[], &parts).await;
    let body = json!({
        "fields": [["a", "one"], ["b", ""]], "files": [["f", "münü.pdf", "application/pdf", big.len()]], "query": "a b",
    });
    assert_eq!((answer.status, answer.json()), (200, body));
    assert_eq!(http::post_json(server.address(), "/form/", &[], b"{}").await.status, 400);
    assert_eq!(http::get(server.address(), "/nothing/", &[]).await.status, 404);
    assert_eq!(server.backstage().ledger.complaints(), ["no such call: GET /nothing/"]);
    assert_eq!(server.backstage().ledger.calls(), ["POST /form/", "POST /form/", "GET /nothing/"]);
}

#[tokio::test]
async fn a_socket_speaks_and_ends() {
    let server = start().await;
    let sockets = &server.backstage().sockets;
    let mut socket = open(&server).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(hear(&mut socket).await.unwrap().unwrap(), Message::text(r#"{"said":"hello"}"#));
    assert_eq!(sockets.say_all(&json!(1)).await, 1);
    assert_eq!(sockets.say_where(|seat| seat.who == "two", &json!(2)).await, 0);
    assert_eq!(hear(&mut socket).await.unwrap().unwrap(), Message::text("1"));
    socket.send(Message::text("bye")).await.unwrap();
    assert_eq!(code(hear(&mut socket).await), 1000);
    assert!(hear(&mut socket).await.is_none());
    until("it is gone", || sockets.count() == 0).await;

    let mut socket = open(&server).await.unwrap();
    socket.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(code(hear(&mut socket).await), 1003);

    let mut socket = open(&server).await.unwrap();
    socket.close(None).await.unwrap();
    until("a socket that the client closes is gone", || sockets.count() == 0).await;

    let mut socket = open(&server).await.unwrap();
    drop(server);
    assert!(matches!(hear(&mut socket).await, Some(Err(_)) | None));
}

#[tokio::test]
async fn garbage_and_huge_frames() {
    let server = start().await;
    let mut socket = open(&server).await.unwrap();
    for (failing, least, most) in [(Failing::Garbage, 1, 100), (Failing::HugeFrame, 20 << 20, 21 << 20)] {
        server.backstage().fail(failing);
        let said = hear(&mut socket).await.unwrap().unwrap().into_text().unwrap();
        let answer = http::get(server.address(), "/nothing/", &[]).await;
        for bytes in [said.as_bytes(), &answer.body] {
            assert!((least..=most).contains(&bytes.len()), "{} bytes", bytes.len());
            assert_eq!(serde_json::from_slice::<Value>(bytes).is_ok(), failing == Failing::HugeFrame);
        }
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn a_reset_is_in_the_middle() {
    let server = start().await;
    let mut socket = open(&server).await.unwrap();
    server.backstage().fail(Failing::Reset);
    server.backstage().sockets.say_all(&json!("a frame that will not be whole")).await;
    assert!(matches!(hear(&mut socket).await, Some(Err(_))));
    // A call: some of the answer comes and then a reset, not an end.
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let mut answer = Vec::new();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &http::request("GET", "/nothing/", &[], b"")).await.unwrap();
    let error = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(answer.starts_with(b"HTTP/1.1 404") && !answer.ends_with(b"Not Found"));
}

#[tokio::test]
async fn a_backend_that_is_down_resets_what_opens() {
    let server = start().await;
    let mut socket = open(&server).await.unwrap();
    server.backstage().fail(Failing::Down);
    assert!(matches!(hear(&mut socket).await, Some(Err(_))));
    assert!(open(&server).await.is_err());
    assert_eq!(http::get(server.address(), "/nothing/", &[]).await.status, 0);
    assert_eq!(server.backstage().ledger.calls(), ["GET /ws/"]);
    server.backstage().fail(Failing::No);
    open(&server).await.unwrap();
}
