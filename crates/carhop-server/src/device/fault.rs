//! What can be wrong with a simulated device: with its metal, or with the line between it and the gateway.
//!
//! The agent is the one of a sound device. It is not told of any of this.

use carhop_agent::simulated;
use carhop_kernel::session::InterlockKind;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// Lock: the bolt does not move.
    Jammed,
    /// Lock: the door does not stay shut, whoever closes it.
    Ajar,
    /// Pump: spilt fuel trips an interlock after three litres.
    Spill,
    /// Pump: the meter counts backwards after three litres.
    MeterBackwards,
    /// Pump: the meter leaps by sixty litres after three.
    MeterLeaps,
    /// Pump: the valve closes and does not say so.
    StopLost,
    /// Line: what the device says from its first command on is lost, until it is asked.
    Mute,
    /// Line: the first command never arrives.
    Deaf,
    /// Line: everything that the device says arrives a hundred times.
    Echo,
}

impl Fault {
    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Jammed => "jammed",
            Self::Ajar => "ajar",
            Self::Spill => "spill",
            Self::MeterBackwards => "meter-backwards",
            Self::MeterLeaps => "meter-leaps",
            Self::StopLost => "stop-lost",
            Self::Mute => "mute",
            Self::Deaf => "deaf",
            Self::Echo => "echo",
        }
    }

    /// What is wrong with the metal, if it is the metal.
    pub(crate) const fn of_metal(self) -> Option<simulated::Fault> {
        let after_ml = AFTER_ML;
        match self {
            Self::Jammed => Some(simulated::Fault::Jammed),
            Self::Ajar => Some(simulated::Fault::Ajar),
            Self::Spill => {
                Some(simulated::Fault::Interlock { kind: InterlockKind::Spill, after_ml })
            }
            Self::MeterBackwards => Some(simulated::Fault::MeterBackwards { after_ml }),
            Self::MeterLeaps => Some(simulated::Fault::MeterLeaps { after_ml, by_ml: LEAP_ML }),
            Self::StopLost => Some(simulated::Fault::StopLost),
            Self::Mute | Self::Deaf | Self::Echo => None,
        }
    }
}

const AFTER_ML: u32 = 3_000;
const LEAP_ML: u32 = 60_000;

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for fault in Fault::value_variants() {
            let value = fault.to_possible_value().unwrap();
            assert_eq!(value.get_name(), fault.name());
        }
    }
}
