//! A lock opens once for one command and reports what its door does (M-ACT-2).

use super::bench::{Bench, Metal, OPEN, Quick, command_id, restore, signed};
use carhop_agent::simulated::SimulatedLock;
use carhop_agent::{
    Action, Actuated, Alarm, Capability, Input, Observed, SensorEvent, compact, limits,
};
use carhop_proofs::command::CommandAction;
use carhop_proofs::statement::{Body, LockEvent, Outcome};

fn ordered() -> Bench<SimulatedLock> {
    let mut bench = Bench::online(SimulatedLock::new(0));
    let command = bench.authority.command(1, OPEN, 0);
    bench.command(&signed(&command));
    bench
}

/// What was said, with the commands by their labels.
fn told<M: Metal>(bench: &mut Bench<M>) -> Vec<(Option<u8>, &'static str)> {
    bench.listen();
    let label = |id: carhop_kernel::id::CommandId| id.as_bytes()[0];
    let events = bench.authority.bodies().into_iter().map(|body| match body {
        Body::Receipt { command, outcome, .. } => match outcome {
            Outcome::Opened => (Some(label(command)), "receipt opened"),
            Outcome::Jammed => (Some(label(command)), "receipt jammed"),
            Outcome::NeverExecuted => (Some(label(command)), "never executed"),
            other @ (Outcome::Armed | Outcome::Refused(_)) => panic!("{other:?}"),
        },
        Body::Lock { command, event } => {
            let event = match event {
                LockEvent::Opened => "opened",
                LockEvent::Closed => "closed",
                LockEvent::Locked => "locked",
                LockEvent::Jammed => "jammed",
                LockEvent::Tampered => "tampered",
                LockEvent::Temperature { .. } => "temperature",
            };
            (command.map(label), event)
        }
        other @ (Body::Meter { .. } | Body::Interlock { .. }) => panic!("{other:?}"),
    });
    events.collect()
}

#[test]
fn a_visit_is_told_from_the_opening_to_the_bolt() {
    let mut bench = ordered();
    bench.pass(1_000);
    bench.metal.sense(SensorEvent::Temperature { c10: -185 });
    bench.metal.close_door(bench.now_ms);
    bench.pass(1_000);
    bench.metal.sense(SensorEvent::Tampered);
    bench.handle(Input::Tick);
    assert_eq!(
        told(&mut bench),
        [
            (Some(1), "receipt opened"),
            (Some(1), "temperature"),
            (Some(1), "closed"),
            (Some(1), "locked"),
            (None, "tampered"),
        ]
    );
    assert_eq!(bench.alarms, [Alarm::Tampered]);
}

#[test]
fn an_opening_that_nobody_ordered_is_told_without_a_command() {
    let mut bench = Bench::online(SimulatedLock::new(0));
    bench.metal.open_with_key(0);
    bench.pass(10);
    bench.metal.close_door(bench.now_ms);
    bench.pass(1_000);
    assert_eq!(told(&mut bench), [(None, "opened"), (None, "closed"), (None, "locked")]);
}

#[test]
fn a_contact_that_bounces_is_one_opening() {
    let mut bench = ordered();
    bench.pass(1_000);
    bench.handle(Input::Sensor(SensorEvent::Opened));
    bench.handle(Input::Sensor(SensorEvent::Opened));
    assert_eq!(told(&mut bench), [(Some(1), "receipt opened")]);
}

#[test]
fn a_lock_that_does_not_open_is_jammed_by_sensor_by_drive_or_by_time() {
    let mut bench = Bench::online(SimulatedLock::new(0));
    bench.metal.jam(true);
    bench.handle(Input::Sensor(SensorEvent::Jammed));
    let command = bench.authority.command(1, OPEN, 0);
    bench.command(&signed(&command));
    bench.pass(1_000);
    assert_eq!(told(&mut bench), [(None, "jammed"), (Some(1), "receipt jammed")]);

    let mut bench = ordered();
    bench.handle(Input::Actuated(Actuated::Failed));
    assert_eq!(told(&mut bench), [(Some(1), "receipt jammed")]);

    let mut bench = Bench::online(Silent);
    let command = bench.authority.command(1, OPEN, 0);
    bench.command(&signed(&command));
    bench.pass(limits::OPEN_MS_MAX - 1);
    assert_eq!(told(&mut bench), []);
    bench.pass(1);
    assert_eq!(told(&mut bench), [(Some(1), "receipt jammed")]);
    // Should it open after all, it opened without leave.
    bench.handle(Input::Sensor(SensorEvent::Opened));
    assert_eq!(told(&mut bench)[1..], [(None, "opened")]);
}

