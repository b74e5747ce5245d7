//! Facts in which all is well but one thing, and the one reason that is then given (M-POL-1, M-POL-3).

use std::collections::BTreeSet;

use carhop_kernel::actor::ActorKind;
use carhop_kernel::device::TrustTier;
use carhop_kernel::evidence::{Assurance, PlaceAnswer, PlaceMethod, PresenceMethod, VehicleMatch};
use carhop_kernel::order::{HandoffType, PlaceKind, Scope, Sensitivity};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::table::TRANSITIONS;
use carhop_kernel::session::{HoldCause, PhaseKind};
use carhop_kernel::verdict::{PolicyAction, Rung};

use super::{reasons, shipped};
use crate::{
    Facts, LegFacts, PlaceFact, PolicyOutcome, Risk, TokenFacts, WindowState, evaluate, explain,
    sample,
};

type Breach = fn(&mut Facts);

use PolicyAction as A;
use Reason as R;

const RELEASES: &[A] = &[A::ReleaseCompartment, A::DispenseFuel];
const AT_THE_CAR: &[A] = &[A::ConfirmArrival, A::ReleaseCompartment, A::DispenseFuel];
const PROVING: &[A] = &[A::AcceptProof, A::ReleaseCompartment, A::DispenseFuel];
const IN_WINDOW: &[A] =
    &[A::ConfirmArrival, A::AcceptProof, A::ReleaseCompartment, A::DispenseFuel];
const BY_DRIVER: &[A] = &[
    A::ConfirmArrival,
    A::AcceptProof,
    A::ReleaseCompartment,
    A::DispenseFuel,
    A::ConfirmTransfer,
];
const BY_TRUSTED_HANDSET: &[A] = &[
    A::AssignDriver,
    A::ConfirmArrival,
    A::AcceptProof,
    A::ReleaseCompartment,
    A::DispenseFuel,
    A::ConfirmTransfer,
];
const BY_ATTESTED_HANDSET: &[A] = &[A::AssignDriver, A::ReleaseCompartment, A::DispenseFuel];
const OF_VERIFIED: &[A] =
    &[A::VerifyRecipient, A::BindVehicle, A::ApproveIntent, A::ReleaseCompartment, A::DispenseFuel];
const OF_INTENT: &[A] = &[A::ApproveIntent, A::ReleaseCompartment, A::DispenseFuel];
const WITH_LEG: &[A] = &[A::ReleaseCompartment, A::DispenseFuel, A::ConfirmTransfer];
/// All but finding out what became of a command.
const UNTIL_REVOKED: &[A] = &[
    A::VerifyRecipient,
    A::BindVehicle,
    A::ApproveIntent,
    A::AssignDriver,
    A::ConfirmArrival,
    A::AcceptProof,
    A::ReleaseCompartment,
    A::DispenseFuel,
    A::ConfirmTransfer,
    A::AmendOrder,
    A::Relocate,
    A::Hold,
    A::Resume,
    A::Revoke,
];
const GOODS: &[A] = &[A::ReleaseCompartment];
const FUEL: &[A] = &[A::DispenseFuel];

