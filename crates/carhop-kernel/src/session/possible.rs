//! What no policy can waive: a ladder of early returns in the order of [`Reason`], so that each row of a test table breaks
//! one more rule. Evidence and verdicts are not looked at here, but for the order version they belong to.

use super::leg::{LegIndex, LegState, LegStateKind};
use super::request::{Action, ReleaseOrder, Request};
use super::state::{Phase, Session};
use super::table::Transition;
use crate::actor::Actor;
use crate::limits;
use crate::order::{LegTerms, OrderVersion};
use crate::reason::Reason;
use crate::time::Timestamp;

/// The first rule that stands in the way, gravest first.
pub(super) fn possible(
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
