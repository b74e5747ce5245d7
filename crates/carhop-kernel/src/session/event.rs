//! What has happened to a session. Append-only: a variant or field is never renamed, reused or removed;
//! golden files in `carhop-journal` pin the stored form.

use serde::{Deserialize, Serialize};

use super::leg::{LegFailure, LegIndex, Release};
use crate::device::TrustTier;
use crate::digest::{Commitment, EvidenceHash, IntentDigest, KeyThumbprint};
use crate::evidence::{Assurance, PlaceMethod, PresenceMethod, VehicleMatch};
use crate::id::{
    CommandId, CustomerId, DeviceId, DriverId, MarketId, ProofId, SessionId, TenantId,
};
use crate::order::OrderVersion;
use crate::time::Timestamp;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The store asked for a stop. Always the first.
    SessionRequested {
        /// The session.
        session: SessionId,
        /// Whose.
        tenant: TenantId,
        /// Where.
        market: MarketId,
        /// The order.
        order: OrderVersion,
    },
    /// The recipient was verified.
    RecipientVerified {
        /// Who.
        customer: CustomerId,
        /// On which device key.
        key: KeyThumbprint,
        /// How sure.
        assurance: Assurance,
        /// When.
        at: Timestamp,
    },
    /// Vehicle and place were stated; the intent waits for approval.
    BindingProposed {
        /// The number the binding will have.
        binding: u32,
        /// Which vehicle.
        vehicle: Commitment,
        /// How it was named.
        method: VehicleMatch,
        /// What is to be approved.
        intent: IntentDigest,
    },
    /// The customer approved the intent; the vehicle is bound.
    IntentApproved {
        /// What was approved.
        intent: IntentDigest,
        /// With which key.
        key: KeyThumbprint,
        /// When.
        at: Timestamp,
    },
    /// A driver has the stop.
    DriverAssigned {
        /// The assignment's number.
        assignment: u32,
        /// Who.
        driver: DriverId,
        /// With which device.
        device: DeviceId,
        /// The device's certified key.
        key: KeyThumbprint,
        /// How far the device is trusted.
        tier: TrustTier,
    },
    /// Driver and vehicle are at the place.
    DriverArrived {
        /// How the driver's place was shown.
        driver_by: PlaceMethod,
        /// How the vehicle's place was shown.
        vehicle_by: PlaceMethod,
        /// When.
        at: Timestamp,
    },
    /// The customer showed presence or consent.
    PresenceProven {
        /// By what.
        method: PresenceMethod,
        /// Which code, scan or approval.
        proof: ProofId,
        /// When.
        at: Timestamp,
    },
    /// A release was permitted; its command is durable and unsent.
    ReleaseAuthorised {
        /// Which leg.
        leg: LegIndex,
        /// At which device.
        device: DeviceId,
        /// The release.
        release: Release,
    },
    /// The command is about to be sent; from here on its outcome is unknown until reported.
    CommandSent {
        /// Which leg.
        leg: LegIndex,
        /// Which command.
        command: CommandId,
    },
    /// The compartment opened.
    CompartmentOpened {
        /// Which leg.
        leg: LegIndex,
        /// Under which command.
        command: CommandId,
        /// The signed receipt.
        receipt: EvidenceHash,
    },
    /// The compartment reported itself locked.
    CompartmentLocked {
        /// Which leg.
        leg: LegIndex,
    },
    /// The driver confirmed that the goods are inside.
    GoodsTransferred {
        /// Which leg.
        leg: LegIndex,
    },
    /// The compartment is locked with the goods inside.
    CompartmentSecured {
        /// Which leg.
        leg: LegIndex,
    },
    /// The pump is armed for this release only.
    PumpArmed {
        /// Which leg.
        leg: LegIndex,
        /// Under which command.
        command: CommandId,
        /// The signed receipt.
        receipt: EvidenceHash,
    },
    /// The meter advanced.
    MeterAdvanced {
        /// Which leg.
        leg: LegIndex,
        /// Number of the signed reading, from zero.
        number: u32,
        /// What the meter shows, in millilitres.
        metered_ml: u32,
    },
    /// The pump stopped.
    DispensingEnded {
        /// Which leg.
        leg: LegIndex,
        /// What the meter shows, in millilitres.
        metered_ml: u32,
    },
    /// The metered quantity was settled, exactly once.
    FuelSettled {
        /// Which leg.
        leg: LegIndex,
        /// Exactly what was metered, in millilitres.
        metered_ml: u32,
    },
    /// It is proven that the command was not executed; the leg may be released again.
    ReleaseNotExecuted {
        /// Which leg.
        leg: LegIndex,
        /// Which command.
        command: CommandId,
        /// How that is known.
        why: NotExecuted,
    },
    /// The device stayed silent past the command's expiry: nobody knows whether it acted.
    ReleaseUnconfirmed {
        /// Which leg.
        leg: LegIndex,
        /// Which command.
        command: CommandId,
    },
    /// A person found out what became of a command that nobody knew about; what it means for the leg follows.
    OutcomeStated {
        /// Which leg.
        leg: LegIndex,
        /// Which command.
        command: CommandId,
        /// Whether it was carried out.
        executed: bool,
        /// How that was found out.
        basis: Basis,
        /// SHA-256 of a photo or report that the operator keeps.
        evidence: Option<EvidenceHash>,
    },
    /// The leg was taken over by hand, because its command was found to have been carried out.
    LegTakenOver {
        /// Which leg.
        leg: LegIndex,
    },
    /// The leg will not be done.
    LegFailed {
        /// Which leg.
        leg: LegIndex,
        /// Why.
        why: LegFailure,
    },
    /// The critical terms were replaced; everything bound to the old version is void.
    OrderAmended {
        /// The new version.
        order: OrderVersion,
    },
    /// The vehicle binding ended; everything issued under it is void.
    BindingVoided {
        /// Why.
        why: BindingEnd,
    },
    /// Releases are frozen, or frozen for one more reason.
    SessionHeld {
        /// Why.
        cause: HoldCause,
        /// Since when.
        at: Timestamp,
    },
    /// One of several reasons for the hold was lifted; the session stays frozen for the others.
    HoldEased {
        /// Which.
        cause: HoldCause,
    },
    /// Nothing holds the session any more.
    HoldLifted,
    /// The stop was ended; nothing can be released any more.
    SessionRevoked {
        /// Why.
        why: RevocationCause,
    },
    /// The window closed before anything was done.
    SessionExpired,
    /// All legs have ended.
    SessionCompleted {
        /// How completely.
        outcome: Outcome,
    },
    /// Something happened that somebody must look at.
    ExceptionRaised {
        /// What.
        exception: Exception,
        /// On which leg, if it concerns one.
        leg: Option<LegIndex>,
        /// By which device, if it came from one.
        device: Option<DeviceId>,
    },
    /// As many exceptions of this kind are recorded as a session takes; more of them are counted only.
    ExceptionsCapped {
        /// Of which kind.
        exception: Exception,
    },
}

