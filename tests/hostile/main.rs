//! Bad input, as a table: for each dialect the bytes, and what its own refusal looks like. After every refusal a good
//! message is confirmed, at the end the history holds all good ones and nothing else, and the process lives.

#[path = "../../fuzz/src/lib.rs"]
mod bodies;
#[path = "../harness/mod.rs"]
mod harness;

mod access;
mod frames;
mod mutated;
mod place;
mod uploads;
