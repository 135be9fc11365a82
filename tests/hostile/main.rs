//! Bad input, as a table: for each dialect the bytes, and what its own refusal looks like. After every refusal a good
//! message is confirmed, at the end the history holds all good ones and nothing else, and the process lives.

#[path = "../harness/mod.rs"]
mod harness;

mod access;
mod frames;
mod place;
mod uploads;
