//! A server over a real journal, hub and store in a folder of its own. In: its bounds. Out: an address, and raw bytes
//! exchanged with it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use dragoman::auth::{Auth, Verifier, Visitors};
use dragoman::backend::Terms;
use dragoman::dialect::{FileAccess, builtin};
use dragoman::edge::{Policy, Secured};
use dragoman::event::{ConversationKind, Role};
use dragoman::hub::Hub;
use dragoman::journal::EmbeddedJournal;
use dragoman::media::signature::Signer;
use dragoman::media::{Library, Names, Unfinished};
use dragoman::metrics::RouteCounts;
use dragoman::naming::{Naming, PinnedConversation, PinnedName};
use dragoman::placement::Condition;
use dragoman::relay::{MailboxLimits, MemoryRelay};
use dragoman::secret::Secret;
use dragoman::server::{Bounds, Route, Served, Site, Stores, UploadRule, serve};
use dragoman::session;
use dragoman::store::{FsStore, Store};
use dragoman::tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long anything that must happen may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const UPLOAD: &str = "/api/chat/upload-media/";
pub const LIMIT: u64 = 256 * 1024;

/// Signs as the server does.
pub fn signer() -> Signer {
    Signer::new(&Secret::new("a secret of these tests, which is long enough"))
}

pub struct Server {
    pub address: SocketAddr,
    pub tasks: Tasks,
    folder: tempfile::TempDir,
}

/// Told to stop, so that nothing of it outlives its test.
impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Bounds::default()).await
    }

    pub async fn with(bounds: Bounds) -> Self {
        Self::secured(bounds, None).await
    }

    /// Over TLS, where that is given.
    pub async fn secured(bounds: Bounds, tls: Option<Arc<Secured>>) -> Self {
        Self::behind(bounds, tls, Policy::default()).await
    }

    /// The same for clients who may be behind proxies.
    pub async fn behind(bounds: Bounds, tls: Option<Arc<Secured>>, policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tasks = Tasks::new();
        let dialect = builtin::find("frontdesk").unwrap();
        let pinned = [PinnedConversation {
            name: "room-101".to_owned(),
            kind: Some(ConversationKind::Service),
            department: None,
            business: None,
            post_token: None,
            guest: None,
            names: vec![("frontdesk".to_owned(), PinnedName::Id("123".to_owned()))],
        }];
        let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).unwrap());
        let relay = Arc::new(MemoryRelay::new());
        let naming = Naming::open(journal.clone(), &pinned, std::slice::from_ref(&dialect)).await.unwrap();
        let library = Library::new(journal.clone());
        let unfinished = Unfinished::new(journal.clone());
        let names = Names::new(journal.clone(), tasks.clone());
        let hub = Hub::open(journal, relay, &tasks);
        hub.pin(&pinned).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(FsStore::open(folder.path().join("uploads")).unwrap());
        let route = Route {
            name: "staff".into(),
            dialect,
            naming: Arc::new(naming),
            backend: Arc::new(hub),
            passage: None,
            login: None,
            same_dialect: false,
            forward_rest: false,
            terms: Terms::default(),
            host: None,
            prefix: String::new(),
            verifier: Verifier::new(&Auth::None { named: false, role: Some(Role::Staff) }, |_| panic!("no keys here"))
                .unwrap(),
            visitors: Visitors::new(Visitors::random_key(), "staff").unwrap(),
            upload_limit: Some(LIMIT),
            frame_limit: 64 * 1024,
            rate: None,
            connections: 100,
            open: Arc::new(AtomicUsize::new(0)),
            origins: Vec::new(),
            cookies: false,
            stores: Some(Stores {
                rules: vec![Arc::new(UploadRule {
                    condition: Condition::default(),
                    store: Some(Arc::clone(&store)),
                    to_backend: false,
                    names: vec!["local".to_owned()],
                    keys: Vec::new(),
                })],
                all: vec![store],
                public_url: "http://files.example".to_owned(),
                names,
                unfinished,
            }),
            library,
            scan: None,
            images: None,
            signer: signer(),
            file_access: FileAccess::Url,
            hosted: None,
            counts: RouteCounts::of("staff", "frontdesk", None),
            session: session::Settings {
                mailbox: MailboxLimits { messages: 100, bytes: 1024 * 1024 },
                ping_every: Duration::from_secs(30),
                dead_after: Duration::from_secs(60),
                write_timeout: Duration::from_secs(5),
                replay: None,
            },
        };
        let site = Arc::new(Site::new(Served::new(vec![route], Vec::new(), policy), tasks.clone(), bounds));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks.spawn(serve(site, listener, tls));
        Server { address, tasks, folder }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Writes bytes, then reads until the other side closes.
    pub async fn exchange(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        // A refusal may come, and the connection close, before all was written.
        let _ = stream.write_all(bytes).await;
        Answer::read(&mut stream).await
    }

    /// A request without a body, on a connection of its own.
    pub async fn get(&self, path: &str, headers: &str) -> Answer {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        self.exchange(request.as_bytes()).await
    }

    /// Puts a file into the store, past the gateway.
    pub fn put(&self, key: &str, content: &[u8]) {
        let path = self.folder.path().join("uploads").join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Names of all files below the folder of uploads, unfinished ones included.
    pub fn stored(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.folder.path().join("uploads"), &mut found);
        found
    }

    /// Waits until nothing is stored any more.
    pub async fn becomes_empty(&self) {
        let empty = async {
            while !self.stored().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(PATIENCE, empty).await.is_ok(), "left behind: {:?}", self.stored());
    }
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    /// 0: closed without an answer.
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads until the end of the connection; a reset after the answer is no missing answer.
    pub async fn read(stream: &mut TcpStream) -> Answer {
        let mut bytes = Vec::new();
        let mut chunk = [0; 16 * 1024];
        let all = async {
            while let Ok(length) = stream.read(&mut chunk).await
                && length > 0
            {
                bytes.extend_from_slice(&chunk[..length]);
            }
        };
        assert!(timeout(PATIENCE, all).await.is_ok(), "the connection stayed open");
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { status, head, body: bytes[end..].to_vec() }
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or(serde_json::Value::Null)
    }
}
