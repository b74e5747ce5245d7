//! Evidence of a place: a fence result, or a tag of the venue where a fence cannot tell (design §9.10).
//! It weighs what was already read; reading and verifying a tag's bytes is the business of proofs.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::SQRT_2;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::{FenceReason, FenceResult};
use super::fence::Fence;
use super::fix::{Accuracy, Confidence};
use crate::evidence::{PlaceAnswer, PlaceMethod};
use crate::freshness::Perishable;
use crate::id::{BadId, VenueId};
use crate::limits::{
    BAY_LENGTH_MAX, NEGLIGIBLE_PROBABILITY, TAG_ACCURACY_M_MAX, TAG_DISTANCE_M_MAX, TRAVEL_MPS_MAX,
};
use crate::order::Scope;
use crate::time::Timestamp;

/// A verified reading of a tag, beacon or bay code of a venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueTag {
    /// Whose tag.
    pub venue: VenueId,
    /// Which bay, if the tag belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bay: Option<Bay>,
    /// When it was read, by our clock.
    pub read_at: Timestamp,
}

/// The name of a bay as painted on its floor: one to sixteen letters, digits or hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bay(String);

impl Bay {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a place is not shown, or by which way it was not; in order of precedence, with stable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceReason {
    /// The venue forbids the service there, which no tag can lift.
    Forbidden,
    /// The fence did not say inside; its own reasons tell why.
    NotInside,
    /// No tag was read.
    NoTag,
    /// The tag belongs to another venue.
    TagOfOtherVenue,
    /// The tag was read after now.
    TagFromFuture,
    /// The tag was read too long ago.
    TagExpired,
    /// Positions are being simulated, so the reading may be as well.
    MockLocation,
    /// The newest position cannot be true, so the reading may not be either.
    ImplausiblePosition,
    /// The reader is in motion, so it no longer tells where it is.
    Moving,
    /// The newest fix is too far away for the reading to be genuine.
    TagContradicted,
    /// In the open a tag needs a recent and tolerably accurate fix beside it.
    FixNeeded,
}

/// Whether a place was shown, and how: the parts of `Fact::Place`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceJudgement {
    /// Inside if shown; otherwise what the fence said.
    pub answer: PlaceAnswer,
    /// By what.
    pub method: PlaceMethod,
    /// Every reason against; empty if shown.
    pub why: Vec<PlaceReason>,
}

/// Weighs a fence result and, where it does not say inside, a tag (M-GEO-2, design §9.10).
///
/// A tag counts if it is of this venue, was read within [`TAG_FRESH_MS`](crate::limits::TAG_FRESH_MS), and the newest fix does not contradict
/// it. Without a recent and tolerably accurate fix it counts only where the service is permitted under a roof.
pub fn judge_place(
    fence: &Fence,
    service: Scope,
    result: &FenceResult,
    tag: Option<&VenueTag>,
    now: Timestamp,
) -> PlaceJudgement {
    if result.answer == PlaceAnswer::Inside {
        return PlaceJudgement {
            answer: PlaceAnswer::Inside,
            method: PlaceMethod::Fence,
            why: vec![],
        };
    }
    let against_tag = against_tag(fence, service, result, tag, now);
    if against_tag.is_empty() {
        return PlaceJudgement {
            answer: PlaceAnswer::Inside,
            method: PlaceMethod::VenueTag,
            why: vec![],
        };
    }
    let mut why = vec![PlaceReason::NotInside];
    why.extend(against_tag);
    why.sort_unstable();
    PlaceJudgement { answer: result.answer, method: PlaceMethod::Fence, why }
}

