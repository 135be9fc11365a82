//! Who asks, where proxies stand in front: by headers and by the PROXY protocol, believed of those alone who are trusted.
//! Seen by what one address may have open.

use dragoman::edge::{ForwardingHeaders, Policy, ProxySettings};
use dragoman::server::Bounds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::site::{PATIENCE, Server};

/// One socket and one connection for each address; whoever connects from this machine is a proxy, or is none.
async fn server(trusted: bool, headers: ForwardingHeaders, proxy_protocol: bool) -> Server {
    let trusted = if trusted { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let proxies = ProxySettings { trusted, headers, host: true, proxy_protocol };
    Server::behind(Bounds::default(), None, Policy { proxies, per_address: Some(1) }).await
}

/// Asks for a socket; the head of the answer, empty where there is none, and the connection.
async fn open(server: &Server, before: &str, headers: &str) -> (String, TcpStream) {
    let mut stream = server.connect().await;
    let request = format!(
        "{before}GET /ws/chat/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    // One that is not let in is closed meanwhile.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut said = vec![0; 4096];
    let length = timeout(PATIENCE, stream.read(&mut said)).await.expect("an answer or an end").unwrap_or(0);
    (String::from_utf8_lossy(&said[..length]).to_lowercase(), stream)
}

#[tokio::test]
async fn an_address_has_its_share_however_its_requests_come() {
    for (form, here, spoofed, elsewhere) in [
        (
            ForwardingHeaders::XForwarded,
            "X-Forwarded-For: 198.51.100.9\r\n",
            "X-Forwarded-For: 6.6.6.6, 198.51.100.9\r\n",
            "X-Forwarded-For: 198.51.100.10\r\n",
        ),
        (
            ForwardingHeaders::Forwarded,
            "Forwarded: for=198.51.100.9\r\n",
            "Forwarded: for=6.6.6.6, for=\"198.51.100.9:1\"\r\nX-Forwarded-For: 6.6.6.6\r\n",
            "Forwarded: for=\"[2001:db8::1]\"\r\n",
        ),
    ] {
        let server = server(true, form, false).await;
        let (first, held) = open(&server, "", here).await;
        assert!(first.starts_with("http/1.1 101"), "{first}");
        let (again, _) = open(&server, "", spoofed).await;
        assert!(again.starts_with("http/1.1 429") && again.contains("retry-after: 10"), "{again}");
        let (other, _) = open(&server, "", elsewhere).await;
        assert!(other.starts_with("http/1.1 101"), "{other}");
        drop(held);
    }
}

#[tokio::test]
async fn who_is_not_trusted_is_whoever_connects() {
    let server = server(false, ForwardingHeaders::XForwarded, true).await;
    let (first, held) = open(&server, "", "X-Forwarded-For: 198.51.100.9\r\n").await;
    assert!(first.starts_with("http/1.1 101"), "{first}");
    let (again, _) = open(&server, "", "X-Forwarded-For: 198.51.100.10\r\n").await;
    assert!(again.starts_with("http/1.1 429"), "{again}");
    drop(held);
}

/// It is a request, and a malformed one.
#[tokio::test]
async fn a_proxy_header_of_who_is_not_trusted_is_none() {
    let server = server(false, ForwardingHeaders::XForwarded, true).await;
    let (said, _) = open(&server, "PROXY TCP4 198.51.100.9 127.0.0.1 4711 80\r\n", "").await;
    assert!(said.starts_with("http/1.1 400"), "{said}");
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let server = server(false, ForwardingHeaders::None, false).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    assert_eq!(open(&server, "", "").await.0, "", "it is closed before it says anything");
    first.write_all(b"Connection: close\r\n\r\n").await.unwrap();
    assert_eq!(super::site::Answer::read(&mut first).await.status, 404);
}

#[tokio::test]
async fn the_proxy_protocol_says_who_connects() {
    let server = server(true, ForwardingHeaders::None, true).await;
    let (first, held) = open(&server, "PROXY TCP4 198.51.100.9 127.0.0.1 4711 80\r\n", "").await;
    assert!(first.starts_with("http/1.1 101"), "{first}");
    let (again, _) = open(&server, "PROXY TCP4 198.51.100.9 127.0.0.1 4712 80\r\n", "").await;
    assert!(again.starts_with("http/1.1 429"), "its one socket is open: {again}");
    let (other, _) = open(&server, "PROXY TCP4 198.51.100.10 127.0.0.1 4711 80\r\n", "").await;
    assert!(other.starts_with("http/1.1 101"), "{other}");
    let (none, _) = open(&server, "", "").await;
    assert_eq!(none, "", "a proxy that does not say for whom");
    drop(held);
}

#[tokio::test]
async fn a_host_that_a_proxy_names_is_held_to_the_same_form() {
    let server = server(true, ForwardingHeaders::XForwarded, false).await;
    let said = "X-Forwarded-For: 198.51.100.9\r\nX-Forwarded-Host: ";
    assert_eq!(server.get("/api/chat/conversations/", &format!("{said}chat.example\r\n")).await.status, 200);
    assert_eq!(server.get("/api/chat/conversations/", &format!("{said}a/b\r\n")).await.status, 400);
    // The page is one of the host that the proxy was asked for.
    let (own, held) = open(&server, "", &format!("{said}chat.example\r\nOrigin: https://chat.example\r\n")).await;
    assert!(own.starts_with("http/1.1 101"), "{own}");
    drop(held);
    let other = "X-Forwarded-For: 198.51.100.10\r\nX-Forwarded-Host: chat.example\r\nOrigin: https://a\r\n";
    assert!(open(&server, "", other).await.0.starts_with("http/1.1 403"));
}
