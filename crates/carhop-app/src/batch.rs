//! The unit of durability: everything one decision reads, changes and causes, appended at once or not at all
//! (`design.md` §2.3).

mod body;

use carhop_kernel::actor::Actor;
use carhop_kernel::device::TrustTier;
use carhop_kernel::digest::{
    DecisionDigest, FirmwareDigest, KeyThumbprint, PolicyVersion, SecretHash,
};
use carhop_kernel::id::{CommandId, DecisionId, DeviceId, EventId, SessionId};
use carhop_kernel::session::Event;
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Partition, RecordKey};
use crate::records::TrustSubject;

pub use body::{
    Body, Clearance, DeviceEvent, DisputeEvent, DisputeOutcome, Grievance, OperatorEvent,
    PlaceJudged, Refused, SignOut,
};

/// One atomic append, within one partition: whatever names another one fails the batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose.
    pub partition: Partition,
    /// When it was judged.
    pub at: Timestamp,
    /// Everything that was judged, with the version that was read; zero for "does not exist".
    pub preconditions: Vec<(RecordKey, u64)>,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Records to store; the version of each grows by one, and goes on growing if a deleted one comes back.
    pub writes: Vec<Write>,
    /// Nonces to burn. One that may be forgotten by now counts as unspent.
    pub spends: Vec<Spend>,
    /// Effects to run later.
    pub effects: Vec<(EventId, Effect)>,
    /// Effects that failed and are not to be looked at again before their time. What was queued behind them waits.
    pub put_off: Vec<PutOff>,
    /// Effects that are done or called off, those of this batch included.
    pub finished_effects: Vec<EventId>,
    /// Timers to set; one of the same subject replaces the earlier one.
    pub timers: Vec<Timer>,
    /// Timers that are done or called off; one that this batch sets stays set.
    pub finished_timers: Vec<TimerSubject>,
    /// Personal data to keep sealed.
    pub sealed: Vec<Sealed>,
    /// Subjects whose sealed data is destroyed, that of this batch included.
    pub erased: Vec<String>,
    /// Positions given to events appended earlier; one out of turn is a conflict over the record of the log.
    pub sequenced: Vec<Sequenced>,
}

impl Batch {
    /// An empty batch.
    pub fn new(partition: Partition, at: Timestamp) -> Self {
        Self {
            partition,
            at,
            preconditions: Vec::new(),
            entries: Vec::new(),
            writes: Vec::new(),
            spends: Vec::new(),
            effects: Vec::new(),
            put_off: Vec::new(),
            finished_effects: Vec::new(),
            timers: Vec::new(),
            finished_timers: Vec::new(),
            sealed: Vec::new(),
            erased: Vec::new(),
            sequenced: Vec::new(),
        }
    }

    /// Whether it withdraws something, so that it must work when nothing else does: a full disk stops releases and must
    /// not stop revocations and holds. The start of a server counts, because without it there is nobody to ask.
    pub fn takes_away(&self) -> bool {
        let mut told = self.entries.iter().map(|entry| &entry.body);
        told.clone().any(withdraws) && !told.any(grants)
    }

    /// Whether it may go the way of refusals: it tells and stores, but moves no session and causes nothing.
    pub fn is_aside(&self) -> bool {
        let Self { entries, spends, effects, finished_effects, timers, finished_timers, .. } = self;
        let Self { put_off, sealed, erased, sequenced, .. } = self;
        entries.iter().all(|entry| !matches!(entry.stream, Stream::Session(_)))
            && (spends.is_empty() && effects.is_empty() && finished_effects.is_empty())
            && (put_off.is_empty() && timers.is_empty() && finished_timers.is_empty())
            && (sealed.is_empty() && erased.is_empty() && sequenced.is_empty())
    }
}

