//! A track folds position fixes, in order of arrival, into the little that must be remembered of them: the last
//! believed fix, whether it moves, since when it has been inside, and what else arrived (M-GEO-2, M-GEO-4).
//!
//! It keeps no trace and scores nothing. A fix that is late, repeated, reordered, dated in the future, simulated,
//! inaccurate or out of reach is counted and never improves an answer; one bad fix never ends a presence.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::answer::{FenceReason, accuracy_m, age_ms};
use super::fence::{Fence, FenceLimits};
use super::fix::{Confidence, Fix};
use super::position::distance_m;
use super::standing::{Mark, Pace, Standing};
use crate::id::VenueId;
use crate::limits::{
    CLOCK_SKEW_MS_MAX, JUMP_FIXES_MIN, JUMP_SPAN_MS_MIN, SILENCE_MS_MAX, TRAVEL_MPS_MAX,
};
use crate::order::Scope;
use crate::time::Timestamp;

/// What is remembered of one party's fixes with regard to one fence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Track {
    #[serde(skip_serializing_if = "Option::is_none")]
    believed: Option<Believed>,
    /// The believed fix before that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier: Option<Fix>,
    /// The newest fix that was too inaccurate to be evidence; it can only speak against a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    coarse: Option<Fix>,
    /// Fixes at a place that the believed one cannot have reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<Elsewhere>,
    /// Why the newest arrival was not believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    setback: Option<FenceReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fence: Option<FenceVersion>,
    standings: Vec<(Scope, Standing)>,
    counts: TrackCounts,
}

impl Track {
    /// Takes in one fix; `now` is the moment of arrival by our clock. The fence says what is believed.
    pub fn observe(&mut self, fix: &Fix, fence: &Fence, now: Timestamp) -> TrackUpdate {
        self.adopt(fence);
        let update = self.weigh(fix, fence.limits(), now);
        self.counts.add(update);
        match update {
            TrackUpdate::Believed => self.believe(fix, fence),
            TrackUpdate::Relocated => {
                self.forget_standings();
                (self.believed, self.earlier) = (None, None);
                self.believe(fix, fence);
            }
            TrackUpdate::Inaccurate => {
                self.coarse = Some(*fix);
                self.set_back(FenceReason::AccuracyTooLow);
            }
            TrackUpdate::Jumped => self.set_back(FenceReason::ImplausibleSpeed),
            TrackUpdate::FromFuture => self.set_back(FenceReason::ClockSkew),
            TrackUpdate::Mock => self.set_back(FenceReason::MockLocation),
            TrackUpdate::Stale => self.set_back(FenceReason::Stale),
            TrackUpdate::Duplicate | TrackUpdate::Reordered => {}
        }
        update
    }

    /// How many fixes of each kind have arrived.
    pub const fn counts(&self) -> &TrackCounts {
        &self.counts
    }

    /// Whether the last believed fix is in motion: by its own speed, or because it cannot otherwise have got there.
    pub fn is_moving(&self) -> bool {
        self.believed.is_some_and(|believed| believed.moving)
    }

    /// The last believed fix.
    pub fn last_fix(&self) -> Option<&Fix> {
        self.believed.as_ref().map(|believed| &believed.fix)
    }

    /// The venue whose fence it was folded for; `None` before the first fix.
    pub fn venue(&self) -> Option<&VenueId> {
        self.fence.as_ref().map(|known| &known.venue)
    }

    pub(super) const fn believed(&self) -> Option<&Believed> {
        self.believed.as_ref()
    }

    pub(super) const fn setback(&self) -> Option<FenceReason> {
        self.setback
    }

    /// The newest fix that says anything about the place, evidence or not.
    pub(super) fn newest_fix(&self) -> Option<&Fix> {
        let believed = self.believed.as_ref().map(|believed| &believed.fix);
        believed.into_iter().chain(&self.coarse).max_by_key(|fix| fix.fixed_at)
    }

    /// How it stands with a service; a fence that the track was not folded for knows nothing of it.
    pub(super) fn standing(&self, fence: &Fence, service: Scope) -> Standing {
        let same = self.fence.as_ref().is_some_and(|known| known.is_of(fence));
        let mut standings = self.standings.iter().filter(|(scope, _)| same && *scope == service);
        standings.next().map_or(Standing::Away, |&(_, standing)| standing)
    }

