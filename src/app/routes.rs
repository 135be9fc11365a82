//! A route of the config → one that the server can serve.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::{RateLimit, Verifier, Visitors};
use crate::backend::{Terms, Window};
use crate::config::{Route, Target};
use crate::images::Images;
use crate::media::Library;
use crate::media::signature::Signer;
use crate::metrics::RouteCounts;
use crate::relay::MailboxLimits;
use crate::server::{self, Scan};
use crate::session;

use super::ground::Ground;
use super::parts::Parts;
use super::{StartError, uploads, upstreams};

/// Sockets at a time of a route that says nothing.
const CONNECTIONS: usize = 10_000;
/// Bytes of a frame of a route that says nothing.
const FRAME: usize = 64 * 1024;

pub fn route(route: &Route, parts: &Parts, ground: &Ground) -> Result<server::Route, StartError> {
    let upstream = match &route.target {
        Target::Hub => None,
        Target::Upstream(name) => parts.upstreams.get(name).map(|open| &open.upstream),
    };
    let visitors = || Visitors::new(ground.visitors.clone(), &route.name);
    Ok(server::Route {
        name: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect),
        naming: Arc::clone(&parts.naming),
        backend: parts.backend(&route.target, ground)?,
        passage: upstream.map(|upstream| Arc::new(upstream.clone()) as _),
        login: route
            .login
            .as_ref()
            .and_then(|name| parts.upstreams.get(name))
            .map(|open| Arc::new(open.upstream.clone()) as _),
        same_dialect: upstreams::speaks_the_same(route, &parts.config),
        forward_rest: route.forward_rest,
        terms: Terms {
            foreign_files: route.dialect.flag("foreign_files"),
            on_loss: route.on_loss,
            confirm_within: route.confirm_within,
        },
        host: route.host.clone(),
        prefix: route.prefix.clone(),
        verifier: Verifier::new(&route.auth, |settings| ground.keys.of(&route.name, settings))?
            .with_visitors(visitors()?)
            .with_revocations(Arc::clone(&route.name), Arc::clone(&ground.revocations)),
        visitors: visitors()?,
        upload_limit: route.limits.upload,
        frame_limit: route.limits.frame.unwrap_or(FRAME),
        rate: route.limits.rate.and_then(|rate| RateLimit::new(rate.count, rate.per)).map(Arc::new),
        connections: route.limits.connections.unwrap_or(CONNECTIONS),
        open: ground.open_sockets(&route.name),
        origins: route.origins.clone(),
        cookies: route.cookies,
        stores: uploads::open(route, parts, ground)?,
        library: Library::new(Arc::clone(&ground.journal)),
        scan: scan(route, parts)?,
        images: route.images.map(Images::new),
        signer: Signer::new(&ground.visitors),
        file_access: route.file_access,
        hosted: upstream.map(|upstream| upstream.hosted().clone()),
        counts: RouteCounts::of(&route.name, &route.dialect.name, parts.spoken_at(&route.target)),
        session: session::Settings {
            mailbox: MailboxLimits { messages: 1_000, bytes: 4 << 20 },
            ping_every: Duration::from_secs(20),
            dead_after: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
            replay: route.replay.map(Window),
        },
    })
}

/// What uploads of a route must pass.
fn scan(route: &Route, parts: &Parts) -> Result<Option<Scan>, StartError> {
    let Some(name) = &route.scan else { return Ok(None) };
    let scanner = parts.scanners.get(name).ok_or_else(|| format!("there is no scanner `{name}`"))?;
    let quarantine = scanner.settings().quarantine.as_deref().map(|store| parts.store(store)).transpose()?;
    Ok(Some(Scan { scanner: Arc::clone(scanner), quarantine }))
}
