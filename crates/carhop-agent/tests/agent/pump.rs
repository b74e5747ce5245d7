//! A pump dispenses once for one command, and what it says adds up to what flowed (M-ACT-3;
//! standards §8).

use super::bench::{Bench, EPOCH, command_id, readings_of, signed};
use carhop_agent::simulated::{Fault, Person, SimulatedPump};
use carhop_agent::{Action, Actuated, Alarm, Input, SensorEvent, limits};
use carhop_kernel::session::InterlockKind;
use carhop_proofs::command::CommandAction;
use carhop_proofs::statement::{Body, EndReason, Outcome, Reading, ReadingKind, RefusalCode};

const START_ML: u64 = 1_000_000;
const ARM: CommandAction = CommandAction::Arm { max_ml: 30_000, grade: 1 };
const PERSON: Person = Person { lift_after_ms: Some(2_000), flow_ml_per_s: 600, wanted_ml: 20_000 };

/// A pump that was armed at zero by a durable command.
fn armed(person: Person) -> Bench<SimulatedPump> {
    let mut bench = Bench::online(SimulatedPump::new(START_ML, person));
    arm(&mut bench, 1);
    bench
}

fn arm(bench: &mut Bench<SimulatedPump>, id: u8) -> Vec<u8> {
    let command = signed(&bench.authority.command(id, ARM, bench.now_ms));
    bench.command(&command);
    command
}

/// The readings of a command, having checked that they are one gapless dispensing.
fn readings(bench: &mut Bench<SimulatedPump>, id: u8) -> Vec<Reading> {
    // The device sends a window at a time.
    for _ in 0..64 {
        bench.listen();
        bench.acknowledge();
    }
    let bodies = bench.authority.bodies();
    let readings = readings_of(bodies, command_id(id));
    for (number, reading) in readings.iter().enumerate() {
        assert_eq!(usize::try_from(reading.number), Ok(number));
        let metered_ml = reading.totaliser_ml - readings[0].totaliser_ml;
        assert_eq!(u64::from(reading.metered_ml), metered_ml);
    }
    assert!(readings.is_sorted_by_key(|reading| reading.totaliser_ml));
    readings
}

/// How the dispensing ended and with which quantity.
fn end(bench: &mut Bench<SimulatedPump>, id: u8) -> Option<(EndReason, u32)> {
    let readings = readings(bench, id);
    let ends: Vec<_> = readings
        .iter()
        .filter_map(|reading| match reading.kind {
            ReadingKind::End(reason) => Some((reason, reading.metered_ml)),
            ReadingKind::Begin | ReadingKind::Charge => None,
        })
        .collect();
    assert!(ends.len() <= 1);
    ends.first().copied()
}

#[test]
fn a_dispensing_is_armed_begins_charges_and_ends_with_what_flowed() {
    let mut bench = armed(PERSON);
    bench.pass(60_000);
    assert_eq!(end(&mut bench, 1), Some((EndReason::Finished, 20_000)));
    let readings = readings(&mut bench, 1);
    assert_eq!(readings[0].kind, ReadingKind::Begin);
    assert_eq!(readings[0].totaliser_ml, START_ML);
    // 20 l at 0.6 l/s take 33.3 s; at most one reading a second, and two at the ends.
    assert!((30..=36).contains(&readings.len()), "{}", readings.len());
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Armed));
    assert!(matches!(bench.authority.bodies()[0], Body::Receipt { .. }));
    assert_eq!(bench.metal.totaliser_ml(), START_ML + 20_000);
    assert_eq!(
        bench.actions,
        [Action::Disarm, Action::Arm { max_ml: 30_000, grade: 1 }, Action::Disarm]
    );
}

