//! Real S3 servers for tests, processes of their own on free ports: s3s-fs, which checks signatures and keeps objects as
//! files, and moto, another implementation, which lists unfinished uploads. In: buckets. Out: an address, what lies in a
//! bucket; and the faults: killed, restarted, read-only.

// Each test binary includes this and uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The one access key that s3s-fs knows.
pub const ACCESS_KEY: &str = "AKIDTESTSONLY0000001";
pub const SECRET_KEY: &str = "secret-of-the-tests-63f1b5e0c9d24a87";

/// A signature of nobody, as moto wants one and looks at none.
const ANYBODY: &str = "Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n";

/// How long an answer to a request by hand, or a start, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Checks signatures; lists no unfinished uploads; an object is a file.
    S3sFs,
    /// Takes any signature; lists unfinished uploads.
    Moto,
}

/// A server that runs, killed when dropped.
pub struct S3Server {
    kind: Kind,
    address: SocketAddr,
    folder: tempfile::TempDir,
    /// Absent while it is stopped.
    child: Option<Child>,
}

impl S3Server {
    /// Starts one with these buckets.
    pub fn start(kind: Kind, buckets: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (child, address) = launch(kind, folder.path(), 0);
        let server = S3Server { kind, address, folder, child: Some(child) };
        for bucket in buckets {
            server.make_bucket(bucket);
        }
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn make_bucket(&self, bucket: &str) {
        match self.kind {
            Kind::S3sFs => std::fs::create_dir(self.folder.path().join(bucket)).expect("made"),
            Kind::Moto => assert_eq!(self.ask("PUT", &format!("/{bucket}")).0, 200),
        }
    }

    /// The lines of a `[stores.NAME]` for one of its buckets.
    pub fn config(&self, bucket: &str) -> String {
        format!(
            "kind = \"s3\"\nendpoint = \"{}\"\nbucket = \"{bucket}\"\naccess_key_id = \"{ACCESS_KEY}\"\n\
             secret_access_key = \"{SECRET_KEY}\"\n",
            self.url()
        )
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    /// Starts it again, on the same address; s3s-fs has what it had.
    pub fn restart(&mut self) {
        self.kill();
        let (child, address) = launch(self.kind, self.folder.path(), self.address.port());
        (self.child, self.address) = (Some(child), address);
    }

    /// The process, for a test that stops it.
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Where s3s-fs has a bucket's objects.
    pub fn bucket_folder(&self, bucket: &str) -> PathBuf {
        assert_eq!(self.kind, Kind::S3sFs);
        self.folder.path().join(bucket)
    }

    /// What lies in a bucket, by name, and what belongs to uploads that are not finished.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        let mut names = match self.kind {
            Kind::S3sFs => files(&self.folder.path().join(bucket)),
            Kind::Moto => elements(&self.ask("GET", &format!("/{bucket}?list-type=2")).1, "Key"),
        };
        names.sort();
        names
    }

    /// How many uploads are begun and not ended; parts of them, where the server does not list uploads.
    pub fn unfinished(&self, bucket: &str) -> usize {
        match self.kind {
            Kind::S3sFs => {
                let entries = std::fs::read_dir(self.folder.path()).expect("readable");
                let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
                names.filter(|name| name.starts_with(".upload")).count()
            }
            Kind::Moto => elements(&self.ask("GET", &format!("/{bucket}?uploads")).1, "UploadId").len(),
        }
    }

    /// How many parts of unfinished uploads have arrived at s3s-fs.
    pub fn parts(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).expect("readable");
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|name| name.starts_with(".upload") && name.contains(".part-")).count()
    }

    /// The bytes of an object, which s3s-fs has as a file.
    pub fn bytes(&self, bucket: &str, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.bucket_folder(bucket).join(name)).ok()
    }

    /// Puts an object there, or other bytes in its place, past all clients.
    pub fn write(&self, bucket: &str, name: &str, bytes: &[u8]) {
        match self.kind {
            Kind::S3sFs => std::fs::write(self.bucket_folder(bucket).join(name), bytes).expect("written"),
            Kind::Moto => assert_eq!(self.ask_with("PUT", &format!("/{bucket}/{name}"), ANYBODY, bytes).0, 200),
        }
    }

    /// Takes an object away, past all clients.
    pub fn remove(&self, bucket: &str, name: &str) {
        match self.kind {
            Kind::S3sFs => std::fs::remove_file(self.bucket_folder(bucket).join(name)).expect("removed"),
            Kind::Moto => assert_eq!(self.ask_with("DELETE", &format!("/{bucket}/{name}"), ANYBODY, b"").0, 204),
        }
    }

    /// A request without a signature: its status and body.
    pub fn ask(&self, method: &str, target: &str) -> (u16, String) {
        self.ask_with(method, target, "", b"")
    }

    fn ask_with(&self, method: &str, target: &str, header: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let address = self.address;
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n{header}\r\n",
            body.len()
        )
        .expect("sent");
        stream.write_all(body).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }
}

