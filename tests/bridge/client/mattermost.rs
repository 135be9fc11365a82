//! A user in one channel: posts go by HTTP, the answer is the confirmation; what others post comes over the socket, as
//! JSON in a text. Each event of a socket has the number after the one before.

use std::collections::VecDeque;
use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::line::{Line, Read, Reader};
use super::{Client, Heard, Outcome, fetch};
use crate::harness::http::{self, Answer};
use crate::harness::socket::Socket;

pub const CHANNEL: &str = "4xp9fdt77pncbef59f4k1qe83o";

pub struct Mattermost {
    gateway: SocketAddr,
    authorization: String,
    outcomes: VecDeque<Outcome>,
    line: Line<Events>,
}

#[derive(Default)]
struct Events {
    /// The number of the next event.
    next: i64,
    /// The ids of posts that a call has confirmed; they come back once more.
    called: Vec<Value>,
}

impl Reader for Events {
    fn read(&mut self, frame: &Value) -> Read {
        if frame.get("seq_reply").is_some() {
            return Read::Nothing;
        }
        assert_eq!(frame["seq"], self.next, "an event was missed before {frame}");
        self.next += 1;
        match frame["event"].as_str().unwrap_or_default() {
            "posted" => self.posted(frame),
            _ => Read::Nothing,
        }
    }
}

impl Events {
    fn posted(&mut self, frame: &Value) -> Read {
        let post: Value = serde_json::from_str(&text(&frame["data"]["post"])).expect("a post is JSON in a text");
        assert_eq!((&post["channel_id"], &frame["broadcast"]["channel_id"]), (&json!(CHANNEL), &json!(CHANNEL)));
        if let Some(place) = self.called.iter().position(|id| *id == post["id"]) {
            self.called.remove(place);
            return Read::Nothing;
        }
        let caption = text(&post["message"]);
        let (file, link) = (&post["metadata"]["files"][0], &post["props"]["attachments"][0]);
        Read::Heard(if file.is_object() {
            assert_eq!(post["file_ids"], json!([file["id"]]), "{post}");
            Heard::File { name: text(&file["name"]), url: format!("/api/v4/files/{}", text(&file["id"])), caption }
        } else if link.is_object() {
            Heard::File { name: text(&link["title"]), url: text(&link["title_link"]), caption }
        } else {
            Heard::Text(caption)
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Status and words of a refusal, which must look like one.
fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert!(body.is_null() || body["status_code"] == answer.status, "{answer:?}");
    (answer.status, text(&body["message"]))
}

impl Mattermost {
    fn headers(&self) -> [(&str, &str); 1] {
        [("Authorization", &self.authorization)]
    }

    /// Posts; the post of the answer, or status and words of the refusal.
    pub async fn post(&mut self, mut body: Value) -> Result<Value, (u16, String)> {
        body["channel_id"] = json!(CHANNEL);
        let answer = http::post_json(self.gateway, "/api/v4/posts", &self.headers(), body.to_string().as_bytes()).await;
        if answer.status != 201 {
            return Err(refusal(&answer));
        }
        let post = answer.json();
        self.line.reader.called.push(post["id"].clone());
        Ok(post)
    }

    /// Says that the user types, as the `seq`th thing that it says; waits for nothing.
    pub async fn types(&mut self, seq: i64) {
        let data = json!({ "channel_id": CHANNEL, "parent_id": "" });
        self.line.say(&json!({ "action": "user_typing", "seq": seq, "data": data })).await;
    }

    /// Says what a test writes.
    pub async fn say_raw(&mut self, frame: &Value) {
        self.line.say(frame).await;
    }

    /// The next frame that is no greeting, as it came.
    pub async fn next_frame(&mut self) -> Value {
        loop {
            let frame = self.line.frame().await;
            if frame["event"] != "hello" {
                return frame;
            }
        }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = http::get(self.gateway, path, &self.headers()).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }
}

#[async_trait]
impl Client for Mattermost {
    async fn open(gateway: SocketAddr, token: String) -> Result<Self, u16> {
        let authorization = format!("Bearer {token}");
        let header = ("authorization", authorization.as_str());
        let socket = Socket::open_with(gateway, "/api/v4/websocket", &[header]).await?;
        let line = Line::new(socket, Events::default());
        Ok(Mattermost { gateway, authorization, outcomes: VecDeque::new(), line })
    }

    async fn send_text(&mut self, text: &str) {
        let outcome = match self.post(json!({ "message": text })).await {
            Ok(post) => Outcome::Confirmed { body: self::text(&post["message"]) },
            Err((_, text)) => Outcome::Error { text },
        };
        self.outcomes.push_back(outcome);
    }

    async fn outcome(&mut self) -> Outcome {
        self.outcomes.pop_front().expect("something was sent")
    }

    async fn say_file(&mut self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<(), (u16, String)> {
        let parts = [http::field("channel_id", CHANNEL), http::file("files", name, mime, bytes)];
        let answer = http::post_form(self.gateway, "/api/v4/files", &self.headers(), &parts).await;
        if answer.status != 201 {
            return Err(refusal(&answer));
        }
        let info = answer.json()["file_infos"][0].clone();
        assert_eq!((&info["name"], &info["mime_type"]), (&json!(name), &json!(mime)), "{info}");
        let post = self.post(json!({ "message": caption, "file_ids": [info["id"]] })).await?;
        assert_eq!(post["message"], caption, "{post}");
        Ok(())
    }

    async fn hears(&mut self) -> Heard {
        self.line.hears().await
    }

    async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        if url.starts_with('/') {
            let answer = http::get(self.gateway, url, &self.headers()).await;
            return (answer.status, answer.body);
        }
        fetch(self.gateway, url).await
    }

    async fn history(&mut self) -> Option<Vec<String>> {
        let list = self.get(&format!("/api/v4/channels/{CHANNEL}/posts?page=0&per_page=200")).await;
        let posts = list["order"].as_array().expect("an order").iter().rev().map(|id| &list["posts"][text(id)]);
        let words = |post: &Value| match text(&post["message"]) {
            message if message.is_empty() => text(&post["metadata"]["files"][0]["name"]),
            message => message,
        };
        Some(posts.map(words).collect())
    }

    async fn ended(&mut self) -> bool {
        self.line.ended().await
    }

    async fn closed(&mut self) -> u16 {
        self.line.closed().await
    }
}
