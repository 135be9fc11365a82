//! Revocations of a gateway that runs. In: an id, a principal, or a token in a file. Out: what is revoked. A token never
//! leaves this process: its digest does.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http::Method;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::Value;

use crate::auth::{LONGEST_CREDENTIAL, Wanted, digest};
use crate::cli::admin::{Admin, Failure, words};
use crate::cli::settings::ConfigArguments;
use crate::cli::{Console, Exit};
use crate::config::duration;

/// Bytes of an answer: ten thousand revocations.
const ANSWER: usize = 16 << 20;

#[derive(Debug, Args)]
pub(super) struct Gateway {
    #[command(flatten)]
    config: ConfigArguments,
    /// Where the gateway's admin listener is, in place of the config's address
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    what: What,
    /// Only on this route; without it, on all
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Of a principal: tokens that were issued by this time, as in 2026-11-21T18:00:00Z; without it, until now
    #[arg(long, value_name = "TIME", requires = "sub")]
    before: Option<jiff::Timestamp>,
    /// How long it holds: as long as the tokens are good. Without it, until it is restored; of a token in a file, until its
    /// own end
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    lasting: Option<Duration>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Every token of this principal
    #[arg(long, value_name = "ID")]
    sub: Option<String>,
    /// The token of this `jti`
    #[arg(long, value_name = "ID")]
    jti: Option<String>,
    /// The token that stands in this file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    gateway: Gateway,
    /// As `dragoman token revoked` shows it
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct Revoked {
    #[command(flatten)]
    gateway: Gateway,
}

#[derive(Deserialize)]
struct Answer {
    revoked: Option<Value>,
    error: Option<String>,
}

pub(super) fn revoke(arguments: &Revoke, console: &mut Console) -> Exit {
    let wanted = match wanted(arguments) {
        Ok(wanted) => wanted,
        Err(why) => {
            console.error(&why);
            return Exit::Failed;
        }
    };
    // Plain data; what cannot be written does not exist.
    let body = serde_json::to_vec(&wanted).unwrap_or_default();
    show(ask(&arguments.gateway, "/api/tokens/revoke", body, console), console)
}

pub(super) fn restore(arguments: &Restore, console: &mut Console) -> Exit {
    let body = serde_json::json!({ "id": arguments.id }).to_string().into_bytes();
    show(ask(&arguments.gateway, "/api/tokens/restore", body, console), console)
}

pub(super) fn revoked(arguments: &Revoked, console: &mut Console) -> Exit {
    show(ask(&arguments.gateway, "/api/tokens/list", Vec::new(), console), console)
}

/// What is asked for; the token of a file as its digest, and until its own end where it says one.
fn wanted(arguments: &Revoke) -> Result<Wanted, Failure> {
    let now = jiff::Timestamp::now().as_second();
    let lasting = arguments.lasting.map(|lasting| now.saturating_add_unsigned(lasting.as_secs()));
    let What { sub, jti, token_file } = &arguments.what;
    let token = token_file.as_deref().map(read).transpose()?;
    Ok(Wanted {
        jti: jti.clone(),
        sub: sub.clone(),
        sha256: token.as_deref().map(digest),
        route: arguments.route.clone(),
        before: arguments.before.map(jiff::Timestamp::as_second),
        until: lasting.or_else(|| token.as_deref().and_then(end)),
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let limit = LONGEST_CREDENTIAL as u64 + 2;
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    let token = text.trim();
    if token.is_empty() || token.len() > LONGEST_CREDENTIAL {
        return Err(format!("{}: a token has 1 to {LONGEST_CREDENTIAL} bytes", path.display()));
    }
    Ok(token.to_owned())
}

/// When a JSON Web Token says that it ends. Whoever revokes it has it; nothing is believed for its sake.
fn end(token: &str) -> Option<i64> {
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
    claims.get("exp")?.as_i64()
}

fn ask(
    gateway: &Gateway,
    path: &str,
    body: Vec<u8>,
    console: &mut Console,
) -> Result<Vec<Value>, Result<Exit, Failure>> {
    let loaded = gateway.config.load(&[], console).map_err(Ok)?;
    asked(&Admin::of(&loaded.config.server, gateway.admin).map_err(Err)?, path, body).map_err(Err)
}

fn asked(admin: &Admin, path: &str, body: Vec<u8>) -> Result<Vec<Value>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(words)?;
    let asking = admin.ask(Method::POST, path, body, async |response| {
        let body = Limited::new(response.into_body(), ANSWER).collect().await.map_err(words)?;
        match serde_json::from_slice(&body.to_bytes()).map_err(words)? {
            Answer { error: Some(error), .. } => Err(error),
            Answer { revoked: Some(Value::Array(all)), .. } => Ok(all),
            Answer { revoked, .. } => Ok(revoked.into_iter().collect()),
        }
    });
    runtime.block_on(asking).map_err(|why| format!("the gateway at {}: {why}", admin.address()))
}

fn show(asked: Result<Vec<Value>, Result<Exit, Failure>>, console: &mut Console) -> Exit {
    match asked {
        Ok(revoked) => {
            for revocation in &revoked {
                console.data(&format_args!("{}\n", line(revocation)));
            }
            Exit::Fine
        }
        Err(Ok(exit)) => exit,
        Err(Err(why)) => {
            console.error(&why);
            Exit::Failed
        }
    }
}

/// `6b86…  sub ann  on staff  issued by 2026-11-21T18:00:00Z  until 2026-11-22T06:00:00Z`
fn line(revocation: &Value) -> String {
    let text = |member: &str| revocation[member].as_str().unwrap_or_default();
    let time = |member: &str| {
        let second = revocation[member].as_i64()?;
        Some(jiff::Timestamp::from_second(second).map_or_else(|_| second.to_string(), |time| time.to_string()))
    };
    let mut line = format!("{}  {} {}", text("id"), text("kind"), text("value"));
    if let Some(route) = revocation["route"].as_str() {
        line += &format!("  on {route}");
    }
    for (member, said) in [("before", "issued by"), ("until", "until")] {
        if let Some(time) = time(member) {
            line += &format!("  {said} {time}");
        }
    }
    line
}
