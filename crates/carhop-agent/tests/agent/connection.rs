//! A connection as the device sees it: what it sends and keeps until it is acknowledged, when it gives up, and whom it asks for
//! the time (standards §3).

use super::bench::{Bench, EPOCH, OPEN, Quick, key, outcome, signed, statements, time_reply_to};
use carhop_agent::simulated::SimulatedLock;
use carhop_agent::{Alarm, Input, SensorEvent, limits};
use carhop_proofs::frame::{FromDevice, Position, ToDevice};
use carhop_proofs::statement::Outcome;
use carhop_proofs::suite::Algorithm;
use carhop_proofs::time_reply::{self, TimeReply};

#[test]
fn with_a_full_outbox_commands_are_ignored_and_openings_are_not() {
    let mut bench = Bench::new(SimulatedLock::new(0));
    let warmer = Input::Sensor(SensorEvent::Temperature { c10: 80 });
    for _ in 0..=limits::OUTBOX_MAX {
        bench.handle(warmer.clone());
    }
    let command = signed(&bench.authority.command(1, OPEN, 0));
    bench.command(&command);
    assert_eq!(bench.alarms, [Alarm::OutboxFull]);
    bench.metal.open_with_key(0);
    bench.handle(Input::Tick);
    bench.settle();
    assert_eq!(bench.authority.statements.len(), limits::OUTBOX_MAX + 1);
}

#[test]
fn statements_are_sent_until_acknowledged_and_a_window_ahead_at_most() {
    let mut bench = Bench::new(SimulatedLock::new(0));
    for c10 in 0..40 {
        bench.handle(Input::Sensor(SensorEvent::Temperature { c10 }));
    }
    bench.handle(Input::Connected { seed: [1; 32] });
    assert_eq!(statements(&bench.sent), 0);
    bench.frame(&ToDevice::Welcome { challenge: [1; 32], acknowledged: None });
    assert_eq!(statements(&bench.sent), limits::IN_FLIGHT_MAX);
    let through = Position { boot_epoch: 1, sequence: 9 };
    bench.frame(&ToDevice::Acknowledge { through });
    assert_eq!(statements(&bench.sent), 40);
    // A mark beyond what was said, or behind what is known, is nobody's.
    bench.frame(&ToDevice::Acknowledge { through: Position { boot_epoch: 2, sequence: 0 } });
    bench.frame(&ToDevice::Acknowledge { through: Position { boot_epoch: 1, sequence: 40 } });
    bench.frame(&ToDevice::Acknowledge { through: Position { boot_epoch: 0, sequence: 90 } });
    bench.sent.clear();
    bench.handle(Input::Disconnected);
    bench.handle(Input::Connected { seed: [2; 32] });
    bench.frame(&ToDevice::Welcome { challenge: [2; 32], acknowledged: None });
    assert_eq!(statements(&bench.sent), 30);
    bench.crash(0);
    bench.settle();
    assert_eq!(bench.authority.statements.len(), 0, "the first ten are acknowledged and gone");
}

#[test]
fn a_connection_without_a_welcome_is_given_up_once_and_the_next_one_hears_everything() {
    let mut bench = Bench::new(SimulatedLock::new(0));
    bench.handle(Input::Sensor(SensorEvent::Temperature { c10: 40 }));
    bench.handle(Input::Connected { seed: [1; 32] });
    bench.pass(limits::WELCOME_MS_MAX - 1);
    assert_eq!(bench.hang_ups, 0, "it may be on its way");
    bench.pass(1);
    assert_eq!(bench.hang_ups, 1);
    bench.sent.clear();
    bench.pass(60_000);
    assert_eq!((bench.hang_ups, bench.sent.len()), (1, 0), "there is no connection");
    bench.connect();
    assert_eq!(bench.authority.statements.len(), 1);
    bench.pass(60_000);
    assert_eq!(bench.hang_ups, 1, "it was welcomed");
}

#[test]
fn a_device_asks_for_the_time_again_with_a_fresh_nonce_and_believes_only_the_authority() {
    let mut bench = Bench::new(SimulatedLock::new(0));
    bench.handle(Input::Connected { seed: [1; 32] });
    bench.pass(limits::CLOCK_RETRY_MS);
    let nonces: Vec<_> = bench
        .sent
        .iter()
        .map(|frame| match frame {
            FromDevice::Hello { clock_nonce, .. } => *clock_nonce,
            FromDevice::AskTime { nonce } => *nonce,
            other @ (FromDevice::Attestation { .. }
            | FromDevice::Statement { .. }
            | FromDevice::Unknown { .. }
            | FromDevice::Pong) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(nonces.len(), 2);
    assert_ne!(nonces[0], nonces[1]);
    let reply = TimeReply { nonce: nonces[1], now: EPOCH, trust_epoch: 9 };
    let forged = time_reply::sign(&Quick, &key(Algorithm::Ed25519, 9), &reply).unwrap();
    let stale = time_reply_to(nonces[0], EPOCH);
    for cose in [forged, stale] {
        bench.frame(&ToDevice::Time { cose });
    }
    assert_eq!(bench.alarms, [Alarm::FalseTime; 2]);
    let cose = time_reply_to(nonces[1], EPOCH.plus_ms(bench.now_ms));
    bench.frame(&ToDevice::Time { cose });
    assert_eq!(outcome(&mut bench, OPEN, |_| {}), None);
    bench.frame(&ToDevice::Welcome { challenge: [5; 32], acknowledged: None });
    bench.listen();
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Opened));
}
