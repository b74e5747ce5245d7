//! Folds what happened into what is. Total and dull: it judges nothing. The end of a session or of a leg is never left,
//! whatever event follows, but for fuel of a leg that was taken over, which is settled once it is known; other events that
//! no accepted history contains have no defined meaning.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::event::Event;
use super::leg::{Leg, LegIndex, LegState};
use super::state::{
    Arrival, Assignment, AtCar, Binding, Bound, Phase, Presence, Proposal, Recipient, Session,
};
use super::waiting;
use crate::order::OrderVersion;

/// The session that a first event opens; `None` for any event but [`Event::SessionRequested`].
pub fn open(event: &Event) -> Option<Session> {
    let Event::SessionRequested { session, tenant, market, order } = event else { return None };
    Some(Session {
        id: *session,
        tenant: tenant.clone(),
        market: market.clone(),
        order: order.clone(),
        phase: Phase::Requested,
        holds: BTreeMap::new(),
        legs: pending_legs(order),
        bindings: 0,
        assignments: 0,
        left_by: None,
        raised: BTreeMap::new(),
        waiting: BTreeSet::new(),
    })
}

/// The session after `event`.
pub fn evolve(mut session: Session, event: &Event) -> Session {
    match event {
        Event::SessionRequested { .. } | Event::OutcomeStated { .. } => {}
        Event::ExceptionRaised { exception, .. } | Event::ExceptionsCapped { exception } => {
            *session.raised.entry(*exception).or_default() += 1;
        }
        Event::OrderAmended { order } => amend(&mut session, order),
        Event::SessionHeld { cause, at } => {
            session.holds.entry(*cause).or_insert(*at);
        }
        Event::HoldEased { cause } => {
            session.holds.remove(cause);
        }
        Event::HoldLifted => session.holds.clear(),
        Event::BindingVoided { .. } => {
            if let Some(recipient) = session.recipient().cloned() {
                session.phase = Phase::Verified { recipient, proposal: None };
            }
        }
        Event::SessionRevoked { why } => end(&mut session, Phase::Revoked(*why)),
        Event::SessionExpired => end(&mut session, Phase::Expired),
        Event::SessionCompleted { outcome } => end(&mut session, Phase::Completed(*outcome)),
        Event::RecipientVerified { .. }
        | Event::BindingProposed { .. }
        | Event::IntentApproved { .. }
        | Event::DriverAssigned { .. }
        | Event::DriverArrived { .. }
        | Event::PresenceProven { .. } => advance(&mut session, event),
        Event::ReleaseAuthorised { .. }
        | Event::CommandSent { .. }
        | Event::CompartmentOpened { .. }
        | Event::CompartmentLocked { .. }
        | Event::GoodsTransferred { .. }
        | Event::CompartmentSecured { .. }
        | Event::PumpArmed { .. }
        | Event::MeterAdvanced { .. }
        | Event::DispensingEnded { .. }
        | Event::FuelSettled { .. }
        | Event::ReleaseNotExecuted { .. }
        | Event::ReleaseUnconfirmed { .. }
        | Event::LegFailed { .. }
        | Event::LegTakenOver { .. } => move_leg(&mut session, event),
    }
    waiting::keep(&mut session, event);
    session
}

fn end(session: &mut Session, phase: Phase) {
    if session.is_active() {
        session.left_by = session.assignment().cloned();
        session.phase = phase;
    }
}

/// Steps of the flow up to the car.
fn advance(session: &mut Session, event: &Event) {
    let (bindings, assignments) = (session.bindings, session.assignments);
    let next = match (&session.phase, event) {
        (Phase::Requested, Event::RecipientVerified { customer, key, assurance, at }) => {
            let recipient = Recipient {
                customer: *customer,
                key: *key,
                assurance: *assurance,
                verified_at: *at,
            };
            Some(Phase::Verified { recipient, proposal: None })
        }
        (
            Phase::Verified { recipient, .. },
            Event::BindingProposed { binding, intent, method, .. },
        ) => {
            session.bindings = bindings.max(*binding);
            let proposal = Proposal { binding: *binding, intent: *intent, method: *method };
            Some(Phase::Verified { recipient: recipient.clone(), proposal: Some(proposal) })
        }
        (
            Phase::Verified { recipient, proposal: Some(proposal) },
            Event::IntentApproved { intent, at, .. },
        ) => {
            let binding = Binding { number: proposal.binding, intent: *intent, approved_at: *at };
            Some(Phase::VehicleBound(Bound { recipient: recipient.clone(), binding }))
        }
        (_, Event::DriverAssigned { assignment, driver, device, key, tier }) => {
            session.assignments = assignments.max(*assignment);
            let assigned = Assignment {
                number: *assignment,
                driver: *driver,
                device: *device,
                key: *key,
                tier: *tier,
            };
            session.bound().cloned().map(|bound| Phase::EnRoute(bound, assigned))
        }
        (Phase::EnRoute(bound, assignment), Event::DriverArrived { driver_by, vehicle_by, at }) => {
            Some(Phase::Arrived(AtCar {
                bound: bound.clone(),
                assignment: assignment.clone(),
                arrival: Arrival {
                    driver_by: *driver_by,
                    vehicle_by: *vehicle_by,
                    arrived_at: *at,
                },
            }))
        }
        (phase, Event::PresenceProven { method, proof, at }) => {
            shown(phase, Presence { method: *method, proof: *proof, shown_at: *at })
        }
        (_, _) => None,
    };
    if let Some(phase) = next {
        session.phase = phase;
    }
}