#[test]
fn every_way_to_end_names_its_reason() {
    let no_nozzle = Person { lift_after_ms: None, ..PERSON };
    let dry = Person { flow_ml_per_s: 0, ..PERSON };
    let slow = Person { flow_ml_per_s: 4, ..PERSON };
    let thirsty = Person { wanted_ml: 50_000, ..PERSON };
    let rows = [
        ("tank full", PERSON, 60_000, EndReason::Finished, 20_000),
        ("limit", thirsty, 60_000, EndReason::LimitReached, 30_000),
        ("nozzle never lifted", no_nozzle, limits::NOZZLE_MS_MAX, EndReason::NoFlow, 0),
        ("nothing flows", dry, 2_000 + limits::NO_FLOW_MS_MAX, EndReason::NoFlow, 0),
        // One millilitre every 250 ms from the lifting of the nozzle on.
        ("too slow", slow, limits::DISPENSING_MS_MAX, EndReason::TimeLimit, 898 * 4),
    ];
    for (name, person, span_ms, reason, metered_ml) in rows {
        let mut bench = armed(person);
        bench.pass(1_000);
        bench.pass(span_ms - 1_001);
        let early = end(&mut bench, 1);
        bench.pass(1);
        let ended = end(&mut bench, 1);
        assert_eq!(ended, Some((reason, metered_ml)), "{name}");
        assert_eq!(early.is_some(), span_ms == 60_000, "{name}");
        let total_ml = bench.metal.totaliser_ml();
        bench.pass(120_000);
        assert_eq!(bench.metal.totaliser_ml(), total_ml, "{name}");
    }
}

#[test]
fn interlocks_stop_the_flow_and_are_told() {
    use InterlockKind::{EmergencyStop, Motion, Nozzle, Spill};
    for kind in [Motion, Nozzle, Spill, EmergencyStop] {
        let mut bench = armed(PERSON);
        bench.pass(4_000);
        bench.metal.sense(SensorEvent::Interlock { kind, is_tripped: true });
        bench.handle(Input::Tick);
        bench.pass(60_000);
        assert_eq!(end(&mut bench, 1), Some((EndReason::Interlock, 1_200)));
        let told = Body::Interlock { command: Some(command_id(1)), kind };
        assert!(bench.authority.bodies().contains(&told));
    }
    let mut bench = Bench::online(SimulatedPump::new(START_ML, PERSON));
    bench.metal.sense(SensorEvent::Interlock { kind: Spill, is_tripped: true });
    bench.pass(10);
    bench.listen();
    assert_eq!(bench.authority.bodies(), [Body::Interlock { command: None, kind: Spill }]);
}

#[test]
fn a_tampered_pump_stops_and_stays_stopped() {
    let mut bench = armed(PERSON);
    bench.pass(4_000);
    bench.metal.sense(SensorEvent::Tampered);
    bench.handle(Input::Tick);
    bench.pass(10_000);
    assert_eq!(end(&mut bench, 1), Some((EndReason::Interlock, 1_200)));
    arm(&mut bench, 2);
    bench.pass(10_000);
    assert_eq!(bench.metal.totaliser_ml(), START_ML + 1_200);
    assert_eq!(bench.alarms, [Alarm::Tampered]);
}

#[test]
fn a_cancel_ends_the_flow() {
    let mut bench = armed(PERSON);
    bench.pass(4_000);
    let cancel = CommandAction::Cancel { command: command_id(1) };
    let cancel = signed(&bench.authority.command(2, cancel, bench.now_ms));
    bench.command(&cancel);
    bench.command(&cancel);
    bench.pass(60_000);
    assert_eq!(end(&mut bench, 1), Some((EndReason::Cancelled, 1_200)));
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Armed));
}

#[test]
fn without_a_link_the_pump_goes_on_to_the_local_limit_and_arms_nothing_new() {
    let mut bench = armed(PERSON);
    bench.pass(4_000);
    bench.listen();
    bench.handle(Input::Disconnected);
    bench.pass(limits::CLOCK_BOUND_MS_MAX);
    let late = arm(&mut bench, 2);
    bench.settle();
    assert_eq!(end(&mut bench, 1), Some((EndReason::Finished, 20_000)));
    bench.command(&late);
    bench.pass(10_000);
    assert_eq!(bench.releases().len(), 1);
}

#[test]
fn a_known_id_is_never_armed_again() {
    let mut bench = Bench::online(SimulatedPump::new(START_ML, PERSON));
    let command = arm(&mut bench, 1);
    for _ in 0..3 {
        bench.pass(30_000);
        bench.command(&command);
        bench.crash(0);
        bench.connect();
        bench.command(&command);
    }
    bench.settle();
    assert_eq!(bench.releases().len(), 1);
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Armed));
}

