//! Where somebody is, as an answer with its doubt: zones of a venue, position fixes with error circles,
//! the probability of being inside, and the answers inside, outside and *uncertain* (M-GEO-0 to M-GEO-3).
//!
//! It does not fuse several sources into one position, score spoofing or decide what an answer permits: every
//! fix is weighed on its own and every oddity is counted, so that both can be built on top.

mod answer;
mod fence;
mod fix;
mod place;
mod polygon;
mod position;
mod probability;
mod standing;
mod track;
mod validity;

pub use answer::{FenceReason, FenceResult, HELD_DISTANCE_M_MAX};
pub use fence::{
    ACCURACY_M_MAX, DWELL_MS_MIN, ENTER_PROBABILITY, EXIT_PROBABILITY, FIX_AGE_MS_MAX, Fence,
    FenceError, FenceLimits, ZONES_MAX, Zone, ZoneKind,
};
pub use fix::{Accuracy, Confidence, Fix, FixSource, RADIUS_M_MAX, SPEED_MPS_MAX, Speed};
pub use place::{
    Bay, NEGLIGIBLE_PROBABILITY, PlaceJudgement, PlaceReason, TAG_ACCURACY_M_MAX,
    TAG_DISTANCE_M_MAX, VenueTag, judge_place,
};
pub use polygon::{POLYGON_VERTICES_MAX, Polygon};
pub use position::{EARTH_RADIUS_M, FixError, Plane, Point, Position, distance_m};
pub use probability::{SIGMA_M_MIN, probability_inside};
pub use standing::{LEAVE_SPAN_MS_MIN, MOTION_MPS_MIN, WALKING_MPS_MIN};
pub use track::{
    CLOCK_SKEW_MS_MAX, JUMP_FIXES_MIN, JUMP_SPAN_MS_MIN, SILENCE_MS_MAX, TRAVEL_MPS_MAX, Track,
    TrackCounts, TrackUpdate, implied_speed_mps,
};
pub use validity::{GeometryError, POLYGON_AREA_M2_MIN, POLYGON_EXTENT_M_MAX};

#[cfg(test)]
mod sampling;
#[cfg(test)]
mod scenarios;
