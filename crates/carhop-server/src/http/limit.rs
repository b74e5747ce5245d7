//! How often somebody may ask (M-THR): a network whatever it shows, apart for what stops something, and, once it has proven
//! who it is, each caller per route. Devices have budgets for what they may say, and for what fills the journal with each try.
//!
//! Limits are kept in memory and per node; what must be counted durably, such as tries of a code, the use cases count. Links,
//! tickets and keys have no budget of tries: with 256 bits there is nothing to guess, and a budget that strangers can empty
//! would shut out everybody who shares their address.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{HeaderMap, HeaderValue, header};
use carhop_app::ports::Clock;
use carhop_kernel::id::{ApiKeyId, DeviceId, SessionId, StaffId};
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::problem::Problem;
use crate::clock::SystemClock;
use crate::config::Limits;
use crate::listener::Peer;
use crate::places::network;

/// Somebody who has proven who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// Whoever holds an API key.
    Key(ApiKeyId),
    /// A member of staff.
    Member(StaffId),
    /// The customer of a session.
    Customer(SessionId),
    /// A device, and whoever is signed in on it.
    Device(DeviceId),
}

/// The budgets.
pub(crate) struct Budgets {
    networks: Budget<IpAddr>,
    stopping: Budget<IpAddr>,
    known_stopping: Budget<Shown>,
    known: Known,
    callers: Budget<(Identity, Route)>,
    statements: Budget<DeviceId>,
    renewals: Budget<DeviceId>,
}

type Route = Option<Arc<str>>;

/// A credential that came with a request, as a number that nobody outside can foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shown(u64);

/// Credentials that were good lately. This lets nobody do anything but be looked at.
#[derive(Debug, Default)]
struct Known {
    hasher: RandomState,
    shown: Mutex<HashSet<Shown>>,
}

/// One kind of budget, and what it is called in an answer.
struct Budget<K: Eq + Hash + Clone> {
    name: &'static str,
    quota: Quota,
    window_s: u64,
    clock: ServerClock,
    spent: RateLimiter<K, HashMapStateStore<K>, ServerClock, NoOpMiddleware<Duration>>,
}

/// What is told to whoever has used a budget up (RateLimit header fields, draft 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted {
    /// Which budget.
    pub(crate) name: &'static str,
    /// Requests in a window.
    pub(crate) count: u32,
    /// The window, in seconds.
    pub(crate) window_s: u64,
    /// When one more is let through, in seconds.
    pub(crate) retry_after_s: u64,
}

impl Budgets {
    pub(crate) fn new(limits: &Limits, clock: &Arc<SystemClock>) -> Self {
        let count = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let networks = Quota::per_second(count(limits.network_requests_per_second));
        let callers = Quota::per_second(count(limits.requests_per_second));
        Self {
            networks: Budget::new("network", networks, 1, clock),
            stopping: Budget::new("stopping", networks, 1, clock),
            known_stopping: Budget::new("stopping", callers, 1, clock),
            known: Known::default(),
            callers: Budget::new("caller", callers, 1, clock),
            statements: Budget::new("statements", statements(), 1, clock),
            renewals: Budget::new("renewals", renewals(), RENEWAL_EVERY.as_secs(), clock),
        }
    }

    /// Takes one request out of its network's budget, before anything of it is looked at. What stops something has a
    /// budget of its own, which nothing else that the network asks for uses up; and when strangers have used that up,
    /// whoever was known here lately still has one.
    pub(crate) fn spend(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        stops: bool,
    ) -> Result<(), Problem> {
        let network = network(peer.address.ip());
        if !stops {
            return self.networks.take(&network);
        }
        let known = || self.known.shown(peer, headers).filter(|shown| self.known.has(*shown));
        self.stopping.take(&network).or_else(|limited| match known() {
            Some(shown) => self.known_stopping.take(&shown),
            None => Err(limited),
        })
    }

    /// Remembers that what came with a request was good.
    pub(crate) fn note_known(&self, peer: &Peer, headers: &HeaderMap) {
        if let Some(shown) = self.known.shown(peer, headers) {
            self.known.add(shown);
        }
    }

    /// Takes one message out of a device's budget, or says how long it has to wait for that: what devices say is never
    /// refused, only read more slowly.
    pub(crate) fn spend_statement(&self, device: DeviceId) -> Result<(), Duration> {
        let statements = &self.statements;
        let wait = |until: governor::NotUntil<_>| until.wait_time_from(statements.clock.now());
        statements.spent.check_key(&device).map_err(wait)
    }