    /// Starts anew when the fence is another one or has been redrawn.
    fn adopt(&mut self, fence: &Fence) {
        if !self.fence.as_ref().is_some_and(|known| known.is_of(fence)) {
            self.fence =
                Some(FenceVersion { venue: fence.venue().clone(), version: fence.version() });
            self.standings =
                fence.services().into_iter().map(|scope| (scope, Standing::Away)).collect();
        }
    }

    /// The told speed, or that by which the fix can be reached from the last two: coming back from a single outlier
    /// is no motion.
    fn pace(&self, fix: &Fix) -> Pace {
        let told_mps = fix.speed.map_or(0.0, super::Speed::mps);
        let last = self.believed.map(|believed| believed.fix);
        let implied = last.iter().chain(&self.earlier).map(|from| implied_speed_mps(from, fix));
        Pace::of(told_mps.max(implied.reduce(f64::min).unwrap_or(0.0)))
    }

    /// Notes why an arrival was not believed; a poor fix does not make one forget a suspicious one.
    fn set_back(&mut self, reason: FenceReason) {
        let suspicion = self.setback.filter(|earlier| earlier.is_suspicion());
        self.setback =
            if reason.is_suspicion() { Some(reason) } else { suspicion.or(Some(reason)) };
    }

    fn forget_standings(&mut self) {
        for (_, standing) in &mut self.standings {
            *standing = Standing::Away;
        }
    }

    /// What to make of an arriving fix; in order of precedence.
    fn weigh(&mut self, fix: &Fix, limits: &FenceLimits, now: Timestamp) -> TrackUpdate {
        if fix.fixed_at > now.plus_ms(CLOCK_SKEW_MS_MAX) || fix.received_at > now {
            return TrackUpdate::FromFuture;
        }
        if age_ms(fix, now) > limits.fix_age_ms_max {
            return TrackUpdate::Stale;
        }
        if fix.mock {
            return TrackUpdate::Mock;
        }
        let last = self.believed.map(|believed| believed.fix);
        match last {
            Some(last) if fix.fixed_at == last.fixed_at => return TrackUpdate::Duplicate,
            Some(last) if fix.fixed_at < last.fixed_at => return TrackUpdate::Reordered,
            Some(_) | None => {}
        }
        if accuracy_m(fix) > limits.accuracy_m_max {
            return TrackUpdate::Inaccurate;
        }
        if fix.speed.is_some_and(|speed| speed.mps() > TRAVEL_MPS_MAX) {
            return TrackUpdate::Jumped;
        }
        match last {
            Some(last) if implied_speed_mps(&last, fix) > TRAVEL_MPS_MAX => self.weigh_jump(fix),
            Some(_) | None => TrackUpdate::Believed,
        }
    }

    /// A jump is not followed before time has made it possible, or fixes have agreed about it for so long that the
    /// earlier place must have been the wrong one. Recorded phones have lied confidently for seven minutes.
    fn weigh_jump(&mut self, fix: &Fix) -> TrackUpdate {
        let fresh = Elsewhere { since: Mark::of(fix), newest: *fix, fixes: 1 };
        let follows = |earlier: &Elsewhere| {
            fix.fixed_at > earlier.newest.fixed_at
                && !is_silence(&earlier.newest, fix)
                && implied_speed_mps(&earlier.newest, fix) <= TRAVEL_MPS_MAX
        };
        let elsewhere = self.elsewhere.filter(follows).map_or(fresh, |earlier| Elsewhere {
            newest: *fix,
            fixes: earlier.fixes.saturating_add(1),
            ..earlier
        });
        self.elsewhere = Some(elsewhere);
        let settled = elsewhere.since.span_ms(fix) >= JUMP_SPAN_MS_MIN;
        if elsewhere.fixes >= JUMP_FIXES_MIN && settled {
            TrackUpdate::Relocated
        } else {
            TrackUpdate::Jumped
        }
    }

