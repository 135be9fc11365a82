//! What an operator watches: the metrics of a running gateway, that they stay few however many clients there are, and that
//! the document names them all.

#[path = "../harness/mod.rs"]
mod harness;

mod documented;
mod many;
mod page;
mod promtool;
mod traffic;
