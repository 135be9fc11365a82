//! What must be so after a kill. In: a gateway, its stores, what clients sent and were told. Out: nothing, or a panic; then the
//! gateway's folder and log are kept for who looks for the cause.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::harness::Gateway;
use crate::harness::http;
use crate::s3::{Kind, S3Server};
use crate::scene::{CONVERSATIONS, PNG, files};
use crate::tool::{Outcome, run, uploads};

/// Where uploads go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Folder,
    Bucket,
    Both,
}

/// A gateway that is killed, and what it had said by then.
pub struct Subject {
    pub gateway: Gateway,
    bucket: Option<S3Server>,
    to: To,
    /// The number of the next file.
    next: u32,
    lengths: BTreeMap<u32, usize>,
    /// Files whose uploads were answered with success.
    confirmed: BTreeSet<u32>,
    /// By key: where it is served, and which file it is.
    known: BTreeMap<String, (String, u32)>,
}

/// An object as it lies in a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    pub store: &'static str,
    pub key: String,
}

impl Subject {
    /// `route` is more lines for each route, `more` for the config.
    pub async fn start(to: To, route: &str, more: &str) -> Self {
        let bucket = (to != To::Folder).then(|| S3Server::start(Kind::S3sFs, &["chat"]));
        let store = bucket.as_ref().map(|server| format!("[stores.bucket]\n{}", server.config("chat")));
        let uploads = match to {
            To::Folder => "\"local\"",
            To::Bucket => "\"bucket\"",
            To::Both => "[\"bucket\", \"local\"]",
        };
        let change = |text: String| {
            let line = format!("uploads = {uploads}\nlimits = {{ upload = \"32MiB\" }}\n{route}");
            let text = text.replace("uploads = \"local\"", &line);
            format!("{text}\n{}\n{CONVERSATIONS}\n{more}", store.as_deref().unwrap_or_default())
        };
        let gateway = Gateway::start_changed(change).await;
        Subject {
            gateway,
            bucket,
            to,
            next: 0,
            lengths: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            known: BTreeMap::new(),
        }
    }

    /// A file that is unlike all others.
    pub fn file(&mut self, length: usize) -> (u32, Vec<u8>) {
        let number = self.next;
        self.next += 1;
        self.lengths.insert(number, length);
        (number, content(number, length))
    }

    /// Its client was told that it is kept.
    pub fn confirm(&mut self, number: u32) {
        self.confirmed.insert(number);
    }

    pub fn confirmed(&self) -> usize {
        self.confirmed.len()
    }

    /// The folders in which finished objects are.
    pub fn folders(&self) -> Vec<(&'static str, PathBuf)> {
        let folder = (self.to != To::Bucket).then(|| ("local", self.gateway.uploads()));
        let bucket = self.bucket.as_ref().map(|server| ("bucket", server.bucket_folder("chat")));
        folder.into_iter().chain(bucket).collect()
    }

    /// Every finished object, which must be whole.
    pub fn objects(&self) -> BTreeMap<Object, u32> {
        let mut found = BTreeMap::new();
        for (store, folder) in self.folders() {
            for (key, path) in finished(&folder) {
                let number = self.recognised(&std::fs::read(path).unwrap(), &key);
                found.insert(Object { store, key }, number);
            }
        }
        found
    }

    /// Makes an object appear once more.
    pub fn put_back(&self, object: &Object, bytes: &[u8]) {
        let folders = self.folders();
        let (_, folder) = folders.iter().find(|(store, _)| *store == object.store).unwrap();
        std::fs::write(folder.join(&object.key), bytes).unwrap();
    }

