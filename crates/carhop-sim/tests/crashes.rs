//! One short stop, and a crash at every single step of it: before, in and after each durable step, at each command and
//! statement, at each message of its device. Every one of them heals (M-FLO-5, M-ACT-3; `design.md` §2.5).
//!
//! What is durable after a crash is the same before an append as in one that is lost, and the same after one as when nobody
//! was told of it: the second of each pair plays the shorter stops. Where there is fuel, the seeds are of customers who want
//! little of it: each reading of the meter is one more place to strike, and one is like the other.

#![expect(clippy::unwrap_used, reason = "a world that cannot be played is a failed test")]

use carhop_sim::model::Model;
use carhop_sim::plan::{Fault, Plan};
use carhop_sim::town::{Ending, Run, play};

fn run(plan: &Plan) -> Run {
    play(plan, &mut [&mut Model::default()]).unwrap()
}

/// Plays the stop once for each place at which the fault could strike, and has it strike there alone.
fn at_every_step(plan: &Plan, fault: Fault) {
    let places = run(plan).rolled[&fault];
    assert!(places > 0, "{} has no place to strike", fault.name());
    for place in 0..places {
        let mut plan = plan.clone();
        plan.forced.insert((fault, place));
        let run = run(&plan);
        assert_eq!(run.ending, Ending::Well, "cargo xtask sim --plan \"{plan}\"");
        assert_eq!(run.struck, [(fault, place)], "{plan}");
    }
}

#[test]
fn a_crash_before_any_append_heals() {
    at_every_step(&Plan::one_stop(1, true, false), Fault::CrashBeforeAppend);
}

#[test]
fn a_crash_that_loses_any_append_heals() {
    at_every_step(&Plan::one_stop(21, true, true), Fault::CrashAppendLost);
}

#[test]
fn a_crash_that_leaves_any_append_unacknowledged_heals() {
    at_every_step(&Plan::one_stop(27, true, true), Fault::CrashUnacknowledged);
}

#[test]
fn a_crash_after_any_append_heals() {
    at_every_step(&Plan::one_stop(21, false, true), Fault::CrashAfterAppend);
}

#[test]
fn a_flush_that_fails_anywhere_heals() {
    at_every_step(&Plan::one_stop(5, true, false), Fault::FlushFails);
}

#[test]
fn a_crash_at_any_command_heals() {
    for fault in [Fault::CrashAtLease, Fault::CrashBeforeCommand, Fault::CrashAfterCommand] {
        at_every_step(&Plan::one_stop(33, true, true), fault);
    }
}

#[test]
fn a_crash_at_any_statement_of_a_device_heals() {
    at_every_step(&Plan::one_stop(21, true, true), Fault::CrashAtStatement);
}

#[test]
fn a_device_that_loses_power_before_or_after_any_record_or_action_heals() {
    at_every_step(&Plan::one_stop(8, true, false), Fault::DeviceReboots);
    at_every_step(&Plan::one_stop(27, false, true), Fault::DeviceReboots);
}

#[test]
fn a_frame_that_is_lost_anywhere_heals() {
    at_every_step(&Plan::one_stop(21, true, true), Fault::FrameLost);
}
