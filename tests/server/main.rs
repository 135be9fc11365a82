//! The HTTP side as a client's bytes meet it: requests that two readers could understand differently, clients that are
//! slow or go away, uploads cut anywhere, files served. Each test has a server of its own on a free port.

#[path = "../harness/identity.rs"]
#[allow(dead_code)]
mod identity;

mod downloads;
mod guards;
mod keys;
mod proxies;
mod secured;
mod site;
mod slow;
mod uploads;
