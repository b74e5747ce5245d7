//! How much is worked on at once. Under overload new releases are turned away first, and what freezes or ends a stop has
//! places of its own that nothing else can take: whoever wants to stop something is always let in (M-FLO-3, M-THR).
//!
//! A place is taken once a request has been read whole, so that slow senders hold none. Who may ask, and how often, is
//! decided elsewhere.

use std::sync::Arc;

use axum::http::Method;
use carhop_app::Failure;
use carhop_app::record::Partition;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::problem::Problem;
use crate::config::Limits;

/// What kind of work a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Makes something open or flow.
    Releasing,
    /// Freezes or ends something.
    Steering,
    /// Asks how the server is.
    Asking,
    /// Waits for something to happen.
    Waiting,
    /// Everything else.
    Other,
}

/// The places of every lane.
pub(crate) struct Lanes {
    releasing: Semaphore,
    steering: Semaphore,
    asking: Semaphore,
    waiting: Semaphore,
    other: Semaphore,
}

/// Whose policies are read and checked: one bundle at a time, whoever sends it, and few of an account wait for that.
pub(crate) struct Activations {
    turn: Arc<Semaphore>,
    waiting: Vec<(Partition, Semaphore)>,
}

impl Lane {
    /// The lane of a request to this route.
    pub(crate) fn of(method: &Method, route: &str) -> Self {
        if stops(method, route) {
            return Self::Steering;
        }
        if HEALTH.contains(&route) {
            return Self::Asking;
        }
        match (method, route) {
            (&Method::POST, RELEASES) => Self::Releasing,
            (&Method::GET, RELEASE) => Self::Waiting,
            _ => Self::Other,
        }
    }
}

/// Whether a request asks to stop something.
pub(crate) fn stops(method: &Method, route: &str) -> bool {
    method == Method::POST && STOPPING.contains(&route)
}

impl Lanes {
    pub(crate) fn new(limits: &Limits) -> Self {
        let places = |count: u32| Semaphore::new(count as usize);
        Self {
            releasing: places(limits.releases_at_once),
            steering: places(STEERING_AT_ONCE),
            asking: places(ASKING_AT_ONCE),
            waiting: places(WAITING_AT_ONCE),
            other: places(limits.requests_at_once),
        }
    }

    /// Takes a place until the request is answered; nobody waits for one.
    pub(crate) fn enter(&self, lane: Lane) -> Result<SemaphorePermit<'_>, Problem> {
        let places = match lane {
            Lane::Releasing => &self.releasing,
            Lane::Steering => &self.steering,
            Lane::Asking => &self.asking,
            Lane::Waiting => &self.waiting,
            Lane::Other => &self.other,
        };
        places.try_acquire().map_err(|_| Problem::overloaded())
    }
}

impl Activations {
    pub(crate) fn of(accounts: &[Partition]) -> Self {
        let places = |account: &Partition| (account.clone(), Semaphore::new(ACTIVATIONS_WAITING));
        Self { turn: Arc::new(Semaphore::new(1)), waiting: accounts.iter().map(places).collect() }
    }

    /// Waits for this account's turn, unless as many of it wait already as may.
    pub(crate) async fn turn(&self, account: &Partition) -> Result<OwnedSemaphorePermit, Problem> {
        let unknown = || Failure::Internal("an account that this server does not have");
        let waiting = self.waiting.iter().find(|(one, _)| one == account);
        let (_, places) = waiting.ok_or_else(unknown)?;
        let _waits = places.try_acquire().map_err(|_| Problem::crowded())?;
        let closed = |_| Failure::Internal("a semaphore that nothing closes").into();
        Arc::clone(&self.turn).acquire_owned().await.map_err(closed)
    }
}

const RELEASES: &str = "/v1/sessions/{session}/releases";
const RELEASE: &str = "/v1/sessions/{session}/releases/{release}";
const STOPPING: [&str; 8] = [
    "/v1/account/holds",
    "/v1/api-keys/{key}/revocations",
    "/v1/sessions/{session}/holds",
    "/v1/sessions/{session}/revocations",
    "/v1/devices/{device}/revocations",
    "/v1/revocations",
    "/v1/staff/{member}/removals",
    "/v1/tokens/revoke",
];
const HEALTH: [&str; 3] = ["/livez", "/readyz", "/metrics"];
/// Places that are kept for stopping things.
const STEERING_AT_ONCE: u32 = 256;
/// Bundles of policies of one account that wait for their turn.
const ACTIVATIONS_WAITING: usize = 2;
/// Places for those who ask how the server is: a few monitors.
const ASKING_AT_ONCE: u32 = 64;
/// Places for those who wait for an outcome; they cost little.
const WAITING_AT_ONCE: u32 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_lanes_turn_releases_away_and_never_what_stops_something() {
        let limits = Limits { releases_at_once: 2, requests_at_once: 1, ..Limits::default() };
        let lanes = Lanes::new(&limits);
        let post = |route| lanes.enter(Lane::of(&Method::POST, route));
        let under_way =
            [post(RELEASES).unwrap(), post(RELEASES).unwrap(), post("/v1/orders").unwrap()];
        for route in [RELEASES, "/v1/orders", "/v1/sessions/{session}/codes"] {
            let problem = post(route).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.code), (503, "overloaded"), "{route}");
            assert!(problem.headers.iter().any(|(name, _)| name == "retry-after"), "{route}");
        }
        for route in STOPPING {
            assert!(post(route).is_ok(), "{route}");
        }
        for route in HEALTH {
            assert!(lanes.enter(Lane::of(&Method::GET, route)).is_ok(), "{route}");
        }
        drop(under_way);
        assert!(post(RELEASES).is_ok() && post("/v1/orders").is_ok());
    }

    #[test]
    fn nothing_that_stops_nothing_takes_a_place_of_what_does() {
        let routes = STOPPING.into_iter().chain(HEALTH).flat_map(|route| {
            [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT].map(|method| (method, route))
        });
        for (method, route) in routes.chain(HEALTH.map(|route| (Method::POST, route))) {
            assert_ne!(Lane::of(&method, route), Lane::Steering, "{method} {route}");
        }
        // Whoever asks without end how the server is takes the places of those alone who ask that.
        let lanes = Lanes::new(&Limits::default());
        let of = |method, route| lanes.enter(Lane::of(&method, route));
        let asking: Vec<_> = std::iter::from_fn(|| of(Method::GET, "/readyz").ok()).collect();
        assert!(!asking.is_empty());
        assert!(of(Method::POST, STOPPING[0]).is_ok() && of(Method::POST, "/v1/orders").is_ok());
    }

    #[test]
    fn a_lane_that_stops_things_is_taken_by_routes_that_exist() {
        let described = crate::openapi_json();
        for route in STOPPING.iter().chain(&[RELEASES, RELEASE]) {
            assert!(described.contains(&format!("\"{route}\"")), "{route}");
        }
    }
}
