//! Commands: which are genuine, which are known, which are obeyed (M-ACT-1; standards §3).
//!
//! The checks on a command by itself are the proofs'; here is what only the device knows: the ids and
//! counters it has consumed, its clock and its actuator.

use carhop_kernel::id::CommandId;
use carhop_proofs::command::{self, Command, CommandAction};
use carhop_proofs::frame::FromDevice;
use carhop_proofs::statement::{EndReason, RefusalCode};
use carhop_proofs::suite::Suite;

use super::{Action, Agent, Alarm, Machine, Withheld, limits};
use crate::record::{Accepted, Record, Work};

impl<S: Suite> Agent<S> {
    /// Judges the bytes of a command. What no issuer signed, and what is meant for another device,
    /// is not answered: it says nothing about any command of this device.
    pub(super) fn command(&mut self, bytes: &[u8]) {
        let Ok(command) = command::open(&self.suite, bytes, |kid| self.issuer(*kid)) else {
            return self.alarm(Alarm::ForgedCommand);
        };
        if command.audience != self.device {
            return self.alarm(Alarm::ForeignCommand);
        }
        if let Some(known) = self.memory.known(&command.id) {
            match known.cancels {
                Some(cancelled) => self.cancel(cancelled),
                None => self.resend(command.id),
            }
        } else if self.memory.is_forgotten(&command.id) {
            self.send(&FromDevice::Unknown { command: command.id });
        } else if self.is_faulty {
            self.alarm(Alarm::CannotSign);
        } else if self.memory.outbox.len() >= limits::OUTBOX_MAX {
            self.alarm(Alarm::OutboxFull);
        } else {
            match self.refusal(&command) {
                Some(code) => self.refuse(command.id, code),
                None => self.accept(&command),
            }
        }
    }

    /// Answers a question for a receipt. That there is none is said without a signature: it is no
    /// proof that nothing happened.
    pub(super) fn query(&mut self, command: CommandId) {
        let known = self.memory.known(&command);
        let command = known.and_then(|known| known.cancels).unwrap_or(command);
        if self.memory.known(&command).is_some_and(|known| known.receipt.is_some()) {
            self.resend(command);
        } else if self.memory.job.is_none_or(|job| job.command() != command) {
            self.send(&FromDevice::Unknown { command });
        }
    }

    /// Why a genuine, unknown command is not obeyed.
    fn refusal(&self, command: &Command) -> Option<RefusalCode> {
        let base = &self.memory.base;
        let check = |now| {
            command::check(command, self.device, base.trust_epoch, base.counter, now)
                .err()
                .map(RefusalCode::from)
        };
        let now = self.clock.latest(self.now_ms);
        match command.action {
            // To stop something needs no clock: a late cancel is as good as one in time.
            CommandAction::Cancel { .. } => check(command.issued_at),
            CommandAction::Open { .. } | CommandAction::Arm { .. } => match now {
                None => check(command.issued_at).or(Some(RefusalCode::ClockUnbounded)),
                Some(now) => check(now).or_else(|| self.unable(&command.action)),
            },
        }
    }

    /// Why the actuator does not do this.
    fn unable(&self, action: &CommandAction) -> Option<RefusalCode> {
        let (fits, is_within_limit) = match (action, &self.machine) {
            (CommandAction::Open { compartment }, Machine::Lock(lock)) => {
                (lock.has(*compartment), true)
            }
            (CommandAction::Arm { max_ml, grade }, Machine::Pump(pump)) => {
                (pump.has(*grade), pump.gives(*max_ml))
            }
            (
                CommandAction::Open { .. }
                | CommandAction::Arm { .. }
                | CommandAction::Cancel { .. },
                _,
            ) => (false, true),
        };
        if !fits {
            Some(RefusalCode::Unsupported)
        } else if !is_within_limit {
            Some(RefusalCode::Limit)
        } else if self.memory.job.is_some() {
            Some(RefusalCode::Busy)
        } else {
            self.unready()
        }
    }

    /// Consumes a command. What moves metal waits until that is durable.
    fn accept(&mut self, command: &Command) {
        let (work, action) = match (command.action, &self.machine) {
            (CommandAction::Open { compartment }, Machine::Lock(lock)) => {
                (Work::Open { openings: lock.openings() }, Action::Open { compartment })
            }
            (CommandAction::Arm { max_ml, grade }, Machine::Pump(pump)) => {
                let totaliser_ml = pump.totaliser_ml();
                (Work::Arm { totaliser_ml, max_ml }, Action::Arm { max_ml, grade })
            }
            (CommandAction::Cancel { command: cancelled }, _) => {
                self.consume(command, Work::Cancel { command: cancelled });
                return self.cancel(cancelled);
            }
            (CommandAction::Open { .. } | CommandAction::Arm { .. }, _) => return,
        };
        let ticket = self.consume(command, work);
        let (id, expires_at) = (command.id, command.expires_at);
        self.withheld = Some(Withheld { ticket, command: id, expires_at, action });
    }

    fn consume(&mut self, command: &Command, work: Work) -> super::Ticket {
        let Command { id, counter, trust_epoch, .. } = *command;
        self.record(Record::Accepted(Accepted { command: id, counter, trust_epoch, work }))
    }

    /// Never executes `command`, and says so if it was not (design §9.1). What has begun is stopped
    /// where it can be, and its receipt is the answer.
    fn cancel(&mut self, command: CommandId) {
        let is_withheld = self.withheld.is_some_and(|withheld| withheld.command == command);
        let is_under_way = self.memory.job.is_some_and(|job| job.command() == command);
        if is_withheld {
            self.withheld = None;
            self.never_executed(command);
        } else if self.memory.known(&command).is_some_and(|known| known.receipt.is_some()) {
            if is_under_way {
                self.stop(EndReason::Cancelled);
            }
            self.resend(command);
        } else if is_under_way {
            self.stop(EndReason::Cancelled);
        } else if self.memory.known(&command).is_some() || self.memory.is_forgotten(&command) {
            self.send(&FromDevice::Unknown { command });
        } else {
            self.never_executed(command);
        }
    }
}
