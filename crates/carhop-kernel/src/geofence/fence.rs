//! The zones of a venue and the limits of belief that go with them: a policy boundary, not a dot (M-GEO-1).
//! It says what is drawn and allowed where; whether somebody is there is asked in `answer`.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::polygon::Polygon;
use crate::id::VenueId;
use crate::limits::{
    ACCURACY_M_MAX, DWELL_MS_MIN, ENTER_PROBABILITY, EXIT_PROBABILITY, FENCE_VERTICES_MAX,
    FIX_AGE_MS_MAX, ZONES_MAX,
};
use crate::order::Scope;

/// What a zone of a venue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneKind {
    /// Where handoffs may take place.
    Delivery,
    /// Where cars may stand and be served.
    Parking,
    /// Where the named services are never permitted; it outweighs every other zone.
    Exclusion,
    /// A counter, locker bank or lane of its own.
    ServicePoint,
    /// Where fuelling is permitted; no other kind of zone may name it.
    Fuelling,
    /// Under a roof: position fixes may be missing altogether.
    Indoor,
}

/// One area of a venue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// What it is.
    pub kind: ZoneKind,
    /// Where it is.
    pub polygon: Polygon,
    /// The services permitted there; in an exclusion, those forbidden there. What is not named is not meant.
    pub services: Vec<Scope>,
}

/// From when on a position is believed and called inside or outside (standards §10, M-GEO-3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FenceLimits {
    /// Probability of being inside from which on somebody enters.
    pub enter_probability: f64,
    /// Probability of being inside down to which somebody who has entered is still inside; at or below it outside.
    pub exit_probability: f64,
    /// Largest accuracy radius, as a 68 % radius in metres, that is evidence.
    pub accuracy_m_max: f64,
    /// Greatest age of a fix that is evidence, in milliseconds.
    pub fix_age_ms_max: u64,
    /// How long somebody must have stayed inside, in milliseconds.
    pub dwell_ms_min: u64,
}

impl Default for FenceLimits {
    fn default() -> Self {
        Self {
            enter_probability: ENTER_PROBABILITY,
            exit_probability: EXIT_PROBABILITY,
            accuracy_m_max: ACCURACY_M_MAX,
            fix_age_ms_max: FIX_AGE_MS_MAX,
            dwell_ms_min: DWELL_MS_MIN,
        }
    }
}

/// One version of a venue's zones with their limits; immutable, so that an answer can name what it was judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawFence")]
pub struct Fence {
    venue: VenueId,
    version: u32,
    zones: Vec<Zone>,
    limits: FenceLimits,
}

impl Fence {
    /// A fence of one to [`ZONES_MAX`] zones with up to [`FENCE_VERTICES_MAX`] vertices in all, of which at least one permits
    /// something.
    pub fn new(
        venue: VenueId,
        version: u32,
        zones: Vec<Zone>,
        limits: FenceLimits,
    ) -> Result<Self, FenceError> {
        if zones.len() > ZONES_MAX {
            return Err(FenceError::TooManyZones { count: zones.len() });
        }
        let count: usize = zones.iter().map(|zone| zone.polygon.vertices()).sum();
        if count > FENCE_VERTICES_MAX {
            return Err(FenceError::TooManyVertices { count });
        }
        for (zone, drawn) in zones.iter().enumerate() {
            check_services(zone, drawn)?;
        }
        if zones.iter().all(|zone| zone.kind == ZoneKind::Exclusion) {
            return Err(FenceError::NothingPermitted);
        }
        check_limits(&limits)?;
        Ok(Self { venue, version, zones, limits })
    }

    /// The venue it belongs to.
    pub const fn venue(&self) -> &VenueId {
        &self.venue
    }

    /// Its version; a track starts anew when it changes, so a relocation re-evaluates (M-GEO-3).
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The same as another version.
    #[must_use]
    pub fn with_version(self, version: u32) -> Self {
        Self { version, ..self }
    }

    /// Its zones.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// Its limits.
    pub const fn limits(&self) -> &FenceLimits {
        &self.limits
    }

