//! What a send comes to, between dialects: one confirmation to whoever sent it, or one error, however the backend confirms
//! (by an echo, a frame of its own, the answer of a call, or not at all) and whatever happens in between.

mod acknowledged;
mod by_id;
mod killed;
mod lost;
mod order;
mod repeated;
mod senders;
mod sockets;
mod stalled;
mod unsaid;

use serde_json::json;

use crate::client::Client;
use crate::faults::watch::metric;
use crate::pair::scene::{Scene, Staging, open};

/// A test for each way in which a backend confirms, with clients of another dialect.
macro_rules! over_backends {
    ($($test:ident)+) => {
        $(
            mod $test {
                #[tokio::test]
                async fn by_the_echo_in_a_department() {
                    super::$test("licomed", "frontdesk").await;
                }

                #[tokio::test]
                async fn by_the_echo_in_a_session() {
                    super::$test("frontdesk", "andromedia").await;
                }

                #[tokio::test]
                async fn by_a_frame_of_its_own() {
                    super::$test("frontdesk", "licomed").await;
                }

                #[tokio::test]
                async fn by_the_echo_among_admins() {
                    super::$test("andromedia", "luxmart").await;
                }

                #[tokio::test]
                async fn by_the_answer_of_a_call() {
                    super::$test("licomed", "divar").await;
                }

                #[tokio::test]
                async fn by_an_echo_to_a_call() {
                    super::$test("divar", "frontdesk").await;
                }
            }
        )+
    };
}
use over_backends;

/// A scene whose sends wait this long.
async fn scene(from: &'static str, to: &'static str, within: &str) -> Scene {
    let staging = Staging { route: format!("confirm_within = \"{within}\""), ..Staging::default() };
    Scene::set_as(from, to, &staging).await
}

/// Somebody else of the client's side: another member of staff, another admin.
async fn colleague(scene: &Scene) -> Box<dyn Client> {
    let claims = match scene.from {
        "frontdesk" => json!({ "sub": "3", "role": "staff", "name": "Bob Staff", "department": "reception" }),
        "luxmart" => json!({ "sub": "3", "role": "admin", "name": "Mia" }),
        other => panic!("nobody has a colleague in {other}"),
    };
    let opened = open(scene.from, scene.gateway.address, scene.gateway.token(claims)).await;
    opened.unwrap_or_else(|status| panic!("refused with {status}\n{}", scene.gateway.log()))
}

/// How many sends wait for their confirmation.
async fn unconfirmed(scene: &Scene) -> f64 {
    metric(&scene.gateway, "dragoman_unconfirmed").await
}
