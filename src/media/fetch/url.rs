//! A URL, read strictly. In: text of a stranger. Out: what every reader of URLs takes it for, or why it is refused. What
//! two readers could understand differently is refused, not guessed.

use std::fmt::{self, Write};

use http::Uri;
use http::uri::PathAndQuery;

use super::host::Host;

/// The longest URL, in bytes. Signed links of object stores have up to about 2 KiB.
const LONGEST: usize = 8 * 1024;

/// Where a request goes: what a browser calls an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// Whether the scheme is `https`.
    pub secure: bool,
    pub host: Host,
    pub port: u16,
}

#[derive(Debug, Clone)]
pub(super) struct Url {
    pub origin: Origin,
    /// As it is sent: begins with a slash, percent-encoded. It may hold secrets (signed links) and is never logged.
    pub path: PathAndQuery,
}

impl Url {
    /// Reads a URL. The error says what is wrong with it, to stand behind "the URL".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("is too long");
        }
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '\\') {
            return Err("has a control character, white space or a backslash");
        }
        if text.contains('#') {
            return Err("has a fragment");
        }
        let (scheme, rest) = text.split_once("://").ok_or("has no scheme with two slashes")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("is neither http nor https"),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if path.starts_with('?') {
            return Err("has a query without a path");
        }
        let origin = Origin::parse(secure, authority)?;
        let path = if path.is_empty() { "/".to_owned() } else { encoded(path)? };
        let path = PathAndQuery::try_from(path).map_err(|_| "has a path that cannot be sent")?;
        Ok(Url { origin, path })
    }

    /// Where a redirect leads: a whole URL, or a path at the same origin. Nothing else is read: what a relative path
    /// means is told differently.
    pub fn redirected(&self, location: &str) -> Result<Self, &'static str> {
        let scheme = if self.origin.secure { "https" } else { "http" };
        let next = match location {
            rest if rest.starts_with("//") => Url::parse(&format!("{scheme}:{rest}"))?,
            path if path.starts_with('/') => Url::parse(&format!("{}{path}", self.origin))?,
            whole => Url::parse(whole)?,
        };
        if self.origin.secure && !next.origin.secure {
            return Err("leads from https to http");
        }
        Ok(next)
    }

    /// The last segment of the path, as it is sent; empty where the path ends in a slash.
    pub fn last_segment(&self) -> &str {
        self.path.path().rsplit('/').next().unwrap_or_default()
    }
}

impl Origin {
    fn parse(secure: bool, authority: &str) -> Result<Self, &'static str> {
        if !authority.is_ascii() {
            return Err("has a host that is not ASCII");
        }
        if authority.contains('@') {
            return Err("has user information");
        }
        // The colons of IPv6 are inside of brackets.
        let end_of_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
        let end_of_host = authority[end_of_host..].find(':').map_or(authority.len(), |colon| end_of_host + colon);
        let (host, port) = authority.split_at(end_of_host);
        let port = match port.strip_prefix(':') {
            None => default_port(secure),
            Some(digits) => number(digits).ok_or("has a port that is none")?,
        };
        Ok(Origin { secure, host: Host::parse(host)?, port })
    }

    /// The origin of an address that the operator wrote; `None` where it is none of `http` or `https`.
    pub fn of(uri: &Uri) -> Option<Self> {
        let secure = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let port = uri.port_u16().unwrap_or(default_port(secure));
        Some(Origin { secure, host: Host::parse(uri.host()?).ok()?, port })
    }

    pub fn has_default_port(&self) -> bool {
        self.port == default_port(self.secure)
    }

    /// The value of `Host`: the port only where it is not the scheme's own.
    pub fn authority(&self) -> String {
        if self.has_default_port() { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(formatter, "{scheme}://{}", self.authority())
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// A port in its one usual form: digits without sign or leading zero.
fn number(digits: &str) -> Option<u16> {
    let usual = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if usual { digits.parse().ok() } else { None }
}

/// A path and query in which all that RFC 3986 has no place for is percent-encoded, for instance names in Persian, as
/// backends write them.
fn encoded(path: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(path.len());
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'%' => {
                let digits = path.as_bytes().get(at + 1..at + 3).unwrap_or_default();
                if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err("has a percent sign that encodes nothing");
                }
                out.push('%');
            }
            byte if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) => {
                out.push(char::from(byte))
            }
            // Writing to a String cannot fail.
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    Ok(out)
}
