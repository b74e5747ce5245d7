//! What a cancel proves about a command, and what it cannot (M-ACT-2; standards §3).

use super::bench::{Bench, OPEN, command_id, lock, outcome, signed};
use carhop_agent::limits;
use carhop_agent::simulated::SimulatedLock;
use carhop_proofs::command::{Command, CommandAction};
use carhop_proofs::frame::ToDevice;
use carhop_proofs::statement::{Outcome, RefusalCode};

#[test]
fn a_cancel_proves_that_a_command_was_never_executed_and_never_will_be() {
    let mut bench = lock();
    let command = signed(&bench.authority.command(1, OPEN, 0));
    let cancel = CommandAction::Cancel { command: command_id(1) };
    let cancel = signed(&bench.authority.command(2, cancel, 0));
    bench.command(&cancel);
    bench.command(&command);
    bench.command(&cancel);
    bench.frame(&ToDevice::Query { command: command_id(2) });
    bench.pass(1_000);
    bench.listen();
    assert_eq!(bench.authority.outcomes[&command_id(1)], [Outcome::NeverExecuted; 4]);
    assert_eq!(bench.actions, []);
    // The counter has advanced.
    let old = Command { counter: 2, ..bench.authority.command(3, OPEN, bench.now_ms) };
    bench.command(&signed(&old));
    bench.listen();
    assert_eq!(bench.authority.outcome(3), Some(Outcome::Refused(RefusalCode::Counter)));
}

#[test]
fn a_cancel_that_comes_too_late_is_answered_with_what_happened() {
    let mut bench = lock();
    let command = signed(&bench.authority.command(1, OPEN, 0));
    bench.command(&command);
    bench.pass(1_000);
    let cancel = CommandAction::Cancel { command: command_id(1) };
    let cancel = signed(&bench.authority.command(2, cancel, bench.now_ms));
    bench.command(&cancel);
    bench.listen();
    assert_eq!(bench.authority.outcomes[&command_id(1)], [Outcome::Opened; 2]);
}

#[test]
fn a_cancel_overtakes_a_command_that_is_not_yet_durable() {
    let mut bench = lock();
    bench.syncs = false;
    let command = signed(&bench.authority.command(1, OPEN, 0));
    bench.command(&command);
    let cancel = CommandAction::Cancel { command: command_id(1) };
    let cancel = signed(&bench.authority.command(2, cancel, 0));
    bench.command(&cancel);
    bench.sync();
    bench.pass(10_000);
    bench.listen();
    assert_eq!(bench.authority.outcome(1), Some(Outcome::NeverExecuted));
    assert_eq!(bench.actions, []);
}

#[test]
fn a_cancel_needs_no_clock_but_an_issuer_an_epoch_and_a_counter() {
    let mut bench = Bench::new(SimulatedLock::new(0));
    let cancel = CommandAction::Cancel { command: command_id(1) };
    let cancel = bench.authority.command(2, cancel, 0);
    bench.command(&signed(&Command { counter: 0, ..cancel }));
    bench.pass(60_000);
    let cancel = Command { id: command_id(3), ..cancel };
    bench.command(&signed(&cancel));
    bench.settle();
    let refused = Outcome::Refused(RefusalCode::Counter);
    assert_eq!(bench.authority.outcome(2), Some(refused));
    assert_eq!(bench.authority.outcome(1), Some(Outcome::NeverExecuted));
}

#[test]
fn only_a_cancel_proves_anything_about_an_unknown_command() {
    let mut bench = lock();
    bench.frame(&ToDevice::Query { command: command_id(1) });
    bench.listen();
    assert_eq!(bench.authority.unknown, [command_id(1)]);
    assert_eq!(bench.authority.statements, []);
    // The query has not burnt the id.
    assert_eq!(outcome(&mut bench, OPEN, |_| {}), Some(Outcome::Opened));
}

#[test]
fn nothing_is_claimed_about_commands_that_may_be_forgotten() {
    let mut bench = lock();
    let refused = |bench: &mut Bench<SimulatedLock>, number: u16| {
        let mut command = bench.authority.command(0, OPEN, bench.now_ms);
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        command.id = carhop_kernel::id::CommandId::from_bytes(id);
        command.trust_epoch = 0;
        bench.command(&signed(&command));
        bench.listen();
        bench.acknowledge();
        command
    };
    let first = refused(&mut bench, 1);
    for number in 2..=limits::COMMANDS_KNOWN_MAX + 1 {
        refused(&mut bench, u16::try_from(number).unwrap());
    }
    let heard = bench.authority.statements.len();
    bench.command(&signed(&first));
    let cancel = CommandAction::Cancel { command: first.id };
    let cancel = signed(&bench.authority.command(9, cancel, bench.now_ms));
    bench.command(&cancel);
    bench.frame(&ToDevice::Query { command: first.id });
    bench.listen();
    assert_eq!(bench.authority.unknown, [first.id; 3]);
    assert_eq!(bench.authority.statements.len(), heard);
}
