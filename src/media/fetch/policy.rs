//! Which hosts a file may come from. In: the upstream's endpoints and the operator's list. Out: of an origin, as whose it
//! counts; of an address, whether such a host may have it.

use std::net::IpAddr;

use super::FetchSettings;
use super::global::{is_global, is_local};
use super::host::Host;
use super::url::Origin;

/// As whose an origin counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The upstream's: the operator wrote scheme, host and port.
    Own,
    /// The public's: the operator allowed the host.
    Allowed,
}

impl Standing {
    /// Whether a host of this standing may have an address.
    pub fn admits(self, address: IpAddr) -> bool {
        match self {
            Standing::Own => is_global(address) || is_local(address),
            Standing::Allowed => is_global(address),
        }
    }
}

#[derive(Debug)]
pub(super) struct Policy {
    own: Vec<Origin>,
    allowed: Vec<Pattern>,
}

/// An entry of the operator's list.
#[derive(Debug)]
enum Pattern {
    Name(String),
    /// What is below a name; with the dot before it.
    Below(String),
}

impl Policy {
    pub fn new(settings: &FetchSettings) -> Self {
        let patterns = settings.allowed.iter().map(|host| {
            let host = host.to_ascii_lowercase();
            let host = host.strip_suffix('.').unwrap_or(&host);
            match host.strip_prefix('*') {
                Some(below) if below.starts_with('.') => Pattern::Below(below.to_owned()),
                _ => Pattern::Name(host.to_owned()),
            }
        });
        Policy { own: settings.own.iter().filter_map(Origin::of).collect(), allowed: patterns.collect() }
    }

    /// As whose an origin counts. The error says why as nobody's, to stand behind the origin.
    pub fn judge(&self, origin: &Origin) -> Result<Standing, &'static str> {
        if self.own.contains(origin) {
            return Ok(Standing::Own);
        }
        let Host::Name(name) = &origin.host else {
            return Err("is an IP address and not the upstream's own");
        };
        let is_allowed = self.allowed.iter().any(|pattern| match pattern {
            Pattern::Name(allowed) => allowed == name,
            // A name does not begin with a dot, so there is something before the suffix.
            Pattern::Below(suffix) => name.ends_with(suffix.as_str()),
        });
        if !is_allowed {
            return Err("is neither the upstream's own nor on its list");
        }
        if !origin.has_default_port() {
            return Err("is on the list, but not with this port");
        }
        Ok(Standing::Allowed)
    }
}
