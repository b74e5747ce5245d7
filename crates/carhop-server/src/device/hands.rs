//! The hands and eyes of a simulation: what somebody does at a device comes in as a JSON line, what
//! somebody standing there would see goes out as one.
//!
//! Nothing here gets past the agent: hands close doors and lift nozzles, they open nothing.

use std::io::BufRead;

use carhop_agent::SensorEvent;
use carhop_kernel::id::DeviceId;
use carhop_kernel::session::InterlockKind;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// What hands do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Hand {
    /// Close the door; the bolt follows.
    Close,
    /// Open the door with a key.
    Key,
    /// Block the bolt, or free it.
    Jam {
        /// Whether it is blocked from now on.
        jammed: bool,
    },
    /// Pry the case open.
    Tamper,
    /// Warm or cool the inside.
    Temperature {
        /// Tenths of a degree Celsius.
        c10: i32,
    },
    /// Step up to the pump.
    Person {
        /// How long after arming the nozzle is lifted.
        lift_after_ms: u64,
        /// How fast it flows.
        flow_ml_per_s: u32,
        /// How much the tank takes.
        wanted_ml: u32,
    },
    /// Trip or clear an interlock.
    Interlock {
        /// Which.
        interlock: InterlockKind,
        /// Whether it is tripped from now on.
        tripped: bool,
    },
    /// Mend the meter and answer for what it shows.
    CheckMeter,
    /// Pull the network cable.
    Unplug,
    /// Plug it in again.
    PlugIn,
}

/// What eyes see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Seen {
    /// The device is on.
    Started {
        /// Which.
        device: DeviceId,
    },
    /// Its connection stands.
    Connected,
    /// It has none.
    Disconnected {
        /// Why.
        why: String,
    },
    /// It has a fresh certificate.
    Renewed,
    /// Somebody did something to it.
    Touched,
    /// The door opened.
    Opened,
    /// The bolt is home again.
    Locked,
    /// The bolt does not move.
    Jammed,
    /// The nozzle was lifted.
    Lifted,
    /// The nozzle hangs again.
    Seated,
    /// The meter shows something else.
    Meter {
        /// Its lifetime total, in millilitres.
        totaliser_ml: u64,
    },
    /// Something is wrong.
    Alarm {
        /// What.
        what: String,
    },
}

impl Seen {
    /// What a sensor event looks like from outside.
    pub(crate) fn of(event: SensorEvent) -> Option<Self> {
        match event {
            SensorEvent::Opened => Some(Self::Opened),
            SensorEvent::Locked => Some(Self::Locked),
            SensorEvent::Jammed => Some(Self::Jammed),
            SensorEvent::NozzleLifted => Some(Self::Lifted),
            SensorEvent::NozzleSeated => Some(Self::Seated),
            SensorEvent::Flow { totaliser_ml } | SensorEvent::Stopped { totaliser_ml } => {
                Some(Self::Meter { totaliser_ml })
            }
            SensorEvent::Closed
            | SensorEvent::Tampered
            | SensorEvent::Temperature { .. }
            | SensorEvent::MeterChecked { .. }
            | SensorEvent::Interlock { .. } => None,
        }
    }
}

/// Passes on what hands do, line by line, until the input ends. It blocks: give it a thread of its own.
pub(crate) fn follow(input: impl BufRead, hands: &mpsc::Sender<Hand>) {
    for line in input.lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(hand) => {
                if hands.blocking_send(hand).is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "a line that no hand does"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_stable_form() {
        let rows = [
            (Hand::Close, r#"{"do":"close"}"#),
            (Hand::Temperature { c10: -5 }, r#"{"do":"temperature","c10":-5}"#),
            (Hand::CheckMeter, r#"{"do":"check_meter"}"#),
            (Hand::Jam { jammed: true }, r#"{"do":"jam","jammed":true}"#),
        ];
        for (hand, line) in rows {
            assert_eq!(serde_json::to_string(&hand).unwrap(), line);
            assert_eq!(serde_json::from_str::<Hand>(line).unwrap(), hand);
        }
        assert!(serde_json::from_str::<Hand>(r#"{"do":"jam","jammed":true,"force":1}"#).is_err());
        let seen = serde_json::to_string(&Seen::Meter { totaliser_ml: 7 }).unwrap();
        assert_eq!(seen, r#"{"seen":"meter","totaliser_ml":7}"#);
    }
}
