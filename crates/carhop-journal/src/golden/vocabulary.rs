//! The stored names of every choice inside events: their samples show one of each, this shows all.
//! What the names mean is said where the types are.

use std::collections::BTreeMap;

use carhop_app::batch::{DisputeOutcome, Grievance, SignOut};
use carhop_app::records::StaffRole;
use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::evidence::{Assurance, Party, PlaceMethod, PresenceMethod, VehicleMatch};
use carhop_kernel::order::{Compartment, FuelGrade, HandoffType, PlaceKind, Sensitivity};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{
    Basis, BindingEnd, Exception, HoldCause, LegFailure, NotExecuted, Outcome, RevocationCause,
};
use carhop_kernel::token::TokenLayer;
use serde::Serialize;
use serde_json::Value;

/// Every type with its stored values.
pub(super) fn file() -> Vec<u8> {
    let mut types = choices();
    types.insert("actor", stored(&super::actors()));
    types.insert("staff_by", stored(&super::staff()));
    types.insert("reason", stored(Reason::ALL));
    types.insert("stream", stored(&super::streams()));
    serde_json::to_vec_pretty(&types).unwrap()
}

fn stored(values: &[impl Serialize]) -> Vec<Value> {
    values.iter().map(|value| serde_json::to_value(value).unwrap()).collect()
}

macro_rules! choices {
    ($($name:literal $enum:ident: $($variant:ident)*;)*) => {
        fn choices() -> BTreeMap<&'static str, Vec<Value>> {
            let mut types = BTreeMap::new();
            $(
                let values = [$($enum::$variant),*];
                for value in values {
                    match value { $($enum::$variant)|* => {} }
                }
                types.insert($name, stored(&values));
            )*
            types
        }
    };
}

choices! {
    "assurance" Assurance: BoundDevice Passkey IdentityProof;
    "basis" Basis: Inspected Camera DeviceRead Told;
    "binding_end" BindingEnd: Relocated Moved;
    "compartment" Compartment: Trunk TruckBed Locker ColdBox;
    "device_class" DeviceClass: Handset Console VehicleModule Lock Pump Relay Till;
    "dispute_outcome" DisputeOutcome: Upheld Rejected;
    "exception" Exception: OpenedWithoutLeave OpenedAfterEnd FlowWithoutLeave OverDispensed
        LockJammed Tampered InterlockTripped VehicleMoved TemperatureOutOfRange OutcomeUnknown
        LeftOpen TransferUnconfirmed MeterGap MeterBackwards MeterFaulty MeterSilent UnaccountedFlow
        SettledAfterTakeover CommandAbandoned;
    "fuel_grade" FuelGrade: Regular Midgrade Premium Diesel;
    "grievance" Grievance: Missing WrongGoods Damaged Fuel Opening Other;
    "handoff_type" HandoffType: Unattended Attended CustomerPickup FrontDoor;
    "hold_cause" HoldCause: Customer Staff Safety Tamper DeviceRevoked VehicleMoved;
    "leg_failure" LegFailure: Jammed NothingDispensed WindowClosed;
    "not_executed" NotExecuted: Unsent RefusedByDevice Cancelled FoundByPerson;
    "party" Party: Driver Vehicle;
    "outcome" Outcome: Full Partial;
    "place_kind" PlaceKind: Lot Garage Driveway Kerb Depot;
    "place_method" PlaceMethod: Statement Fence VenueTag Telematics;
    "presence_method" PresenceMethod: Code Scan Approval;
    "revocation_cause" RevocationCause: CustomerStopped StoreCancelled StaffEnded DeviceRevoked
        NothingDelivered;
    "sensitivity" Sensitivity: Low Moderate High;
    "sign_out" SignOut: Asked KeyMismatch;
    "staff_role" StaffRole: Dispatcher Support Auditor Administrator;
    "token_layer" TokenLayer: Session Vehicle Action;
    "trust_tier" TrustTier: None SelfReported Certified Attested;
    "vehicle_match" VehicleMatch: Statement PlateRead Tag Telematics;
}
