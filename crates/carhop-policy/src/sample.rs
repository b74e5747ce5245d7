//! Facts in which nothing is wrong, and facts in which nothing is proven: what the generated matrix, the check of a
//! schema and tests start from.
//!
//! They describe no real stop.

use carhop_kernel::actor::ActorKind;
use carhop_kernel::device::TrustTier;
use carhop_kernel::evidence::{Assurance, PlaceAnswer, PlaceMethod, PresenceMethod, VehicleMatch};
use carhop_kernel::order::{
    Compartment, Currency, HandoffType, PlaceKind, Scope, Sensitivity, Value,
};
use carhop_kernel::session::PhaseKind;
use carhop_kernel::verdict::PolicyAction;

use crate::facts::{
    ActuatorFacts, Facts, HandsetFacts, LegFacts, OrderFacts, PlaceFact, PlaceFacts, Risk,
    Services, TokenFacts, VehicleFacts, WindowState,
};

/// Everything proven, nothing against it: everyday goods into a trunk in a parking lot, or fuel where the action
/// dispenses it, asked by an actor and in a phase for which the action is meant.
pub fn well(action: PolicyAction) -> Facts {
    let (actor, phase) = meant_for(action);
    let inside = |method| Some(PlaceFact { method, answer: PlaceAnswer::Inside });
    Facts {
        recipient: Some(Assurance::Passkey),
        intent_approved: true,
        vehicle: VehicleFacts {
            matched_by: Some(VehicleMatch::Tag),
            mismatch: false,
            moving: false,
        },
        place: PlaceFacts {
            driver: inside(PlaceMethod::Fence),
            vehicle: inside(PlaceMethod::Telematics),
            disagrees: false,
            service_permitted: true,
        },
        window: WindowState::Open,
        token: Some(TokenFacts { flaw: None, age_ms: 1_000 }),
        presence: Some(PresenceMethod::Approval),
        handset: HandsetFacts { assigned: true, trusted: true, tier: TrustTier::Attested },
        actuator: ActuatorFacts {
            trusted: true,
            frozen: false,
            tier: TrustTier::Attested,
            reachable: true,
        },
        age_proof: true,
        ..bare(action, actor, phase)
    }
}

/// Nothing proven, nothing against it.
pub fn bare(action: PolicyAction, actor: ActorKind, phase: PhaseKind) -> Facts {
    let (leg, services) = match action {
        PolicyAction::ReleaseCompartment | PolicyAction::ConfirmTransfer => {
            (Some((Scope::GroceryHandoff, Some(Compartment::Trunk))), Services::Goods)
        }
        PolicyAction::DispenseFuel => (Some((Scope::FuelAuthorisation, None)), Services::Fuel),
        PolicyAction::VerifyRecipient
        | PolicyAction::BindVehicle
        | PolicyAction::ApproveIntent
        | PolicyAction::AssignDriver
        | PolicyAction::ConfirmArrival
        | PolicyAction::AcceptProof
        | PolicyAction::ResolveOutcome
        | PolicyAction::AmendOrder
        | PolicyAction::Relocate
        | PolicyAction::Hold
        | PolicyAction::Resume
        | PolicyAction::Revoke => (None, Services::Goods),
    };
    Facts {
        action,
        actor,
        phase,
        leg: leg.map(|(scope, compartment)| LegFacts { scope, compartment }),
        order: everyday(services),
        recipient: None,
        risk: Risk::Usual,
        intent_approved: false,
        vehicle: VehicleFacts { matched_by: None, mismatch: false, moving: false },
        place: PlaceFacts {
            driver: None,
            vehicle: None,
            disagrees: false,
            service_permitted: true,
        },
        window: WindowState::Open,
        token: None,
        presence: None,
        proof_refused: None,
        handset: HandsetFacts { assigned: false, trusted: false, tier: TrustTier::None },
        actuator: ActuatorFacts {
            trusted: false,
            frozen: false,
            tier: TrustTier::None,
            reachable: false,
        },
        hold: None,
        tenant_hold: false,
        age_proof: false,
    }
}

fn everyday(services: Services) -> OrderFacts {
    OrderFacts {
        services,
        handoff: HandoffType::Unattended,
        place_kind: PlaceKind::Lot,
        sensitivity: Sensitivity::Low,
        value: Value { amount_minor: 4_200, currency: Currency::EUR },
        age_gated: false,
        cold_chain: false,
    }
}

/// Who asks for an action, and when, in an ordinary stop.
fn meant_for(action: PolicyAction) -> (ActorKind, PhaseKind) {
    match action {
        PolicyAction::VerifyRecipient => (ActorKind::Customer, PhaseKind::Requested),
        PolicyAction::BindVehicle | PolicyAction::ApproveIntent => {
            (ActorKind::Customer, PhaseKind::Verified)
        }
        PolicyAction::AssignDriver => (ActorKind::Store, PhaseKind::VehicleBound),
        PolicyAction::ConfirmArrival => (ActorKind::Driver, PhaseKind::EnRoute),
        PolicyAction::AcceptProof => (ActorKind::Driver, PhaseKind::Arrived),
        PolicyAction::ReleaseCompartment | PolicyAction::DispenseFuel => {
            (ActorKind::Driver, PhaseKind::HandoffReady)
        }
        PolicyAction::ConfirmTransfer => (ActorKind::Driver, PhaseKind::InService),
        PolicyAction::ResolveOutcome => (ActorKind::Staff, PhaseKind::InService),
        PolicyAction::AmendOrder => (ActorKind::Store, PhaseKind::EnRoute),
        PolicyAction::Relocate => (ActorKind::Customer, PhaseKind::EnRoute),
        PolicyAction::Hold | PolicyAction::Resume | PolicyAction::Revoke => {
            (ActorKind::Staff, PhaseKind::EnRoute)
        }
    }
}