/// The phase once presence was shown, for the first time or anew; `None` away from the car.
fn shown(phase: &Phase, presence: Presence) -> Option<Phase> {
    match phase {
        Phase::Arrived(at_car) | Phase::HandoffReady(at_car, _) => {
            Some(Phase::HandoffReady(at_car.clone(), presence))
        }
        Phase::InService(at_car, _) => Some(Phase::InService(at_car.clone(), presence)),
        Phase::Requested
        | Phase::Verified { .. }
        | Phase::VehicleBound(_)
        | Phase::EnRoute(..)
        | Phase::Completed(_)
        | Phase::Revoked(_)
        | Phase::Expired => None,
    }
}

fn move_leg(session: &mut Session, event: &Event) {
    let Some((index, next)) = leg_after(session, event) else { return };
    let released = matches!(event, Event::ReleaseAuthorised { .. });
    let settles = matches!(event, Event::FuelSettled { .. });
    if let Some(leg) = session.legs.get_mut(usize::from(index.0))
        && (!leg.state.kind().is_end() || leg.state == LegState::TakenOver && settles)
    {
        leg.state = next;
        if let Event::ReleaseAuthorised { release, .. } = event {
            leg.releases = leg.releases.saturating_add(1);
            leg.last_command = Some(release.command);
        }
    }
    if released && let Phase::HandoffReady(at_car, presence) = &session.phase {
        session.phase = Phase::InService(at_car.clone(), *presence);
    }
}

fn leg_after(session: &Session, event: &Event) -> Option<(LegIndex, LegState)> {
    let state = |leg: &LegIndex| session.leg(*leg).map(|leg| leg.state);
    let release = |leg: &LegIndex| state(leg)?.release().copied();
    Some(match event {
        Event::ReleaseAuthorised { leg, release, .. } => {
            let fuel = session.leg(*leg)?.terms.service.is_fuel();
            let released =
                if fuel { LegState::Authorised(*release) } else { LegState::Released(*release) };
            (*leg, released)
        }
        Event::CommandSent { leg, .. } => (*leg, LegState::Commanded(release(leg)?)),
        Event::CompartmentOpened { leg, .. } => {
            (*leg, LegState::Open { release: release(leg)?, locked: false })
        }
        Event::CompartmentLocked { leg } => {
            let LegState::Open { release, .. } = state(leg)? else { return None };
            (*leg, LegState::Open { release, locked: true })
        }
        Event::GoodsTransferred { leg } => (*leg, LegState::Transferred { release: release(leg)? }),
        Event::CompartmentSecured { leg } => (*leg, LegState::Secured),
        Event::PumpArmed { leg, .. } => {
            (*leg, LegState::Dispensing { release: release(leg)?, metered_ml: 0 })
        }
        Event::MeterAdvanced { leg, metered_ml, .. } => {
            (*leg, LegState::Dispensing { release: release(leg)?, metered_ml: *metered_ml })
        }
        Event::DispensingEnded { leg, metered_ml } => {
            (*leg, LegState::Dispensed { release: release(leg)?, metered_ml: *metered_ml })
        }
        Event::FuelSettled { leg, metered_ml } => {
            (*leg, LegState::Settled { metered_ml: *metered_ml })
        }
        Event::ReleaseNotExecuted { leg, .. } => (*leg, LegState::Pending),
        Event::ReleaseUnconfirmed { leg, .. } => (*leg, LegState::Indeterminate(release(leg)?)),
        Event::LegFailed { leg, why } => (*leg, LegState::Failed(*why)),
        Event::LegTakenOver { leg } => (*leg, LegState::TakenOver),
        Event::SessionRequested { .. }
        | Event::RecipientVerified { .. }
        | Event::BindingProposed { .. }
        | Event::IntentApproved { .. }
        | Event::DriverAssigned { .. }
        | Event::DriverArrived { .. }
        | Event::PresenceProven { .. }
        | Event::OrderAmended { .. }
        | Event::BindingVoided { .. }
        | Event::SessionHeld { .. }
        | Event::HoldEased { .. }
        | Event::HoldLifted
        | Event::SessionRevoked { .. }
        | Event::SessionExpired
        | Event::SessionCompleted { .. }
        | Event::OutcomeStated { .. }
        | Event::ExceptionRaised { .. }
        | Event::ExceptionsCapped { .. } => return None,
    })
}

/// Back to the start with the new terms; legs that have ended keep their end.
fn amend(session: &mut Session, order: &OrderVersion) {
    if !session.is_active() {
        return;
    }
    let ended = core::mem::take(&mut session.legs);
    session.legs = pending_legs(order);
    for (leg, old) in session.legs.iter_mut().zip(ended) {
        if old.state.kind().is_end() {
            *leg = old;
        }
    }
    session.order = order.clone();
    session.phase = Phase::Requested;
}

fn pending_legs(order: &OrderVersion) -> Vec<Leg> {
    let pending = |terms: &crate::order::LegTerms| Leg {
        terms: terms.clone(),
        state: LegState::Pending,
        releases: 0,
        last_command: None,
    };
    order.terms.legs.iter().map(pending).collect()
}
