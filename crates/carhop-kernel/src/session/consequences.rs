//! What follows from a request that was found possible and justified, as events. It refuses nothing.

use alloc::vec;
use alloc::vec::Vec;

use super::event::{BindingEnd, Event, HoldCause, NotExecuted, RevocationCause};
use super::justified::accepted;
use super::leg::{Leg, LegFailure, LegIndex, LegState, Release};
use super::request::{Action, Finding, ReleaseOrder, Request};
use super::state::Session;
use super::table::Transition;
use crate::device::TrustTier;
use crate::evidence::{Fact, FactKind, PlaceMethod};
use crate::time::Timestamp;

/// What `request` leads to at `now`.
pub(super) fn consequences(
    session: &Session,
    request: &Request,
    row: &Transition,
    now: Timestamp,
) -> Vec<Event> {
    let fact = |kind| accepted(session, request, kind, now).ok();
    match &request.action {
        Action::VerifyRecipient => list(fact(FactKind::Recipient).and_then(|it| verified(it, now))),
        Action::ProposeBinding { vehicle, method, intent } => vec![Event::BindingProposed {
            binding: session.bindings.saturating_add(1),
            vehicle: *vehicle,
            method: *method,
            intent: *intent,
        }],
        Action::ApproveIntent => list(fact(FactKind::Intent).and_then(|it| approved(it, now))),
        Action::AssignDriver { driver, device, key } => {
            let assignment = session.assignments.saturating_add(1);
            let (driver, device, key) = (*driver, *device, *key);
            list(fact(FactKind::Handset).and_then(tier_of).map(|tier| Event::DriverAssigned {
                assignment,
                driver,
                device,
                key,
                tier,
            }))
        }
        Action::Arrive => {
            let driver_by = fact(FactKind::DriverPlace).and_then(place_method);
            let vehicle_by = fact(FactKind::VehiclePlace).and_then(place_method);
            list(driver_by.zip(vehicle_by).map(|(driver_by, vehicle_by)| Event::DriverArrived {
                driver_by,
                vehicle_by,
                at: now,
            }))
        }
        Action::ProvePresence => list(fact(FactKind::Presence).and_then(|it| shown(it, now))),
        Action::ReleaseCompartment(order) | Action::DispenseFuel(order) => {
            list(released(session, *order))
        }
        Action::SendCommand { command } => {
            let leg = session.leg_of_command(*command);
            list(leg.map(|leg| Event::CommandSent { leg, command: *command }))
        }
        Action::ConfirmTransfer { leg } => transferred(session, *leg),
        Action::ResolveOutcome { leg, finding } => resolved(session, *leg, *finding),
        Action::AmendOrder { order } => vec![Event::OrderAmended { order: order.clone() }],
        Action::Relocate => vec![Event::BindingVoided { why: BindingEnd::Relocated }],
        Action::Hold { cause } => list(held(session, *cause, now)),
        Action::Resume => resumed(session),
        Action::Revoke { why } => revoked(session, *why, row),
        Action::Expire => expired(session, row),
    }
}

fn list(event: Option<Event>) -> Vec<Event> {
    event.into_iter().collect()
}

fn verified(fact: &Fact, at: Timestamp) -> Option<Event> {
    let Fact::Recipient { customer, key, assurance } = *fact else { return None };
    Some(Event::RecipientVerified { customer, key, assurance, at })
}

fn approved(fact: &Fact, at: Timestamp) -> Option<Event> {
    let Fact::Intent { intent, key } = *fact else { return None };
    Some(Event::IntentApproved { intent, key, at })
}

fn tier_of(fact: &Fact) -> Option<TrustTier> {
    let Fact::Handset { tier, .. } = *fact else { return None };
    Some(tier)
}

fn place_method(fact: &Fact) -> Option<PlaceMethod> {
    let Fact::Place { method, .. } = *fact else { return None };
    Some(method)
}

fn shown(fact: &Fact, at: Timestamp) -> Option<Event> {
    let Fact::Presence { method, proof } = *fact else { return None };
    Some(Event::PresenceProven { method, proof, at })
}

fn released(session: &Session, order: ReleaseOrder) -> Option<Event> {
    let device = session.leg(order.leg)?.terms.device;
    Some(Event::ReleaseAuthorised { leg: order.leg, device, release: order.release })
}

fn transferred(session: &Session, leg: LegIndex) -> Vec<Event> {
    let mut events = vec![Event::GoodsTransferred { leg }];
    if let Some(LegState::Open { locked: true, .. }) = session.leg(leg).map(|leg| leg.state) {
        events.push(Event::CompartmentSecured { leg });
    }
    events
}

/// What a person found: the leg is free again, or it was taken over by hand.
fn resolved(session: &Session, leg: LegIndex, finding: Finding) -> Vec<Event> {
    let release = session.leg(leg).and_then(|leg| leg.state.release());
    let Some(Release { command, .. }) = release.copied() else { return Vec::new() };
    let Finding { executed, basis, evidence } = finding;
    let follows = if executed {
        Event::LegTakenOver { leg }
    } else {
        Event::ReleaseNotExecuted { leg, command, why: NotExecuted::FoundByPerson }
    };
    vec![Event::OutcomeStated { leg, command, executed, basis, evidence }, follows]
}

/// The hold, unless the session is held for this already. A graver one does not stand for it: that may be lifted first.
pub(super) fn held(session: &Session, cause: HoldCause, at: Timestamp) -> Option<Event> {
    (!session.holds.contains_key(&cause)).then_some(Event::SessionHeld { cause, at })
}

/// Lifts the gravest, which whoever asks was shown and judged by; what others asked for holds on. A car that moved while
/// something was under way loses its binding here, before anything else is released (M-VEH-2).
fn resumed(session: &Session) -> Vec<Event> {
    let Some(hold) = session.hold() else { return Vec::new() };
    let is_last = session.holds.len() == 1;
    let lifted = if is_last { Event::HoldLifted } else { Event::HoldEased { cause: hold.cause } };
    let mut events = vec![lifted];
    if let Some(bound) = session.bound()
        && hold.cause == HoldCause::VehicleMoved
        && bound.binding.approved_at <= hold.since
    {
        events.push(Event::BindingVoided { why: BindingEnd::Moved });
    }
    events
}

/// Ends the stop. What is provably unsent will not be sent; what may have left is followed to its end.
fn revoked(session: &Session, why: RevocationCause, row: &Transition) -> Vec<Event> {
    let mut events = vec![Event::SessionRevoked { why }];
    for (leg, state) in session.legs().map(|(index, leg)| (index, leg.state)) {
        if row.moves_every_leg_from(state.kind())
            && let Some(release) = state.release()
        {
            let command = release.command;
            events.push(Event::ReleaseNotExecuted { leg, command, why: NotExecuted::Unsent });
        }
    }
    events
}

/// A window that closes on an untouched stop expires it; on a half-done one it fails the rest.
fn expired(session: &Session, row: &Transition) -> Vec<Event> {
    let waits = |leg: &Leg| row.moves_every_leg_from(leg.state.kind());
    let waiting = || session.legs().filter(|(_, leg)| waits(leg)).map(|(index, _)| index);
    if waiting().count() == session.legs.len() {
        return vec![Event::SessionExpired];
    }
    waiting().map(|leg| Event::LegFailed { leg, why: LegFailure::WindowClosed }).collect()
}
