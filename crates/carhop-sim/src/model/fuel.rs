//! Fuel: every millilitre that a meter has counted since a pump was armed is settled, once, in integer millilitres, and a
//! reading that does not follow the one before it is raised. What a meter counts and nothing can have given did not flow.

use std::collections::{BTreeMap, BTreeSet};

use carhop_agent::Action;
use carhop_app::batch::{Batch, Body, DeviceEvent, Entry, Stream};
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::order::Service;
use carhop_kernel::session::{Event, Exception, LegIndex};
use carhop_proofs::statement::{Body as Said, Reading, ReadingKind};

use super::invariant::Invariant;
use super::ledger::Ledger;
use super::metal::Metal;
use super::stops::raises;
use crate::happening::{Broken, Happening, Mischief};

/// What every meter has counted and what was settled.
#[derive(Debug, Default)]
pub(super) struct Fuel {
    pumps: BTreeMap<DeviceId, Pump>,
    settled: BTreeSet<(SessionId, LegIndex)>,
    /// What was settled or told to somebody, by command.
    closed: BTreeSet<CommandId>,
    /// Pumps whose meter or valve somebody has tampered with.
    tampered: BTreeSet<DeviceId>,
    /// Pumps whose meter may leap.
    leaping: BTreeSet<DeviceId>,
}

#[derive(Debug, Default)]
struct Pump {
    totaliser_ml: Option<u64>,
    accepted: Option<CommandId>,
    run: Option<Run>,
    runs: Vec<Run>,
    heard: Option<Heard>,
}

/// What flowed since the pump was armed.
#[derive(Clone, Copy, Debug)]
struct Run {
    command: CommandId,
    begin_ml: u64,
    highest_ml: u64,
    /// What the meter shows since it has leapt.
    leapt_to_ml: Option<u64>,
    /// Whether the power was gone meanwhile, and with it what was believed before.
    is_cut: bool,
}

/// The last reading that was heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    command: CommandId,
    number: u32,
    is_ended: bool,
}

impl Fuel {
    pub(super) fn see(&mut self, happening: &Happening) {
        if let Happening::Mischief(Mischief::Meter { device, .. }) = happening {
            self.tampered.insert(*device);
        }
        if let Happening::Mischief(Mischief::Leap { device }) = happening {
            self.tampered.insert(*device);
            self.leaping.insert(*device);
        }
        if let Happening::Rebooted { device } = happening
            && let Some(run) = self.pumps.get_mut(device).and_then(|pump| pump.run.as_mut())
        {
            run.is_cut = true;
        }
        if let Happening::Accepted { device, command } = happening {
            self.pumps.entry(*device).or_default().accepted = Some(*command);
        }
        if let Happening::Actuated { device, action: Action::Arm { .. } } = happening {
            let pump = self.pumps.entry(*device).or_default();
            pump.runs.extend(pump.run.take());
            let begin_ml = pump.totaliser_ml.unwrap_or(FIRST_TOTAL_ML);
            let (highest_ml, leapt_to_ml, is_cut) = (begin_ml, None, false);
            let run = |command| Run { command, begin_ml, highest_ml, leapt_to_ml, is_cut };
            pump.run = pump.accepted.take().map(run);
        }
        if let Happening::Metered { device, totaliser_ml } = happening {
            let may_leap = self.leaping.contains(device);
            let pump = self.pumps.entry(*device).or_default();
            pump.totaliser_ml = Some(*totaliser_ml);
            if let Some(run) = &mut pump.run {
                run.count(*totaliser_ml, may_leap);
            }
        }
    }

    /// Judges an entry.
    pub(super) fn check(
        &mut self,
        ledger: &Ledger,
        metal: &Metal,
        batch: &Batch,
        entry: &Entry,
    ) -> Result<(), Broken> {
        if let Body::Device(DeviceEvent::Stated { device, statement, .. }) = &entry.body
            && let Some(said) = metal.told(&statement.0)
            && let Said::Meter { command, reading } = said.body
        {
            self.reading(ledger, batch, *device, command, reading)?;
        }
        let (Stream::Session(id), Body::Session(event)) = (entry.stream, &entry.body) else {
            return Ok(());
        };
        if let Event::FuelSettled { leg, metered_ml } = &**event {
            self.settle(ledger, metal, batch, (id, *leg, *metered_ml))?;
        }
        if let Event::ExceptionRaised { exception, .. } = &**event
            && matches!(exception, Exception::FlowWithoutLeave | Exception::OutcomeUnknown)
            && let Some(stop) = ledger.stops.get(&id)
        {
            self.closed.extend(stop.legs.iter().filter_map(|leg| leg.under_way));
        }
        if let Event::OutcomeStated { command, .. } = &**event {
            self.closed.insert(*command);
        }
        Ok(())
    }

