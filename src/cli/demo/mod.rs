//! `dragoman demo`: the gateway with the embedded defaults in a temporary folder, five clients of five dialects in one
//! conversation. Out: what each hears as it happens, a table, and whether all is as the dialects declare.

mod client;
mod config;
mod declared;
mod failure;
mod http;
mod inbox;
mod place;
mod play;
mod screen;
mod script;
mod table;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use clap::Args;

use super::{Console, Exit};
use crate::app::Gateway;
use crate::config::Config;
use client::Client;
use failure::Failure;
use inbox::{Inbox, Webhook};
use place::TemporaryFolder;
use screen::Screen;
use script::{Listen, Script};
use table::Table;

#[derive(Debug, Args)]
#[command(
    after_help = "Listens on free ports of this machine, keeps everything in a temporary folder, and removes it."
)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, console: &mut Console) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.error(&format_args!("no threads to run on: {error}"));
            return Exit::Failed;
        }
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = show(&mut *console) => ended,
            // The temporary folder is removed on the way out.
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    });
    match ended {
        Ok(true) => Exit::Fine,
        Ok(false) => {
            console.error(&"not all is as declared: see what is marked with `!`");
            Exit::Failed
        }
        Err(failure) => {
            console.error(&failure);
            Exit::Failed
        }
    }
}

/// The whole demo. Says whether all was as declared.
async fn show(console: &mut Console) -> Result<bool, Failure> {
    let script = Script::read().map_err(Failure::other)?;
    let folder = TemporaryFolder::new().map_err(Failure::other)?;
    let mut config = config::load(folder.path()).map_err(|problems| Failure::other(problems.render(false)))?;
    let names: Vec<String> = script.clients.iter().map(|client| client.dialect.clone()).collect();
    let screen = Screen::new(names.clone(), console);
    let mut table = declared_table(names, &script, &config)?;
    let webhooks = bind_webhooks(&script, &mut config).await?;

    let gateway = Gateway::start(config.clone(), None).await.map_err(Failure::other)?;
    screen.line(&format!("One gateway on http://{}, five clients, one conversation: room-101.", gateway.address()));
    screen.line("→ is what a client says, ← what it is told, each in its own dialect.");
    let played = perform(&script, &config, webhooks, gateway.address(), &screen, &mut table).await;
    gateway.stop().await;
    played?;

    screen.heading("What arrived (degraded: as text with a link, because that dialect cannot carry that file)");
    table.print(&screen);
    Ok(table.is_as_declared())
}

fn declared_table(names: Vec<String>, script: &Script, config: &Config) -> Result<Table, Failure> {
    let dialects = names.iter().map(|name| config::route(config, name).map(|route| route.dialect.clone()));
    let dialects = dialects.collect::<Result<Vec<_>, _>>()?;
    let declared =
        |from: usize, to: usize| declared::arrival(&dialects[from], &dialects[to], &script.clients[from].file);
    Ok(Table::new(names, declared))
}

/// Clients that are called have to listen before the gateway starts, for its config says where.
async fn bind_webhooks(script: &Script, config: &mut Config) -> Result<Vec<Option<Inbox>>, Failure> {
    let mut inboxes = Vec::with_capacity(script.clients.len());
    for client in &script.clients {
        inboxes.push(match &client.listen {
            Listen::Socket { .. } => None,
            Listen::Webhook { path } => {
                let webhook = Webhook::bind().await?;
                config::tell(config, &client.dialect, &format!("http://{}{path}", webhook.address()?))?;
                Some(Inbox::Webhook(webhook))
            }
        });
    }
    Ok(inboxes)
}

/// Opens the clients, lets them play, and closes them.
async fn perform(
    script: &Script,
    config: &Config,
    webhooks: Vec<Option<Inbox>>,
    address: SocketAddr,
    screen: &Screen<'_>,
    table: &mut Table,
) -> Result<(), Failure> {
    screen.heading("They connect");
    let mut clients = Vec::with_capacity(script.clients.len());
    for (client, webhook) in script.clients.iter().zip(webhooks) {
        let credentials = config::credentials(config::route(config, &client.dialect)?, client)?;
        clients.push(Client::open(client, address, screen, credentials, webhook).await?);
    }
    play::play(&mut clients, screen, table).await;
    for client in &mut clients {
        client.close().await;
    }
    Ok(())
}
