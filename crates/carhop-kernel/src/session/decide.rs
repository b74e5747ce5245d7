//! Judges a request; may refuse it. A ladder of early returns: what no policy can waive comes first, then all missing
//! evidence together with all the policies' reasons.

use alloc::vec;
use alloc::vec::Vec;

use super::event::{BindingEnd, Event, NotExecuted, Outcome, RevocationCause};
use super::evolve::evolve;
use super::request::{Action, ReleaseOrder, Request};
use super::state::{LegFailure, LegIndex, LegState, LegStateKind, Phase, PhaseKind, Session};
use super::table::{Transition, transition};
use crate::actor::Actor;
use crate::evidence::{Evidence, Fact, FactKind, PlaceAnswer};
use crate::limits;
use crate::order::{LegTerms, OrderVersion};
use crate::reason::{Reason, Refusal};
use crate::time::Timestamp;

/// What follows from `request` at `now`, or every reason why nothing does. An empty list is a success that changes
/// nothing, such as revoking twice.
pub fn decide(session: &Session, request: &Request, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    if already_done(session, &request.action) {
        return Ok(Vec::new());
    }
    let row = transition(request.action.kind()).ok_or(Reason::NotPossibleNow)?;
    possible(session, request, row, now)?;
    justified(session, request, row, now)?;
    Ok(concluded(session, consequences(session, request, now)))
}

/// Adds the end of the session when `events` end its last leg.
pub(super) fn concluded(session: &Session, mut events: Vec<Event>) -> Vec<Event> {
    let after = events.iter().fold(session.clone(), evolve);
    let was_ended = session.legs.iter().all(|leg| leg.state.kind().is_end());
    let all_ended = after.legs.iter().all(|leg| leg.state.kind().is_end());
    if !all_ended || was_ended || !after.is_active() {
        return events;
    }
    let failed = after.legs.iter().filter(|leg| leg.state.kind() == LegStateKind::Failed).count();
    events.push(match failed {
        0 => Event::SessionCompleted { outcome: Outcome::Full },
        some if some < after.legs.len() => Event::SessionCompleted { outcome: Outcome::Partial },
        _ => Event::SessionRevoked { why: RevocationCause::NothingDelivered },
    });
    events
}

fn already_done(session: &Session, action: &Action) -> bool {
    match action {
        Action::Revoke { .. } => session.phase.kind() == PhaseKind::Revoked,
        Action::Expire => session.phase.kind() == PhaseKind::Expired,
        Action::Resume => session.is_active() && session.hold.is_none(),
        Action::VerifyRecipient
        | Action::ProposeBinding { .. }
        | Action::ApproveIntent
        | Action::AssignDriver { .. }
        | Action::Arrive
        | Action::ProvePresence
        | Action::ReleaseCompartment(_)
        | Action::DispenseFuel(_)
        | Action::SendCommand { .. }
        | Action::ConfirmTransfer { .. }
        | Action::AmendOrder { .. }
        | Action::Relocate
        | Action::Hold { .. } => false,
    }
}

/// What no policy can waive, gravest first.
fn possible(
    session: &Session,
    request: &Request,
    row: &Transition,
    now: Timestamp,
) -> Result<(), Reason> {
    if !session.is_active() {
        return Err(Reason::SessionClosed);
    }
    if row.frozen_by_hold && session.hold.is_some() {
        return Err(Reason::ManualHold);
    }
    if request.evidence.iter().any(|evidence| evidence.order != session.order.digest) {
        return Err(Reason::OrderChanged);
    }
    if !row.from.contains(&session.phase.kind()) {
        return Err(Reason::NotPossibleNow);
    }
    if !row.actors.contains(&request.actor.kind()) {
        return Err(Reason::ActorNotAllowed);
    }
    action_possible(session, &request.action, now)?;
    let window = session.order.terms.window;
    if row.in_window && now < window.start {
        return Err(Reason::WindowNotOpen);
    }
    if row.in_window && now >= window.end {
        return Err(Reason::WindowClosed);
    }
    right_party(session, &request.actor)
}

