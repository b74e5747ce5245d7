//! Who asks. Every request and every recorded event names exactly one actor, by pseudonymous ids only (M-AUD-2).

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ApiKeyId, CustomerId, DeviceId, DriverId, StaffId};

/// The authenticated originator of a request or report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// The customer, by a bound device key.
    Customer {
        /// Who.
        customer: CustomerId,
    },
    /// A driver, on a certified device.
    Driver {
        /// Who.
        driver: DriverId,
        /// On what.
        device: DeviceId,
    },
    /// The store's point of sale or fulfilment, by API key.
    Store {
        /// Which key.
        key: ApiKeyId,
    },
    /// The operator's staff.
    Staff {
        /// Who, or by which key.
        by: StaffBy,
    },
    /// A lock or pump.
    Device {
        /// Which device.
        device: DeviceId,
    },
    /// Carhop itself: timers and effects.
    System,
}

/// How somebody of the operator's staff has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StaffBy {
    /// With an API key, whoever holds it.
    Key(ApiKeyId),
    /// As a person who has signed in.
    Member(StaffId),
}

impl fmt::Display for StaffBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Member(member) => member.fmt(f),
        }
    }
}

/// The kinds of actors, as the transition table names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// [`Actor::Customer`].
    Customer,
    /// [`Actor::Driver`].
    Driver,
    /// [`Actor::Store`].
    Store,
    /// [`Actor::Staff`].
    Staff,
    /// [`Actor::Device`].
    Device,
    /// [`Actor::System`].
    System,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Customer, Self::Driver, Self::Store, Self::Staff, Self::Device, Self::System];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Driver => "driver",
            Self::Store => "store",
            Self::Staff => "staff",
            Self::Device => "device",
            Self::System => "system",
        }
    }
}

impl Actor {
    /// Which kind of actor this is.
    pub const fn kind(&self) -> ActorKind {
        match self {
            Self::Customer { .. } => ActorKind::Customer,
            Self::Driver { .. } => ActorKind::Driver,
            Self::Store { .. } => ActorKind::Store,
            Self::Staff { .. } => ActorKind::Staff,
            Self::Device { .. } => ActorKind::Device,
            Self::System => ActorKind::System,
        }
    }
}