    fn believe(&mut self, fix: &Fix, fence: &Fence) {
        let last = self.believed.map(|believed| believed.fix);
        if last.is_some_and(|last| is_silence(&last, fix)) {
            self.forget_standings();
        }
        let pace = self.pace(fix);
        for (service, standing) in &mut self.standings {
            let look = fence.sight(fix, *service).look;
            *standing = standing.after(fix, look, pace, fence.limits().dwell_ms_min);
        }
        self.earlier = last;
        self.believed = Some(Believed { fix: *fix, moving: pace == Pace::Moving });
        self.elsewhere = None;
        self.setback = None;
    }
}

/// What became of a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackUpdate {
    /// It is the new position.
    Believed,
    /// It is the new position, out of reach of the last one: fixes have agreed about it for long enough.
    Relocated,
    /// A fix of the same moment is known.
    Duplicate,
    /// A later fix is known.
    Reordered,
    /// It was too old on arrival.
    Stale,
    /// It is dated further in the future than clocks may differ.
    FromFuture,
    /// The platform flags it as simulated.
    Mock,
    /// Its error circle is too large.
    Inaccurate,
    /// Nobody gets there from the last believed place in that time.
    Jumped,
}

/// How many fixes of each kind have arrived; they stay at their maximum rather than wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrackCounts {
    /// [`TrackUpdate::Believed`].
    pub believed: u32,
    /// [`TrackUpdate::Relocated`].
    pub relocated: u32,
    /// [`TrackUpdate::Duplicate`].
    pub duplicate: u32,
    /// [`TrackUpdate::Reordered`].
    pub reordered: u32,
    /// [`TrackUpdate::Stale`].
    pub stale: u32,
    /// [`TrackUpdate::FromFuture`].
    pub from_future: u32,
    /// [`TrackUpdate::Mock`].
    pub mock: u32,
    /// [`TrackUpdate::Inaccurate`].
    pub inaccurate: u32,
    /// [`TrackUpdate::Jumped`].
    pub jumped: u32,
}

impl TrackCounts {
    fn add(&mut self, update: TrackUpdate) {
        let count = match update {
            TrackUpdate::Believed => &mut self.believed,
            TrackUpdate::Relocated => &mut self.relocated,
            TrackUpdate::Duplicate => &mut self.duplicate,
            TrackUpdate::Reordered => &mut self.reordered,
            TrackUpdate::Stale => &mut self.stale,
            TrackUpdate::FromFuture => &mut self.from_future,
            TrackUpdate::Mock => &mut self.mock,
            TrackUpdate::Inaccurate => &mut self.inaccurate,
            TrackUpdate::Jumped => &mut self.jumped,
        };
        *count = count.saturating_add(1);
    }
}

/// The least speed in metres per second that takes one from `earlier` to `later`: both 95 % circles are subtracted
/// from the distance first. Zero if the circles meet, infinite if no time lies between.
pub fn implied_speed_mps(earlier: &Fix, later: &Fix) -> f64 {
    let reach_m = |fix: &Fix| fix.accuracy.radius_at_m(Confidence::W3C);
    let apart_m = distance_m(earlier.position, later.position) - reach_m(earlier) - reach_m(later);
    if apart_m <= 0.0 {
        return 0.0;
    }
    let span = core::time::Duration::from_millis(later.fixed_at.since_ms(earlier.fixed_at));
    apart_m / span.as_secs_f64()
}

/// Whether so long lies between two fixes, by either clock, that a stay is not continuous.
fn is_silence(earlier: &Fix, later: &Fix) -> bool {
    let by_device_ms = later.fixed_at.since_ms(earlier.fixed_at);
    by_device_ms.max(later.received_at.since_ms(earlier.received_at)) > SILENCE_MS_MAX
}

/// The last believed fix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Believed {
    pub(super) fix: Fix,
    pub(super) moving: bool,
}

/// Fixes in a row that agree with each other but not with the believed one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    since: Mark,
    newest: Fix,
    fixes: u8,
}

/// Which fence the standings are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FenceVersion {
    venue: VenueId,
    version: u32,
}

impl FenceVersion {
    fn is_of(&self, fence: &Fence) -> bool {
        self.version == fence.version() && self.venue == *fence.venue()
    }
}
