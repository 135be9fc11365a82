//! The gateway's process is killed between a send and its confirmation: what its sender repeats is not sent a second time,
//! and the sender is told that nobody knows.

use super::repeated::send;
use super::{scene, unconfirmed};
use crate::client::licomed::Licomed;
use crate::client::{Client, Outcome};
use crate::faults::watch::until;
use crate::media::{File, Format};
use crate::standin::Failing;

async fn killed(to: &'static str) {
    let mut scene = scene("divar", to, "30s").await;
    scene.backend.fail(Failing::DropNext);
    {
        let cut_off = send(&scene.gateway, "key-1", "perhaps");
        let mut cut_off = std::pin::pin!(cut_off);
        tokio::select! {
            answer = &mut cut_off => panic!("{to}: {answer:?}"),
            () = until("the backend has it", async || scene.backend.lost() == 1) => {}
        }
    }
    for _ in 0..2 {
        scene.gateway.kill_and_restart().await;
        let refused = send(&scene.gateway, "key-1", "perhaps").await;
        assert_eq!(refused.status, 503, "{to}: {refused:?}");
        let words = refused.json()["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(words, "Whether an earlier attempt was delivered is not known", "{to}");
    }
    assert_eq!((scene.backend.counts().0, scene.backend.lost()), (0, 1), "{to}: it was sent again");
    let anew = send(&scene.gateway, "key-2", "certainly").await;
    assert_eq!(anew.status, 200, "{to}: {anew:?}\n{}", scene.gateway.log());
    assert_eq!(scene.backend.taken().await.body, "certainly");
    assert_eq!(unconfirmed(&scene).await, 0.0);
}

#[tokio::test]
async fn before_an_echo() {
    killed("frontdesk").await;
}

#[tokio::test]
async fn before_an_echo_in_a_session() {
    killed("andromedia").await;
}

#[tokio::test]
async fn before_a_frame_of_its_own() {
    killed("licomed").await;
}

#[tokio::test]
async fn before_the_answer_of_a_call() {
    let mut scene = scene("licomed", "divar", "30s").await;
    let mut user = Licomed::open(scene.gateway.address, scene.token.clone()).await.expect("a socket");
    let file = File::new(Format::Png, 10_000, 3);
    let chat = user.upload(&file.name(), "image/png", &file.bytes(), "").await.expect("an upload");
    scene.backend.fail(Failing::DropNext);
    user.announce(chat).await;
    until("the backend has it", async || scene.backend.lost() == 1).await;
    scene.gateway.kill_and_restart().await;
    let mut user = Licomed::open(scene.gateway.address, scene.token.clone()).await.expect("a socket");
    user.announce(chat).await;
    let told = user.outcome().await;
    assert_eq!(told, Outcome::Error { text: "Whether an earlier attempt was delivered is not known".to_owned() });
    assert_eq!((scene.backend.counts().0, scene.backend.lost()), (0, 1));
    user.say("another message").await;
    assert_eq!(scene.backend.taken().await.body, "another message");
}