/// For these actions, this breach gives exactly this reason.
const BREACHES: &[(&[A], R, Breach)] = &[
    (A::ALL, R::SessionClosed, |f| f.phase = PhaseKind::Completed),
    (UNTIL_REVOKED, R::SessionClosed, |f| f.phase = PhaseKind::Revoked),
    (A::ALL, R::SessionClosed, |f| f.phase = PhaseKind::Expired),
    (RELEASES, R::SessionClosed, |f| flaw(f, R::SessionClosed)),
    (RELEASES, R::ManualHold, |f| f.hold = Some(HoldCause::Staff)),
    (RELEASES, R::ManualHold, |f| f.hold = Some(HoldCause::Customer)),
    (RELEASES, R::ManualHold, |f| f.tenant_hold = true),
    (RELEASES, R::OrderChanged, |f| flaw(f, R::OrderChanged)),
    (PROVING, R::OrderChanged, |f| refuse_proof(f, R::OrderChanged)),
    (RELEASES, R::NotPossibleNow, |f| f.phase = PhaseKind::Arrived),
    (&[A::VerifyRecipient], R::NotPossibleNow, |f| f.phase = PhaseKind::Verified),
    (&[A::BindVehicle], R::NotPossibleNow, |f| f.phase = PhaseKind::Requested),
    (&[A::ApproveIntent], R::NotPossibleNow, |f| f.phase = PhaseKind::Requested),
    (&[A::AssignDriver], R::NotPossibleNow, |f| f.phase = PhaseKind::Verified),
    (&[A::ConfirmArrival], R::NotPossibleNow, |f| f.phase = PhaseKind::Arrived),
    (&[A::AcceptProof], R::NotPossibleNow, |f| f.phase = PhaseKind::EnRoute),
    (&[A::ConfirmTransfer], R::NotPossibleNow, |f| f.phase = PhaseKind::HandoffReady),
    (&[A::ResolveOutcome], R::NotPossibleNow, |f| f.phase = PhaseKind::Arrived),
    (&[A::ResolveOutcome], R::ActorNotAllowed, |f| f.actor = ActorKind::Driver),
    (&[A::Relocate], R::NotPossibleNow, |f| f.phase = PhaseKind::Verified),
    (A::ALL, R::ActorNotAllowed, |f| f.actor = ActorKind::Device),
    (RELEASES, R::ActorNotAllowed, |f| f.actor = ActorKind::Staff),
    (RELEASES, R::ActorNotAllowed, |f| f.actor = ActorKind::Store),
    (RELEASES, R::ActorNotAllowed, |f| f.actor = ActorKind::Customer),
    (&[A::Resume], R::ActorNotAllowed, |f| f.actor = ActorKind::Driver),
    (&[A::Resume], R::ActorNotAllowed, |f| {
        f.actor = ActorKind::Customer;
        f.hold = Some(HoldCause::Staff);
    }),
    (WITH_LEG, R::LegUnknown, |f| f.leg = None),
    (&[A::ReleaseCompartment, A::ConfirmTransfer], R::LegUnknown, |f| {
        leg(f, Scope::FuelAuthorisation);
    }),
    (FUEL, R::LegUnknown, |f| leg(f, Scope::ColdRelease)),
    (IN_WINDOW, R::WindowNotOpen, |f| f.window = WindowState::Before),
    (IN_WINDOW, R::WindowClosed, |f| f.window = WindowState::Closed),
    (OF_VERIFIED, R::RecipientNotVerified, |f| f.recipient = None),
    (OF_INTENT, R::RecipientNotVerified, |f| {
        f.risk = Risk::Raised;
        f.recipient = Some(Assurance::BoundDevice);
    }),
    (OF_INTENT, R::IntentNotApproved, |f| f.intent_approved = false),
    (RELEASES, R::VehicleNotMatched, |f| f.vehicle.matched_by = None),
    (RELEASES, R::VehicleNotMatched, |f| f.vehicle.matched_by = Some(VehicleMatch::Statement)),
    (AT_THE_CAR, R::VehicleMismatch, |f| f.vehicle.mismatch = true),
    (AT_THE_CAR, R::VehicleMoving, |f| f.vehicle.moving = true),
    (BY_DRIVER, R::DriverNotAssigned, |f| f.handset.assigned = false),
    (AT_THE_CAR, R::PlaceNotProven, |f| f.place.driver = None),
    (AT_THE_CAR, R::PlaceNotProven, |f| f.place.vehicle = None),
    (AT_THE_CAR, R::PlaceNotProven, |f| {
        f.place.driver = place(PlaceMethod::Statement, PlaceAnswer::Inside);
    }),
    (AT_THE_CAR, R::PlaceOutside, |f| {
        f.place.driver = place(PlaceMethod::Fence, PlaceAnswer::Outside);
    }),
    (AT_THE_CAR, R::PlaceOutside, |f| {
        f.place.vehicle = place(PlaceMethod::Fence, PlaceAnswer::Outside);
    }),
    (AT_THE_CAR, R::PlaceUncertain, |f| {
        f.place.driver = place(PlaceMethod::Fence, PlaceAnswer::Uncertain);
    }),
    (AT_THE_CAR, R::PlaceUncertain, |f| {
        f.place.vehicle = place(PlaceMethod::Telematics, PlaceAnswer::Uncertain);
    }),
    (AT_THE_CAR, R::PlaceDisagrees, |f| f.place.disagrees = true),
    (RELEASES, R::ServiceNotPermittedHere, |f| f.place.service_permitted = false),
    (RELEASES, R::TokenMissing, |f| f.token = None),
    (RELEASES, R::TokenMissing, |f| flaw(f, R::TokenTooWide)),
    (RELEASES, R::TokenExpired, |f| flaw(f, R::TokenExpired)),
    (GOODS, R::TokenTooOld, |f| age(f, 45_001)),
    (FUEL, R::TokenTooOld, |f| age(f, 30_001)),
    (RELEASES, R::TokenTooOld, |f| age(f, u64::MAX)),
    (RELEASES, R::TokenRevoked, |f| flaw(f, R::TokenRevoked)),
    (RELEASES, R::TokenSpent, |f| flaw(f, R::TokenSpent)),
    (RELEASES, R::TokenScope, |f| flaw(f, R::TokenScope)),
    (RELEASES, R::TokenBinding, |f| flaw(f, R::TokenBinding)),
    (BY_TRUSTED_HANDSET, R::DeviceUntrusted, |f| f.handset.trusted = false),
    (BY_ATTESTED_HANDSET, R::DeviceNotAttested, |f| f.handset.tier = TrustTier::None),
    (BY_ATTESTED_HANDSET, R::DeviceTierTooLow, |f| f.handset.tier = TrustTier::SelfReported),
    (FUEL, R::DeviceTierTooLow, |f| f.handset.tier = TrustTier::Certified),
    (GOODS, R::DeviceTierTooLow, |f| {
        f.order.sensitivity = Sensitivity::Moderate;
        f.handset.tier = TrustTier::Certified;
    }),
    (&[A::AssignDriver], R::DeviceTierTooLow, |f| {
        f.order.services = crate::Services::Hybrid;
        f.handset.tier = TrustTier::Certified;
    }),
    (RELEASES, R::ActuatorIntegrityUnknown, |f| f.actuator.tier = TrustTier::None),
    (FUEL, R::ActuatorIntegrityUnknown, |f| f.actuator.tier = TrustTier::SelfReported),
    (FUEL, R::ActuatorIntegrityUnknown, |f| f.actuator.tier = TrustTier::Certified),
    (GOODS, R::ActuatorIntegrityUnknown, |f| {
        f.order.sensitivity = Sensitivity::High;
        f.order.value.amount_minor = 90_000;
        f.actuator.tier = TrustTier::SelfReported;
    }),
    (RELEASES, R::ActuatorUntrusted, |f| f.actuator.trusted = false),
    (RELEASES, R::ActuatorFrozen, |f| f.actuator.frozen = true),
    (RELEASES, R::ActuatorUnreachable, |f| f.actuator.reachable = false),
    (PROVING, R::PresenceNotProven, |f| f.presence = None),
    (PROVING, R::PresenceNotProven, |f| refuse_proof(f, R::TokenExpired)),
    (PROVING, R::CodeWrong, |f| refuse_proof(f, R::CodeWrong)),
    (PROVING, R::CodeWrong, |f| {
        f.presence = None;
        refuse_proof(f, R::CodeWrong);
    }),
    (PROVING, R::CodeExpired, |f| refuse_proof(f, R::CodeExpired)),
    (PROVING, R::CodeSpent, |f| refuse_proof(f, R::CodeSpent)),
    (PROVING, R::CodeAttemptsExhausted, |f| refuse_proof(f, R::CodeAttemptsExhausted)),
    (&[A::ApproveIntent, A::ReleaseCompartment], R::HandoffTypeNotAllowed, |f| {
        f.order.age_gated = true;
    }),
    (&[A::ApproveIntent, A::ReleaseCompartment], R::HandoffTypeNotAllowed, |f| {
        f.order.age_gated = true;
        f.order.handoff = HandoffType::FrontDoor;
    }),
    (GOODS, R::AgeProofMissing, |f| {
        f.order.age_gated = true;
        f.order.handoff = HandoffType::Attended;
        f.age_proof = false;
    }),
    (GOODS, R::RungTooLow, |f| {
        f.order.sensitivity = Sensitivity::High;
        f.order.value.amount_minor = 90_000;
        f.presence = Some(PresenceMethod::Code);
    }),
    (RELEASES, R::RungTooLow, |f| {
        f.risk = Risk::High;
        f.presence = Some(PresenceMethod::Code);
    }),
    (GOODS, R::RungTooLow, |f| {
        known_vehicle(f);
        f.vehicle.matched_by = Some(VehicleMatch::PlateRead);
        f.presence = None;
    }),
];

