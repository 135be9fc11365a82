//! Which addresses are the public's and which are somebody's own network. In: an address, in its one binary form.
//! Out: whether the gateway may call it on a stranger's word, or on the operator's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds tell a machine its secrets, outside of link-local: Alibaba, Azure.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];

/// The same over IPv6: AWS, Google, Scaleway.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Whether an address is a public host's.
///
/// Stricter than the IANA registries of special-purpose addresses: no block of theirs is global here, though some are
/// marked "globally reachable". Those are relays, sinks and anycast of the own network; nobody's files are there. Of
/// IPv6, only what is assigned as global unicast (2000::/3) is, and NAT64 with a global address inside.
pub(super) fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

/// Whether an address is of the kind that a private network uses: where an operator's own backend may be.
pub(super) fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && second & 0xc0 == 64;
            (address.is_private() || address.is_loopback() || is_shared) && !METADATA_V4.contains(&address)
        }
        IpAddr::V6(address) => (address.is_loopback() || address.is_unique_local()) && !METADATA_V6.contains(&address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = match (first, second, third) {
        // This network, private, loopback; then multicast (224/4) and what is reserved (240/4) with the broadcast.
        (0 | 10 | 127 | 224..=255, _, _) => true,
        // Shared by a provider's customers (CGNAT).
        (100, 64..=127, _) => true,
        // Link-local, with the metadata services.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // IETF protocol assignments; documentation; AS112; AMT; 6to4 relays; AS112 again.
        (192, 0, 0 | 2) | (192, 31, 196) | (192, 52, 193) | (192, 88, 99) | (192, 175, 48) => true,
        // Benchmarking; documentation.
        (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        _ => false,
    };
    !is_special && !METADATA_V4.contains(&address)
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64: a network without IPv4 reaches the address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_global_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // IETF protocol assignments with Teredo; documentation; 6to4; AS112; documentation.
        [0x2001, ..0x0200, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] => false,
        [0x2620, 0x4f, 0x8000, ..] | [0x3fff, ..0x1000, ..] => false,
        [0x2000..0x4000, ..] => true,
        // Unspecified, loopback, IPv4-mapped and -compatible, site- and link-local, unique local, multicast, reserved.
        _ => false,
    }
}
