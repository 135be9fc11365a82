//! What a backend says while its socket is away: heard once and in order when it is back, where its dialect has a history.

use super::play::{before, staging};
use super::watch;
use crate::client::Heard;
use crate::pair::scene::{Scene, Staging};
use crate::standin::Failing;

macro_rules! away {
    ($($name:ident: $from:literal, $to:literal;)*) => {
        $(#[tokio::test] async fn $name() { misses_nothing($from, $to).await; })*
    };
}

away! {
    from_frontdesk: "luxmart", "frontdesk";
    from_andromedia: "frontdesk", "andromedia";
    from_licomed: "frontdesk", "licomed";
    from_luxmart: "andromedia", "luxmart";
}

async fn misses_nothing(from: &'static str, to: &'static str) {
    let mut scene = Scene::set_as(from, to, &Staging { ..staging(String::new()) }).await;
    before(&mut scene).await;

    let handshakes = watch::handshakes(&scene);
    scene.backend.fail(Failing::RefuseHandshake(503));
    scene.backend.server().backstage().sockets.cut();
    watch::until("a handshake is refused", async || watch::handshakes(&scene) > handshakes).await;
    scene.backend.server().backstage().sockets.speak_alone(true);
    for text in ["one", "two", "three"] {
        scene.backend.say(text).await;
    }
    scene.backend.server().backstage().sockets.speak_alone(false);
    scene.backend.fail(Failing::No);
    for text in ["one", "two", "three"] {
        assert_eq!(scene.client.hears().await, Heard::Text(text.to_owned()), "{from} → {to}\n{}", scene.gateway.log());
    }
    scene.client.say("I heard").await;
    scene.backend.say("then all is well").await;
    assert_eq!(scene.client.hears().await, Heard::Text("then all is well".to_owned()), "nothing is heard twice");
    assert_eq!(watch::metric(&scene.gateway, "dragoman_upstream_missed_messages_total").await, 3.0);
    watch::settled(&scene).await;
}
