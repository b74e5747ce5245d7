//! A pump with a valve, a nozzle, a meter, and a person who fills a tank.
//!
//! It stops at the limit it was armed with, as a real one does, besides obeying the agent.

use alloc::collections::VecDeque;

use carhop_kernel::session::InterlockKind;

use super::Fault;
use crate::{Action, Actuated, Input, Observed, SensorEvent};

/// How often the meter is looked at while fuel flows.
pub const FLOW_STEP_MS: u64 = 250;
/// How long the person takes to hang the nozzle up.
pub const HANG_UP_MS: u64 = 1_000;

/// What the person at the pump does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// How long after arming the nozzle is lifted; `None`: never.
    pub lift_after_ms: Option<u64>,
    /// How fast it flows.
    pub flow_ml_per_s: u32,
    /// How much goes into the tank before the person hangs up.
    pub wanted_ml: u32,
}

/// A simulated pump.
#[derive(Clone, Debug)]
pub struct SimulatedPump {
    totaliser_ml: u64,
    person: Person,
    valve: Option<Valve>,
    nozzle: Nozzle,
    fault: Option<Fault>,
    tripped: Option<InterlockKind>,
    events: VecDeque<Input>,
}

/// An enabled valve.
#[derive(Clone, Copy, Debug)]
struct Valve {
    max_ml: u32,
    given_ml: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nozzle {
    Seated { lift_at_ms: Option<u64> },
    Lifted { step_at_ms: u64 },
    HangingUp { until_ms: u64 },
}

impl SimulatedPump {
    /// A pump whose meter shows `totaliser_ml`, and who will use it.
    pub fn new(totaliser_ml: u64, person: Person) -> Self {
        let nozzle = Nozzle::Seated { lift_at_ms: None };
        let (valve, fault, tripped) = (None, None, None);
        Self { totaliser_ml, person, valve, nozzle, fault, tripped, events: VecDeque::new() }
    }

    /// The meter's lifetime total, in millilitres. It needs no power.
    pub fn totaliser_ml(&self) -> u64 {
        self.totaliser_ml
    }

    /// Who uses it next.
    pub fn expect(&mut self, person: Person) {
        self.person = person;
    }

    /// Power comes up again and an agent starts: the valve has fallen shut, the person has walked
    /// away, and what was told to the last agent is lost. What the new one sees.
    pub fn power_up(&mut self, now_ms: u64) -> Observed {
        self.advance(now_ms);
        self.events.clear();
        self.valve = None;
        self.nozzle = Nozzle::Seated { lift_at_ms: None };
        Observed::Pump { totaliser_ml: self.totaliser_ml }
    }

    /// Opens or closes the valve.
    pub fn actuate(&mut self, action: Action, now_ms: u64) {
        self.advance(now_ms);
        match action {
            Action::Arm { max_ml, .. } => {
                self.valve = Some(Valve { max_ml, given_ml: 0 });
                let lift_at_ms =
                    self.person.lift_after_ms.map(|after| now_ms.saturating_add(after));
                self.nozzle = Nozzle::Seated { lift_at_ms };
                self.events.push_back(Input::Actuated(Actuated::Done));
            }
            Action::Disarm => {
                if self.valve.take().is_some() {
                    self.stopped();
                }
                self.give_up(now_ms);
            }
            Action::Open { .. } => self.events.push_back(Input::Actuated(Actuated::Failed)),
        }
    }

