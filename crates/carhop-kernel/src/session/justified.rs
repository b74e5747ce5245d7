//! Whether a request carries what its transition asks for: fresh, fitting evidence and the policies' permit. All that is
//! missing is told at once (M-POL-1). How evidence was verified is not known here.

use alloc::vec::Vec;

use super::request::{Action, Request};
use super::state::{Phase, Session};
use super::table::Transition;
use crate::device::TrustTier;
use crate::digest::IntentDigest;
use crate::evidence::{Evidence, Fact, FactKind, PlaceAnswer};
use crate::id::DeviceId;
use crate::order::LegTerms;
use crate::reason::{Reason, Refusal};
use crate::time::Timestamp;

/// All evidence that is missing, stale or unfitting, and all that the policies miss.
pub(super) fn justified(
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
            *tier > TrustTier::None && handset_of(session, action) == Some(*device),
            Reason::DeviceUntrusted,
        ),
        Fact::Actuator { device, tier, .. } => (
            *tier > TrustTier::None && leg.map(|leg| leg.device) == Some(*device),
            Reason::ActuatorUntrusted,
        ),
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
