//! The simulated actuator of a device: the only thing about it that is not real.

use carhop_agent::simulated::{Fault, Person, SimulatedLock, SimulatedPump};
use carhop_agent::{Action, Input, Observed, SensorEvent};

use super::Class;
use super::hands::Hand;
use super::store::Actuator;

/// A bolt, or a valve with a meter.
#[derive(Debug)]
pub(crate) enum Metal {
    /// A lock.
    Lock(SimulatedLock),
    /// A pump.
    Pump(SimulatedPump),
}

impl Metal {
    /// The metal as it was left.
    pub(crate) fn at_rest(class: Class, actuator: Actuator) -> Self {
        match class {
            Class::Lock => Self::Lock(SimulatedLock::new(actuator.openings)),
            Class::Pump => Self::Pump(SimulatedPump::new(actuator.totaliser_ml, NOBODY)),
        }
    }

    /// What it remembers without power.
    pub(crate) fn remembered(&self) -> Actuator {
        match self {
            Self::Lock(lock) => Actuator { openings: lock.openings(), totaliser_ml: 0 },
            Self::Pump(pump) => Actuator { openings: 0, totaliser_ml: pump.totaliser_ml() },
        }
    }

    /// The power comes on: what a starting agent sees.
    pub(crate) fn power_up(&mut self, now_ms: u64) -> Observed {
        match self {
            Self::Lock(lock) => lock.power_up(now_ms),
            Self::Pump(pump) => pump.power_up(now_ms),
        }
    }

    /// Something goes wrong with it. What does not fit this kind of metal does nothing.
    pub(crate) fn suffer(&mut self, fault: Fault, now_ms: u64) {
        match self {
            Self::Lock(lock) => lock.suffer(fault, now_ms),
            Self::Pump(pump) => pump.suffer(fault),
        }
    }

    /// Moves.
    pub(crate) fn actuate(&mut self, action: Action, now_ms: u64) {
        match self {
            Self::Lock(lock) => lock.actuate(action, now_ms),
            Self::Pump(pump) => pump.actuate(action, now_ms),
        }
    }

    /// The next thing its sensors say.
    pub(crate) fn poll_input(&mut self, now_ms: u64) -> Option<Input> {
        match self {
            Self::Lock(lock) => lock.poll_input(now_ms),
            Self::Pump(pump) => pump.poll_input(now_ms),
        }
    }

    /// When to poll again.
    pub(crate) fn due_at(&self) -> Option<u64> {
        match self {
            Self::Lock(lock) => lock.due_at(),
            Self::Pump(pump) => pump.due_at(),
        }
    }

    /// Somebody lays hands on it. What does not fit this kind of metal does nothing.
    pub(crate) fn touch(&mut self, hand: Hand, now_ms: u64) {
        match (self, hand) {
            (Self::Lock(lock), Hand::Close) => lock.close_door(now_ms),
            (Self::Lock(lock), Hand::Key) => lock.open_with_key(now_ms),
            (Self::Lock(lock), Hand::Jam { jammed }) => lock.jam(jammed),
            (Self::Lock(lock), Hand::Temperature { c10 }) => {
                lock.sense(SensorEvent::Temperature { c10 });
            }
            (Self::Lock(lock), Hand::Tamper) => lock.sense(SensorEvent::Tampered),
            (Self::Pump(pump), Hand::Tamper) => pump.sense(SensorEvent::Tampered),
            (Self::Pump(pump), Hand::Person { lift_after_ms, flow_ml_per_s, wanted_ml }) => {
                pump.expect(Person {
                    lift_after_ms: Some(lift_after_ms),
                    flow_ml_per_s,
                    wanted_ml,
                });
            }
            (Self::Pump(pump), Hand::Interlock { interlock, tripped }) => {
                pump.sense(SensorEvent::Interlock { kind: interlock, is_tripped: tripped });
            }
            (Self::Pump(pump), Hand::CheckMeter) => {
                pump.heal();
                pump.check_meter();
            }
            (Self::Lock(_) | Self::Pump(_), _) => {}
        }
    }
}

/// Nobody stands at a pump before somebody is said to.
const NOBODY: Person = Person { lift_after_ms: None, flow_ml_per_s: 0, wanted_ml: 0 };
