//! What an operator watches: the metrics of a running gateway, that they stay few however many clients there are, and that
//! the document names them all.

#[path = "../bridge/client/mod.rs"]
mod client;
#[path = "../harness/mod.rs"]
mod harness;
#[path = "../bridge/standin/mod.rs"]
mod standin;

mod admin_secrets;
mod collector;
mod documented;
mod lines;
mod many;
mod page;
mod prometheus;
mod promtool;
mod recorder;
mod secrets;
mod stage;
mod traces;
mod traffic;
