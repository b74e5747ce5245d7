//! The one place that reads the system's clocks: the wall clock with a demo's offset, and a stopwatch for measurements.
//!
//! It waits for nothing; waiting is in `timers`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use carhop_app::ports::Clock;
use carhop_kernel::time::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// The system's wall clock, skipped ahead by an offset that only a demo may set (`design.md` §9.6).
#[derive(Debug, Default)]
pub struct SystemClock {
    offset_ms: AtomicU64,
}

impl SystemClock {
    /// A clock that is this many milliseconds ahead of the system's; zero outside demos.
    pub const fn ahead_by_ms(offset_ms: u64) -> Self {
        Self { offset_ms: AtomicU64::new(offset_ms) }
    }

    /// How far the clock is ahead of the system's, in milliseconds.
    pub fn offset_ms(&self) -> u64 {
        self.offset_ms.load(Ordering::Acquire)
    }

    /// Skips ahead, in a demo only.
    pub fn skip_ms(&self, span_ms: u64) {
        self.offset_ms.fetch_add(span_ms, Ordering::AcqRel);
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_unix_ms(unix_ms).plus_ms(self.offset_ms())
    }
}

/// Certificates are judged by the same clock as everything else.
impl TimeProvider for SystemClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.now().unix_ms())))
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "measurements only; nothing is decided by it")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "measurements only; nothing is decided by it")]
    pub(crate) fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
