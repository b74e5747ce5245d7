//! What a device knows for certain: the fold of its appended records. A restart and a first start
//! are the same fold (design §2.5).
//!
//! It judges nothing and writes nothing; each record is folded as it is handed to the shell, and
//! whoever acts on it waits for its ticket.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use carhop_kernel::id::CommandId;
use carhop_proofs::frame::Position;
use carhop_proofs::suite::Suite;

use crate::agent::{Ticket, limits};
use crate::record::{About, Accepted, Base, Door, Record, RecordError, Stated, Work};

/// The folded state.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The scalars.
    pub(crate) base: Base,
    /// The accepted command that is under way.
    pub(crate) job: Option<Job>,
    /// Statements that are not acknowledged, oldest first.
    pub(crate) outbox: VecDeque<Waiting>,
    known: BTreeMap<CommandId, Known>,
    /// Known commands, oldest first.
    order: VecDeque<CommandId>,
}

/// An accepted command that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// The lock is to open.
    Opening { command: CommandId, openings: Option<u64> },
    /// The pump is to dispense, or does.
    Dispensing(Dispensing),
}

/// A dispensing as far as it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dispensing {
    pub(crate) command: CommandId,
    /// What the totaliser showed before the first drop.
    pub(crate) begin_ml: u64,
    pub(crate) max_ml: u32,
    /// Whether its receipt is signed.
    pub(crate) is_armed: bool,
    pub(crate) next_number: u32,
}

/// What is known of a command that was accepted, refused or cancelled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// What it cancels: its answer is that command's.
    pub(crate) cancels: Option<CommandId>,
    /// The receipt.
    pub(crate) receipt: Option<Waiting>,
}

/// A signed statement that may be sent once its ticket is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) position: Position,
    pub(crate) ticket: Ticket,
    pub(crate) bytes: Vec<u8>,
}

impl Job {
    pub(crate) fn command(&self) -> CommandId {
        match self {
            Self::Opening { command, .. } => *command,
            Self::Dispensing(dispensing) => dispensing.command,
        }
    }
}

impl Memory {
    /// Adds up one more record, which is durable with `ticket`.
    pub(crate) fn fold(&mut self, suite: &dyn Suite, record: Record, ticket: Ticket) {
        match record {
            Record::Started { boot_epoch } => {
                self.base.boot_epoch = boot_epoch;
                self.base.next_sequence = 0;
            }
            Record::Accepted(accepted) => self.accepted(&accepted),
            Record::Stated(stated) => self.stated(suite, stated, ticket),
            Record::Abandoned { command } => self.close(command),
            Record::Acknowledged { through } => self.acknowledged(through),
            Record::TrustEpoch { floor } => {
                self.base.trust_epoch = self.base.trust_epoch.max(floor);
            }
            Record::Meter { is_doubted } => self.base.is_meter_doubted = is_doubted,
            Record::Base(base) => {
                self.base = base;
                self.job = None;
                self.drop_acknowledged();
            }
        }
        self.forget();
    }

    /// What is known of a command.
    pub(crate) fn known(&self, command: &CommandId) -> Option<&Known> {
        self.known.get(command)
    }

    /// Whether the command may have been known once: then nothing can be said about it.
    pub(crate) fn is_forgotten(&self, command: &CommandId) -> bool {
        self.base.forgotten_through.is_some_and(|last| *command <= last)
            && !self.known.contains_key(command)
    }

    /// The dispensing that is under way.
    pub(crate) fn dispensing(&self) -> Option<Dispensing> {
        match self.job {
            Some(Job::Dispensing(dispensing)) => Some(dispensing),
            Some(Job::Opening { .. }) | None => None,
        }
    }

    fn accepted(&mut self, accepted: &Accepted) {
        let Accepted { command, counter, trust_epoch, work } = *accepted;
        self.base.counter = self.base.counter.max(counter);
        self.base.trust_epoch = self.base.trust_epoch.max(trust_epoch);
        let known = self.remember(command);
        match work {
            Work::Open { openings } => self.job = Some(Job::Opening { command, openings }),
            Work::Arm { totaliser_ml: begin_ml, max_ml } => {
                let (is_armed, next_number) = (false, 0);
                let dispensing = Dispensing { command, begin_ml, max_ml, is_armed, next_number };
                self.job = Some(Job::Dispensing(dispensing));
            }
            Work::Cancel { command: cancelled } => known.cancels = Some(cancelled),
        }
    }

