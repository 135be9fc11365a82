//! Good cases: from the upstream's own endpoints and from hosts on the list, over the stage and over the real network of
//! this machine.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderName, HeaderValue};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio_rustls::TlsAcceptor;

use super::super::dial::{Connect, Stream, Tcp};
use super::super::{Fetched, Fetcher};
use super::stage::{Act, Names, PUBLIC, Stage, file, say, settings};
use crate::fault::Reason;
use crate::tasks::Tasks;
use crate::tls;

async fn text(fetched: Fetched) -> String {
    let pieces: Vec<_> = fetched.chunks.try_collect().await.expect("a whole file");
    String::from_utf8(pieces.concat()).unwrap()
}

/// Nothing of it is a stand-in but the host.
#[tokio::test]
async fn an_own_endpoint_on_this_machine_is_fetched_from() {
    let stage = Stage::new(|path| match path {
        "/media/menu%20of%20today.pdf?page=1" => {
            say("HTTP/1.1 200 OK\r\nContent-Type: Application/PDF; x=y\r\nContent-Length: 5\r\n\r\nhello")
        }
        _ => say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    })
    .await;
    for host in ["127.0.0.1", "localhost"] {
        let mut settings = settings();
        settings.own.push(stage.filled(&format!("http://{host}:{{host}}/api")).parse().unwrap());
        let fetcher = Fetcher::new(settings);
        let url = stage.filled(&format!("http://{host}:{{host}}/media/menu%20of%20today.pdf?page=1"));
        assert!(fetcher.permits(&url));
        let name = HeaderName::from_static("x-key");
        let fetched = fetcher.fetch(&url, Some((name, HeaderValue::from_static("of this test")))).await.expect("own");
        assert_eq!(fetched.size, Some(5));
        assert_eq!(fetched.mime.as_deref(), Some("application/pdf"));
        assert_eq!(fetched.name.as_deref(), Some("menu of today.pdf"));
        assert_eq!(text(fetched).await, "hello");
        let head = stage.heads().pop().unwrap().to_ascii_lowercase();
        for line in
            [&stage.filled(&format!("host: {host}:{{host}}")), "x-key: of this test", "accept-encoding: identity"]
        {
            assert!(head.contains(line), "{line}: {head}");
        }
        assert!(!head.contains("cookie"));
    }
}

#[tokio::test]
async fn a_host_on_the_list_is_dialled_at_its_public_address() {
    let mut stage = Stage::new(|_| file("hello")).await.allowed("cdn.example");
    stage.settings.allowed.push("*.Files.Example.".to_owned());
    stage.names.set("a.b.files.example", &[&["2606:4700::1111"]]);
    let fetcher = stage.fetcher();
    for (url, address, certified, host) in [
        ("https://cdn.example/x", (PUBLIC, 443).into(), Some("cdn.example"), "cdn.example"),
        ("HTTPS://CDN.Example.:443", (PUBLIC, 443).into(), Some("cdn.example"), "cdn.example"),
        ("http://cdn.example:80/x?a[]=ن", (PUBLIC, 80).into(), None, "cdn.example"),
        (
            "https://a.b.files.example/",
            "[2606:4700::1111]:443".parse().unwrap(),
            Some("a.b.files.example"),
            "a.b.files.example",
        ),
    ] {
        assert!(fetcher.permits(url), "{url}");
        assert_eq!(text(fetcher.fetch(url, None).await.expect(url)).await, "hello");
        let dial: (SocketAddr, _) = (address, certified.map(str::to_owned));
        assert_eq!(stage.dials().pop(), Some(dial), "{url}");
        let head = stage.heads().pop().unwrap();
        assert!(head.contains(&format!("host: {host}\r\n")), "{url}: {head}");
    }
    assert!(stage.heads()[2].starts_with("GET /x?a%5B%5D=%D9%86 HTTP/1.1\r\n"), "{}", stage.heads()[2]);
}

