//! What a statement is called and what it names; what follows from it is not here.

use carhop_kernel::id::CommandId;
use carhop_proofs::statement::{Body as Said, LockEvent, Outcome, ReadingKind};

/// The command that a statement names.
pub fn command_of(said: &Said) -> Option<CommandId> {
    match said {
        Said::Receipt { command, .. } | Said::Meter { command, .. } => Some(*command),
        Said::Lock { command, .. } | Said::Interlock { command, .. } => *command,
    }
}

/// What a statement says was metered in its dispensing so far, in millilitres.
pub(crate) const fn metered_ml(said: &Said) -> Option<u32> {
    match said {
        Said::Meter { reading, .. } => Some(reading.metered_ml),
        Said::Receipt { .. } | Said::Lock { .. } | Said::Interlock { .. } => None,
    }
}

/// The stable name of what a statement says.
pub(crate) const fn what(said: &Said) -> &'static str {
    match said {
        Said::Receipt { outcome, .. } => match outcome {
            Outcome::Opened => "receipt.opened",
            Outcome::Armed => "receipt.armed",
            Outcome::NeverExecuted => "receipt.never_executed",
            Outcome::Jammed => "receipt.jammed",
            Outcome::Refused(_) => "receipt.refused",
        },
        Said::Lock { event, .. } => match event {
            LockEvent::Opened => "lock.opened",
            LockEvent::Closed => "lock.closed",
            LockEvent::Locked => "lock.locked",
            LockEvent::Jammed => "lock.jammed",
            LockEvent::Tampered => TAMPERED,
            LockEvent::Temperature { .. } => "lock.temperature",
        },
        Said::Meter { reading, .. } => match reading.kind {
            ReadingKind::Begin => "meter.begin",
            ReadingKind::Charge => "meter.charge",
            ReadingKind::End(_) => "meter.end",
        },
        Said::Interlock { .. } => "pump.interlock",
    }
}

/// The name of a statement by which a lock says that somebody tampers with it.
pub(crate) const TAMPERED: &str = "lock.tampered";
