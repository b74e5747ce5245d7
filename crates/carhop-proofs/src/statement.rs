//! What a device says and signs, in one hash chain for each device: receipts, lock reports, meter
//! readings, interlocks (M-ACT-2, M-ACT-3; standards §3 and §8).
//!
//! A statement is evidence, not a verdict: what follows from it is the kernel's to say, and where
//! it stands in the log is the journal's. Times in it are the device's own and order nothing.

mod codec;

use alloc::vec::Vec;

use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::session::InterlockKind;
use carhop_kernel::time::Timestamp;

use crate::cbor::CborError;
use crate::command::CommandRefusal;
use crate::cose::{self, CoseError, KeyId};
use crate::suite::{Algorithm, KeyError, PublicKey, SigningKey, Suite};

/// One signed statement of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who speaks.
    pub device: DeviceId,
    /// Grows with every start of the device.
    pub boot_epoch: u32,
    /// Number within the boot, from zero, without gaps.
    pub sequence: u64,
    /// The device's clock: data only.
    pub at: Timestamp,
    /// How far that clock may be believed.
    pub clock: ClockState,
    /// SHA-256 of the bytes of the statement before this one, across boots; zeros in the first.
    pub previous: [u8; 32],
    /// What is said.
    pub body: Body,
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The answer to a command.
    Receipt {
        /// Which command. After a cancel it is the cancelled one.
        command: CommandId,
        /// The last counter the device has accepted, this command's or its cancel's included.
        counter: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// Something happened at a lock.
    Lock {
        /// Under which command, if any: a person may use a key.
        command: Option<CommandId>,
        /// What happened.
        event: LockEvent,
    },
    /// A pump's meter was read.
    Meter {
        /// Under which command.
        command: CommandId,
        /// What it showed.
        reading: Reading,
    },
    /// An interlock stopped a pump.
    Interlock {
        /// Which command it was carrying out, if any.
        command: Option<CommandId>,
        /// What tripped.
        kind: InterlockKind,
    },
}

/// What came of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The lock opened.
    Opened,
    /// The pump is armed.
    Armed,
    /// It was cancelled before it was executed and never will be: the only proof that nothing
    /// happened (design §9.1).
    NeverExecuted,
    /// The lock tried and jammed.
    Jammed,
    /// The device refused it.
    Refused(RefusalCode),
}

/// What happened at a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockEvent {
    /// The door opened.
    Opened,
    /// The door closed.
    Closed,
    /// The bolt is home.
    Locked,
    /// The bolt does not move.
    Jammed,
    /// Somebody tampers with it.
    Tampered,
    /// The temperature inside.
    Temperature {
        /// Tenths of a degree Celsius.
        c10: i32,
    },
}

/// One reading of a pump's meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Number within the dispensing, from zero, without gaps.
    pub number: u32,
    /// Where in the dispensing it was taken.
    pub kind: ReadingKind,
    /// The meter's lifetime total, in millilitres.
    pub totaliser_ml: u64,
    /// What this dispensing has metered so far, in millilitres.
    pub metered_ml: u32,
}

/// Where in a dispensing a reading was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingKind {
    /// Before the first drop.
    Begin,
    /// While it flows.
    Charge,
    /// After the last drop, and why it was the last.
    End(EndReason),
}

