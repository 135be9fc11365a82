//! Dialects: chat APIs as data. In: a dialect file. Out: a [`Dialect`] whose shapes decode frames into fields and encode
//! fields into frames. No I/O, and no dialect is known here by name but in the list of built-ins.

pub mod builtin;
mod buttons;
mod capture;
mod carry;
mod codec;
mod file;
mod frame;
mod hole;
mod json;
pub mod loss;
mod model;
mod problem;
mod read;
mod redact;
mod refuse;
mod sample;
pub mod schema;
mod shape;
mod table;
pub mod translation;
mod url_end;
mod write;

pub use buttons::{Grid, Spelled};
pub use carry::{Carried, Degradation, OnLoss, as_text, is_told};
pub use codec::{Codec, Fidelity};
pub use file::{Choice, schema as file_schema};
pub use frame::{Frame, FrameSet, Read};
pub use model::*;
pub use problem::{Problem, Problems, suggestion};
pub use read::{Tried, Verdict, kind_of_file};
pub use redact::Redaction;
pub use refuse::{RefusedCall, RefusedFrame};
pub use write::Unwritable;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
