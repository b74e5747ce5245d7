//! What devices do and sign: each release is accepted once, metal moves only under what is durable and in its time, and what
//! a device says agrees with itself, with its metal and with what is heard of it.

use std::collections::{BTreeMap, BTreeSet};

use carhop_agent::Action;
use carhop_app::batch::{Body, DeviceEvent, Entry};
use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::statement::{Body as Said, Outcome, Statement};

use super::invariant::Invariant;
use super::ledger::Ledger;
use crate::happening::{Broken, Clocked, Happening, Mischief};

/// What is known of all devices.
#[derive(Debug, Default)]
pub(super) struct Metal {
    devices: BTreeMap<DeviceId, Device>,
    accepted: BTreeMap<CommandId, DeviceId>,
    /// What was said, by hash: by whom, and what.
    told: BTreeMap<[u8; 32], Statement>,
    heard: BTreeSet<[u8; 32]>,
    /// The furthest that any server's clock was ever off.
    skew_ms: u64,
}

#[derive(Debug, Default)]
struct Device {
    /// The command that was accepted last and not acted on yet.
    accepted: Option<CommandId>,
    /// The command that was acted on last.
    acted_on: Option<CommandId>,
    /// Commands under which its door opened.
    opened: BTreeSet<CommandId>,
    outcomes: BTreeMap<CommandId, Vec<Outcome>>,
    position: Option<(u32, u64)>,
    counter: u64,
    /// Whether its door is being forced.
    is_forced: bool,
    /// Whether somebody holds its key.
    is_taken: bool,
    /// The epoch of trust below which it obeys nothing.
    epoch: u64,
}

impl Metal {
    /// Whether a device has signed an outcome like this about a command.
    pub(super) fn has_said(
        &self,
        device: DeviceId,
        command: CommandId,
        wanted: fn(&Outcome) -> bool,
    ) -> bool {
        let known = self.devices.get(&device);
        known.is_some_and(|it| it.outcomes.get(&command).into_iter().flatten().any(wanted))
    }

    /// Whether somebody holds a device's key, so that nothing that it signs need be so.
    pub(super) fn is_taken(&self, device: DeviceId) -> bool {
        self.devices.get(&device).is_some_and(|it| it.is_taken)
    }

    /// Under which command a device moved its metal last.
    pub(super) fn acted_on(&self, device: DeviceId) -> Option<CommandId> {
        self.devices.get(&device)?.acted_on
    }

    /// What a device said, by its hash.
    pub(super) fn told(&self, hash: &[u8; 32]) -> Option<&Statement> {
        self.told.get(hash)
    }

    /// Follows what happens outside of journals.
    pub(super) fn see(
        &mut self,
        ledger: &Ledger,
        at: Timestamp,
        happening: &Happening,
    ) -> Result<(), Broken> {
        if let Happening::Accepted { device, command } = happening {
            self.accept(ledger, *device, *command)?;
        }
        if let Happening::EpochLearned { device, epoch } = happening {
            self.devices.entry(*device).or_default().epoch = *epoch;
        }
        if let Happening::Actuated { device, action } = happening {
            self.act(ledger, at, *device, *action)?;
        }
        if let Happening::DoorOpened { device } = happening {
            let unit = self.devices.entry(*device).or_default();
            if !std::mem::take(&mut unit.is_forced) {
                unit.opened.extend(unit.acted_on);
            }
        }
        if let Happening::Rebooted { device } = happening {
            self.devices.entry(*device).or_default().accepted = None;
        }
        if let Happening::Told { statement, hash } = happening {
            self.tell(ledger, statement, *hash)?;
        }
        if let Happening::ClockSet { clock: Clocked::Server(_), ahead_ms } = happening {
            self.skew_ms = self.skew_ms.max(ahead_ms.unsigned_abs());
        }
        if let Happening::Mischief(Mischief::KeyTaken { device }) = happening {
            self.devices.entry(*device).or_default().is_taken = true;
        }
        // Sensors that lie are signed for like any others.
        if let Happening::Mischief(Mischief::Force { device }) = happening {
            self.devices.entry(*device).or_default().is_forced = true;
        }
        Ok(())
    }

    /// What a server heard of a device.
    pub(super) fn hear(&mut self, entry: &Entry) -> Result<(), Broken> {
        let Body::Device(DeviceEvent::Stated { device, statement: hash, .. }) = &entry.body else {
            return Ok(());
        };
        let is_its_own = self.told.get(&hash.0).is_some_and(|said| said.device == *device);
        Invariant::HeardWasTold.require(is_its_own, || {
            format!("{hash:?} was heard of {device}, which never said it")
        })?;
        Invariant::HeardOnce
            .require(self.heard.insert(hash.0), || format!("{hash:?} of {device} is heard twice"))
    }

    /// What was said and never heard, of devices that may speak.
    pub(super) fn unheard(&self, ledger: &Ledger) -> Result<(), Broken> {
        for (hash, said) in &self.told {
            let device = said.device;
            let is_heard = self.heard.contains(hash);
            let may_speak = ledger.ruled_out(device).is_none() && !self.is_taken(device);
            Invariant::ToldIsHeard.require(is_heard || !may_speak, || {
                format!("{device} said {:?} and was never heard", said.body)
            })?;
        }
        Ok(())
    }

