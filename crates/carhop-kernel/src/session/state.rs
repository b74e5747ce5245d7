//! What a session is at one moment. Each phase carries exactly the facts that are true in it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::event::{Exception, HoldCause, Outcome, RevocationCause};
use super::leg::{Leg, LegIndex, LegKind, Release};
use crate::device::TrustTier;
use crate::digest::{IntentDigest, KeyThumbprint};
use crate::evidence::{Assurance, PlaceMethod, PresenceMethod, VehicleMatch};
use crate::id::{
    CommandId, CustomerId, DeviceId, DriverId, MarketId, ProofId, SessionId, TenantId,
};
use crate::order::OrderVersion;
use crate::time::Timestamp;
use crate::token::SessionGround;

/// A stop's authority record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// In which city.
    pub market: MarketId,
    /// The order version in force.
    pub order: OrderVersion,
    /// Where in the flow it is.
    pub phase: Phase,
    /// Why releases are frozen, and since when each of it; nothing is released until all are lifted.
    pub holds: BTreeMap<HoldCause, Timestamp>,
    /// The services, in the order in which they run.
    pub legs: Vec<Leg>,
    /// How many vehicle bindings there have been; the last one's number.
    pub bindings: u32,
    /// How many driver assignments there have been; the last one's number.
    pub assignments: u32,
    /// Who had it when it ended.
    pub left_by: Option<Assignment>,
    /// How often each exception was recorded, with the mark that more are counted only.
    pub raised: BTreeMap<Exception, u32>,
    /// What was raised and still waits for a person.
    pub waiting: BTreeSet<Exception>,
}

/// Where in the flow a session is, with what is true there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The order is known.
    Requested,
    /// The recipient is verified; perhaps a vehicle binding is proposed.
    Verified {
        /// The recipient.
        recipient: Recipient,
        /// What the customer is asked to approve.
        proposal: Option<Proposal>,
    },
    /// Vehicle and place are bound and the intent is approved.
    VehicleBound(Bound),
    /// A driver with an attested device is assigned.
    EnRoute(Bound, Assignment),
    /// Driver and vehicle are at the place.
    Arrived(AtCar),
    /// Presence or approval was shown.
    HandoffReady(AtCar, Presence),
    /// Legs are running.
    InService(AtCar, Presence),
    /// All legs have ended, at least one well.
    Completed(Outcome),
    /// Ended before its time; nothing can be released.
    Revoked(RevocationCause),
    /// The window closed before anything was done.
    Expired,
}

/// The phases without their facts, as the transition table names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseKind {
    /// [`Phase::Requested`].
    Requested,
    /// [`Phase::Verified`].
    Verified,
    /// [`Phase::VehicleBound`].
    VehicleBound,
    /// [`Phase::EnRoute`].
    EnRoute,
    /// [`Phase::Arrived`].
    Arrived,
    /// [`Phase::HandoffReady`].
    HandoffReady,
    /// [`Phase::InService`].
    InService,
    /// [`Phase::Completed`].
    Completed,
    /// [`Phase::Revoked`].
    Revoked,
    /// [`Phase::Expired`].
    Expired,
}

/// A verified recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub customer: CustomerId,
    /// The device key that proves it again.
    pub key: KeyThumbprint,
    /// How sure.
    pub assurance: Assurance,
    /// Since when.
    pub verified_at: Timestamp,
}

/// A binding that waits for the customer's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The number the binding will have.
    pub binding: u32,
    /// What is to be approved.
    pub intent: IntentDigest,
    /// How the vehicle was named.
    pub method: VehicleMatch,
}

/// A bound vehicle: it exists for this stop only (M-VEH-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its number within the session.
    pub number: u32,
    /// What the customer approved.
    pub intent: IntentDigest,
    /// When.
    pub approved_at: Timestamp,
}

/// Recipient and vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Who receives.
    pub recipient: Recipient,
    /// Which binding.
    pub binding: Binding,
}

/// A driver and device that have this stop (M-IDN-7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Its number within the session.
    pub number: u32,
    /// Who drives.
    pub driver: DriverId,
    /// With which device.
    pub device: DeviceId,
    /// The device's certified key.
    pub key: KeyThumbprint,
    /// How far the device was trusted then.
    pub tier: TrustTier,
}

/// How arrival was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The driver's place.
    pub driver_by: PlaceMethod,
    /// The vehicle's place.
    pub vehicle_by: PlaceMethod,
    /// When.
    pub arrived_at: Timestamp,
}

/// Everything that is true once the driver stands at the car.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtCar {
    /// Recipient and vehicle.
    pub bound: Bound,
    /// Driver and device.
    pub assignment: Assignment,
    /// How arrival was shown.
    pub arrival: Arrival,
}

/// How the customer showed presence or consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// By what.
    pub method: PresenceMethod,
    /// Which code, scan or approval.
    pub proof: ProofId,
    /// When.
    pub shown_at: Timestamp,
}

/// Why a session is frozen: nothing is released until it is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub cause: HoldCause,
    /// Since when.
    pub since: Timestamp,
}

impl Session {
    /// Whether the session can still come to a release.
    pub fn is_active(&self) -> bool {
        !self.phase.kind().is_end()
    }

    /// The gravest of what holds it: what is shown, what is judged by, and what is lifted next.
    pub fn hold(&self) -> Option<Hold> {
        self.holds.last_key_value().map(|(cause, since)| Hold { cause: *cause, since: *since })
    }

    /// Whether something has been released and has not ended.
    pub fn is_under_way(&self) -> bool {
        self.legs.iter().any(|leg| leg.state.kind().is_under_way())
    }

