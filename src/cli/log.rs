//! Logs on standard error. In: `DRAGOMAN_LOG`, `DRAGOMAN_LOG_FORMAT`. Out: a line an event, for people on a terminal, as
//! JSON where asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Begins logging; a second call changes nothing.
#[expect(clippy::disallowed_methods, reason = "logging begins before there is a config to read")]
pub(super) fn begin() {
    let wanted = std::env::var("DRAGOMAN_LOG").or_else(|_| std::env::var("RUST_LOG"));
    let filter =
        EnvFilter::try_new(wanted.unwrap_or_else(|_| "info".to_owned())).unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal() && crate::config::wants_colour();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    let json = std::env::var("DRAGOMAN_LOG_FORMAT").is_ok_and(|format| format == "json");
    // Somebody else's subscriber stands: fine.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}