/// Whether something is withdrawn, or stopped, or has to be told before anything can be.
fn withdraws(body: &Body) -> bool {
    match body {
        Body::Session(event) => {
            matches!(**event, Event::SessionRevoked { .. } | Event::SessionHeld { .. })
        }
        Body::TokenRevoked { .. } => true,
        Body::Device(event) => {
            matches!(
                event,
                DeviceEvent::Revoked { .. }
                    | DeviceEvent::Frozen { .. }
                    | DeviceEvent::Forked { .. }
                    | DeviceEvent::CancelMade { .. }
            )
        }
        Body::Operator(event) => matches!(
            event,
            OperatorEvent::TenantHeld { .. }
                | OperatorEvent::TrustRevoked { .. }
                | OperatorEvent::ApiKeyRevoked { .. }
                | OperatorEvent::StaffRemoved { .. }
                | OperatorEvent::StaffSuspended { .. }
                | OperatorEvent::StaffSignedOut { .. }
                | OperatorEvent::Started { .. }
        ),
        Body::Refused(_)
        | Body::RefusalsCapped { .. }
        | Body::CodeIssued { .. }
        | Body::ProofFailed { .. }
        | Body::TokenIssued { .. }
        | Body::CustomerBound { .. }
        | Body::LinkIssued { .. }
        | Body::PlaceJudged(_)
        | Body::TagScanned { .. }
        | Body::VehicleCompared { .. }
        | Body::Dispute(_) => false,
    }
}

/// Whether somebody is given something, in whose stead what they had before is withdrawn.
const fn grants(body: &Body) -> bool {
    matches!(body, Body::TokenIssued { .. } | Body::CustomerBound { .. } | Body::LinkIssued { .. })
}

/// What an append came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The ids of its entries, in order.
    pub events: Vec<EventId>,
}

/// Which stream an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "stream", content = "id", rename_all = "snake_case")]
pub enum Stream {
    /// A stop's own history; folding it gives the session.
    Session(SessionId),
    /// Refusals and failed proofs around a stop; folding a session never needs it.
    Side(SessionId),
    /// A device's history.
    Device(DeviceId),
    /// The operator's own: policies, keys, venues, holds.
    Operator,
}

/// One thing to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EventId,
    /// Where it belongs.
    pub stream: Stream,
    /// Who caused it, under which decision, with what.
    pub meta: Meta,
    /// What happened.
    pub body: Body,
}

/// What is recorded about the cause of an event (M-AUD-1). Pseudonymous only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// Who caused it.
    pub actor: Actor,
    /// The decision that permitted or refused it.
    pub decision: Option<DecisionRef>,
    /// The policies that answered.
    pub policy: Option<PolicyVersion>,
    /// Fingerprint of the certificate, or thumbprint of the key, that the caller proved.
    pub key: Option<KeyThumbprint>,
    /// Hash of the token that was used.
    pub token: Option<SecretHash>,
    /// What runs on the device concerned, and how far it was trusted at that moment (M-DEV-3).
    pub device: Option<DeviceTrust>,
}

/// The decision behind an event. What the log commits to thereby commits to the decision's record as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRef {
    /// Which.
    pub id: DecisionId,
    /// SHA-256 of its record's stored bytes.
    pub digest: DecisionDigest,
}

/// A device's state at the moment of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceTrust {
    /// Which device.
    pub device: DeviceId,
    /// Everything measured that runs on it.
    pub firmware: Vec<FirmwareDigest>,
    /// How far it is trusted.
    pub tier: TrustTier,
}

/// A recorded event as it comes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub id: EventId,
    /// Whose.
    pub partition: Partition,
    /// Where it belongs.
    pub stream: Stream,
    /// Its number within the stream, from one, without gaps.
    pub sequence: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who caused it.
    pub meta: Meta,
    /// What happened.
    pub body: Body,
    /// The stored bytes, exactly; what the log commits to.
    pub stored: Vec<u8>,
}

/// A position in a partition's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequenced {
    /// Which event.
    pub event: EventId,
    /// Its position, from zero, without gaps.
    pub position: u64,
    /// The Merkle leaf's bytes; never rewritten.
    pub leaf: Vec<u8>,
}