/// What is permitted although something is missing.
const ENOUGH: &[(A, Rung, Breach)] = &[
    (A::ReleaseCompartment, Rung::OtpFence, |_| ()),
    (A::ReleaseCompartment, Rung::OtpFence, |f| {
        f.presence = Some(PresenceMethod::Code);
        f.recipient = Some(Assurance::BoundDevice);
        f.vehicle.matched_by = Some(VehicleMatch::PlateRead);
        f.handset.tier = TrustTier::Certified;
        f.actuator.tier = TrustTier::SelfReported;
        f.place.driver = place(PlaceMethod::VenueTag, PlaceAnswer::Inside);
        f.place.vehicle = place(PlaceMethod::Statement, PlaceAnswer::Inside);
    }),
    (A::ReleaseCompartment, Rung::OtpOnly, |f| {
        f.order.place_kind = PlaceKind::Driveway;
        f.place.driver = None;
        f.place.vehicle = None;
        f.handset.tier = TrustTier::Certified;
    }),
    (A::ReleaseCompartment, Rung::OtpOnly, |f| {
        f.order.place_kind = PlaceKind::Driveway;
        f.place.driver = place(PlaceMethod::Fence, PlaceAnswer::Uncertain);
    }),
    (A::ReleaseCompartment, Rung::VehicleToken, |f| {
        known_vehicle(f);
        f.presence = None;
    }),
    (A::ReleaseCompartment, Rung::VehicleToken, |f| {
        known_vehicle(f);
        f.vehicle.matched_by = Some(VehicleMatch::PlateRead);
    }),
    (A::ReleaseCompartment, Rung::OtpTokenFence, |f| {
        f.order.services = crate::Services::Hybrid;
        f.presence = Some(PresenceMethod::Code);
        f.actuator.tier = TrustTier::SelfReported;
    }),
    (A::ReleaseCompartment, Rung::HardwareLock, |f| {
        f.risk = Risk::High;
        f.presence = Some(PresenceMethod::Scan);
    }),
    (A::DispenseFuel, Rung::OtpTokenFence, |f| {
        f.presence = Some(PresenceMethod::Code);
        f.vehicle.matched_by = Some(VehicleMatch::PlateRead);
    }),
    (A::ReleaseCompartment, Rung::OtpFence, |f| {
        f.order.age_gated = true;
        f.order.handoff = HandoffType::Attended;
    }),
    (A::ResolveOutcome, Rung::OtpFence, |f| f.phase = PhaseKind::Revoked),
    (A::AssignDriver, Rung::OtpFence, |f| f.handset.tier = TrustTier::Certified),
    (A::AcceptProof, Rung::OtpFence, |f| {
        f.actor = ActorKind::Customer;
        f.handset.assigned = false;
        f.handset.trusted = false;
    }),
    (A::Resume, Rung::OtpFence, |f| {
        f.actor = ActorKind::Customer;
        f.hold = Some(HoldCause::Customer);
    }),
];

