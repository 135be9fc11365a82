//! Sentinels: who is master, and when that changes. The client library asks them only when it connects; an old master
//! that a switch left behind takes writes for seconds, so the sentinels' word is listened for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::tasks::Tasks;

use super::cluster;
use super::connect::{self, Connected, Login, Pushes};
use super::error::RedisError;
use super::settings::{Endpoint, RedisSettings, Servers};

/// How often a sentinel is asked though it said nothing.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The server to write to: the master by the first sentinel that knows one, the node of a cluster that has our slot, or the
/// one server that there is.
pub async fn master(settings: &RedisSettings, tasks: &Tasks) -> Result<Endpoint, RedisError> {
    let sentinels = match &settings.servers {
        Servers::Single(endpoint) => return Ok(endpoint.clone()),
        Servers::Cluster(nodes) => return cluster::owner(settings, nodes, tasks).await,
        Servers::Sentinel { sentinels, .. } => sentinels,
    };
    let mut why = RedisError::Away("no sentinel is configured".to_owned());
    for sentinel in sentinels {
        match ask(settings, sentinel, None, tasks).await {
            Ok((_, master)) => return Ok(master),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// Resolves when a sentinel names another master than this one. Never, where there are no sentinels.
pub async fn moved(settings: &RedisSettings, current: &Endpoint, tasks: &Tasks) {
    let Servers::Sentinel { sentinels, .. } = &settings.servers else { return std::future::pending().await };
    loop {
        for sentinel in sentinels {
            if names_another(settings, sentinel, current, tasks).await {
                return;
            }
        }
        // None of them is there: those who have the master keep it meanwhile.
        tokio::time::sleep(settings.heartbeat).await;
    }
}

/// Listens to one sentinel until it names another master (true) or is gone (false).
async fn names_another(settings: &RedisSettings, sentinel: &Endpoint, current: &Endpoint, tasks: &Tasks) -> bool {
    let news = Arc::new(Notify::new());
    let heard = Arc::clone(&news);
    let pushes: Pushes = Arc::new(move |_| heard.notify_one());
    let Ok((mut listening, mut master)) = ask(settings, sentinel, Some(pushes), tasks).await else { return false };
    if listening.connection.subscribe("+switch-master").await.is_err() {
        return false;
    }
    loop {
        if master != *current {
            return true;
        }
        tokio::select! {
            () = news.notified() => {}
            () = tokio::time::sleep(ASK_EVERY) => {}
            () = listening.ended.cancelled() => return false,
        }
        match master_by(settings, &mut listening).await {
            Ok(named) => master = named,
            Err(_) => return false,
        }
    }
}

async fn ask(
    settings: &RedisSettings,
    sentinel: &Endpoint,
    pushes: Option<Pushes>,
    tasks: &Tasks,
) -> Result<(Connected, Endpoint), RedisError> {
    let Servers::Sentinel { username, password, .. } = &settings.servers else {
        return Err(RedisError::Refused("no sentinels".to_owned()));
    };
    let login = Login { username: username.as_deref(), password: password.as_ref(), database: 0 };
    let mut connected = connect::connect(settings, sentinel, login, pushes, &[], tasks).await?;
    let master = master_by(settings, &mut connected).await?;
    Ok((connected, master))
}

async fn master_by(settings: &RedisSettings, sentinel: &mut Connected) -> Result<Endpoint, RedisError> {
    let Servers::Sentinel { master, .. } = &settings.servers else {
        return Err(RedisError::Refused("no sentinels".to_owned()));
    };
    let mut command = ::redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer: Option<(String, u16)> =
        command.query_async(&mut sentinel.connection).await.map_err(|error| RedisError::of(&error))?;
    let (host, port) = answer.ok_or_else(|| RedisError::Away(format!("the sentinel knows no master {master:?}")))?;
    Ok(Endpoint { host, port })
}
