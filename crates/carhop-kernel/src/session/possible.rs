//! What no policy can waive: a ladder of early returns in the order of [`Reason`], so that each row of a test table breaks
//! one more rule. Evidence and verdicts are not looked at here, but for the order version they belong to.

use super::event::HoldCause;
use super::leg::{LegIndex, LegState, LegStateKind, Release};
use super::request::{Action, Request};
use super::state::{Phase, Session};
use super::table::Transition;
use crate::actor::Actor;
use crate::id::CommandId;
use crate::limits;
use crate::order::OrderVersion;
use crate::reason::Reason;
use crate::time::Timestamp;

/// The first rule that stands in the way, gravest first.
pub(super) fn possible(
    session: &Session,
    request: &Request,
    row: &Transition,
    now: Timestamp,
) -> Result<(), Reason> {
    let is_here = row.from.contains(&session.phase.kind());
    if !session.is_active() && !is_here {
        return Err(Reason::SessionClosed);
    }
    if row.frozen_by_hold && session.hold().is_some() {
        return Err(Reason::ManualHold);
    }
    if request.evidence.iter().any(|evidence| evidence.order != session.order.digest) {
        return Err(Reason::OrderChanged);
    }
    if !is_here || !in_step(session, &request.action, row, now) {
        return Err(Reason::NotPossibleNow);
    }
    if !row.actors.contains(&request.actor.kind()) {
        return Err(Reason::ActorNotAllowed);
    }
    legs_allow(session, &request.action, row)?;
    let window = session.order.terms.window;
    if row.in_window && now < window.start {
        return Err(Reason::WindowNotOpen);
    }
    if row.in_window && now >= window.end {
        return Err(Reason::WindowClosed);
    }
    fits_what_was_said(session, &request.action)?;
    right_party(session, &request.actor)?;
    right_vehicle(session, &request.action)?;
    right_command(session, &request.action, now)
}

/// Whether the leg or the time, beside the phase, has come to where this can happen.
fn in_step(session: &Session, action: &Action, row: &Transition, now: Timestamp) -> bool {
    match action {
        Action::SendCommand { command } => {
            state_under(session, *command).is_none_or(|state| row.moves_leg_from(state.kind()))
        }
        Action::ConfirmTransfer { leg } => session.leg(*leg).is_none_or(|leg| {
            let state = leg.state.kind();
            row.moves_leg_from(state) || state.is_end() || state == LegStateKind::Transferred
        }),
        Action::ResolveOutcome { leg, finding } => {
            session.leg(*leg).is_none_or(|leg| row.moves_leg(leg.state.kind(), finding.leads_to()))
        }
        Action::Expire => now >= session.order.terms.window.end,
        Action::VerifyRecipient
        | Action::ProposeBinding { .. }
        | Action::ApproveIntent
        | Action::AssignDriver { .. }
        | Action::Arrive
        | Action::ProvePresence
        | Action::ReleaseCompartment(_)
        | Action::DispenseFuel(_)
        | Action::AmendOrder { .. }
        | Action::Relocate
        | Action::Hold { .. }
        | Action::Resume
        | Action::Revoke { .. } => true,
    }
}

fn legs_allow(session: &Session, action: &Action, row: &Transition) -> Result<(), Reason> {
    match action {
        Action::ReleaseCompartment(order) | Action::DispenseFuel(order) => {
            releasable(session, order.leg, row)
        }
        Action::SendCommand { command } => {
            state_under(session, *command).map(|_| ()).ok_or(Reason::LegUnknown)
        }
        Action::ConfirmTransfer { leg } => transferable(session, *leg, row),
        Action::ResolveOutcome { leg, .. } => {
            session.leg(*leg).map(|_| ()).ok_or(Reason::LegUnknown)
        }
        Action::AmendOrder { order } => amendable(session, order),
        // Another driver comes to the car anew; what the former one began has to end first.
        Action::AssignDriver { .. } | Action::Relocate | Action::Expire => {
            nothing_under_way(session)
        }
        // Lifting it voids the binding, and a binding in use cannot be voided.
        Action::Resume
            if session.hold().is_some_and(|hold| hold.cause == HoldCause::VehicleMoved) =>
        {
            nothing_under_way(session)
        }
        Action::VerifyRecipient
        | Action::ProposeBinding { .. }
        | Action::ApproveIntent
        | Action::Arrive
        | Action::ProvePresence
        | Action::Hold { .. }
        | Action::Resume
        | Action::Revoke { .. } => Ok(()),
    }
}

