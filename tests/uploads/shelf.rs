//! A gateway whose five routes keep their files in one store, for each kind of store and journal. In: a row of the table.
//! Out: uploads, and what lies in the store, which somebody else may change.

use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{DIALECTS, Gateway, SECRET};
use crate::redis::RedisServer;
use crate::s3::{Kind, S3Server};
use crate::scene::{self, CONVERSATIONS, Upload};
use crate::tool::uploads;

/// Where files are, and what knows of them.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// A folder where there is none.
    pub bucket: Option<Kind>,
    /// Whether the same content is stored once.
    pub once: bool,
    /// The journal: in Redis, or the gateway's own.
    pub redis: bool,
}

/// Every kind of store, with each kind of journal.
pub const ROWS: [Row; 6] = [
    Row { bucket: None, once: false, redis: false },
    Row { bucket: None, once: true, redis: true },
    Row { bucket: Some(Kind::S3sFs), once: false, redis: true },
    Row { bucket: Some(Kind::S3sFs), once: true, redis: true },
    Row { bucket: Some(Kind::S3sFs), once: true, redis: false },
    Row { bucket: Some(Kind::Moto), once: false, redis: true },
];

/// A gateway with its store, which is called `files`.
pub struct Stage {
    pub gateway: Gateway,
    pub row: Row,
    bucket: Option<S3Server>,
    pub redis: Option<RedisServer>,
}

impl Stage {
    pub async fn start(row: Row) -> Self {
        Self::start_with(row, "", "", "").await
    }

    /// With further lines for the store, for every route, and at the end.
    pub async fn start_with(row: Row, store: &str, route: &str, more: &str) -> Self {
        eprintln!("{row:?}");
        let bucket = row.bucket.map(|kind| S3Server::start(kind, &["chat", "aside"]));
        let redis = row.redis.then(RedisServer::start);
        let place = match &bucket {
            Some(server) => format!("{}prefix = \"of/chat\"\n", server.config("chat")),
            None => "kind = \"fs\"\nroot = \"shelf\"\n".to_owned(),
        };
        let aside = match &bucket {
            Some(server) => server.config("aside"),
            None => "kind = \"fs\"\nroot = \"aside\"\n".to_owned(),
        };
        let change = |text: String| {
            let (head, rest) = text.split_once("[journal]").unwrap();
            let (embedded, rest) = rest.split_once("[stores.local]").unwrap();
            let journal = match &redis {
                Some(redis) => format!("\nkind = \"redis\"\nurl = \"{}\"\n\n", redis.url()),
                None => embedded.to_owned(),
            };
            let head = head.replace("[server]", &format!("[server]\nvisitor_secret = \"{SECRET}\""));
            let rest = rest.replace("uploads = \"local\"", &format!("uploads = \"files\"\n{route}"));
            format!(
                "{head}[journal]{journal}[stores.local]{rest}\n[stores.files]\n{place}once = {}\n{store}\n\
                 [stores.aside]\n{aside}\n{CONVERSATIONS}{more}",
                row.once
            )
        };
        let gateway = Gateway::start_changed(change).await;
        Stage { gateway, row, bucket, redis }
    }

    /// Uploads by every dialect, each with bytes of its own: their paths.
    pub async fn filled(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for (at, dialect) in DIALECTS.into_iter().enumerate() {
            paths.push(self.stored(dialect, "view.png", &content(at)).await);
        }
        paths
    }

    /// A good upload: the path of its URL.
    pub async fn stored(&self, dialect: &'static str, name: &str, content: &[u8]) -> String {
        let upload = Upload::of(&self.gateway, dialect).await;
        let answer = upload.send(&self.gateway, name, "image/png", content).await;
        assert!((200..300).contains(&answer.status), "{:?}: {dialect}: {answer:?}", self.row);
        match upload.told(&answer.json()) {
            Some(path) => path,
            // Its URL is told only to who receives the message.
            None => self.listed().await.pop().unwrap()["handle"].as_str().unwrap().to_owned(),
        }
    }

    /// What is known of uploads, in the order of their coming.
    pub async fn listed(&self) -> Vec<Value> {
        let listed = uploads(&self.gateway, &["list", "--format", "json"]).await;
        assert_eq!(listed.code, 0, "{:?}: {listed:?}", self.row);
        listed.records()
    }

    /// The names under which the store has objects.
    pub fn objects(&self) -> Vec<String> {
        match &self.bucket {
            Some(server) => {
                let names = server.objects("chat").into_iter();
                names.map(|name| name.strip_prefix("of/chat/").expect("below the prefix").to_owned()).collect()
            }
            None => below(self.gateway.folder().join("shelf")),
        }
    }

    /// What was put aside, by the name it has there.
    pub fn aside(&self) -> Vec<String> {
        match &self.bucket {
            Some(server) => server.objects("aside"),
            None => below(self.gateway.folder().join("aside")),
        }
    }

    /// The bytes of what was put aside, where it is a file.
    pub fn bytes_aside(&self, name: &str) -> Option<Vec<u8>> {
        match &self.bucket {
            Some(_) if self.row.bucket == Some(Kind::Moto) => None,
            Some(server) => server.bytes("aside", name),
            None => std::fs::read(self.gateway.folder().join("aside").join(name)).ok(),
        }
    }

    /// The bucket's server.
    pub fn server(&self) -> &S3Server {
        self.bucket.as_ref().expect("a bucket")
    }

    /// Changes an object, or puts one there, behind the gateway's back.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        match &self.bucket {
            Some(server) => server.write("chat", &format!("of/chat/{name}"), bytes),
            None => std::fs::write(self.gateway.folder().join("shelf").join(name), bytes).unwrap(),
        }
    }

    /// Removes an object behind the gateway's back.
    pub fn remove(&self, name: &str) {
        match &self.bucket {
            Some(server) => server.remove("chat", &format!("of/chat/{name}")),
            None => std::fs::remove_file(self.gateway.folder().join("shelf").join(name)).unwrap(),
        }
    }

    /// The file that an object is, where it is one.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        match &self.bucket {
            Some(_) if self.row.bucket == Some(Kind::Moto) => None,
            Some(server) => Some(server.bucket_folder("chat").join("of/chat").join(name)),
            None => Some(self.gateway.folder().join("shelf").join(name)),
        }
    }
}

/// A PNG to look at, unlike those of other numbers.
pub fn content(number: usize) -> Vec<u8> {
    [scene::PNG, format!("{number:08}").as_bytes()].concat()
}

fn below(folder: PathBuf) -> Vec<String> {
    let files = scene::files(&folder).into_iter();
    let mut names: Vec<String> =
        files.map(|file| file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
