//! How much one address has open. In: the address of whoever connects. Out: a place among those of its address, or none
//! left. One address of IPv6 is the network of 64 bits that a household has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// What every address has open, of one kind.
#[derive(Default)]
pub struct Addresses(Mutex<HashMap<IpAddr, usize>>);

/// One of the places of an address; given back when dropped.
pub struct AddressPlace(Option<(Arc<Addresses>, IpAddr)>);

impl Addresses {
    /// One more for this address, if it may have more; `None` as `most`: as many as it likes, which are not counted.
    pub fn take(self: &Arc<Self>, address: IpAddr, most: Option<usize>) -> Option<AddressPlace> {
        let Some(most) = most else { return Some(AddressPlace(None)) };
        let address = network(address);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&address).is_some_and(|count| *count >= most) {
            return None;
        }
        *open.entry(address).or_default() += 1;
        Some(AddressPlace(Some((Arc::clone(self), address))))
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let Some((addresses, address)) = self.0.take() else { return };
        let mut open = addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                // Whoever has nothing open is not remembered.
                open.remove(&address);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_nobody_is_remembered() {
        let addresses = Arc::new(Addresses::default());
        let take = |address: &str| addresses.take(address.parse().unwrap(), Some(2));
        let (one, two) = (take("192.0.2.1").unwrap(), take("::ffff:192.0.2.1").unwrap());
        assert!(take("192.0.2.1").is_none());
        let other = take("192.0.2.2").unwrap();
        drop(one);
        let again = take("192.0.2.1").unwrap();
        let six = [take("2001:db8::1").unwrap(), take("2001:db8::ffff:2").unwrap()];
        assert!(take("2001:db8::3").is_none() && take("2001:db8:0:1::3").is_some());
        drop((two, other, again, six));
        assert!(addresses.0.lock().unwrap().is_empty());
    }
}