    /// The services that some zone permits, each once, in order.
    pub fn services(&self) -> Vec<Scope> {
        let permitting = self.zones.iter().filter(|zone| zone.kind != ZoneKind::Exclusion);
        let mut services: Vec<_> =
            permitting.flat_map(|zone| zone.services.iter().copied()).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    /// The zones where `service` is permitted.
    pub fn permitted(&self, service: Scope) -> impl Iterator<Item = &Zone> {
        self.zones.iter().filter(move |zone| {
            zone.kind != ZoneKind::Exclusion && zone.services.contains(&service)
        })
    }

    /// The zones where `service` is forbidden.
    pub fn excluded(&self, service: Scope) -> impl Iterator<Item = &Zone> {
        self.zones.iter().filter(move |zone| {
            zone.kind == ZoneKind::Exclusion && zone.services.contains(&service)
        })
    }

    /// Whether `service` may take place under a roof here, where no position fix can be expected.
    pub fn is_indoor(&self, service: Scope) -> bool {
        self.permitted(service).any(|zone| zone.kind == ZoneKind::Indoor)
    }
}

/// Why zones and limits are refused as a fence; `zone` counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FenceError {
    /// More than [`ZONES_MAX`] zones.
    TooManyZones {
        /// How many there are.
        count: usize,
    },
    /// More than [`FENCE_VERTICES_MAX`] vertices in all.
    TooManyVertices {
        /// How many there are.
        count: usize,
    },
    /// No zone that permits anything.
    NothingPermitted,
    /// A zone that names no service.
    NoService {
        /// The zone.
        zone: usize,
    },
    /// A zone that names a service twice.
    RepeatedService {
        /// The zone.
        zone: usize,
    },
    /// Fuel permitted in a zone that is not for fuelling.
    FuelOutsideFuelling {
        /// The zone.
        zone: usize,
    },
    /// Enter must lie in 0.5 to 0.999, exit in 0.001 to 0.5 and below enter.
    Thresholds,
    /// The accuracy limit must lie in 1 m to 1000 m.
    AccuracyLimit,
    /// The age limit must lie in 1 s to 2 min.
    AgeLimit,
    /// The dwell must not be longer than an hour.
    Dwell,
}

impl fmt::Display for FenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyZones { count } => {
                write!(f, "the fence has {count} zones, more than {ZONES_MAX}")
            }
            Self::TooManyVertices { count } => {
                write!(f, "the fence has {count} vertices, more than {FENCE_VERTICES_MAX}")
            }
            Self::NothingPermitted => write!(f, "no zone of the fence permits anything"),
            Self::NoService { zone } => write!(f, "zone {zone} names no service"),
            Self::RepeatedService { zone } => write!(f, "zone {zone} names a service twice"),
            Self::FuelOutsideFuelling { zone } => {
                write!(f, "zone {zone} permits fuel but is not a fuelling zone")
            }
            Self::Thresholds => write!(f, "the probabilities of enter and exit are out of range"),
            Self::AccuracyLimit => write!(f, "the accuracy limit is out of range"),
            Self::AgeLimit => write!(f, "the age limit of a fix is out of range"),
            Self::Dwell => write!(f, "the dwell is out of range"),
        }
    }
}

impl core::error::Error for FenceError {}

fn check_services(zone: usize, drawn: &Zone) -> Result<(), FenceError> {
    if drawn.services.is_empty() {
        return Err(FenceError::NoService { zone });
    }
    let repeated = |(index, service)| drawn.services[..index].contains(service);
    if drawn.services.iter().enumerate().any(repeated) {
        return Err(FenceError::RepeatedService { zone });
    }
    let for_fuel = matches!(drawn.kind, ZoneKind::Fuelling | ZoneKind::Exclusion);
    if drawn.services.contains(&Scope::FuelAuthorisation) && !for_fuel {
        return Err(FenceError::FuelOutsideFuelling { zone });
    }
    Ok(())
}

fn check_limits(limits: &FenceLimits) -> Result<(), FenceError> {
    let enter_fits = (0.5..=0.999).contains(&limits.enter_probability);
    let exit_fits = (0.001..=0.5).contains(&limits.exit_probability);
    if !enter_fits || !exit_fits || limits.exit_probability >= limits.enter_probability {
        return Err(FenceError::Thresholds);
    }
    if !(1.0..=1_000.0).contains(&limits.accuracy_m_max) {
        return Err(FenceError::AccuracyLimit);
    }
    if !(1_000..=120_000).contains(&limits.fix_age_ms_max) {
        return Err(FenceError::AgeLimit);
    }
    if limits.dwell_ms_min > 3_600_000 {
        return Err(FenceError::Dwell);
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFence {
    venue: VenueId,
    version: u32,
    zones: Vec<Zone>,
    #[serde(default)]
    limits: FenceLimits,
}

impl TryFrom<RawFence> for Fence {
    type Error = FenceError;

    fn try_from(raw: RawFence) -> Result<Self, FenceError> {
        Self::new(raw.venue, raw.version, raw.zones, raw.limits)
    }
}
