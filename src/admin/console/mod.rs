//! The console: a page for operators, and what it asks for. In: requests below `/console`. Out: the page, the dialects that
//! can be tried, what happens as it happens, and what becomes of a frame.

mod bench;
mod files;
mod guard;
mod happenings;

use std::sync::{Arc, PoisonError, RwLock};

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::dialect::Dialect;

use super::access::Admitted;
use super::{Answer, Site, json};

/// Whether there is a console, and what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConsoleAccess {
    /// There is none.
    Off,
    /// What happens is shown without the words of messages.
    #[default]
    On,
    /// With the words.
    Words,
}

/// What the console shows of the config that holds now.
#[derive(Clone)]
pub struct Desk(Arc<RwLock<Arc<Set>>>);

/// What one config set out.
pub struct Set {
    pub access: ConsoleAccess,
    /// Those of the routes and upstreams, and those that are built in; each name once.
    pub dialects: Vec<Arc<Dialect>>,
}

impl Desk {
    pub fn new(set: Set) -> Self {
        Desk(Arc::new(RwLock::new(Arc::new(set))))
    }

    /// Of another config.
    pub fn replace(&self, set: Set) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
    }

    fn get(&self) -> Arc<Set> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether this is the page or a part of it: the same for everybody, without anything of this gateway.
pub(super) fn is_page(path: &str) -> bool {
    files::find(path).is_some()
}

/// Answers what is asked below `/console`.
pub(super) async fn answer(request: Request<Incoming>, site: &Site, admitted: Admitted<'_>) -> Response<Answer> {
    let set = site.desk.get();
    if set.access == ConsoleAccess::Off {
        return refused(StatusCode::NOT_FOUND, "the console is off: `console` of [server] says so");
    }
    let guarded = match admitted {
        // Who showed a token is no page of somebody else's; the page alone shows nothing.
        Admitted::Token | Admitted::OpenPath => Ok(()),
        // A browser shows a certificate whichever page asks.
        Admitted::Certificate(_) => guard::is_same_origin(&request),
        Admitted::NothingAsked => guard::is_own_page(&request),
    };
    if let Err(why) = guarded {
        return refused(StatusCode::FORBIDDEN, why);
    }
    let path = request.uri().path();
    let wanted = if path == "/console/translate" { Method::POST } else { Method::GET };
    if *request.method() != wanted {
        return refused(StatusCode::METHOD_NOT_ALLOWED, &format!("{path} is for {wanted}"));
    }
    match path {
        "/console/dialects" => bench::dialects(&set),
        "/console/translate" => bench::translate(request, &set).await,
        "/console/events" => happenings::follow(set.access == ConsoleAccess::Words, site),
        path => files::find(path).unwrap_or_else(|| refused(StatusCode::NOT_FOUND, "try /console")),
    }
}

fn refused(status: StatusCode, why: &str) -> Response<Answer> {
    json(status, &serde_json::json!({ "error": why }))
}
