//! Several gateway processes and one Redis: whoever is connected where, a confirmed message reaches every party once and in
//! order; while Redis restarts, subscriptions are cut, and a replica is killed.

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../harness/redis.rs"]
mod redis;

mod check;
mod faults;
mod groups;
mod replay;
mod revoked;
mod room;
mod stage;
