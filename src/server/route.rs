//! A route as the server needs it: what its clients speak, how they are known, what they may.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::auth::{Principal, RateLimit, Verifier, Visitors};
use crate::backend::{Backend, Caller, Terms};
use crate::dialect::{Dialect, FileAccess, KeyTemplate};
use crate::event::MessageKind;
use crate::images::Images;
use crate::media::signature::Signer;
use crate::media::{Hosted, Library, Names, Unfinished};
use crate::metrics::RouteCounts;
use crate::naming::Naming;
use crate::passage::Passage;
use crate::placement::Condition;
use crate::scan::Scanner;
use crate::session;
use crate::store::Store;

/// A place that clients connect to.
pub struct Route {
    pub name: Arc<str>,
    pub dialect: Arc<Dialect>,
    /// What its clients call things.
    pub naming: Arc<Naming>,
    /// Where it leads.
    pub backend: Arc<dyn Backend>,
    /// The raw way to where it leads, for what needs no translation.
    pub passage: Option<Arc<dyn Passage>>,
    /// Where logins are passed on to, of a route that is not passed on itself.
    pub login: Option<Arc<dyn Passage>>,
    /// Whether the backend speaks the clients' dialect: then all of it is passed on as it is.
    pub same_dialect: bool,
    /// Whether paths that the dialect does not know are passed on.
    pub forward_rest: bool,
    pub terms: Terms,
    /// Lower-case, without a port; `None`: every host.
    pub host: Option<String>,
    /// Before the dialect's paths; empty, or `/…` without a slash at the end.
    pub prefix: String,
    pub verifier: Verifier,
    /// Makes tokens for visitors who came without a credential.
    pub visitors: Visitors,
    /// Bytes of an upload, in place of the dialect's.
    pub upload_limit: Option<u64>,
    /// Bytes of a JSON body or a frame.
    pub frame_limit: usize,
    pub rate: Option<Arc<RateLimit>>,
    /// Sockets at a time.
    pub connections: usize,
    pub open: Arc<AtomicUsize>,
    /// Pages that may connect; empty: those of the same host.
    pub origins: Vec<String>,
    /// Whether they may send cookies with their calls.
    pub cookies: bool,
    pub stores: Option<Stores>,
    /// What was uploaded.
    pub library: Library,
    /// What uploads must pass.
    pub scan: Option<Scan>,
    /// What is done to images.
    pub images: Option<Images>,
    /// Knows the addresses of files whose keys could be guessed.
    pub signer: Signer,
    pub file_access: FileAccess,
    /// Files of the upstream that are served under addresses of ours.
    pub hosted: Option<Hosted>,
    pub counts: RouteCounts,
    pub session: session::Settings,
}

impl Route {
    /// The passage, where calls and sockets of the dialect take it.
    pub fn identity(&self) -> Option<&Arc<dyn Passage>> {
        self.passage.as_ref().filter(|_| self.same_dialect)
    }

    /// The passage, where paths that the dialect does not know take it.
    pub fn rest(&self) -> Option<&Arc<dyn Passage>> {
        self.passage.as_ref().filter(|_| self.forward_rest)
    }

    /// Who asks by an HTTP call, without what they presented.
    pub fn caller(&self, principal: Principal) -> Caller {
        Caller {
            principal,
            route: Arc::clone(&self.name),
            dialect: Arc::clone(&self.dialect.name),
            connection: 0,
            presented: None,
            terms: self.terms,
        }
    }

    /// Bytes of an upload, over all kinds.
    pub fn largest_upload(&self) -> u64 {
        self.upload_limit.unwrap_or_else(|| self.dialect.types.largest())
    }

    /// Bytes of an upload of this kind, where it is known. The route's limit wins over the dialect's, both ways.
    pub fn upload_limit_of(&self, kind: Option<MessageKind>) -> u64 {
        let Some(kind) = kind else { return self.largest_upload() };
        self.upload_limit.or(self.dialect.types.max(kind)).unwrap_or(0)
    }
}

/// Who is asked whether an upload is harmful, and where it goes if it is.
pub struct Scan {
    pub scanner: Arc<Scanner>,
    pub quarantine: Option<Arc<dyn Store>>,
}

/// Where a route's uploads go.
pub struct Stores {
    /// The first that fits a file takes it; the last takes every file.
    pub rules: Vec<Arc<UploadRule>>,
    /// Every store once, those of the last rule first.
    pub all: Vec<Arc<dyn Store>>,
    /// Scheme and authority that files are served under, without a slash at the end.
    pub public_url: String,
    /// Who may use a key that somebody could guess, so that no two files have one.
    pub names: Names,
    /// Notes of files that have their name and are not known yet.
    pub unfinished: Unfinished,
}

/// A rule with its stores opened.
pub struct UploadRule {
    pub condition: Condition,
    /// One, or what writes to several; absent: only the backend gets the file.
    pub store: Option<Arc<dyn Store>>,
    /// Whether the backend gets the file as it comes.
    pub to_backend: bool,
    /// What the operator calls the stores.
    pub names: Vec<String>,
    /// In place of the dialect's own, where one can be filled.
    pub keys: Vec<KeyTemplate>,
}
