//! How long what was seen counts: one table, and the one comparison that everybody makes.
//!
//! What a fact says, and whether it fits a session, is not known here.

use crate::device::DeviceClass;
use crate::evidence::{PlaceMethod, VehicleMatch};
use crate::limits;
use crate::time::Timestamp;

/// What counts for a limited time after it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perishable {
    /// A recipient that was verified.
    Recipient,
    /// An intent that was approved.
    Intent,
    /// A vehicle that was matched.
    Vehicle(VehicleMatch),
    /// A place that was shown.
    Place(PlaceMethod),
    /// A code, scan or approval.
    Presence,
    /// The integrity of a driver's device.
    Handset,
    /// The integrity of a lock or pump.
    Actuator,
    /// An action token.
    ActionToken,
}

impl Perishable {
    /// What a device of this class proves of its integrity.
    pub const fn integrity_of(class: DeviceClass) -> Self {
        match class {
            DeviceClass::Handset | DeviceClass::Console | DeviceClass::Till => Self::Handset,
            DeviceClass::Lock
            | DeviceClass::Pump
            | DeviceClass::VehicleModule
            | DeviceClass::Relay => Self::Actuator,
        }
    }

    /// How long after it was seen it counts, in milliseconds.
    pub const fn fresh_for_ms(self) -> u64 {
        match self {
            Self::Recipient => limits::RECIPIENT_FRESH_MS,
            // What the customer only said counts for as long as what the customer approved.
            Self::Intent
            | Self::Vehicle(VehicleMatch::Statement)
            | Self::Place(PlaceMethod::Statement) => limits::INTENT_FRESH_MS,
            Self::Vehicle(
                VehicleMatch::PlateRead | VehicleMatch::Tag | VehicleMatch::Telematics,
            ) => limits::VEHICLE_MATCH_FRESH_MS,
            Self::Place(PlaceMethod::VenueTag) => limits::TAG_FRESH_MS,
            Self::Place(PlaceMethod::Fence | PlaceMethod::Telematics) => limits::PLACE_FRESH_MS,
            Self::Presence => limits::PRESENCE_FRESH_MS,
            Self::Handset => limits::ATTESTATION_FRESH_MS,
            Self::Actuator => limits::INTEGRITY_FRESH_MS,
            Self::ActionToken => limits::ACTION_TOKEN_MS_MAX,
        }
    }

    /// First instant at which what was seen at `at` counts no more.
    pub const fn fresh_until(self, at: Timestamp) -> Timestamp {
        at.plus_ms(self.fresh_for_ms())
    }

    /// Whether what was seen at `at` counts at `now`. What comes from the future does not.
    pub fn is_fresh(self, at: Timestamp, now: Timestamp) -> bool {
        at <= now && now.since_ms(at) < self.fresh_for_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Timestamp = Timestamp::from_unix_s(1_800_000_000);

    #[test]
    fn everything_counts_for_as_long_as_its_limit_says_and_not_before_it_was_seen() {
        let (minute, hour) = (60 * 1000, 60 * 60 * 1000);
        for (seen, limit_ms) in [
            (Perishable::Recipient, 12 * hour),
            (Perishable::Intent, 12 * hour),
            (Perishable::Vehicle(VehicleMatch::Statement), 12 * hour),
            (Perishable::Vehicle(VehicleMatch::PlateRead), 10 * minute),
            (Perishable::Vehicle(VehicleMatch::Tag), 10 * minute),
            (Perishable::Vehicle(VehicleMatch::Telematics), 10 * minute),
            (Perishable::Place(PlaceMethod::Statement), 12 * hour),
            (Perishable::Place(PlaceMethod::Fence), minute / 2),
            (Perishable::Place(PlaceMethod::Telematics), minute / 2),
            (Perishable::Place(PlaceMethod::VenueTag), 5 * minute),
            (Perishable::Presence, 10 * minute),
            (Perishable::Handset, 10 * minute),
            (Perishable::Actuator, 10 * minute),
            (Perishable::ActionToken, minute),
        ] {
            assert_eq!(seen.fresh_for_ms(), limit_ms, "{seen:?}");
            assert_eq!(seen.fresh_until(SEEN), SEEN.plus_ms(limit_ms), "{seen:?}");
            for (now, fresh) in [
                (SEEN.minus_ms(1), false),
                (SEEN, true),
                (SEEN.plus_ms(limit_ms - 1), true),
                (SEEN.plus_ms(limit_ms), false),
                (Timestamp::from_unix_ms(u64::MAX), false),
            ] {
                assert_eq!(seen.is_fresh(SEEN, now), fresh, "{seen:?} at {now}");
            }
        }
    }

    #[test]
    fn a_device_that_moves_metal_proves_its_integrity_as_an_actuator() {
        for class in DeviceClass::ALL {
            let moves = matches!(
                class,
                DeviceClass::Lock
                    | DeviceClass::Pump
                    | DeviceClass::VehicleModule
                    | DeviceClass::Relay
            );
            let wanted = if moves { Perishable::Actuator } else { Perishable::Handset };
            assert_eq!(Perishable::integrity_of(class), wanted, "{class}");
        }
    }
}
