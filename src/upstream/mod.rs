//! A legacy backend behind the gateway, reached in its own dialect. In: calls with canonical ids. Out: what it answered
//! and what it says on its own, in canonical ids again. Knows no clients.

mod account;
mod accounts;
mod backend;
mod call;
mod correlator;
mod credential;
mod delivering;
mod handles;
mod hearing;
mod link;
mod names;
mod once;
mod passage;
mod reading;
mod rooms;
mod seen;
mod send;
mod senders;
mod sessions;
mod settings;
mod straight;
pub mod transport;
mod turns;
mod uploads;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::backend::Caller;
use crate::dialect::Op;
use crate::directory::Directory;
use crate::event::Role;
use crate::fault::Fault;
use crate::journal::Journal;
use crate::media::{Hosted, Library, Sources};
use crate::naming::{PinnedConversation, fault};
use crate::tasks::Tasks;

use account::{Account, Known};
use accounts::Accounts;
use credential::Credentials;
use hearing::{Claims, Hearing};
use link::Link;
use names::Names;
use once::Once;
use senders::Senders;
use transport::{Transport, TransportSettings};
use turns::Turns;

pub use settings::{CallbackSettings, Claim, CredentialRule, HealthCheck, Mint, UpstreamSettings};

/// One upstream of the config. Cloning it copies nothing.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

/// What an upstream needs of the gateway.
pub struct Surroundings {
    pub journal: Arc<dyn Journal>,
    pub sources: Sources,
    pub hosted: Hosted,
    pub tasks: Tasks,
}

struct Inner {
    settings: UpstreamSettings,
    credentials: Credentials,
    names: Names,
    directory: Directory,
    library: Library,
    /// Sends that their senders may repeat.
    once: Arc<Once>,
    /// Messages of which it was found out which account sent them.
    claims: Claims,
    /// Who sent messages of shared accounts.
    senders: Senders,
    journal: Arc<dyn Journal>,
    sources: Sources,
    hosted: Hosted,
    http: Transport,
    hosts: BTreeMap<Op, Transport>,
    socket_transport: Transport,
    accounts: Accounts,
    /// What must be done by one at a time: an upload of the same file, a guest's session, a change of a room.
    turns: Turns,
    tasks: Tasks,
}

impl Upstream {
    /// Makes what is pinned known; nothing is dialled before somebody needs it.
    pub async fn open(
        settings: UpstreamSettings,
        pinned: &[PinnedConversation],
        around: Surroundings,
    ) -> Result<Self, Fault> {
        let Surroundings { journal, sources, hosted, tasks } = around;
        crate::metrics::know_upstream(&settings.name);
        let transport = |endpoints: &[http::Uri], health: bool| {
            let settings = TransportSettings {
                upstream: Arc::clone(&settings.name),
                endpoints: endpoints.to_vec(),
                timeout: settings.timeout,
                health: settings.health.clone().filter(|_| health),
            };
            Transport::new(settings, &tasks)
        };
        let directory = Directory::of_upstream(Arc::clone(&journal), &settings.name);
        directory.pin(pinned).await?;
        let (name, dialect) = (Arc::clone(&settings.name), Arc::clone(&settings.dialect));
        let names = Names::open(name, dialect, Arc::clone(&journal), pinned).await.map_err(fault)?;
        Ok(Upstream(Arc::new(Inner {
            credentials: Credentials::new(settings.credentials.clone()),
            names,
            directory,
            library: Library::new(Arc::clone(&journal)),
            once: Once::new(&settings.name, Arc::clone(&journal), tasks.clone()),
            claims: Claims::default(),
            senders: Senders::new(Arc::clone(&settings.name), Arc::clone(&journal), tasks.clone()),
            journal,
            sources,
            hosted,
            http: transport(&settings.http, true),
            hosts: settings.hosts.iter().map(|(op, endpoints)| (*op, transport(endpoints, false))).collect(),
            socket_transport: transport(&settings.socket, false),
            accounts: Accounts::default(),
            turns: Turns::default(),
            tasks,
            settings,
        })))
    }