    /// Takes one certificate out of a device's budget.
    pub(crate) fn spend_renewal(&self, device: DeviceId) -> Result<(), Problem> {
        self.renewals.take(&device)
    }

    /// Takes one request out of the budget of somebody known, wherever it comes from.
    pub(crate) fn spend_known(
        &self,
        identity: Identity,
        path: Option<&MatchedPath>,
    ) -> Result<(), Problem> {
        self.callers.take(&(identity, route(path)))
    }

    /// Forgets who has not asked for a while, so that memory stays bounded.
    pub(crate) fn forget_the_idle(&self) {
        self.networks.spent.retain_recent();
        self.stopping.spent.retain_recent();
        self.known_stopping.spent.retain_recent();
        self.callers.spent.retain_recent();
        self.statements.spent.retain_recent();
        self.renewals.spent.retain_recent();
    }
}

impl Known {
    fn shown(&self, peer: &Peer, headers: &HeaderMap) -> Option<Shown> {
        let certificate = peer.certificates.first().map(Vec::as_slice);
        let bytes = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        bytes.or(certificate).map(|bytes| Shown(self.hasher.hash_one(bytes)))
    }

    fn has(&self, shown: Shown) -> bool {
        self.lock().contains(&shown)
    }

    /// When there are too many, all are forgotten: they come back with their next request.
    fn add(&self, shown: Shown) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX && !known.contains(&shown) {
            known.clear();
        }
        known.insert(shown);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> Budget<K> {
    fn new(name: &'static str, quota: Quota, window_s: u64, clock: &Arc<SystemClock>) -> Self {
        let clock = ServerClock(Arc::clone(clock));
        let spent = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { name, quota, window_s, clock, spent }
    }

    fn take(&self, key: &K) -> Result<(), Problem> {
        self.spent.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Problem::limited(Exhausted {
                name: self.name,
                count: self.quota.burst_size().get(),
                window_s: self.window_s,
                retry_after_s: wait.as_secs().saturating_add(1),
            })
        })
    }
}

/// What one device may say: everything that it kept while it was alone, and then as fast as a running pump talks.
fn statements() -> Quota {
    Quota::per_second(STATEMENTS_PER_SECOND).allow_burst(STATEMENTS_BURST)
}

/// How often one device is certified anew: at half the life of a certificate, and a few times more where authorities change.
fn renewals() -> Quota {
    Quota::with_period(RENEWAL_EVERY)
        .unwrap_or(Quota::per_hour(RENEWALS_BURST))
        .allow_burst(RENEWALS_BURST)
}

/// Requests that reach nothing share one budget.
fn route(path: Option<&MatchedPath>) -> Route {
    path.map(|path| Arc::from(path.as_str()))
}

/// The server's clock as the budgets read it.
#[derive(Clone, Debug)]
struct ServerClock(Arc<SystemClock>);

impl GovernorClock for ServerClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(Clock::now(&*self.0).unix_ms())
    }
}

/// Credentials that are remembered as good.
const KNOWN_MAX: usize = 65_536;
const STATEMENTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(8).unwrap();
const STATEMENTS_BURST: NonZeroU32 = NonZeroU32::new(4_096).unwrap();
const RENEWAL_EVERY: Duration = Duration::from_mins(10);
const RENEWALS_BURST: NonZeroU32 = NonZeroU32::new(12).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_talks_without_end_is_read_more_slowly_and_no_other_is() {
        let budgets = Budgets::new(&Limits::default(), &Arc::default());
        let [chatty, quiet] = [1, 2].map(|number| DeviceId::from_bytes([number; 16]));
        let said = (0..).find_map(|count: u32| {
            let wait = budgets.spend_statement(chatty).err()?;
            Some((count, wait))
        });
        let (count, wait) = said.unwrap();
        // The clock goes on meanwhile, so that some more than the burst may get through.
        assert!(count >= STATEMENTS_BURST.get(), "{count}");
        assert!(wait <= Duration::from_secs(1) / STATEMENTS_PER_SECOND.get(), "{wait:?}");
        assert_eq!(budgets.spend_statement(quiet), Ok(()));
    }
}
