//! One client of the demo: does the steps of its script and notes what it hears. In: a script, an address, a token. Out:
//! lines on the screen, and whether words and files arrived and as what.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use serde_json::Value;

use super::failure::Failure;
use super::http;
use super::inbox::Inbox;
use super::screen::Screen;
use super::script::{Body, Call, ClientScript, Listen, Step, fill};

/// As what something arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Words.
    Words,
    /// A file, as a file.
    File,
}

pub struct Client<'s, 'c> {
    pub script: &'s ClientScript,
    address: SocketAddr,
    screen: &'s Screen<'c>,
    /// What goes into `{name}`.
    variables: BTreeMap<String, String>,
    inbox: Inbox,
}

impl<'s, 'c> Client<'s, 'c> {
    /// Does what must come first and starts to listen. `credentials` are tokens by the name that the script has for
    /// them; `webhook` is for a client that is called.
    pub async fn open(
        script: &'s ClientScript,
        address: SocketAddr,
        screen: &'s Screen<'c>,
        credentials: BTreeMap<String, String>,
        webhook: Option<Inbox>,
    ) -> Result<Self, Failure> {
        let mut variables = credentials;
        variables.insert("words".to_owned(), script.words.clone());
        for step in &script.open {
            let Step::Call(call) = step else { return Err(Failure::NoSocket) };
            perform(script, address, screen, &mut variables, call).await?;
        }
        let inbox = match (&script.listen, webhook) {
            (_, Some(webhook)) => webhook,
            (Listen::Webhook { .. }, None) => return Err(Failure::NoSocket),
            (Listen::Socket { path, protocol }, None) => {
                screen.out(&script.dialect, &format!("WebSocket {}", shown(path, &variables)));
                let protocol = protocol.as_ref().map(|protocol| fill(protocol, &variables));
                Inbox::connect(address, &fill(path, &variables), protocol.as_deref()).await?
            }
        };
        Ok(Client { script, address, screen, variables, inbox })
    }

    /// Does these steps. Ok when every call was answered with success.
    pub async fn act(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for step in steps {
            match step {
                Step::Frame(frame) => {
                    self.screen.out(&self.script.dialect, &shown(frame, &self.variables));
                    self.inbox.send(fill(frame, &self.variables)).await?;
                }
                Step::Call(call) => {
                    perform(self.script, self.address, self.screen, &mut self.variables, call).await?;
                }
            }
        }
        Ok(())
    }

    /// Listens until something with this mark arrives, and says as what. Shows all that it hears.
    pub async fn hear(&mut self, mark: &str) -> Result<Arrival, Failure> {
        loop {
            let text = self.inbox.next().await?;
            self.screen.heard(&self.script.dialect, &text);
            if text.contains(mark) {
                let message: Value = serde_json::from_str(&text).map_err(Failure::other)?;
                return Ok(if self.script.text.holds(&message) { Arrival::Words } else { Arrival::File });
            }
        }
    }

    /// Whether it is told of its own messages by the answer of its call and by nothing else.
    pub fn hears_by_webhook(&self) -> bool {
        matches!(self.script.listen, Listen::Webhook { .. })
    }

    pub async fn close(&mut self) {
        self.inbox.close().await;
    }
}

async fn perform(
    script: &ClientScript,
    address: SocketAddr,
    screen: &Screen<'_>,
    variables: &mut BTreeMap<String, String>,
    call: &Call,
) -> Result<(), Failure> {
    let path = fill(&call.path, variables);
    let headers: Vec<(String, String)> =
        call.headers.iter().map(|(name, value)| (name.clone(), fill(value, variables))).collect();
    let (what, content) = match &call.body {
        Body::Empty => (String::new(), ("application/json".to_owned(), Bytes::new())),
        Body::Json(json) => {
            let body = Bytes::from(fill(json, variables));
            (shown(json, variables), ("application/json".to_owned(), body))
        }
        Body::Form { fields, file } => (format!("{file}={}", script.file.name), http::form(fields, file, &script.file)),
    };
    screen.out(&script.dialect, &format!("POST {} {what}", shown(&call.path, variables)));
    let answer = http::post(address, &path, &headers, content).await?;
    screen.heard(&script.dialect, &format!("{} {}", answer.status.as_u16(), hidden(&answer.text, call)));
    if !answer.status.is_success() {
        return Err(Failure::Refused { path: call.path.clone(), status: answer.status.as_u16(), answer: answer.text });
    }
    let json: Value = serde_json::from_str(&answer.text).map_err(Failure::other)?;
    for (name, pointer) in &call.keep {
        let value = match json.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => return Err(Failure::NotInAnswer(pointer.clone())),
        };
        variables.insert(name.clone(), value);
    }
    Ok(())
}

/// What of a template may be shown: all but credentials.
fn shown(template: &str, variables: &BTreeMap<String, String>) -> String {
    let public =
        variables.iter().filter(|(name, _)| !name.contains("token")).map(|(name, value)| (name.clone(), value.clone()));
    fill(template, &public.collect())
}

/// An answer that hands out a credential is not shown.
fn hidden<'a>(answer: &'a str, call: &Call) -> &'a str {
    if call.keep.keys().any(|name| name.contains("token")) { "{…}" } else { answer }
}
