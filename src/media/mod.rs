//! Files between dialects: a URL, a row id and an upload token are handles of one file. In: what was uploaded, or a
//! handle of it. Out: every handle and fact; the name or the bytes that the other side needs.

pub mod fetch;
pub mod file_name;
mod library;

pub use library::{Library, Upload};
