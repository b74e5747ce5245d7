//! Whether a request carries what its transition asks for: fresh, fitting evidence and the policies' permit. All that is
//! missing is told at once (M-POL-1). How evidence was verified is not known here.

use alloc::vec::Vec;

use super::request::{Action, Request};
use super::state::{Phase, Session};
use super::table::Transition;
use crate::actor::Actor;
use crate::device::TrustTier;
use crate::digest::IntentDigest;
use crate::evidence::{Fact, FactKind, PlaceAnswer};
use crate::id::DeviceId;
use crate::order::LegTerms;
use crate::reason::{Reason, Refusal};
use crate::time::Timestamp;

/// Refuses with all evidence that is missing, stale or unfitting, and all that the policies miss.
pub(super) fn justified(
    session: &Session,
    request: &Request,
    row: &Transition,
    now: Timestamp,
) -> Result<(), Refusal> {
    let gap = |kind: &FactKind| accepted(session, request, *kind, now).err();
    let mut reasons: Vec<Reason> = row.evidence.iter().filter_map(gap).collect();
    if let Some(action) = row.policy {
        match &request.verdict {
            Some(verdict) if verdict.action == action => reasons.extend(&verdict.reasons),
            Some(_) | None => reasons.push(Reason::PolicyDefaultDeny),
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(Refusal::new(reasons)) }
}

/// The one fact of this kind that counts: the first that is fresh and fits. What follows from a request is taken from
/// here only, so that nothing is recorded that was not judged.
pub(super) fn accepted<'a>(
    session: &Session,
    request: &'a Request,
    kind: FactKind,
    now: Timestamp,
) -> Result<&'a Fact, Reason> {
    let mut gap = kind.missing();
    for evidence in request.evidence.iter().filter(|evidence| evidence.kind() == kind) {
        if !evidence.is_fresh(now) {
            continue;
        }
        match misfit(session, request, &evidence.fact) {
            None => return Ok(&evidence.fact),
            Some(reason) => gap = reason,
        }
    }
    Err(gap)
}

/// Why a fact does not speak well of this session's own parties and devices, if it does not.
fn misfit(session: &Session, request: &Request, fact: &Fact) -> Option<Reason> {
    let leg = released_leg(session, &request.action);
    let (fits, otherwise) = match fact {
        Fact::Recipient { customer, .. } => {
            let caller = Actor::Customer { customer: *customer };
            (request.actor == caller, Reason::RecipientNotVerified)
        }
        Fact::Intent { intent, .. } => (proposed(session, intent), Reason::IntentNotProposed),
        Fact::Vehicle { vehicle, .. } => {
            (*vehicle == session.order.terms.vehicle, Reason::VehicleMismatch)
        }
        Fact::Place { answer, .. } => match answer {
            PlaceAnswer::Inside => return None,
            PlaceAnswer::Uncertain => return Some(Reason::PlaceUncertain),
            PlaceAnswer::Outside => return Some(Reason::PlaceOutside),
        },
        Fact::Presence { .. } => return None,
        Fact::Handset { device, tier, .. } => {
            let own = handset_of(session, &request.action) == Some(*device);
            (own && *tier > TrustTier::None, Reason::DeviceUntrusted)
        }
        Fact::Actuator { device, tier, busy, .. } => {
            let own = leg.is_some_and(|leg| leg.device == *device);
            if own && *tier > TrustTier::None && *busy {
                return Some(Reason::ActuatorBusy);
            }
            (own && *tier > TrustTier::None, Reason::ActuatorUntrusted)
        }
        Fact::ActionToken { scope, device, .. } => (
            leg.is_some_and(|leg| leg.service.scope() == *scope && leg.device == *device),
            Reason::TokenScope,
        ),
    };
    (!fits).then_some(otherwise)
}

fn proposed(session: &Session, intent: &IntentDigest) -> bool {
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
        | Action::ResolveOutcome { .. }
        | Action::AmendOrder { .. }
        | Action::Relocate
        | Action::Hold { .. }
        | Action::Resume
        | Action::Revoke { .. }
        | Action::Expire => None,
    }
}

fn handset_of(session: &Session, action: &Action) -> Option<DeviceId> {
    if let Action::AssignDriver { device, .. } = action {
        return Some(*device);
    }
    session.assignment().map(|assignment| assignment.device)
}