    /// Whether a device may still be acting under a release of this session, so that no other stop may have it. A leg
    /// that has ended frees it; so does the end of the stop, once the device would refuse the command. A pump that may
    /// have been armed by then may run, and is free only when it has said that it does not, or a person has.
    pub fn occupies(&self, device: DeviceId, now: Timestamp) -> bool {
        let alive = |release: &Release| self.is_active() || now < release.expires_at;
        let may_run = |leg: &Leg| leg.kind() == LegKind::Fuel && leg.state.kind().may_act();
        let mut own = self.legs.iter().filter(|leg| leg.terms.device == device);
        own.any(|leg| may_run(leg) || leg.state.release().is_some_and(alive))
    }

    /// Whether something that this stop began with a device is going on: its door stands open, its pump runs.
    pub fn is_going_on_at(&self, device: DeviceId) -> bool {
        let mut own = self.legs.iter().filter(|leg| leg.terms.device == device);
        own.any(|leg| leg.state.expects_word() && !leg.state.kind().is_awaited())
    }

    /// The recipient, once verified and until the end.
    pub fn recipient(&self) -> Option<&Recipient> {
        match &self.phase {
            Phase::Verified { recipient, .. } => Some(recipient),
            Phase::Requested | Phase::Completed(_) | Phase::Revoked(_) | Phase::Expired => None,
            Phase::VehicleBound(_)
            | Phase::EnRoute(..)
            | Phase::Arrived(_)
            | Phase::HandoffReady(..)
            | Phase::InService(..) => self.bound().map(|bound| &bound.recipient),
        }
    }

    /// Recipient and vehicle, once bound and until the end.
    pub fn bound(&self) -> Option<&Bound> {
        match &self.phase {
            Phase::VehicleBound(bound) | Phase::EnRoute(bound, _) => Some(bound),
            Phase::Arrived(at_car)
            | Phase::HandoffReady(at_car, _)
            | Phase::InService(at_car, _) => Some(&at_car.bound),
            Phase::Requested
            | Phase::Verified { .. }
            | Phase::Completed(_)
            | Phase::Revoked(_)
            | Phase::Expired => None,
        }
    }

    /// Driver and device, once assigned and until the end.
    pub fn assignment(&self) -> Option<&Assignment> {
        match &self.phase {
            Phase::EnRoute(_, assignment) => Some(assignment),
            Phase::Arrived(at_car)
            | Phase::HandoffReady(at_car, _)
            | Phase::InService(at_car, _) => Some(&at_car.assignment),
            Phase::Requested
            | Phase::Verified { .. }
            | Phase::VehicleBound(_)
            | Phase::Completed(_)
            | Phase::Revoked(_)
            | Phase::Expired => None,
        }
    }

    /// Who has it, or had it when it ended.
    pub fn last_assignment(&self) -> Option<&Assignment> {
        self.assignment().or(self.left_by.as_ref())
    }

    /// The presence shown at the car, once shown and until the end.
    pub fn presence(&self) -> Option<&Presence> {
        match &self.phase {
            Phase::HandoffReady(_, presence) | Phase::InService(_, presence) => Some(presence),
            Phase::Requested
            | Phase::Verified { .. }
            | Phase::VehicleBound(_)
            | Phase::EnRoute(..)
            | Phase::Arrived(_)
            | Phase::Completed(_)
            | Phase::Revoked(_)
            | Phase::Expired => None,
        }
    }

    /// What tokens of this session are judged against.
    pub fn ground(&self) -> SessionGround {
        SessionGround {
            active: self.is_active(),
            order: self.order.digest,
            binding: self.bound().map(|bound| bound.binding.number),
            assignment: self.assignment().map(|assignment| assignment.number),
        }
    }

    /// The leg at `index`.
    pub fn leg(&self, index: LegIndex) -> Option<&Leg> {
        self.legs.get(usize::from(index.0))
    }

    /// The legs with their positions.
    pub fn legs(&self) -> impl Iterator<Item = (LegIndex, &Leg)> {
        (0..=u8::MAX).map(LegIndex).zip(&self.legs)
    }

    /// The leg whose current release carries this command.
    pub fn leg_of_command(&self, command: CommandId) -> Option<LegIndex> {
        self.legs()
            .find(|(_, leg)| leg.state.release().is_some_and(|release| release.command == command))
            .map(|(index, _)| index)
    }
}

impl Phase {
    /// Which phase this is.
    pub const fn kind(&self) -> PhaseKind {
        match self {
            Self::Requested => PhaseKind::Requested,
            Self::Verified { .. } => PhaseKind::Verified,
            Self::VehicleBound(_) => PhaseKind::VehicleBound,
            Self::EnRoute(..) => PhaseKind::EnRoute,
            Self::Arrived(_) => PhaseKind::Arrived,
            Self::HandoffReady(..) => PhaseKind::HandoffReady,
            Self::InService(..) => PhaseKind::InService,
            Self::Completed(_) => PhaseKind::Completed,
            Self::Revoked(_) => PhaseKind::Revoked,
            Self::Expired => PhaseKind::Expired,
        }
    }
}

impl PhaseKind {
    /// Every phase, in the order of the flow.
    pub const ALL: &'static [Self] = &[
        Self::Requested,
        Self::Verified,
        Self::VehicleBound,
        Self::EnRoute,
        Self::Arrived,
        Self::HandoffReady,
        Self::InService,
        Self::Completed,
        Self::Revoked,
        Self::Expired,
    ];

    /// Whether nothing can be released any more.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Revoked | Self::Expired)
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Verified => "verified",
            Self::VehicleBound => "vehicle_bound",
            Self::EnRoute => "en_route",
            Self::Arrived => "arrived",
            Self::HandoffReady => "handoff_ready",
            Self::InService => "in_service",
            Self::Completed => "completed",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}
