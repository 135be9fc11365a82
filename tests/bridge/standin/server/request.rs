//! A request, read whole. In: what hyper reads. Out: path, query, headers, JSON or form, or a handshake.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full};
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use serde_json::Value;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Response;

pub struct Request {
    /// Where the server listens, for absolute URLs.
    pub address: SocketAddr,
    pub method: String,
    /// As it was sent, without the query.
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    upgrade: Option<OnUpgrade>,
}

/// A form: its fields, then its files, in the order sent.
#[derive(Debug, Default)]
pub struct Form {
    pub fields: Vec<(String, String)>,
    pub files: Vec<Part>,
}

/// A part with a file name.
#[derive(Debug, Clone)]
pub struct Part {
    pub field: String,
    pub name: String,
    /// As declared; empty when nothing was.
    pub mime: String,
    pub bytes: Bytes,
}

impl Form {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn file(&self, field: &str) -> Option<&Part> {
        self.files.iter().find(|part| part.field == field)
    }

    /// The names of all parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().map(|part| part.field.as_str());
        self.fields.iter().map(|(name, _)| name.as_str()).chain(files)
    }
}

impl Request {
    /// None when the body breaks off.
    pub(super) async fn read(mut request: hyper::Request<Incoming>, address: SocketAddr) -> Option<Self> {
        let is_handshake = request.headers().contains_key("sec-websocket-key");
        let upgrade = is_handshake.then(|| hyper::upgrade::on(&mut request));
        let (head, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Request {
            address,
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: pairs(head.uri.query().unwrap_or_default()),
            headers: head.headers,
            body,
            upgrade,
        })
    }

    pub fn is_handshake(&self) -> bool {
        self.upgrade.is_some()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What follows the scheme in `Authorization`.
    pub fn credential(&self, scheme: &str) -> Option<&str> {
        self.header("authorization")?.strip_prefix(scheme)?.strip_prefix(' ')
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as a form; what is wrong with it, if it is none.
    pub async fn form(&self) -> Result<Form, String> {
        let boundary = multer::parse_boundary(self.header("content-type").unwrap_or_default())
            .map_err(|error| format!("no form: {error}"))?;
        let body = self.body.clone();
        let mut parts = multer::Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
        let mut form = Form::default();
        while let Some(part) = parts.next_field().await.map_err(|error| format!("a broken form: {error}"))? {
            let field = part.name().unwrap_or_default().to_owned();
            let mime = part.content_type().map(ToString::to_string).unwrap_or_default();
            match part.file_name().map(str::to_owned) {
                Some(name) => {
                    let bytes = part.bytes().await.map_err(|error| format!("a broken file: {error}"))?;
                    form.files.push(Part { field, name, mime, bytes });
                }
                None => {
                    let value = part.text().await.map_err(|error| format!("a broken field: {error}"))?;
                    form.fields.push((field, value));
                }
            }
        }
        Ok(form)
    }

    /// The 101 and what comes after it, if this is a proper handshake.
    pub(super) fn upgrade(self, protocol: Option<&str>) -> Option<(Response, OnUpgrade)> {
        let asks = |name: &str, word: &str| {
            self.header(name).is_some_and(|value| value.to_ascii_lowercase().split(',').any(|one| one.trim() == word))
        };
        if !asks("upgrade", "websocket") || !asks("connection", "upgrade") || !asks("sec-websocket-version", "13") {
            return None;
        }
        let key = derive_accept_key(self.headers.get("sec-websocket-key")?.as_bytes());
        let mut answer = hyper::Response::builder()
            .status(101)
            .header("upgrade", "websocket")
            .header("connection", "Upgrade")
            .header("sec-websocket-accept", key);
        if let Some(protocol) = protocol {
            answer = answer.header("sec-websocket-protocol", protocol);
        }
        Some((answer.body(Full::default()).unwrap(), self.upgrade?))
    }
}

/// The pairs of a query; of a name given twice, the first.
fn pairs(query: &str) -> HashMap<String, String> {
    let mut pairs = HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(decode(name)).or_insert_with(|| decode(value));
    }
    pairs
}

/// Undoes percent encoding; also serves the last segments of paths.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
