//! Somebody who is called: an upstream, a webhook, a collector. In: requests. Out: an answer to each, and what was asked.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::HeaderMap;

use crate::harness::PATIENCE;
use crate::standin::Failing;
use crate::standin::server::{Backstage, Response, Said, Server, with_type};

/// A request as it came.
#[derive(Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    /// A header that is there once, in words.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok();
        assert!(values.next().is_none(), "{name} is given twice: {:?}", self.headers);
        value
    }
}

/// Listens on a free port of the loopback until it is dropped.
pub struct Recorder {
    server: Server,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Recorder {
    /// `answer` says what each request gets; handshakes of WebSockets are accepted and what is said there is said back.
    pub async fn start(answer: impl Fn(&Asked) -> Response + Clone + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (kept, backstage) = (asked.clone(), Backstage::new());
        let stage = backstage.clone();
        let server = Server::start(backstage, move |request| {
            let (kept, stage, answer) = (kept.clone(), stage.clone(), answer.clone());
            async move {
                let seen = Asked {
                    method: request.method.clone(),
                    path: request.path.clone(),
                    headers: request.headers.clone(),
                    body: request.body.clone(),
                };
                kept.lock().expect("not poisoned").push(seen.clone());
                if request.is_handshake() {
                    return stage.accept(request, "a guest", None, |mut session| async move {
                        while let Some(Said::Text(text)) = session.hear().await {
                            session.say(&text.into()).await;
                        }
                    });
                }
                answer(&seen)
            }
        });
        Recorder { server: server.await, asked }
    }

    /// Which answers each request with an empty object.
    pub async fn polite() -> Self {
        Recorder::start(|_| with_type(200, "application/json", "{}")).await
    }

    /// Begins to fail like this.
    pub fn fail(&self, failing: Failing) {
        self.server.backstage().fail(failing);
    }

    pub fn http(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub fn socket(&self) -> String {
        format!("ws://{}", self.server.address())
    }

    /// What came so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// The first request for which this holds, as soon as it is there.
    pub async fn wait_for(&self, wanted: impl Fn(&Asked) -> bool) -> Asked {
        let found = async {
            loop {
                if let Some(asked) = self.asked().into_iter().find(&wanted) {
                    return asked;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| {
            let paths: Vec<String> = self.asked().into_iter().map(|asked| asked.path).collect();
            panic!("nothing like that was asked: {paths:?}")
        })
    }
}
