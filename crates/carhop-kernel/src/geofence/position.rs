//! Points on the earth, distances between them, and the flat map in metres around one of them.
//! It takes the earth for a sphere: no ellipsoid, no height, no datum other than WGS 84.

use core::f64::consts::PI;
use core::fmt;

use serde::{Deserialize, Serialize};

/// A point in WGS 84 degrees, kept to a nanodegree (0.1 mm) so that its decimal form is exact.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawPosition", into = "RawPosition")]
pub struct Position {
    latitude_deg: f64,
    longitude_deg: f64,
}

impl Position {
    /// A point from degrees: latitude in -90 to 90, longitude in -180 to 180, both finite.
    pub fn new(latitude_deg: f64, longitude_deg: f64) -> Result<Self, FixError> {
        if !latitude_deg.is_finite() || !longitude_deg.is_finite() {
            return Err(FixError::NotFinite);
        }
        if latitude_deg.abs() > 90.0 {
            return Err(FixError::LatitudeOutOfRange);
        }
        if longitude_deg.abs() > 180.0 {
            return Err(FixError::LongitudeOutOfRange);
        }
        Ok(Self {
            latitude_deg: rounded(latitude_deg, NANODEGREES_PER_DEGREE),
            longitude_deg: rounded(longitude_deg, NANODEGREES_PER_DEGREE),
        })
    }

    /// Degrees north of the equator.
    pub const fn latitude_deg(self) -> f64 {
        self.latitude_deg
    }

    /// Degrees east of Greenwich.
    pub const fn longitude_deg(self) -> f64 {
        self.longitude_deg
    }
}

/// Great-circle distance in metres (haversine on the mean sphere); within 0.6 % of the WGS 84 geodesic.
pub fn distance_m(a: Position, b: Position) -> f64 {
    let half = |deg: f64| libm::sin(deg.to_radians() / 2.0);
    let north = half(b.latitude_deg - a.latitude_deg);
    let east = half(b.longitude_deg - a.longitude_deg);
    let cosines = libm::cos(a.latitude_deg.to_radians()) * libm::cos(b.latitude_deg.to_radians());
    let chord = north * north + cosines * east * east;
    2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(chord).min(1.0))
}

/// The flat map around an origin: metres east and north. Lengths near the origin are true to 0.6 %; the error
/// grows with the change of latitude, by about 1 % per 50 km at 50 degrees.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    origin: Position,
    east_m_per_deg: f64,
}

impl Plane {
    /// The map around `origin`.
    pub fn around(origin: Position) -> Self {
        let east_m_per_deg = METRES_PER_DEGREE * libm::cos(origin.latitude_deg.to_radians());
        Self { origin, east_m_per_deg }
    }

    /// Where `position` lies on the map, the short way around the earth.
    pub fn project(&self, position: Position) -> Point {
        let east_deg = wrapped_deg(position.longitude_deg - self.origin.longitude_deg);
        Point {
            east_m: east_deg * self.east_m_per_deg,
            north_m: (position.latitude_deg - self.origin.latitude_deg) * METRES_PER_DEGREE,
        }
    }
}

/// A point of a [`Plane`], in metres from its origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Metres east.
    pub east_m: f64,
    /// Metres north.
    pub north_m: f64,
}

/// Why a position fix or one of its numbers is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixError {
    /// A number is NaN or infinite.
    NotFinite,
    /// Latitude beyond 90 degrees.
    LatitudeOutOfRange,
    /// Longitude beyond 180 degrees.
    LongitudeOutOfRange,
    /// An accuracy radius that is zero or negative: platforms write both for "unknown".
    RadiusNotPositive,
    /// An accuracy radius that nobody can know so well.
    RadiusTooSmall,
    /// An accuracy radius that says nothing about the place.
    RadiusTooLarge,
    /// A confidence that would make the error circle meaningless.
    ConfidenceOutOfRange,
    /// A negative speed: iOS writes it for "unknown".
    SpeedNegative,
    /// A speed no carrier has.
    SpeedTooHigh,
}

impl fmt::Display for FixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "a number of the fix is not finite",
            Self::LatitudeOutOfRange => "latitude is not within -90 to 90 degrees",
            Self::LongitudeOutOfRange => "longitude is not within -180 to 180 degrees",
            Self::RadiusNotPositive => "accuracy radius is not positive",
            Self::RadiusTooSmall => "the accuracy radius is too small to be meant",
            Self::RadiusTooLarge => "accuracy radius is too large",
            Self::ConfidenceOutOfRange => "confidence of the accuracy is out of range",
            Self::SpeedNegative => "speed is negative",
            Self::SpeedTooHigh => "speed is too high",
        })
    }
}

