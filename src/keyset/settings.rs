//! Where keys come from and how long they are good. In: a checked config. Out: what a [`super::KeySet`] is made of.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use crate::secret::Secret;

/// The key set of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetSettings {
    pub source: Source,
    /// The longest between two fetches. The `max-age` of an answer may make it shorter.
    pub refresh: Duration,
    /// How long after they were fetched last keys are still used, where they cannot be fetched again.
    pub stale_after: Duration,
}

/// Where the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Fetched from here; redirects are not followed. Its query may have a credential in it.
    Url(Secret),
    /// Read from this file, again whenever it changes.
    File(PathBuf),
}

impl Source {
    /// Checks an address: `http` or `https`, a host, no user and no fragment.
    pub fn url(text: &str) -> Result<Self, String> {
        let form = || "wanted `https://` and a host, as in `https://id.example/keys`".to_owned();
        if text.contains('#') {
            return Err("an address of keys has no fragment".to_owned());
        }
        let uri: Uri = text.parse().map_err(|_| form())?;
        let authority = uri.authority().ok_or_else(form)?;
        if authority.as_str().contains('@') {
            return Err("a URL here has no user or password in it".to_owned());
        }
        let has_port = authority.as_str().len() > authority.host().len();
        if has_port && authority.port_u16().is_none_or(|port| port == 0) {
            return Err("a port is a number from 1 to 65535".to_owned());
        }
        match uri.scheme_str() {
            Some("http" | "https") if !authority.host().is_empty() => Ok(Source::Url(Secret::new(text))),
            _ => Err(form()),
        }
    }

    /// The address; none of a file.
    pub fn uri(&self) -> Option<Uri> {
        match self {
            // It was parsed when it was checked.
            Source::Url(url) => url.expose().parse().ok(),
            Source::File(_) => None,
        }
    }
}

/// For people: scheme and host, or the file. What stands behind the host may be nobody's business.
impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self, self.uri()) {
            (Source::File(path), _) => write!(formatter, "{}", path.display()),
            (Source::Url(_), Some(uri)) => {
                let host = uri.authority().map_or("", |authority| authority.as_str());
                write!(formatter, "{}://{host}", uri.scheme_str().unwrap_or("https"))
            }
            (Source::Url(_), None) => formatter.write_str("***"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_shown_without_what_may_be_secret() {
        let shown = |text| Source::url(text).map(|source| source.to_string());
        assert_eq!(shown("https://id.example/realms/a?api_key=b"), Ok("https://id.example".to_owned()));
        assert_eq!(shown("http://[::1]:8080/keys"), Ok("http://[::1]:8080".to_owned()));
        for (text, words) in [
            ("id.example/keys", "wanted `https://`"),
            ("ftp://id.example/keys", "wanted `https://`"),
            ("/keys", "wanted `https://`"),
            ("https://", "wanted `https://`"),
            ("https://ann:word@id.example/keys", "no user or password"),
            ("https://id.example/keys#a", "no fragment"),
            ("https://id.example:0/keys", "a port"),
        ] {
            let message = shown(text).unwrap_err();
            assert!(message.contains(words), "{text}: {message}");
        }
    }
}