#[test]
fn facts_in_which_all_is_well_permit_every_action() {
    let bundle = shipped();
    for action in A::ALL {
        assert_eq!(reasons(&bundle, &sample::well(*action)), [], "{action:?}");
    }
}

#[test]
fn each_missing_term_gives_exactly_its_own_reason() {
    let bundle = shipped();
    for (row, (actions, reason, breach)) in BREACHES.iter().enumerate() {
        for action in *actions {
            let mut facts = sample::well(*action);
            breach(&mut facts);
            assert_eq!(reasons(&bundle, &facts), [*reason], "row {row}, {action:?}");
        }
    }
}

#[test]
fn what_a_rung_does_not_ask_for_may_be_missing() {
    let bundle = shipped();
    for (row, (action, rung, change)) in ENOUGH.iter().enumerate() {
        let mut facts = sample::well(*action);
        change(&mut facts);
        let verdict = evaluate(&bundle, &facts);
        assert_eq!(verdict.reasons, [], "row {row}");
        assert_eq!(verdict.rung, *rung, "row {row}");
    }
}

#[test]
fn every_reason_that_a_policy_gives_has_a_row() {
    let told: BTreeSet<Reason> = BREACHES.iter().map(|(_, reason, _)| *reason).collect();
    assert_eq!(told, shipped().reasons());
}

/// No policy is idle: each of them applies to some row.
#[test]
fn every_policy_decides_some_row() {
    let bundle = shipped();
    let mut deciding = BTreeSet::new();
    let mut all = BTreeSet::new();
    let mut ask = |facts: &Facts| {
        for policy in explain(&bundle, facts).policies {
            all.insert(policy.id.clone());
            if policy.outcome == PolicyOutcome::Determining {
                deciding.insert(policy.id);
            }
        }
    };
    for (actions, _, breach) in BREACHES {
        for action in *actions {
            let mut facts = sample::well(*action);
            ask(&facts);
            breach(&mut facts);
            ask(&facts);
        }
    }
    assert_eq!(deciding, all);
}