fn action_possible(session: &Session, action: &Action, now: Timestamp) -> Result<(), Reason> {
    match action {
        Action::ReleaseCompartment(order) => leg_releasable(session, order, false, now),
        Action::DispenseFuel(order) => leg_releasable(session, order, true, now),
        Action::SendCommand { command } => {
            let leg = session.leg_of_command(*command).ok_or(Reason::LegUnknown)?;
            sendable(session, leg, now)
        }
        Action::ConfirmTransfer { leg } => transferable(session, *leg),
        Action::AmendOrder { order } => amendable(session, order),
        Action::Relocate | Action::Expire => nothing_under_way(session),
        Action::ApproveIntent => match &session.phase {
            Phase::Verified { proposal: Some(_), .. } => Ok(()),
            Phase::Verified { proposal: None, .. } => Err(Reason::IntentNotProposed),
            Phase::Requested
            | Phase::VehicleBound(_)
            | Phase::EnRoute(..)
            | Phase::Arrived(_)
            | Phase::HandoffReady(..)
            | Phase::InService(..)
            | Phase::Completed(_)
            | Phase::Revoked(_)
            | Phase::Expired => Err(Reason::NotPossibleNow),
        },
        Action::ProposeBinding { vehicle, .. } if *vehicle != session.order.terms.vehicle => {
            Err(Reason::VehicleMismatch)
        }
        Action::ProposeBinding { .. }
        | Action::VerifyRecipient
        | Action::AssignDriver { .. }
        | Action::Arrive
        | Action::ProvePresence
        | Action::Hold { .. }
        | Action::Resume
        | Action::Revoke { .. } => Ok(()),
    }
}

fn leg_releasable(
    session: &Session,
    order: &ReleaseOrder,
    fuel: bool,
    now: Timestamp,
) -> Result<(), Reason> {
    let leg = session.leg(order.leg).ok_or(Reason::LegUnknown)?;
    if leg.state.kind().is_end() {
        return Err(Reason::LegFinished);
    }
    nothing_under_way(session)?;
    let earlier = session.legs().take_while(|(index, _)| *index < order.leg);
    if earlier.into_iter().any(|(_, leg)| !leg.state.kind().is_end()) {
        return Err(Reason::LegOutOfOrder);
    }
    if leg.releases >= limits::RELEASES_PER_LEG_MAX {
        return Err(Reason::ReleasesExhausted);
    }
    if leg.terms.service.is_fuel() != fuel {
        return Err(Reason::TokenScope);
    }
    if now >= order.release.expires_at {
        return Err(Reason::TokenExpired);
    }
    Ok(())
}

fn sendable(session: &Session, leg: LegIndex, now: Timestamp) -> Result<(), Reason> {
    match session.leg(leg).map(|leg| leg.state) {
        Some(LegState::Released(release) | LegState::Authorised(release)) => {
            if now < release.expires_at { Ok(()) } else { Err(Reason::TokenExpired) }
        }
        Some(_) => Err(Reason::NotPossibleNow),
        None => Err(Reason::LegUnknown),
    }
}

fn transferable(session: &Session, leg: LegIndex) -> Result<(), Reason> {
    let state = session.leg(leg).ok_or(Reason::LegUnknown)?.state.kind();
    if state == LegStateKind::Open {
        Ok(())
    } else if state.is_end() || state == LegStateKind::Transferred {
        Err(Reason::LegFinished)
    } else {
        Err(Reason::NotPossibleNow)
    }
}

fn nothing_under_way(session: &Session) -> Result<(), Reason> {
    let states = || session.legs.iter().map(|leg| leg.state.kind());
    if states().any(|state| state == LegStateKind::Indeterminate) {
        return Err(Reason::OutcomeUnknown);
    }
    if states().any(LegStateKind::is_under_way) {
        return Err(Reason::ReleaseUnderWay);
    }
    Ok(())
}

/// An amendment may not touch what has ended or is under way (M-ORD-2).
fn amendable(session: &Session, order: &OrderVersion) -> Result<(), Reason> {
    nothing_under_way(session)?;
    if order.order != session.order.order || order.version != session.order.version + 1 {
        return Err(Reason::ConflictsWithEarlierRequest);
    }
    let kept = |(index, terms): (usize, &LegTerms)| {
        order.terms.legs.get(index).is_some_and(|new| new == terms)
    };
    let ended = session
        .legs
        .iter()
        .enumerate()
        .filter(|(_, leg)| leg.state.kind().is_end())
        .map(|(index, leg)| (index, &leg.terms));
    if !ended.into_iter().all(kept) {
        return Err(Reason::FinishedLegChanged);
    }
    Ok(())
}

