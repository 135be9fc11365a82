//! The keys that an identity provider publishes (JSON Web Key Sets, RFC 7517). In: an address or a file, and a token's `kid`
//! and algorithm. Out: the keys that may have signed it, kept and fetched anew before they are old; or why there is none.

mod document;
mod fetch;
mod held;
mod keep;
mod registry;
mod settings;

pub use document::{BadKeys, Key};
pub use fetch::{FetchError, fetch, read_file};
pub use held::KeySet;
pub use registry::KeySets;
pub use settings::{KeySetSettings, Source};
