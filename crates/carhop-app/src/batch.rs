//! The unit of durability: everything one decision reads, changes and causes, appended at once or not at all
//! (`design.md` §2.3).

use carhop_kernel::actor::Actor;
use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::{
    DecisionDigest, EvidenceHash, FirmwareDigest, KeyThumbprint, PolicyVersion, SecretHash,
};
use carhop_kernel::evidence::Party;
use carhop_kernel::geofence::Bay;
use carhop_kernel::id::{
    CommandId, CustomerId, DecisionId, DeviceId, DriverId, EventId, ProofId, SessionId, TicketId,
    TokenId,
};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::Event;
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::TokenLayer;
use serde::{Deserialize, Serialize};

use crate::record::{Partition, RecordKey};
use crate::records::TrustSubject;

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
        self.entries.iter().any(|entry| match &entry.body {
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
                )
            }
            Body::Operator(event) => matches!(
                event,
                OperatorEvent::TenantHold { held: true }
                    | OperatorEvent::TrustRevoked { .. }
                    | OperatorEvent::Started { .. }
            ),
            Body::Refused(_)
            | Body::CodeIssued { .. }
            | Body::ProofFailed { .. }
            | Body::TokenIssued { .. }
            | Body::CustomerBound { .. }
            | Body::LinkIssued { .. }
            | Body::PlaceJudged(_)
            | Body::TagScanned { .. }
            | Body::VehicleCompared { .. } => false,
        })
    }
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
    /// What runs on it.
    pub firmware: Option<FirmwareDigest>,
    /// How far it is trusted.
    pub tier: TrustTier,
}

/// What can be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Body {
    /// Something happened to a session.
    Session(Box<Event>),
    /// A request was refused.
    Refused(Refused),
    /// A code was made for the customer to show.
    CodeIssued {
        /// Which.
        proof: ProofId,
        /// First instant at which it is dead.
        expires_at: Timestamp,
    },
    /// A code or scan was tried and did not match.
    ProofFailed {
        /// Which was live, if one was.
        proof: Option<ProofId>,
        /// Why.
        reason: Reason,
        /// How often this code has been tried.
        tries: u8,
    },
    /// A token was issued.
    TokenIssued {
        /// Which.
        token: TokenId,
        /// Which layer.
        layer: TokenLayer,
        /// Its stored hash.
        hash: SecretHash,
        /// First instant at which it is dead.
        expires_at: Timestamp,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Which.
        token: TokenId,
    },
    /// A customer's device key was bound by a one-time link.
    CustomerBound {
        /// Who.
        customer: CustomerId,
        /// The key.
        key: KeyThumbprint,
    },
    /// A one-time link was made for the customer.
    LinkIssued {
        /// Which; its secret is nowhere.
        ticket: TicketId,
        /// First instant at which it is dead.
        expires_at: Timestamp,
    },
    /// Positions were judged against the fence.
    PlaceJudged(PlaceJudged),
    /// The driver read what was taken for a tag of the venue.
    TagScanned {
        /// Whether it is one.
        known: bool,
        /// The bay it hangs in.
        bay: Option<Bay>,
    },
    /// The driver compared a plate with the order's.
    VehicleCompared {
        /// Whether it is the car of the order.
        matches: bool,
        /// How many plates have not matched at this stop, this one included.
        misses: u8,
    },
    /// Something happened to a device.
    Device(DeviceEvent),
    /// Something changed in the operator's set-up.
    Operator(OperatorEvent),
}

/// A refused request of an authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What was asked, by its stable name.
    pub request: String,
    /// Every reason, gravest first.
    pub reasons: Vec<Reason>,
}

/// One evaluation of positions (M-GEO-5). Coordinates stay in the traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceJudged {
    /// Whose positions.
    pub party: Party,
    /// The answer's stable code.
    pub answer: String,
    /// Why, by stable codes.
    pub why: Vec<String>,
    /// Probability of being inside, in thousandths.
    pub probability_permille: u16,
    /// Age of the judged fix in milliseconds.
    pub fix_age_ms: u64,
    /// Accuracy radius of the judged fix in decimetres.
    pub accuracy_dm: u32,
}

