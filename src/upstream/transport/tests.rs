//! Transports and listeners that behave and misbehave, over loopback.
