//! Who is let in, and what the backend sees of that. Nothing of any credential is in a log, whose level is the finest.

use serde_json::json;

use super::*;
use crate::harness::socket::Socket;

const OURS: &str = "token-of-the-gateway-5e884898da280471";

fn fixed() -> Setup {
    Setup { credential: r#"{ kind = "fixed", value = "token-of-the-gateway-5e884898da280471" }"#, ..Setup::known() }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_fixed_credential_is_all_that_the_backend_sees() {
    let pair = fixed().start().await;
    let token = pair.token();
    let request = get(&format!("{THREADS}?token={token}&a=1"), &[("Authorization", &bearer(&token))]);
    let (seen, answered) = pair.exchange(&request, &json_answer(b"{}")).await;
    assert_eq!(answered.status, 200);
    assert_eq!(seen.all("authorization"), [bearer(OURS)]);
    assert_eq!(seen.lines[0], format!("GET {THREADS}?a=1 HTTP/1.1"));
    assert!(!seen.lines.iter().any(|line| line.contains(&token)), "{seen:?}");

    let open = format!("{PREFIX}{SOCKET}?token={token}");
    let (connection, opened) = tokio::join!(
        async { pair.upstream.connection().await.socket("").await },
        Socket::open(pair.address(), &open, None)
    );
    assert!(opened.is_ok());
    assert_eq!(connection.0.lines[0], format!("GET {SOCKET}?token={OURS} HTTP/1.1"));
    assert!(!connection.0.lines.iter().any(|line| line.contains(&token)), "{:?}", connection.0);
    let log = pair.gateway.log();
    assert!(log.lines().count() > 10, "it logs at all");
    for secret in [OURS, token.as_str()] {
        assert!(!log.contains(secret), "{}", log.lines().find(|line| line.contains(secret)).unwrap_or_default());
    }
}

#[tokio::test]
async fn a_forwarded_credential_is_nowhere_in_the_log() {
    let pair = Setup::default().start().await;
    let token = "token-of-a-client-c3ab8ff13720e8ad";
    let request = get(&format!("{THREADS}?token={token}"), &[("Authorization", &bearer(token))]);
    let (seen, _) = pair.exchange(&request, &json_answer(b"{}")).await;
    assert_eq!(seen.all("authorization"), [bearer(token)]);
    let open = format!("{PREFIX}{SOCKET}?token={token}");
    let (connection, opened) = tokio::join!(
        async { pair.upstream.connection().await.socket("").await },
        Socket::open(pair.address(), &open, None)
    );
    assert!(opened.is_ok() && connection.0.lines[0].contains(token));
    let log = pair.gateway.log();
    assert!(!log.contains(token), "{}", log.lines().find(|line| line.contains(token)).unwrap_or_default());
}

#[tokio::test]
async fn who_is_not_known_reaches_no_call_and_no_socket() {
    for setup in [Setup::known(), fixed()] {
        let pair = setup.start().await;
        let claims = json!({ "sub": "302e305b-6e73-4f9c-bac7-551a92b106b0", "role": "user" });
        let (expired, forged) = (pair.gateway.expired(claims.clone()), pair.gateway.forged(claims));
        for token in ["", "nonsense", &expired, &forged] {
            let answer = pair.refused(&get(THREADS, &[("Authorization", &bearer(token))])).await;
            assert_eq!((answer.status, &answer.json()["success"]), (401, &json!(false)), "{token}");
            let open = format!("{PREFIX}{SOCKET}?token={token}");
            let opened = pair.upstream.is_left_alone(Socket::open(pair.address(), &open, None)).await;
            assert_eq!(opened.err(), Some(403), "{token}");
        }
    }
}

/// Files need no credential; but the gateway's own is shown for nobody in particular.
#[tokio::test]
async fn the_gateways_own_credential_is_not_shown_for_strangers() {
    let pair = Setup { route: "forward_rest = true", ..fixed() }.start().await;
    for rest in ["/media/chat-files/a/b.png", "/admin/"] {
        let (seen, _) = pair.exchange(&get(rest, &[]), &json_answer(b"{}")).await;
        assert!(!seen.has("authorization"), "{rest}: {seen:?}");
        let (seen, _) =
            pair.exchange(&get(rest, &[("Authorization", &bearer(&pair.token()))]), &json_answer(b"{}")).await;
        assert_eq!(seen.all("authorization"), [bearer(OURS)], "{rest}");
        let answer = pair.refused(&get(rest, &[("Authorization", &bearer("nonsense"))])).await;
        assert_eq!(answer.status, 401, "{rest}");
    }
}

/// A subprotocol carries the credential and is answered by its name.
#[tokio::test]
async fn a_credential_in_a_subprotocol_is_exchanged_there() {
    let pair = Setup { dialect: "andromedia", ..fixed() }.start().await;
    let token = pair.gateway.token(json!({ "sub": "11111111-2222-4333-8444-555555555555", "role": "visitor" }));
    let session = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
    let open = format!("{PREFIX}/ws/visitor-chat/?session_id={session}");
    let offered = format!("Bearer, {token}");
    let backend = async { pair.upstream.connection().await.socket("Sec-WebSocket-Protocol: Bearer\r\n").await };
    let (connection, opened) = tokio::join!(backend, Socket::open(pair.address(), &open, Some(&offered)));
    assert_eq!(connection.0.all("sec-websocket-protocol"), [format!("Bearer, {OURS}")]);
    assert_eq!(connection.0.lines[0], format!("GET /ws/visitor-chat/?session_id={session} HTTP/1.1"));
    assert_eq!(opened.expect("a socket").protocol.as_deref(), Some("Bearer"));
    // Who shows it elsewhere offered nothing, and must not be answered with what the gateway offered.
    let open = format!("{open}&token={token}");
    let backend = async { pair.upstream.connection().await.socket("Sec-WebSocket-Protocol: Bearer\r\n").await };
    let (connection, opened) = tokio::join!(backend, Socket::open(pair.address(), &open, None));
    assert_eq!(connection.0.all("sec-websocket-protocol"), [format!("Bearer, {OURS}")]);
    assert_eq!(opened.expect("a socket").protocol, None);
    // This dialect accepts first and closes then, also where the gateway says no.
    let refused = pair.upstream.is_left_alone(Socket::open(pair.address(), &open.replace(&token, "x"), None)).await;
    assert_eq!(refused.expect("accepted").hear().await, crate::harness::socket::Heard::Closed(4003));
}
