//! A lock: it opens once for one command and reports what its door does, asked or not (M-ACT-2).
//!
//! Whether an opening was allowed is not known here; a door that opened has opened.

use alloc::vec::Vec;

use carhop_kernel::id::CommandId;
use carhop_proofs::statement::{Body, LockEvent, Outcome, RefusalCode};
use carhop_proofs::suite::Suite;

use super::{Actuated, Agent, Alarm, Machine, SensorEvent, limits};
use crate::memory::Job;
use crate::record::{About, Door};

/// The running state of a lock. Where its door is, the memory knows.
#[derive(Debug)]
pub(super) struct LockMachine {
    compartments: Vec<u8>,
    openings: Option<u64>,
    /// Until when the opening that was asked for may take.
    open_until_ms: Option<u64>,
}

impl LockMachine {
    pub(super) fn new(compartments: Vec<u8>, openings: Option<u64>) -> Self {
        Self { compartments, openings, open_until_ms: None }
    }

    pub(super) fn has(&self, compartment: u8) -> bool {
        self.compartments.contains(&compartment)
    }

    pub(super) fn openings(&self) -> Option<u64> {
        self.openings
    }

    pub(super) fn begin(&mut self, now_ms: u64) {
        self.open_until_ms = Some(now_ms.saturating_add(limits::OPEN_MS_MAX));
    }

    pub(super) fn due_at(&self) -> Option<u64> {
        self.open_until_ms
    }
}

impl<S: Suite> Agent<S> {
    /// A lock that is not locked cannot be opened.
    pub(super) fn lock_unready(&self) -> Option<RefusalCode> {
        match self.memory.base.door {
            Door::Locked => None,
            Door::Open { .. } => Some(RefusalCode::Busy),
        }
    }

    pub(super) fn lock_actuated(&mut self, actuated: Actuated) {
        match actuated {
            // That it opened, the door says.
            Actuated::Done => {}
            Actuated::Failed => self.jammed(),
        }
    }

    pub(super) fn lock_sensed(&mut self, event: SensorEvent) {
        match event {
            SensorEvent::Opened => self.opened(),
            SensorEvent::Closed => self.lock_report(LockEvent::Closed, About::Report),
            SensorEvent::Locked => self.lock_report(LockEvent::Locked, About::Locked),
            SensorEvent::Jammed => self.jammed(),
            SensorEvent::Tampered => {
                self.lock_report(LockEvent::Tampered, About::Report);
                self.alarm(Alarm::Tampered);
            }
            SensorEvent::Temperature { c10 } => {
                // The one report that may be lost: the next one is as good.
                if self.memory.outbox.len() < limits::OUTBOX_MAX {
                    self.lock_report(LockEvent::Temperature { c10 }, About::Report);
                }
            }
            SensorEvent::NozzleLifted
            | SensorEvent::NozzleSeated
            | SensorEvent::Flow { .. }
            | SensorEvent::Stopped { .. }
            | SensorEvent::MeterChecked { .. }
            | SensorEvent::Interlock { .. } => {}
        }
    }

    pub(super) fn lock_pass_time(&mut self) {
        let Machine::Lock(lock) = &self.machine else { return };
        if lock.open_until_ms.is_some_and(|until| self.now_ms >= until) {
            self.jammed();
        }
    }

    /// Says that the door opened, under the command that made it or under none.
    pub(super) fn state_opened(&mut self, command: Option<CommandId>) {
        let about = About::Opened { command };
        let Some(command) = command else {
            return self.lock_report(LockEvent::Opened, about);
        };
        self.receipt(command, Outcome::Opened, about);
    }

    /// Says what happened, under the command that opened the door.
    pub(super) fn lock_report(&mut self, event: LockEvent, about: About) {
        let command = match self.memory.base.door {
            Door::Locked => None,
            Door::Open { under } => under,
        };
        self.state(Body::Lock { command, event }, about);
    }

    fn opened(&mut self) {
        match self.memory.base.door {
            // A bouncing contact is not a second opening.
            Door::Open { .. } => return,
            Door::Locked => {}
        }
        if let Machine::Lock(lock) = &mut self.machine {
            lock.openings = lock.openings.map(|count| count.saturating_add(1));
        }
        let command = self.opening();
        self.state_opened(command);
    }

    fn jammed(&mut self) {
        let Some(command) = self.opening() else {
            return self.lock_report(LockEvent::Jammed, About::Report);
        };
        self.receipt(command, Outcome::Jammed, About::Receipt { command });
    }

    /// The command whose opening the bolt was told to make; it is taken once.
    fn opening(&mut self) -> Option<CommandId> {
        let Machine::Lock(lock) = &mut self.machine else { return None };
        lock.open_until_ms.take()?;
        match self.memory.job {
            Some(Job::Opening { command, .. }) => Some(command),
            Some(Job::Dispensing(_)) | None => None,
        }
    }
}
