//! A pump: it dispenses once for one command, reads its meter in numbered, signed readings and stops
//! by itself (M-ACT-3; standards §8).
//!
//! What a quantity costs and whether it was too much is not known here: the meter is reported as it
//! is.

use alloc::vec::Vec;

use carhop_kernel::session::InterlockKind;
use carhop_proofs::statement::{Body, EndReason, Outcome, Reading, ReadingKind, RefusalCode};
use carhop_proofs::suite::Suite;

use super::{Action, Actuated, Agent, Alarm, Machine, Output, SensorEvent, limits};
use crate::memory::Dispensing;
use crate::record::{About, Record};

/// The running state of a pump. What must survive a power cut, the memory knows.
#[derive(Debug)]
pub(super) struct PumpMachine {
    grades: Vec<u8>,
    most: Most,
    totaliser_ml: u64,
    is_nozzle_lifted: bool,
    tripped: Vec<InterlockKind>,
    run: Option<Run>,
}

/// Most that can come out of a pump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// At once.
    pub(super) given_ml: u32,
    pub(super) flow_ml_per_s: u32,
}

/// A dispensing since the valve was enabled.
#[derive(Clone, Copy, Debug)]
struct Run {
    armed_at_ms: u64,
    was_lifted: bool,
    /// When fuel last flowed, or could first.
    moved_at_ms: u64,
    /// Until when fuel flowed if it always flowed as fast as it can: in the future by no more than meters are late.
    flowed_until_ms: u64,
    read_at_ms: u64,
    stopping: Option<Stopping>,
}

#[derive(Clone, Copy, Debug)]
struct Stopping {
    reason: EndReason,
    since_ms: u64,
}

impl PumpMachine {
    pub(super) fn new(grades: Vec<u8>, most: Most, totaliser_ml: u64) -> Self {
        let (is_nozzle_lifted, tripped, run) = (false, Vec::new(), None);
        Self { grades, most, totaliser_ml, is_nozzle_lifted, tripped, run }
    }

    pub(super) fn has(&self, grade: u8) -> bool {
        self.grades.contains(&grade)
    }

    pub(super) fn gives(&self, max_ml: u32) -> bool {
        0 < max_ml && max_ml <= self.most.given_ml
    }

    pub(super) fn totaliser_ml(&self) -> u64 {
        self.totaliser_ml
    }

    pub(super) fn unready(&self) -> Option<RefusalCode> {
        let is_ready = self.tripped.is_empty() && !self.is_nozzle_lifted;
        if is_ready { None } else { Some(RefusalCode::Interlocked) }
    }

    pub(super) fn begin(&mut self, now_ms: u64) {
        self.run = Some(Run {
            armed_at_ms: now_ms,
            was_lifted: false,
            moved_at_ms: now_ms,
            flowed_until_ms: now_ms,
            read_at_ms: now_ms,
            stopping: None,
        });
    }

    pub(super) fn due_at(&self) -> Option<u64> {
        let run = self.run?;
        Some(match run.stopping {
            Some(stopping) => stopping.overdue_at(),
            None => run.idle_at().min(run.overdue_at()),
        })
    }

    /// Goes on from what the meter shows: the fuel that was gained since, or none if this cannot be so. A totaliser never
    /// goes back, nor in a dispensing faster than fuel can flow.
    fn gain(&mut self, totaliser_ml: u64, now_ms: u64) -> Option<u64> {
        let gained_ml = totaliser_ml.checked_sub(self.totaliser_ml)?;
        if let Some(run) = &mut self.run {
            let full_ml_per_s = u64::from(self.most.flow_ml_per_s).max(1);
            let took_ms = gained_ml.saturating_mul(1_000) / full_ml_per_s;
            let until_ms = run.flowed_until_ms.saturating_add(took_ms);
            if until_ms > now_ms.saturating_add(limits::FLOW_LATE_MS_MAX) {
                return None;
            }
            if gained_ml > 0 {
                (run.was_lifted, run.moved_at_ms) = (true, now_ms);
                run.flowed_until_ms = until_ms.max(now_ms);
            }
        }
        self.totaliser_ml = totaliser_ml;
        Some(gained_ml)
    }

