//! What a policy evaluation came to, as a value. Policy can only narrow what the kernel allows: a permit never
//! makes an impossible request possible (`design.md` §2.2).

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::PolicyVersion;
use crate::reason::Reason;

/// What is asked of the policies. Each is one Cedar action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyAction {
    /// Accept a recipient as verified.
    VerifyRecipient,
    /// Tie a vehicle and a place to the stop.
    BindVehicle,
    /// Accept the customer's approval of the intent.
    ApproveIntent,
    /// Give the stop to a driver and device.
    AssignDriver,
    /// Accept that driver and vehicle are at the place.
    ConfirmArrival,
    /// Accept a code, scan or approval as proof of presence.
    AcceptProof,
    /// Open a compartment.
    ReleaseCompartment,
    /// Arm a pump.
    DispenseFuel,
    /// Accept the driver's word that the goods are inside.
    ConfirmTransfer,
    /// Accept a person's word for what became of a command.
    ResolveOutcome,
    /// Replace the order's critical terms.
    AmendOrder,
    /// Void the binding because the car stands elsewhere.
    Relocate,
    /// Freeze releases.
    Hold,
    /// Lift a hold.
    Resume,
    /// End the stop.
    Revoke,
}

impl PolicyAction {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::VerifyRecipient,
        Self::BindVehicle,
        Self::ApproveIntent,
        Self::AssignDriver,
        Self::ConfirmArrival,
        Self::AcceptProof,
        Self::ReleaseCompartment,
        Self::DispenseFuel,
        Self::ConfirmTransfer,
        Self::ResolveOutcome,
        Self::AmendOrder,
        Self::Relocate,
        Self::Hold,
        Self::Resume,
        Self::Revoke,
    ];

    /// The name of the Cedar action.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyRecipient => "verify_recipient",
            Self::BindVehicle => "bind_vehicle",
            Self::ApproveIntent => "approve_intent",
            Self::AssignDriver => "assign_driver",
            Self::ConfirmArrival => "confirm_arrival",
            Self::AcceptProof => "accept_proof",
            Self::ReleaseCompartment => "release_compartment",
            Self::DispenseFuel => "dispense_fuel",
            Self::ConfirmTransfer => "confirm_transfer",
            Self::ResolveOutcome => "resolve_outcome",
            Self::AmendOrder => "amend_order",
            Self::Relocate => "relocate",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
        }
    }
}

/// The five authorisation models, weakest first (M-POL-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// A one-time code: low-risk groceries, never fuel.
    OtpOnly,
    /// Code and fence: the standard unattended stop.
    OtpFence,
    /// An ephemeral vehicle token.
    VehicleToken,
    /// Code, token and fence: hybrid stops, the recommended default.
    OtpTokenFence,
    /// Hardware lock and server policy.
    HardwareLock,
}

impl Rung {
    /// All rungs, weakest first.
    pub const ALL: &'static [Self] = &[
        Self::OtpOnly,
        Self::OtpFence,
        Self::VehicleToken,
        Self::OtpTokenFence,
        Self::HardwareLock,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtpOnly => "otp_only",
            Self::OtpFence => "otp_fence",
            Self::VehicleToken => "vehicle_token",
            Self::OtpTokenFence => "otp_token_fence",
            Self::HardwareLock => "hardware_lock",
        }
    }
}

/// The answer of the policies in force to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The question.
    pub action: PolicyAction,
    /// Every requirement that was not met; empty means permitted.
    pub reasons: Vec<Reason>,
    /// Content hash of the policies that answered (M-POL-4).
    pub policy: PolicyVersion,
    /// The rung that was asked for.
    pub rung: Rung,
}

impl Verdict {
    /// Whether the policies permit it.
    pub fn permits(&self) -> bool {
        self.reasons.is_empty()
    }
}