/// A driver must be the assigned one on the assigned device; a customer, once verified, the verified one.
fn right_party(session: &Session, actor: &Actor) -> Result<(), Reason> {
    match actor {
        Actor::Driver { driver, device } => match session.assignment() {
            Some(assigned) if assigned.driver == *driver && assigned.device == *device => Ok(()),
            Some(_) | None => Err(Reason::DriverNotAssigned),
        },
        Actor::Customer { customer } => match session.recipient() {
            Some(recipient) if recipient.customer != *customer => Err(Reason::RecipientNotVerified),
            Some(_) | None => Ok(()),
        },
        Actor::Store { .. } | Actor::Staff { .. } | Actor::Device { .. } | Actor::System => Ok(()),
    }
}

/// All evidence that is missing, stale or unfitting, and all that the policies miss.
fn justified(
    session: &Session,
    request: &Request,
    row: &Transition,
    now: Timestamp,
) -> Result<(), Refusal> {
    let mut reasons: Vec<Reason> =
        row.evidence.iter().filter_map(|kind| evidence_gap(session, request, *kind, now)).collect();
    if let Some(action) = row.policy {
        match &request.verdict {
            Some(verdict) if verdict.action == action => reasons.extend(&verdict.reasons),
            Some(_) | None => reasons.push(Reason::PolicyDefaultDeny),
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(Refusal::new(reasons)) }
}

fn evidence_gap(
    session: &Session,
    request: &Request,
    kind: FactKind,
    now: Timestamp,
) -> Option<Reason> {
    let mut gap = Some(kind.missing());
    for evidence in request.evidence.iter().filter(|evidence| evidence.kind() == kind) {
        if !evidence.is_fresh(now) {
            continue;
        }
        gap = misfit(session, &request.action, evidence);
        if gap.is_none() {
            break;
        }
    }
    gap
}

/// Whether a fresh fact speaks about this session's own parties and devices, and well.
fn misfit(session: &Session, action: &Action, evidence: &Evidence) -> Option<Reason> {
    let leg = released_leg(session, action);
    let (fits, otherwise) = match &evidence.fact {
        Fact::Recipient { .. } | Fact::Presence { .. } => (true, Reason::PresenceNotProven),
        Fact::Intent { intent, .. } => (proposed(session, intent), Reason::IntentNotProposed),
        Fact::Vehicle { vehicle, .. } => {
            (*vehicle == session.order.terms.vehicle, Reason::VehicleMismatch)
        }
        Fact::Place { answer, .. } => match answer {
            PlaceAnswer::Inside => (true, Reason::PlaceUncertain),
            PlaceAnswer::Uncertain => (false, Reason::PlaceUncertain),
            PlaceAnswer::Outside => (false, Reason::PlaceOutside),
        },
        Fact::Handset { device, tier, .. } => (
            *tier > crate::device::TrustTier::None && handset_of(session, action) == Some(*device),
            Reason::DeviceUntrusted,
        ),
        Fact::Actuator { device, tier, .. } => (
            *tier > crate::device::TrustTier::None && leg.map(|leg| leg.device) == Some(*device),
            Reason::ActuatorUntrusted,
        ),
        Fact::ActionToken { scope, device, .. } => (
            leg.is_some_and(|leg| leg.service.scope() == *scope && leg.device == *device),
            Reason::TokenScope,
        ),
    };
    (!fits).then_some(otherwise)
}

fn proposed(session: &Session, intent: &crate::digest::IntentDigest) -> bool {
    matches!(&session.phase, Phase::Verified { proposal: Some(proposal), .. } if proposal.intent == *intent)
}

fn released_leg<'a>(session: &'a Session, action: &Action) -> Option<&'a LegTerms> {
    match action {
        Action::ReleaseCompartment(order) | Action::DispenseFuel(order) => {
            session.leg(order.leg).map(|leg| &leg.terms)
        }
        Action::VerifyRecipient
        | Action::ProposeBinding { .. }
        | Action::ApproveIntent
        | Action::AssignDriver { .. }
        | Action::Arrive
        | Action::ProvePresence
        | Action::SendCommand { .. }
        | Action::ConfirmTransfer { .. }
        | Action::AmendOrder { .. }
        | Action::Relocate
        | Action::Hold { .. }
        | Action::Resume
        | Action::Revoke { .. }
        | Action::Expire => None,
    }
}

fn handset_of(session: &Session, action: &Action) -> Option<crate::id::DeviceId> {
    if let Action::AssignDriver { device, .. } = action {
        return Some(*device);
    }
    session.assignment().map(|assignment| assignment.device)
}

fn consequences(session: &Session, request: &Request, now: Timestamp) -> Vec<Event> {
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