    fn trip(&mut self, kind: InterlockKind, is_tripped: bool) {
        self.tripped.retain(|other| *other != kind);
        if is_tripped {
            self.tripped.push(kind);
        }
    }
}

impl Run {
    /// When it is over because nothing flows.
    fn idle_at(&self) -> u64 {
        let patience_ms =
            if self.was_lifted { limits::NO_FLOW_MS_MAX } else { limits::NOZZLE_MS_MAX };
        self.moved_at_ms.saturating_add(patience_ms)
    }

    /// When it is over in any case.
    fn overdue_at(&self) -> u64 {
        self.armed_at_ms.saturating_add(limits::DISPENSING_MS_MAX)
    }
}

impl Stopping {
    /// When the valve should have reported that it is closed.
    fn overdue_at(&self) -> u64 {
        self.since_ms.saturating_add(limits::STOP_MS_MAX)
    }
}

impl<S: Suite> Agent<S> {
    pub(super) fn pump_actuated(&mut self, actuated: Actuated) {
        if self.running().is_some() {
            self.confirm();
            match actuated {
                Actuated::Done => {}
                Actuated::Failed => self.stop(EndReason::Fault),
            }
        }
    }

    pub(super) fn pump_sensed(&mut self, event: SensorEvent) {
        match event {
            SensorEvent::NozzleLifted => self.nozzle(true),
            SensorEvent::NozzleSeated => self.nozzle(false),
            SensorEvent::Flow { totaliser_ml } => self.flow(totaliser_ml),
            SensorEvent::Stopped { totaliser_ml } => self.stopped(totaliser_ml),
            SensorEvent::MeterChecked { totaliser_ml } => self.meter_checked(totaliser_ml),
            SensorEvent::Interlock { kind, is_tripped } => self.interlock(kind, is_tripped),
            // A pump's cabinet reports as the strongest interlock there is.
            SensorEvent::Tampered => {
                self.interlock(InterlockKind::EmergencyStop, true);
                self.alarm(Alarm::Tampered);
            }
            SensorEvent::Opened
            | SensorEvent::Closed
            | SensorEvent::Locked
            | SensorEvent::Jammed
            | SensorEvent::Temperature { .. } => {}
        }
    }

    pub(super) fn pump_pass_time(&mut self) {
        let Some(run) = self.running() else { return };
        match run.stopping {
            Some(stopping) if self.now_ms >= stopping.overdue_at() => self.end(EndReason::Fault),
            None if self.now_ms >= run.overdue_at() => self.stop(EndReason::TimeLimit),
            None if self.now_ms >= run.idle_at() => self.stop(EndReason::NoFlow),
            Some(_) | None => {}
        }
    }

    /// Closes the valve for good; the last reading follows when nothing flows any more. The first
    /// reason is the one that counts.
    pub(super) fn stop(&mut self, reason: EndReason) {
        let since_ms = self.now_ms;
        let Machine::Pump(PumpMachine { run: Some(run), .. }) = &mut self.machine else { return };
        if run.stopping.is_none() {
            run.stopping = Some(Stopping { reason, since_ms });
            self.outputs.push_back(Output::Actuate(Action::Disarm));
        }
    }

    /// States a reading of the dispensing under way.
    pub(super) fn read_meter(&mut self, kind: ReadingKind, totaliser_ml: u64) {
        let Some(Dispensing { command, begin_ml, next_number, .. }) = self.memory.dispensing()
        else {
            return;
        };
        let metered_ml = totaliser_ml.saturating_sub(begin_ml);
        let metered_ml = u32::try_from(metered_ml).unwrap_or(u32::MAX);
        let number = next_number;
        let about = match kind {
            ReadingKind::Begin | ReadingKind::Charge => About::Reading { number },
            ReadingKind::End(_) => About::End,
        };
        let reading = Reading { number, kind, totaliser_ml, metered_ml };
        self.state(Body::Meter { command, reading }, about);
    }

    /// States once that the pump is armed and what its meter showed before the first drop.
    pub(super) fn confirm(&mut self) {
        let Some(Dispensing { command, begin_ml, is_armed, next_number, .. }) =
            self.memory.dispensing()
        else {
            return;
        };
        if !is_armed {
            self.receipt(command, Outcome::Armed, About::Armed { command });
        }
        if next_number == 0 {
            self.read_meter(ReadingKind::Begin, begin_ml);
        }
    }