    /// Which file these bytes are, all of them.
    fn recognised(&self, bytes: &[u8], key: &str) -> u32 {
        let number =
            bytes.get(PNG.len()..PNG.len() + 4).and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)));
        let whole = number.and_then(|number| Some((number, content(number, *self.lengths.get(&number)?))));
        match whole {
            Some((number, whole)) if bytes == whole => number,
            _ => panic!("{key}: {} bytes that are no file that was sent", bytes.len()),
        }
    }

    /// Ends the gateway, and with it whatever the bucket's server was still at: what it would finish later is for
    /// [`Subject::put_back`].
    pub async fn kill(&mut self) {
        self.gateway.kill().await;
        if let Some(bucket) = &mut self.bucket {
            bucket.restart();
        }
    }

    /// What no record names, found while no gateway runs; `gc` must find exactly that.
    pub async fn unrecorded(&self) -> BTreeSet<Object> {
        let objects = self.objects();
        let verified = self.told(&["verify", "--content"]).await;
        assert!(verified.iter().all(|(what, _)| what == "unknown"), "{verified:?}");
        let unrecorded: BTreeSet<Object> = verified.into_iter().map(|(_, object)| object).collect();
        let found = self.told(&["gc"]).await;
        assert!(found.iter().all(|(what, _)| what == "unfinished"), "{found:?}");
        assert_eq!(found.into_iter().map(|(_, object)| object).collect::<BTreeSet<_>>(), unrecorded);
        assert_eq!(self.objects(), objects, "it was only asked");
        unrecorded
    }

    /// Removes it while no gateway runs.
    pub async fn clear(&self) {
        let removed = self.stopped(&["gc", "--apply"]).await;
        assert_eq!(removed.code, 0, "{removed:?}");
        assert_eq!(self.unrecorded().await, BTreeSet::new());
    }

    /// The command of a stopped gateway.
    async fn stopped(&self, arguments: &[&str]) -> Outcome {
        run(self.gateway.folder(), &[arguments, &["--format", "json"]].concat()).await
    }

    /// The same: of each record what it says and of which object.
    async fn told(&self, arguments: &[&str]) -> Vec<(String, Object)> {
        let records = self.stopped(arguments).await.records().into_iter().map(|record| {
            let what = record["problem"].as_str().or(record["reason"].as_str()).unwrap().to_owned();
            let store = if record["store"] == "bucket" { "bucket" } else { "local" };
            (what, Object { store, key: record["key"].as_str().unwrap().to_owned() })
        });
        records.collect()
    }

    /// What must hold once a gateway runs again and has cleared up.
    pub async fn check(&mut self) {
        let cleared = uploads(&self.gateway, &["gc", "--apply"]).await;
        assert_eq!(cleared.code, 0, "{cleared:?}");
        let verified = uploads(&self.gateway, &["verify", "--content"]).await;
        assert_eq!((verified.code, verified.lines.len()), (0, 0), "{verified:?}");
        let listed = uploads(&self.gateway, &["list", "--format", "json"]).await;
        assert_eq!(listed.code, 0, "{listed:?}");
        for record in listed.records() {
            let (key, path) = (record["key"].as_str().unwrap(), record["handle"].as_str().unwrap());
            if !self.known.contains_key(key) {
                let number = self.served(path).await;
                self.known.insert(key.to_owned(), (path.to_owned(), number));
            }
        }
        let objects: BTreeSet<String> = self.objects().into_keys().map(|object| object.key).collect();
        assert!(objects.iter().eq(self.known.keys()), "{objects:?} are not {:?}", self.known.keys());
        let known: BTreeSet<u32> = self.known.values().map(|(_, number)| *number).collect();
        let lost: Vec<&u32> = self.confirmed.difference(&known).collect();
        assert!(lost.is_empty(), "confirmed and not there: {lost:?}");
        if self.to != To::Bucket {
            let unfinished = files(&self.gateway.uploads().join(".unfinished"));
            assert!(unfinished.is_empty(), "{unfinished:?}");
        }
    }

    /// The file that is served there.
    async fn served(&self, path: &str) -> u32 {
        let answer = http::get(self.gateway.address, path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        self.recognised(&answer.body, path)
    }

    /// Reads every file that was ever known.
    pub async fn check_all(&self) {
        for (path, number) in self.known.values() {
            assert_eq!(self.served(path).await, *number, "{path}");
        }
    }
}

/// What is to be looked at stays.
impl Drop for Subject {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{}", std::process::id()));
        let copied = std::process::Command::new("cp").arg("-r").arg(self.gateway.folder()).arg(&kept).status();
        let logged = std::fs::write(kept.with_extension("log"), self.gateway.log());
        eprintln!("the gateway's folder and log are kept in {}: {copied:?}, {logged:?}", kept.display());
    }
}

/// A PNG to look at, its number, and blocks that differ from place to place and from file to file.
fn content(number: u32, length: usize) -> Vec<u8> {
    let mut bytes = [PNG, &number.to_le_bytes()].concat();
    let end = bytes.len() + length;
    for place in 0_u32.. {
        if bytes.len() >= end {
            break;
        }
        bytes.extend([number.to_le_bytes(), place.to_le_bytes()].concat().repeat(128));
    }
    bytes.truncate(end);
    bytes
}

/// The finished objects below a folder of a store, by their keys.
fn finished(folder: &Path) -> Vec<(String, PathBuf)> {
    let files =
        files(folder).into_iter().map(|path| (path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), path));
    files.filter(|(key, _)| !key.starts_with(".unfinished/")).collect()
}

/// How many finished objects a folder has now; files that come and go meanwhile do not matter.
pub fn count(folders: &[(&'static str, PathBuf)]) -> usize {
    folders.iter().map(|(_, folder)| finished(folder).len()).max().unwrap_or(0)
}
