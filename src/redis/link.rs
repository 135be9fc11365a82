//! A connection that is always there, or on its way back. In: settings, commands. Out: answers; a state to watch.
//!
//! A half-open connection shows nothing to the client library, not even by answers that stay away (its connections
//! stay "connected" for ever), so each is asked whether it lives, and replaced after two questions without an answer to
//! anything: behind a thousand commands that are being answered, a question waits and nothing is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, FromRedisValue, Pipeline, Value};
use rand::RngExt;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::tasks::Tasks;

use super::connect::{self, Connected, Login};
use super::error::RedisError;
use super::scripts::Script;
use super::sentinel;
use super::settings::{Endpoint, RedisSettings, Servers};

pub use super::connect::Pushes;

/// Questions without an answer that end a connection.
const UNANSWERED: u32 = 2;
/// The first pause before another try, and the longest; each somewhat by chance, so that replicas do not come as one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Whether there is a connection.
#[derive(Debug, Clone)]
pub enum LinkState {
    /// Why not.
    Down(Arc<str>),
    Up {
        /// Another for each connection.
        number: u64,
    },
}

#[derive(Clone)]
enum State {
    Down(Arc<str>),
    Up { number: u64, connection: MultiplexedConnection },
}

struct Inner {
    settings: RedisSettings,
    scripts: &'static [&'static Script],
    pushes: Option<Pushes>,
    state: watch::Sender<State>,
    shown: watch::Sender<LinkState>,
    /// Commands that were answered, on all connections.
    answered: AtomicU64,
    /// Somebody found the connection unfit.
    unfit: Notify,
    /// Somebody knows that it is.
    cut: Notify,
    tasks: Tasks,
    closed: CancellationToken,
}

/// A handle on the connection; clones share it.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

impl Link {
    /// Starts to connect; ends when it is closed, or the tasks stop. `scripts` are loaded on each connection; `pushes` hears what is subscribed to.
    pub fn open(
        settings: RedisSettings,
        scripts: &'static [&'static Script],
        pushes: Option<Pushes>,
        tasks: &Tasks,
    ) -> Self {
        let why: Arc<str> = "not connected yet".into();
        let inner = Arc::new(Inner {
            settings,
            scripts,
            pushes,
            state: watch::Sender::new(State::Down(Arc::clone(&why))),
            shown: watch::Sender::new(LinkState::Down(why)),
            answered: AtomicU64::new(0),
            unfit: Notify::new(),
            cut: Notify::new(),
            tasks: tasks.clone(),
            closed: CancellationToken::new(),
        });
        let supervised = Arc::clone(&inner);
        tasks.spawn(async move {
            let (closed, stopping) = (supervised.closed.clone(), supervised.tasks.stopping());
            tokio::select! {
                () = supervised.supervise() => {}
                () = closed.cancelled() => {}
                () = stopping.cancelled() => {}
            }
            supervised.down("closed".into());
        });
        Link(inner)
    }

    pub fn settings(&self) -> &RedisSettings {
        &self.0.settings
    }

    /// Follows the state.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.0.shown.subscribe()
    }

    /// Whether commands can be given now.
    pub fn healthy(&self) -> Result<(), RedisError> {
        self.current().map(|_| ())
    }

    /// Waits for a connection, at most this long.
    pub async fn ready(&self, within: Duration) -> Result<(), RedisError> {
        let mut state = self.0.state.subscribe();
        let up = state.wait_for(|state| matches!(state, State::Up { .. }));
        // The sender lives as long as this handle: only the time can run out.
        let _ = tokio::time::timeout(within, up).await;
        self.healthy()
    }

    /// Ends the connection, and all tries to have one.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Gives one command.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let (number, mut connection) = self.current()?;
        let answer: Result<Value, _> = command.query_async(&mut connection).await;
        let answer = answer.map_err(|error| self.failed(number, RedisError::of(&error)))?;
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        ::redis::from_redis_value(answer).map_err(|error| RedisError::Refused(error.to_string()))
    }

    /// Gives several commands at once; the server does them in order. One answer for each, its own error included; an
    /// error for all when the connection failed.
    pub async fn ask_all(&self, commands: &mut Pipeline) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let (number, mut connection) = self.current()?;
        let answers: Result<Vec<::redis::RedisResult<Value>>, _> =
            commands.ignore_errors().query_async(&mut connection).await;
        let answers = answers.map_err(|error| self.failed(number, RedisError::of(&error)))?;
        self.0.answered.fetch_add(1, Ordering::Relaxed);
        let answers =
            answers.into_iter().map(|answer| answer.map_err(|error| self.failed(number, RedisError::of(&error))));
        Ok(answers.collect())
    }

    /// Subscribes to channels; resolves when the server has confirmed them all.
    pub async fn subscribe(&self, channels: &[String]) -> Result<(), RedisError> {
        match self.0.settings.servers {
            Servers::Cluster(_) => return self.one_by_one("SSUBSCRIBE", channels).await,
            Servers::Single(_) | Servers::Sentinel { .. } => {}
        }
        let (number, mut connection) = self.current()?;
        let subscribed = connection.subscribe(channels).await;
        subscribed.map_err(|error| self.failed(number, RedisError::of(&error)))
    }

    /// The library takes each confirmation of a channel for the answer to a command of its own.
    async fn one_by_one(&self, command: &str, channels: &[String]) -> Result<(), RedisError> {
        let mut commands = ::redis::pipe();
        for channel in channels {
            commands.cmd(command).arg(channel);
        }
        self.ask_all(&mut commands).await?.into_iter().collect::<Result<Vec<_>, _>>().map(|_| ())
    }

    /// Ends the connection there is; another follows.
    pub fn cut(&self) {
        self.0.cut.notify_one();
    }

    /// The opposite.
    pub async fn unsubscribe(&self, channels: &[String]) -> Result<(), RedisError> {
        match self.0.settings.servers {
            Servers::Cluster(_) => return self.one_by_one("SUNSUBSCRIBE", channels).await,
            Servers::Single(_) | Servers::Sentinel { .. } => {}
        }
        let (number, mut connection) = self.current()?;
        let unsubscribed = connection.unsubscribe(channels).await;
        unsubscribed.map_err(|error| self.failed(number, RedisError::of(&error)))
    }

    fn current(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        match &*self.0.state.borrow() {
            State::Up { number, connection } => Ok((*number, connection.clone())),
            State::Down(why) => Err(RedisError::Away(why.to_string())),
        }
    }

    /// Notes an error that another connection may mend.
    fn failed(&self, number: u64, error: RedisError) -> RedisError {
        let is_current = matches!(&*self.0.state.borrow(), State::Up { number: current, .. } if *current == number);
        if is_current && error.wants_another_connection() {
            self.0.unfit.notify_one();
        }
        error
    }
}

