//! The gateway as a process: what survives a kill, how it stops, what the limits of a route do; commands that read
//! from a pipe.

#[path = "../harness/mod.rs"]
mod harness;

mod admin;
mod durability;
mod explain;
mod identity;
mod limits;
mod origins;
mod rates;
mod reload;
mod replay;
mod stop;
mod webhooks;