#[test]
fn after_a_power_cut_the_counter_of_openings_tells_what_came_of_a_command() {
    // The bolt fell back before the door opened.
    let mut bench = ordered();
    bench.pass(100);
    bench.crash(0);
    bench.settle();
    assert_eq!(told(&mut bench), [(Some(1), "never executed")]);

    // The door opened, and that was lost with the power.
    for is_shut_again in [false, true] {
        let mut bench = ordered();
        bench.syncs = false;
        bench.pass(1_000);
        if is_shut_again {
            bench.metal.close_door(bench.now_ms);
            bench.pass(1_000);
        }
        bench.crash(0);
        bench.settle();
        let mut expected = vec![(Some(1), "receipt opened")];
        expected.extend(is_shut_again.then_some((Some(1), "locked")));
        assert_eq!(told(&mut bench), expected);
        assert_eq!(bench.releases().len(), 1);
    }
}

#[test]
fn after_a_power_cut_a_lock_without_a_counter_claims_nothing() {
    for is_locked in [true, false] {
        let mut bench = Bench::online(Silent);
        let command = signed(&bench.authority.command(1, OPEN, 0));
        bench.command(&command);
        let cancel = CommandAction::Cancel { command: command_id(1) };
        let cancel = signed(&bench.authority.command(2, cancel, 0));
        bench.agent = restore::<Silent>(Observed::Lock { is_locked, openings: None }, &bench.disk);
        bench.handle(Input::Tick);
        bench.settle();
        bench.command(&command);
        bench.command(&cancel);
        let told = told(&mut bench);
        if is_locked {
            assert_eq!((told, bench.authority.unknown.len()), (vec![], 1));
            // It is free for the next command, and the old one stays consumed.
            // So it does when the log is compacted: about what was abandoned nothing is ever claimed.
            bench.disk = compact(&Quick, bench.disk.clone()).unwrap();
            bench.crash(0);
            bench.settle();
            bench.command(&command);
            bench.command(&cancel);
            bench.listen();
            assert_eq!(bench.authority.unknown, [command_id(1); 2]);
            assert_eq!(bench.authority.outcome(1), None);
            let next = bench.authority.command(3, OPEN, bench.now_ms);
            bench.command(&signed(&next));
            assert_eq!(bench.releases(), [Action::Open { compartment: 1 }; 2]);
        } else {
            assert_eq!(told, [(Some(1), "receipt opened"); 1]);
        }
    }
}

#[test]
fn a_door_that_moved_while_the_power_was_out_is_told_at_the_start() {
    let mut bench = ordered();
    bench.pass(1_000);
    bench.crash(0);
    bench.settle();
    assert_eq!(told(&mut bench), [(Some(1), "receipt opened")]);
    bench.metal.close_door(bench.now_ms);
    bench.syncs = false;
    bench.pass(1_000);
    bench.crash(0);
    bench.settle();
    assert_eq!(told(&mut bench)[1..], [(Some(1), "locked")]);
    bench.metal.open_with_key(bench.now_ms);
    bench.crash(0);
    bench.settle();
    assert_eq!(told(&mut bench)[2..], [(None, "opened")]);
}

/// A lock that never says anything and does not count.
struct Silent;

impl Metal for Silent {
    fn capability() -> Capability {
        Capability::Lock { compartments: vec![1] }
    }
    fn power_up(&mut self, _: u64) -> Observed {
        Observed::Lock { is_locked: true, openings: None }
    }
    fn actuate(&mut self, _: Action, _: u64) {}
    fn poll_input(&mut self, _: u64) -> Option<Input> {
        None
    }
    fn due_at(&self) -> Option<u64> {
        None
    }
}
