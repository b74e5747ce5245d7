//! A lock with a door, a bolt, and a counter of its openings that needs no power.
//!
//! Whether it should open is not its business.

use alloc::collections::VecDeque;

use super::Fault;
use crate::{Action, Actuated, Input, Observed, SensorEvent};

/// How long the bolt takes to let the door open.
pub const OPENING_MS: u64 = 300;
/// How long the bolt takes to lock the closed door.
pub const LOCKING_MS: u64 = 200;

/// A simulated lock.
#[derive(Clone, Debug)]
pub struct SimulatedLock {
    openings: u64,
    door: Door,
    is_jammed: bool,
    is_ajar: bool,
    events: VecDeque<Input>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Locked,
    Opening {
        until_ms: u64,
    },
    Open,
    Closed {
        locked_at_ms: u64,
    },
    /// Closed, and the bolt has not come home.
    Shut,
}

impl SimulatedLock {
    /// A locked lock that has opened so often in its life.
    pub fn new(openings: u64) -> Self {
        let (is_jammed, is_ajar) = (false, false);
        Self { openings, door: Door::Locked, is_jammed, is_ajar, events: VecDeque::new() }
    }

    /// How often it has opened.
    pub fn openings(&self) -> u64 {
        self.openings
    }

    /// Whether somebody could reach inside.
    pub fn is_open(&self) -> bool {
        self.door == Door::Open
    }

    /// Power comes up again and an agent starts: a bolt on its way has fallen back, and what was
    /// told to the last agent is lost. What the new one sees.
    pub fn power_up(&mut self, now_ms: u64) -> Observed {
        self.advance(now_ms);
        self.events.clear();
        self.door = match self.door {
            Door::Closed { .. } if self.is_jammed => Door::Shut,
            Door::Locked | Door::Opening { .. } | Door::Closed { .. } => Door::Locked,
            Door::Open => Door::Open,
            Door::Shut => Door::Shut,
        };
        let is_locked = self.door == Door::Locked;
        Observed::Lock { is_locked, openings: Some(self.openings) }
    }

    /// Moves the bolt.
    pub fn actuate(&mut self, action: Action, now_ms: u64) {
        match action {
            Action::Open { .. } => {
                self.events.push_back(Input::Actuated(Actuated::Done));
                if self.door == Door::Locked {
                    self.door = Door::Opening { until_ms: now_ms.saturating_add(OPENING_MS) };
                }
            }
            Action::Arm { .. } => self.events.push_back(Input::Actuated(Actuated::Failed)),
            Action::Disarm => {}
        }
    }

    /// From here on the bolt does, or does not, move.
    pub fn jam(&mut self, is_jammed: bool) {
        self.is_jammed = is_jammed;
    }

    /// Something goes wrong.
    pub fn suffer(&mut self, fault: Fault, now_ms: u64) {
        match fault {
            Fault::Jammed => self.is_jammed = true,
            Fault::Ajar => self.is_ajar = true,
            Fault::Forced => self.open_with_key(now_ms),
            Fault::Interlock { .. }
            | Fault::MeterBackwards { .. }
            | Fault::MeterStuck { .. }
            | Fault::MeterLeaps { .. }
            | Fault::StopLost => {}
        }
    }

    /// Everything that was wrong is mended. A door that was closed in vain has to be closed again.
    pub fn heal(&mut self) {
        (self.is_jammed, self.is_ajar) = (false, false);
    }

    /// Somebody closes the door; the bolt follows.
    pub fn close_door(&mut self, now_ms: u64) {
        self.advance(now_ms);
        if matches!(self.door, Door::Open | Door::Shut) && !self.is_ajar {
            self.door = Door::Closed { locked_at_ms: now_ms.saturating_add(LOCKING_MS) };
            self.sense(SensorEvent::Closed);
        }
    }

    /// Somebody opens the door with a key.
    pub fn open_with_key(&mut self, now_ms: u64) {
        self.advance(now_ms);
        if self.door != Door::Open {
            self.swing_open();
        }
    }

    /// The sensors say something else: tampering, a temperature.
    pub fn sense(&mut self, event: SensorEvent) {
        self.events.push_back(Input::Sensor(event));
    }

    /// The next thing the agent is to be told, up to `now_ms`.
    pub fn poll_input(&mut self, now_ms: u64) -> Option<Input> {
        self.advance(now_ms);
        self.events.pop_front()
    }

