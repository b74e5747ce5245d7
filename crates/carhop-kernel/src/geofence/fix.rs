//! One position fix: a point, the circle its maker says it lies in, and when, how fast and by what it was taken.
//! It checks that the numbers can be meant; whether they are believed is the track's business.

use serde::{Deserialize, Serialize};

use super::position::{FixError, Position, rounded};
use crate::limits::{CONFIDENCE_MAX, CONFIDENCE_MIN, RADIUS_M_MAX, RADIUS_M_MIN, SPEED_MPS_MAX};
use crate::time::Timestamp;

/// A reported position. Every part is checked on its own, so that any combination is a possible report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// Where.
    pub position: Position,
    /// How well it is known.
    pub accuracy: Accuracy,
    /// When the fix was taken, by the reporting device's clock: a claim.
    pub fixed_at: Timestamp,
    /// When it reached us, by our clock.
    pub received_at: Timestamp,
    /// Speed over ground, if the device told one; absent means unknown, not standing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
    /// What made it.
    pub source: FixSource,
    /// Whether the platform flags it as simulated (Android `isMock`, iOS `isSimulatedBySoftware`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub mock: bool,
}

/// What made a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixSource {
    /// A satellite receiver.
    Gnss,
    /// The platform's own fusion (Android fused, iOS CoreLocation, W3C Geolocation).
    Fused,
    /// Wi-Fi or cell towers.
    Network,
    /// The vehicle itself.
    Telematics,
    /// A person who said so, such as a customer stating where the car stands.
    Statement,
}

/// A circle around the reported point that holds the true one with a stated probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawAccuracy", into = "RawAccuracy")]
pub struct Accuracy {
    radius_m: f64,
    confidence: Confidence,
}

impl Accuracy {
    /// A circle of `radius_m` metres, from [`RADIUS_M_MIN`] to [`RADIUS_M_MAX`].
    pub fn new(radius_m: f64, confidence: Confidence) -> Result<Self, FixError> {
        if !radius_m.is_finite() {
            return Err(FixError::NotFinite);
        }
        if radius_m <= 0.0 {
            return Err(FixError::RadiusNotPositive);
        }
        if radius_m < RADIUS_M_MIN {
            return Err(FixError::RadiusTooSmall);
        }
        if radius_m > RADIUS_M_MAX {
            return Err(FixError::RadiusTooLarge);
        }
        Ok(Self { radius_m: rounded(radius_m, STEPS_PER_METRE), confidence })
    }

    /// The radius as reported, in metres.
    pub const fn radius_m(self) -> f64 {
        self.radius_m
    }

    /// The probability as reported.
    pub const fn confidence(self) -> Confidence {
        self.confidence
    }

    /// Standard deviation along one axis of the circular Gaussian this circle stands for, in metres.
    pub fn sigma_m(self) -> f64 {
        self.radius_m / self.confidence.sigmas()
    }

    /// The radius that holds the true point with the given probability, in metres (standards §10).
    pub fn radius_at_m(self, confidence: Confidence) -> f64 {
        self.sigma_m() * confidence.sigmas()
    }
}

/// The probability that an accuracy circle holds the true point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

impl Confidence {
    /// 0.68: Android `getAccuracy`, and whoever states none (standards §10).
    pub const ANDROID: Self = Self(0.68);
    /// 0.95: W3C Geolocation.
    pub const W3C: Self = Self(0.95);
    /// Treated as 68 %, as the makers that state none have been found to mean (standards §10).
    pub const UNKNOWN: Self = Self::ANDROID;

    /// A probability from 0.3 to 0.999: beyond them a claim would shrink or swell the circle without bound.
    pub fn new(probability: f64) -> Result<Self, FixError> {
        if !probability.is_finite() {
            return Err(FixError::NotFinite);
        }
        if !(CONFIDENCE_MIN..=CONFIDENCE_MAX).contains(&probability) {
            return Err(FixError::ConfidenceOutOfRange);
        }
        Ok(Self(rounded(probability, CONFIDENCE_STEPS)))
    }

    /// The probability.
    pub const fn probability(self) -> f64 {
        self.0
    }

    /// Radius in standard deviations of a circular Gaussian (Rayleigh quantile): 1.51 at 68 %, 2.45 at 95 %.
    fn sigmas(self) -> f64 {
        libm::sqrt(-2.0 * libm::log1p(-self.0))
    }
}

impl TryFrom<f64> for Confidence {
    type Error = FixError;