#[test]
fn a_power_cut_ends_a_dispensing_by_what_the_totaliser_shows() {
    // Nothing was enabled when the power went: the command was never executed.
    let mut bench = Bench::online(SimulatedPump::new(START_ML, PERSON));
    bench.syncs = false;
    arm(&mut bench, 1);
    bench.crash(1);
    bench.settle();
    assert_eq!(bench.authority.outcome(1), Some(Outcome::NeverExecuted));
    assert_eq!(readings(&mut bench, 1), []);

    // Armed, and nothing flowed.
    let mut bench = armed(PERSON);
    bench.pass(1_000);
    bench.crash(0);
    bench.settle();
    assert_eq!(end(&mut bench, 1), Some((EndReason::Aborted, 0)));

    // Flowing.
    let mut bench = armed(PERSON);
    bench.pass(4_000);
    bench.crash(0);
    bench.settle();
    assert_eq!(end(&mut bench, 1), Some((EndReason::PowerLost, 1_200)));
    bench.pass(60_000);
    assert_eq!(bench.metal.totaliser_ml(), START_ML + 1_200);

    // Flowing, and of all that was said only the acceptance had become durable.
    let mut bench = Bench::online(SimulatedPump::new(START_ML, PERSON));
    arm(&mut bench, 1);
    let accepted = bench.durable_at[0].1;
    bench.pass(4_000);
    bench.disk.truncate(accepted);
    bench.authority.head = None;
    bench.crash(0);
    bench.settle();
    assert_eq!(end(&mut bench, 1), Some((EndReason::PowerLost, 1_200)));
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Armed));
}

#[test]
fn a_valve_that_does_not_close_and_a_meter_that_turns_back_are_faults() {
    let mut bench = armed(Person { lift_after_ms: None, ..PERSON });
    bench.handle(Input::Sensor(SensorEvent::NozzleLifted));
    let flow = |totaliser_ml| Input::Sensor(SensorEvent::Flow { totaliser_ml });
    bench.handle(flow(START_ML + 500));
    bench.handle(flow(START_ML + 400));
    bench.pass(limits::STOP_MS_MAX);
    assert_eq!(end(&mut bench, 1), Some((EndReason::Fault, 500)));

    let mut bench = armed(Person { lift_after_ms: None, ..PERSON });
    bench.handle(Input::Actuated(Actuated::Failed));
    bench.pass(limits::STOP_MS_MAX);
    assert_eq!(end(&mut bench, 1), Some((EndReason::Fault, 0)));
}

#[test]
fn a_pump_whose_meter_ran_backwards_arms_nothing_until_somebody_has_looked() {
    let refused = Some(Outcome::Refused(RefusalCode::MeterDoubted));
    let mut bench = armed(Person { lift_after_ms: None, ..PERSON });
    let flow = |totaliser_ml| Input::Sensor(SensorEvent::Flow { totaliser_ml });
    bench.metal.suffer(Fault::StopLost);
    bench.handle(flow(START_ML + 500));
    bench.handle(flow(START_ML + 400));
    // In the middle of a dispensing nobody answers for a meter.
    bench.handle(Input::Sensor(SensorEvent::MeterChecked { totaliser_ml: START_ML }));
    bench.pass(limits::STOP_MS_MAX);
    assert_eq!(bench.alarms, [Alarm::MeterDoubted], "somebody standing there sees it, once");
    arm(&mut bench, 2);
    bench.settle();
    assert_eq!(bench.authority.outcome(2), refused);
    bench.crash(0);
    bench.connect();
    arm(&mut bench, 3);
    bench.settle();
    assert_eq!(bench.authority.outcome(3), refused, "a restart mends no meter");
    bench.metal.check_meter();
    bench.settle();
    arm(&mut bench, 4);
    bench.settle();
    assert_eq!(bench.authority.outcome(4), Some(Outcome::Armed));
    assert_eq!(readings(&mut bench, 4)[0].totaliser_ml, bench.metal.totaliser_ml());
}

#[test]
fn a_meter_that_leaps_stops_the_pump_and_only_what_can_have_flowed_is_told() {
    for by_ml in [5_000, 60_000] {
        let mut bench = armed(PERSON);
        bench.metal.suffer(Fault::MeterLeaps { after_ml: 3_000, by_ml });
        bench.pass(7_200);
        assert_eq!(bench.alarms, []);
        bench.pass(100);
        assert_eq!(bench.alarms, [Alarm::MeterDoubted]);
        bench.pass(60_000);
        assert_eq!(end(&mut bench, 1), Some((EndReason::Fault, 3_000)));
        arm(&mut bench, 2);
        bench.settle();
        let refused = Outcome::Refused(RefusalCode::MeterDoubted);
        assert_eq!(bench.authority.outcome(2), Some(refused));
    }
}

