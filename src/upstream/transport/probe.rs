//! Whether an endpoint is there, asked before anything runs. In: an address, perhaps the path of its health check. Out: what
//! was found; nothing was said that it could act upon.

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{StatusCode, Uri};
use tokio::time::timeout;
use tower::ServiceExt;

use super::breaker::BreakerSettings;
use super::endpoint::Endpoint;
use super::{check, client, failure};

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Its health check was answered so, below 500.
    Well(StatusCode),
    /// It has no health check: a connection was made, with TLS where the address has it, and closed.
    Connects,
}

/// Connects to an endpoint, and asks its health check if it has one. Errors: why it cannot be used, with scheme, host and
/// port; no credential.
pub async fn probe(endpoint: &Uri, health: Option<&str>, within: Duration) -> Result<Found, String> {
    let nobody: Arc<str> = Arc::default();
    let endpoint = Endpoint::new(&nobody, endpoint, BreakerSettings::DEFAULT)
        .ok_or_else(|| "this is no address of a server".to_owned())?;
    let asking = async {
        match health {
            Some(path) => ask(&endpoint, path, within).await,
            None => connect(&endpoint, within).await,
        }
    };
    let late = |_| Err(words(failure::of_time(endpoint.address(), within)));
    timeout(within, asking).await.unwrap_or_else(late)
}

async fn ask(endpoint: &Endpoint, path: &str, within: Duration) -> Result<Found, String> {
    let path = PathAndQuery::try_from(path).map_err(|error| format!("the path of the health check: {error}"))?;
    let client = client::single(client::trust(), within);
    let status = check::status(endpoint, &client, &path).await.map_err(words)?;
    match check::is_well(status) {
        true => Ok(Found::Well(status)),
        false => Err(format!("{} answers its health check with {status}", endpoint.address())),
    }
}

async fn connect(endpoint: &Endpoint, within: Duration) -> Result<Found, String> {
    let address = endpoint.locate(&PathAndQuery::from_static("/")).map_err(|error| error.to_string())?;
    let connected = client::connector(client::trust(), within).oneshot(address).await;
    match connected {
        Ok(_) => Ok(Found::Connects),
        Err(error) => Err(words(failure::of_connecting(endpoint.address(), &*error))),
    }
}

fn words(fault: crate::fault::Fault) -> String {
    fault.detail.clone().unwrap_or_else(|| fault.explained())
}
