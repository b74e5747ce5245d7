//! How often one caller or address may ask (M-THR). Routes at which a secret could be guessed have a budget of their own.
//!
//! Limits are kept in memory and per node; what must be counted durably, such as tries of a code, the use cases count.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use carhop_app::ports::Clock;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::problem::Problem;
use crate::clock::SystemClock;
use crate::config::Limits;

type Keyed = RateLimiter<u64, HashMapStateStore<u64>, Monotone, NoOpMiddleware<Duration>>;

/// The budgets.
pub(crate) struct Budgets {
    clock: Monotone,
    requests: Keyed,
    addresses: Keyed,
    guesses: Keyed,
}

impl Budgets {
    pub(crate) fn new(limits: &Limits, clock: Arc<SystemClock>) -> Self {
        let clock = Monotone(clock);
        let count = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let requests = Quota::per_second(count(limits.requests_per_second));
        let addresses = Quota::per_second(count(
            limits.requests_per_second.saturating_mul(CALLERS_PER_ADDRESS),
        ));
        let guesses = Quota::per_minute(count(limits.guesses_per_minute));
        Self {
            requests: RateLimiter::new(requests, HashMapStateStore::default(), clock.clone()),
            addresses: RateLimiter::new(addresses, HashMapStateStore::default(), clock.clone()),
            guesses: RateLimiter::new(guesses, HashMapStateStore::default(), clock.clone()),
            clock,
        }
    }

    /// Takes one request of this caller to this route out of the budget.
    pub(crate) fn spend(&self, address: IpAddr, caller: &[u8], route: &str) -> Result<(), Problem> {
        // What is shown as a credential has not been checked yet, so the address has a bound of its own.
        let (address, route) = (address.to_string(), route.as_bytes());
        self.take(&self.addresses, digest(&[address.as_bytes(), route]))?;
        self.take(&self.requests, digest(&[address.as_bytes(), caller, route]))
    }

    /// Takes one guess of this address out of the budget.
    pub(crate) fn spend_guess(&self, address: IpAddr, route: &str) -> Result<(), Problem> {
        let key = digest(&[address.to_string().as_bytes(), route.as_bytes()]);
        self.take(&self.guesses, key)
    }

    /// Forgets who has not asked for a while, so that memory stays bounded.
    pub(crate) fn forget_the_idle(&self) {
        self.requests.retain_recent();
        self.addresses.retain_recent();
        self.guesses.retain_recent();
    }

    fn take(&self, budget: &Keyed, key: u64) -> Result<(), Problem> {
        budget.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Problem::limited(wait.as_secs().saturating_add(1))
        })
    }
}

/// How many callers of one address may each use their whole budget.
const CALLERS_PER_ADDRESS: u32 = 10;

/// The server's clock as the budgets read it.
#[derive(Clone, Debug)]
struct Monotone(Arc<SystemClock>);

impl GovernorClock for Monotone {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(Clock::now(&*self.0).unix_ms())
    }
}

fn digest(parts: &[&[u8]]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}
