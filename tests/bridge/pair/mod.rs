//! Every ordered pair of dialects: a raw client of one, a stand-in backend of the other, the gateway between them.

pub mod scene;
mod story;
pub use story::play;
mod table;
