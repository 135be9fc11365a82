//! Traces of a running gateway: what a collector gets, and what those who are called are told. The gateway is stopped before its
//! spans are looked at, which sends what waits.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::collector::{Collector, Seen};
use crate::harness::socket::Socket;
use crate::harness::{ACCESS_TOKEN, API_KEY, Gateway, PATIENCE, http};
use crate::recorder::Recorder;
use crate::standin::Failing;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn traceparent(sampled: bool) -> String {
    format!("00-{TRACE}-{PARENT}-0{}", u8::from(sampled))
}

struct Scene {
    gateway: Gateway,
    upstream: Recorder,
    app: Recorder,
}

impl Scene {
    /// A room of the hub where staff and an app are, and a route that is passed on; `tracing` is TOML.
    async fn set(tracing: &str) -> Self {
        let (upstream, app) = (Recorder::polite().await, Recorder::polite().await);
        let (http, socket) = (upstream.http(), upstream.socket());
        let more = format!(
            r#"
[tracing]
{tracing}

[upstreams.clinic]
dialect    = "licomed"
http       = "{http}"
socket     = "{socket}"
credential = {{ kind = "forward" }}

[[routes]]
name    = "passed"
dialect = "licomed"
prefix  = "/passed"
to      = "clinic"
auth    = {{ kind = "upstream" }}

[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
divar      = "conversation-101"
"#
        );
        let events = format!("events = {{ url = \"{}/hook\", key = \"a key of the app's own\" }}", app.http());
        let gateway = Gateway::start_with(&more, |dialect| match dialect {
            "divar" => events.clone(),
            _ => String::new(),
        });
        Scene { gateway: gateway.await, upstream, app }
    }

    /// A call that is passed on; the upstream's head of it.
    async fn pass(&self, headers: &[(&str, &str)]) -> crate::recorder::Asked {
        let headers = [&[("Authorization", "Bearer whatever")], headers].concat();
        let request = http::request("GET", "/passed/chat/user/threads/?token=whatever", &headers, b"");
        assert_eq!(http::send(self.gateway.address, &request).await.status, 200);
        self.upstream.asked().pop().expect("asked")
    }

    async fn staff(&self, headers: &[(&'static str, &str)]) -> Socket {
        let claims = json!({ "sub": "staff-1", "role": "staff", "department": "reception" });
        let path = format!("/ws/chat/?token={}", self.gateway.token(claims));
        Socket::open_with(self.gateway.address, &path, headers).await.expect("open")
    }

    /// Stops the gateway.
    async fn end(&mut self) {
        self.gateway.terminate();
        assert!(self.gateway.ended().await.success(), "{}", self.gateway.log());
    }
}

fn one<'a>(seen: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = seen.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no `{name}` among {seen:#?}"));
    assert!(found.next().is_none(), "`{name}` twice among {seen:#?}");
    span
}

/// Trace and span of a `traceparent`.
fn ids(traceparent: Option<&str>) -> (String, String) {
    let parts: Vec<&str> = traceparent.expect("a traceparent").split('-').collect();
    (parts[1].to_owned(), parts[2].to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_a_message_are_one_trace_each_to_the_last_who_hears() {
    let collector = Collector::start().await;
    let more = format!("endpoint = \"{}\"\nheaders = \"x-tenant=chat%2Done\"", collector.recorder.http());
    let mut scene = Scene::set(&more).await;
    let (parent, state) = (traceparent(false), [("traceparent", traceparent(false)), ("tracestate", "a=1".to_owned())]);
    let state: Vec<(&str, &str)> = state.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut staff = scene.staff(&[("traceparent", &parent)]).await;
    // Passed on.
    let passed = scene.pass(&state).await;
    assert_eq!(passed.header("tracestate"), Some("a=1"));
    // The app says something by a call; the socket hears it.
    let sent = json!({ "type": "TEXT", "message": "from the app" }).to_string();
    let headers = [
        ("X-API-Key", API_KEY),
        ("X-Access-Token", ACCESS_TOKEN),
        ("Authorization", &*format!("Bearer {ACCESS_TOKEN}")),
        ("Content-Type", "application/json"),
        ("traceparent", &parent),
    ];
    let path = "/v2/open-platform/conversations/conversation-101/messages";
    let answer = http::send(scene.gateway.address, &http::request("POST", path, &headers, sent.as_bytes())).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    staff.hear_within(PATIENCE).await.expect("what the app said");
    // The socket says something; the app hears it.
    staff.say(&json!({ "type": "text", "conversation_id": 101, "content": "from the staff" }).to_string()).await;
    let hook = scene.app.wait_for(|asked| String::from_utf8_lossy(&asked.body).contains("from the staff")).await;
    assert!(hook.header("x-request-id").is_some_and(|id| id.len() == 32));
    drop(staff);
    scene.end().await;
    let seen = collector.seen();
    assert!(collector.recorder.asked().iter().all(|asked| asked.header("x-tenant") == Some("chat-one")));
    assert!(seen.iter().all(|span| span.service == "dragoman"), "{seen:#?}");
    let said = format!("{seen:?}");
    assert!(!said.contains("whatever") && !said.contains("token=") && !said.contains(API_KEY), "{said}");

    let server = one(&seen, "GET /passed/chat/user/threads/");
    assert_eq!((&*server.trace, &*server.parent, server.kind, &*server.state), (TRACE, PARENT, 2, "a=1"));
    let expected = [
        ("http.request.method", "GET"),
        ("url.path", "/passed/chat/user/threads/"),
        ("http.route", "/passed/chat/user/threads/"),
        ("http.response.status_code", "200"),
        ("url.scheme", "http"),
        ("client.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("dragoman.route", "passed"),
    ];
    for (key, value) in expected {
        assert_eq!(server.attributes.get(key).map(String::as_str), Some(value), "{key} of {server:?}");
    }
    let called = seen.iter().find(|span| span.kind == 3 && span.parent == server.id).expect("the upstream's call");
    assert_eq!(ids(passed.header("traceparent")), (called.trace.clone(), called.id.clone()));
    assert_eq!((&*called.trace, &*called.name), (TRACE, "GET"));
    let address = scene.upstream.http();
    let port = address.rsplit(':').next().expect("a port");
    let expected = [("server.address", "127.0.0.1"), ("server.port", port), ("dragoman.upstream", "clinic")];
    for (key, value) in expected {
        assert_eq!(called.attributes.get(key).map(String::as_str), Some(value), "{key} of {called:?}");
    }

    // The app's message: its call, its acceptance, its telling.
    let call = one(&seen, "POST /v2/open-platform/conversations/{conversation.id}/messages");
    let accepted = one(&seen, "receive divar");
    let told = one(&seen, "send frontdesk");
    assert_eq!((&*call.trace, &*call.parent), (TRACE, PARENT));
    assert_eq!((&accepted.trace, &accepted.parent, accepted.kind), (&call.trace, &call.id, 5));
    assert_eq!((&told.trace, &told.parent, told.kind), (&call.trace, &accepted.id, 4));
    let id = &told.attributes["messaging.message.id"];
    assert_eq!(accepted.attributes.get("messaging.message.id"), Some(id));
    assert_eq!(accepted.attributes["messaging.operation.name"], "receive");

    // The socket's message: a trace of its own that names the socket's.
    let socket = one(&seen, "websocket frontdesk");
    let handshake = one(&seen, "GET /ws/chat/");
    assert_eq!((&socket.trace, &socket.parent, &*handshake.parent), (&handshake.trace, &handshake.id, PARENT));
    let accepted = one(&seen, "receive frontdesk");
    assert_eq!((accepted.parent.as_str(), &accepted.links), ("", &vec![(socket.trace.clone(), socket.id.clone())]));
    assert_ne!(accepted.trace, TRACE);
    let (trace, span) = ids(hook.header("traceparent"));
    let told = seen.iter().find(|seen| seen.id == span).expect("the call of the webhook");
    assert_eq!((&told.trace, &told.parent, &told.trace), (&accepted.trace, &accepted.id, &trace));
    let log = scene.gateway.log();
    assert!(log.contains(&format!("\"trace_id\":\"{}\"", accepted.trace)), "lines of a trace do not name it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_is_none_is_ignored() {
    let collector = Collector::start().await;
    let mut scene = Scene::set(&format!("endpoint = \"{}/v1/traces\"", collector.recorder.http())).await;
    let long = format!("cc-{TRACE}-{PARENT}-01-{}", "x".repeat(10_000));
    let malformed = [
        format!("00-{TRACE}-{PARENT}"),
        format!("00-{TRACE}0-{PARENT}-01"),
        format!("ff-{TRACE}-{PARENT}-01"),
        format!("00-{}-{PARENT}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
        "nonsense".to_owned(),
        String::new(),
        long,
    ];
    for text in &malformed {
        let asked = scene.pass(&[("traceparent", text), ("tracestate", "a=1")]).await;
        let (trace, span) = ids(asked.header("traceparent"));
        assert!(trace.len() == 32 && span.len() == 16 && trace != TRACE, "{text:.80}");
        assert_eq!(asked.header("tracestate"), None, "{text:.80}");
    }
    let twice = scene.pass(&[("traceparent", &traceparent(true)), ("traceparent", &traceparent(true))]).await;
    assert_ne!(ids(twice.header("traceparent")).0, TRACE);
    scene.end().await;
    let seen = collector.seen();
    let roots: Vec<&Seen> = seen.iter().filter(|span| span.kind == 2).collect();
    assert_eq!(roots.len(), malformed.len() + 1);
    assert!(roots.iter().all(|span| span.parent.is_empty() && span.trace != TRACE), "{roots:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_what_is_recorded_is_the_operators_choice() {
    // The share, what is done with parents, whether the client's is sampled; whether it is recorded, in the client's trace.
    for (sample, parents, sampled, recorded, continued) in [
        ("0", "continue", true, false, true),
        ("1", "continue", false, true, true),
        ("0.0", "trust", true, true, true),
        ("1.0", "trust", false, false, true),
        ("1", "link", false, true, false),
        ("0", "link", true, false, false),
    ] {
        let case = format!("{sample} {parents} {sampled}");
        let collector = Collector::start().await;
        let endpoint = collector.recorder.http();
        let tracing = format!("endpoint = \"{endpoint}\"\nsample = {sample}\nparents = \"{parents}\"");
        let mut scene = Scene::set(&tracing).await;
        let asked = scene.pass(&[("traceparent", &traceparent(sampled))]).await;
        let said = asked.header("traceparent").expect("a traceparent");
        let (trace, span) = ids(Some(said));
        assert_eq!((trace == TRACE, said.ends_with("-01")), (continued, recorded), "{case}: {said}");
        assert_ne!(span, PARENT, "{case}");
        scene.end().await;
        let seen = collector.seen();
        assert_eq!(seen.len(), if recorded { 2 } else { 0 }, "{case}: {seen:#?}");
        if parents == "link" && recorded {
            let server = seen.iter().find(|span| span.kind == 2).expect("the request");
            assert_eq!(server.links, [(TRACE.to_owned(), PARENT.to_owned())], "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_endpoint_a_trace_passes_as_it_is() {
    let scene = Scene::set("endpoint = \"off\"").await;
    let asked = scene.pass(&[("traceparent", &traceparent(true)), ("tracestate", "a=1")]).await;
    assert_eq!(asked.header("traceparent"), Some(traceparent(true).as_str()));
    assert_eq!(asked.header("tracestate"), Some("a=1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_silent_costs_traffic_nothing() {
    for silent in [false, true] {
        let collector = Recorder::polite().await;
        if silent {
            collector.fail(Failing::Silent);
        }
        let endpoint = collector.http();
        // Dropped, it does not listen any more.
        let collector = silent.then_some(collector);
        // A batch is one span, so that the first is on its way at once.
        let mut scene = Scene::set(&format!("endpoint = \"{endpoint}\"\nqueue = 1\ntimeout = \"60s\"")).await;
        let began = Instant::now();
        for _ in 0..50 {
            scene.pass(&[]).await;
        }
        assert!(began.elapsed() < PATIENCE, "{:?} for 50 calls", began.elapsed());
        let outcome = if silent { "dropped" } else { "failed" };
        let counted = async {
            loop {
                let page = http::get(scene.gateway.admin, "/metrics", &[]).await;
                let page = String::from_utf8_lossy(&page.body).into_owned();
                let line = format!("dragoman_trace_spans_total{{outcome=\"{outcome}\"}} ");
                let count = page.lines().find_map(|found| found.strip_prefix(&line)).expect("counted from the start");
                if count != "0" {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, counted).await.expect("a count");
        let began = Instant::now();
        scene.end().await;
        assert!(began.elapsed() < PATIENCE, "{:?} to stop", began.elapsed());
        let said = scene.gateway.log().matches("the collector does not take spans").count();
        assert_eq!(said, usize::from(!silent), "{}", scene.gateway.log());
        drop(collector);
    }
}
