//! `dragoman serve`. In: a config. Out: a gateway that runs until it is told to stop.

use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::reload::Reloader;
use super::settings::ConfigArguments;
use super::{Console, Exit};
use crate::app::Gateway;
use crate::config::{Loaded, wants_colour};
use crate::telemetry::{Export, Log};

/// How long the last spans may take to the collector.
const LAST_SPANS: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman serve                               routes.toml here, or the built-in default
  dragoman serve -c /etc/dragoman/routes.toml
  dragoman serve --listen 127.0.0.1:0          any free port; the address is printed

SIGTERM or Ctrl-C stops: not ready any more, no new sockets, those that are open are closed politely one by one,
what is in flight finishes. A second one stops at once.
SIGHUP, a change of the file (`server.watch`) or POST /api/reload on the admin address takes the config anew:
checked first, taken whole, no socket closed; one that fails its check is refused and the old one holds.
Logs: [log] of the config, or DRAGOMAN_LOG=debug, DRAGOMAN_LOG_FORMAT=text.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Where to listen, in place of the config's address
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where metrics and health are served, in place of the config's address
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    let listen = arguments.listen.iter().map(|address| ("server.listen", address.clone()));
    let admin = arguments.admin.iter().map(|address| ("server.admin", address.clone()));
    let flags: Vec<(&str, String)> = listen.chain(admin).collect();
    let loaded = match arguments.config.load(&flags, console) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let log = Log::begin(&loaded.config.log, wants_colour());
    if !loaded.warnings.is_empty() {
        console.talk(&loaded.warnings.render(console.colour()));
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.error(&error);
            return Exit::Failed;
        }
    };
    let export = match loaded.config.tracing.as_ref().map(|to| Export::begin(to, runtime.handle().clone())).transpose()
    {
        Ok(export) => export,
        Err(error) => {
            console.error(&error);
            return Exit::Failed;
        }
    };
    let exit = runtime.block_on(serve(arguments, &flags, &loaded, &log, console));
    if let Some(export) = export {
        export.end(LAST_SPANS);
    }
    exit
}

async fn serve(
    arguments: &Arguments,
    flags: &[(&str, String)],
    loaded: &Loaded,
    log: &Log,
    console: &mut Console,
) -> Exit {
    let (reload, requests) = mpsc::channel(1);
    // From the first moment on: its default action would end the process.
    let hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            console.error(&error);
            return Exit::Failed;
        }
    };
    let gateway = match Gateway::start(loaded.config.clone(), Some(reload)).await {
        Ok(gateway) => gateway,
        Err(error) => {
            console.error(&error);
            return Exit::Failed;
        }
    };
    console.talk(&format_args!("listening on {}\n", gateway.url()));
    if let Some(admin) = gateway.admin_url() {
        console.talk(&format_args!("admin on {admin}\n"));
    }
    let reloader = Reloader { arguments: &arguments.config, flags, gateway: &gateway, log, requests, hangup };
    tokio::select! {
        () = reloader.run(loaded) => {}
        () = told_to_stop() => {}
    }
    console.talk(&"stopping; once more to stop at once\n");
    tokio::select! {
        left = gateway.stop() => match left {
            0 => Exit::Fine,
            left => {
                console.error(&format_args!("{left} tasks were still at work when the time was up"));
                Exit::Failed
            }
        },
        () = told_to_stop() => Exit::Failed,
    }
}

/// SIGTERM or SIGINT.
async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the default action stops the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
