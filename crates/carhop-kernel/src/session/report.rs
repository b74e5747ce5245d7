//! What the physical world says has happened. A report is never refused: a lock that opened has opened.

use super::event::{InterlockKind, NotExecuted};
use crate::digest::EvidenceHash;
use crate::id::{CommandId, DeviceId};

/// A verified report about this session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A lock opened; `command` is what the device says made it.
    LockOpened {
        /// Which lock.
        device: DeviceId,
        /// Under which command, if any.
        command: Option<CommandId>,
        /// The signed statement.
        receipt: EvidenceHash,
    },
    /// A lock is locked.
    LockLocked {
        /// Which lock.
        device: DeviceId,
    },
    /// A lock jammed while carrying out a command.
    LockJammed {
        /// Which command.
        command: CommandId,
    },
    /// A pump is armed.
    PumpArmed {
        /// Which command.
        command: CommandId,
        /// The signed receipt.
        receipt: EvidenceHash,
    },
    /// A pump's meter advanced.
    MeterAdvanced {
        /// Which pump.
        device: DeviceId,
        /// Which command.
        command: CommandId,
        /// Number of the reading, from zero.
        number: u32,
        /// What the meter shows, in millilitres.
        metered_ml: u32,
    },
    /// A pump stopped, and all its readings are in.
    DispensingEnded {
        /// Which pump.
        device: DeviceId,
        /// Which command.
        command: CommandId,
        /// What the meter shows, in millilitres.
        metered_ml: u32,
    },
    /// It is proven that a command was not executed.
    NotExecuted {
        /// Which command.
        command: CommandId,
        /// How that is known.
        why: NotExecuted,
    },
    /// A pump's meter is not to be believed.
    MeterDoubted {
        /// Which pump.
        device: DeviceId,
        /// Why.
        doubt: MeterDoubt,
    },
    /// A command could not be worked off, however often that was tried, and never left.
    Abandoned {
        /// Which command.
        command: CommandId,
    },
    /// A command's time is over and no receipt came.
    Silence {
        /// Which command.
        command: CommandId,
    },
    /// A device was asked about a command for as long as anybody asks, and nobody knows what became of it.
    GivenUp {
        /// Which command.
        command: CommandId,
    },
    /// What began under a command has taken longer than it may.
    Overdue {
        /// Which command.
        command: CommandId,
    },
    /// The car moves.
    VehicleMoved,
    /// A device reported tampering.
    Tampered {
        /// Which device.
        device: DeviceId,
    },
    /// A pump's interlock tripped.
    InterlockTripped {
        /// Which pump.
        device: DeviceId,
        /// What tripped it.
        kind: InterlockKind,
    },
    /// Refrigerated goods left their temperature range.
    TemperatureOutOfRange {
        /// Which lock.
        device: DeviceId,
    },
}

/// Why a meter is not to be believed. What it metered is settled all the same: nothing better is known (M-ACT-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MeterDoubt {
    /// A numbered reading is missing, or came twice with different values.
    Gap,
    /// It shows less than it has shown.
    Backwards,
    /// The pump stopped because of a fault, or its numbers do not add up.
    Faulty,
    /// It has moved between two dispensings (standards §8.10).
    Unaccounted,
}
