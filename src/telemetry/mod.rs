//! What the gateway says of itself to operators, besides metrics: lines of the log, and spans for a collector. In: how loud,
//! in which form, where to. Out: lines on standard error, OTLP over HTTP. Nobody waits for either.

mod collector;
mod export;
mod line;
mod log;
mod queue;
mod sampler;

pub use export::{Export, TraceSettings};
pub use log::{BadLevel, Format, Log, LogSettings, is_level};
