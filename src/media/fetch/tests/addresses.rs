//! Which addresses are the public's, against the registries themselves: the table below is IANA's, as prefixes, read
//! without any of the code under test.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::super::FetchSettings;
use super::super::global::{is_global, is_local};
use super::super::policy::Policy;
use super::super::url::Url;
use super::stage::settings;

/// IANA's registries of special-purpose addresses, IPv4 and IPv6, whole, whatever they say about reachability; then
/// multicast (RFC 5771, RFC 4291), what IPv6 has not assigned as global unicast, and the metadata services of clouds that
/// are elsewhere.
const SPECIAL: &[&str] = &[
    // iana-ipv4-special-registry
    "0.0.0.0/8",
    "0.0.0.0/32",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.0/29",
    "192.0.0.8/32",
    "192.0.0.9/32",
    "192.0.0.10/32",
    "192.0.0.170/32",
    "192.0.0.171/32",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.88.99.2/32",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
    // iana-ipv6-special-registry; 64:ff9b::/96 counts as the address inside
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:1::3/128",
    "2001:2::/48",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    // multicast
    "224.0.0.0/4",
    "ff00::/8",
    // iana-ipv6-address-space: all but 2000::/3
    "::/3",
    "4000::/2",
    "8000::/1",
    // metadata
    "168.63.129.16/32",
];

/// Where an operator's own backend may be.
const LOCAL: &[&str] =
    &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "::1/128", "fc00::/7"];

const METADATA: &[&str] = &[
    "100.100.100.200/32",
    "168.63.129.16/32",
    "169.254.169.254/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "fd00:42::42/128",
];

/// The bits of an address, at the left end of 128.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    }
}

fn split(prefix: &str) -> (IpAddr, u32) {
    let (network, length) = prefix.split_once('/').unwrap();
    (network.parse().unwrap(), length.parse().unwrap())
}

fn is_in(address: IpAddr, table: &[&str]) -> bool {
    table.iter().any(|prefix| {
        let (network, length) = split(prefix);
        let differing = (bits(address) ^ bits(network)).leading_zeros();
        network.is_ipv4() == address.is_ipv4() && differing >= length
    })
}

/// What the registries say.
fn expected(address: IpAddr) -> bool {
    let nat64: u128 = bits("64:ff9b::".parse().unwrap());
    match address {
        IpAddr::V6(address) if u128::from(address) >> 32 == nat64 >> 32 => {
            let inside = u32::try_from(u128::from(address) & 0xffff_ffff).unwrap();
            expected(Ipv4Addr::from(inside).into())
        }
        address => !is_in(address, SPECIAL),
    }
}

#[track_caller]
fn agrees(address: IpAddr) {
    assert_eq!(is_global(address), expected(address), "{address}");
    assert_eq!(is_local(address), is_in(address, LOCAL) && !is_in(address, METADATA), "{address}");
    assert!(!(is_global(address) && is_local(address)), "{address}");
}

