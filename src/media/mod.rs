//! Files between dialects: a URL, a row id and an upload token are handles of one file. In: what was uploaded, or a
//! handle of it. Out: every handle and fact; the name or the bytes that the other side needs.

mod contents;
mod copies;
pub mod fetch;
pub mod file_name;
mod hosted;
mod library;
pub mod lifecycle;
mod names;
pub mod signature;
mod sources;
mod unfinished;

pub use contents::Contents;
pub use copies::Copier;
pub use hosted::{Credential, FOLDER, Hosted};
pub use library::{Attached, Library, Upload};
pub use names::{Claim, Names};
pub use sources::{Place, Source, Sources};
pub use unfinished::Unfinished;
