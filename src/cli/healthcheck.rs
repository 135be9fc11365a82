//! `dragoman healthcheck`, for containers that have neither a shell nor curl. In: where the admin listener is. Out: a line,
//! and exit code 0 or 1.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value};

use super::admin::{Admin, Failure, words};
use super::settings::ConfigArguments;
use super::{Console, Exit};
use crate::config::duration;

/// Bytes of an answer.
const ANSWER: usize = 64 << 10;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman healthcheck                                      whether clients should come: /readyz
  dragoman healthcheck --alive                              whether the process answers: /healthz
  dragoman healthcheck -c /etc/dragoman/routes.toml
  dragoman healthcheck --admin https://127.0.0.1:9090       without a config

Of the config only `server.admin` and whether there is a [server.admin_tls] are read: a mistake elsewhere in it, which a
gateway that runs has not taken, says nothing about its health. No token is sent, and no certificate asked to be good.

Exit codes: 0 yes, 1 no or no answer, 2 wrong usage.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Where the gateway's admin listener is, in place of the config's address; with http:// or https:// no config is read
    #[arg(long, value_name = "ADDRESS", value_parser = asked)]
    admin: Option<Asked>,
    /// Asks whether the process answers, not whether clients should come
    #[arg(long)]
    alive: bool,
    /// How long all of it may take
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    timeout: Duration,
}

/// An address, and whether it speaks TLS where that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    address: SocketAddr,
    is_secure: Option<bool>,
}

fn asked(text: &str) -> Result<Asked, String> {
    let (is_secure, address) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (Some(false), rest),
        (_, Some(rest)) => (Some(true), rest),
        (None, None) => (None, text),
    };
    let address = address.trim_end_matches('/').parse();
    let address = address.map_err(|_| "wanted an address and a port, as in `127.0.0.1:9090`")?;
    Ok(Asked { address, is_secure })
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    match carry_out(arguments) {
        Ok((is_well, line)) => {
            console.data(&format_args!("{line}\n"));
            if is_well { Exit::Fine } else { Exit::Failed }
        }
        Err(failure) => {
            console.error(&failure);
            Exit::Failed
        }
    }
}

fn carry_out(arguments: &Arguments) -> Result<(bool, String), Failure> {
    let admin = admin(arguments)?;
    let path = if arguments.alive { "/healthz" } else { "/readyz" };
    let asking = admin.ask(Method::GET, path, Vec::new(), async |response| {
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER).collect().await.map_err(words)?;
        Ok((status.is_success(), line(status, &body.to_bytes())))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(words)?;
    runtime
        .block_on(async { tokio::time::timeout(arguments.timeout, asking).await })
        .unwrap_or_else(|_| Err("it does not answer in time".to_owned()))
        .map_err(|why| format!("no health of the gateway at {}: {why}", admin.address()))
}

fn admin(arguments: &Arguments) -> Result<Admin, Failure> {
    if let Some(Asked { address, is_secure: Some(is_secure) }) = arguments.admin {
        return Ok(Admin::of_anybody(address, is_secure));
    }
    let place = arguments.config.admin_place().map_err(|problems| problems.render(false))?;
    let address = arguments.admin.map(|asked| asked.address).or(place.address);
    let address = address.ok_or("`server.admin` is off: there is nobody to ask")?;
    Ok(Admin::of_anybody(address, place.is_secure))
}

/// `ready, but not well: upstreams clinic: away`
fn line(status: StatusCode, body: &[u8]) -> String {
    let Ok(Value::Object(said)) = serde_json::from_slice(body) else { return format!("it answers {status}") };
    let Some(Value::String(status)) = said.get("status") else { return format!("it answers {status}") };
    let wrong = wrong(&said);
    if wrong.is_empty() { status.clone() } else { format!("{status}: {}", wrong.join("; ")) }
}

/// The parts that are not well.
fn wrong(said: &Map<String, Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (group, state) in said.iter().filter(|(name, _)| *name != "status") {
        match state {
            Value::String(words) if words != "ok" => wrong.push(format!("{group}: {words}")),
            Value::Object(members) => {
                let members = members.iter().filter_map(|(name, state)| Some((name, state.as_str()?)));
                wrong.extend(
                    members.filter(|(_, words)| *words != "ok").map(|(name, words)| format!("{group} {name}: {words}")),
                );
            }
            _ => {}
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_wrong() {
        for (body, expected) in [
            (r#"{"status":"alive"}"#, "alive"),
            (r#"{"status":"ready","journal":"ok","stores":{"local":"ok"}}"#, "ready"),
            (
                r#"{"status":"not ready","journal":"Redis is away","relay":"ok","upstreams":{"clinic":"away","x":"ok"}}"#,
                "not ready: journal: Redis is away; upstreams clinic: away",
            ),
            ("<html>", "it answers 503 Service Unavailable"),
        ] {
            assert_eq!(line(StatusCode::SERVICE_UNAVAILABLE, body.as_bytes()), expected);
        }
    }

    #[test]
    fn an_address_may_say_whether_it_speaks_tls() {
        let address = "127.0.0.1:9090".parse().unwrap();
        assert_eq!(asked("127.0.0.1:9090"), Ok(Asked { address, is_secure: None }));
        assert_eq!(asked("https://127.0.0.1:9090/"), Ok(Asked { address, is_secure: Some(true) }));
        assert_eq!(asked("http://127.0.0.1:9090"), Ok(Asked { address, is_secure: Some(false) }));
        assert!(asked("https://gateway:9090").is_err());
    }
}