/// The first and last address of every prefix, what is just outside, and the same inside of IPv6's ways to hold IPv4.
#[test]
fn the_edges_of_all_prefixes_agree() {
    let mut checked = 0;
    for (network, length) in SPECIAL.iter().chain(LOCAL).chain(METADATA).map(|prefix| split(prefix)) {
        let width = if network.is_ipv4() { 32 } else { 128 };
        let first = bits(network) >> (128 - width);
        let last = first | (u128::MAX.checked_shr(128 - width + length).unwrap_or(0));
        for value in [first.wrapping_sub(1), first, first + 1, last.wrapping_sub(1), last, last.wrapping_add(1)] {
            let Some(address) = address(value, network.is_ipv4()) else { continue };
            agrees(address);
            checked += 1;
            if let IpAddr::V4(inside) = address {
                holding(inside).into_iter().map(IpAddr::V6).for_each(agrees);
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

fn address(value: u128, is_ipv4: bool) -> Option<IpAddr> {
    if is_ipv4 { Some(Ipv4Addr::from(u32::try_from(value).ok()?).into()) } else { Some(Ipv6Addr::from(value).into()) }
}

/// Mapped, compatible, NAT64 (both prefixes), 6to4.
fn holding(inside: Ipv4Addr) -> [Ipv6Addr; 5] {
    let value = u128::from(u32::from(inside));
    let below = |prefix: &str| Ipv6Addr::from(bits(prefix.parse().unwrap()) | value);
    let six_to_four = Ipv6Addr::from(0x2002 << 112 | value << 80);
    [below("::ffff:0:0"), below("::"), below("64:ff9b::"), below("64:ff9b:1::"), six_to_four]
}

/// Addresses of which many are special: drawn from the prefixes as well as from everywhere.
fn any_address() -> impl Strategy<Value = IpAddr> {
    let special = (prop::sample::select(SPECIAL), any::<u128>()).prop_map(|(prefix, random)| {
        let (network, length) = split(prefix);
        let width: u32 = if network.is_ipv4() { 32 } else { 128 };
        let inside = random.checked_shr(128 - width + length).unwrap_or(0);
        address(bits(network) >> (128 - width) | inside, network.is_ipv4()).unwrap()
    });
    prop_oneof![
        any::<u32>().prop_map(|value| Ipv4Addr::from(value).into()),
        any::<u128>().prop_map(|value| Ipv6Addr::from(value).into()),
        any::<u128>().prop_map(|value| Ipv6Addr::from(value >> 3 | 1 << 125).into()),
        (any::<u32>(), 0usize..5).prop_map(|(value, form)| holding(Ipv4Addr::from(value))[form].into()),
        special,
    ]
}

/// A number as `inet_aton` reads it.
fn number(value: u32, base: u8) -> String {
    match base % 4 {
        0 => value.to_string(),
        1 => format!("0{value:o}"),
        2 => format!("0x{value:x}"),
        _ => format!("0X{value:08X}"),
    }
}

/// An IPv4 address in one of the ways that old resolvers and browsers read: one to four numbers, each in some base, the
/// last taking what is left; a dot behind or not.
fn disguised(address: Ipv4Addr, parts: usize, bases: [u8; 4], dot: bool) -> String {
    let value = u32::from(address);
    let octets = address.octets().map(u32::from);
    let last = match parts {
        1 => value,
        2 => value & 0x00ff_ffff,
        3 => value & 0xffff,
        _ => value & 0xff,
    };
    let mut numbers: Vec<String> = (0..parts - 1).map(|at| number(octets[at], bases[at])).collect();
    numbers.push(number(last, bases[parts - 1]));
    numbers.join(".") + if dot { "." } else { "" }
}

/// An IPv6 address in one of its spellings.
fn spelled(address: Ipv6Addr, form: u8) -> String {
    let segments = address.segments();
    let [.., a, b, c, d] = address.octets();
    match form % 4 {
        0 => address.to_string(),
        1 => segments.map(|segment| format!("{segment:04X}")).join(":"),
        2 => segments.map(|segment| format!("{segment:x}")).join(":"),
        _ => format!(
            "{}:{a}.{b}.{c}.{d}",
            segments[..6].iter().map(|part| format!("{part:x}")).collect::<Vec<_>>().join(":")
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_addresses_agree_with_the_registries(address in any_address()) {
        agrees(address);
    }

    /// An IPv6 spelling does not change what an address is; and in a URL, no spelling of any address passes for a name.
    #[test]
    fn an_address_is_no_name_in_any_spelling(
        address in any_address(), parts in 1usize..=4, bases in any::<[u8; 4]>(), form: u8, dot: bool, secure: bool,
    ) {
        let host = match address {
            IpAddr::V4(address) => disguised(address, parts, bases, dot),
            IpAddr::V6(address) => {
                let text = spelled(address, form);
                prop_assert_eq!(is_global(text.parse().unwrap()), expected(address.into()), "{}", text);
                format!("[{text}]")
            }
        };
        // The operator's list does not make a name of it either.
        let list = vec![host.clone(), "*.0".to_owned(), format!("*.{host}")];
        let policy = Policy::new(&FetchSettings { allowed: list, ..settings() });
        let scheme = if secure { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host}/x"));
        prop_assert!(!url.is_ok_and(|url| policy.judge(&url.origin).is_ok()), "{}", host);
    }
}
