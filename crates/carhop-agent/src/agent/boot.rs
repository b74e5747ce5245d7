//! The start of a device: the records are folded, and what was under way when the power went is told
//! from what the actuator shows now (standards §8.7).
//!
//! Nothing that was under way is ever continued.

use alloc::collections::VecDeque;

use carhop_proofs::statement::{EndReason, LockEvent, ReadingKind};
use carhop_proofs::suite::{Algorithm, Suite};

use super::lock::LockMachine;
use super::pump::{Most, PumpMachine};
use super::{
    Action, Agent, Capability, Config, Link, Machine, Observed, Output, RestoreError, Ticket,
};
use crate::clock::BoundedClock;
use crate::memory::{self, Dispensing, Job, Memory};
use crate::record::{About, Door, Record};

impl<S: Suite> Agent<S> {
    /// A device as its appended records, in order, left it. `observed` is what its actuator shows.
    pub fn restore(
        suite: S,
        config: Config,
        observed: Observed,
        records: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Self, RestoreError> {
        let Config { device, key, issuers, capability } = config;
        if key.algorithm() != Algorithm::Es256 || suite.public_key(&key).is_err() {
            return Err(RestoreError::Key);
        }
        let machine = match (capability, observed) {
            (Capability::Lock { compartments }, Observed::Lock { openings, .. }) => {
                Machine::Lock(LockMachine::new(compartments, openings))
            }
            (
                Capability::Pump { grades, max_ml, flow_ml_per_s_max },
                Observed::Pump { totaliser_ml },
            ) => {
                let most = Most { given_ml: max_ml, flow_ml_per_s: flow_ml_per_s_max };
                Machine::Pump(PumpMachine::new(grades, most, totaliser_ml))
            }
            (Capability::Lock { .. } | Capability::Pump { .. }, _) => {
                return Err(RestoreError::Actuator);
            }
        };
        let mut memory = Memory::default();
        for (index, bytes) in records.into_iter().enumerate() {
            memory.fold(&suite, memory::decode(index, bytes.as_ref())?, Ticket::default());
        }
        let mut agent = Self {
            suite,
            device,
            key,
            issuers,
            memory,
            clock: BoundedClock::default(),
            link: Link::default(),
            machine,
            outputs: VecDeque::new(),
            withheld: None,
            last_ticket: Ticket::default(),
            persisted: Ticket::default(),
            is_faulty: false,
            now_ms: 0,
        };
        agent.started(observed);
        Ok(agent)
    }

    fn started(&mut self, observed: Observed) {
        let boot_epoch = self.memory.base.boot_epoch.saturating_add(1);
        self.record(Record::Started { boot_epoch });
        match observed {
            Observed::Lock { is_locked, openings } => self.lock_started(is_locked, openings),
            Observed::Pump { totaliser_ml } => {
                self.outputs.push_back(Output::Actuate(Action::Disarm));
                self.pump_started(totaliser_ml);
            }
        }
    }

    /// The door tells what it can: that it stands open, that it was shut, how often it has opened.
    fn lock_started(&mut self, is_locked: bool, openings: Option<u64>) {
        if let Some(Job::Opening { command, openings: before }) = self.memory.job {
            let has_opened = match (before, openings) {
                _ if !is_locked => Some(true),
                (Some(before), Some(now)) if now >= before => Some(now > before),
                (Some(_) | None, _) => None,
            };
            match has_opened {
                Some(true) => self.state_opened(Some(command)),
                Some(false) => self.never_executed(command),
                None => {
                    self.record(Record::Abandoned { command });
                }
            }
        }
        match (self.memory.base.door, is_locked) {
            (Door::Open { .. }, true) => self.lock_report(LockEvent::Locked, About::Locked),
            (Door::Locked, false) => self.state_opened(None),
            (Door::Open { .. }, false) | (Door::Locked, true) => {}
        }
    }

    /// The totaliser tells what flowed.
    fn pump_started(&mut self, totaliser_ml: u64) {
        let Some(Dispensing { command, begin_ml, is_armed, .. }) = self.memory.dispensing() else {
            return;
        };
        if totaliser_ml == begin_ml && !is_armed {
            return self.never_executed(command);
        }
        if totaliser_ml < begin_ml {
            self.doubt_meter();
        }
        let reason = match totaliser_ml.checked_sub(begin_ml) {
            // The meter was exchanged or lies; what it shows is all that is known.
            _ if self.memory.base.is_meter_doubted => EndReason::Fault,
            None => EndReason::Fault,
            Some(0) => EndReason::Aborted,
            Some(1..) => EndReason::PowerLost,
        };
        self.confirm();
        self.read_meter(ReadingKind::End(reason), totaliser_ml.max(begin_ml));
    }
}
