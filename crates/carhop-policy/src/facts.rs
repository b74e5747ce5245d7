//! The inputs of one policy decision, typed and stored with it, so that it can be replayed under another bundle
//! (M-POL-4).
//!
//! Facts hold only what is fresh and belongs to this stop and its order version: whoever builds them leaves out
//! evidence that is stale or somebody else's. Nothing here identifies a person.

use carhop_kernel::actor::ActorKind;
use carhop_kernel::device::TrustTier;
use carhop_kernel::evidence::{Assurance, PlaceAnswer, PlaceMethod, PresenceMethod, VehicleMatch};
use carhop_kernel::order::{
    Compartment, HandoffType, PlaceKind, Scope, Sensitivity, Service, Terms, Value,
};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{HoldCause, PhaseKind};
use carhop_kernel::time::{Timestamp, Window};
use carhop_kernel::verdict::PolicyAction;
use serde::{Deserialize, Serialize};

/// Everything one decision is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// What is asked.
    pub action: PolicyAction,
    /// Who asks.
    pub actor: ActorKind,
    /// Where in the flow the session is.
    pub phase: PhaseKind,
    /// The leg that is asked about; `None` where the action names none, or one that the order has not.
    pub leg: Option<LegFacts>,
    /// The order version in force.
    pub order: OrderFacts,
    /// How well the recipient is verified, if the proof is fresh.
    pub recipient: Option<Assurance>,
    /// What the recipient's record suggests (M-IDN-3).
    pub risk: Risk,
    /// Whether the customer approved the delivery intent in force.
    pub intent_approved: bool,
    /// The vehicle at hand.
    pub vehicle: VehicleFacts,
    /// Where driver and vehicle are.
    pub place: PlaceFacts,
    /// The time window.
    pub window: WindowState,
    /// The action token, if one was presented.
    pub token: Option<TokenFacts>,
    /// The best fresh proof of presence.
    pub presence: Option<PresenceMethod>,
    /// Why a code, scan or approval that came with this request failed, if one did.
    pub proof_refused: Option<Reason>,
    /// The driver's device.
    pub handset: HandsetFacts,
    /// The lock or pump of the leg.
    pub actuator: ActuatorFacts,
    /// Why the session is on hold, if it is.
    pub hold: Option<HoldCause>,
    /// Whether the tenant has frozen all its releases.
    pub tenant_hold: bool,
    /// Whether the recipient's age was checked against an identity document (M-ORD-4).
    pub age_proof: bool,
}

/// The leg that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegFacts {
    /// Which credential it needs.
    pub scope: Scope,
    /// Which compartment; fuel has none.
    pub compartment: Option<Compartment>,
}

/// What the policies may know of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderFacts {
    /// Which kinds of legs it has.
    pub services: Services,
    /// How the goods change hands.
    pub handoff: HandoffType,
    /// What kind of place the car stands in.
    pub place_kind: PlaceKind,
    /// How delicate the goods are.
    pub sensitivity: Sensitivity,
    /// What they are worth.
    pub value: Value,
    /// Whether the recipient must be of age.
    pub age_gated: bool,
    /// Whether the goods must stay cold.
    pub cold_chain: bool,
}

/// Which kinds of legs an order has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Services {
    /// Only goods.
    Goods,
    /// Only fuel.
    Fuel,
    /// Both, in one stop.
    Hybrid,
}

/// What the recipient's record suggests; each step asks for more (M-IDN-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing unusual.
    Usual,
    /// Something asks for a second look, such as the first unattended handoff.
    Raised,
    /// Several signs of abuse.
    High,
}

/// The vehicle at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleFacts {
    /// The strongest fresh match with the vehicle of the order.
    pub matched_by: Option<VehicleMatch>,
    /// Whether anything fresh says that it is another vehicle.
    pub mismatch: bool,
    /// Whether it moves, or has moved since it was bound.
    pub moving: bool,
}

/// Where driver and vehicle are; both count (M-GEO-0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceFacts {
    /// The driver's place.
    pub driver: Option<PlaceFact>,
    /// The vehicle's place.
    pub vehicle: Option<PlaceFact>,
    /// Whether the two contradict each other.
    pub disagrees: bool,
    /// Whether the zone permits the service of the leg.
    pub service_permitted: bool,
}

/// One fresh answer to "is it there?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceFact {
    /// How it was shown.
    pub method: PlaceMethod,
    /// The answer.
    pub answer: PlaceAnswer,
}

/// Where `now` lies relative to the time window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowState {
    /// It has not begun.
    Before,
    /// It is open.
    Open,
    /// It is over.
    Closed,
}

/// An action token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFacts {
    /// Why it is not good, if it is not.
    pub flaw: Option<Reason>,
    /// How long ago it was issued, in milliseconds.
    pub age_ms: u64,
}

/// The driver's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandsetFacts {
    /// Whether it and its driver have this stop.
    pub assigned: bool,
    /// Whether the registry has it in good standing: known, not revoked, within policy.
    pub trusted: bool,
    /// What its fresh evidence comes to; `none` when that is missing or stale.
    pub tier: TrustTier,
}

/// The lock or pump of the leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActuatorFacts {
    /// Whether the registry has it in good standing: known, not revoked, not tampered with.
    pub trusted: bool,
    /// Whether two live connections claim to be it.
    pub frozen: bool,
    /// What its fresh evidence comes to; `none` when that is missing or stale.
    pub tier: TrustTier,
    /// Whether a command can reach it now.
    pub reachable: bool,
}

impl LegFacts {
    /// Whether the leg dispenses fuel.
    pub fn is_fuel(&self) -> bool {
        self.scope == Scope::FuelAuthorisation
    }
}

impl From<&Service> for LegFacts {
    fn from(service: &Service) -> Self {
        let compartment = match service {
            Service::Goods { compartment, .. } => Some(*compartment),
            Service::Fuel { .. } => None,
        };
        Self { scope: service.scope(), compartment }
    }
}

impl From<&Terms> for OrderFacts {
    fn from(terms: &Terms) -> Self {
        let fuel_legs = terms.legs.iter().filter(|leg| leg.service.is_fuel()).count();
        let services = match fuel_legs {
            0 => Services::Goods,
            all if all == terms.legs.len() => Services::Fuel,
            _ => Services::Hybrid,
        };
        Self {
            services,
            handoff: terms.handoff,
            place_kind: terms.place_kind,
            sensitivity: terms.sensitivity,
            value: terms.value,
            age_gated: terms.age_gated,
            cold_chain: terms.cold_chain.is_some(),
        }
    }
}

impl WindowState {
    /// Where `now` lies relative to `window`.
    pub fn at(window: &Window, now: Timestamp) -> Self {
        if now < window.start {
            Self::Before
        } else if now < window.end {
            Self::Open
        } else {
            Self::Closed
        }
    }
}