impl core::error::Error for FixError {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPosition {
    latitude_deg: f64,
    longitude_deg: f64,
}

impl TryFrom<RawPosition> for Position {
    type Error = FixError;

    fn try_from(raw: RawPosition) -> Result<Self, FixError> {
        Self::new(raw.latitude_deg, raw.longitude_deg)
    }
}

impl From<Position> for RawPosition {
    fn from(position: Position) -> Self {
        Self { latitude_deg: position.latitude_deg, longitude_deg: position.longitude_deg }
    }
}

/// `value` to the nearest multiple of `1 / steps`, never negative zero.
pub(super) fn rounded(value: f64, steps: f64) -> f64 {
    libm::round(value * steps) / steps + 0.0
}

/// An angle brought to -180 up to 180 degrees.
pub(super) fn wrapped_deg(deg: f64) -> f64 {
    if deg >= 180.0 {
        deg - 360.0
    } else if deg < -180.0 {
        deg + 360.0
    } else {
        deg
    }
}

/// Mean radius of the earth (IUGG R1), in metres.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Metres in one degree of latitude.
pub(super) const METRES_PER_DEGREE: f64 = EARTH_RADIUS_M * PI / 180.0;

/// Steps in which positions are kept.
pub(super) const NANODEGREES_PER_DEGREE: f64 = 1e9;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude_deg: f64, longitude_deg: f64) -> Position {
        Position::new(latitude_deg, longitude_deg).unwrap()
    }

    #[test]
    fn only_points_on_the_earth_are_positions() {
        for (latitude_deg, longitude_deg, expected) in [
            (0.0, 0.0, None),
            (90.0, -180.0, None),
            (-90.0, 180.0, None),
            (f64::NAN, 0.0, Some(FixError::NotFinite)),
            (0.0, f64::INFINITY, Some(FixError::NotFinite)),
            (90.000_001, 0.0, Some(FixError::LatitudeOutOfRange)),
            (0.0, -180.000_001, Some(FixError::LongitudeOutOfRange)),
        ] {
            assert_eq!(Position::new(latitude_deg, longitude_deg).err(), expected);
        }
    }

    #[test]
    fn distances_agree_with_the_wgs_84_geodesic_to_six_tenths_of_a_percent() {
        // Vincenty's published pair, a degree of latitude at the equator and at the pole, a degree of longitude.
        for (a, b, geodesic_m) in [
            (
                at(-37.951_033_417, 144.424_867_889),
                at(-37.652_821_139, 143.926_495_528),
                54_972.271,
            ),
            (at(0.0, 0.0), at(1.0, 0.0), 110_574.4),
            (at(89.0, 0.0), at(90.0, 0.0), 111_693.9),
            (at(0.0, 179.5), at(0.0, -179.5), 111_319.5),
            (at(12.0, 34.0), at(12.0, 34.0), 0.0),
        ] {
            let error_m = (distance_m(a, b) - geodesic_m).abs();
            assert!(error_m <= geodesic_m * 0.006, "{a:?} {b:?} {error_m}");
        }
    }

    #[test]
    fn the_flat_map_agrees_with_the_sphere_over_a_kilometre_and_across_the_antimeridian() {
        for origin in [at(37.38, -122.11), at(-54.8, 179.999), at(70.0, -180.0)] {
            let plane = Plane::around(origin);
            for (north_deg, east_deg) in
                [(0.009, 0.0), (0.0, 0.01), (-0.005, 0.008), (0.004, -0.01)]
            {
                let longitude_deg = wrapped_deg(origin.longitude_deg() + east_deg);
                let other = at(origin.latitude_deg() + north_deg, longitude_deg);
                let point = plane.project(other);
                let flat_m = libm::hypot(point.east_m, point.north_m);
                let error_m = (flat_m - distance_m(origin, other)).abs();
                assert!(error_m < 0.5, "{origin:?} {other:?} {error_m}");
            }
        }
    }

    #[test]
    fn a_stored_position_reads_back_with_the_same_bits() {
        let position = at(37.380_742_999_123_456, -122.113_406_777_777_77);
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(text, r#"{"latitude_deg":37.380742999,"longitude_deg":-122.113406778}"#);
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
        assert!(
            serde_json::from_str::<Position>(r#"{"latitude_deg":91,"longitude_deg":0}"#).is_err()
        );
    }
}
