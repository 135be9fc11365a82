//! The calls of divar: upload token, upload, sends, the conversation, subscriptions, media. In: a request. Out: the answer of
//! its document, or a status with code, message and details.

use std::sync::Arc;

use serde_json::json;

use super::bodies::{self, Refused, Said, Shape};
use super::messages::{Content, Message, Sender, conversation};
use super::uploads::Kind;
use super::{CONVERSATION, House, webhooks};
use crate::standin::Taken;
use crate::standin::server::{Request, Response, json as answer_json, unknown, with_type};

/// Who sends what where.
struct Send<'a> {
    shape: Shape,
    conversation: &'a str,
}

impl House {
    pub(super) async fn answer(self: Arc<Self>, request: Request) -> Response {
        for key in request.query.keys() {
            self.backstage.ledger.complain(format!("the unknown key `{key}` in the query of {}", request.path));
        }
        let path = request.path.clone();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let answered = match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["experimental", "open-platform", "chat", "upload"]) => self.grant(&request),
            ("POST", ["upload", kind]) => self.upload(kind, &request).await,
            ("POST", ["v2", "open-platform", "conversations", id, "messages"]) => {
                self.send(&request, Send { shape: Shape::Users, conversation: id }).await
            }
            ("POST", ["v1" | "experimental", "open-platform", "chat", "bot", "conversations", id, "messages"])
            | ("POST", ["v2" | "experimental", "open-platform", "chatbot-conversations", id, "messages"]) => {
                self.send(&request, Send { shape: Shape::Bot, conversation: id }).await
            }
            ("POST", ["v1" | "experimental", "open-platform", "chat", "bot", "users", user, "messages"]) => {
                let conversation = format!("bot-{user}");
                self.send(&request, Send { shape: Shape::Bot, conversation: &conversation }).await
            }
            ("GET", ["v1", "open-platform", "chat", "conversations", id]) => self.conversation(&request, id),
            ("POST", ["v1", "open-platform", "events", "subscriptions"]) => self.subscribe(&request),
            ("GET", ["media", ..]) => self.media(&path),
            _ => return unknown(&self.backstage, &request),
        };
        answered.unwrap_or_else(|refused| answer_json(refused.status, &refused.body()))
    }

    /// The app's key; in a user's name, the user's token too.
    fn key(&self, request: &Request, in_a_name: bool) -> Result<String, Refused> {
        let rules = self.rules.lock().unwrap().clone();
        let key = request.header("x-api-key").filter(|key| rules.keys.iter().any(|known| known == key));
        let key = key.ok_or_else(|| Refused::no_credential("the API key"))?;
        if rules.access_token.is_some_and(|token| in_a_name && request.credential("Bearer") != Some(&token)) {
            return Err(Refused::no_credential("the access token"));
        }
        if rules.is_forbidden {
            return Err(Refused::new(403, 7, "the key lacks a permission"));
        }
        Ok(key.to_owned())
    }

    fn grant(&self, request: &Request) -> Result<Response, Refused> {
        let key = self.key(request, false)?;
        if !request.body.is_empty() && request.json() != Some(json!({})) {
            self.backstage.ledger.complain("a body where an upload token is asked for".to_owned());
        }
        Ok(answer_json(200, &json!({ "token": self.kept.lock().unwrap().uploads.grant(&key) })))
    }

    async fn upload(&self, kind: &str, request: &Request) -> Result<Response, Refused> {
        let complain = |what: String| self.backstage.ledger.complain(what);
        // The first version of the page wrote Basic.
        let grant = request.credential("Bearer").or_else(|| request.credential("Basic"));
        let grant = grant.filter(|grant| self.kept.lock().unwrap().uploads.is_granted(grant));
        let grant = grant.ok_or_else(|| Refused::no_credential("the upload token"))?;
        let Some(kind) = Kind::of_path(kind) else {
            complain(format!("an upload of the unknown kind `{kind}`"));
            return Err(Refused::new(404, 5, "no such kind of media"));
        };
        let form = request.form().await.map_err(|why| {
            complain(format!("an upload without a form: {why}"));
            Refused::new(400, 3, why)
        })?;
        for name in form.names().filter(|name| *name != "file") {
            complain(format!("an upload with the unknown field `{name}`"));
        }
        let part = form.file("file").ok_or_else(|| Refused::new(400, 3, "`file` is required, with a file name"))?;
        let mut kept = self.kept.lock().unwrap();
        let id = kept.uploads.take(grant, kind, &part.name, &part.mime, part.bytes.clone())?;
        self.backstage.ledger.uploaded();
        Ok(answer_json(200, &json!({ "id": id, "status": "ok" })))
    }

    async fn send(self: &Arc<Self>, request: &Request, send: Send<'_>) -> Result<Response, Refused> {
        let key = self.key(request, send.shape == Shape::Users)?;
        let ledger = &self.backstage.ledger;
        if !request.header("content-type").is_some_and(|mime| mime.starts_with("application/json")) {
            ledger.complain(format!("a send that is no application/json: {:?}", request.header("content-type")));
        }
        let rules = self.rules.lock().unwrap().clone();
        let said =
            bodies::read(send.shape, &request.body, rules.words_beside_media, &mut |what| ledger.complain(what))?;
        let taken = self.as_taken(&send, said, &key, request)?;
        if rules.is_restricted {
            return Err(Refused::new(412, 9, "the recipient is restricted"));
        }
        self.backstage.keeps_call().await;
        let (taken, content) = taken;
        let message = self.keep(&send, content);
        ledger.take(taken);
        if rules.echoes {
            self.echo(message);
        }
        Ok(match send.shape {
            Shape::Users => answer_json(200, &json!({ "status": 200, "message": "ok" })),
            Shape::Bot => answer_json(200, &json!({ "conversation_id": send.conversation })),
        })
    }

    /// What a send says, with the file that its media token stands for.
    fn as_taken(&self, send: &Send, said: Said, key: &str, request: &Request) -> Result<(Taken, Content), Refused> {
        let conversation = send.conversation.to_owned();
        let Some(token) = said.media_token else {
            let content = Content::Text(said.words.clone());
            return Ok((Taken { kind: "text".into(), body: said.words, conversation, ..Taken::default() }, content));
        };
        let kept = self.kept.lock().unwrap();
        let media = kept.uploads.media(&token, key).ok_or_else(|| Refused::new(400, 3, "unknown media token"))?;
        let link = format!("http://{}/media/{token}/{}", request.address, super::encode(&media.name));
        let content = Content::File { kind: media.kind, link, name: media.name.clone(), size: media.bytes.len() };
        let taken = Taken {
            kind: media.kind.plain().to_owned(),
            body: said.words,
            conversation,
            name: Some(media.name.clone()),
            file: Some(media.bytes.to_vec()),
        };
        Ok((taken, content))
    }

    /// Keeps a message of the app; a conversation that is not known begins with it.
    fn keep(&self, send: &Send, content: Content) -> Message {
        let message = Message::new(send.conversation, Sender::Bot, content);
        let mut kept = self.kept.lock().unwrap();
        if send.shape == Shape::Bot {
            kept.bots.insert(send.conversation.to_owned());
        }
        kept.messages.push(message.clone());
        message
    }

    /// Tells the app of its own message, beside the answer.
    #[allow(clippy::disallowed_methods, reason = "the drain of the gateway is not concerned by a stand-in")]
    fn echo(self: &Arc<Self>, message: Message) {
        let event = message.as_event(self.kept.lock().unwrap().bots.contains(&message.conversation));
        let rules = self.rules.lock().unwrap().clone();
        let house = self.clone();
        tokio::spawn(async move {
            match webhooks::post(&rules.events_url, &rules.events_key, &event).await {
                Ok(200..300) => {}
                other => house.backstage.ledger.complain(format!("the event of an own message got {other:?}")),
            }
        });
    }

    /// Texts only, oldest first.
    fn conversation(&self, request: &Request, id: &str) -> Result<Response, Refused> {
        self.key(request, true)?;
        let kept = self.kept.lock().unwrap();
        let is_bots = kept.bots.contains(id);
        let mut messages = kept.messages.iter().filter(|message| message.conversation == id).peekable();
        if messages.peek().is_none() && id != CONVERSATION {
            return Err(Refused::new(404, 5, "no such conversation"));
        }
        let texts = messages.filter(|message| matches!(message.content, Content::Text(_)));
        let messages: Vec<_> = texts.map(|message| message.as_answer(is_bots)).collect();
        Ok(answer_json(200, &json!({ "conversation": conversation(id, is_bots), "messages": messages })))
    }

    fn subscribe(&self, request: &Request) -> Result<Response, Refused> {
        self.key(request, false)?;
        let body = request.json().unwrap_or_default();
        self.backstage.ledger.expect_keys("a subscription", &body, &["event_type", "event_resource_id", "metadata"]);
        match body["event_type"].as_str() {
            Some(kind @ ("NEW_MESSAGE_ON_POST" | "POST_UPDATE")) => {
                self.kept.lock().unwrap().subscriptions.push(kind.to_owned());
                Ok(answer_json(200, &json!({})))
            }
            _ => Err(Refused::new(400, 3, "unknown event_type")),
        }
    }

    /// What people sent, and what the app uploaded, by its link.
    fn media(&self, path: &str) -> Result<Response, Refused> {
        let kept = self.kept.lock().unwrap();
        if let Some((mime, bytes)) = kept.media.get(path) {
            return Ok(with_type(200, mime, bytes.clone()));
        }
        let token = path.split('/').nth(2).unwrap_or_default();
        let media = kept.uploads.linked(token).ok_or_else(|| Refused::new(404, 5, "no such media"))?;
        Ok(with_type(200, &media.mime, media.bytes.clone()))
    }
}
