//! A link over sockets that a test holds.