    /// When to poll again.
    pub fn due_at(&self) -> Option<u64> {
        match self.door {
            Door::Opening { until_ms } => Some(until_ms),
            Door::Closed { locked_at_ms } => Some(locked_at_ms),
            Door::Locked | Door::Open | Door::Shut => None,
        }
    }

    fn advance(&mut self, now_ms: u64) {
        match self.door {
            Door::Opening { until_ms } if now_ms >= until_ms => {
                if self.is_jammed {
                    self.door = Door::Locked;
                    self.sense(SensorEvent::Jammed);
                } else {
                    self.swing_open();
                }
            }
            Door::Closed { locked_at_ms } if now_ms >= locked_at_ms => {
                let jams = self.is_jammed;
                self.door = if jams { Door::Shut } else { Door::Locked };
                self.sense(if jams { SensorEvent::Jammed } else { SensorEvent::Locked });
            }
            Door::Locked | Door::Opening { .. } | Door::Open | Door::Closed { .. } | Door::Shut => {
            }
        }
    }

    fn swing_open(&mut self) {
        self.door = Door::Open;
        self.openings = self.openings.saturating_add(1);
        self.sense(SensorEvent::Opened);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lock: &mut SimulatedLock, now_ms: u64) -> alloc::vec::Vec<Input> {
        core::iter::from_fn(|| lock.poll_input(now_ms)).collect()
    }

    #[test]
    fn it_opens_after_a_moment_and_locks_when_somebody_closes_it() {
        let mut lock = SimulatedLock::new(7);
        lock.actuate(Action::Open { compartment: 1 }, 1000);
        assert_eq!(told(&mut lock, 1000), [Input::Actuated(Actuated::Done)]);
        assert_eq!(lock.due_at(), Some(1000 + OPENING_MS));
        assert_eq!(told(&mut lock, 1000 + OPENING_MS - 1), []);
        assert_eq!(told(&mut lock, 1000 + OPENING_MS), [Input::Sensor(SensorEvent::Opened)]);
        assert_eq!(lock.power_up(900), Observed::Lock { is_locked: false, openings: Some(8) });
        lock.close_door(5000);
        let shut = [SensorEvent::Closed, SensorEvent::Locked].map(Input::Sensor);
        assert_eq!(told(&mut lock, 5000 + LOCKING_MS), shut);
        assert_eq!(lock.power_up(6000), Observed::Lock { is_locked: true, openings: Some(8) });
    }

    #[test]
    fn a_jammed_bolt_and_a_power_cut_leave_it_shut() {
        let mut lock = SimulatedLock::new(0);
        lock.jam(true);
        lock.actuate(Action::Open { compartment: 1 }, 0);
        assert_eq!(told(&mut lock, OPENING_MS).pop(), Some(Input::Sensor(SensorEvent::Jammed)));
        lock.jam(false);
        lock.actuate(Action::Open { compartment: 1 }, 1000);
        assert_eq!(lock.power_up(1100), Observed::Lock { is_locked: true, openings: Some(0) });
        assert_eq!(told(&mut lock, 9000), []);
    }

    #[test]
    fn a_bolt_that_jams_in_closing_leaves_a_shut_door_unlocked_until_it_is_closed_again() {
        let mut lock = SimulatedLock::new(0);
        lock.suffer(Fault::Forced, 0);
        assert_eq!(told(&mut lock, 0), [Input::Sensor(SensorEvent::Opened)]);
        lock.suffer(Fault::Jammed, 0);
        lock.close_door(1_000);
        let jams = [SensorEvent::Closed, SensorEvent::Jammed].map(Input::Sensor);
        assert_eq!(told(&mut lock, 2_000), jams);
        assert_eq!(lock.power_up(2_000), Observed::Lock { is_locked: false, openings: Some(1) });
        lock.heal();
        lock.close_door(3_000);
        assert_eq!(told(&mut lock, 4_000).pop(), Some(Input::Sensor(SensorEvent::Locked)));
    }

    #[test]
    fn a_door_that_is_ajar_does_not_close() {
        let mut lock = SimulatedLock::new(0);
        lock.suffer(Fault::Ajar, 0);
        lock.suffer(Fault::Forced, 0);
        lock.close_door(1_000);
        assert_eq!(told(&mut lock, 9_000), [Input::Sensor(SensorEvent::Opened)]);
        assert!(lock.is_open());
    }
}