#[test]
fn a_meter_that_leapt_before_the_power_went_is_told_of_all_the_same() {
    let mut bench = armed(Person { lift_after_ms: None, ..PERSON });
    bench.metal.suffer(Fault::StopLost);
    bench.handle(Input::Sensor(SensorEvent::Flow { totaliser_ml: START_ML + 9_000 }));
    bench.settle();
    bench.crash(0);
    bench.connect();
    bench.settle();
    assert_eq!(end(&mut bench, 1), Some((EndReason::Fault, 0)));
}

#[test]
fn a_meter_that_leaps_while_the_pump_is_stopping_is_told_of_and_not_believed() {
    let mut bench = armed(Person { lift_after_ms: None, ..PERSON });
    let flow = |totaliser_ml| Input::Sensor(SensorEvent::Flow { totaliser_ml });
    bench.metal.suffer(Fault::StopLost);
    bench.handle(flow(START_ML + 500));
    bench.handle(Input::Sensor(SensorEvent::NozzleLifted));
    bench.handle(Input::Sensor(SensorEvent::NozzleSeated));
    bench.handle(flow(START_ML + 3_000));
    // By then it could have been so much; it was not.
    bench.pass(limits::STOP_MS_MAX - 1);
    bench.handle(flow(START_ML + 3_001));
    bench.pass(1);
    assert_eq!(end(&mut bench, 1), Some((EndReason::Fault, 500)));
}

#[test]
fn a_meter_that_is_late_is_believed_as_far_as_fuel_can_flow() {
    for (late_ml, believed_ml, alarms) in
        [(3_000, 3_000, &[][..]), (3_001, 0, &[Alarm::MeterDoubted])]
    {
        let mut bench = armed(Person { lift_after_ms: None, ..PERSON });
        bench.metal.suffer(Fault::StopLost);
        bench.handle(Input::Sensor(SensorEvent::NozzleLifted));
        bench.pass(2_000);
        bench.handle(Input::Sensor(SensorEvent::Flow { totaliser_ml: START_ML + late_ml }));
        bench.handle(Input::Sensor(SensorEvent::NozzleSeated));
        bench.pass(limits::STOP_MS_MAX);
        assert_eq!(end(&mut bench, 1), Some((EndReason::Fault, believed_ml)));
        assert_eq!(bench.alarms, alarms);
    }
}

#[test]
fn a_meter_that_leaps_in_many_small_steps_is_not_believed_either() {
    let mut bench = armed(Person { lift_after_ms: None, ..PERSON });
    bench.handle(Input::Sensor(SensorEvent::NozzleLifted));
    for step in 1..=3 {
        let totaliser_ml = START_ML + 500 * step;
        bench.handle(Input::Sensor(SensorEvent::Flow { totaliser_ml }));
    }
    assert_eq!(bench.alarms, [Alarm::MeterDoubted]);
    bench.pass(limits::STOP_MS_MAX);
    assert_eq!(end(&mut bench, 1), Some((EndReason::Fault, 1_000)), "what a second can give");
}

#[test]
fn flow_that_nobody_armed_raises_an_alarm_and_shows_in_the_next_reading() {
    let mut bench = Bench::online(SimulatedPump::new(START_ML, PERSON));
    bench.handle(Input::Sensor(SensorEvent::Flow { totaliser_ml: START_ML + 7 }));
    assert_eq!(bench.alarms, [Alarm::FlowWithoutCommand]);
    arm(&mut bench, 1);
    assert_eq!(readings(&mut bench, 1)[0].totaliser_ml, START_ML + 7);
}

#[test]
fn statements_carry_the_bounded_time() {
    let mut bench = armed(PERSON);
    bench.pass(60_000);
    bench.listen();
    let last = bench.authority.statements.last().unwrap();
    let age_ms = EPOCH.plus_ms(bench.now_ms).since_ms(last.at);
    assert!((20_000..30_000).contains(&age_ms), "{age_ms}");
}
