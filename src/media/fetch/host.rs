//! The host of a URL. In: its text. Out: a name, or an address in its usual form; never an address in disguise.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name and the longest part of one, in bytes (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// In lower case, without a dot at its end.
    Name(String),
    /// As it was written, as only what was written by the operator counts; IPv6 in brackets.
    Literal { text: String, address: IpAddr },
}

impl Host {
    /// Reads a host. The error says what is wrong with it, to stand behind "the URL".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.to_ascii_lowercase();
        if let Some(inside) = text.strip_prefix('[') {
            // Without a zone: `Ipv6Addr` has no form for one.
            let address: Option<Ipv6Addr> = inside.strip_suffix(']').and_then(|inside| inside.parse().ok());
            let address = address.ok_or("has a host in brackets that is no IPv6 address")?;
            return Ok(Host::Literal { text, address: address.into() });
        }
        let name = text.strip_suffix('.').unwrap_or(&text);
        check(name)?;
        if !ends_in_a_number(name) {
            return Ok(Host::Name(name.to_owned()));
        }
        // Four decimal numbers without leading zeros, and no dot behind: one meaning everywhere.
        let address: Ipv4Addr = text.parse().map_err(|_| "has an IP address in an unusual form as its host")?;
        Ok(Host::Literal { text, address: address.into() })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Host::Name(text) | Host::Literal { text, .. }) = self;
        formatter.write_str(text)
    }
}

/// Letters, digits, hyphens and (as container networks use them) underscores, in parts between single dots.
fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("has no host");
    }
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
        return Err("has a host that is no name");
    }
    Ok(())
}

/// Whether readers of the old kind (`inet_aton`) and the WHATWG's would take a name for an IPv4 address: its last part
/// is a number, in decimal, octal or hexadecimal.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit())
}
