//! The journal by command, with the real program: backups of a gateway that runs, restoring, verifying, copying into Redis;
//! and each of them killed in the middle.

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../harness/redis.rs"]
mod redis;

mod command;
mod killed;
mod operator;
