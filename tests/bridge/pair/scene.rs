//! One client, one backend, one gateway between them, all in one conversation. In: two dialects. Out: the three, connected.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::Client;
use crate::client::andromedia::Andromedia as Visitor;
use crate::client::divar::{Divar as App, Events};
use crate::client::frontdesk::Frontdesk as Staff;
use crate::client::licomed::{Licomed as User, THEM};
use crate::client::luxmart::Luxmart as Store;
use crate::client::mattermost::{CHANNEL, Mattermost as Member};
use crate::harness::{API_KEY, Gateway, SECRET};
use crate::standin::andromedia::Andromedia;
use crate::standin::divar::Divar;
use crate::standin::frontdesk::{Frontdesk, Profile};
use crate::standin::licomed::Licomed;
use crate::standin::luxmart::Luxmart;
use crate::standin::mattermost::Mattermost;
use crate::standin::{Standin, credentials};

pub const US: &str = "0e9d4c1b-7a25-4f83-b6c0-58d3a1f2e794";
const VISITOR: &str = "11111111-2222-4333-8444-555555555555";
const SESSION: &str = "5b8f0f0e-3c0d-4d1e-9a51-0d6c7f1e2a3b";
/// What the backends know the gateway by, and it them.
const BACKEND_SECRET: &str = "9a1c5e7f20b34d6688aa9cbe01d2f3e4";
const BACKEND_KEY: &str = "key-of-the-gateway-61e8c07d";
const EVENTS_KEY: &str = "identification-of-the-platform-5d2a";

/// What stands between.
pub struct Scene {
    pub gateway: Gateway,
    pub backend: Arc<dyn Standin>,
    pub client: Box<dyn Client>,
    pub events: Option<Arc<Events>>,
    /// The backend, where it is one that calls back.
    pub divar: Option<Arc<Divar>>,
    /// The backend, where it is one whose dialect is not built in.
    pub mattermost: Option<Arc<Mattermost>>,
    /// What the client shows.
    pub token: String,
    pub from: &'static str,
    pub to: &'static str,
}

/// How a scene differs from the usual.
#[derive(Debug, Clone, Default)]
pub struct Staging {
    /// More lines of the upstream's table.
    pub upstream: String,
    /// More lines of the route's table.
    pub route: String,
    /// Where its uploads go, as TOML, instead of the usual.
    pub uploads: Option<&'static str>,
    /// Tables after all others.
    pub more: String,
    /// What is done to the backend before anybody connects.
    pub echo_off: bool,
    /// Further endpoints of the upstream: for calls and for sockets.
    pub also: Vec<(String, String)>,
    /// The client's own credential is shown to the backend, which takes it.
    pub forwards: bool,
    /// Each client is an account of its own at the backend, not all of them one.
    pub own_accounts: bool,
}

/// A backend that is not told yet where the gateway is.
pub enum Backend {
    Silent(Arc<dyn Standin>),
    /// It calls back.
    Calls(Arc<Divar>),
    /// Its dialect is not built in.
    Foreign(Arc<Mattermost>),
}

impl Backend {
    pub async fn start(dialect: &str, staging: &Staging) -> Self {
        match dialect {
            "frontdesk" => Backend::Silent(Arc::new(Frontdesk::start(BACKEND_SECRET, Profile::Documented).await)),
            "frontdesk@deployed" if staging.echo_off => {
                Backend::Silent(Arc::new(Frontdesk::start_dropping(BACKEND_SECRET).await))
            }
            "frontdesk@deployed" => {
                Backend::Silent(Arc::new(Frontdesk::start(BACKEND_SECRET, Profile::Deployed).await))
            }
            "andromedia" => {
                Backend::Silent(Arc::new(Andromedia::start(BACKEND_SECRET, SESSION, !staging.echo_off).await))
            }
            "licomed" if staging.echo_off => {
                Backend::Silent(Arc::new(Licomed::start_confirming(BACKEND_SECRET, US, THEM).await))
            }
            "licomed" => Backend::Silent(Arc::new(Licomed::start(BACKEND_SECRET, US, THEM).await)),
            "luxmart" => Backend::Silent(Arc::new(Luxmart::start(BACKEND_SECRET).await)),
            "mattermost" => Backend::Foreign(Arc::new(Mattermost::start(BACKEND_SECRET).await)),
            "divar" => Backend::Calls(Arc::new(Divar::start(BACKEND_KEY, String::new(), EVENTS_KEY).await)),
            other => panic!("no stand-in speaks {other}"),
        }
    }