    fn accept(
        &mut self,
        ledger: &Ledger,
        device: DeviceId,
        command: CommandId,
    ) -> Result<(), Broken> {
        let Some(made) = ledger.commands.get(&command) else {
            let why = format!("{device} accepts {command}, of which no journal knows");
            return Err(Invariant::AcceptanceIsExplained.broken(why));
        };
        Invariant::AcceptanceIsExplained.require(made.device == device, || {
            format!("{device} accepts {command}, which is for {}", made.device)
        })?;
        Invariant::DurableBeforeSent.require(made.is_sent, || {
            format!("{device} accepts {command}, whose leaving is not durable")
        })?;
        let earlier = self.accepted.insert(command, device);
        Invariant::OneAcceptancePerRelease
            .require(earlier.is_none(), || format!("{device} accepts {command} a second time"))?;
        let unit = self.devices.entry(device).or_default();
        unit.accepted = Some(command);
        Invariant::EpochsAndCountersNeverFall.require(made.epoch >= unit.epoch, || {
            let (made, known) = (made.epoch, unit.epoch);
            format!("{device} accepts {command} of the epoch {made}, and knows of {known}")
        })
    }

    fn act(
        &mut self,
        ledger: &Ledger,
        at: Timestamp,
        device: DeviceId,
        action: Action,
    ) -> Result<(), Broken> {
        if action == Action::Disarm {
            return Ok(());
        }
        let unit = self.devices.entry(device).or_default();
        let Some(command) = unit.accepted.take() else {
            let why = format!("{device} does {action:?} under nothing that it has made durable");
            return Err(Invariant::PersistedBeforeActed.broken(why));
        };
        Invariant::OneAcceptancePerRelease.require(unit.acted_on != Some(command), || {
            format!("{device} acts on {command} a second time")
        })?;
        unit.acted_on = Some(command);
        let Some(made) = ledger.commands.get(&command) else { return Ok(()) };
        let slack_ms = if self.skew_ms == 0 { 0 } else { 2 * self.skew_ms + CLOCK_ERROR_MS };
        let until = made.release.expires_at.plus_ms(slack_ms);
        Invariant::ObeyedInTime.require(at < until, || {
            let late_ms = at.since_ms(made.release.expires_at);
            format!("{device} acts on {command} {late_ms} ms after its expiry")
        })
    }

    fn tell(
        &mut self,
        ledger: &Ledger,
        statement: &Statement,
        hash: [u8; 32],
    ) -> Result<(), Broken> {
        let unit = self.devices.entry(statement.device).or_default();
        let position = (statement.boot_epoch, statement.sequence);
        let earlier = unit.position.replace(position);
        let is_taken = unit.is_taken;
        Invariant::EpochsAndCountersNeverFall
            .require(is_taken || earlier.is_none_or(|it| it < position), || {
                format!("{} says {position:?} after {earlier:?}", statement.device)
            })?;
        self.told.insert(hash, *statement);
        let Said::Receipt { command, counter, outcome } = statement.body else { return Ok(()) };
        unit.receipt(ledger, command, counter, outcome)
    }
}

impl Device {
    fn receipt(
        &mut self,
        ledger: &Ledger,
        command: CommandId,
        counter: u64,
        outcome: Outcome,
    ) -> Result<(), Broken> {
        let began = |outcome: &Outcome| match outcome {
            Outcome::Opened | Outcome::Armed => true,
            Outcome::NeverExecuted | Outcome::Jammed | Outcome::Refused(_) => false,
        };
        let denies = |outcome: &Outcome| match outcome {
            Outcome::NeverExecuted | Outcome::Refused(_) => true,
            Outcome::Opened | Outcome::Armed | Outcome::Jammed => false,
        };
        let said = self.outcomes.entry(command).or_default();
        let before = said.clone();
        said.push(outcome);
        if self.is_taken {
            return Ok(());
        }
        let contradicts = (before.iter().any(began) && denies(&outcome))
            || (before.iter().any(denies) && began(&outcome));
        Invariant::ReceiptsAgree.require(!contradicts, || {
            format!("{outcome:?} is said of {command} after {before:?}")
        })?;
        let has_opened = self.opened.contains(&command);
        Invariant::ReceiptsAgree.require(!has_opened || !denies(&outcome), || {
            format!("{outcome:?} is said of {command}, under which the door opened")
        })?;
        let made = ledger.commands.get(&command).filter(|_| began(&outcome));
        let least = made.map_or(self.counter, |made| made.release.counter.max(self.counter));
        Invariant::EpochsAndCountersNeverFall.require(counter >= least, || {
            format!("a receipt of {command} counts {counter}, which is below {least}")
        })?;
        self.counter = counter;
        Ok(())
    }
}

/// How far a device's bounded clock may lie behind that of the server it asked.
const CLOCK_ERROR_MS: u64 = 1_000;
