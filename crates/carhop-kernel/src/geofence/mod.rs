//! Where somebody is, as an answer with its doubt: zones of a venue, position fixes with error circles,
//! the probability of being inside, and the answers inside, outside and *uncertain* (M-GEO-0 to M-GEO-3).
//!
//! It does not fuse several sources into one position, score spoofing or decide what an answer permits: every
//! fix is weighed on its own and every oddity is counted, so that both can be built on top.

mod fix;
mod polygon;
mod position;
mod probability;
mod validity;

pub use fix::{Accuracy, Confidence, Fix, FixSource, RADIUS_M_MAX, SPEED_MPS_MAX, Speed};
pub use polygon::{POLYGON_VERTICES_MAX, Polygon};
pub use position::{EARTH_RADIUS_M, FixError, Plane, Point, Position, distance_m};
pub use probability::{SIGMA_M_MIN, probability_inside};
pub use validity::{GeometryError, POLYGON_AREA_M2_MIN, POLYGON_EXTENT_M_MAX};

#[cfg(test)]
mod sampling;
