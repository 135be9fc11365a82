//! Routes that lead to an upstream: every ordered pair of dialects, and what happens when the upstream fails.

mod buttons;
mod client;
mod confirmations;
mod faults;
mod files;
#[path = "../harness/mod.rs"]
mod harness;
mod hub;
mod media;
mod pair;
mod passage;
mod pieces;
mod sixth;
mod standin;
mod support;