impl Inner {
    /// Connects, watches, connects again; never gives up.
    async fn supervise(&self) {
        let mut pause = PAUSE.0;
        for number in 1.. {
            match self.connect().await {
                Ok((connected, endpoint)) => {
                    pause = PAUSE.0;
                    self.up(number, &connected, &endpoint);
                    let why = self.watch(&connected, &endpoint).await;
                    self.down(why);
                }
                Err(error) => {
                    self.down(error.to_string());
                    let somewhat = rand::rng().random_range(0.5..1.5);
                    tokio::time::sleep(pause.mul_f64(somewhat)).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    async fn connect(&self) -> Result<(Connected, Endpoint), RedisError> {
        let endpoint = sentinel::master(&self.settings, &self.tasks).await?;
        let login = Login::of(&self.settings);
        let pushes = self.pushes.clone();
        let mut connected =
            connect::connect(&self.settings, &endpoint, login, pushes, self.scripts, &self.tasks).await?;
        // A server that loads its data says so here; a replica is no place to write to.
        let role: Value = ::redis::cmd("ROLE")
            .query_async(&mut connected.connection)
            .await
            .map_err(|error| RedisError::Away(format!("{endpoint}: {error}")))?;
        match is_master(&role) {
            true => Ok((connected, endpoint)),
            false => Err(RedisError::Away(format!("{endpoint} is a replica"))),
        }
    }

    fn up(&self, number: u64, connected: &Connected, endpoint: &Endpoint) {
        tracing::info!(%endpoint, number, "connected to Redis");
        // What was said of an earlier connection is not about this one.
        for said in [&self.unfit, &self.cut] {
            let _ = futures_util::FutureExt::now_or_never(said.notified());
        }
        self.state.send_replace(State::Up { number, connection: connected.connection.clone() });
        self.shown.send_replace(LinkState::Up { number });
    }

    fn down(&self, why: String) {
        let was_up = matches!(&*self.state.borrow(), State::Up { .. });
        if was_up {
            tracing::warn!(redis = %self.settings, why, "the connection to Redis is lost");
        } else {
            tracing::debug!(redis = %self.settings, why, "no connection to Redis");
        }
        let why: Arc<str> = why.into();
        self.state.send_replace(State::Down(Arc::clone(&why)));
        self.shown.send_replace(LinkState::Down(why));
    }

    /// Resolves when the connection is not to be used any more, and says why.
    async fn watch(&self, connected: &Connected, endpoint: &Endpoint) -> String {
        tokio::select! {
            () = connected.ended.cancelled() => "the server ended the connection".to_owned(),
            () = self.cut.notified() => "it said what it was not asked for".to_owned(),
            why = self.heartbeat(connected.connection.clone()) => why,
            () = sentinel::moved(&self.settings, endpoint, &self.tasks) => format!("{endpoint} is master no more"),
        }
    }

    /// Asks in turn, and at once where somebody found the connection unfit.
    async fn heartbeat(&self, mut connection: MultiplexedConnection) -> String {
        let mut unanswered = 0;
        let mut why = String::new();
        while unanswered < UNANSWERED {
            let in_doubt = tokio::select! {
                () = tokio::time::sleep(self.settings.heartbeat) => false,
                () = self.unfit.notified() => true,
            };
            let answered = self.answered.load(Ordering::Relaxed);
            let question = async {
                if in_doubt {
                    // Somebody may have made the server forget them.
                    connect::load(self.scripts, &mut connection).await?;
                }
                if let Servers::Cluster(_) = self.settings.servers {
                    // A node that has our slot no more says so where it is asked for a key in it.
                    let ours = format!("{{{}}}", self.settings.prefix);
                    ::redis::cmd("EXISTS").arg(ours).query_async::<()>(&mut connection).await?;
                }
                ::redis::cmd("ROLE").query_async::<Value>(&mut connection).await
            };
            let role = tokio::time::timeout(self.settings.heartbeat, question).await;
            match role {
                Ok(Ok(role)) if is_master(&role) => unanswered = 0,
                Ok(Ok(_)) => return "the server became a replica".to_owned(),
                Ok(Err(error)) => return error.to_string(),
                Err(_) if self.answered.load(Ordering::Relaxed) > answered => unanswered = 0,
                Err(_) => {
                    unanswered += 1;
                    why = format!("no answer to {UNANSWERED} questions, {:?} each", self.settings.heartbeat);
                }
            }
        }
        why
    }
}

/// Whether an answer to `ROLE` is a master's.
fn is_master(role: &Value) -> bool {
    match role {
        Value::Array(members) => matches!(members.first(), Some(Value::BulkString(name)) if name == b"master"),
        _ => false,
    }
}
