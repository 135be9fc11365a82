//! Another route of the same gateway, to another backend, which is well all the time. In: what may be happening beside it.
//! Out: nothing; panics where anything of that is noticed here.

use std::sync::Arc;

use crate::client::{Client, Heard};
use crate::harness::{Gateway, SECRET};
use crate::pair::scene::{Backend, Staging, account, connect};
use crate::standin::Standin;

/// What the backend speaks.
const TO: &str = "frontdesk";

pub struct Aside {
    from: &'static str,
    backend: Arc<dyn Standin>,
    client: Option<Box<dyn Client>>,
}

impl Aside {
    /// Beside a route of this dialect, so of another one.
    pub async fn beside(from: &str) -> Self {
        let from = if from == "licomed" { "luxmart" } else { "licomed" };
        let backend = Backend::start(TO, &Staging::default()).await.standin();
        Aside { from, backend, client: None }
    }

    /// The tables for the gateway's config.
    pub fn config(&self) -> String {
        format!(
            r#"
[upstreams.well]
dialect = "{TO}"
http    = "{http}"
socket  = "{socket}"
{account}

[[routes]]
name    = "aside"
dialect = "{from}"
to      = "well"
uploads = "local"
auth    = {{ kind = "jwt", secret = "{SECRET}" }}
"#,
            http = self.backend.http(),
            socket = self.backend.socket(),
            account = account(TO, false),
            from = self.from,
        )
    }

    pub async fn join(&mut self, gateway: &Gateway) {
        self.client = Some(connect(self.from, gateway, None).await.expect("the route beside"));
    }

    /// Both sides say something, and each hears the other.
    pub async fn goes_on(&mut self, when: &str) {
        let client = self.client.as_mut().expect("who joined");
        let (there, back) = (format!("sent {when}"), format!("answered {when}"));
        client.say(&there).await;
        assert_eq!(self.backend.taken().await.body, there);
        self.backend.say(&back).await;
        assert_eq!(client.hears().await, Heard::Text(back));
    }
}