/// Small closed sets with stable numbers on the wire; a number is never used again.
macro_rules! numbered {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            pub const fn number(self) -> u64 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The value with this number.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

numbered! {
    /// How far a device's clock may be believed (OCMF 1.4.1 Table 19).
    ClockState {
        /// U: never set since the device started.
        Unsynchronised = 0,
        /// I: set from a source without authority.
        Informative = 1,
        /// S: bounded by a signed answer of the authority.
        Synchronised = 2,
        /// R: counts from a synchronised moment, which is too long ago to be sure of.
        Relative = 3,
    }

    /// Why a device refused a command.
    RefusalCode {
        /// Not signed by an issuer the device knows.
        Issuer = 1,
        /// Meant for another device.
        Audience = 2,
        /// Of a trust epoch that is over.
        Epoch = 3,
        /// Not above the last counter.
        Counter = 4,
        /// Its life is longer than any command's may be.
        Lifetime = 5,
        /// Its time is over.
        Expired = 6,
        /// Its time has not come.
        NotYetValid = 7,
        /// The device has no bounded clock, and so cannot judge.
        ClockUnbounded = 8,
        /// The device has no such compartment or grade, or does not do this at all.
        Unsupported = 9,
        /// The device is still carrying out another command.
        Busy = 10,
        /// An interlock forbids it.
        Interlocked = 11,
        /// More is asked for than the device ever gives.
        Limit = 12,
        /// Its meter ran backwards or leapt: it dispenses nothing until somebody has looked at it.
        MeterDoubted = 13,
    }

    /// Why a dispensing ended.
    EndReason {
        /// The person hung the nozzle up.
        Finished = 1,
        /// The limit of the command was reached.
        LimitReached = 2,
        /// Nothing flowed for too long, or the nozzle was never lifted.
        NoFlow = 3,
        /// It took longer than a dispensing may.
        TimeLimit = 4,
        /// A cancel command ended it.
        Cancelled = 5,
        /// An interlock ended it.
        Interlock = 6,
        /// The device lost power; it says so after its restart.
        PowerLost = 7,
        /// The device restarted after arming and nothing had flowed.
        Aborted = 8,
        /// The device cannot go on.
        Fault = 9,
    }
}

impl From<CommandRefusal> for RefusalCode {
    fn from(refusal: CommandRefusal) -> Self {
        match refusal {
            CommandRefusal::Audience => Self::Audience,
            CommandRefusal::Epoch => Self::Epoch,
            CommandRefusal::Counter => Self::Counter,
            CommandRefusal::Lifetime => Self::Lifetime,
            CommandRefusal::Expired => Self::Expired,
            CommandRefusal::NotYetValid => Self::NotYetValid,
        }
    }
}

/// Why a statement could not be made or is none of a known device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Envelope, signer or signature are wrong.
    #[error("the statement is not signed by a known device")]
    Cose(#[from] CoseError),
    /// The bytes do not hold a statement in its exact form.
    #[error("the payload is not a statement in its exact form")]
    Malformed(#[from] CborError),
    /// Statements are signed with ES256 alone.
    #[error("statements are signed with ES256")]
    Algorithm,
    /// The signing key is unusable.
    #[error("the signing key is unusable")]
    Key(#[from] KeyError),
}

/// Signs a statement under the device's certified key.
pub fn sign(
    suite: &dyn Suite,
    key: &SigningKey,
    statement: &Statement,
) -> Result<Vec<u8>, StatementError> {
    let public = suite.public_key(key)?;
    if public.algorithm() != Algorithm::Es256 {
        return Err(StatementError::Algorithm);
    }
    let kid = cose::key_id(suite, &public);
    let payload = codec::encode(statement);
    Ok(cose::sign1(suite, key, kid, statement.body.aad(), &payload)?)
}

/// A genuine statement of a device whose certified key `lookup` knows. That the key is the one of
/// `Statement::device` is for the caller to compare: it knows whose key it gave.
pub fn open(
    suite: &dyn Suite,
    bytes: &[u8],
    lookup: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<Statement, StatementError> {
    if bytes.len() > STATEMENT_LENGTH_MAX {
        return Err(CborError::TooLong.into());
    }
    // The body says which kind the signature must be of, so it is read first and believed last.
    let claimed = codec::decode(codec::payload(bytes)?)?;
    let es256 = |kid: &KeyId| lookup(kid).filter(|key| key.algorithm() == Algorithm::Es256);
    cose::open1(suite, bytes, claimed.body.aad(), es256)?;
    Ok(claimed)
}

/// The end of a device's chain as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// Boot of the last statement.
    pub boot_epoch: u32,
    /// Its number within the boot.
    pub sequence: u64,
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
}

/// Why a statement is not the next of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// It is the last known one again: harmless, reports are sent until they are acknowledged.
    #[error("the statement is the last one again")]
    Repeated,
    /// It is older than the last known one: sent again, or a second story about the same past.
    #[error("the statement is older than the last one")]
    Old,
    /// Statements before it are missing; they are on their way or have been held back.
    #[error("statements before this one are missing")]
    Gap,
    /// It stands in the place of the next one but does not continue from the last: the device, or
    /// whoever has its key, tells two stories.
    #[error("the statement does not continue the chain")]
    Forked,
}

/// The chain's head after `statement`, whose signed bytes are `bytes`, when it is the next one
/// after `head`; `None` before the first statement of a device.
pub fn next_head(
    suite: &dyn Suite,
    head: Option<&ChainHead>,
    statement: &Statement,
    bytes: &[u8],
) -> Result<ChainHead, ChainError> {
    let Statement { boot_epoch, sequence, previous, .. } = *statement;
    let hash = suite.sha256(&[bytes]);
    let (expected_sequence, expected_previous) = match head {
        None => (0, [0; 32]),
        Some(head) if boot_epoch > head.boot_epoch => (0, head.hash),
        Some(head) if (boot_epoch, sequence) < (head.boot_epoch, head.sequence) => {
            return Err(ChainError::Old);
        }
        Some(head) if sequence == head.sequence && hash == head.hash => {
            return Err(ChainError::Repeated);
        }
        Some(head) if sequence == head.sequence => return Err(ChainError::Forked),
        Some(head) => (head.sequence.saturating_add(1), head.hash),
    };
    if sequence > expected_sequence {
        return Err(ChainError::Gap);
    }
    // A device may have spoken in a boot in between, of which nothing is known here yet.
    let skips_a_boot = head.is_some_and(|head| boot_epoch > head.boot_epoch);
    match (previous == expected_previous, skips_a_boot) {
        (true, _) => Ok(ChainHead { boot_epoch, sequence, hash }),
        (false, true) => Err(ChainError::Gap),
        (false, false) => Err(ChainError::Forked),
    }
}

impl Body {
    /// What kind of message the statement is signed as.
    const fn aad(&self) -> &'static str {
        match self {
            Self::Receipt { .. } => "carhop.receipt.v1",
            Self::Meter { .. } => "carhop.meter.v1",
            Self::Lock { .. } | Self::Interlock { .. } => "carhop.report.v1",
        }
    }
}

/// Longest signed statement, in bytes.
pub const STATEMENT_LENGTH_MAX: usize = 512;

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests;
