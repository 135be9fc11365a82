//! One connection: dialled, encrypted, authenticated, with our scripts loaded. In: an endpoint. Out: a connection that
//! takes commands, and whose end is heard.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, ProtocolVersion, PushInfo, RedisConnectionInfo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::secret::Secret;
use crate::tasks::Tasks;

use super::error::RedisError;
use super::scripts::Script;
use super::settings::{Endpoint, RedisSettings};

/// What is done with what the server says unasked. It runs where the connection is read and must not wait.
pub type Pushes = Arc<dyn Fn(PushInfo) + Send + Sync>;

/// Whose connection it is.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    pub username: Option<&'a str>,
    pub password: Option<&'a Secret>,
    pub database: u32,
}

impl<'a> Login<'a> {
    pub fn of(settings: &'a RedisSettings) -> Self {
        let RedisSettings { username, password, database, .. } = settings;
        Login { username: username.as_deref(), password: password.as_ref(), database: *database }
    }
}

/// A connection that is there.
pub struct Connected {
    pub connection: MultiplexedConnection,
    /// Cancelled when the connection has ended.
    pub ended: CancellationToken,
    /// Ends the connection when it goes.
    _guard: DropGuard,
}

/// Connects; no longer than the settings allow, and no longer than a stop of the tasks.
pub async fn connect(
    settings: &RedisSettings,
    endpoint: &Endpoint,
    login: Login<'_>,
    pushes: Option<Pushes>,
    scripts: &[&Script],
    tasks: &Tasks,
) -> Result<Connected, RedisError> {
    let connecting = async {
        let stream = dial(settings, endpoint).await?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(settings.timeout));
        let config = match pushes {
            Some(pushes) => config.set_push_sender(move |push| {
                pushes(push);
                Ok::<(), ::redis::aio::SendError>(())
            }),
            None => config,
        };
        let made = MultiplexedConnection::new_with_config(&info(login), stream, config).await;
        let (mut connection, driver) = made.map_err(|error| away(endpoint, &error))?;
        let (end, ended) = (CancellationToken::new(), CancellationToken::new());
        let (ending, over) = (end.clone(), ended.clone().drop_guard());
        tasks.spawn(async move {
            tokio::select! {
                () = driver => {}
                () = ending.cancelled() => {}
            }
            drop(over);
        });
        let guard = end.drop_guard();
        load(scripts, &mut connection).await.map_err(|error| away(endpoint, &error))?;
        Ok(Connected { connection, ended, _guard: guard })
    };
    match tokio::time::timeout(settings.connect_timeout, connecting).await {
        Ok(outcome) => outcome,
        Err(_) => Err(late(endpoint, settings.connect_timeout)),
    }
}

/// Makes the server know scripts.
pub async fn load(scripts: &[&Script], connection: &mut MultiplexedConnection) -> ::redis::RedisResult<()> {
    for script in scripts {
        script.load().query_async::<String>(connection).await?;
    }
    Ok(())
}

fn info(login: Login<'_>) -> RedisConnectionInfo {
    let mut info = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .set_db(i64::from(login.database));
    if let Some(username) = login.username {
        info = info.set_username(username);
    }
    if let Some(password) = login.password {
        info = info.set_password(password.expose());
    }
    info
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn dial(settings: &RedisSettings, endpoint: &Endpoint) -> Result<Box<dyn Stream>, RedisError> {
    let failed = |error: std::io::Error| RedisError::Away(format!("{endpoint}: {error}"));
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    if !settings.tls {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(endpoint.host.clone());
    let name = name.map_err(|error| RedisError::Refused(format!("{endpoint}: {error}")))?;
    let connector = TlsConnector::from(Arc::new(crate::tls::client(&[])));
    Ok(Box::new(connector.connect(name, stream).await.map_err(failed)?))
}

fn away(endpoint: &Endpoint, error: &::redis::RedisError) -> RedisError {
    // Nothing of ours was asked yet: whatever it is, it was not done.
    RedisError::Away(format!("{endpoint}: {error}"))
}

fn late(endpoint: &Endpoint, after: Duration) -> RedisError {
    RedisError::Away(format!("{endpoint}: not connected within {after:?}"))
}
