//! What can be recorded: the vocabulary of the log besides the events of a session, which are the kernel's.
//! When something is recorded is not said here.

use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::{
    CommandKey, EvidenceHash, FirmwareDigest, KeyThumbprint, PolicyVersion, SecretHash,
};
use carhop_kernel::evidence::Party;
use carhop_kernel::geofence::Bay;
use carhop_kernel::id::{
    CommandId, CustomerId, DeviceId, DriverId, ProofId, StaffId, TicketId, TokenId,
};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::Event;
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::TokenLayer;
use serde::{Deserialize, Serialize};

use crate::records::StaffRole;
use crate::refusal::Asker;

/// What can be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Body {
    /// Something happened to a session.
    Session(Box<Event>),
    /// A request was refused.
    Refused(Refused),
    /// So many refusals of the stop were journaled; more of them are counted only.
    RefusalsCapped {
        /// By whom they were made.
        by: Asker,
        /// How many.
        journaled: u64,
    },
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
    /// A dispute beside the stop went on.
    Dispute(DisputeEvent),
    /// Something happened to a device.
    Device(DeviceEvent),
    /// Something changed in the operator's set-up.
    Operator(OperatorEvent),
}

impl Body {
    /// What happened to a session, if that is what is told.
    pub fn of_session(&self) -> Option<&Event> {
        match self {
            Self::Session(event) => Some(event),
            Self::Refused(_)
            | Self::RefusalsCapped { .. }
            | Self::CodeIssued { .. }
            | Self::ProofFailed { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::CustomerBound { .. }
            | Self::LinkIssued { .. }
            | Self::PlaceJudged(_)
            | Self::TagScanned { .. }
            | Self::VehicleCompared { .. }
            | Self::Dispute(_)
            | Self::Device(_)
            | Self::Operator(_) => None,
        }
    }
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

/// What happens to a dispute (M-FLO-6). The customer's words are in the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum DisputeEvent {
    /// The customer complains of a stop that has ended.
    Opened {
        /// Of what.
        about: Grievance,
        /// When an answer is due.
        answer_by: Timestamp,
    },
    /// The staff has decided.
    Decided {
        /// How.
        outcome: DisputeOutcome,
    },
}

/// What a customer complains of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grievance {
    /// Something is not there.
    Missing,
    /// Something else is there.
    WrongGoods,
    /// Something is broken, spoilt or scratched.
    Damaged,
    /// The fuel is not what was paid for.
    Fuel,
    /// The car was opened, or stood open, as it should not have.
    Opening,
    /// Something else.
    Other,
}

/// How a dispute ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// The customer is right.
    Upheld,
    /// The log shows otherwise.
    Rejected,
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
    /// It was given another certificate, which counts from when it is first shown; or has shown one that a restored journal
    /// did not know.
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
        /// Everything measured that runs on it.
        firmware: Vec<FirmwareDigest>,
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
    /// Something that was to be sent to it could not be worked off, however often that was tried, and was given up.
    EffectAbandoned {
        /// Which.
        device: DeviceId,
        /// The command, if it was one; a cancel otherwise.
        command: Option<CommandId>,
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
        /// Fingerprint of the root certificate that every device's certificate leads to.
        device_root: KeyThumbprint,
        /// The key that its commands are signed with.
        command_key: CommandKey,
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
    /// An API key was revoked: whoever has it is nobody.
    ApiKeyRevoked {
        /// Which.
        key: String,
        /// Why.
        why: String,
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
    /// Releases of the whole tenant in this market were frozen.
    TenantHeld {
        /// Why.
        cause: String,
    },
    /// They go on.
    TenantResumed {
        /// What was found.
        cause: String,
    },
    /// Other policies decide from now on.
    PolicyActivated {
        /// Those that decided before.
        from: PolicyVersion,
        /// Those that decide now.
        to: PolicyVersion,
        /// The shipped requirements that they leave out or word otherwise, by name.
        departures: Vec<String>,
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
    /// Somebody was invited to the staff.
    StaffInvited {
        /// Who.
        member: StaffId,
        /// What for.
        role: StaffRole,
        /// First instant at which the invitation is dead.
        expires_at: Timestamp,
    },
    /// A member of staff has registered a passkey.
    StaffRegistered {
        /// Who.
        member: StaffId,
        /// SHA-256 of its public key.
        passkey: KeyThumbprint,
    },
    /// A member of staff has signed in.
    StaffSignedIn {
        /// Who.
        member: StaffId,
        /// First instant at which the sign-in is over.
        expires_at: Timestamp,
    },
    /// A sign-in was ended.
    StaffSignedOut {
        /// Whose.
        member: StaffId,
        /// Why.
        why: SignOut,
    },
    /// A member of staff was shut out: their passkey has counted backwards, so that there are two of it.
    StaffSuspended {
        /// Who.
        member: StaffId,
    },
    /// A member of staff was removed.
    StaffRemoved {
        /// Who.
        member: StaffId,
        /// Why.
        why: String,
    },
}

/// Why a sign-in was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignOut {
    /// Whoever had signed in wanted to.
    Asked,
    /// Its token came with another key than the one it was given to.
    KeyMismatch,
}
