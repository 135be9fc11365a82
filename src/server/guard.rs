//! What hyper lets through and a gateway must not: requests whose length or host two readers could understand
//! differently, and paths that mean something else once decoded. In: a request's head. Out: its host and decoded path.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Version};

use crate::percent;

/// Where a request wants to go, without doubt.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Lower-case, without its port.
    pub host: String,
    /// Host and port as the client wrote them.
    pub authority: String,
    /// Percent-decoded once.
    pub path: String,
}

/// The words of a refusal; the status is 400.
pub type Refused = &'static str;

/// Looks at a head before anything else does. `forwarded`: the authority that a trusted proxy says was asked for.
pub fn inspect(parts: &Parts, forwarded: Option<String>) -> Result<Wanted, Refused> {
    framing(&parts.headers, parts.version)?;
    let written = authority(parts)?;
    let authority = forwarded.map_or(Ok(written), well_formed)?;
    Ok(Wanted { host: host_of(&authority), path: path(parts.uri.path())?, authority })
}

/// One reading of where the body ends.
fn framing(headers: &HeaderMap, version: Version) -> Result<(), Refused> {
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return if lengths > 1 { Err("Content-Length is given twice") } else { Ok(()) };
    };
    // hyper takes the length away itself and closes after the answer; this holds for whatever else reads heads for us.
    if lengths > 0 {
        return Err("Content-Length and Transfer-Encoding exclude each other");
    }
    if version == Version::HTTP_10 {
        return Err("HTTP/1.0 has no Transfer-Encoding");
    }
    if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Err("Transfer-Encoding can only be chunked");
    }
    Ok(())
}

/// Exactly one well-formed host.
fn authority(parts: &Parts) -> Result<String, Refused> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("Host is given twice");
    }
    let written = match (host, parts.uri.authority()) {
        (Some(host), named) => {
            let host = host.to_str().map_err(|_| "Host is malformed")?;
            if named.is_some_and(|named| !named.as_str().eq_ignore_ascii_case(host)) {
                return Err("Host and request target name different hosts");
            }
            host.to_owned()
        }
        (None, Some(named)) if parts.version >= Version::HTTP_2 => named.as_str().to_owned(),
        (None, _) => return Err("Host is missing"),
    };
    well_formed(written)
}

fn well_formed(written: String) -> Result<String, Refused> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let port_is_number = match written.rsplit_once(':') {
        Some((_, port)) if !written.ends_with(']') => port.bytes().all(|byte| byte.is_ascii_digit()),
        _ => true,
    };
    if written.is_empty() || !written.bytes().all(plain) || !port_is_number {
        return Err("Host is malformed");
    }
    Ok(written)
}

fn host_of(authority: &str) -> String {
    let host = match authority.rsplit_once(':') {
        Some((host, _)) if !authority.ends_with(']') => host,
        _ => authority,
    };
    host.to_ascii_lowercase()
}

/// The path, decoded once. What would make a second segment out of one, or leave the tree, is refused, not mended:
/// whoever stands before or behind us may read it otherwise.
fn path(raw: &str) -> Result<String, Refused> {
    let decoded = percent::decode(raw).ok_or("the path is not UTF-8 in percent-encoding")?;
    let hidden_slash = raw.to_ascii_lowercase().contains("%2f") || raw.to_ascii_lowercase().contains("%5c");
    if hidden_slash || decoded.contains(['\0', '\\']) {
        return Err("the path has an encoded slash, a backslash or a NUL");
    }
    if decoded.contains("//") || decoded.split('/').any(|segment| segment == "." || segment == "..") {
        return Err("the path has an empty or a dot segment");
    }
    Ok(decoded)
}

/// The parameters of a query, decoded.
pub fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(100);
    pairs
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent::decode(&name.replace('+', " "))?, percent::decode(&value.replace('+', " "))?))
        })
        .collect()
}
