//! Records around one stop.

use carhop_kernel::digest::{IntentDigest, KeyThumbprint, PolicyVersion, SecretHash};
use carhop_kernel::evidence::{Party, VehicleMatch};
use carhop_kernel::geofence::{Track, VenueTag};
use carhop_kernel::id::{
    CustomerId, DecisionId, DeviceId, DriverId, OrderId, ProofId, SessionId, VenueId,
};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Exception, PhaseKind, Session};
use carhop_kernel::time::Timestamp;
use carhop_policy::Facts;
use serde::{Deserialize, Serialize};

use crate::batch::{DisputeOutcome, Grievance};
use crate::record::{Kind, Record};

/// A session as lists show it; its version counts the appends to the session's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionHead {
    /// Which session.
    pub session: SessionId,
    /// Its phase.
    pub phase: PhaseKind,
    /// Whether it is on hold.
    pub held: bool,
    /// The assigned driver.
    pub driver: Option<DriverId>,
    /// The locks and pumps of its legs, while it is active.
    pub devices: Vec<DeviceId>,
    /// The assigned driver's handset; after the end, as long as something is awaited that its driver released.
    pub handset: Option<DeviceId>,
    /// Locks and pumps that have something to say yet of what they were commanded, whatever became of the stop.
    pub awaited: Vec<DeviceId>,
    /// When something happened to it last.
    pub changed_at: Timestamp,
}

impl SessionHead {
    /// The head of a session that has just changed.
    pub fn of(session: &Session, changed_at: Timestamp) -> Self {
        let devices = session.legs.iter().map(|leg| leg.terms.device);
        let awaited = session.legs.iter().filter(|leg| leg.state.expects_word());
        let awaited: Vec<_> = awaited.map(|leg| leg.terms.device).collect();
        let relies = session.is_active() || !awaited.is_empty();
        let assigned = session.last_assignment().filter(|_| relies);
        Self {
            session: session.id,
            phase: session.phase.kind(),
            held: session.hold().is_some(),
            driver: session.assignment().map(|assignment| assignment.driver),
            devices: if session.is_active() { devices.collect() } else { Vec::new() },
            handset: assigned.map(|assignment| assignment.device),
            awaited,
            changed_at,
        }
    }

    /// Under which index value the active sessions of a device that have come this far are found.
    pub(crate) fn at_device(device: DeviceId, phase: PhaseKind) -> (&'static str, String) {
        ("device_phase", format!("{device}/{}", phase.name()))
    }
}

impl Record for SessionHead {
    const KIND: Kind = Kind::Session;

    fn key(&self) -> String {
        self.session.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        let devices = self.devices.iter().map(|device| ("device", device.to_string()));
        let awaited = self.awaited.iter().map(|device| ("awaited", device.to_string()));
        let driver = self.driver.iter().map(|driver| ("driver", driver.to_string()));
        let handset = self.handset.iter().map(|device| ("handset", device.to_string()));
        let at_devices = self.devices.iter().map(|device| Self::at_device(*device, self.phase));
        let state = [("state", self.phase.name().to_owned())];
        let of_devices = devices.chain(at_devices).chain(awaited);
        state.into_iter().chain(of_devices).chain(driver).chain(handset).collect()
    }
}

/// Which session an order has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Which order.
    pub order: OrderId,
    /// Its session.
    pub session: SessionId,
}

impl Record for OrderRecord {
    const KIND: Kind = Kind::Order;

    fn key(&self) -> String {
        self.order.to_string()
    }
}

/// Says that a customer has a key in the vault, so that two orders that come at once cannot both make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRecord {
    /// Which customer.
    pub customer: CustomerId,
}

impl Record for SubjectRecord {
    const KIND: Kind = Kind::Subject;

    fn key(&self) -> String {
        self.customer.to_string()
    }
}

/// What tells about a stop besides its events. Personal values are in the vault under the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRecord {
    /// Which session.
    pub session: SessionId,
    /// Whose personal data it needs.
    pub customer: CustomerId,
    /// The key that the customer's link was redeemed with last; `None` before, and once the order is for somebody else.
    pub bound: Option<BoundKey>,
    /// The intent that waits for approval or was approved.
    pub intent: Option<IntentDigest>,
    /// Where the customer said the car stands: the bay, and when it was said.
    pub stated_at: Option<Timestamp>,
    /// What was seen of the car last.
    pub vehicle: Option<VehicleSeen>,
    /// How many plates the driver read that were not the car's, since the customer last stated it.
    pub plate_misses: u8,
    /// How many plates the customer's key stated that are not the car's, since its link was made.
    pub stated_misses: u8,
    /// How many tags the driver named that are none of the venue's, since the customer last stated the car.
    pub tag_misses: u8,
    /// Whether somebody checked the recipient's age in person.
    pub age_proof: bool,
}

/// The key of a customer's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundKey {
    /// Its thumbprint.
    pub key: KeyThumbprint,
    /// What another device had shown at the car by then, and its holder has not.
    pub before: Option<ProofId>,
}

/// A look at the car's plate or tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VehicleSeen {
    /// Whether it was the car of the order.
    pub matches: bool,
    /// How it was seen.
    pub method: VehicleMatch,
    /// When.
    pub at: Timestamp,
    /// The version of the order it was compared with.
    pub order_version: u32,
}

impl Record for StopRecord {
    const KIND: Kind = Kind::Stop;

    fn key(&self) -> String {
        self.session.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("customer", self.customer.to_string())]
    }
}

