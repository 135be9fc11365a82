//! Who may ask what on the admin listener. In: a path and the headers of a request. Out: yes, or the status and the words
//! of the refusal. Probes are always answered: a kubelet shows nothing.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::secret::Secret;

use super::console;

/// The shortest token of a config, in bytes.
pub const SHORTEST_TOKEN: usize = 32;

/// What the listener asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `Authorization: Bearer …`; absent: nothing is asked for.
    pub token: Option<Secret>,
    /// Whether `/api/` and `/console` are served at all.
    pub api: bool,
    /// Whether `/metrics` is for whoever reaches the address, like probes.
    pub open_metrics: bool,
}

impl Access {
    pub(super) fn judge(&self, path: &str, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let acts = path.starts_with("/api/") || path == "/console" || path.starts_with("/console/");
        if !self.api && acts {
            return Err((StatusCode::FORBIDDEN, "`admin_api` of [server] is false"));
        }
        // The page itself shows nothing before it was given the token: a browser cannot show one to load it.
        let open = matches!(path, "/healthz" | "/readyz")
            || console::is_page(path)
            || (self.open_metrics && path == "/metrics");
        match &self.token {
            Some(token) if !open && !bearer(headers).is_some_and(|shown| token.is(shown)) => {
                Err((StatusCode::UNAUTHORIZED, "wanted the `admin_token` of [server], as Authorization: Bearer"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(access: &Access, path: &str, shown: &[&str]) -> u16 {
        let mut headers = HeaderMap::new();
        for value in shown {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        access.judge(path, &headers).map_or_else(|(status, _)| status.as_u16(), |()| 200)
    }

    #[test]
    fn probes_are_answered_and_all_else_asks_for_the_token() {
        let mut access = Access { token: Some(Secret::new("a token of these tests")), api: true, open_metrics: false };
        for path in [
            "/api/reload",
            "/api/uploads/gc",
            "/console/events",
            "/console/translate",
            "/console/x",
            "/metrics",
            "/",
            "/healthz/",
            "//healthz",
        ] {
            assert_eq!(status(&access, path, &[]), 401, "{path}");
            assert_eq!(status(&access, path, &["Bearer a token of these test"]), 401, "{path}");
            assert_eq!(status(&access, path, &["Basic a token of these tests"]), 401, "{path}");
            assert_eq!(status(&access, path, &["bearer a token of these tests"]), 200, "{path}");
            assert_eq!(status(&access, path, &["Bearer a token of these tests", "Bearer x"]), 401, "{path}");
        }
        for path in ["/healthz", "/readyz", "/console", "/console/console.js"] {
            assert_eq!(status(&access, path, &[]), 200, "{path}");
        }
        access.open_metrics = true;
        assert_eq!((status(&access, "/metrics", &[]), status(&access, "/api/reload", &[])), (200, 401));
        access.api = false;
        for path in ["/api/reload", "/console"] {
            assert_eq!(status(&access, path, &["Bearer a token of these tests"]), 403, "{path}");
        }
    }

    #[test]
    fn without_a_token_nothing_is_asked_for() {
        let access = Access { token: None, api: true, open_metrics: true };
        assert_eq!(status(&access, "/api/reload", &[]), 200);
    }
}