    fn stated(&mut self, suite: &dyn Suite, stated: Stated, ticket: Ticket) {
        let Stated { position, about, bytes } = stated;
        self.base.next_sequence = position.sequence.saturating_add(1);
        self.base.previous = suite.sha256(&[&bytes]);
        let waiting = Waiting { position, ticket, bytes };
        match about {
            About::Report => {}
            About::Receipt { command } => {
                self.remember(command).receipt = Some(waiting.clone());
                self.close(command);
            }
            About::Opened { command } => {
                self.base.door = Door::Open { under: command };
                if let Some(command) = command {
                    self.remember(command).receipt = Some(waiting.clone());
                    self.close(command);
                }
            }
            About::Locked => self.base.door = Door::Locked,
            About::Armed { command } => {
                self.remember(command).receipt = Some(waiting.clone());
                self.advance(|dispensing| dispensing.is_armed = true);
            }
            About::Reading { number } => {
                self.advance(|dispensing| dispensing.next_number = number.saturating_add(1));
            }
            About::End => self.job = None,
        }
        if Some(position) > self.base.acknowledged {
            self.outbox.push_back(waiting);
        }
    }

    fn acknowledged(&mut self, through: Position) {
        self.base.acknowledged = self.base.acknowledged.max(Some(through));
        self.drop_acknowledged();
    }

    fn drop_acknowledged(&mut self) {
        let acknowledged = self.base.acknowledged;
        self.outbox.retain(|waiting| Some(waiting.position) > acknowledged);
    }

    fn remember(&mut self, command: CommandId) -> &mut Known {
        if !self.known.contains_key(&command) {
            self.order.push_back(command);
        }
        self.known.entry(command).or_default()
    }

    /// Ends the job if it is this command's.
    fn close(&mut self, command: CommandId) {
        self.job = self.job.filter(|job| job.command() != command);
    }

    fn advance(&mut self, change: impl FnOnce(&mut Dispensing)) {
        if let Some(Job::Dispensing(dispensing)) = &mut self.job {
            change(dispensing);
        }
    }

    /// Gives up the oldest commands whose receipts the authority has. Of them, and of all with lower
    /// ids, nothing is claimed any more: a refusal or a `never executed` could be a lie.
    fn forget(&mut self) {
        while self.known.len() > limits::COMMANDS_KNOWN_MAX {
            let Some(&oldest) = self.order.front() else { return };
            let is_under_way = self.job.is_some_and(|job| job.command() == oldest);
            let receipt = self.known.get(&oldest).and_then(|known| known.receipt.as_ref());
            let is_unheard =
                receipt.is_some_and(|receipt| Some(receipt.position) > self.base.acknowledged);
            if is_under_way || is_unheard {
                return;
            }
            self.order.pop_front();
            self.known.remove(&oldest);
            self.base.forgotten_through = self.base.forgotten_through.max(Some(oldest));
        }
    }
}

/// The shortest log that adds up to the same as `records`. While a command is under way the log is
/// returned as it is.
pub fn compact(suite: &dyn Suite, records: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, RecordError> {
    let mut memory = Memory::default();
    for (index, bytes) in records.iter().enumerate() {
        memory.fold(suite, decode(index, bytes)?, Ticket::default());
    }
    if memory.job.is_some() {
        return Ok(records);
    }
    let receipts = memory.known.values().filter_map(|known| known.receipt.as_ref());
    let wanted: BTreeSet<Position> =
        receipts.chain(&memory.outbox).map(|waiting| waiting.position).collect();
    let mut kept = Vec::new();
    for (index, bytes) in records.into_iter().enumerate() {
        let is_wanted = match decode(index, &bytes)? {
            Record::Accepted(Accepted { command, .. }) => memory.known.contains_key(&command),
            Record::Stated(Stated { position, .. }) => wanted.contains(&position),
            Record::Started { .. }
            | Record::Abandoned { .. }
            | Record::Acknowledged { .. }
            | Record::TrustEpoch { .. }
            | Record::Meter { .. }
            | Record::Base(_) => false,
        };
        if is_wanted {
            kept.push(bytes);
        }
    }
    kept.push(Record::Base(memory.base).encode());
    Ok(kept)
}

/// The record with these bytes.
pub(crate) fn decode(index: usize, bytes: &[u8]) -> Result<Record, RecordError> {
    Record::decode(bytes).map_err(|source| RecordError { index, source })
}
