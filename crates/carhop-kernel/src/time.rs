//! Points in time and spans between them. There is no clock here: every `now` is an argument.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, always handed in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `unix_ms` milliseconds after the Unix epoch.
    pub const fn from_unix_ms(unix_ms: u64) -> Self {
        Self(unix_ms)
    }

    /// The point `unix_s` seconds after the Unix epoch; saturates.
    pub const fn from_unix_s(unix_s: u64) -> Self {
        Self(unix_s.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn unix_s(self) -> u64 {
        self.0 / 1000
    }

    /// This point plus `span_ms`; saturates.
    pub const fn plus_ms(self, span_ms: u64) -> Self {
        Self(self.0.saturating_add(span_ms))
    }

    /// This point minus `span_ms`; saturates at the epoch.
    pub const fn minus_ms(self, span_ms: u64) -> Self {
        Self(self.0.saturating_sub(span_ms))
    }

    /// How long before `self` the point `earlier` lies, zero if it does not.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A half-open interval: `start` belongs to it, `end` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after.
    pub end: Timestamp,
}

impl Window {
    /// Whether `now` lies inside.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.start <= now && now < self.end
    }

    /// Length in milliseconds; zero if the ends are reversed.
    pub const fn length_ms(&self) -> u64 {
        self.end.since_ms(self.start)
    }
}
