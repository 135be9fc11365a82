//! Several replicas over one Redis: what was said at any of them is said to the guest once.

use serde_json::Value;

use super::api::{Api, texts};
use super::harness::Gateway;
use super::redis::RedisServer;
use super::scene::{ROOM, Staff, TOLD, config, figure_is};

#[tokio::test]
async fn whichever_replica_hears_it_the_guest_is_told_once() {
    let mut api = Api::start().await;
    let redis = RedisServer::start();
    let replica = async || Gateway::start_replica(&redis.url(), &config(&api, "")).await;
    let (mut one, other) = (replica().await, replica().await);
    let (mut here, mut there) = (Staff::at(&one).await, Staff::at(&other).await);
    for text in ["a1", "a2", "a3"] {
        here.say(ROOM, text).await;
        assert_eq!(there.hear().await["message"]["content"], text);
    }
    for text in ["b1", "b2", "b3"] {
        there.say(ROOM, text).await;
        assert_eq!(here.hear().await["message"]["content"], text);
    }
    assert_eq!(texts(&api.taken(6).await), ["a1", "a2", "a3", "b1", "b2", "b3"]);
    // What is counted is noted. The one that calls dies, perhaps; another goes on.
    figure_is(&[&one, &other], TOLD, 6).await;
    one.kill().await;
    there.say(ROOM, "after it died").await;
    let taken: Vec<Value> = api.taken(7).await;
    assert_eq!(texts(&taken), ["a1", "a2", "a3", "b1", "b2", "b3", "after it died"]);
    assert_eq!(api.violations(), [""; 0]);
}
