//! Places for connections: so many in all, and so many for one network, so that no one peer can take them all.
//!
//! Who a peer is and what it may ask is decided elsewhere; here only ends of connections are counted.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of one listener.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    all: u32,
    of_one_network: u32,
    taken: Mutex<HashMap<IpAddr, u32>>,
}

/// A place that is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    network: IpAddr,
    _one: OwnedSemaphorePermit,
}

impl Places {
    /// `all` places, of which one network gets at most `of_one_network`.
    pub(crate) fn new(all: u32, of_one_network: u32) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(all as usize));
        Arc::new(Self { free, all, of_one_network, taken: Mutex::default() })
    }

    /// Waits until there is a place for anybody.
    pub(crate) async fn one(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Gives the place to a peer, unless its network has as many as it may.
    pub(crate) fn give(self: &Arc<Self>, one: OwnedSemaphorePermit, peer: IpAddr) -> Option<Place> {
        let network = network(peer);
        let mut taken = self.taken();
        let count = taken.entry(network).or_default();
        if *count >= self.of_one_network {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Place { places: Arc::clone(self), network, _one: one })
    }

    /// Waits until every place has been given back.
    pub(crate) async fn all_free(&self) {
        // Nothing ever closes the semaphore, so this cannot fail.
        let _ = self.free.acquire_many(self.all).await;
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(count) = taken.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

/// The network that an address stands for: an IPv4 address, or the /64 of an IPv6 address, which one subscriber owns
/// whole (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_network_takes_only_its_share_and_gives_it_back() {
        let places = Places::new(4, 2);
        let (mine, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let take = async |peer| {
            let one = places.one().await.unwrap();
            places.give(one, peer)
        };
        let (first, second) = (take(mine).await.unwrap(), take(mine).await.unwrap());
        assert!(take(mine).await.is_none());
        let third = take(other).await.unwrap();
        drop(first);
        let fourth = take(mine).await.unwrap();
        drop((second, third, fourth));
        places.all_free().await;
        assert!(places.taken().is_empty());
    }

    #[test]
    fn an_address_stands_for_whoever_owns_its_network() {
        for (address, stands_for) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ] {
            let expected: IpAddr = stands_for.parse().unwrap();
            assert_eq!(network(address.parse().unwrap()), expected, "{address}");
        }
    }
}
