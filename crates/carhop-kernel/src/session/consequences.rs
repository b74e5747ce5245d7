//! What follows from a request that was found possible and justified, as events. It refuses nothing.

use alloc::vec;
use alloc::vec::Vec;

use super::event::{BindingEnd, Event, NotExecuted, RevocationCause};
use super::leg::{LegFailure, LegIndex, LegState};
use super::request::{Action, ReleaseOrder, Request};
use super::state::Session;
use crate::evidence::{Fact, FactKind, PlaceAnswer};
use crate::time::Timestamp;

/// What `request` leads to at `now`.
pub(super) fn consequences(session: &Session, request: &Request, now: Timestamp) -> Vec<Event> {
    match &request.action {
        Action::VerifyRecipient => first_fact(request, |fact| {
            let Fact::Recipient { customer, key, assurance } = fact else { return None };
            Some(Event::RecipientVerified {
                customer: *customer,
                key: *key,
                assurance: *assurance,
                at: now,
            })
        }),
        Action::ProposeBinding { vehicle, method, intent } => vec![Event::BindingProposed {
            binding: session.bindings + 1,
            vehicle: *vehicle,
            method: *method,
            intent: *intent,
        }],
        Action::ApproveIntent => first_fact(request, |fact| {
            let Fact::Intent { intent, key } = fact else { return None };
            Some(Event::IntentApproved { intent: *intent, key: *key, at: now })
        }),
        Action::AssignDriver { driver, device, key } => first_fact(request, |fact| {
            let Fact::Handset { tier, .. } = fact else { return None };
            Some(Event::DriverAssigned {
                assignment: session.assignments + 1,
                driver: *driver,
                device: *device,
                key: *key,
                tier: *tier,
            })
        }),
        Action::Arrive => arrival(request, now),
        Action::ProvePresence => first_fact(request, |fact| {
            let Fact::Presence { method, proof } = fact else { return None };
            Some(Event::PresenceProven { method: *method, proof: *proof, at: now })
        }),
        Action::ReleaseCompartment(order) | Action::DispenseFuel(order) => {
            released(session, *order)
        }
        Action::SendCommand { command } => session
            .leg_of_command(*command)
            .map(|leg| Event::CommandSent { leg, command: *command })
            .into_iter()
            .collect(),
        Action::ConfirmTransfer { leg } => transferred(session, *leg),
        Action::AmendOrder { order } => vec![Event::OrderAmended { order: order.clone() }],
        Action::Relocate => vec![Event::BindingVoided { why: BindingEnd::Relocated }],
        Action::Hold { cause } => vec![Event::SessionHeld { cause: *cause, at: now }],
        Action::Resume => vec![Event::HoldLifted],
        Action::Revoke { why } => revoked(session, *why),
        Action::Expire => expired(session),
    }
}

fn first_fact(request: &Request, event: impl Fn(&Fact) -> Option<Event>) -> Vec<Event> {
    request.evidence.iter().find_map(|evidence| event(&evidence.fact)).into_iter().collect()
}

fn arrival(request: &Request, now: Timestamp) -> Vec<Event> {
    let method = |kind| {
        request.evidence.iter().filter(|evidence| evidence.kind() == kind).find_map(|evidence| {
            let Fact::Place { method, answer, .. } = evidence.fact else { return None };
            (answer == PlaceAnswer::Inside).then_some(method)
        })
    };
    method(FactKind::DriverPlace)
        .zip(method(FactKind::VehiclePlace))
        .map(|(driver_by, vehicle_by)| Event::DriverArrived { driver_by, vehicle_by, at: now })
        .into_iter()
        .collect()
}

fn released(session: &Session, order: ReleaseOrder) -> Vec<Event> {
    session
        .leg(order.leg)
        .map(|leg| Event::ReleaseAuthorised {
            leg: order.leg,
            device: leg.terms.device,
            release: order.release,
        })
        .into_iter()
        .collect()
}

fn transferred(session: &Session, leg: LegIndex) -> Vec<Event> {
    let mut events = vec![Event::GoodsTransferred { leg }];
    if let Some(LegState::Open { locked: true, .. }) = session.leg(leg).map(|leg| leg.state) {
        events.push(Event::CompartmentSecured { leg });
    }
    events
}

/// Ends the stop. What is provably unsent will not be sent; what may have left is followed to its end.
fn revoked(session: &Session, why: RevocationCause) -> Vec<Event> {
    let mut events = vec![Event::SessionRevoked { why }];
    for (leg, state) in session.legs().map(|(index, leg)| (index, leg.state)) {
        if let LegState::Released(release) | LegState::Authorised(release) = state {
            let command = release.command;
            events.push(Event::ReleaseNotExecuted { leg, command, why: NotExecuted::Unsent });
        }
    }
    events
}

/// A window that closes on an untouched stop expires it; on a half-done one it fails the rest.
fn expired(session: &Session) -> Vec<Event> {
    let pending =
        || session.legs().filter(|(_, leg)| leg.state == LegState::Pending).map(|(index, _)| index);
    if pending().count() == session.legs.len() {
        return vec![Event::SessionExpired];
    }
    pending().map(|leg| Event::LegFailed { leg, why: LegFailure::WindowClosed }).collect()
}