    /// Something goes wrong; the latest fault counts.
    pub fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::Jammed | Fault::Ajar | Fault::Forced => {}
            Fault::Interlock { .. }
            | Fault::MeterBackwards { .. }
            | Fault::MeterStuck { .. }
            | Fault::MeterLeaps { .. }
            | Fault::StopLost => self.fault = Some(fault),
        }
    }

    /// What was wrong is mended, and an interlock that tripped is clear again.
    pub fn heal(&mut self) {
        self.fault = None;
        if let Some(kind) = self.tripped.take() {
            self.sense(SensorEvent::Interlock { kind, is_tripped: false });
        }
    }

    /// Somebody looks at the meter and answers for what it shows.
    pub fn check_meter(&mut self) {
        let totaliser_ml = self.totaliser_ml;
        self.sense(SensorEvent::MeterChecked { totaliser_ml });
    }

    /// The sensors say something else: an interlock, tampering.
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
        match self.nozzle {
            Nozzle::Seated { lift_at_ms } => lift_at_ms,
            Nozzle::Lifted { step_at_ms } => Some(step_at_ms),
            Nozzle::HangingUp { until_ms } => Some(until_ms),
        }
    }

    fn advance(&mut self, now_ms: u64) {
        while let Some(at_ms) = self.due_at().filter(|at_ms| *at_ms <= now_ms) {
            match self.nozzle {
                Nozzle::Seated { .. } => {
                    self.nozzle = Nozzle::Lifted { step_at_ms: at_ms + FLOW_STEP_MS };
                    self.sense(SensorEvent::NozzleLifted);
                }
                Nozzle::Lifted { .. } => self.flow(at_ms),
                Nozzle::HangingUp { .. } => {
                    self.nozzle = Nozzle::Seated { lift_at_ms: None };
                    self.sense(SensorEvent::NozzleSeated);
                }
            }
        }
    }

    /// One step of flow, as long as the valve, the limit and the tank let it.
    fn flow(&mut self, at_ms: u64) {
        let Some(valve) = &mut self.valve else { return self.give_up(at_ms) };
        let step_ml = u64::from(self.person.flow_ml_per_s) * FLOW_STEP_MS / 1_000;
        let room_ml = valve.max_ml.min(self.person.wanted_ml).saturating_sub(valve.given_ml);
        let step_ml = u32::try_from(step_ml).unwrap_or(u32::MAX).min(room_ml);
        valve.given_ml += step_ml;
        let (given_ml, max_ml) = (valve.given_ml, valve.max_ml);
        self.nozzle = Nozzle::Lifted { step_at_ms: at_ms.saturating_add(FLOW_STEP_MS) };
        self.count(step_ml, given_ml);
        if given_ml >= max_ml {
            self.valve = None;
            self.stopped();
        }
        if given_ml >= max_ml || given_ml >= self.person.wanted_ml {
            self.give_up(at_ms);
        }
    }

    /// The meter counts a step of flow, as well as it can.
    fn count(&mut self, step_ml: u32, given_ml: u32) {
        let step = u64::from(step_ml);
        let before_ml = self.totaliser_ml;
        // The first step is always counted, however wide it is.
        let is_past = |after_ml: u32| given_ml > after_ml.max(step_ml);
        self.totaliser_ml = match self.fault {
            Some(Fault::MeterBackwards { after_ml }) if is_past(after_ml) => {
                before_ml.saturating_sub(step)
            }
            Some(Fault::MeterStuck { after_ml }) if is_past(after_ml) => before_ml,
            Some(Fault::MeterLeaps { after_ml, by_ml }) if is_past(after_ml) => {
                self.fault = None;
                before_ml.saturating_add(step).saturating_add(by_ml.into())
            }
            Some(_) | None => before_ml.saturating_add(step),
        };
        if self.totaliser_ml != before_ml {
            self.sense(SensorEvent::Flow { totaliser_ml: self.totaliser_ml });
        }
        if let Some(Fault::Interlock { kind, after_ml }) = self.fault
            && is_past(after_ml)
            && self.tripped.replace(kind).is_none()
        {
            self.sense(SensorEvent::Interlock { kind, is_tripped: true });
        }
    }

    /// The person takes the nozzle back, or never lifts it.
    fn give_up(&mut self, now_ms: u64) {
        self.nozzle = match self.nozzle {
            Nozzle::Seated { .. } => Nozzle::Seated { lift_at_ms: None },
            Nozzle::Lifted { .. } => {
                Nozzle::HangingUp { until_ms: now_ms.saturating_add(HANG_UP_MS) }
            }
            hanging_up @ Nozzle::HangingUp { .. } => hanging_up,
        };
    }

    fn stopped(&mut self) {
        let totaliser_ml = self.totaliser_ml;
        if self.fault != Some(Fault::StopLost) {
            self.sense(SensorEvent::Stopped { totaliser_ml });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: Person =
        Person { lift_after_ms: Some(2_000), flow_ml_per_s: 600, wanted_ml: 20_000 };

    fn armed(max_ml: u32, person: Person) -> SimulatedPump {
        let mut pump = SimulatedPump::new(5_000, person);
        pump.actuate(Action::Arm { max_ml, grade: 1 }, 0);
        assert_eq!(pump.poll_input(0), Some(Input::Actuated(Actuated::Done)));
        pump
    }

    /// Lets time pass to `until_ms`, and says what the sensors said last.
    fn last(pump: &mut SimulatedPump, until_ms: u64) -> Option<Input> {
        core::iter::from_fn(|| pump.poll_input(until_ms)).last()
    }

    #[test]
    fn it_stops_at_the_limit_or_when_the_tank_is_full_or_when_told() {
        let mut pump = armed(1_000, PERSON);
        assert_eq!(last(&mut pump, 2_000), Some(Input::Sensor(SensorEvent::NozzleLifted)));
        let flow = SensorEvent::Flow { totaliser_ml: 5_150 };
        assert_eq!(last(&mut pump, 2_250), Some(Input::Sensor(flow)));
        assert_eq!(last(&mut pump, 60_000), Some(Input::Sensor(SensorEvent::NozzleSeated)));
        assert_eq!(pump.totaliser_ml(), 6_000);

        let mut pump = armed(50_000, Person { wanted_ml: 310, ..PERSON });
        assert_eq!(last(&mut pump, 60_000), Some(Input::Sensor(SensorEvent::NozzleSeated)));
        assert_eq!(pump.totaliser_ml(), 5_310);
        pump.actuate(Action::Disarm, 60_000);
        let stopped = SensorEvent::Stopped { totaliser_ml: 5_310 };
        assert_eq!(last(&mut pump, 60_000), Some(Input::Sensor(stopped)));

        let mut pump = armed(50_000, PERSON);
        pump.actuate(Action::Disarm, 3_000);
        let stopped = SensorEvent::Stopped { totaliser_ml: 5_600 };
        let told: alloc::vec::Vec<_> = core::iter::from_fn(|| pump.poll_input(3_000)).collect();
        assert_eq!(told.last(), Some(&Input::Sensor(stopped)));
    }

    #[test]
    fn nobody_lifting_the_nozzle_and_a_power_cut_leave_the_meter_alone() {
        let mut pump = armed(1_000, Person { lift_after_ms: None, ..PERSON });
        assert_eq!(last(&mut pump, 900_000), None);
        let mut pump = armed(1_000, PERSON);
        assert_eq!(pump.power_up(2_300), Observed::Pump { totaliser_ml: 5_150 });
        assert_eq!(last(&mut pump, 900_000), None);
    }

    #[test]
    fn a_broken_meter_a_tripped_interlock_and_a_lost_stop_show_as_they_would() {
        let after_ml = 200;
        let kind = InterlockKind::Spill;
        let flow = |totaliser_ml| SensorEvent::Flow { totaliser_ml };
        for (fault, last_sensed) in [
            (Fault::MeterBackwards { after_ml }, flow(5_000)),
            (Fault::MeterStuck { after_ml }, flow(5_150)),
            (Fault::MeterLeaps { after_ml, by_ml: 7_000 }, flow(12_300)),
            (
                Fault::Interlock { kind, after_ml },
                SensorEvent::Interlock { kind, is_tripped: true },
            ),
        ] {
            let mut pump = armed(50_000, PERSON);
            pump.suffer(fault);
            assert_eq!(last(&mut pump, 2_500), Some(Input::Sensor(last_sensed)), "{fault:?}");
        }
        let mut pump = armed(50_000, PERSON);
        pump.suffer(Fault::StopLost);
        pump.actuate(Action::Disarm, 2_600);
        assert_eq!(last(&mut pump, 2_600), Some(Input::Sensor(flow(5_300))));
    }
}