/// How it is known that a command was not executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotExecuted {
    /// It never left: it expired, was held or was revoked in the outbox.
    Unsent,
    /// The device signed a refusal.
    RefusedByDevice,
    /// The device signed `never_executed` in answer to a cancel.
    Cancelled,
    /// A person of the staff found so.
    FoundByPerson,
}

/// How a person found out what became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Somebody looked at the compartment, the car or the pump.
    Inspected,
    /// It is on a camera.
    Camera,
    /// The totaliser or the device's own log was read on the spot.
    DeviceRead,
    /// Driver or customer said so.
    Told,
}

/// Why a binding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingEnd {
    /// The customer said that the car stands elsewhere.
    Relocated,
    /// The car reported that it moves.
    Moved,
}

/// Why a session is on hold, lightest first. Several may hold it at once; the gravest is shown, and lifted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The customer paused it.
    Customer,
    /// The staff stopped it.
    Staff,
    /// Weather or danger at the car, or metal did what nobody allowed: somebody looks first.
    Safety,
    /// A device reported tampering.
    Tamper,
    /// A device that the stop relies on lost its trust.
    DeviceRevoked,
    /// The car moved while something was under way; lifting it voids the binding.
    VehicleMoved,
}

/// Why a session was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationCause {
    /// The customer stopped it.
    CustomerStopped,
    /// The store cancelled the order.
    StoreCancelled,
    /// The staff ended it.
    StaffEnded,
    /// A device it relies on lost its trust.
    DeviceRevoked,
    /// No leg could be done.
    NothingDelivered,
}

/// How completely a stop was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every leg.
    Full,
    /// Some legs.
    Partial,
}