fn against_tag(
    fence: &Fence,
    service: Scope,
    result: &FenceResult,
    tag: Option<&VenueTag>,
    now: Timestamp,
) -> Vec<PlaceReason> {
    let Some(tag) = tag else {
        return vec![PlaceReason::NoTag];
    };
    let says = |reason: FenceReason| result.why.contains(&reason);
    let outside = result.answer == PlaceAnswer::Outside;
    let forbidden =
        says(FenceReason::ServiceNotPermitted) || (outside && says(FenceReason::ExcludedZone));
    let implausible = says(FenceReason::ImplausibleSpeed) || says(FenceReason::ClockSkew);
    let supported = result.fix_age_ms.is_some_and(|age_ms| age_ms <= fence.limits().fix_age_ms_max)
        && result.accuracy_m.is_some_and(|accuracy_m| accuracy_m <= TAG_ACCURACY_M_MAX);
    let counts = Perishable::Place(PlaceMethod::VenueTag);
    let reasons = [
        (forbidden, PlaceReason::Forbidden),
        (tag.venue != *fence.venue(), PlaceReason::TagOfOtherVenue),
        (tag.read_at > now, PlaceReason::TagFromFuture),
        (tag.read_at <= now && !counts.is_fresh(tag.read_at, now), PlaceReason::TagExpired),
        (says(FenceReason::MockLocation), PlaceReason::MockLocation),
        (implausible, PlaceReason::ImplausiblePosition),
        (says(FenceReason::Moving), PlaceReason::Moving),
        (contradicts(result), PlaceReason::TagContradicted),
        (!(supported || fence.is_indoor(service)), PlaceReason::FixNeeded),
    ];
    reasons.into_iter().filter_map(|(applies, reason)| applies.then_some(reason)).collect()
}

/// Whether the newest fix, given its error circle and its age, can hardly be within reach of the tag. The bound is
/// the Gaussian tail beyond the nearest edge, which is never less than the true probability.
fn contradicts(result: &FenceResult) -> bool {
    let (Some(distance_m), Some(age_ms), Some(accuracy_m)) =
        (result.distance_m, result.fix_age_ms, result.accuracy_m)
    else {
        return false;
    };
    let Ok(accuracy) = Accuracy::new(accuracy_m, Confidence::ANDROID) else {
        return false;
    };
    let reach_m = TAG_DISTANCE_M_MAX + TRAVEL_MPS_MAX * Duration::from_millis(age_ms).as_secs_f64();
    let sigmas = (distance_m - reach_m) / accuracy.sigma_m();
    libm::erfc(sigmas / SQRT_2) / 2.0 < NEGLIGIBLE_PROBABILITY
}

impl FromStr for Bay {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let fits = (1..=BAY_LENGTH_MAX).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits && plain { Ok(Self(text.into())) } else { Err(BadId) }
    }
}

impl TryFrom<String> for Bay {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<Bay> for String {
    fn from(bay: Bay) -> Self {
        bay.0
    }
}

impl fmt::Display for Bay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::super::scenarios::{
        FUEL, GROCERY, accuracy, at, fence, fix, folded, lot, square, zone,
    };
    use super::super::{Fix, Speed, Track, ZoneKind};
    use super::*;
    use crate::limits::TAG_FRESH_MS;
    use PlaceAnswer::{Inside, Outside, Uncertain};

    fn tag(venue: &str, second: u64) -> VenueTag {
        VenueTag {
            venue: venue.parse().unwrap(),
            bay: Some("B-12".parse().unwrap()),
            read_at: at(second),
        }
    }

    /// What is judged at second 60, after some fixes and perhaps a tag.
    fn check(
        fence: &Fence,
        fixes: &[Fix],
        tag: Option<&VenueTag>,
        expected: Result<PlaceMethod, PlaceReason>,
    ) {
        let result = fence.evaluate(&folded(fence, fixes), at(60), GROCERY);
        let judged = judge_place(fence, GROCERY, &result, tag, at(60));
        let shown = if judged.answer == Inside { Ok(judged.method) } else { Err(judged.why[1]) };
        assert_eq!(shown, expected, "{fixes:?} {tag:?}");
        assert!(shown.is_ok() || judged.why.len() == 2, "{judged:?}");
    }

    fn rough(second: u64, east_m: f64, radius_m: f64) -> Fix {
        Fix { accuracy: accuracy(radius_m), ..fix(second, east_m) }
    }

