//! Files between dialects: a URL, a row id and an upload token are handles of one file. In: what was uploaded, or a
//! handle of it. Out: every handle and fact; the name or the bytes that the other side needs.

pub mod fetch;
pub mod file_name;
mod hosted;
mod library;
pub mod signature;
mod sources;

pub use hosted::{Credential, FOLDER, Hosted};
pub use library::{Library, Upload};
pub use sources::{Place, Source, Sources};
