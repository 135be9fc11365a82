//! What becomes of a client, and of everybody else, while a backend fails: a gateway process, a stand-in that fails as it is
//! told, and a client of another dialect (or the same) in one conversation. Each test ends with the backend well again.

mod aside;
mod away;
mod between;
mod door;
mod endpoints;
mod expected;
mod forwarded;
mod page;
mod play;
mod same;
pub mod watch;

/// How long anything that must happen may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
