//! A file from another host, fetched so that nobody can make the gateway call what it should not (SSRF). In: a URL of a
//! stranger. Out: the file as a stream of pieces, or why it is refused; nothing is dialled before all is checked.

mod answer;
mod dial;
mod exchange;
mod global;
mod host;
mod part;
mod pieces;
mod policy;
#[cfg(test)]
mod tests;
mod url;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Uri};

use crate::fault::{Fault, Reason};

use dial::{Connect, Dialer, Resolve, SystemResolver, Tcp};
use exchange::Arriving;
pub use part::{Extent, Wanted};
use pieces::Pieces;
use policy::{Policy, Standing};
use url::Url;

/// What may be fetched, and within which bounds.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// The upstream's endpoints as the operator wrote them. A URL with scheme, host and port of one of them may lead into
    /// a private network or to this machine. What is neither `http:` nor `https:` counts for nothing.
    pub own: Vec<Uri>,
    /// Other hosts, by name; `*.example` is what is below `example`. Only with the default ports, only at public addresses.
    pub allowed: Vec<String>,
    /// The largest file, in bytes.
    pub largest: u64,
    /// From the call to the head of the last answer: names, connections, redirects.
    pub timeout: Duration,
    /// The longest wait for the next piece of the body.
    pub idle: Duration,
    /// How many redirects are followed.
    pub redirects: usize,
}

/// Fetches files for one upstream. Clones share everything.
#[derive(Clone)]
pub struct Fetcher {
    settings: Arc<FetchSettings>,
    policy: Arc<Policy>,
    dialer: Arc<Dialer>,
}

/// A file that is being fetched. Dropping it closes the connection.
pub struct Fetched {
    /// Which part of it comes; the whole, unless another was wanted.
    pub extent: Extent,
    /// By what the host tells whether it changed.
    pub version: Version,
    /// In bytes, where the host said it; then exactly so many come. Where it did not and ended the body by closing the
    /// connection (HTTP/1.0), a body that was cut looks whole.
    pub size: Option<u64>,
    /// What the host says it is: without parameters, in lower case. Not to be believed.
    pub mime: Option<String>,
    /// What the host or the path calls it, as [`file_name::shown`](super::file_name::shown) leaves it.
    pub name: Option<String>,
    /// The file as it is, never empty pieces. Fails with `FileTooLarge` beyond [`FetchSettings::largest`], with `TimedOut`
    /// if the host is too slow, with `UnexpectedEof` if the file is cut; [`broken`] makes a fault of it. A piece is read
    /// when it is asked for.
    pub chunks: BoxStream<'static, Result<Bytes, io::Error>>,
}

/// What tells a file from an older one under the same URL, as the host says it. Not to be believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    pub tag: Option<HeaderValue>,
    pub modified: Option<HeaderValue>,
    /// Whether the host gives parts of it.
    pub ranges: bool,
}

impl Fetcher {
    pub fn new(settings: FetchSettings) -> Self {
        Fetcher::through(settings, Arc::new(SystemResolver), Arc::new(Tcp::default()))
    }

    fn through(settings: FetchSettings, resolve: Arc<dyn Resolve>, connect: Arc<dyn Connect>) -> Self {
        Fetcher {
            policy: Arc::new(Policy::new(&settings)),
            dialer: Arc::new(Dialer { resolve, connect, timeout: settings.timeout }),
            settings: Arc::new(settings),
        }
    }

    /// Whether a URL is one that may be fetched, as far as its text says; its host's addresses may still forbid it.
    pub fn permits(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| self.policy.judge(&url.origin).is_ok())
    }

    /// Asks for a file and waits for the head of the answer.
    ///
    /// The credential goes to the upstream's own endpoints only, and to none after a redirect to another origin. It is
    /// the caller's business that its bearer may see whatever path of the upstream a URL names.
    ///
    /// Fails with `FileNotFound` for what may not be fetched or is not there, `TooLarge` for what says that it is too
    /// large, `UpstreamTimeout` and `Upstream` for hosts that do not do their part. No detail holds a path, a query or an
    /// address.
    pub async fn fetch(&self, url: &str, credential: Option<(HeaderName, HeaderValue)>) -> Result<Fetched, Fault> {
        self.fetch_part(url, credential, None).await
    }

    /// The same for a part of the file, which the host may answer with the whole.
    pub async fn fetch_part(
        &self,
        url: &str,
        credential: Option<(HeaderName, HeaderValue)>,
        wanted: Option<&Wanted>,
    ) -> Result<Fetched, Fault> {
        let url = Url::parse(url).map_err(|why| refused(format!("the URL {why}")))?;
        match tokio::time::timeout(self.settings.timeout, self.follow(url, credential, wanted)).await {
            Ok(followed) => {
                followed.and_then(|(url, head, arriving)| self.fetched(&url, &head, arriving, wanted.is_some()))
            }
            Err(_) => Err(Fault::new(Reason::UpstreamTimeout).detail("a file's host did not answer in time")),
        }
    }

    /// The head that is no redirect. Each place on the way there is judged as if it were the first.
    async fn follow(
        &self,
        mut url: Url,
        mut credential: Option<(HeaderName, HeaderValue)>,
        wanted: Option<&Wanted>,
    ) -> Result<(Url, Parts, Arriving), Fault> {
        let mut redirects = 0..self.settings.redirects;
        loop {
            let standing = self.policy.judge(&url.origin).map_err(|why| refused(format!("{} {why}", url.origin)))?;
            credential = credential.filter(|_| standing == Standing::Own);
            let stream = self.dialer.dial(&url.origin, standing).await?;
            let (head, arriving) = exchange::get(stream, &url, credential.as_ref(), wanted)
                .await
                .map_err(|error| Fault::new(Reason::Upstream).detail(format!("{}: {error}", url.origin)))?;
            let Some(next) = answer::redirect(&head, &url)? else {
                return Ok((url, head, arriving));
            };
            if redirects.next().is_none() {
                return Err(Fault::new(Reason::Upstream).detail(format!("{} redirects too often", url.origin)));
            }
            credential = credential.filter(|_| next.origin == url.origin);
            url = next;
        }
    }

    fn fetched(&self, url: &Url, head: &Parts, arriving: Arriving, in_part: bool) -> Result<Fetched, Fault> {
        let size = arriving.size();
        let extent = answer::check(head, size, url, in_part)?;
        let (largest, idle) = (self.settings.largest, self.settings.idle);
        if size.is_some_and(|size| size > largest) {
            return Err(Fault::new(Reason::TooLarge).detail(format!("{} has more than {largest} bytes", url.origin)));
        }
        let (mime, name) = (answer::mime(&head.headers), answer::name(&head.headers, url));
        let version = answer::version(&head.headers);
        Ok(Fetched { extent, version, size, mime, name, chunks: Pieces { arriving, largest, idle }.stream() })
    }
}

/// What to tell whoever waits for a file whose [`Fetched::chunks`] failed.
pub fn broken(error: &io::Error) -> Fault {
    let reason = match error.kind() {
        io::ErrorKind::FileTooLarge => Reason::TooLarge,
        io::ErrorKind::TimedOut => Reason::UpstreamTimeout,
        _ => Reason::Upstream,
    };
    Fault::new(reason).detail(format!("a file on its way: {error}"))
}

/// A refusal of what somebody asked for.
fn refused(why: impl Into<String>) -> Fault {
    Fault::new(Reason::FileNotFound).detail(why)
}