#[tokio::test]
async fn names_come_from_the_host_or_the_path() {
    for (path, headers, name, mime) in [
        ("/a/photo.jpg?x=1", "", Some("photo.jpg"), None),
        ("/a/", "", None, None),
        ("", "", None, None),
        ("/%D9%85%D9%86%D9%88.pdf", "Content-Type: image/svg+xml\r\n", Some("منو.pdf"), Some("image/svg+xml")),
        ("/منو.pdf", "Content-Type: nonsense\r\n", Some("منو.pdf"), None),
        ("/..%2f..%2fpasswd", "Content-Type: a/b/c\r\n", Some("passwd"), None),
        ("/x", "Content-Disposition: attachment; filename=\"menu.pdf\"\r\n", Some("menu.pdf"), None),
        ("/x", "Content-Disposition: inline; filename=\"../../menu.pdf\"\r\n", Some("menu.pdf"), None),
        ("/x", "Content-Disposition: attachment; filename=x; filename*=UTF-8''%D9%86.pdf\r\n", Some("ن.pdf"), None),
        ("/x", "Content-Disposition: attachment\r\n", Some("x"), None),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
        let stage = Stage::new(move |_| say(answer.clone())).await.allowed("cdn.example");
        let fetched = stage.fetcher().fetch(&format!("http://cdn.example{path}"), None).await.expect(path);
        assert_eq!(fetched.name.as_deref(), name, "{path} {headers}");
        assert_eq!(fetched.mime.as_deref(), mime, "{path} {headers}");
        assert_eq!(fetched.size, None);
        assert_eq!(text(fetched).await, "hi");
    }
}

/// A stand-in for a network on which only some addresses answer.
struct Partly {
    good: SocketAddr,
    wire: Mutex<Option<DuplexStream>>,
    /// Whether an address that does not answer says so.
    refuses: bool,
}

#[async_trait]
impl Connect for Partly {
    async fn connect(&self, address: SocketAddr, _: Option<&str>) -> io::Result<Box<dyn Stream>> {
        match self.wire.lock().await.take_if(|_| address == self.good) {
            Some(stream) => Ok(Box::new(stream)),
            None if self.refuses => Err(io::ErrorKind::ConnectionRefused.into()),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn the_next_address_is_tried() {
    for refuses in [true, false] {
        let names = Arc::new(Names::default());
        names.set("cdn.example", &[&["93.184.215.1", "93.184.215.2", "93.184.215.3"]]);
        let (mut host, client) = duplex(1024);
        let good = "93.184.215.2:80".parse().unwrap();
        let mut settings = settings();
        settings.allowed.push("cdn.example".to_owned());
        if !refuses {
            settings.timeout = Duration::from_millis(1200);
        }
        let wire = Partly { good, wire: Mutex::new(Some(client)), refuses };
        let fetcher = Fetcher::through(settings, names, Arc::new(wire));
        Tasks::new().spawn(async move {
            host.read_u8().await.unwrap();
            host.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
            // Open until the other side has gone.
            let _ = host.read_to_end(&mut Vec::new()).await;
        });
        let fetched = fetcher.fetch("http://cdn.example/x", None).await.expect("the second address");
        assert_eq!(text(fetched).await, "hello");

        let fault = fetcher.fetch("http://cdn.example/x", None).await.map(|_| ()).expect_err("nobody is left");
        let expected = if refuses { Reason::Upstream } else { Reason::UpstreamTimeout };
        assert_eq!(fault.reason, expected, "{fault}");
    }
}

#[tokio::test]
async fn a_name_without_address_is_the_hosts_fault() {
    let stage = Stage::silent().await.allowed("cdn.example");
    for answers in [&[][..], &[&[][..]]] {
        stage.names.set("cdn.example", answers);
        let fault = stage.fetcher().fetch("http://cdn.example/x", None).await.map(|_| ()).expect_err("nowhere");
        assert_eq!(fault.reason, Reason::Upstream, "{fault}");
    }
    assert_eq!(stage.dials(), []);
}

/// The host writes as fast as it can; how far it gets ahead of a slow reader is what the gateway holds in memory. The
/// wire between them is of this process and holds next to nothing, so that no kernel's buffers are counted.
#[tokio::test]
async fn twenty_megabytes_pass_through_little_memory() {
    const SIZE: u64 = 20 << 20;
    const WIRE: usize = 4 * 1024;
    let (mut host, client) = duplex(WIRE);
    let names = Arc::new(Names::default());
    names.set("cdn.example", &[&[&PUBLIC.to_string()]]);
    let mut settings = settings();
    settings.allowed.push("cdn.example".to_owned());
    settings.largest = SIZE;
    let wire = Partly { good: (PUBLIC, 80).into(), wire: Mutex::new(Some(client)), refuses: true };
    let fetcher = Fetcher::through(settings, names, Arc::new(wire));

    let written = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&written);
    Tasks::new().spawn(async move {
        host.read_u8().await.unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
        host.write_all(head.as_bytes()).await.unwrap();
        for at in 0..SIZE / 1024 {
            let line = [u8::try_from(at % 251).unwrap(); 1024];
            host.write_all(&line).await.unwrap();
            counted.fetch_add(1024, Ordering::SeqCst);
        }
    });

    let mut chunks = fetcher.fetch("http://cdn.example/x", None).await.unwrap().chunks;
    let (mut read, mut ahead) = (0u64, 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.unwrap();
        for byte in &chunk[..] {
            assert_eq!(u64::from(*byte), read / 1024 % 251, "at byte {read}");
            read += 1;
        }
        // A slow reader: the host gets every chance to run ahead.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        ahead = ahead.max(written.load(Ordering::SeqCst).saturating_sub(read));
    }
    assert_eq!(read, SIZE);
    assert!(ahead < 256 * 1024, "the host was {ahead} bytes ahead");
}

#[tokio::test]
async fn who_is_not_read_any_more_is_closed() {
    let (gone, closed) = oneshot::channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    settings.own.push(url.parse().unwrap());
    Tasks::new().spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\nbegin").await.unwrap();
        // Ends with the request, or with a reset.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        gone.send(()).unwrap();
    });
    let mut fetched = Fetcher::new(settings).fetch(&url, None).await.unwrap();
    assert_eq!(fetched.chunks.next().await.unwrap().unwrap(), "begin");
    drop(fetched);
    closed.await.expect("the host sees the end");
}

