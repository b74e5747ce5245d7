//! A lock with a door, a bolt, and a counter of its openings that needs no power.
//!
//! Whether it should open is not its business.

use alloc::collections::VecDeque;

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
    events: VecDeque<Input>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Locked,
    Opening { until_ms: u64 },
    Open,
    Closed { locked_at_ms: u64 },
}

impl SimulatedLock {
    /// A locked lock that has opened so often in its life.
    pub fn new(openings: u64) -> Self {
        Self { openings, door: Door::Locked, is_jammed: false, events: VecDeque::new() }
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
            Door::Locked | Door::Opening { .. } | Door::Closed { .. } => Door::Locked,
            Door::Open => Door::Open,
        };
        Observed::Lock { is_locked: !self.is_open(), openings: Some(self.openings) }
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

    /// Somebody closes the door; the bolt follows.
    pub fn close_door(&mut self, now_ms: u64) {
        self.advance(now_ms);
        if self.door == Door::Open {
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
            Door::Locked | Door::Open => None,
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
                self.door = Door::Locked;
                self.sense(SensorEvent::Locked);
            }
            Door::Locked | Door::Opening { .. } | Door::Open | Door::Closed { .. } => {}
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
}
