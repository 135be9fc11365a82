//! Links to real servers, and what becomes of them: killed, restarted, silent, without their scripts.

use std::time::{Duration, Instant};

use super::server::RedisServer;
use super::*;
use crate::tasks::Tasks;

const PATIENCE: Duration = Duration::from_secs(10);

static ECHO: std::sync::LazyLock<Script> = std::sync::LazyLock::new(|| Script::new("return ARGV[1]"));

fn settings(server: &RedisServer) -> RedisSettings {
    let settings = parse_url(&server.url()).expect("a URL");
    RedisSettings { heartbeat: Duration::from_millis(200), timeout: Duration::from_secs(2), ..settings }
}

fn scripts() -> &'static [&'static Script] {
    static SCRIPTS: std::sync::LazyLock<[&'static Script; 1]> = std::sync::LazyLock::new(|| [&*ECHO]);
    &*SCRIPTS
}

async fn open(server: &RedisServer) -> Link {
    let link = Link::open(settings(server), scripts(), None, &Tasks::new());
    link.ready(PATIENCE).await.expect("connects");
    link
}

async fn echo(link: &Link, word: &str) -> Result<String, RedisError> {
    link.ask(ECHO.call(&[]).arg(word)).await
}

/// Until it works; `Err` meanwhile is what it must be.
async fn recovers(link: &Link) {
    let began = Instant::now();
    while let Err(error) = echo(link, "again").await {
        assert!(error.wants_another_connection(), "{error:?}");
        assert!(began.elapsed() < PATIENCE, "not back: {error}");
        let _ = link.ready(PATIENCE).await;
    }
}

#[tokio::test]
async fn commands_are_answered_each_for_itself() {
    let server = RedisServer::start();
    let link = open(&server).await;
    assert_eq!(echo(&link, "word").await.as_deref(), Ok("word"));
    let refused: Result<String, _> = link.ask(cmd("LPUSH").arg("one")).await;
    assert!(matches!(refused, Err(RedisError::Refused(_))), "{refused:?}");
    let mut several = pipe();
    several.cmd("SET").arg("a").arg("1").cmd("LPUSH").arg("a").arg("x").cmd("GET").arg("a");
    let answers = link.ask_all(&mut several).await.expect("answered");
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(RedisError::Refused(_))), "an error is its own command's: {answers:?}");
}

#[tokio::test]
async fn a_killed_connection_comes_back() {
    let server = RedisServer::start();
    let link = open(&server).await;
    for _ in 0..5 {
        server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        recovers(&link).await;
    }
}

#[tokio::test]
async fn a_restarted_server_is_found_again() {
    let mut server = RedisServer::start();
    let link = open(&server).await;
    server.kill();
    let mut state = link.state();
    let down = tokio::time::timeout(PATIENCE, state.wait_for(|state| matches!(state, LinkState::Down(_)))).await;
    down.expect("seen").expect("the link lives");
    assert!(matches!(echo(&link, "x").await, Err(RedisError::Away(_))), "nothing is waited for");
    server.restart();
    recovers(&link).await;
}

/// The question whether it lives waits behind commands that take longer than two of them.
#[tokio::test]
async fn a_busy_connection_is_not_replaced() {
    let server = RedisServer::start();
    let link = open(&server).await;
    let state = link.state();
    const BUSY: &str = "local function now() local time = redis.call('TIME') return time[1] * 1000000 + time[2] end \
                        local till = now() + 20000 repeat until now() >= till return ARGV[1]";
    let words = (0..60).map(|number| {
        let mut command = cmd("EVAL");
        // As long as what the server reads at once: it answers when it has done all of that.
        command.arg(BUSY).arg(0).arg(number).arg("x".repeat(16 * 1024));
        let link = &link;
        async move { link.ask::<i64>(&command).await }
    });
    let began = Instant::now();
    let answers = futures_util::future::join_all(words).await;
    assert!(began.elapsed() > settings(&server).heartbeat * 3, "it was not busy: {:?}", began.elapsed());
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(!state.has_changed().expect("the link lives"), "{:?}", *state.borrow());
}

/// A server that is there and does not answer: what a network that drops packets looks like.
#[tokio::test]
async fn a_silent_server_is_noticed() {
    let server = RedisServer::start();
    let link = open(&server).await;
    server.pause();
    let mut state = link.state();
    let began = Instant::now();
    let down = tokio::time::timeout(PATIENCE, state.wait_for(|state| matches!(state, LinkState::Down(_)))).await;
    down.expect("seen").expect("the link lives");
    assert!(began.elapsed() < Duration::from_secs(3), "noticed after {:?}", began.elapsed());
    server.resume();
    recovers(&link).await;
}

#[tokio::test]
async fn forgotten_scripts_are_loaded_again() {
    let server = RedisServer::start();
    let link = open(&server).await;
    server.command(&["SCRIPT", "FLUSH"]);
    let forgotten = echo(&link, "x").await;
    assert!(matches!(forgotten, Err(RedisError::Away(_))), "not done, and so worth another try: {forgotten:?}");
    recovers(&link).await;
}

#[tokio::test]
async fn a_password_is_given_and_never_told() {
    let server = RedisServer::start_with(&["--requirepass", "invented-password"]);
    let mut with = settings(&server);
    let without = Link::open(with.clone(), scripts(), None, &Tasks::new());
    let refused = without.ready(Duration::from_millis(500)).await.expect_err("no password");
    assert!(refused.to_string().contains("NOAUTH"), "{refused}");
    with.password = Some(crate::secret::Secret::new("invented-passworT".to_owned()));
    let wrong = Link::open(with.clone(), scripts(), None, &Tasks::new());
    let refused = wrong.ready(Duration::from_millis(500)).await.expect_err("the wrong password");
    assert!(!refused.to_string().contains("invented"), "{refused}");
    with.password = Some(crate::secret::Secret::new("invented-password".to_owned()));
    Link::open(with, scripts(), None, &Tasks::new()).ready(PATIENCE).await.expect("the right password");
}
