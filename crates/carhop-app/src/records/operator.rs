//! Records of the operator's set-up.

use carhop_kernel::geofence::{Bay, Fence};
use carhop_kernel::id::{DeviceId, DriverId, VenueId};
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Kind, Record};

/// A venue: its fence and the codes of its bay tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VenueRecord {
    /// Which venue.
    pub venue: VenueId,
    /// Its name for people.
    pub name: String,
    /// Its zones.
    pub fence: Fence,
    /// What its tags carry, each with the bay it hangs in.
    pub tags: Vec<(String, Option<Bay>)>,
    /// The GeoJSON it was made from.
    pub geojson: serde_json::Value,
}

impl Record for VenueRecord {
    const KIND: Kind = Kind::Venue;

    fn key(&self) -> String {
        self.venue.to_string()
    }
}

/// A driver, by a name that means something to the operator only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverRecord {
    /// Which driver.
    pub driver: DriverId,
    /// The name customers see.
    pub name: String,
    /// The device the driver is signed in on.
    pub device: DeviceId,
}

impl Record for DriverRecord {
    const KIND: Kind = Kind::Driver;

    fn key(&self) -> String {
        self.driver.to_string()
    }
}

/// What holds for the whole tenant in this market.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRecord {
    /// What freezes all releases, if they are frozen.
    pub hold: Option<TenantHold>,
    /// Devices refuse commands of an older epoch.
    pub trust_epoch: u64,
}

/// What freezes all releases of a tenant in this market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantHold {
    /// Why.
    pub cause: String,
    /// Since when.
    pub since: Timestamp,
}

impl TenantRecord {
    /// The key of the one such record.
    pub const KEY: &str = "tenant";
}

impl Record for TenantRecord {
    const KIND: Kind = Kind::Tenant;

    fn key(&self) -> String {
        Self::KEY.to_owned()
    }
}

/// The frontier of the partition's log: enough to append and to tell its root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// How many leaves there are.
    pub size: u64,
    /// Roots of the full subtrees, largest first.
    pub peaks: Vec<[u8; 32]>,
}

impl Record for LogRecord {
    const KIND: Kind = Kind::Log;

    fn key(&self) -> String {
        "log".to_owned()
    }
}
