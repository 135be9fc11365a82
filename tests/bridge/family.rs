//! What servers of licomed's family say beside its document, said by the hub: that a message was read, where the route wants
//! it, and who is there, on a socket of its own.

use serde_json::{Value, json};

use crate::harness::Gateway;
use crate::harness::socket::Socket;

const ANN: &str = "0e9d4c1b-7a25-4f83-b6c0-58d3a1f2e794";
const BOB: &str = "5d0c8e1f-3b6a-4d27-9e48-c1f70a92b6d3";
const CAROL: &str = "93b1f7d2-6c04-4a5e-8f19-2e7d0c5b8a46";

const ROOM: &str = "/ws/chat/room/";
const PRESENCE: &str = "/ws/presence/";

async fn open(gateway: &Gateway, user: &str, path: &str) -> Socket {
    let token = gateway.token(json!({ "sub": user, "role": "user" }));
    Socket::open(gateway.address, &format!("{path}?token={token}"), None).await.unwrap()
}

/// Says a text and waits until both have it; its id.
async fn write(from: &mut Socket, to: &mut Socket, receiver: &str, words: &str) -> Value {
    from.say(&json!({ "action": "text_message", "message_body": words, "receiver_id": receiver }).to_string()).await;
    let (told, confirmed) = (to.frame().await, from.frame().await);
    assert_eq!((&told["action"], &told["message"]), (&json!("re_message"), &json!(words)), "{told}");
    assert_eq!(confirmed["action"], "conf_message", "{confirmed}");
    assert_eq!(confirmed["created_msg_id"], told["created_msg_id"]);
    told["created_msg_id"].clone()
}

fn presence(user: &str, status: &str) -> Value {
    json!({ "action": "presence", "status": status, "user_id": user })
}

#[tokio::test]
async fn an_author_is_told_what_was_read_where_the_route_wants_it() {
    for tells in [true, false] {
        let options = format!("options = {{ tell_seen = {tells} }}");
        let gateway =
            Gateway::start_with("", |dialect| if dialect == "licomed" { options.clone() } else { String::new() }).await;
        let (mut ann, mut bob) = (open(&gateway, ANN, ROOM).await, open(&gateway, BOB, ROOM).await);
        let id = write(&mut ann, &mut bob, BOB, "hello").await;
        bob.say(&json!({ "action": "msg_seen", "msg_id": id, "sender_id": ANN }).to_string()).await;
        if tells {
            assert_eq!(ann.frame().await, json!({ "action": "msg_seen", "msg_id": id }));
        }
        // Nothing else was said to either.
        write(&mut bob, &mut ann, ANN, "hello yourself").await;
    }
}

#[tokio::test]
async fn those_who_talk_to_each_other_are_told_who_is_there() {
    let gateway = Gateway::start("").await;
    let (mut ann, mut bob) = (open(&gateway, ANN, ROOM).await, open(&gateway, BOB, ROOM).await);
    write(&mut ann, &mut bob, BOB, "hello").await;
    let mut watching = open(&gateway, BOB, PRESENCE).await;
    // Somebody with whom there is no thread.
    let stranger = open(&gateway, CAROL, PRESENCE).await;
    let present = open(&gateway, ANN, PRESENCE).await;
    assert_eq!(watching.frame().await, presence(ANN, "online"));
    // Messages are said in the room.
    write(&mut ann, &mut bob, BOB, "are you there?").await;
    drop(stranger);
    drop(present);
    assert_eq!(watching.frame().await, presence(ANN, "offline"));
    watching.say("{\"action\":\"text_message\"}").await;
    assert_eq!(watching.frame().await, json!({ "action": "error", "message": "Unknown action" }));
}

#[tokio::test]
async fn nobody_in_particular_is_there_for_nobody() {
    let gateway = Gateway::start("").await;
    for path in [PRESENCE.to_owned(), format!("{PRESENCE}?token=nonsense")] {
        assert_eq!(Socket::open(gateway.address, &path, None).await.err(), Some(403), "{path}");
    }
}
