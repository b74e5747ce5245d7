//! The answer to "is it inside?": inside, outside or *uncertain*, with every reason (M-GEO-2).
//! It is a decision aid; what may follow from it is policy. Unknown is never better than no.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::fence::Fence;
use super::fix::{Confidence, Fix};
use super::position::rounded;
use super::probability::probability_inside;
use super::standing::Standing;
use super::track::Track;
use crate::evidence::PlaceAnswer;
use crate::limits::HELD_DISTANCE_M_MAX;
use crate::order::Scope;
use crate::time::Timestamp;

/// Why an answer is not, or not quite, *inside*; in order of precedence, with stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FenceReason {
    /// No zone of the venue permits this service.
    ServiceNotPermitted,
    /// No usable fix has arrived yet.
    NoFix,
    /// The newest believed fix, or the newest arrival, is too old.
    Stale,
    /// The newest arrival is dated in the future.
    ClockSkew,
    /// The newest arrival is too inaccurate to be evidence.
    AccuracyTooLow,
    /// The newest arrival is flagged as simulated.
    MockLocation,
    /// The newest arrival cannot be reached from the last believed place.
    ImplausibleSpeed,
    /// Outside every zone that permits the service.
    Outside,
    /// Possibly or certainly in a zone where the service is forbidden.
    ExcludedZone,
    /// In motion.
    Moving,
    /// Neither surely inside nor surely outside; beside *inside* it means: still inside, having entered before.
    BetweenThresholds,
    /// Inside and not in motion, but the stay is not long enough or has not begun at rest.
    Dwelling,
}

impl FenceReason {
    /// Whether this hints at a false position rather than a poor one (M-GEO-4).
    pub const fn is_suspicion(self) -> bool {
        match self {
            Self::ClockSkew | Self::MockLocation | Self::ImplausibleSpeed => true,
            Self::ServiceNotPermitted
            | Self::NoFix
            | Self::Stale
            | Self::AccuracyTooLow
            | Self::Outside
            | Self::ExcludedZone
            | Self::Moving
            | Self::BetweenThresholds
            | Self::Dwelling => false,
        }
    }
}

/// What a fence says about a track at one moment for one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FenceResult {
    /// Inside, uncertain or outside.
    pub answer: PlaceAnswer,
    /// Probability of being where the service is permitted; zero without a fix that is evidence.
    pub probability: f64,
    /// Every reason, in order of precedence; empty only beside *inside*.
    pub why: Vec<FenceReason>,
    /// Distance of the newest fix to the nearest permitting zone's edge in metres, negative inside.
    pub distance_m: Option<f64>,
    /// Age of the newest fix, in milliseconds.
    pub fix_age_ms: Option<u64>,
    /// Accuracy of the newest fix, as a 68 % radius in metres.
    pub accuracy_m: Option<f64>,
    /// How long the stay has lasted in believed fixes, in milliseconds.
    pub dwell_ms: u64,
}

/// What a fence says of one fix on its own: for trying a drawing, never for permitting anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glance {
    /// Inside, uncertain or outside.
    pub answer: PlaceAnswer,
    /// Probability of being where the service is permitted.
    pub probability: f64,
    /// To the edge of the nearest permitting zone in metres, negative inside; `None` where nothing permits it.
    pub distance_m: Option<f64>,
}

impl Fence {
    /// How one fix looks, whatever its age and however short the stay. What [`evaluate`](Self::evaluate) asks beyond that,
    /// dwelling, motion and freshness, no drawing can change.
    pub fn glance(&self, fix: &Fix, service: Scope) -> Glance {
        let sight = self.sight(fix, service);
        let is_evidence = accuracy_m(fix) <= self.limits().accuracy_m_max;
        let answer = match sight.look {
            Look::Inside if is_evidence => PlaceAnswer::Inside,
            Look::Outside if is_evidence => PlaceAnswer::Outside,
            Look::Inside | Look::Between | Look::Outside => PlaceAnswer::Uncertain,
        };
        Glance {
            answer,
            probability: rounded(sight.probability, PROBABILITY_STEPS),
            distance_m: self.told_distance_m(fix, service),
        }
    }

