//! How it stands with one service at a fence: the hysteresis between enter and exit, and between rest and motion.
//! It steps from one believed fix to the next; which fixes are believed is the track's business.

use serde::{Deserialize, Serialize};

use super::answer::Look;
use super::fix::Fix;
use crate::limits::{LEAVE_SPAN_MS_MIN, MOTION_MPS_MIN, WALKING_MPS_MIN};
use crate::time::Timestamp;

/// How it stands. A stay begins at rest, as a car that parks, and goes on at walking pace, as its driver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Standing {
    /// Not inside, as far as is known.
    Away,
    /// Inside since a moment of rest, not yet for long enough.
    Dwelling { since: Mark },
    /// Inside since a moment of rest, for long enough.
    Present { since: Mark },
    /// Was present; the last fixes say outside or moving, which one bad fix can do.
    Leaving { since: Mark, doubted: Mark },
}

impl Standing {
    /// How it stands after one more believed fix.
    pub(super) fn after(self, fix: &Fix, look: Look, pace: Pace, dwell_ms_min: u64) -> Self {
        let stays = look != Look::Outside && pace != Pace::Moving;
        let enters = stays && look == Look::Inside;
        let here = Mark::of(fix);
        match self {
            Self::Away if enters && pace == Pace::Resting => {
                Self::dwelling(here, fix, dwell_ms_min)
            }
            Self::Dwelling { since } if enters => Self::dwelling(since, fix, dwell_ms_min),
            Self::Dwelling { since } if stays => Self::Dwelling { since },
            Self::Away | Self::Dwelling { .. } => Self::Away,
            Self::Present { since } if stays => Self::Present { since },
            Self::Present { since } => Self::Leaving { since, doubted: here },
            Self::Leaving { since, .. } if enters => Self::Present { since },
            Self::Leaving { since, doubted } => {
                let confirmed = !stays && doubted.span_ms(fix) >= LEAVE_SPAN_MS_MIN;
                if confirmed { Self::Away } else { Self::Leaving { since, doubted } }
            }
        }
    }

    fn dwelling(since: Mark, fix: &Fix, dwell_ms_min: u64) -> Self {
        if since.span_ms(fix) >= dwell_ms_min {
            Self::Present { since }
        } else {
            Self::Dwelling { since }
        }
    }

    /// How long the stay has lasted, up to `fix`.
    pub(super) fn dwell_ms(self, fix: &Fix) -> u64 {
        match self {
            Self::Away => 0,
            Self::Dwelling { since } | Self::Present { since } | Self::Leaving { since, .. } => {
                since.span_ms(fix)
            }
        }
    }
}

/// How fast the carrier of a fix is, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Resting,
    Walking,
    Moving,
}

impl Pace {
    pub(super) fn of(speed_mps: f64) -> Self {
        if speed_mps >= MOTION_MPS_MIN {
            Self::Moving
        } else if speed_mps >= WALKING_MPS_MIN {
            Self::Walking
        } else {
            Self::Resting
        }
    }
}

/// A moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    fixed_at: Timestamp,
    received_at: Timestamp,
}

impl Mark {
    pub(super) const fn of(fix: &Fix) -> Self {
        Self { fixed_at: fix.fixed_at, received_at: fix.received_at }
    }

    /// Time up to a later fix by the device's clock or by ours, whichever is less: neither can stretch it alone.
    pub(super) fn span_ms(self, fix: &Fix) -> u64 {
        fix.fixed_at.since_ms(self.fixed_at).min(fix.received_at.since_ms(self.received_at))
    }
}