/// The live code of a stop, the one before it, and their counts (M-OTP-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodesRecord {
    /// Which session.
    pub session: SessionId,
    /// The one live code, if there is one.
    pub live: Option<LiveCode>,
    /// The one that was used last, to say so if it is shown again.
    pub used: Option<UsedCode>,
    /// Codes issued for this stop.
    pub issues: u8,
    /// Tries at this stop.
    pub tries: u8,
}

/// A code that can be used once, by typing or by scanning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCode {
    /// Its name, which is also the scannable code's `cti`.
    pub proof: ProofId,
    /// Keyed hash of the digits.
    pub hash: SecretHash,
    /// The order version it is bound to.
    pub order_version: u32,
    /// The key of the device that shows it.
    pub key: KeyThumbprint,
    /// First instant at which it is dead.
    pub expires_at: Timestamp,
    /// Tries at this code.
    pub tries: u8,
}

/// A code that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedCode {
    /// Its name.
    pub proof: ProofId,
    /// Keyed hash of the digits.
    pub hash: SecretHash,
}

impl Record for CodesRecord {
    const KIND: Kind = Kind::Codes;

    fn key(&self) -> String {
        self.session.to_string()
    }
}

/// The positions of one party of a stop, folded, and the tag it read last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// Which session.
    pub session: SessionId,
    /// Whose positions.
    pub party: Party,
    /// What they come to.
    pub track: Track,
    /// The tag that was read last.
    pub tag: Option<VenueTag>,
    /// Whether the car has been seen at its place since it was last seen to leave one; cars only.
    pub seen_inside: bool,
    /// First instant at which it is forgotten; one that was stored without it gets it with the next position.
    #[serde(default)]
    pub kept_until: Timestamp,
}

impl TrackRecord {
    /// The key of a party's track.
    pub fn key_of(session: SessionId, party: Party) -> String {
        match party {
            Party::Driver => format!("{session}/driver"),
            Party::Vehicle => format!("{session}/vehicle"),
        }
    }

    /// Under which index value the tracks of a venue are found whose last fix came on a day.
    pub(crate) fn seen_on(venue: &VenueId, day: u64) -> (&'static str, String) {
        ("venue_day", format!("{venue}/{day}"))
    }

    /// The record as it is stored at `now`, for a stop whose window ends then: kept for as long as drawings of a venue are
    /// tried on it, and no longer (M-PRV-2).
    pub(crate) fn kept(self, window_end: Timestamp, now: Timestamp) -> Self {
        Self { kept_until: now.max(window_end).plus_ms(TRACK_KEPT_MS), ..self }
    }

    /// Days since the Unix epoch, by UTC.
    pub(crate) const fn day_of(at: Timestamp) -> u64 {
        at.unix_ms() / (24 * 60 * 60 * 1000)
    }
}

impl Record for TrackRecord {
    const KIND: Kind = Kind::Track;

    fn key(&self) -> String {
        Self::key_of(self.session, self.party)
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        let seen = self.track.venue().zip(self.track.last_fix());
        seen.map(|(venue, fix)| Self::seen_on(venue, Self::day_of(fix.received_at)))
            .into_iter()
            .collect()
    }

    fn until(&self) -> Option<Timestamp> {
        Some(self.kept_until)
    }
}

/// A drawing of a venue is tried on the positions of two days.
const TRACK_KEPT_MS: u64 = 2 * 24 * 60 * 60 * 1000;

/// How many exceptions of one kind a stop has had beyond those that its history tells of: its version counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutRecord {
    /// Which session.
    pub session: SessionId,
    /// Of which kind.
    pub exception: Exception,
}

impl Record for LeftOutRecord {
    const KIND: Kind = Kind::LeftOut;

    fn key(&self) -> String {
        format!("{}/{}", self.session, self.exception.name())
    }
}

/// One decision, with everything that is needed to make it again (M-POL-4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Which decision.
    pub decision: DecisionId,
    /// About which session.
    pub session: SessionId,
    /// When.
    pub at: Timestamp,
    /// What was asked, by its stable name.
    pub request: String,
    /// The inputs of the policies.
    pub facts: Option<Facts>,
    /// The policies that answered.
    pub policy: PolicyVersion,
    /// Names of the policies that determined the answer.
    pub policies: Vec<String>,
    /// Every reason against it; empty if it was granted.
    pub reasons: Vec<Reason>,
}

impl Record for DecisionRecord {
    const KIND: Kind = Kind::Decision;

    fn key(&self) -> String {
        self.decision.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("session", self.session.to_string())]
    }
}

/// A dispute beside a stop: at most one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeRecord {
    /// Of which stop.
    pub session: SessionId,
    /// Whose words are in the vault with it.
    pub customer: CustomerId,
    /// Of what.
    pub about: Grievance,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When an answer is due.
    pub answer_by: Timestamp,
    /// How and when it was decided.
    pub decided: Option<(DisputeOutcome, Timestamp)>,
}

impl DisputeRecord {
    /// The index that finds those that wait for a decision.
    pub(crate) const UNDECIDED: (&'static str, &'static str) = ("state", "undecided");
}

impl Record for DisputeRecord {
    const KIND: Kind = Kind::Dispute;

    fn key(&self) -> String {
        self.session.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        let (index, value) = Self::UNDECIDED;
        self.decided.is_none().then(|| (index, value.to_owned())).into_iter().collect()
    }
}
