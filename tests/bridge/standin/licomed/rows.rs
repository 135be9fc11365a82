//! What the stand-in for licomed has in its tables. In: users, messages, files. Out: the same, found again.

use bytes::Bytes;

#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub fullname: String,
    pub email: String,
    pub phone_number: String,
}

impl User {
    /// An invented user; the number keeps mail and phone of two apart.
    pub fn invented(id: &str, number: usize) -> Self {
        User {
            id: id.to_owned(),
            fullname: format!("User Number{number}"),
            email: format!("user{number}@licomed.example"),
            phone_number: format!("55501{number:02}"),
        }
    }
}

/// A file as it is kept and served.
#[derive(Debug, Clone)]
pub struct File {
    /// Below `/media/chat-files/`.
    pub stored: String,
    /// The display name.
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
}

#[derive(Debug, Clone)]
pub enum Content {
    Text(String),
    File {
        words: String,
        file: File,
        /// Whether its frame went out; only the first one reaches the receiver.
        announced: bool,
    },
    /// The user whose profile it is.
    Profile(String),
}

#[derive(Debug, Clone)]
pub struct Message {
    pub id: u64,
    pub thread: u64,
    pub sender: String,
    pub receiver: String,
    /// Since 1970.
    pub microseconds: i64,
    pub content: Content,
}

/// Everything the backend keeps. Ids count from 1, as in the document.
#[derive(Debug, Default)]
pub struct Rows {
    pub users: Vec<User>,
    pub messages: Vec<Message>,
    /// The pair of each thread; its id is the place, from 1.
    pub(super) threads: Vec<[String; 2]>,
}

impl Rows {
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id.eq_ignore_ascii_case(id))
    }

    pub fn message(&mut self, id: u64) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.id == id)
    }

    /// Keeps a message and opens the pair's thread with the first one.
    pub fn keep(&mut self, sender: &str, receiver: &str, content: Content) -> Message {
        let mut pair = [sender.to_owned(), receiver.to_owned()];
        pair.sort();
        let place = self.threads.iter().position(|known| *known == pair).unwrap_or_else(|| {
            self.threads.push(pair);
            self.threads.len() - 1
        });
        let message = Message {
            id: self.messages.len() as u64 + 1,
            thread: place as u64 + 1,
            sender: sender.to_owned(),
            receiver: receiver.to_owned(),
            microseconds: jiff::Timestamp::now().as_microsecond(),
            content,
        };
        self.messages.push(message.clone());
        message
    }

    pub fn announce(&mut self, id: u64) {
        if let Some(Message { content: Content::File { announced, .. }, .. }) = self.message(id) {
            *announced = true;
        }
    }

    /// A file under a name that no other has: spaces become `_`, and what is no letter, digit, dot or dash is left out.
    pub fn store(&self, name: &str, display: &str, mime: &str, bytes: Bytes) -> File {
        let of_names = |letter: &char| letter.is_alphanumeric() || "-_.".contains(*letter);
        let mut stored: String = name.replace(' ', "_").chars().filter(of_names).collect();
        if self.file_at(&stored).is_some() {
            let (stem, extension) = stored.rsplit_once('.').unwrap_or((&stored, ""));
            let salt = uuid::Uuid::new_v4().simple().to_string();
            stored = format!("{stem}_{}.{extension}", &salt[..7]);
        }
        let mime = if mime.is_empty() { "application/octet-stream" } else { mime };
        File { stored, name: display.to_owned(), mime: mime.to_owned(), bytes }
    }

    /// By its name below `/media/chat-files/`.
    pub fn file_at(&self, stored: &str) -> Option<&File> {
        self.messages.iter().find_map(|message| match &message.content {
            Content::File { file, .. } if file.stored == stored => Some(file),
            _ => None,
        })
    }
}
