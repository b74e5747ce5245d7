//! A session as callers see it: masked, with its legs and what can happen next.

use carhop_app::SessionView;
use carhop_kernel::id::{DeviceId, DriverId, OrderId, SessionId};
use carhop_kernel::order::Service;
use carhop_kernel::session::table::TRANSITIONS;
use carhop_kernel::session::{Leg, LegState, Phase, PhaseKind, Session};
use serde::Serialize;
use utoipa::ToSchema;

use super::code_of;
use super::orders::TimeWindow;
use crate::http::time::Time;

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct Shown {
    #[schema(value_type = String)]
    pub(crate) id: SessionId,
    #[schema(value_type = String)]
    order: OrderId,
    /// The version of the order in force.
    order_version: u32,
    /// The digest of the order in force, as hexadecimal digits.
    digest: String,
    /// Its state, such as `en_route`.
    state: &'static str,
    /// Set while it is frozen.
    hold: Option<HoldView>,
    /// Set once it was revoked.
    revocation: Option<EndView>,
    legs: Vec<LegView>,
    /// What was raised and still waits for a person, such as `left_open`.
    exceptions: Vec<&'static str>,
    window: TimeWindow,
    venue: String,
    /// The venue's name for people.
    venue_name: String,
    /// `unattended`, `attended`, `customer_pickup` or `front_door`.
    handoff: String,
    binding: Option<BindingView>,
    assignment: Option<AssignmentView>,
    /// What can be asked for now, and by whom.
    next: Vec<NextView>,
    /// Counts the session's changes; also the `ETag`.
    version: u64,
    /// When something happened to it last.
    changed_at: Time,
    vehicle: VehicleView,
}

/// Why and since when it is frozen.
#[derive(Serialize, ToSchema)]
struct HoldView {
    /// The gravest cause, which is lifted first.
    cause: String,
    since: Time,
    /// What else holds it, lightest first; it goes on holding once the gravest is lifted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
}

/// Why and since when it is revoked.
#[derive(Serialize, ToSchema)]
#[schema(as = StopRevocation)]
struct EndView {
    cause: String,
    /// From here on nothing new is released and nothing unsent leaves.
    revoked_at: Time,
    /// From here on nothing that was commanded before can happen any more; null while that is not so.
    settled_at: Option<Time>,
}

/// One service.
#[derive(Serialize, ToSchema)]
struct LegView {
    index: u8,
    /// `goods` or `fuel`.
    kind: &'static str,
    /// Its state, such as `dispensing`.
    state: &'static str,
    /// Of a compartment: whether its door has been heard to stand open since it was released, and not to be shut.
    stands_open: bool,
    #[schema(value_type = String)]
    device: DeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    compartment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_ml: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metered_ml: Option<u32>,
    /// The release under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    /// How often it was released.
    releases: u8,
}

/// The approved delivery intent.
#[derive(Serialize, ToSchema)]
struct BindingView {
    number: u32,
    intent: String,
    approved_at: Time,
}

/// Who comes.
#[derive(Serialize, ToSchema)]
struct AssignmentView {
    #[schema(value_type = String)]
    driver: DriverId,
    /// The driver's name, as customers see it.
    driver_name: Option<String>,
    #[schema(value_type = String)]
    device: DeviceId,
    /// How far the device was trusted.
    tier: String,
}

/// Something that can be asked for now.
#[derive(Serialize, ToSchema)]
struct NextView {
    what: &'static str,
    by: Vec<&'static str>,
}

/// The car, masked.
#[derive(Serialize, ToSchema)]
struct VehicleView {
    description: Option<String>,
    plate_last3: Option<String>,
    /// Where in the venue it was said to stand.
    bay: Option<String>,
}

impl From<SessionView> for Shown {
    fn from(view: SessionView) -> Self {
        let session = &view.session;
        let terms = &session.order.terms;
        Self {
            id: session.id,
            order: session.order.order,
            order_version: session.order.version,
            digest: session.order.digest.to_string(),
            state: session.phase.kind().name(),
            hold: hold_view(session),
            revocation: end_view(&view),
            legs: session.legs().map(|(index, leg)| leg_view(index.0, leg)).collect(),
            exceptions: session.waiting.iter().map(|exception| exception.name()).collect(),
            window: terms.window.into(),
            venue: terms.venue.to_string(),
            venue_name: view.venue,
            handoff: code_of(&terms.handoff),
            binding: session.bound().map(|bound| BindingView {
                number: bound.binding.number,
                intent: bound.binding.intent.to_string(),
                approved_at: bound.binding.approved_at.into(),
            }),
            assignment: session.last_assignment().map(|assignment| AssignmentView {
                driver: assignment.driver,
                driver_name: view.driver.clone(),
                device: assignment.device,
                tier: code_of(&assignment.tier),
            }),
            next: next(session),
            version: view.version,
            changed_at: view.changed_at.into(),
            vehicle: VehicleView {
                description: view.vehicle,
                plate_last3: view.plate_last3,
                bay: view.bay,
            },
        }
    }
}

fn hold_view(session: &Session) -> Option<HoldView> {
    let hold = session.hold()?;
    let also = session.holds.keys().filter(|cause| **cause != hold.cause).map(code_of).collect();
    Some(HoldView { cause: code_of(&hold.cause), since: hold.since.into(), also })
}

fn end_view(view: &SessionView) -> Option<EndView> {
    let Phase::Revoked(cause) = &view.session.phase else { return None };
    view.revocation.map(|moments| EndView {
        cause: code_of(cause),
        revoked_at: moments.revoked_at.into(),
        settled_at: moments.settled_at.map(Time::from),
    })
}

fn leg_view(index: u8, leg: &Leg) -> LegView {
    let (kind, compartment, grade, limit_ml) = match &leg.terms.service {
        Service::Goods { compartment, .. } => ("goods", Some(code_of(compartment)), None, None),
        Service::Fuel { grade, limit_ml } => ("fuel", None, Some(code_of(grade)), Some(*limit_ml)),
    };
    LegView {
        index,
        kind,
        state: leg.state.kind().name(),
        stands_open: leg.state.stands_open(),
        device: leg.terms.device,
        compartment,
        grade,
        limit_ml,
        metered_ml: metered_ml(&leg.state),
        release: leg.state.release().map(|release| release.release.to_string()),
        releases: leg.releases,
    }
}

fn metered_ml(state: &LegState) -> Option<u32> {
    match state {
        LegState::Dispensing { metered_ml, .. }
        | LegState::Dispensed { metered_ml, .. }
        | LegState::Settled { metered_ml } => Some(*metered_ml),
        LegState::Pending
        | LegState::Released(_)
        | LegState::Authorised(_)
        | LegState::Commanded(_)
        | LegState::Open { .. }
        | LegState::Transferred { .. }
        | LegState::Secured
        | LegState::Indeterminate(_)
        | LegState::Failed(_)
        | LegState::TakenOver => None,
    }
}

/// The rows of the transition table that start here and, where they move a leg, have one to move.
fn next(session: &Session) -> Vec<NextView> {
    let here: PhaseKind = session.phase.kind();
    let held = session.hold().is_some();
    let kinds = || session.legs.iter().map(|leg| leg.state.kind());
    TRANSITIONS
        .iter()
        .filter(|row| row.from.contains(&here) && !(held && row.frozen_by_hold))
        .filter(|row| row.leg.is_empty() || kinds().any(|state| row.moves_leg_from(state)))
        .map(|row| NextView {
            what: row.request.name(),
            by: row.actors.iter().map(|actor| actor.name()).collect(),
        })
        .collect()
}
