//! What truly happens in a world, as its simulator sees it and no server does: what became durable, what left on a wire,
//! what metal did, who was told what. A reference model is told each of these, in order, and says what is broken.
//!
//! It judges nothing. How a happening is written ([`core::fmt::Debug`]) is what the hash of a run is taken over, so that
//! the same seed gives the same hash.

use core::fmt;
use std::sync::Arc;

use carhop_agent::Action;
use carhop_app::Reply;
use carhop_app::batch::Batch;
use carhop_app::ports::AppendError;
use carhop_app::record::Partition;
use carhop_app::sequence::event_name;
use carhop_kernel::digest::PolicyVersion;
use carhop_kernel::id::{CommandId, DeviceId, DriverId, EventId, OrderId, SessionId};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{LegIndex, Session};
use carhop_kernel::time::Timestamp;
use carhop_proofs::audit::VerifierKey;
use carhop_proofs::statement::Statement;
use carhop_proofs::suite::{RustCrypto, Suite};

use crate::quick::Crypto;

/// Sees everything that happens, one after the other, and says what must not be.
pub trait Witness {
    /// Sees what happened at `at` of the world's own time, which no server and no device knows and which never goes back.
    fn see(&mut self, at: Timestamp, happening: &Happening) -> Result<(), Broken>;
}

/// Something that must always hold does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {why}")]
pub struct Broken {
    /// Which invariant, by a stable name of lower-case words with underscores.
    pub invariant: &'static str,
    /// What shows it.
    pub why: String,
}

impl Broken {
    /// This invariant is broken, as `why` shows.
    pub fn new(invariant: &'static str, why: impl Into<String>) -> Self {
        Self { invariant, why: why.into() }
    }
}

/// A server, by number. All servers share one journal; each start of one begins with empty caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerNumber(pub u8);