    /// Its endpoints that are given no requests: scheme, host and port.
    pub fn endpoints_away(&self) -> Vec<String> {
        let inner = &self.0;
        let all = [&inner.http, &inner.socket_transport].into_iter().chain(inner.hosts.values());
        let mut away: Vec<String> =
            all.flat_map(Transport::endpoints).filter(|endpoint| !endpoint.healthy).map(|away| away.address).collect();
        away.dedup();
        away
    }

    /// Its files, under addresses of ours.
    pub fn hosted(&self) -> &Hosted {
        &self.0.hosted
    }

    /// What its files are asked for with. A client's own credential is not kept, so that a forwarded one is none.
    pub fn file_credential(settings: &UpstreamSettings) -> Arc<crate::media::Credential> {
        let credentials = Credentials::new(settings.credentials.clone());
        let places = settings.dialect.credentials.get("").cloned();
        let nobody = Caller::nobody();
        let folder = settings.dialect.storage.public.clone();
        Arc::new(move |url| {
            // Whoever names a file at the upstream could name one of its calls: those are not made with our credential.
            if !is_below(url, &folder) {
                return None;
            }
            let secret = credentials.value("", &nobody).ok().flatten();
            let placed = credential::Placed::of_call(places.as_ref(), secret.as_ref()).ok()?;
            placed.headers.into_iter().find_map(|(name, value)| Some((name?, value)))
        })
    }
}

impl Inner {
    /// Where calls of this operation go.
    fn transport(&self, op: Op) -> &Transport {
        self.hosts.get(&op).unwrap_or(&self.http)
    }

    /// The account that a caller is at the upstream.
    fn account(&self, caller: &Caller) -> Arc<Account> {
        let seen = self.credentials.seen(caller);
        self.accounts.of(&seen.key, seen.shared, caller, || Known { id: self.pinned_account(), name: None })
    }

    /// What the operator called us there: the first of a pair, where all pairs agree.
    fn pinned_account(&self) -> Option<String> {
        let mut pairs = self.names.pinned().filter_map(|conversation| self.names.pair(conversation));
        let (first, _) = pairs.next()?;
        pairs.all(|(us, _)| us == first).then(|| first.to_owned())
    }

    /// Which of the dialect's sockets the gateway uses for this caller.
    fn socket_for(&self, caller: &Caller) -> Option<usize> {
        let role = self.role(caller);
        let sockets = &self.settings.dialect.sockets;
        let of_role = sockets
            .iter()
            .position(|socket| socket.roles.is_empty() || role.is_some_and(|role| socket.roles.contains(&role)));
        of_role.or((!sockets.is_empty()).then_some(0))
    }

    /// Whether the gateway speaks there as somebody who answers for the house.
    fn speaks_for_house(&self, caller: &Caller) -> bool {
        if let Some(role) = self.settings.role {
            return role.is_house();
        }
        match self.socket_for(caller).map(|at| &self.settings.dialect.sockets[at].roles) {
            // An app that only calls is no guest.
            None => true,
            Some(roles) if !roles.is_empty() => roles.iter().all(|role| role.is_house()),
            Some(_) => caller.principal.role.is_some_and(Role::is_house),
        }
    }

    /// The socket that such a message goes over; opened if there is none.
    fn link(self: &Arc<Self>, account: &Arc<Account>, caller: &Caller, socket: usize, conversation: &str) -> Arc<Link> {
        let scoped = self.settings.dialect.sockets[socket].scope == crate::dialect::Scope::Conversation;
        let conversation = scoped.then(|| conversation.to_owned());
        account.renew(caller);
        account.link(conversation.clone(), || {
            let (link, outgoing) = Link::new(Arc::clone(&self.settings.name), conversation.clone());
            let owner = Hearing { upstream: Arc::clone(self), account: Arc::clone(account), conversation, socket };
            self.tasks.spawn(link::run(Arc::clone(&link), outgoing, owner, self.tasks.stopping()));
            link
        })
    }
}

/// Whether a URL's path lies in the folder in which the dialect serves files, however it is written.
fn is_below(url: &str, folder: &str) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or(url);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let plain = crate::percent::decode(path).unwrap_or_default();
    let steps = plain.split(['/', '\\']).any(|step| step == ".." || step == ".");
    !folder.is_empty() && plain.starts_with(folder) && !steps && !plain.contains('%')
}