    /// Whether whoever sent `track` is where `service` is permitted.
    ///
    /// The probability is that of the likeliest permitting zone less that of every exclusion: never more than
    /// the true one. Zones that abut are therefore best drawn as one.
    pub fn evaluate(&self, track: &Track, now: Timestamp, service: Scope) -> FenceResult {
        let mut result = self.measured(track, now, service);
        if self.permitted(service).next().is_none() {
            result.answer = PlaceAnswer::Outside;
            result.why.push(FenceReason::ServiceNotPermitted);
            return result;
        }
        let setback = track.setback();
        let Some(believed) = track.believed() else {
            result.why.push(setback.unwrap_or(FenceReason::NoFix));
            return result;
        };
        if age_ms(&believed.fix, now) > self.limits().fix_age_ms_max {
            result.why.push(FenceReason::Stale);
            result.why.extend(setback.filter(|&reason| reason != FenceReason::Stale));
            return result;
        }
        let sight = self.sight(&believed.fix, service);
        let may_hold = || sight.may_hold(|| self.distance_m(&believed.fix, service));
        let standing = track.standing(self, service);
        result.probability = rounded(sight.probability, PROBABILITY_STEPS);
        result.dwell_ms = standing.dwell_ms(&believed.fix);
        let suspicion = setback.filter(|reason| reason.is_suspicion());
        result.why.extend(suspicion);
        result.why.extend(sight.reasons());
        result.why.extend(believed.moving.then_some(FenceReason::Moving));
        result.why.extend(sight.is_between().then_some(FenceReason::BetweenThresholds));
        result.answer = match standing {
            Standing::Away if sight.look == Look::Outside => PlaceAnswer::Outside,
            Standing::Present { .. } if suspicion.is_none() && !believed.moving && may_hold() => {
                PlaceAnswer::Inside
            }
            Standing::Away | Standing::Dwelling { .. } => {
                let waiting = sight.look == Look::Inside && !believed.moving;
                result.why.extend(waiting.then_some(FenceReason::Dwelling));
                PlaceAnswer::Uncertain
            }
            Standing::Present { .. } | Standing::Leaving { .. } => PlaceAnswer::Uncertain,
        };
        result
    }

    /// How one fix looks to this fence, for one service.
    pub(super) fn sight(&self, fix: &Fix, service: Scope) -> Sight {
        let sigma_m = fix.accuracy.sigma_m();
        let share = |zone: &super::Zone| probability_inside(&zone.polygon, fix.position, sigma_m);
        let permitted = self.permitted(service).map(share).fold(0.0, f64::max);
        let excluded: f64 = self.excluded(service).map(share).sum();
        let probability = (permitted - excluded).max(0.0);
        let limits = self.limits();
        let look = if probability >= limits.enter_probability {
            Look::Inside
        } else if probability > limits.exit_probability {
            Look::Between
        } else {
            Look::Outside
        };
        Sight { probability, look, excluded: excluded > limits.exit_probability }
    }

    /// To the nearest permitting zone's edge, as it is told; `None` where nothing permits the service.
    fn told_distance_m(&self, fix: &Fix, service: Scope) -> Option<f64> {
        let distance_m = self.distance_m(fix, service);
        distance_m.is_finite().then(|| rounded(distance_m, METRE_STEPS))
    }

    fn distance_m(&self, fix: &Fix, service: Scope) -> f64 {
        let distances =
            self.permitted(service).map(|zone| zone.polygon.distance_to_edge_m(fix.position));
        distances.fold(f64::INFINITY, f64::min)
    }

    /// An uncertain answer with the measures of the newest fix.
    fn measured(&self, track: &Track, now: Timestamp, service: Scope) -> FenceResult {
        let newest = track.newest_fix();
        FenceResult {
            answer: PlaceAnswer::Uncertain,
            probability: 0.0,
            why: Vec::new(),
            distance_m: newest.and_then(|fix| self.told_distance_m(fix, service)),
            fix_age_ms: newest.map(|fix| age_ms(fix, now)),
            accuracy_m: newest.map(accuracy_m).map(|m| rounded(m, METRE_STEPS)),
            dwell_ms: 0,
        }
    }
}

/// Where a fix lies with regard to the thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Inside,
    Between,
    Outside,
}

/// One fix seen by one fence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    probability: f64,
    pub(super) look: Look,
    excluded: bool,
}

impl Sight {
    fn is_between(&self) -> bool {
        self.look == Look::Between
    }

    /// Whether somebody who has entered may still be called inside; the distance is asked for where it matters.
    fn may_hold(&self, distance_m: impl FnOnce() -> f64) -> bool {
        match self.look {
            Look::Inside => true,
            Look::Between => distance_m() <= HELD_DISTANCE_M_MAX,
            Look::Outside => false,
        }
    }

    fn reasons(&self) -> impl Iterator<Item = FenceReason> {
        let outside = self.look == Look::Outside && !self.excluded;
        let excluded = self.look != Look::Inside && self.excluded;
        let reasons = [(outside, FenceReason::Outside), (excluded, FenceReason::ExcludedZone)];
        reasons.into_iter().filter_map(|(applies, reason)| applies.then_some(reason))
    }
}

/// Age by the device's clock or by ours, whichever is greater, so that no clock can make a fix younger.
pub(super) fn age_ms(fix: &Fix, now: Timestamp) -> u64 {
    now.since_ms(fix.fixed_at).max(now.since_ms(fix.received_at))
}

/// The 68 % radius of a fix, in metres.
pub(super) fn accuracy_m(fix: &Fix) -> f64 {
    fix.accuracy.radius_at_m(Confidence::ANDROID)
}

/// Results keep probabilities to a millionth and lengths to a centimetre.
const PROBABILITY_STEPS: f64 = 1e6;
const METRE_STEPS: f64 = 1e2;