/// What somebody must look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exception {
    /// A lock opened and no release explains it.
    OpenedWithoutLeave,
    /// A lock opened, or a pump was armed, under a command after its session had been closed.
    OpenedAfterEnd,
    /// Fuel flowed and no release explains it.
    FlowWithoutLeave,
    /// The meter passed the limit by more than the declared overrun.
    OverDispensed,
    /// The lock jammed.
    LockJammed,
    /// A device reported tampering.
    Tampered,
    /// A pump's interlock stopped it.
    InterlockTripped,
    /// The car moved while something was under way.
    VehicleMoved,
    /// Refrigerated goods left their range.
    TemperatureOutOfRange,
    /// A device stayed silent about a command for as long as anybody asks: a person has to find out.
    OutcomeUnknown,
    /// A compartment stands open for longer than loading takes.
    LeftOpen,
    /// A compartment was opened and locked again, and nobody has said that the goods are inside.
    TransferUnconfirmed,
    /// A numbered meter reading is missing.
    MeterGap,
    /// A meter shows less than it has shown.
    MeterBackwards,
    /// A pump stopped because of a fault, or its numbers do not add up.
    MeterFaulty,
    /// A pump runs and its end was not reported in the time that a dispensing may take.
    MeterSilent,
    /// A meter has moved between two dispensings.
    UnaccountedFlow,
    /// A pump told what it gave on a leg that a person had taken over: it is settled, and nobody may have settled it by hand.
    SettledAfterTakeover,
    /// A command could not be worked off and was given up unsent: something is broken that a person has to find.
    CommandAbandoned,
}

/// What stopped a pump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterlockKind {
    /// The car moved.
    Motion,
    /// The nozzle was not seated.
    Nozzle,
    /// A spill was sensed.
    Spill,
    /// The emergency stop was pressed.
    EmergencyStop,
}

impl Exception {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenedWithoutLeave => "opened_without_leave",
            Self::OpenedAfterEnd => "opened_after_end",
            Self::FlowWithoutLeave => "flow_without_leave",
            Self::OverDispensed => "over_dispensed",
            Self::LockJammed => "lock_jammed",
            Self::Tampered => "tampered",
            Self::InterlockTripped => "interlock_tripped",
            Self::VehicleMoved => "vehicle_moved",
            Self::TemperatureOutOfRange => "temperature_out_of_range",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::LeftOpen => "left_open",
            Self::TransferUnconfirmed => "transfer_unconfirmed",
            Self::MeterGap => "meter_gap",
            Self::MeterBackwards => "meter_backwards",
            Self::MeterFaulty => "meter_faulty",
            Self::MeterSilent => "meter_silent",
            Self::UnaccountedFlow => "unaccounted_flow",
            Self::SettledAfterTakeover => "settled_after_takeover",
            Self::CommandAbandoned => "command_abandoned",
        }
    }
}

impl Event {
    /// The public name of the event, as subscribers see it (M-INT-2).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionRequested { .. } => "session.created",
            Self::RecipientVerified { .. } => "recipient.verified",
            Self::BindingProposed { .. } => "binding.proposed",
            Self::IntentApproved { .. } => "session.bound",
            Self::DriverAssigned { .. } => "driver.assigned",
            Self::DriverArrived { .. } => "geofence.entered",
            Self::PresenceProven { .. } => "presence.proven",
            Self::ReleaseAuthorised { .. } => "release.authorised",
            Self::CommandSent { .. } => "command.sent",
            Self::CompartmentOpened { .. } => "lock.opened",
            Self::CompartmentLocked { .. } => "lock.locked",
            Self::GoodsTransferred { .. } => "goods.transferred",
            Self::CompartmentSecured { .. } => "lock.secured",
            Self::PumpArmed { .. } => "fuel.authorized",
            Self::MeterAdvanced { .. } => "fuel.metered",
            Self::DispensingEnded { .. } => "fuel.dispensed",
            Self::FuelSettled { .. } => "fuel.settled",
            Self::ReleaseNotExecuted { .. } => "release.not_executed",
            Self::ReleaseUnconfirmed { .. } => "release.unconfirmed",
            Self::OutcomeStated { .. } => "outcome.stated",
            Self::LegTakenOver { .. } => "leg.taken_over",
            Self::LegFailed { .. } => "leg.failed",
            Self::OrderAmended { .. } => "order.amended",
            Self::BindingVoided { .. } => "binding.voided",
            Self::SessionHeld { .. } => "session.held",
            Self::HoldEased { .. } => "session.hold_eased",
            Self::HoldLifted => "session.resumed",
            Self::SessionRevoked { .. } => "session.revoked",
            Self::SessionExpired => "session.expired",
            Self::SessionCompleted { .. } => "session.completed",
            Self::ExceptionRaised { .. } => "exception.raised",
            Self::ExceptionsCapped { .. } => "exceptions.capped",
        }
    }
}