fn releasable(session: &Session, index: LegIndex, row: &Transition) -> Result<(), Reason> {
    let leg = session.leg(index).ok_or(Reason::LegUnknown)?;
    if !row.moves_leg_from(leg.state.kind()) {
        return Err(under_way(leg.state.kind()).unwrap_or(Reason::LegFinished));
    }
    nothing_under_way(session)?;
    let mut earlier = session.legs().take_while(|(other, _)| *other < index);
    if earlier.any(|(_, leg)| !leg.state.kind().is_end()) {
        return Err(Reason::LegOutOfOrder);
    }
    if leg.releases >= limits::RELEASES_PER_LEG_MAX {
        return Err(Reason::ReleasesExhausted);
    }
    Ok(())
}

fn transferable(session: &Session, leg: LegIndex, row: &Transition) -> Result<(), Reason> {
    let state = session.leg(leg).ok_or(Reason::LegUnknown)?.state.kind();
    if row.moves_leg_from(state) { Ok(()) } else { Err(Reason::LegFinished) }
}

/// An amendment may not touch what has ended or is under way (M-ORD-2).
fn amendable(session: &Session, order: &OrderVersion) -> Result<(), Reason> {
    if order.terms.legs.is_empty() {
        return Err(Reason::LegUnknown);
    }
    nothing_under_way(session)?;
    let ended = || session.legs.iter().enumerate().filter(|(_, leg)| leg.state.kind().is_end());
    if ended().any(|(index, leg)| order.terms.legs.get(index) != Some(&leg.terms)) {
        return Err(Reason::FinishedLegChanged);
    }
    Ok(())
}

fn nothing_under_way(session: &Session) -> Result<(), Reason> {
    session.legs.iter().find_map(|leg| under_way(leg.state.kind())).map_or(Ok(()), Err)
}

/// Why nothing else may begin while a leg is in this state, if it is under way.
fn under_way(state: LegStateKind) -> Option<Reason> {
    let unknown = state == LegStateKind::Indeterminate;
    let reason = if unknown { Reason::OutcomeUnknown } else { Reason::ReleaseUnderWay };
    state.is_under_way().then_some(reason)
}

/// A new version is the next one of this order, under a digest of its own; an approval answers a proposal.
fn fits_what_was_said(session: &Session, action: &Action) -> Result<(), Reason> {
    if let Action::AmendOrder { order: new } = action {
        let old = &session.order;
        let next = new.order == old.order && old.version.checked_add(1) == Some(new.version);
        if !next || new.digest == old.digest {
            return Err(Reason::ConflictsWithEarlierRequest);
        }
    }
    let unproposed = matches!(session.phase, Phase::Verified { proposal: None, .. });
    if *action == Action::ApproveIntent && unproposed {
        return Err(Reason::IntentNotProposed);
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

fn right_vehicle(session: &Session, action: &Action) -> Result<(), Reason> {
    if let Action::ProposeBinding { vehicle, .. } = action
        && *vehicle != session.order.terms.vehicle
    {
        return Err(Reason::VehicleMismatch);
    }
    Ok(())
}

/// A command is released for seconds and for the kind of actuator that was asked for, and sent before it expires.
fn right_command(session: &Session, action: &Action, now: Timestamp) -> Result<(), Reason> {
    if let Action::SendCommand { command } = action {
        let expires_at = release_of(session, *command).map(|release| release.expires_at);
        return if expires_at > Some(now) { Ok(()) } else { Err(Reason::TokenExpired) };
    }
    let (Action::ReleaseCompartment(order) | Action::DispenseFuel(order)) = action else {
        return Ok(());
    };
    if now >= order.release.expires_at {
        return Err(Reason::TokenExpired);
    }
    let fuels = matches!(action, Action::DispenseFuel(_));
    if session.leg(order.leg).is_none_or(|leg| leg.terms.service.is_fuel() != fuels) {
        return Err(Reason::TokenScope);
    }
    if order.release.expires_at.since_ms(now) > limits::COMMAND_MS_MAX {
        return Err(Reason::TokenTooWide);
    }
    Ok(())
}

fn state_under(session: &Session, command: CommandId) -> Option<LegState> {
    session.leg(session.leg_of_command(command)?).map(|leg| leg.state)
}

fn release_of(session: &Session, command: CommandId) -> Option<Release> {
    state_under(session, command).and_then(|state| state.release().copied())
}
