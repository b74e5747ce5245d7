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

pub use answer::{FenceReason, FenceResult, Glance};
pub use fence::{Fence, FenceError, FenceLimits, Zone, ZoneKind};
pub use fix::{Accuracy, Confidence, Fix, FixSource, Speed};
pub use place::{Bay, PlaceJudgement, PlaceReason, VenueTag, judge_place};
pub use polygon::Polygon;
pub use position::{EARTH_RADIUS_M, FixError, Plane, Point, Position, distance_m};
pub use probability::probability_inside;
pub use track::{Track, TrackCounts, TrackUpdate, implied_speed_mps};
pub use validity::GeometryError;

#[cfg(test)]
mod sampling;
#[cfg(test)]
mod scenarios;
