//! The one transition table: who may cause what, from where, on which evidence, under which policy action, and where it
//! leads (M-FLO-1). `decide` reads it; the documents, the state diagram and the exhaustive tests are made from it.

pub use super::leg_reports::{ALARMS, Alarm, LEG_REPORTS, LegReport};

use super::leg::LegStateKind;
use super::request::RequestKind;
use super::state::PhaseKind;
use crate::actor::ActorKind;
use crate::evidence::FactKind;
use crate::verdict::PolicyAction;

/// What a transition does to the session's phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Leaves it.
    Stay,
    /// Leads to this phase.
    To(PhaseKind),
    /// Leads to this phase, or leaves one that is further on.
    Reach(PhaseKind),
}

/// What a transition does to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegStep {
    /// States from which it is possible.
    pub from: &'static [LegStateKind],
    /// The state after it.
    pub to: &'static [LegStateKind],
}

impl Transition {
    /// Whether it moves the leg it is about when that is in `state`.
    pub fn moves_leg_from(&self, state: LegStateKind) -> bool {
        self.leg.iter().any(|step| step.from.contains(&state))
    }

    /// Whether it can move the leg it is about from the one state to the other.
    pub fn moves_leg(&self, from: LegStateKind, to: LegStateKind) -> bool {
        self.leg.iter().any(|step| step.from.contains(&from) && step.to.contains(&to))
    }

    /// Whether it moves every leg that is in `state`.
    pub fn moves_every_leg_from(&self, state: LegStateKind) -> bool {
        self.every_leg.is_some_and(|step| step.from.contains(&state))
    }
}

/// One row for a request.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// What is asked.
    pub request: RequestKind,
    /// Phases from which it is possible.
    pub from: &'static [PhaseKind],
    /// Who may ask.
    pub actors: &'static [ActorKind],
    /// Facts that must be fresh and fitting whatever the policies say; they protect the actuator.
    pub evidence: &'static [FactKind],
    /// The policy action that must be permitted as well.
    pub policy: Option<PolicyAction>,
    /// The phase after it.
    pub next: Next,
    /// How it moves the leg it is about, if it is about one.
    pub leg: &'static [LegStep],
    /// What it does to every leg in such a state.
    pub every_leg: Option<LegStep>,
    /// Whether it is frozen by a hold.
    pub frozen_by_hold: bool,
    /// Whether it needs the window to be open.
    pub in_window: bool,
}

use ActorKind::{Customer, Driver, Staff, Store, System};
use LegStateKind as L;
use PhaseKind::{
    Arrived, EnRoute, Expired, HandoffReady, InService, Requested, Revoked, VehicleBound, Verified,
};

const ACTIVE: &[PhaseKind] =
    &[Requested, Verified, VehicleBound, EnRoute, Arrived, HandoffReady, InService];
const BOUND: &[PhaseKind] = &[VehicleBound, EnRoute, Arrived, HandoffReady, InService];

/// A row that moves no leg, is not frozen and needs no window.
const fn row(
    request: RequestKind,
    from: &'static [PhaseKind],
    actors: &'static [ActorKind],
    evidence: &'static [FactKind],
    policy: Option<PolicyAction>,
    next: Next,
) -> Transition {
    Transition {
        request,
        from,
        actors,
        evidence,
        policy,
        next,
        leg: &[],
        every_leg: None,
        frozen_by_hold: false,
        in_window: false,
    }
}

/// A row for a release: frozen by a hold, only in the window, on the facts that no policy can waive.
const fn release(
    request: RequestKind,
    policy: PolicyAction,
    leg: &'static [LegStep],
) -> Transition {
    Transition {
        leg,
        frozen_by_hold: true,
        in_window: true,
        ..row(
            request,
            &[HandoffReady, InService],
            &[Driver],
            &[FactKind::Handset, FactKind::Actuator, FactKind::ActionToken],
            Some(policy),
            Next::To(InService),
        )
    }
}

