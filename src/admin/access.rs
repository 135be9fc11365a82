//! Who may ask what on the admin listener. In: a path, the headers of a request, the certificate that its connection showed.
//! Out: why it is let in, or the status and the words of the refusal. Probes are always answered: a kubelet shows nothing.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::edge::ClientCertificate;
use crate::secret::Secret;

use super::console;

/// The shortest token of a config, in bytes.
pub const SHORTEST_TOKEN: usize = 32;

/// What the listener asks for: either of a token and a certificate is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `Authorization: Bearer …`; absent: no token counts.
    pub token: Option<Secret>,
    pub certificates: Certificates,
    /// Whether `/api/` and `/console` are served at all.
    pub api: bool,
    /// Whether `/metrics` is for whoever reaches the address, like probes.
    pub open_metrics: bool,
}

/// Whose certificates count, of those that the listener's authorities signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificates {
    /// Nobody's: the listener does not ask for one.
    Nobodys,
    Everybodys,
    /// Those that name one of these, letter by letter.
    Of(Vec<String>),
}

/// Why somebody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted<'a> {
    /// Everybody may ask this.
    OpenPath,
    /// Everybody may ask anything.
    NothingAsked,
    Token,
    /// By the first of its names.
    Certificate(&'a str),
}

impl fmt::Display for Admitted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Admitted::OpenPath | Admitted::NothingAsked => formatter.write_str("anybody"),
            Admitted::Token => formatter.write_str("token"),
            Admitted::Certificate(name) => write!(formatter, "certificate {}", name.escape_debug()),
        }
    }
}

/// The access of the config that holds now.
#[derive(Clone)]
pub struct Door(Arc<RwLock<Arc<Access>>>);

impl Door {
    pub fn new(access: Access) -> Self {
        Door(Arc::new(RwLock::new(Arc::new(access))))
    }

    /// Of another config; requests that come from now on are judged by it, on open connections too.
    pub fn replace(&self, access: Access) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }

    pub(super) fn access(&self) -> Arc<Access> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Access {
    /// Whether anything is asked for.
    pub fn asks(&self) -> bool {
        self.token.is_some() || self.certificates != Certificates::Nobodys
    }

    pub(super) fn judge<'a>(
        &self,
        path: &str,
        headers: &HeaderMap,
        shown: Option<&'a ClientCertificate>,
    ) -> Result<Admitted<'a>, (StatusCode, &'static str)> {
        let acts = path.starts_with("/api/") || path == "/console" || path.starts_with("/console/");
        if !self.api && acts {
            return Err((StatusCode::FORBIDDEN, "`admin_api` of [server] is false"));
        }
        // The page itself shows nothing before it was given the token: a browser cannot show one to load it.
        let open = matches!(path, "/healthz" | "/readyz")
            || console::is_page(path)
            || (self.open_metrics && path == "/metrics");
        if !self.asks() {
            return Ok(Admitted::NothingAsked);
        }
        if open {
            return Ok(Admitted::OpenPath);
        }
        if let Some(token) = &self.token
            && bearer(headers).is_some_and(|shown| token.is(shown))
        {
            return Ok(Admitted::Token);
        }
        match (shown, &self.token, &self.certificates) {
            (Some(shown), ..) if self.certificates.count(shown) => Ok(Admitted::Certificate(name(shown))),
            (_, Some(_), Certificates::Nobodys) => {
                Err((StatusCode::UNAUTHORIZED, "wanted the `admin_token` of [server], as Authorization: Bearer"))
            }
            (_, Some(_), _) => Err((
                StatusCode::UNAUTHORIZED,
                "wanted the `admin_token` of [server], as Authorization: Bearer, or a client certificate that counts",
            )),
            (Some(_), None, _) => Err((
                StatusCode::FORBIDDEN,
                "this client certificate does not count: it has ended, or names nobody of `client_names`",
            )),
            (None, None, _) => Err((
                StatusCode::FORBIDDEN,
                "wanted a client certificate that one of `client_ca` of [server.admin_tls] signed",
            )),
        }
    }
}

impl Certificates {
    /// The listener's own counts always, its end apart: whoever has its key is this gateway. Others are looked at anew with
    /// each request: connections, and sessions that are resumed, outlive certificates.
    fn count(&self, shown: &ClientCertificate) -> bool {
        let is_named = match self {
            Certificates::Nobodys => return false,
            Certificates::Everybodys => true,
            Certificates::Of(names) => shown.certificate.names.iter().any(|name| names.contains(name)),
        };
        shown.is_own || (is_named && !shown.certificate.is_over())
    }
}

/// What a certificate is called in the log.
fn name(shown: &ClientCertificate) -> &str {
    if shown.is_own {
        return "of the gateway itself";
    }
    shown.certificate.names.first().map_or("without a name", String::as_str)
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

#[cfg(test)]
mod tests;
