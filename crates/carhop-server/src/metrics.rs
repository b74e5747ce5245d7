//! What the server counts and measures, in the OpenMetrics text format (M-OPS).
//!
//! No label ever holds an id, a code or anything personal.

use carhop_app::ports::Backlog;
use carhop_kernel::time::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::http::problem::Problem;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: &'static str,
}

#[derive(Clone, Copy)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BOUNDS_S)
    }
}

/// The server's measurements.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    durations: Family<Route, Histogram, Seconds>,
    refusals: Family<Code, Counter>,
    releases: Family<Code, Counter>,
    appends: Histogram,
    effects: Counter,
    timers: Counter,
    sequenced: Counter,
    devices: Gauge,
    waiting: Waiting,
}

/// What waits to be done, and for how long already.
#[derive(Default)]
struct Waiting {
    effects: Gauge,
    effects_seconds: Gauge,
    timers: Gauge,
    timers_seconds: Gauge,
    unsequenced: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut made = Self {
            registry: Registry::with_prefix("carhop"),
            answers: Family::default(),
            durations: Family::new_with_constructor(Seconds),
            refusals: Family::default(),
            releases: Family::default(),
            appends: Seconds.new_metric(),
            effects: Counter::default(),
            timers: Counter::default(),
            sequenced: Counter::default(),
            devices: Gauge::default(),
            waiting: Waiting::default(),
        };
        let registry = &mut made.registry;
        registry.register("requests", "Answers by route and status", made.answers.clone());
        registry.register("request_seconds", "Time to answer", made.durations.clone());
        registry.register("refusals", "Refusals by their gravest reason", made.refusals.clone());
        registry.register("releases", "Releases by what they came to", made.releases.clone());
        registry.register("append_seconds", "Time to make a batch durable", made.appends.clone());
        registry.register("effects", "Effects run from the outbox", made.effects.clone());
        registry.register("timers", "Timers that came due", made.timers.clone());
        registry.register("events_sequenced", "Events given a position", made.sequenced.clone());
        registry.register("devices_connected", "Devices connected now", made.devices.clone());
        made.waiting.register(&mut made.registry);
        made
    }
}

impl Waiting {
    fn register(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            ("effects_waiting", "Effects in the outbox", &self.effects),
            ("effects_waiting_seconds", "Age of the oldest effect", &self.effects_seconds),
            ("timers_due", "Timers due and not run", &self.timers),
            ("timers_due_seconds", "How long the longest is overdue", &self.timers_seconds),
            ("events_unsequenced", "Events without a position in a log", &self.unsequenced),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }

    fn set(&self, found: &Backlog, now: Timestamp) {
        let age = |since: Option<Timestamp>| since.map_or(0, |since| now.since_ms(since) / 1000);
        for (gauge, value) in [
            (&self.effects, found.effects),
            (&self.effects_seconds, age(found.effects_since)),
            (&self.timers, found.timers),
            (&self.timers_seconds, age(found.timers_since)),
            (&self.unsequenced, found.unsequenced),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}

impl Metrics {
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, seconds: f64) {
        let (method, route) = (known(method).to_owned(), route.to_owned());
        let labels = Route { method: method.clone(), route: route.clone() };
        self.durations.get_or_create(&labels).observe(seconds);
        self.answers.get_or_create(&Answer { method, route, status }).inc();
    }

    pub(crate) fn refused(&self, problem: &Problem) {
        self.refusals.get_or_create(&Code { code: problem.code }).inc();
    }

    /// Counts what a release came to, by the name of the event that says so.
    pub(crate) fn release(&self, code: &'static str) {
        self.releases.get_or_create(&Code { code }).inc();
    }

    pub(crate) fn appended(&self, seconds: f64) {
        self.appends.observe(seconds);
    }

    pub(crate) fn effects(&self, count: usize) {
        self.effects.inc_by(count as u64);
    }

    pub(crate) fn timers(&self, count: usize) {
        self.timers.inc_by(count as u64);
    }

    pub(crate) fn sequenced(&self, count: usize) {
        self.sequenced.inc_by(count as u64);
    }

    /// Everything, as scrapers read it.
    pub(crate) fn text(
        &self,
        devices_connected: usize,
        waiting: &Backlog,
        now: Timestamp,
    ) -> String {
        self.waiting.set(waiting, now);
        self.devices.set(i64::try_from(devices_connected).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// A method as a label. Strangers may call theirs what they like, and each name would be remembered for ever.
fn known(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}

const BOUNDS_S: [f64; 12] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_stands_under_its_own_name_with_its_age_in_whole_seconds() {
        let now = Timestamp::from_unix_s(1_800_000_000);
        let waiting = Backlog {
            effects: 2,
            effects_since: Some(now.minus_ms(3_900)),
            timers: 4,
            timers_since: Some(now.minus_ms(5_000)),
            unsequenced: 6,
        };
        let metrics = Metrics::default();
        for (waiting, values) in [(waiting, [2, 3, 4, 5, 6]), (Backlog::default(), [0; 5])] {
            let text = metrics.text(7, &waiting, now);
            let names = [
                "effects_waiting",
                "effects_waiting_seconds",
                "timers_due",
                "timers_due_seconds",
                "events_unsequenced",
            ];
            for (name, value) in names.into_iter().zip(values).chain([("devices_connected", 7)]) {
                let line = format!("carhop_{name} {value}");
                assert!(text.lines().any(|one| one == line), "{line}: {text}");
            }
        }
    }
}
