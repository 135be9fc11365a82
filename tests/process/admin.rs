//! The admin listener with a token or over TLS: probes are answered, all else asks, and the command line knows how it is asked.

use std::process::Command;

use crate::harness::{Gateway, PATIENCE, http};

const TOKEN: &str = "an-admin-token-of-these-tests-0f6b8d1c4e2a";

async fn gateway(more: &str) -> Gateway {
    let line = format!("[server]\nadmin_token = \"{TOKEN}\"\n{more}\n");
    Gateway::start_changed(|config| config.replace("[server]\n", &line)).await
}

async fn status(gateway: &Gateway, method: &str, path: &str, token: Option<&str>) -> u16 {
    let shown = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = shown.iter().map(|shown| ("Authorization", shown.as_str())).collect();
    http::send(gateway.admin, &http::request(method, path, &headers, b"")).await.status
}

#[tokio::test]
async fn all_but_probes_ask_for_the_token() {
    let gateway = gateway("").await;
    for (method, path, open) in [
        ("GET", "/healthz", true),
        ("GET", "/readyz", true),
        ("GET", "/metrics", false),
        ("POST", "/api/reload", false),
        ("POST", "/api/journal/backup", false),
        ("POST", "/api/uploads/list", false),
        ("GET", "/nowhere", false),
    ] {
        let refused = if open { 200 } else { 401 };
        assert_eq!(status(&gateway, method, path, None).await, refused, "{path}");
        assert_eq!(status(&gateway, method, path, Some("another")).await, refused, "{path}");
        let shown = status(&gateway, method, path, Some(TOKEN)).await;
        assert_eq!(shown, if path == "/nowhere" { 404 } else { 200 }, "{path}");
    }
    assert!(!gateway.log().contains(TOKEN), "the token is in the log");
}

#[tokio::test]
async fn metrics_may_be_open_and_the_api_off() {
    let gateway = gateway("admin_metrics = \"open\"\nadmin_api = false").await;
    assert_eq!(status(&gateway, "GET", "/metrics", None).await, 200);
    assert_eq!(status(&gateway, "POST", "/api/reload", Some(TOKEN)).await, 403);
}

#[tokio::test]
async fn the_command_line_shows_the_token_of_its_config() {
    let gateway = gateway("").await;
    let admin = gateway.admin.to_string();
    let config = gateway.folder().join("routes.toml");
    let copy = gateway.folder().join("copy");
    for arguments in
        [&["uploads", "--admin", &admin, "list"][..], &["journal", "backup", "--admin", &admin, copy.to_str().unwrap()]]
    {
        let (is_fine, said) = dragoman(&config, arguments);
        assert!(is_fine, "{arguments:?}: {said}");
    }
}

/// A gateway whose admin listener speaks TLS; `more` is of its table.
async fn secured(more: &str) -> Gateway {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");
    let more = more.replace("KEYS", keys);
    let tls = format!("[server]\nadmin_tls = {{ cert = \"{keys}/localhost.pem\", key = \"{keys}/p256.pem\"{more} }}\n");
    Gateway::start_changed(|config| config.replace("[server]\n", &tls)).await
}

/// Runs a command with the gateway's config, or another one.
fn dragoman(config: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let (command, rest) = arguments.split_first().unwrap();
    let mut dragoman = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    let done = dragoman.arg(command).arg("--config").arg(config).args(rest).output().unwrap();
    (done.status.success(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
}

#[tokio::test]
async fn the_command_line_speaks_tls_and_shows_the_pair_of_its_config() {
    let gateway = secured(", client_ca = \"KEYS/localhost.rsa.pem\", client_names = [\"ann\"]").await;
    let (admin, config) = (gateway.admin.to_string(), gateway.folder().join("routes.toml"));
    let copy = gateway.folder().join("copy");
    for arguments in
        [&["uploads", "--admin", &admin, "list"][..], &["journal", "backup", "--admin", &admin, copy.to_str().unwrap()]]
    {
        let (is_fine, said) = dragoman(&config, arguments);
        assert!(is_fine, "{arguments:?}: {said}");
    }
    let is_note =
        |line: &str| line.contains("asked by an operator") && line.contains("certificate of the gateway itself");
    eventually(async || gateway.log().lines().any(is_note)).await;

    let written = std::fs::read_to_string(&config).unwrap();
    let other = gateway.folder().join("other.toml");
    for (change, words) in [
        (("localhost.pem\", key = \"", "localhost.rsa.pem\", key = \""), "another certificate"),
        (("admin_tls = {", "# {"), "did not say"),
    ] {
        let changed = written.replace(change.0, change.1);
        let changed = if change.0.starts_with("localhost") { changed.replace("p256.pem", "rsa.pem") } else { changed };
        std::fs::write(&other, changed).unwrap();
        let (is_fine, said) = dragoman(&other, &["uploads", "--admin", &admin, "list"]);
        assert!(!is_fine && said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn health_is_asked_over_tls_and_without() {
    for mut gateway in [gateway("").await, secured("").await, secured(", client_ca = \"KEYS/localhost.pem\"").await] {
        let (admin, config) = (gateway.admin.to_string(), gateway.folder().join("routes.toml"));
        let ask = |more: &[&str]| dragoman(&config, &[&["healthcheck", "--admin", &admin][..], more].concat());
        assert_eq!(ask(&[]), (true, "ready\n".to_owned()));
        assert_eq!(ask(&["--alive"]), (true, "alive\n".to_owned()));
        // A mistake that the gateway does not take is none of its health.
        let written = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{written}\n[nonsense]\n")).unwrap();
        assert_eq!(ask(&[]), (true, "ready\n".to_owned()));
        gateway.kill().await;
        let (is_fine, said) = ask(&[]);
        assert!(!is_fine && said.contains("no health of the gateway") && said.lines().count() == 1, "{said}");
    }
}

/// However many connections say nothing: who speaks is answered.
#[tokio::test]
async fn those_who_say_nothing_cannot_keep_operators_out() {
    let gateway = gateway("admin_metrics = \"open\"").await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(tokio::net::TcpStream::connect(gateway.admin).await.unwrap());
    }
    let line = "dragoman_connections_lost_total{listener=\"admin\",reason=\"pushed_out\"} ";
    eventually(async || {
        let page = String::from_utf8(http::get(gateway.admin, "/metrics", &[]).await.body).unwrap();
        let pushed_out: u32 = page.lines().find_map(|found| found.strip_prefix(line)).unwrap().parse().unwrap();
        pushed_out >= 200
    })
    .await;
    drop(silent);
}

/// Waits until it is so.
async fn eventually(is_so: impl AsyncFn() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < until, "it never came to that");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
