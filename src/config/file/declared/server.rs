//! `[server]` with its listeners and proxies, `[log]` and `[tracing]`.

use std::time::Duration;

use super::super::{admin, log, proxies, server, tracing};
use super::{HOUR, MINUTE, SECOND};
use crate::declaration::{Key, Kind, Table, Words, words};

pub static SERVER: Table = Table::of(&[
    Key::new("listen", Kind::Text, "Address and port that all routes are served on; without it `127.0.0.1:8080`."),
    Key::new(
        "admin",
        Kind::Text,
        "Address and port of metrics, health and the console, `off` for none; without it `127.0.0.1:9090`.",
    ),
    Key::new(
        "admin_api",
        Kind::Boolean,
        "False: nothing of `/api` and no console is served on the admin listener; without it true.",
    ),
    Key::new(
        "admin_metrics",
        Kind::Word(Words::of(|| words(admin::METRICS))),
        "Whether metrics ask for the token; without it they do where there is one.",
    ),
    Key::new(
        "admin_token",
        Kind::Secret("admin_token_file"),
        "What the admin listener asks for as `Authorization: Bearer`, but for health; at least 32 letters.",
    ),
    Key::new(
        "admin_tls",
        Kind::Table(&ADMIN_TLS),
        "TLS on the admin listener; certificates of clients may stand in for the token.",
    ),
    Key::new(
        "console",
        Kind::Word(Words::of(|| words(server::CONSOLE))),
        "The page at `/console` of the admin listener; `words` shows what people write, too. Without it `on`.",
    ),
    Key::new(
        "drain_timeout",
        Kind::Duration(Duration::ZERO, HOUR),
        "How long a stop may take: sockets leave one by one in the first two thirds of it; without it `30s`.",
    ),
    Key::new(
        "per_address",
        Kind::Integer(1, 1_000_000),
        "Connections, and sockets, that one address may have; without it as many as it likes.",
    ),
    Key::new("proxies", Kind::Table(&PROXIES), "Whose word is taken of who is behind a connection."),
    Key::new("tls", Kind::Table(&TLS), "TLS on the listener of clients, and HTTP/2 for who asks for it."),
    Key::new(
        "visitor_secret",
        Kind::Secret("visitor_secret_file"),
        "What signs the tokens of visitors: the same on all replicas, at least 32 letters.",
    ),
    Key::new("watch", Kind::Boolean, "Whether this file is taken again when it changes; without it true."),
]);

static PROXIES: Table = Table::of(&[
    Key::needed("trusted", Kind::TEXTS, "Networks and addresses of the proxies in front."),
    Key::new(
        "headers",
        Kind::Word(Words::of(|| words(proxies::HEADERS))),
        "The one form of header that they write; without it `x-forwarded`.",
    ),
    Key::new("host", Kind::Boolean, "True: the host that was asked for is taken from their headers, too."),
    Key::new(
        "proxy_protocol",
        Kind::Boolean,
        "True: each of their connections begins with a header of the PROXY protocol, version 1 or 2.",
    ),
]);

const CERT: Key = Key::needed("cert", Kind::Text, "A PEM file: the certificate, then those above it.");
const KEY: Key = Key::needed("key", Kind::Text, "A PEM file: its private key, not encrypted.");
const HANDSHAKE_TIMEOUT: Key =
    Key::new("handshake_timeout", Kind::Duration(SECOND, MINUTE), "How long a handshake may take; without it `10s`.");

static TLS: Table = Table::of(&[
    CERT,
    KEY,
    Key::new(
        "client_ca",
        Kind::Text,
        "A PEM file of authorities: clients must show a certificate that one of them signed.",
    ),
    HANDSHAKE_TIMEOUT,
]);

static ADMIN_TLS: Table = Table::of(&[
    CERT,
    KEY,
    Key::new(
        "client_ca",
        Kind::Text,
        "A PEM file of authorities: a certificate that one of them signed is as good as the token.",
    ),
    Key::new(
        "client_names",
        Kind::TEXTS,
        "Of these certificates only those with one of these names: DNS name, e-mail address, URI, IP or common name.",
    ),
    HANDSHAKE_TIMEOUT,
]);

pub static LOG: Table = Table::of(&[
    Key::new(
        "level",
        Kind::Text,
        "How much is said, or that by target, as in `info,dragoman::upstream=debug`; without it `info`.",
    ),
    Key::new(
        "format",
        Kind::Word(Words::of(|| words(log::FORMATS))),
        "Text or JSON; `auto` is text on a terminal and JSON elsewhere. Without it `auto`.",
    ),
    Key::new("access", Kind::Boolean, "True: a line of each request and socket, without queries."),
]);

pub static TRACING: Table = Table::of(&[
    Key::needed(
        "endpoint",
        Kind::Text,
        "Where a collector takes OTLP over HTTP, `/v1/traces` where it has no path; `off` for nowhere.",
    ),
    Key::new("headers", Kind::Secret("headers_file"), "What it is shown: `name=value`, several with commas."),
    Key::new("service", Kind::Text, "The `service.name`; without it `dragoman`."),
    Key::new("sample", Kind::Share, "The share of traces that is recorded; without it 1, which is all."),
    Key::new(
        "parents",
        Kind::Word(Words::of(|| words(tracing::PARENTS))),
        "What a client's `traceparent` is good for: `trust`, it decides what is recorded; `continue`, its trace goes on and we \
         decide; `link`, a trace of ours names it. Without it `continue`.",
    ),
    Key::new(
        "timeout",
        Kind::Duration(Duration::from_millis(100), MINUTE),
        "How long the collector may take; without it `10s`.",
    ),
    Key::new(
        "queue",
        Kind::Integer(1, 1_000_000),
        "Spans that may wait for it, further ones are dropped; without it 2048.",
    ),
]);
