//! What the house says in a conversation with a guest is also said to the guest's phone: against a stand-in of the WhatsApp
//! Cloud API that refuses whatever its documentation does not have, and that fails, dies and comes back.

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../harness/redis.rs"]
mod redis;

mod api;
mod faults;
mod request;
mod said;
mod scene;
mod several;
