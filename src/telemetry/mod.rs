//! What the gateway says of itself to operators, besides metrics: lines of the log. In: how loud, in which form. Out: lines
//! on standard error.

mod line;
mod log;

pub use log::{BadLevel, Format, Log, LogSettings, is_level};
