//! Files across the bridge: large ones, the limits of every target, uploads that fail, and the upstream's own files shown
//! to clients. A real gateway process, stand-in backends, and a rude host between them where something is to go wrong.

mod between;
mod documents;
mod failures;
mod hosted;
mod large;
mod limits;
mod memory;
mod origin;
mod stage;
mod straight;
