//! Dragoman, a protocol-translating gateway for chat. The rooms and which of them may import which are listed in
//! `tests/architecture`, which fails on an arrow up.

pub mod activity;
pub mod admin;
pub mod app;
pub mod auth;
pub mod backend;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod dialect;
pub mod directory;
pub mod edge;
pub mod event;
pub mod fault;
pub mod hub;
pub mod images;
pub mod journal;
pub mod media;
pub mod metrics;
pub mod naming;
pub mod passage;
pub mod percent;
pub mod placement;
pub mod redis;
pub mod relay;
pub mod scan;
pub mod secret;
pub mod server;
pub mod session;
pub mod socket;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod tls;
pub mod trace;
pub mod upstream;