    pub fn standin(&self) -> Arc<dyn Standin> {
        match self {
            Backend::Silent(standin) => Arc::clone(standin),
            Backend::Calls(standin) => Arc::clone(standin) as _,
            Backend::Foreign(standin) => Arc::clone(standin) as _,
        }
    }
}

/// How the gateway shows itself to a backend of this dialect, and as what.
pub fn account(dialect: &str, forwards: bool) -> String {
    let mint = |claims: &str, role: &str| {
        let credential = match forwards {
            true => r#"{ kind = "forward" }"#.to_owned(),
            false => format!(r#"{{ kind = "mint", secret = "{BACKEND_SECRET}", claims = {claims} }}"#),
        };
        format!("credential = {credential}\nrole = \"{role}\"")
    };
    match dialect {
        "frontdesk" | "frontdesk@deployed" => mint(
            r#"{ sub = "1", name = "Ann Staff", role = "staff", user_type = "department_staff", department = "reception" }"#,
            "staff",
        ),
        "andromedia" => mint(&format!(r#"{{ sub = "{VISITOR}", role = "visitor" }}"#), "visitor"),
        "licomed" => mint(&format!(r#"{{ sub = "{US}" }}"#), "user"),
        "luxmart" => mint(r#"{ sub = "2", role = "admin" }"#, "admin"),
        "mattermost" => mint(r#"{ sub = "ann4staff7ncbef59f4k1qe83o" }"#, "user"),
        "divar" => format!(
            "credential = {{ kind = \"fixed\", value = \"{BACKEND_KEY}\" }}\n\
             events = {{ path = \"/callbacks/back\", key = \"{EVENTS_KEY}\" }}"
        ),
        other => panic!("no account at {other}"),
    }
}

/// The same, as whoever the client is.
fn own_account(dialect: &str) -> String {
    let mint = |claims: &str, role: &str| {
        let credential = format!(r#"{{ kind = "mint", secret = "{BACKEND_SECRET}", claims = {claims} }}"#);
        format!("credential = {credential}\nrole = \"{role}\"")
    };
    match dialect {
        "frontdesk" => mint(
            r#"{ sub = "{party.id}", name = "{party.name}", role = "staff", user_type = "department_staff", department = "reception" }"#,
            "staff",
        ),
        "andromedia" => mint(r#"{ sub = "{party.id}", role = "visitor" }"#, "visitor"),
        "luxmart" => mint(r#"{ sub = "{party.id}", role = "admin" }"#, "admin"),
        other => panic!("no accounts at {other}"),
    }
}

/// A dialect as a config names it: one that is not built in by its file.
pub fn spoken(dialect: &str) -> String {
    match dialect {
        "mattermost" => concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mattermost.toml").to_owned(),
        built_in => built_in.to_owned(),
    }
}

/// The conversation's names in all dialects.
pub fn room() -> String {
    format!(
        r#"
[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
andromedia = {{ business = "hotel", external_customer_id = "room-101" }}
licomed    = ["{US}", "{THEM}"]
divar      = "conversation-101"
luxmart    = 7
guest      = {{ name = "Gil", room_number = "101" }}
"#
    )
}

/// The config of a route of one dialect to an upstream of another.
fn config(from: &str, to: &str, backend: &dyn Standin, events: Option<&Events>, staging: &Staging) -> String {
    let auth = match from {
        "divar" => {
            format!(r#"{{ kind = "tokens", tokens = [{{ token = "{API_KEY}", party = "app-1", role = "bot" }}] }}"#)
        }
        _ => {
            let secret = if staging.forwards { BACKEND_SECRET } else { SECRET };
            format!(r#"{{ kind = "jwt", secret = "{secret}" }}"#)
        }
    };
    let (calls, sockets): (Vec<String>, Vec<String>) = staging.also.iter().cloned().unzip();
    // Only a dialect that the config uses may have a name for it.
    let own = match from == "mattermost" || to == "mattermost" {
        true => room().replacen("luxmart", &format!("mattermost = \"{CHANNEL}\"\nluxmart"), 1),
        false => room(),
    };
    let usual = if from == to { "\"upstream\"" } else { "\"local\"" };
    let uploads = staging.uploads.unwrap_or(usual);
    let events = events.map(|events| format!("events = {{ url = \"{}\", key = \"{}\" }}", events.url(), events.key()));
    format!(
        r#"
[upstreams.back]
dialect = "{to}"
http    = {http:?}
socket  = {socket:?}
{account}
{upstream}

[[routes]]
name    = "front"
dialect = "{from}"
to      = "back"
uploads = {uploads}
auth    = {auth}
{events}
{route}
{room}
{more}
"#,
        http = [&[backend.http()], &calls[..]].concat(),
        socket = [&[backend.socket()], &sockets[..]].concat(),
        account = if staging.own_accounts { own_account(to) } else { account(to, staging.forwards) },
        upstream = staging.upstream,
        events = events.unwrap_or_default(),
        route = staging.route,
        room = own,
        from = spoken(from),
        to = spoken(to),
        more = staging.more,
    )
}

impl Scene {
    /// Starts all three and connects the client.
    pub async fn set_as(from: &'static str, to: &'static str, staging: &Staging) -> Self {
        let backend = Backend::start(to, staging).await;
        let events = match from {
            "divar" => Some(Events::start().await),
            _ => None,
        };
        let standin = backend.standin();
        let gateway = Gateway::start_routes(&config(from, to, &*standin, events.as_deref(), staging)).await;
        let (divar, mattermost) = match &backend {
            Backend::Calls(divar) => (Some(Arc::clone(divar)), None),
            Backend::Foreign(mattermost) => (None, Some(Arc::clone(mattermost))),
            Backend::Silent(_) => (None, None),
        };
        if let Some(divar) = &divar {
            divar.events_at(&format!("http://{}/callbacks/back", gateway.address));
        }
        let token = match staging.forwards {
            true => credentials::token(BACKEND_SECRET, known_to_both(from, to)),
            false => token(from, &gateway, events.as_deref()),
        };
        let client = open(from, gateway.address, token.clone()).await.unwrap_or_else(|status| {
            panic!("{from} → {to}: refused with {status}; the gateway says\n{}", gateway.log())
        });
        Scene { gateway, backend: standin, client, events, divar, mattermost, token, from, to }
    }

    /// The client connects anew.
    pub async fn reconnect(&mut self) {
        let opened = open(self.from, self.gateway.address, self.token.clone()).await;
        self.client = opened.unwrap_or_else(|status| {
            panic!("{} → {}: refused with {status}\n{}", self.from, self.to, self.gateway.log())
        });
    }
}

/// Claims that name somebody who may speak in both dialects.
fn known_to_both(from: &str, to: &str) -> Value {
    let either = |dialect: &str| from == dialect || to == dialect;
    let sub = match () {
        () if either("licomed") => US,
        () if either("andromedia") => VISITOR,
        () => "2",
    };
    let role = match from {
        _ if either("luxmart") => "admin",
        "frontdesk" => "staff",
        "andromedia" => "visitor",
        _ => "user",
    };
    json!({
        "sub": sub, "role": role, "name": "Ann Staff", "department": "reception", "user_type": "department_staff",
        "business": "hotel",
    })
}

/// What somebody of this dialect shows the gateway.
pub fn token(dialect: &str, gateway: &Gateway, events: Option<&Events>) -> String {
    match dialect {
        "frontdesk" => {
            gateway.token(json!({ "sub": "1", "role": "staff", "name": "Ann Staff", "department": "reception" }))
        }
        "andromedia" => gateway.token(json!({ "sub": VISITOR, "role": "visitor", "business": "hotel" })),
        "licomed" => gateway.token(json!({ "sub": US, "role": "user" })),
        "luxmart" => gateway.token(json!({ "sub": "2", "role": "admin", "name": "Eve" })),
        "mattermost" => gateway.token(
            json!({ "sub": "eve5user1bncbef59f4k1qe83o", "role": "staff", "name": "Eve", "department": "reception" }),
        ),
        "divar" => events.expect("an app has somewhere to be called").token(API_KEY, None),
        other => panic!("nobody speaks {other}"),
    }
}

/// A client of a dialect, connected to the gateway.
pub async fn connect(dialect: &str, gateway: &Gateway, events: Option<&Events>) -> Result<Box<dyn Client>, u16> {
    open(dialect, gateway.address, token(dialect, gateway, events)).await
}

/// A client of a dialect that shows this token.
pub async fn open(dialect: &str, address: SocketAddr, token: String) -> Result<Box<dyn Client>, u16> {
    Ok(match dialect {
        "frontdesk" => Box::new(Staff::open(address, token).await?),
        "andromedia" => Box::new(Visitor::open(address, token).await?),
        "licomed" => Box::new(User::open(address, token).await?),
        "luxmart" => Box::new(Store::open(address, token).await?),
        "mattermost" => Box::new(Member::open(address, token).await?),
        "divar" => Box::new(App::open(address, token).await?),
        other => panic!("no client speaks {other}"),
    })
}
