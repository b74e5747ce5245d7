//! What kind of device something is, and how far its word is trusted.
//!
//! How a class or a tier is proven is not known here: certificates and attestation live in the
//! proofs.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::BadId;

/// A class of device. Each has an issuing authority, a policy identifier and a certificate lifetime
/// of its own (M-DEV-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceClass {
    /// A driver's telephone or scanner.
    Handset,
    /// A console built into the vehicle that delivers.
    Console,
    /// The module in a car that opens it and tells its position.
    VehicleModule,
    /// A locker or compartment lock.
    Lock,
    /// A fuel pump.
    Pump,
    /// A kiosk or relay: carries other devices' bytes and has no say in them.
    Relay,
    /// A point of sale.
    Till,
}

impl DeviceClass {
    /// Every class, in the order of its policy identifier.
    pub const ALL: [Self; 7] = [
        Self::Handset,
        Self::Console,
        Self::VehicleModule,
        Self::Lock,
        Self::Pump,
        Self::Relay,
        Self::Till,
    ];

    /// The stable name: used in topics, certificates, configuration and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handset => "handset",
            Self::Console => "console",
            Self::VehicleModule => "vehicle_module",
            Self::Lock => "lock",
            Self::Pump => "pump",
            Self::Relay => "relay",
            Self::Till => "till",
        }
    }
}

impl fmt::Display for DeviceClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DeviceClass {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or(BadId)
    }
}

/// How far a device's word is trusted, from nothing upwards (M-DEV-2, M-DEV-3). Policy compares
/// tiers, so the order of the variants is their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustTier {
    /// Unknown, or its evidence is missing or stale: nothing is permitted.
    None,
    /// It signed a report about its own integrity under a key that nobody certified: never fuels.
    SelfReported,
    /// Its key is certified, its integrity is not attested (a browser): low-risk groceries, never
    /// fuel.
    Certified,
    /// Its key is certified and a fresh attestation under a configured root vouches for its
    /// integrity.
    Attested,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_class_has_one_name_that_reads_back() {
        let names = ["handset", "console", "vehicle_module", "lock", "pump", "relay", "till"];
        for (class, name) in DeviceClass::ALL.into_iter().zip(names) {
            assert_eq!(class.to_string(), name);
            assert_eq!(name.parse(), Ok(class));
        }
        for wrong in ["", "Lock", "vehicle-module", "lock "] {
            assert_eq!(wrong.parse::<DeviceClass>(), Err(BadId), "{wrong}");
        }
    }

    #[test]
    fn tiers_are_ordered_by_trust() {
        let ascending =
            [TrustTier::None, TrustTier::SelfReported, TrustTier::Certified, TrustTier::Attested];
        assert!(ascending.is_sorted());
        assert!(TrustTier::Certified < TrustTier::Attested);
    }
}