/// Somebody who asks: a customer, a driver, the store, the staff, an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonNumber(pub u16);

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A server started over whatever is durable.
    Recovered {
        /// Which.
        server: ServerNumber,
        /// Every event that the journal holds, in the order of appending.
        events: Vec<EventId>,
    },
    /// A server died; whatever it had not made durable is gone.
    Crashed {
        /// Which.
        server: ServerNumber,
        /// At which step.
        at: CrashPoint,
    },
    /// A server stands still, and goes on later as if nothing had been.
    Paused {
        /// Which.
        server: ServerNumber,
        /// For how long.
        for_ms: u64,
    },
    /// A clock shows another time than it would have.
    ClockSet {
        /// Whose.
        clock: Clocked,
        /// How far it is ahead of the world's own time now; behind if negative.
        ahead_ms: i64,
    },
    /// A server judges by other policies from now on.
    PolicyReplaced {
        /// Which.
        server: ServerNumber,
        /// By which.
        policy: PolicyVersion,
    },
    /// It is told by which key everybody can verify the checkpoints of a log.
    LogKeyTold {
        /// Whose log.
        partition: Partition,
        /// The key, with the log's name.
        key: VerifierKey,
        /// In which cryptography.
        crypto: Crypto,
    },
    /// A batch became durable. Nobody was told yet, and perhaps nobody ever is.
    Appended {
        /// Of which server.
        server: ServerNumber,
        /// Numbers the appends of the world; the acknowledgement repeats it.
        append: u64,
        /// What became durable.
        batch: Written,
    },
    /// A server was told that its append is durable.
    Acknowledged {
        /// Which.
        server: ServerNumber,
        /// Which append.
        append: u64,
    },
    /// A server was told that its append failed. Nothing of it is durable, except after `Unknown`, where it may be.
    NotAppended {
        /// Which.
        server: ServerNumber,
        /// Which append.
        append: u64,
        /// What it was told.
        error: AppendError,
    },
    /// A server handed a command or a cancel to the way to a device: from here on it may arrive.
    CommandLeft {
        /// Which server.
        server: ServerNumber,
        /// At which device.
        device: DeviceId,
        /// SHA-256 of its signed bytes, as an effect of an appended batch has them.
        bytes: [u8; 32],
    },
    /// A server asked a device for the receipt of a command.
    QueryLeft {
        /// Which server.
        server: ServerNumber,
        /// Which device.
        device: DeviceId,
        /// About which command.
        command: CommandId,
    },
    /// A device made durable that it accepts a command: it will act on it, or has crashed before it could.
    Accepted {
        /// Which.
        device: DeviceId,
        /// Which command; never a cancel.
        command: CommandId,
    },
    /// A device made durable that it obeys nothing of an epoch of trust below this one.
    EpochLearned {
        /// Which.
        device: DeviceId,
        /// The epoch.
        epoch: u64,
    },
    /// A device told its metal to do something.
    Actuated {
        /// Which.
        device: DeviceId,
        /// What.
        action: Action,
    },
    /// A door opened, whoever or whatever opened it.
    DoorOpened {
        /// Of which lock.
        device: DeviceId,
    },
    /// A door is shut and its bolt home.
    DoorLocked {
        /// Of which lock.
        device: DeviceId,
    },
    /// A meter shows another total. With a meter that lies, this is the lie: nothing else is ever known.
    Metered {
        /// Of which pump.
        device: DeviceId,
        /// What it shows now, in millilitres.
        totaliser_ml: u64,
    },
    /// A device signed a statement and made it durable. It may be sent, now or much later.
    Told {
        /// What it says.
        statement: Statement,
        /// SHA-256 of its signed bytes, as the log will have it.
        hash: [u8; 32],
    },
    /// A device lost its power: what was not durable is gone, and its clock begins at zero.
    Rebooted {
        /// Which.
        device: DeviceId,
    },
    /// A device and a server have a connection, as the device sees it.
    Connected {
        /// Which device.
        device: DeviceId,
        /// Which server.
        server: ServerNumber,
    },
    /// The device's connection is gone, as the device sees it.
    Disconnected {
        /// Which device.
        device: DeviceId,
    },
    /// Something is wrong with a wire, or is mended.
    Partitioned {
        /// Between whom.
        link: Link,
        /// What gets through.
        state: LinkState,
    },
    /// Somebody asks something, or asks it again.
    Asked {
        /// Who.
        person: PersonNumber,
        /// Numbers the questions of the world; repetitions of one have the same number and the same idempotency key.
        question: u64,
        /// What.
        ask: Ask,
        /// Which server.
        server: ServerNumber,
    },
    /// Somebody has the answer to a question; each question is answered at most once, whatever comes late.
    Answered {
        /// Who.
        person: PersonNumber,
        /// To which question.
        question: u64,
        /// What was asked.
        ask: Ask,
        /// The answer.
        answer: Answer,
    },
    /// What a server shows of a session to somebody who may see it, folded or from its cache.
    Viewed {
        /// Which server.
        server: ServerNumber,
        /// Whose people see it.
        viewer: Partition,
        /// The session as that server has it.
        session: Box<Session>,
    },
    /// What somebody was given who reached for something, or has done something to.
    Reached {
        /// Whose people they are.
        by: Partition,
        /// What they were given.
        given: Vec<Belonging>,
    },
    /// Something is done to metal, cars or phones that no server is told of.
    Mischief(Mischief),
    /// All faults end here and all wires work; everything still runs.
    Healed,
    /// Everything has had its time. Nothing happens after this.
    Ended,
}

/// What became durable at once.
#[derive(Clone)]
pub struct Written(pub Arc<Batch>);

/// The step at which a server died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrashPoint {
    /// Before an append: nothing of it is durable.
    BeforeAppend,
    /// In an append that did not become durable.
    AppendLost,
    /// In an append that became durable, and nobody was told.
    AppendUnacknowledged,
    /// After an append was acknowledged, before anything was made of it.
    AfterAppend,
    /// Before or after effects were leased.
    Lease,
    /// Before a command was handed to the way to its device, its leaving being durable.
    BeforeCommand,
    /// After a command was handed over.
    AfterCommand,
    /// When a device's statement came in.
    Statement,
    /// At any other moment.
    AnyTime,
}

/// Whose clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clocked {
    /// A server's wall clock.
    Server(ServerNumber),
    /// A device's own monotonic clock, whose speed is wrong.
    Device(DeviceId),
}

/// A wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// Between a device and whichever server it is connected to.
    Device(DeviceId),
    /// Between somebody and all servers.
    Person(PersonNumber),
}

/// What gets through a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkState {
    /// Everything, as well as the plan lets it.
    Up,
    /// Nothing to the device or person.
    Deaf,
    /// Nothing from the device or person.
    Mute,
    /// Nothing at all.
    Cut,
}

