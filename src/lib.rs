//! Dragoman, a protocol-translating gateway for chat. Rooms are listed from the bottom up: a room imports only from
//! rooms above it in this list (`tests/architecture` fails otherwise).

pub mod dialect;
pub mod event;
pub mod fault;
pub mod naming;
