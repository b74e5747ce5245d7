//! The services of an order: what goes where, by which lock or pump, and what a credential for it is good for (M-TOK-4).
//! Whether an order may ask for it is not said here.

use serde::{Deserialize, Serialize};

use crate::digest::BasketHash;
use crate::id::DeviceId;

/// Where goods go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compartment {
    /// The trunk of a car.
    Trunk,
    /// The covered bed of a truck.
    TruckBed,
    /// A locker.
    Locker,
    /// A refrigerated box.
    ColdBox,
}

impl Compartment {
    /// The number on the wire of a signed command.
    pub const fn wire_number(self) -> u8 {
        match self {
            Self::Trunk => 1,
            Self::TruckBed => 2,
            Self::Locker => 3,
            Self::ColdBox => 4,
        }
    }
}

/// What goes into the tank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FuelGrade {
    /// Regular unleaded.
    Regular,
    /// Mid-grade unleaded.
    Midgrade,
    /// Premium unleaded.
    Premium,
    /// Diesel.
    Diesel,
}

impl FuelGrade {
    /// The number on the wire of a signed command.
    pub const fn wire_number(self) -> u8 {
        match self {
            Self::Regular => 1,
            Self::Midgrade => 2,
            Self::Premium => 3,
            Self::Diesel => 4,
        }
    }
}

/// What a credential is good for. Scopes are distinct: a pump, a trunk and a cold box never share one (M-TOK-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Opening a trunk or truck bed.
    GroceryHandoff,
    /// Opening a locker.
    LockerAccess,
    /// Opening a cold box.
    ColdRelease,
    /// Dispensing fuel.
    FuelAuthorisation,
}

/// One service of a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Service {
    /// Goods into a compartment.
    Goods {
        /// Which compartment.
        compartment: Compartment,
        /// The basket, as a hash of its lines.
        basket: BasketHash,
    },
    /// Fuel into the tank.
    Fuel {
        /// Which grade.
        grade: FuelGrade,
        /// The most that may be dispensed, in millilitres.
        limit_ml: u32,
    },
}

impl Service {
    /// The scope of the credentials of this service.
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Goods { compartment: Compartment::Trunk | Compartment::TruckBed, .. } => {
                Scope::GroceryHandoff
            }
            Self::Goods { compartment: Compartment::Locker, .. } => Scope::LockerAccess,
            Self::Goods { compartment: Compartment::ColdBox, .. } => Scope::ColdRelease,
            Self::Fuel { .. } => Scope::FuelAuthorisation,
        }
    }

    /// Whether this is fuel.
    pub const fn is_fuel(&self) -> bool {
        matches!(self, Self::Fuel { .. })
    }
}

/// One leg of the order: a service and the lock or pump that performs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegTerms {
    /// What is done.
    pub service: Service,
    /// The lock or pump.
    pub device: DeviceId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_actuator_has_a_scope_and_only_trunk_and_bed_share_one() {
        // M-TOK-4.
        let scope = |compartment| {
            let basket = BasketHash([0; 32]);
            Service::Goods { compartment, basket }.scope()
        };
        assert_eq!(scope(Compartment::Trunk), Scope::GroceryHandoff);
        assert_eq!(scope(Compartment::TruckBed), Scope::GroceryHandoff);
        assert_eq!(scope(Compartment::Locker), Scope::LockerAccess);
        assert_eq!(scope(Compartment::ColdBox), Scope::ColdRelease);
        let fuel = Service::Fuel { grade: FuelGrade::Regular, limit_ml: 1 };
        assert_eq!(fuel.scope(), Scope::FuelAuthorisation);
    }
}