    /// What flowed and was never settled.
    pub(super) fn unsettled(&self, ledger: &Ledger, metal: &Metal) -> Result<(), Broken> {
        for (device, pump) in &self.pumps {
            if ledger.ruled_out(*device).is_some() || metal.is_taken(*device) {
                continue;
            }
            for run in pump.runs.iter().chain(&pump.run) {
                let flowed_ml = run.highest_ml.saturating_sub(run.begin_ml);
                let made = ledger.commands.get(&run.command);
                let is_settled = made.is_none_or(|made| {
                    self.settled.contains(&(made.session, made.leg))
                        || self.closed.contains(&run.command)
                });
                Invariant::DispensedIsSettled.require(flowed_ml == 0 || is_settled, || {
                    format!("{flowed_ml} ml flowed under {} and were never settled", run.command)
                })?;
            }
        }
        Ok(())
    }

    fn settle(
        &mut self,
        ledger: &Ledger,
        metal: &Metal,
        batch: &Batch,
        (id, leg, metered_ml): (SessionId, LegIndex, u32),
    ) -> Result<(), Broken> {
        let first = self.settled.insert((id, leg));
        Invariant::DispensedIsSettled
            .require(first, || format!("leg {} of {id} is settled twice", leg.0))?;
        let Some(known) = ledger.stops.get(&id).and_then(|stop| stop.leg(leg)) else {
            return Ok(());
        };
        let run = self.pumps.get(&known.terms.device).and_then(|pump| {
            let ours = |run: &&Run| Some(run.command) == known.last;
            pump.run.iter().chain(&pump.runs).find(ours)
        });
        let flowed_ml = run.map_or(0, |run| run.highest_ml.saturating_sub(run.begin_ml));
        let is_taken = metal.is_taken(known.terms.device);
        let is_it = flowed_ml == u64::from(metered_ml) || is_taken;
        let is_shown = run.is_some_and(|run| run.is_cut && run.shown_ml() == u64::from(metered_ml));
        Invariant::DispensedIsSettled.require(is_it || is_shown, || {
            format!("{flowed_ml} ml flowed for leg {} of {id}, {metered_ml} ml are settled", leg.0)
        })?;
        let leapt = run.is_some_and(|run| run.leapt_to_ml.is_some() && !run.is_cut);
        let is_told = is_taken || raises(batch, id, Exception::MeterFaulty);
        Invariant::DoubtsAreRaised.require(!leapt || is_told, || {
            format!("the meter leapt for leg {} of {id}, and nobody is told", leg.0)
        })?;
        let Service::Fuel { limit_ml, .. } = known.terms.service else { return Ok(()) };
        let is_within = metered_ml <= limit_ml.saturating_add(OVERRUN_ML_MAX);
        let raised = raises(batch, id, Exception::OverDispensed);
        Invariant::DispensedIsSettled.require(is_within || raised, || {
            format!("{metered_ml} ml of {limit_ml} ml are settled for {id} and nobody is told")
        })?;
        let device = known.terms.device;
        let excused = self.tampered.contains(&device) || metal.is_taken(device);
        Invariant::DispensedIsSettled.require(is_within || excused, || {
            format!("{device} gave {metered_ml} ml of {limit_ml} ml, and nothing is wrong with it")
        })
    }

    fn reading(
        &mut self,
        ledger: &Ledger,
        batch: &Batch,
        device: DeviceId,
        command: CommandId,
        reading: Reading,
    ) -> Result<(), Broken> {
        let pump = self.pumps.entry(device).or_default();
        let is_ended = matches!(reading.kind, ReadingKind::End(_));
        let last = pump.heard.replace(Heard { command, number: reading.number, is_ended });
        let same = last.filter(|last| last.command == command);
        let expected = same.map_or(0, |last| last.number + 1);
        let is_open = last.is_some_and(|last| last.command != command && !last.is_ended);
        let Some(made) = ledger.commands.get(&command) else { return Ok(()) };
        let follows = reading.number == expected && !is_open;
        let raised = raises(batch, made.session, Exception::MeterGap);
        Invariant::DoubtsAreRaised.require(follows || raised, || {
            format!("reading {} of {command} is not {expected}, and nobody is told", reading.number)
        })
    }
}

impl Run {
    /// What the meter shows now. Nothing counts any more once it has leapt.
    fn count(&mut self, totaliser_ml: u64, may_leap: bool) {
        let gained_ml = totaliser_ml.saturating_sub(self.highest_ml);
        if self.leapt_to_ml.is_some() || may_leap && gained_ml >= LEAP_ML_MIN {
            self.leapt_to_ml = Some(totaliser_ml);
        } else {
            self.highest_ml = self.highest_ml.max(totaliser_ml);
        }
    }

    /// What its meter says was dispensed.
    fn shown_ml(&self) -> u64 {
        self.leapt_to_ml.unwrap_or(self.highest_ml).saturating_sub(self.begin_ml)
    }
}

/// What no pump gives between two looks at its meter.
const LEAP_ML_MIN: u64 = 5_000;
/// What a pump shows before anything has flowed.
const FIRST_TOTAL_ML: u64 = 1_000_000;
/// How far a quantity may pass its limit (standards §8.10).
const OVERRUN_ML_MAX: u32 = 50;
