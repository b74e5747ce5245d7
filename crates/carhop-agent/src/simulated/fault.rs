//! What can be wrong with metal, so that demos and tests can have it happen.
//!
//! The agent around a broken actuator is the one that runs on a sound device: it is not told of any of this.

use carhop_kernel::session::InterlockKind;

/// One physical fault. An actuator that cannot have it ignores it; it lasts until the metal is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Lock: the bolt does not move, neither to open nor to lock.
    Jammed,
    /// Lock: the door does not stay shut, whoever closes it; left open, it is open.
    Ajar,
    /// Lock: somebody forces the door open now, and no command explains it.
    Forced,
    /// Pump: an interlock trips when so much of a dispensing has flowed.
    Interlock {
        /// Which.
        kind: InterlockKind,
        /// After how much, in millilitres.
        after_ml: u32,
    },
    /// Pump: the meter counts backwards when so much of a dispensing has flowed.
    MeterBackwards {
        /// After how much, in millilitres.
        after_ml: u32,
    },
    /// Pump: the meter stands still when so much of a dispensing has flowed.
    MeterStuck {
        /// After how much, in millilitres.
        after_ml: u32,
    },
    /// Pump: the meter leaps once, when so much of a dispensing has flowed.
    MeterLeaps {
        /// After how much, in millilitres.
        after_ml: u32,
        /// How far, in millilitres.
        by_ml: u32,
    },
    /// Pump: the valve closes and does not say so.
    StopLost,
}