    fn running(&self) -> Option<Run> {
        match &self.machine {
            Machine::Pump(pump) => pump.run,
            Machine::Lock(_) => None,
        }
    }

    fn nozzle(&mut self, is_lifted: bool) {
        let now_ms = self.now_ms;
        let Machine::Pump(pump) = &mut self.machine else { return };
        pump.is_nozzle_lifted = is_lifted;
        let Some(run) = &mut pump.run else { return };
        if is_lifted {
            (run.was_lifted, run.moved_at_ms) = (true, now_ms);
            run.flowed_until_ms = run.flowed_until_ms.max(now_ms);
        } else if run.was_lifted {
            self.stop(EndReason::Finished);
        }
    }

    fn flow(&mut self, totaliser_ml: u64) {
        let now_ms = self.now_ms;
        let is_doubted = self.memory.base.is_meter_doubted;
        let Machine::Pump(pump) = &mut self.machine else { return };
        let is_believed = !(is_doubted && pump.run.is_some());
        let gained_ml = if is_believed { pump.gain(totaliser_ml, now_ms) } else { None };
        // What went back or leapt cannot be believed from here on.
        let Some(gained_ml) = gained_ml else {
            self.doubt_meter();
            return self.stop(EndReason::Fault);
        };
        let Some(run) = &mut pump.run else {
            if gained_ml > 0 {
                self.alarm(Alarm::FlowWithoutCommand);
            }
            return;
        };
        let is_due = now_ms.saturating_sub(run.read_at_ms) >= limits::READING_MS_MIN;
        let is_read = gained_ml > 0 && is_due;
        if is_read {
            run.read_at_ms = now_ms;
        }
        self.confirm();
        if is_read {
            self.read_meter(ReadingKind::Charge, totaliser_ml);
        }
        let limit = self.memory.dispensing().map(|run| (run.begin_ml, run.max_ml));
        if limit.is_some_and(|(begin_ml, max_ml)| {
            totaliser_ml.saturating_sub(begin_ml) >= u64::from(max_ml)
        }) {
            self.stop(EndReason::LimitReached);
        }
    }

    /// Remembers that the meter went back or leapt, whatever happens to the power: nothing is dispensed by it any more.
    pub(super) fn doubt_meter(&mut self) {
        if !self.memory.base.is_meter_doubted {
            self.record(Record::Meter { is_doubted: true });
            self.alarm(Alarm::MeterDoubted);
        }
    }

    /// Goes on from what the meter shows now. Not in the middle of a dispensing, which is told by the old one.
    fn meter_checked(&mut self, now_ml: u64) {
        let Machine::Pump(pump) = &mut self.machine else { return };
        if pump.run.is_some() || self.memory.dispensing().is_some() {
            return;
        }
        pump.totaliser_ml = now_ml;
        if self.memory.base.is_meter_doubted {
            self.record(Record::Meter { is_doubted: false });
        }
    }

    fn stopped(&mut self, totaliser_ml: u64) {
        self.flow(totaliser_ml);
        if let Some(run) = self.running() {
            self.end(run.stopping.map_or(EndReason::Finished, |stopping| stopping.reason));
        }
    }

    fn interlock(&mut self, kind: InterlockKind, is_tripped: bool) {
        let Machine::Pump(pump) = &mut self.machine else { return };
        pump.trip(kind, is_tripped);
        if is_tripped {
            let command = self.memory.dispensing().map(|dispensing| dispensing.command);
            self.state(Body::Interlock { command, kind }, About::Report);
            self.stop(EndReason::Interlock);
        }
    }

    /// The last reading. Whatever else ended the dispensing: a meter that cannot be believed is told of.
    fn end(&mut self, reason: EndReason) {
        let is_doubted = self.memory.base.is_meter_doubted;
        let reason = if is_doubted { EndReason::Fault } else { reason };
        self.confirm();
        let Machine::Pump(pump) = &mut self.machine else { return };
        pump.run = None;
        let totaliser_ml = pump.totaliser_ml;
        self.read_meter(ReadingKind::End(reason), totaliser_ml);
    }
}
