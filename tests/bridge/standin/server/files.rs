//! Files that a stand-in keeps in memory and serves without asking who wants them. In: bytes under a folder and a name.
//! Out: their URL path, and the bytes again.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;

use super::request::decode;
use super::{Response, text, with_type};

#[derive(Debug, Clone)]
pub struct File {
    pub mime: String,
    pub bytes: Bytes,
}

/// By path, decoded.
#[derive(Default)]
pub struct Files(Mutex<BTreeMap<String, File>>);

impl Files {
    /// Keeps a file as `folder/name`, or with a number before the extension when that is taken. `folder` begins with a
    /// slash and has none at its end. The path, as it stands in a URL.
    pub fn keep(&self, folder: &str, name: &str, mime: &str, bytes: Bytes) -> String {
        let mut files = self.0.lock().unwrap();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let dot = if extension.is_empty() { "" } else { "." };
        let numbered = (1..).map(|number| format!("{folder}/{stem}_{number}{dot}{extension}"));
        let path = std::iter::once(format!("{folder}/{name}")).chain(numbered).find(|path| !files.contains_key(path));
        let path = path.expect("numbers do not end");
        let encoded = encode(&path);
        files.insert(path, File { mime: mime.to_owned(), bytes });
        encoded
    }

    /// The file of a URL of this server: its path, or the whole of it. Other servers' are not known.
    pub fn of_url(&self, base: &str, url: &str) -> Option<File> {
        let path = if url.starts_with('/') { url } else { url.strip_prefix(base)? };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        self.0.lock().unwrap().get(&decode(path)).cloned()
    }

    /// As if somebody had cleared the disk.
    pub fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    pub fn serve(&self, path: &str) -> Response {
        match self.0.lock().unwrap().get(&decode(path)) {
            Some(file) => with_type(200, &file.mime, file.bytes.clone()),
            None => text(404, "Not Found"),
        }
    }
}

/// A path for a URL: all but letters, digits, slashes and `-._~` percent-encoded.
fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}