/// What somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To place an order.
    PlaceOrder,
    /// To replace the terms of an order.
    Amend {
        /// Which.
        order: OrderId,
        /// Of which session.
        session: SessionId,
    },
    /// To get a leg released.
    Release {
        /// Which session.
        session: SessionId,
        /// Which leg.
        leg: LegIndex,
    },
    /// To end a stop.
    Revoke {
        /// Which.
        session: SessionId,
    },
    /// To hold a stop.
    Hold {
        /// Which.
        session: SessionId,
    },
    /// To lift a hold.
    Resume {
        /// Which.
        session: SessionId,
    },
    /// To withdraw the trust in a device.
    Withdraw {
        /// Which.
        device: DeviceId,
    },
    /// To freeze or thaw every release of the tenant.
    HoldTenant {
        /// Whether to freeze.
        held: bool,
    },
    /// To give a stop to a driver.
    Assign {
        /// Which stop.
        session: SessionId,
        /// To whom.
        driver: DriverId,
    },
    /// To say what became of a command.
    Resolve {
        /// Which stop.
        session: SessionId,
        /// Which leg.
        leg: LegIndex,
        /// Whether it was carried out, as the person found.
        executed: bool,
    },
    /// Any other step of a stop, by the name of its use case.
    Step {
        /// Which stop.
        session: SessionId,
        /// Which step.
        step: &'static str,
    },
}

/// What somebody was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done, and durable.
    Done(Reply),
    /// It is done; the answer is a secret or a finding that concerns nobody else.
    Given,
    /// It was refused, for these reasons, gravest first.
    Refused(Vec<Reason>),
    /// It was not done, or nobody knows, for a reason that is no refusal.
    Failed(String),
    /// No answer came although it was asked again and again. It may have been done.
    Silence,
}

/// Something that is one tenant's and no other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belonging {
    /// A stop, or something that is known of it.
    Session(SessionId),
    /// A device, or something that is known of it.
    Device(DeviceId),
    /// An event of a stop, a device or a log.
    Event(EventId),
}

/// What is done behind everybody's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// The bolt of a lock does not move, or moves again.
    Jam {
        /// Which.
        device: DeviceId,
        /// Whether it is jammed now.
        jammed: bool,
    },
    /// A door is forced open.
    Force {
        /// Of which lock.
        device: DeviceId,
    },
    /// The meter of a pump stands still or runs backwards from now on, or is mended.
    Meter {
        /// Of which pump.
        device: DeviceId,
        /// Whether it is wrong now.
        wrong: bool,
    },
    /// The meter of a pump leaps in what is dispensed next, or was mended before that.
    Leap {
        /// Of which pump.
        device: DeviceId,
    },
    /// The sensors of a lock show what did not happen; it signs for that as for anything else.
    Lie {
        /// Which.
        device: DeviceId,
    },
    /// Somebody holds the key of a lock or pump: from now on nothing that it signs need be so, and another may speak with
    /// its voice.
    KeyTaken {
        /// Of which.
        device: DeviceId,
    },
    /// A phone was stolen: the attacker has the driver's handset, its key and its tokens.
    Stolen {
        /// Which handset.
        device: DeviceId,
    },
    /// A car drives off.
    DriveOff {
        /// At which stop.
        session: SessionId,
    },
    /// A code or token is used by somebody to whom it was not given.
    Relayed {
        /// At which stop.
        session: SessionId,
    },
}

impl fmt::Debug for Written {
    /// What tells one batch from another, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batch = &*self.0;
        write!(f, "{}/{} [", batch.partition.tenant, batch.partition.market)?;
        for entry in &batch.entries {
            write!(f, "{} {}; ", entry.id, event_name(&entry.body))?;
        }
        let bodies: Vec<&[u8]> =
            batch.writes.iter().filter_map(|write| write.body.as_deref()).collect();
        let digest = RustCrypto.sha256(&bodies);
        write!(f, "] {} writes {:02x?}", batch.writes.len(), &digest[..4])?;
        let (effects, done) = (batch.effects.len(), batch.finished_effects.len());
        let (timers, over) = (batch.timers.len(), batch.finished_timers.len());
        write!(f, " effects +{effects} -{done} timers +{timers} -{over}")?;
        write!(f, " spends {} sequenced {}", batch.spends.len(), batch.sequenced.len())
    }
}
