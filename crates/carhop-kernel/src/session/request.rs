//! What can be asked of a session.

use alloc::vec::Vec;

use super::event::{Basis, HoldCause, RevocationCause};
use super::leg::{LegIndex, LegStateKind, Release};
use crate::actor::Actor;
use crate::digest::{Commitment, EvidenceHash, IntentDigest, KeyThumbprint};
use crate::evidence::{Evidence, VehicleMatch};
use crate::id::{CommandId, DeviceId, DriverId};
use crate::order::OrderVersion;
use crate::verdict::Verdict;

/// A request with everything it is judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub action: Action,
    /// By whom.
    pub actor: Actor,
    /// What was proven.
    pub evidence: Vec<Evidence>,
    /// What the policies say; `None` only where the table asks for no policy.
    pub verdict: Option<Verdict>,
}

/// The release of one leg, with its command already allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseOrder {
    /// Which leg.
    pub leg: LegIndex,
    /// The release and its command.
    pub release: Release,
}

/// What a person found out about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it was carried out.
    pub executed: bool,
    /// How that was found out.
    pub basis: Basis,
    /// SHA-256 of a photo or report that the operator keeps.
    pub evidence: Option<EvidenceHash>,
}

impl Finding {
    /// The state that it leads the leg to: what was carried out is taken over by hand, anything else is free again.
    pub const fn leads_to(&self) -> LegStateKind {
        if self.executed { LegStateKind::TakenOver } else { LegStateKind::Pending }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Accept the recipient in the evidence.
    VerifyRecipient,
    /// Propose a vehicle and an intent to the customer.
    ProposeBinding {
        /// Which vehicle the customer states.
        vehicle: Commitment,
        /// How it was named.
        method: VehicleMatch,
        /// What the customer will approve.
        intent: IntentDigest,
    },
    /// Approve the proposed intent.
    ApproveIntent,
    /// Give the stop to a driver and device.
    AssignDriver {
        /// Who.
        driver: DriverId,
        /// With which device.
        device: DeviceId,
        /// The device's certified key.
        key: KeyThumbprint,
    },
    /// Report arrival with evidence of both places.
    Arrive,
    /// Present a code, scan or approval.
    ProvePresence,
    /// Open a compartment.
    ReleaseCompartment(ReleaseOrder),
    /// Arm a pump.
    DispenseFuel(ReleaseOrder),
    /// Ask whether a durable command may be sent now.
    SendCommand {
        /// Which command.
        command: CommandId,
    },
    /// Confirm that the goods are inside.
    ConfirmTransfer {
        /// Which leg.
        leg: LegIndex,
    },
    /// Say what became of a command that nobody knows about.
    ResolveOutcome {
        /// Which leg.
        leg: LegIndex,
        /// What a person found.
        finding: Finding,
    },
    /// Replace the critical terms.
    AmendOrder {
        /// The new version.
        order: OrderVersion,
    },
    /// Say that the car stands elsewhere.
    Relocate,
    /// Freeze releases.
    Hold {
        /// Why.
        cause: HoldCause,
    },
    /// Lift the hold.
    Resume,
    /// End the stop.
    Revoke {
        /// Why.
        why: RevocationCause,
    },
    /// End the stop because its window closed.
    Expire,
}

/// The kinds of requests, as the transition table names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// [`Action::VerifyRecipient`].
    VerifyRecipient,
    /// [`Action::ProposeBinding`].
    ProposeBinding,
    /// [`Action::ApproveIntent`].
    ApproveIntent,
    /// [`Action::AssignDriver`].
    AssignDriver,
    /// [`Action::Arrive`].
    Arrive,
    /// [`Action::ProvePresence`].
    ProvePresence,
    /// [`Action::ReleaseCompartment`].
    ReleaseCompartment,
    /// [`Action::DispenseFuel`].
    DispenseFuel,
    /// [`Action::SendCommand`].
    SendCommand,
    /// [`Action::ConfirmTransfer`].
    ConfirmTransfer,
    /// [`Action::ResolveOutcome`].
    ResolveOutcome,
    /// [`Action::AmendOrder`].
    AmendOrder,
    /// [`Action::Relocate`].
    Relocate,
    /// [`Action::Hold`].
    Hold,
    /// [`Action::Resume`].
    Resume,
    /// [`Action::Revoke`].
    Revoke,
    /// [`Action::Expire`].
    Expire,
}

impl Action {
    /// Which kind of request this is.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::VerifyRecipient => RequestKind::VerifyRecipient,
            Self::ProposeBinding { .. } => RequestKind::ProposeBinding,
            Self::ApproveIntent => RequestKind::ApproveIntent,
            Self::AssignDriver { .. } => RequestKind::AssignDriver,
            Self::Arrive => RequestKind::Arrive,
            Self::ProvePresence => RequestKind::ProvePresence,
            Self::ReleaseCompartment(_) => RequestKind::ReleaseCompartment,
            Self::DispenseFuel(_) => RequestKind::DispenseFuel,
            Self::SendCommand { .. } => RequestKind::SendCommand,
            Self::ConfirmTransfer { .. } => RequestKind::ConfirmTransfer,
            Self::ResolveOutcome { .. } => RequestKind::ResolveOutcome,
            Self::AmendOrder { .. } => RequestKind::AmendOrder,
            Self::Relocate => RequestKind::Relocate,
            Self::Hold { .. } => RequestKind::Hold,
            Self::Resume => RequestKind::Resume,
            Self::Revoke { .. } => RequestKind::Revoke,
            Self::Expire => RequestKind::Expire,
        }
    }
}

impl RequestKind {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyRecipient => "verify_recipient",
            Self::ProposeBinding => "propose_binding",
            Self::ApproveIntent => "approve_intent",
            Self::AssignDriver => "assign_driver",
            Self::Arrive => "arrive",
            Self::ProvePresence => "prove_presence",
            Self::ReleaseCompartment => "release_compartment",
            Self::DispenseFuel => "dispense_fuel",
            Self::SendCommand => "send_command",
            Self::ConfirmTransfer => "confirm_transfer",
            Self::ResolveOutcome => "resolve_outcome",
            Self::AmendOrder => "amend_order",
            Self::Relocate => "relocate",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
            Self::Expire => "expire",
        }
    }
}