    #[test]
    fn in_the_open_a_tag_needs_a_fix_that_does_not_contradict_it() {
        use PlaceReason as P;
        let (open, tag) = (lot(), tag("lot", 60));
        check(&open, &[fix(30, 0.0), fix(60, 0.0)], None, Ok(PlaceMethod::Fence));
        check(&open, &[fix(60, 0.0)], None, Err(P::NoTag));
        check(&open, &[fix(60, 120.0)], Some(&tag), Ok(PlaceMethod::VenueTag));
        check(&open, &[rough(60, 900.0, 600.0)], Some(&tag), Ok(PlaceMethod::VenueTag));
        check(&open, &[rough(60, 0.0, 1_001.0)], Some(&tag), Err(P::FixNeeded));
        check(&open, &[fix(60, 300.0)], Some(&tag), Err(P::TagContradicted));
        check(&open, &[rough(60, 9_000.0, 600.0)], Some(&tag), Err(P::TagContradicted));
        check(&open, &[], Some(&tag), Err(P::FixNeeded));
        check(&open, &[fix(40, 0.0)], Some(&tag), Err(P::FixNeeded));
    }

    #[test]
    fn no_tag_speaks_for_a_reader_that_jumps_away_or_moves() {
        use PlaceReason as P;
        let (open, tag) = (lot(), tag("lot", 58));
        let jumped = [fix(58, 0.0), fix(60, 111_000.0)];
        check(&open, &jumped, Some(&tag), Err(P::ImplausiblePosition));
        let driving = Fix { speed: Speed::from_mps(40.0).ok(), ..fix(60, 0.0) };
        check(&open, &[fix(58, 0.0), driving], Some(&tag), Err(P::Moving));
    }

    #[test]
    fn under_a_roof_a_tag_stands_alone_but_never_against_a_fix() {
        use PlaceReason as P;
        let garage = fence(vec![zone(ZoneKind::Indoor, square(0.0, 0.0, 100.0), &[GROCERY])]);
        let here = tag("lot", 60);
        check(&garage, &[], Some(&here), Ok(PlaceMethod::VenueTag));
        check(&garage, &[fix(0, 900.0)], Some(&here), Ok(PlaceMethod::VenueTag));
        // Nobody comes nine kilometres in a minute.
        check(&garage, &[fix(0, 9_000.0)], Some(&here), Err(P::TagContradicted));
        check(&garage, &[Fix { mock: true, ..fix(60, 0.0) }], Some(&here), Err(P::MockLocation));
        check(&garage, &[], Some(&tag("mall", 60)), Err(P::TagOfOtherVenue));
        check(&garage, &[], Some(&tag("lot", 61)), Err(P::TagFromFuture));
        let nothing = garage.evaluate(&Track::default(), at(60), GROCERY);
        let late = at(60).plus_ms(TAG_FRESH_MS);
        let judged = judge_place(&garage, GROCERY, &nothing, Some(&here), late);
        assert_eq!((judged.answer, judged.why), (Uncertain, vec![P::NotInside, P::TagExpired]));
    }

    #[test]
    fn no_tag_lifts_an_exclusion() {
        let venue = fence(vec![
            zone(ZoneKind::Indoor, square(0.0, 0.0, 200.0), &[GROCERY]),
            zone(ZoneKind::Exclusion, square(60.0, 0.0, 60.0), &[GROCERY]),
        ]);
        let excluded = venue.evaluate(&folded(&venue, &[fix(0, 60.0)]), at(0), GROCERY);
        for (result, service) in
            [(excluded, GROCERY), (venue.evaluate(&Track::default(), at(0), FUEL), FUEL)]
        {
            let judged = judge_place(&venue, service, &result, Some(&tag("lot", 0)), at(0));
            assert_eq!(judged.answer, Outside);
            assert!(judged.why.contains(&PlaceReason::Forbidden), "{judged:?}");
        }
    }

    #[test]
    fn bays_are_short_plain_names() {
        for (text, good) in [
            ("B-12", true),
            ("7", true),
            ("", false),
            ("B 12", false),
            ("abcdefghijklmnopq", false),
        ] {
            assert_eq!(text.parse::<Bay>().is_ok(), good, "{text}");
        }
        assert_eq!("B-12".parse::<Bay>().unwrap().to_string(), "B-12");
    }
}
