//! The admin listener with a token: probes are answered, all else asks for it, and the command line shows it.

use std::process::Command;

use crate::harness::{Gateway, http};

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
    let run = |arguments: &[&str]| {
        let config = gateway.folder().join("routes.toml");
        let (command, rest) = arguments.split_first().unwrap();
        let mut dragoman = Command::new(env!("CARGO_BIN_EXE_dragoman"));
        dragoman.arg(command).arg("--config").arg(config).args(rest).output().unwrap()
    };
    let copy = gateway.folder().join("copy");
    for arguments in
        [&["uploads", "--admin", &admin, "list"][..], &["journal", "backup", "--admin", &admin, copy.to_str().unwrap()]]
    {
        let done = run(arguments);
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