/// What happens to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeviceEvent {
    /// It enrolled with a ticket and a signing request.
    Enrolled {
        /// Which.
        device: DeviceId,
        /// Of which class.
        class: DeviceClass,
        /// Fingerprint of its certificate.
        certificate: KeyThumbprint,
        /// First instant at which the certificate is dead.
        expires_at: Timestamp,
    },
    /// Its certificate was renewed.
    Renewed {
        /// Which.
        device: DeviceId,
        /// Fingerprint of its new certificate.
        certificate: KeyThumbprint,
        /// First instant at which the certificate is dead.
        expires_at: Timestamp,
    },
    /// Its integrity was judged.
    Attested {
        /// Which.
        device: DeviceId,
        /// How far it is trusted now.
        tier: TrustTier,
        /// What runs on it.
        firmware: Option<FirmwareDigest>,
        /// Why it is not trusted further, by stable code.
        why: Option<String>,
        /// Thumbprint of the root that vouched for it; a demo names its own here.
        root: Option<KeyThumbprint>,
    },
    /// It connected.
    Connected {
        /// Which.
        device: DeviceId,
    },
    /// It signed a statement.
    Stated {
        /// Which.
        device: DeviceId,
        /// What about, by stable name.
        what: String,
        /// The command it concerns.
        command: Option<CommandId>,
        /// Meter value in millilitres, where there is one.
        metered_ml: Option<u32>,
        /// SHA-256 of the statement's bytes.
        statement: EvidenceHash,
    },
    /// A signed cancel was made for it: it shall never carry out a command, and say whether it has.
    CancelMade {
        /// Which.
        device: DeviceId,
        /// The cancel.
        cancel: CommandId,
        /// What it cancels.
        command: CommandId,
    },
    /// Two live connections claim to be it: it is frozen until a person has looked.
    Frozen {
        /// Which.
        device: DeviceId,
    },
    /// A person has looked and given it back what it lost.
    Cleared {
        /// Which.
        device: DeviceId,
        /// Of what it was cleared.
        of: Clearance,
        /// What was found.
        why: String,
    },
    /// A ticket was made with which it enrols.
    Ticketed {
        /// Which.
        device: DeviceId,
        /// Of which class.
        class: DeviceClass,
        /// First instant at which the ticket is dead.
        expires_at: Timestamp,
    },
    /// It told a second story about a moment that it had told of before, and is not believed any more.
    Forked {
        /// Which.
        device: DeviceId,
        /// The boot it tells of.
        boot_epoch: u32,
        /// The number within the boot.
        sequence: u64,
        /// SHA-256 of the statement's bytes.
        statement: EvidenceHash,
    },
    /// It was revoked.
    Revoked {
        /// Which.
        device: DeviceId,
        /// Why.
        why: String,
    },
}

/// What a device is cleared of once a person has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clearance {
    /// Two live connections claimed to be it.
    Freeze,
    /// It reported tampering.
    Tamper,
}

/// What changes in the operator's set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorEvent {
    /// The server started with this policy and these attestation roots.
    Started {
        /// Version of the program.
        version: String,
        /// The policies in force.
        policy: PolicyVersion,
        /// Thumbprints of the attestation roots it accepts.
        attestation_roots: Vec<KeyThumbprint>,
        /// How far a demo's clock has skipped ahead, in milliseconds; zero outside demos.
        clock_offset_ms: u64,
    },
    /// A venue was stored.
    VenueStored {
        /// Which.
        venue: String,
        /// Its version.
        version: u64,
    },
    /// An API key was made.
    ApiKeyMade {
        /// Which.
        key: String,
        /// Its scopes.
        scopes: Vec<String>,
    },
    /// A driver was named and given a device to sign in on.
    DriverNamed {
        /// Who.
        driver: DriverId,
        /// Which.
        device: DeviceId,
    },
    /// The journal went back to a backup: what happened in between is not in it.
    Restored {
        /// When the backup was made.
        backed_up_at: Timestamp,
        /// The epoch of trust from now on.
        trust_epoch: u64,
    },
    /// Releases of the whole tenant were frozen or thawed.
    TenantHold {
        /// Whether they are frozen now.
        held: bool,
    },
    /// A class of devices or a firmware was revoked.
    TrustRevoked {
        /// Which, as text.
        subject: String,
        /// Why.
        why: String,
    },
    /// Nothing that was commanded before a revocation can happen any more.
    RevocationSettled {
        /// What was revoked, as text.
        subject: String,
    },
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

/// A record to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub key: RecordKey,
    /// What; `None` deletes it.
    pub body: Option<Vec<u8>>,
    /// Under which index values it is found.
    pub indexes: Vec<(&'static str, String)>,
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

/// An effect that was leased, with whose it is.
pub type LeasedEffect = (EventId, Partition, Effect);

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
