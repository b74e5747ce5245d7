//! The recorded trips that a demo drives, and how each must end. This table is reviewed like code: no limit of the
//! fence is loosened to get anywhere (M-GEO-2).

use super::plan::PlaceShown;
use super::scenario::Scenario;
use super::scenarios::{FENCE_UNCERTAIN, HAPPY};

/// One recorded trip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trip {
    /// The name of the recording.
    pub(crate) trace: &'static str,
    /// The venue that its car leg ends at.
    pub(crate) venue: &'static str,
    /// What is delivered there, and how it must end.
    pub(crate) scenario: &'static Scenario,
    /// How the place gets shown.
    pub(crate) place: PlaceShown,
    /// Why.
    pub(crate) reason: &'static str,
}

/// Every recorded trip with a car leg.
pub(crate) const TRIPS: [Trip; 7] = [
    Trip {
        trace: "mob_lib_and1_hf_20190728",
        venue: "mobilitynet:los-altos-library",
        scenario: &HAPPY[0],
        place: PlaceShown::Fence,
        reason: "a fix a second, accurate to 10 m: inside after 20 s of rest",
    },
    Trip {
        trace: "mob_lib_and3_mf_20190728",
        venue: "mobilitynet:los-altos-library",
        scenario: &HAPPY[0],
        place: PlaceShown::Fence,
        reason: "a fix every 30 s: inside at the first accurate one after 20 s",
    },
    Trip {
        trace: "mob_lib_ios2_hf_20190728",
        venue: "mobilitynet:los-altos-library",
        scenario: &HAPPY[0],
        place: PlaceShown::Fence,
        reason: "a fix a second, accurate to 10 to 30 m",
    },
    Trip {
        trace: "mob_lib_ios3_ma_20190728",
        venue: "mobilitynet:los-altos-library",
        scenario: &FENCE_UNCERTAIN,
        place: PlaceShown::Tag,
        reason: "four fixes of 65 m, all within 4 s: never 20 s of rest",
    },
    Trip {
        trace: "mob_sj_and2_20200304",
        venue: "mobilitynet:san-jose-king-library",
        scenario: &HAPPY[2],
        place: PlaceShown::Fence,
        reason: "downtown, every 30 s, early fixes 20 m outside",
    },
    Trip {
        trace: "mob_sj_and3_20190723",
        venue: "mobilitynet:san-jose-king-library",
        scenario: &HAPPY[1],
        place: PlaceShown::Fence,
        reason: "downtown, every 30 s, early fixes up to 40 m outside",
    },
    Trip {
        trace: "mob_sj_ios3_20190723",
        venue: "mobilitynet:san-jose-king-library",
        scenario: &FENCE_UNCERTAIN,
        place: PlaceShown::Tag,
        reason: "65 m fixes at the edge: too improbable to be inside",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_two_trips_need_no_tag_and_every_trip_has_a_reason() {
        let by_fence = TRIPS.iter().filter(|trip| trip.place == PlaceShown::Fence).count();
        assert!(by_fence >= 2);
        assert!(TRIPS.iter().all(|trip| !trip.reason.is_empty()));
    }
}
