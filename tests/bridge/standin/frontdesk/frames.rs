//! The staff's socket: who is let in, and what each frame does.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::server::{Request, Response, Said, Session, text};
use super::{CONVERSATION, DEPARTMENT, Desk, Profile, STAFF, User, shape};

const FILE_TYPES: [&str; 4] = ["image", "document", "video", "audio"];

impl Desk {
    pub(super) fn handshake(self: &Arc<Self>, request: Request) -> Response {
        let token = request.query.get("token").map(String::as_str).or_else(|| request.credential("Bearer"));
        let user = token.and_then(|token| self.user(token)).filter(|user| STAFF.contains(&user.role.as_str()));
        let Some(user) = user else {
            return text(403, "Access denied");
        };
        let (desk, base) = (self.clone(), format!("http://{}", request.address));
        let who = user.name.clone();
        self.backstage.accept(request, &who, None, move |session| async move {
            desk.visit(session, &user, &base).await;
        })
    }

    async fn visit(&self, mut session: Session, user: &User, base: &str) {
        let own = session.seat();
        self.tell_others(&own.id, "user_connected", user).await;
        while let Some(said) = session.hear().await {
            match said {
                Said::Text(text) => self.frame(&session, user, base, &text).await,
                Said::Binary => {
                    self.backstage.ledger.complain("socket: a binary frame".to_owned());
                    return session.close(1011).await;
                }
            }
        }
        self.tell_others(&own.id, "user_disconnected", user).await;
    }

    /// The deployed software says who comes and goes.
    async fn tell_others(&self, own: &u64, what: &str, user: &User) {
        if self.profile == Profile::Deployed {
            let data = json!({ "type": what, "user_id": user.id, "user_name": user.name, "department": DEPARTMENT });
            let frame = json!({ "type": "user_status", "data": data });
            self.backstage.sockets.say_where(|seat| seat.id != *own, &frame).await;
        }
    }

    async fn frame(&self, session: &Session, user: &User, base: &str, text: &str) {
        let done = match serde_json::from_str::<Value>(text) {
            Ok(frame) if frame.is_object() => self.act(session, user, base, &frame).await,
            _ => {
                self.backstage.ledger.complain(format!("socket: no JSON object: {text}"));
                Err("Invalid JSON format")
            }
        };
        if let Err(words) = done {
            session.say(&json!({ "type": "error", "message": words })).await;
        }
    }

    /// Does what a frame says, or refuses it in the real server's words.
    async fn act(&self, session: &Session, user: &User, base: &str, frame: &Value) -> Result<(), &'static str> {
        let expect = |keys: &[&str]| {
            let keys = [&["type", "conversation_id"], keys].concat();
            self.backstage.ledger.expect_keys("socket", frame, &keys);
        };
        match frame["type"].as_str().unwrap_or("text") {
            "text" => {
                expect(&["content"]);
                self.text(session, user, base, frame).await
            }
            "media" => {
                expect(&["file_url", "filename", "file_type", "caption"]);
                self.media(session, user, base, frame).await
            }
            "typing" => {
                expect(&["is_typing"]);
                self.conversation(frame, user, "Conversation ID is required")?;
                if self.profile == Profile::Deployed {
                    let data = json!({
                        "conversation_id": CONVERSATION, "user_id": user.id, "user_name": user.name,
                        "is_typing": frame["is_typing"],
                    });
                    self.backstage.sockets.say_all(&json!({ "type": "typing", "data": data })).await;
                }
                Ok(())
            }
            other => {
                let status = match other {
                    "mark_read" => "marked_read",
                    "subscribe_conversation" => "subscribed",
                    "unsubscribe_conversation" => "unsubscribed",
                    "close_conversation" => "conversation_closed",
                    "reopen-temporary" => "reopen_button_sent",
                    _ => {
                        self.backstage.ledger.complain(format!("socket: unknown type {other:?}"));
                        return Err("Invalid message type");
                    }
                };
                expect(&[]);
                self.conversation(frame, user, "Conversation ID is required")?;
                if other == "mark_read" {
                    self.read(None);
                }
                self.acknowledge(session, status, None).await;
                if other == "close_conversation" {
                    self.close(&user.name).await;
                }
                Ok(())
            }
        }
    }

    async fn text(&self, session: &Session, user: &User, base: &str, frame: &Value) -> Result<(), &'static str> {
        let content = frame["content"].as_str().map(str::trim).filter(|content| !content.is_empty());
        let content = content.ok_or("Message content cannot be empty")?;
        self.conversation(frame, user, "Conversation ID is required")?;
        self.send(session, user, base, ("text", content), None).await;
        Ok(())
    }

    async fn media(&self, session: &Session, user: &User, base: &str, frame: &Value) -> Result<(), &'static str> {
        let given = |key: &str| frame[key].as_str().filter(|value| !value.is_empty());
        if frame["conversation_id"].is_null() {
            return Err("Conversation ID is required for media messages");
        }
        let url = given("file_url").ok_or("File URL is required for media messages")?;
        let name = given("filename").ok_or("Filename is required for media messages")?;
        let kind = given("file_type").ok_or("File type is required for media messages")?;
        if !FILE_TYPES.contains(&kind) {
            return Err("Invalid file type. Must be one of: ['image', 'document', 'video', 'audio']");
        }
        self.conversation(frame, user, "Conversation ID is required for media messages")?;
        let content = match given("caption") {
            Some(caption) => caption,
            None if self.profile == Profile::Deployed => name,
            None => "",
        };
        self.send(session, user, base, (kind, content), Some((url.to_owned(), name.to_owned()))).await;
        Ok(())
    }

    /// Keeps a message, confirms it and tells the department.
    async fn send(
        &self,
        session: &Session,
        user: &User,
        base: &str,
        (kind, content): (&str, &str),
        media: Option<(String, String)>,
    ) {
        if !self.backstage.keeps().await {
            return;
        }
        let message = self.keep(Some(user), kind, content, media);
        self.take(base, &message);
        self.acknowledge(session, "received", Some(message.id)).await;
        self.tell(&message).await;
    }

    async fn acknowledge(&self, session: &Session, status: &str, message: Option<usize>) {
        if self.profile == Profile::Documented {
            return;
        }
        let mut frame = json!({ "type": "acknowledgment", "status": status });
        if let Some(message) = message {
            frame["message_id"] = json!(message);
        }
        frame["timestamp"] = json!(shape::microseconds(Timestamp::now()));
        frame["conversation_id"] = json!(CONVERSATION);
        session.say(&frame).await;
    }

    /// Whether the frame names the conversation of this user.
    fn conversation(&self, frame: &Value, user: &User, missing: &'static str) -> Result<(), &'static str> {
        let id = &frame["conversation_id"];
        if id.is_null() {
            return Err(missing);
        }
        if !id.is_u64() {
            self.backstage.ledger.complain(format!("socket: conversation_id is no integer: {id}"));
        }
        if *id != json!(CONVERSATION) && *id != json!(CONVERSATION.to_string()) {
            return Err("Conversation not found");
        }
        if user.is_of_department { Ok(()) } else { Err("Access denied to this conversation") }
    }
}