/// An entry of a partition's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Its position.
    pub position: u64,
    /// The Merkle leaf's bytes.
    pub leaf: Vec<u8>,
    /// The event.
    pub recorded: Recorded,
}

/// An event as a journal holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its number in the order of appending, from one; others' numbers may lie between.
    pub number: u64,
    /// What the partition's log has to do with it.
    pub standing: Standing,
    /// The event.
    pub recorded: Recorded,
}

/// What a partition's log has to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has this position.
    At(u64),
    /// It waits for its position.
    Waiting,
    /// It has none and waits for none: it did not come in by an append.
    Beside,
}

/// A record to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub key: RecordKey,
    /// What; `None` deletes it.
    pub body: Option<Vec<u8>>,
    /// Under which index values it is found.
    pub indexes: Vec<(&'static str, String)>,
    /// First instant at which it may be forgotten, as if it had never been; never if `None`.
    pub until: Option<Timestamp>,
}

/// A nonce to burn; a second one of the same space and value fails the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// What kind of nonce.
    pub space: &'static str,
    /// Its hash.
    pub nonce: [u8; 32],
    /// When it may be forgotten.
    pub until: Timestamp,
}

/// Something to be done once the batch is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Send a signed command, unchanged, to a device.
    SendCommand {
        /// The device.
        device: DeviceId,
        /// The session it serves.
        session: SessionId,
        /// The command.
        command: CommandId,
        /// First instant at which it must not be sent any more.
        expires_at: Timestamp,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Send a signed cancel, unchanged, to a device. It can only stop something, so nothing calls it back.
    SendCancel {
        /// The device.
        device: DeviceId,
        /// First instant at which it must not be sent any more.
        expires_at: Timestamp,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

impl Effect {
    /// The device that it is for; effects of one device run in order.
    pub const fn device(&self) -> DeviceId {
        match self {
            Self::SendCommand { device, .. } | Self::SendCancel { device, .. } => *device,
        }
    }

    /// First instant at which it must not be run any more.
    pub const fn expires_at(&self) -> Timestamp {
        match self {
            Self::SendCommand { expires_at, .. } | Self::SendCancel { expires_at, .. } => {
                *expires_at
            }
        }
    }
}

/// An effect that was leased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedEffect {
    /// Its id.
    pub id: EventId,
    /// Whose.
    pub partition: Partition,
    /// What is to be done.
    pub effect: Effect,
    /// How often it has failed already; what it waits longer for.
    pub tries: u32,
}

/// An effect that failed, and when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutOff {
    /// Which effect.
    pub effect: EventId,
    /// When.
    pub due_at: Timestamp,
    /// How often it has failed by now.
    pub tries: u32,
}

/// What a timer is about; one timer per subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "timer", rename_all = "snake_case", deny_unknown_fields)]
pub enum TimerSubject {
    /// A command's time is over.
    Silence {
        /// The session.
        session: SessionId,
        /// The command.
        command: CommandId,
    },
    /// A session's window is over.
    WindowEnd {
        /// The session.
        session: SessionId,
    },
    /// A revocation goes on.
    Settlement {
        /// What was revoked.
        subject: TrustSubject,
    },
    /// What began under a command has taken longer than it may.
    Overdue {
        /// The session.
        session: SessionId,
        /// The command.
        command: CommandId,
    },
}

/// A durable deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Whose.
    pub partition: Partition,
    /// What about.
    pub subject: TimerSubject,
    /// When.
    pub due_at: Timestamp,
    /// How often it has run or failed already; what it waits longer for.
    pub tries: u32,
}

impl Timer {
    /// A timer that has not run yet.
    pub const fn new(partition: Partition, subject: TimerSubject, due_at: Timestamp) -> Self {
        Self { partition, subject, due_at, tries: 0 }
    }
}

/// Personal data, sealed under a key of its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Whose data.
    pub subject: String,
    /// Which datum.
    pub field: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}
