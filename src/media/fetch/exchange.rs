//! One GET over one connection. In: a stream and a URL. Out: the head of the answer, and its body on its way.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, IF_RANGE, RANGE, USER_AGENT};
use http::response::Parts;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Empty;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::dial::Stream;
use super::part::Wanted;
use super::url::Url;

/// What is read ahead of whoever takes the body, and the longest head, in bytes.
const BUFFER: usize = 64 * 1024;
/// Headers of an answer.
const HEADERS: usize = 100;

/// A connection, which moves only while somebody waits for what comes over it: no task of its own, so what nobody reads
/// any more is closed by being dropped.
struct Connection(Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>);

impl Connection {
    fn advance(&mut self, context: &mut Context<'_>) {
        // How it ended is told by the answer or the body, too.
        if self.0.as_mut().is_some_and(|running| running.as_mut().poll(context).is_ready()) {
            self.0 = None;
        }
    }
}

/// A body on its way.
pub(super) struct Arriving {
    connection: Connection,
    body: Incoming,
}

impl Arriving {
    /// The size, where the head says it.
    pub fn size(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next frame; `None` at the end. Fails where the connection ends before the body.
    pub async fn frame(&mut self) -> Option<hyper::Result<Frame<Bytes>>> {
        poll_fn(|context| {
            self.connection.advance(context);
            Pin::new(&mut self.body).poll_frame(context)
        })
        .await
    }
}

/// Asks for a file, with the credential if there is one, and waits for the head of the answer.
pub(super) async fn get(
    stream: Box<dyn Stream>,
    url: &Url,
    credential: Option<&(HeaderName, HeaderValue)>,
    wanted: Option<&Wanted>,
) -> hyper::Result<(Parts, Arriving)> {
    let mut client = http1::Builder::new();
    client.max_buf_size(BUFFER).max_headers(HEADERS);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await?;
    let mut connection = Connection(Some(Box::pin(connection)));
    let mut answered = pin!(sender.send_request(request(url, credential, wanted)));
    let answer = poll_fn(|context| match answered.as_mut().poll(context) {
        Poll::Pending => {
            connection.advance(context);
            answered.as_mut().poll(context)
        }
        ready => ready,
    });
    let (head, body) = answer.await?.into_parts();
    Ok((head, Arriving { connection, body }))
}

fn request(
    url: &Url,
    credential: Option<&(HeaderName, HeaderValue)>,
    wanted: Option<&Wanted>,
) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = http::Uri::from(url.path.clone());
    let headers = request.headers_mut();
    // What `Host` reads has letters, digits and punctuation only.
    if let Ok(host) = HeaderValue::try_from(url.origin.authority()) {
        headers.insert(HOST, host);
    }
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    // A compressed file would have to be unpacked before it could be passed on, to a size that nobody knows before.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("dragoman/", env!("CARGO_PKG_VERSION"))));
    if let Some(wanted) = wanted {
        headers.insert(RANGE, wanted.range.clone());
        headers.extend(wanted.unless_changed.clone().map(|value| (IF_RANGE, value)));
    }
    if let Some((name, value)) = credential {
        let mut value = value.clone();
        value.set_sensitive(true);
        headers.insert(name.clone(), value);
    }
    request
}
