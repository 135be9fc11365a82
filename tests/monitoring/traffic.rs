//! A little of all that clients of a gateway do. In: one with the five routes. Out: counts that are not nought.

use serde_json::json;

use crate::harness::socket::Socket;
use crate::harness::{Gateway, http};

pub const ALICE: &str = "7d4f2a10-0000-4000-8000-0000000000a1";
pub const BOB: &str = "7d4f2a10-0000-4000-8000-0000000000b2";

/// Two users who write to each other.
pub struct Two {
    pub alice: Socket,
    pub bob: Socket,
}

impl Two {
    pub async fn meet(gateway: &Gateway) -> Self {
        let open = |id| {
            let token = gateway.token(json!({ "sub": id, "role": "user" }));
            let path = format!("/ws/chat/room/?token={token}");
            async move { Socket::open(gateway.address, &path, None).await.expect("a socket") }
        };
        Two { alice: open(ALICE).await, bob: open(BOB).await }
    }

    /// Alice says it, Bob hears it, Alice hears that it was taken.
    pub async fn say(&mut self, text: &str) {
        let frame = json!({ "action": "text_message", "message_body": text, "receiver_id": BOB });
        self.alice.say(&frame.to_string()).await;
        assert_eq!(self.bob.frame().await["action"], "re_message");
        assert_eq!(self.alice.frame().await["action"], "conf_message");
    }
}

/// Messages, an upload, a refusal of each kind, a path that is none.
pub async fn some(gateway: &Gateway) {
    let mut two = Two::meet(gateway).await;
    for _ in 0..3 {
        two.say("hello").await;
    }
    two.alice.say("{}").await;
    two.alice.frame().await;
    let bearer = format!("Bearer {}", gateway.token(json!({ "sub": ALICE, "role": "user" })));
    let headers = [("Authorization", bearer.as_str())];
    let parts =
        [http::field("receiver", BOB), http::file("attached_file", "a.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n")];
    assert_eq!(http::post_form(gateway.address, "/chat/attachment/", &headers, &parts).await.status, 201);
    assert_eq!(http::get(gateway.address, "/chat/user/threads/", &headers).await.status, 200);
    assert_eq!(http::get(gateway.address, "/chat/user/threads/", &[]).await.status, 401);
}
