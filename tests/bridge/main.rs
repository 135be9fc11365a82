//! Routes that lead to an upstream: every ordered pair of dialects, and what happens when the upstream fails.

mod buttons;
mod client;
mod confirmations;
mod family;
mod faults;
mod files;
#[path = "../harness/mod.rs"]
mod harness;
mod hub;
mod login;
mod media;
mod pair;
mod passage;
mod pieces;
mod shared;
mod sixth;
mod standin;
mod subscriptions;
mod support;