/// A bucket of whatever server the environment names, which `scripts/s3.py` sets; its objects are nobody else's.
pub struct Given {
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
}

impl Given {
    #[allow(clippy::disallowed_methods, reason = "a test is not configured by a file")]
    pub fn of_environment() -> Self {
        let said = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see scripts/s3.py"));
        Given {
            endpoint: said("S3_ENDPOINT"),
            region: said("S3_REGION"),
            bucket: said("S3_BUCKET"),
            access_key: said("S3_ACCESS_KEY"),
            secret_key: said("S3_SECRET_KEY"),
        }
    }

    /// The lines of a `[stores.NAME]`.
    pub fn config(&self) -> String {
        let Given { endpoint, region, bucket, access_key, secret_key } = self;
        format!(
            "kind = \"s3\"\nendpoint = \"{endpoint}\"\nregion = \"{region}\"\nbucket = \"{bucket}\"\n\
             access_key_id = \"{access_key}\"\nsecret_access_key = \"{secret_key}\"\n"
        )
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The texts of all elements of a name, in a document without attributes on them.
fn elements(document: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let rest = document.split(&open).skip(1);
    rest.filter_map(|rest| rest.split_once(&close)).map(|(text, _)| text.to_owned()).collect()
}

/// The files below a folder, by their names from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("readable") {
            let path = entry.expect("read").path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).expect("below").to_str().expect("text").to_owned()),
            }
        }
    }
    found
}

/// A program of the test's tools, or of the system.
fn tool(below: &str, name: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(below).join(name);
    if own.exists() { own } else { PathBuf::from(name) }
}

fn launch(kind: Kind, folder: &Path, port: u16) -> (Child, SocketAddr) {
    let port = port.to_string();
    let (mut server, said) = match kind {
        Kind::S3sFs => {
            let mut server = Command::new(tool("test-tools/bin", "s3s-fs"));
            server.args(["--host", "127.0.0.1", "--port", &port, "--access-key", ACCESS_KEY]);
            server.args(["--secret-key", SECRET_KEY]).arg(folder).env("RUST_LOG", "s3s_fs=info");
            (server, "server is running at http://")
        }
        Kind::Moto => {
            let mut server = Command::new(tool("test-venv/bin", "moto_server"));
            server.args(["-H", "127.0.0.1", "-p", &port]).env("PYTHONUNBUFFERED", "1");
            (server, "Running on http://")
        }
    };
    let program = server.get_program().to_owned();
    // One says it on this, the other on that.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    server.stdin(Stdio::null()).stdout(writer.try_clone().expect("the same")).stderr(writer);
    let started = server.spawn();
    // The pipe ends with the process only if nobody else can write to it.
    drop(server);
    let mut child = started.unwrap_or_else(|error| {
        panic!("{} does not start ({error}); ./test.sh installs it below target", program.display())
    });
    let mut lines = BufReader::new(reader).lines();
    let mut seen = Vec::new();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let address = line.split(said).nth(1).and_then(|rest| {
            let rest = rest.split(|letter: char| !letter.is_ascii_digit() && !".:".contains(letter)).next();
            rest?.parse().ok()
        });
        seen.push(line);
        address
    });
    // It must not stop because nobody reads what it says.
    std::thread::spawn(move || lines.for_each(drop));
    let Some(address) = address else {
        // It has ended, so this only collects it.
        let status = child.wait();
        panic!("{} does not listen ({status:?}):\n{}", program.display(), seen.join("\n"));
    };
    (child, address)
}