#[tokio::test]
async fn two_fetches_do_not_share_a_connection() {
    let stage = Stage::new(|_| [file("hello"), vec![Act::Wait]].concat()).await.allowed("cdn.example");
    let fetcher = stage.fetcher();
    for _ in 0..2 {
        assert_eq!(text(fetcher.clone().fetch("http://cdn.example/x", None).await.unwrap()).await, "hello");
    }
    assert_eq!(stage.dials().len(), 2);
}

/// A TLS host named `files.example` that answers "hello", and whether it heard a request.
async fn tls_host() -> (SocketAddr, Arc<AtomicU64>) {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&requests);
    Tasks::new().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not trust the certificate goes away here.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            assert_eq!(stream.get_ref().1.server_name(), Some("files.example"));
            let mut begin = [0; 4];
            if stream.read_exact(&mut begin).await.is_ok() {
                assert_eq!(&begin, b"GET ");
                heard.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (address, requests)
}

const CERTIFICATE: &[u8] = include_bytes!("../../../../tests/keys/files.example.pem");
const KEY: &[u8] = include_bytes!("../../../../tests/keys/p256.pem");

/// The name of the URL is what the certificate must bear, though the address is dialled.
#[tokio::test]
async fn tls_is_by_the_name_of_the_url() {
    let (address, requests) = tls_host().await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let trusting = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let trusting = trusting.with_root_certificates(roots).with_no_client_auth();
    for (name, tls, good) in [
        ("files.example", trusting.clone(), true),
        ("other.example", trusting, false),
        ("files.example", tls::client(&[b"http/1.1"]), false),
    ] {
        let names = Arc::new(Names::default());
        names.set(name, &[&["127.0.0.1"]]);
        let mut settings = settings();
        settings.own.push(format!("https://{name}:{}", address.port()).parse().unwrap());
        let fetcher = Fetcher::through(settings, names, Arc::new(Tcp::trusting(tls)));
        let before = requests.load(Ordering::SeqCst);
        let fetched = fetcher.fetch(&format!("https://{name}:{}/x", address.port()), None).await;
        match (fetched, good) {
            (Ok(fetched), true) => assert_eq!(text(fetched).await, "hello"),
            (Err(fault), false) => {
                assert_eq!(fault.reason, Reason::Upstream, "{fault}");
                assert_eq!(requests.load(Ordering::SeqCst), before, "a request was told to a host that nobody knows");
            }
            (fetched, _) => panic!("{name}: {:?}", fetched.map(|_| ())),
        }
    }
}