    fn try_from(probability: f64) -> Result<Self, FixError> {
        Self::new(probability)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

/// A speed over ground in metres per second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Speed(f64);

impl Speed {
    /// A speed from 0 to [`SPEED_MPS_MAX`].
    pub fn from_mps(speed_mps: f64) -> Result<Self, FixError> {
        if !speed_mps.is_finite() {
            return Err(FixError::NotFinite);
        }
        if speed_mps < 0.0 {
            return Err(FixError::SpeedNegative);
        }
        if speed_mps > SPEED_MPS_MAX {
            return Err(FixError::SpeedTooHigh);
        }
        Ok(Self(rounded(speed_mps, STEPS_PER_METRE)))
    }

    /// Metres per second.
    pub const fn mps(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Speed {
    type Error = FixError;

    fn try_from(speed_mps: f64) -> Result<Self, FixError> {
        Self::from_mps(speed_mps)
    }
}

impl From<Speed> for f64 {
    fn from(speed: Speed) -> Self {
        speed.0
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccuracy {
    radius_m: f64,
    #[serde(default = "unknown_confidence")]
    confidence: Confidence,
}

impl TryFrom<RawAccuracy> for Accuracy {
    type Error = FixError;

    fn try_from(raw: RawAccuracy) -> Result<Self, FixError> {
        Self::new(raw.radius_m, raw.confidence)
    }
}

impl From<Accuracy> for RawAccuracy {
    fn from(accuracy: Accuracy) -> Self {
        Self { radius_m: accuracy.radius_m, confidence: accuracy.confidence }
    }
}

const fn unknown_confidence() -> Confidence {
    Confidence::UNKNOWN
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

const CONFIDENCE_STEPS: f64 = 1e6;

/// Lengths and speeds are kept to a thousandth.
const STEPS_PER_METRE: f64 = 1e3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_of_different_confidence_become_one_unit() {
        // standards §10: sigma = r68 / 1.51 = r95 / 2.45, and r95 = 1.62 r68.
        for (radius_m, confidence, sigma_m) in [
            (1.51, Confidence::ANDROID, 1.0),
            (2.448, Confidence::W3C, 1.0),
            (30.0, Confidence::UNKNOWN, 19.87),
            (2.0, Confidence::new(0.865).unwrap(), 1.0),
        ] {
            let accuracy = Accuracy::new(radius_m, confidence).unwrap();
            assert!(
                (accuracy.sigma_m() - sigma_m).abs() < 0.01,
                "{accuracy:?} {}",
                accuracy.sigma_m()
            );
        }
        let android = Accuracy::new(10.0, Confidence::ANDROID).unwrap();
        assert!((android.radius_at_m(Confidence::W3C) - 16.2).abs() < 0.05);
    }

    #[test]
    fn numbers_that_cannot_be_meant_are_refused() {
        for (radius_m, expected) in [
            (RADIUS_M_MIN, None),
            (1e-300, Some(FixError::RadiusTooSmall)),
            (0.001, Some(FixError::RadiusTooSmall)),
            (RADIUS_M_MAX, None),
            (f64::NAN, Some(FixError::NotFinite)),
            (0.0, Some(FixError::RadiusNotPositive)),
            (-1.0, Some(FixError::RadiusNotPositive)),
            (RADIUS_M_MAX * 1.01, Some(FixError::RadiusTooLarge)),
        ] {
            assert_eq!(Accuracy::new(radius_m, Confidence::UNKNOWN).err(), expected, "{radius_m}");
        }
        for (probability, expected) in [
            (0.3, None),
            (0.999, None),
            (f64::NAN, Some(FixError::NotFinite)),
            (0.0, Some(FixError::ConfidenceOutOfRange)),
            (1.0, Some(FixError::ConfidenceOutOfRange)),
            (0.999_999_9, Some(FixError::ConfidenceOutOfRange)),
        ] {
            assert_eq!(Confidence::new(probability).err(), expected, "{probability}");
        }
        for (speed_mps, expected) in [
            (0.0, None),
            (SPEED_MPS_MAX, None),
            (-1.0, Some(FixError::SpeedNegative)),
            (f64::INFINITY, Some(FixError::NotFinite)),
            (SPEED_MPS_MAX + 1.0, Some(FixError::SpeedTooHigh)),
        ] {
            assert_eq!(Speed::from_mps(speed_mps).err(), expected, "{speed_mps}");
        }
    }

    #[test]
    fn the_stored_form_of_a_fix_is_pinned() {
        let fix = Fix {
            position: Position::new(37.38, -122.11).unwrap(),
            accuracy: Accuracy::new(7.02, Confidence::ANDROID).unwrap(),
            fixed_at: Timestamp::from_unix_ms(1),
            received_at: Timestamp::from_unix_ms(2),
            speed: Some(Speed::from_mps(1.25).unwrap()),
            source: FixSource::Fused,
            mock: true,
        };
        let text = serde_json::to_string(&fix).unwrap();
        let expected = concat!(
            r#"{"position":{"latitude_deg":37.38,"longitude_deg":-122.11},"#,
            r#""accuracy":{"radius_m":7.02,"confidence":0.68},"fixed_at":1,"received_at":2,"#,
            r#""speed":1.25,"source":"fused","mock":true}"#
        );
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Fix>(&text).unwrap(), fix);
        assert!(serde_json::from_str::<Fix>(&text.replace("7.02", "-7.02")).is_err());
    }
}