#[test]
fn all_missing_terms_are_told_at_once_in_order_of_precedence() {
    let bundle = shipped();
    for action in RELEASES {
        let facts = sample::bare(*action, ActorKind::Customer, PhaseKind::Arrived);
        let expected = [
            R::NotPossibleNow,
            R::ActorNotAllowed,
            R::RecipientNotVerified,
            R::IntentNotApproved,
            R::VehicleNotMatched,
            R::PlaceNotProven,
            R::TokenMissing,
            R::DeviceUntrusted,
            R::DeviceNotAttested,
            R::ActuatorIntegrityUnknown,
            R::ActuatorUntrusted,
            R::ActuatorUnreachable,
            R::PresenceNotProven,
        ];
        assert_eq!(reasons(&bundle, &facts), expected, "{action:?}");
        let explained = explain(&bundle, &facts);
        let remedies: Vec<_> = explained.remedies().collect();
        assert_eq!(remedies.len(), expected.len());
        assert!(remedies.iter().all(|(reason, remedy)| *remedy == reason.remedy()));
    }
}

#[test]
fn two_breaches_are_both_told() {
    let bundle = shipped();
    let mut facts = sample::well(A::DispenseFuel);
    facts.vehicle.moving = true;
    facts.handset.tier = TrustTier::Certified;
    facts.tenant_hold = true;
    assert_eq!(reasons(&bundle, &facts), [R::ManualHold, R::VehicleMoving, R::DeviceTierTooLow]);
}

/// The terms that protect the actuator, which no model of the ladder drops (M-POL-2).
#[test]
fn no_rung_drops_what_protects_the_actuator() {
    let bundle = shipped();
    let protects: [(R, Breach); 9] = [
        (R::WindowClosed, |f| f.window = WindowState::Closed),
        (R::TokenMissing, |f| f.token = None),
        (R::TokenExpired, |f| flaw(f, R::TokenExpired)),
        (R::VehicleMoving, |f| f.vehicle.moving = true),
        (R::ManualHold, |f| f.hold = Some(HoldCause::Safety)),
        (R::ActuatorIntegrityUnknown, |f| f.actuator.tier = TrustTier::None),
        (R::ActuatorUntrusted, |f| f.actuator.trusted = false),
        (R::ActuatorFrozen, |f| f.actuator.frozen = true),
        (R::DeviceUntrusted, |f| f.handset.trusted = false),
    ];
    let rungs: [(Rung, Breach); 5] = [
        (Rung::OtpOnly, |f| f.order.place_kind = PlaceKind::Driveway),
        (Rung::OtpFence, |_| ()),
        (Rung::VehicleToken, known_vehicle),
        (Rung::OtpTokenFence, |f| f.order.sensitivity = Sensitivity::High),
        (Rung::HardwareLock, |f| f.risk = Risk::High),
    ];
    for (rung, reach) in rungs {
        let mut facts = sample::well(A::ReleaseCompartment);
        reach(&mut facts);
        let verdict = evaluate(&bundle, &facts);
        assert_eq!((verdict.rung, verdict.permits()), (rung, true));
        for (reason, breach) in protects {
            let mut broken = facts.clone();
            breach(&mut broken);
            assert_eq!(reasons(&bundle, &broken), [reason], "{rung:?}");
        }
    }
}

/// With all evidence, the policies permit an actor and phase exactly where the transition table of the kernel has a row
/// for them, so that the matrix shows what is really possible (M-FLO-1).
#[test]
fn policies_and_transition_table_agree_on_who_and_when() {
    let bundle = shipped();
    for action in A::ALL {
        let row = TRANSITIONS.iter().find(|row| row.policy == Some(*action)).unwrap();
        for actor in ActorKind::ALL {
            for phase in PhaseKind::ALL {
                let facts = Facts { actor: *actor, phase: *phase, ..sample::well(*action) };
                let possible = row.actors.contains(actor) && row.from.contains(phase);
                let verdict = evaluate(&bundle, &facts);
                assert_eq!(verdict.permits(), possible, "{action:?} {actor:?} {phase:?}");
            }
        }
    }
}

fn flaw(facts: &mut Facts, reason: Reason) {
    facts.token = Some(TokenFacts { flaw: Some(reason), age_ms: 1_000 });
}

fn age(facts: &mut Facts, age_ms: u64) {
    facts.token = Some(TokenFacts { flaw: None, age_ms });
}

fn refuse_proof(facts: &mut Facts, reason: Reason) {
    facts.proof_refused = Some(reason);
}

fn leg(facts: &mut Facts, scope: Scope) {
    facts.leg = Some(LegFacts { scope, compartment: None });
}

#[expect(clippy::unnecessary_wraps, reason = "a place as it stands in the facts")]
fn place(method: PlaceMethod, answer: PlaceAnswer) -> Option<PlaceFact> {
    Some(PlaceFact { method, answer })
}

fn known_vehicle(facts: &mut Facts) {
    facts.order.place_kind = PlaceKind::Driveway;
    facts.order.sensitivity = Sensitivity::Moderate;
    facts.order.value.amount_minor = 20_000;
}
