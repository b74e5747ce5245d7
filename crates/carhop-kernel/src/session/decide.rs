//! Judges a request; may refuse it. What no policy can waive comes first, then all missing evidence together with all
//! the policies' reasons; what follows is a list of events. It applies none of them.

use alloc::vec::Vec;

use super::consequences::consequences;
use super::event::{Event, Outcome, RevocationCause};
use super::evolve::evolve;
use super::justified::justified;
use super::possible::possible;
use super::request::{Action, Request};
use super::state::{PhaseKind, Session};
use super::table::transition;
use crate::reason::{Reason, Refusal};
use crate::time::Timestamp;

/// What follows from `request` at `now`, or every reason why nothing does. An empty list is a success that changes
/// nothing, such as revoking twice.
pub fn decide(session: &Session, request: &Request, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let row = transition(request.action.kind()).ok_or(Reason::NotPossibleNow)?;
    if row.actors.contains(&request.actor.kind()) && already_done(session, &request.action) {
        return Ok(Vec::new());
    }
    possible(session, request, row, now)?;
    justified(session, request, row, now)?;
    Ok(concluded(session, consequences(session, request, row, now)))
}

/// Adds the end of the session when `events` end its last leg.
pub(super) fn concluded(session: &Session, mut events: Vec<Event>) -> Vec<Event> {
    let after = events.iter().fold(session.clone(), evolve);
    let was_ended = session.legs.iter().all(|leg| leg.state.kind().is_end());
    let all_ended = after.legs.iter().all(|leg| leg.state.kind().is_end());
    if !all_ended || was_ended || !after.is_active() {
        return events;
    }
    let failed = after.legs.iter().filter(|leg| !leg.state.kind().is_done()).count();
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
        Action::Resume => session.is_active() && session.hold().is_none(),
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
        | Action::ResolveOutcome { .. }
        | Action::AmendOrder { .. }
        | Action::Relocate
        | Action::Hold { .. } => false,
    }
}