/// Every request.
pub const TRANSITIONS: &[Transition] = &[
    row(
        RequestKind::VerifyRecipient,
        &[Requested],
        &[Customer],
        &[FactKind::Recipient],
        Some(PolicyAction::VerifyRecipient),
        Next::To(Verified),
    ),
    row(
        RequestKind::ProposeBinding,
        &[Verified],
        &[Customer],
        &[],
        Some(PolicyAction::BindVehicle),
        Next::Stay,
    ),
    row(
        RequestKind::ApproveIntent,
        &[Verified],
        &[Customer],
        &[FactKind::Intent],
        Some(PolicyAction::ApproveIntent),
        Next::To(VehicleBound),
    ),
    row(
        RequestKind::AssignDriver,
        &[VehicleBound, EnRoute, Arrived, HandoffReady, InService],
        &[Store, Staff],
        &[FactKind::Handset],
        Some(PolicyAction::AssignDriver),
        Next::To(EnRoute),
    ),
    Transition {
        in_window: true,
        ..row(
            RequestKind::Arrive,
            &[EnRoute],
            &[Driver],
            &[FactKind::DriverPlace, FactKind::VehiclePlace],
            Some(PolicyAction::ConfirmArrival),
            Next::To(Arrived),
        )
    },
    Transition {
        in_window: true,
        ..row(
            RequestKind::ProvePresence,
            &[Arrived, HandoffReady, InService],
            &[Driver, Customer],
            &[FactKind::Presence],
            Some(PolicyAction::AcceptProof),
            Next::Reach(HandoffReady),
        )
    },
    release(
        RequestKind::ReleaseCompartment,
        PolicyAction::ReleaseCompartment,
        &[LegStep { from: &[L::Pending], to: &[L::Released] }],
    ),
    release(
        RequestKind::DispenseFuel,
        PolicyAction::DispenseFuel,
        &[LegStep { from: &[L::Pending], to: &[L::Authorised] }],
    ),
    Transition {
        leg: &[LegStep { from: &[L::Released, L::Authorised], to: &[L::Commanded] }],
        frozen_by_hold: true,
        in_window: true,
        ..row(RequestKind::SendCommand, &[InService], &[System], &[], None, Next::Stay)
    },
    Transition {
        leg: &[LegStep { from: &[L::Open], to: &[L::Transferred, L::Secured] }],
        ..row(
            RequestKind::ConfirmTransfer,
            &[InService],
            &[Driver, Staff],
            &[],
            Some(PolicyAction::ConfirmTransfer),
            Next::Stay,
        )
    },
    // Of the ends only a revocation leaves a command open: nothing else ends a stop while something is under way. What runs
    // was carried out, so that a person can only take it over: from a pump that is never heard again.
    Transition {
        leg: &[
            LegStep { from: &[L::Indeterminate], to: &[L::Pending, L::TakenOver] },
            LegStep { from: &[L::Dispensing], to: &[L::TakenOver] },
        ],
        ..row(
            RequestKind::ResolveOutcome,
            &[InService, Revoked],
            &[Staff],
            &[],
            Some(PolicyAction::ResolveOutcome),
            Next::Stay,
        )
    },
    row(
        RequestKind::AmendOrder,
        ACTIVE,
        &[Store, Staff],
        &[],
        Some(PolicyAction::AmendOrder),
        Next::To(Requested),
    ),
    row(
        RequestKind::Relocate,
        BOUND,
        &[Customer],
        &[],
        Some(PolicyAction::Relocate),
        Next::To(Verified),
    ),
    row(
        RequestKind::Hold,
        ACTIVE,
        &[Customer, Driver, Staff, System],
        &[],
        Some(PolicyAction::Hold),
        Next::Stay,
    ),
    row(
        RequestKind::Resume,
        ACTIVE,
        &[Customer, Staff],
        &[],
        Some(PolicyAction::Resume),
        Next::Stay,
    ),
    Transition {
        every_leg: Some(LegStep { from: &[L::Released, L::Authorised], to: &[L::Pending] }),
        ..row(
            RequestKind::Revoke,
            ACTIVE,
            &[Customer, Store, Staff, System],
            &[],
            Some(PolicyAction::Revoke),
            Next::To(Revoked),
        )
    },
    Transition {
        every_leg: Some(LegStep { from: &[L::Pending], to: &[L::Pending, L::Failed] }),
        ..row(RequestKind::Expire, ACTIVE, &[System], &[], None, Next::To(Expired))
    },
];

/// The row of a request.
pub fn transition(request: RequestKind) -> Option<&'static Transition> {
    TRANSITIONS.iter().find(|row| row.request == request)
}
