//! `dragoman check --connect` over stores: what is fine, and for each mistake the key to change. Some mistakes need a
//! server that answers as AWS documents it; a stand-in does, where no real one can be brought to it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};

use super::s3::{ACCESS_KEY, Kind, S3Server, SECRET_KEY};

/// Checks a config with this store.
fn check(store: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[journal]\nkind = \"embedded\"\npath = \"journal\"\n\n[stores.files]\n{store}\n\n[[routes]]\nname = \"staff\"\n\
         dialect = \"frontdesk\"\nto = \"hub\"\nuploads = \"files\"\n\
         auth = {{ kind = \"jwt\", secret = \"an own secret that is long enough\" }}\n"
    );
    std::fs::write(folder.path().join("routes.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    command.args(["check", "--connect", "--config", "routes.toml"]).current_dir(folder.path()).output().unwrap()
}

#[track_caller]
pub fn is_fine(store: &str, words: &str) {
    let output = check(store);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(words), "{said}");
}

/// The check fails, names the key to change and says these words; no secret is in it.
#[track_caller]
fn is_refused(store: &str, key: &str, words: &str) {
    let output = check(store);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("`{key}` of [stores.files]")), "`{key}` is not named:\n{said}");
    assert!(said.contains(words), "`{words}` is not said:\n{said}");
    assert!(!said.contains(SECRET_KEY), "{said}");
}

#[test]
fn what_is_fine_is_said() {
    for kind in [Kind::S3sFs, Kind::Moto] {
        let server = S3Server::start(kind, &["chat"]);
        is_fine(&server.config("chat"), "objects can be listed, written, read and removed");
        assert_eq!((server.objects("chat"), server.unfinished("chat")), (vec![], 0), "nothing stays of it");
    }
    is_fine("kind = \"fs\"\nroot = \"data\"", "MiB are free");
}

#[test]
fn the_key_to_change_is_named() {
    let (server, unsigned) = (S3Server::start(Kind::S3sFs, &["chat"]), S3Server::start(Kind::Moto, &["chat"]));
    is_refused(&unsigned.config("nowhere"), "bucket", "there is no such bucket");
    let right = server.config("chat");
    is_refused(&right.replace(SECRET_KEY, "of-somebody-else"), "secret_access_key", "the signature is refused");
    is_refused(&right.replace(ACCESS_KEY, "AKIDNOBODY"), "access_key_id", "not known there");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lost = right.replace(&server.url(), &format!("http://{nobody}")) + "retries = 0\n";
    is_refused(&lost, "endpoint", "no connection");
    is_refused("kind = \"fs\"\nroot = \"/proc/nothing/here\"", "root", "");
}

#[test]
fn what_aws_says_is_understood() {
    let elsewhere = stand_in(|_| {
        let body = "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>";
        ("301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1", body)
    });
    is_refused(&config(elsewhere), "region", "`eu-west-1`");
    let read_only = stand_in(|method| match method {
        "GET" => ("200 OK", "<ListBucketResult></ListBucketResult>"),
        _ => ("403 Forbidden", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"),
    });
    is_refused(&config(read_only), "access_key_id", "s3:PutObject");
    let skewed = stand_in(|_| {
        ("403 Forbidden", "<Error><Code>RequestTimeTooSkewed</Code><Message>too different</Message></Error>")
    });
    is_refused(&config(skewed), "endpoint", "clock");
    is_refused(&config(stand_in(|_| ("200 OK", "<html>a web page</html>"))), "endpoint", "");
    is_refused(&(config(stand_in(|_| ("503 Slow Down", ""))) + "retries = 1\n"), "endpoint", "status 503");
}

fn config(address: SocketAddr) -> String {
    format!(
        "kind = \"s3\"\nendpoint = \"http://{address}\"\nbucket = \"chat\"\naccess_key_id = \"{ACCESS_KEY}\"\n\
         secret_access_key = \"{SECRET_KEY}\"\n"
    )
}

/// A server that answers each method with a status line (and headers) and a body.
fn stand_in(answer: fn(&str) -> (&'static str, &'static str)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut first = String::new();
            stream.read_line(&mut first).unwrap();
            let mut line = String::new();
            // The head; a body, small enough for the sockets, is left where it is.
            while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let (status, body) = answer(first.split(' ').next().unwrap());
            let length = body.len();
            let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            // Who asked may be gone.
            let _ = stream.get_mut().write_all(text.as_bytes());
        }
    });
    address
}
