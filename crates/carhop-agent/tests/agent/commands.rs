//! What a device obeys, what it refuses and says so, and what it does not even answer (M-ACT-1;
//! standards §3).

use super::bench::{
    Bench, DEVICE, EPOCH, OPEN, PUMP_ML_MAX, Quick, TRUST_EPOCH, command_id, key, lock, outcome,
    public, signed, statements,
};
use carhop_agent::simulated::{Person, SimulatedLock, SimulatedPump};
use carhop_agent::{
    Action, Agent, Alarm, Capability, Config, Input, Observed, Output, RestoreError, SensorEvent,
    limits,
};
use carhop_kernel::id::DeviceId;
use carhop_kernel::session::InterlockKind;
use carhop_proofs::command::{self, Command, CommandAction};
use carhop_proofs::frame::{FarewellCode, FromDevice, ToDevice};
use carhop_proofs::statement::{Outcome, RefusalCode};
use carhop_proofs::suite::{Algorithm, RustCrypto, Suite};
use carhop_proofs::time_reply::{self, TimeReply};

const ARM: CommandAction = CommandAction::Arm { max_ml: 40_000, grade: 1 };
const PERSON: Person = Person { lift_after_ms: Some(2_000), flow_ml_per_s: 600, wanted_ml: 20_000 };

fn pump() -> Bench<SimulatedPump> {
    Bench::online(SimulatedPump::new(0, PERSON))
}

#[test]
fn a_lock_refuses_with_a_signed_reason() {
    type Change<'a> = &'a dyn Fn(&mut Command);
    let rows: [(&str, CommandAction, Change<'_>, RefusalCode); 8] = [
        ("old epoch", OPEN, &|c| c.trust_epoch = TRUST_EPOCH - 1, RefusalCode::Epoch),
        ("old counter", OPEN, &|c| c.counter = 0, RefusalCode::Counter),
        (
            "too long a life",
            OPEN,
            &|c| c.expires_at = c.issued_at.plus_ms(30_001),
            RefusalCode::Lifetime,
        ),
        (
            "expired",
            OPEN,
            &|c| (c.issued_at, c.expires_at) = (EPOCH.minus_ms(5_000), EPOCH),
            RefusalCode::Expired,
        ),
        (
            "from the future",
            OPEN,
            &|c| {
                c.issued_at = EPOCH.plus_ms(10_000);
                c.expires_at = EPOCH.plus_ms(15_000);
            },
            RefusalCode::NotYetValid,
        ),
        (
            "no such compartment",
            CommandAction::Open { compartment: 200 },
            &|_| {},
            RefusalCode::Unsupported,
        ),
        ("a lock dispenses nothing", ARM, &|_| {}, RefusalCode::Unsupported),
        (
            "old epoch of all faults",
            ARM,
            &|c| (c.trust_epoch, c.counter) = (0, 0),
            RefusalCode::Epoch,
        ),
    ];
    for (name, action, change, code) in rows {
        let mut bench = lock();
        let refused = outcome(&mut bench, action, change);
        assert_eq!(refused, Some(Outcome::Refused(code)), "{name}");
        assert_eq!(bench.actions, [], "{name}");
    }
    assert_eq!(outcome(&mut lock(), OPEN, |_| {}), Some(Outcome::Opened));
}

#[test]
fn a_pump_refuses_with_a_signed_reason() {
    let rows = [
        ("nothing", CommandAction::Arm { max_ml: 0, grade: 1 }, RefusalCode::Limit),
        ("too much", CommandAction::Arm { max_ml: PUMP_ML_MAX + 1, grade: 1 }, RefusalCode::Limit),
        ("unknown grade", CommandAction::Arm { max_ml: 1, grade: 2 }, RefusalCode::Unsupported),
        ("a pump opens nothing", OPEN, RefusalCode::Unsupported),
    ];
    for (name, action, code) in rows {
        let mut bench = pump();
        let refused = outcome(&mut bench, action, |_| {});
        assert_eq!(refused, Some(Outcome::Refused(code)), "{name}");
        assert_eq!(bench.releases(), [], "{name}");
    }
    let interlock = |is_tripped| {
        let kind = InterlockKind::Spill;
        Input::Sensor(SensorEvent::Interlock { kind, is_tripped })
    };
    for hindrance in [interlock(true), Input::Sensor(SensorEvent::NozzleLifted)] {
        let mut bench = pump();
        bench.handle(hindrance);
        let refused = outcome(&mut bench, ARM, |_| {});
        assert_eq!(refused, Some(Outcome::Refused(RefusalCode::Interlocked)));
    }
    let mut bench = pump();
    bench.handle(interlock(true));
    bench.handle(interlock(false));
    assert_eq!(outcome(&mut bench, ARM, |_| {}), Some(Outcome::Armed));
}

#[test]
fn one_command_at_a_time() {
    let mut bench = lock();
    let first = bench.authority.command(1, OPEN, 0);
    let second = bench.authority.command(2, OPEN, 0);
    bench.command(&signed(&first));
    bench.command(&signed(&second));
    bench.pass(1_000);
    // The door stands open: what opens it a second time is refused as well.
    let third = bench.authority.command(3, OPEN, bench.now_ms);
    bench.command(&signed(&third));
    bench.listen();
    let busy = Some(Outcome::Refused(RefusalCode::Busy));
    assert_eq!(
        [1, 2, 3].map(|id| bench.authority.outcome(id)),
        [Some(Outcome::Opened), busy, busy]
    );
    assert_eq!(bench.metal.openings(), 1);
    // What was refused stays refused, even when it could be done now.
    bench.metal.close_door(bench.now_ms);
    bench.pass(1_000);
    bench.command(&signed(&second));
    bench.command(&signed(&third));
    bench.pass(1_000);
    bench.listen();
    assert_eq!(bench.authority.outcome(2), busy);
    assert_eq!(bench.metal.openings(), 1);
}

#[test]
fn without_a_bounded_clock_nothing_is_actuated() {
    let unbounded = Some(Outcome::Refused(RefusalCode::ClockUnbounded));
    let mut offline = Bench::new(SimulatedLock::new(0));
    let command = offline.authority.command(1, OPEN, 0);
    offline.command(&signed(&command));
    offline.pass(1_000);
    assert_eq!(offline.metal.openings(), 0);
    offline.settle();
    assert_eq!(offline.authority.outcome(1), unbounded);

    // The time was known once, too long ago.
    let mut bench = lock();
    bench.handle(Input::Disconnected);
    bench.pass(limits::CLOCK_BOUND_MS_MAX);
    let command = bench.authority.command(1, OPEN, bench.now_ms);
    bench.command(&signed(&command));
    bench.settle();
    assert_eq!(bench.authority.outcome(1), unbounded);

    // The command's own faults are told first.
    let mut bench = Bench::new(SimulatedLock::new(0));
    let stale = Command { trust_epoch: 0, ..bench.authority.command(1, OPEN, 0) };
    bench.frame(&ToDevice::Time { cose: vec![] });
    bench.connect();
    bench.crash(0);
    bench.command(&signed(&stale));
    bench.settle();
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Refused(RefusalCode::Epoch)));
}

#[test]
fn what_no_issuer_signed_and_what_is_meant_for_another_is_not_answered() {
    let mut bench = lock();
    let good = bench.authority.command(1, OPEN, 0);
    let forged = command::sign(&Quick, &key(Algorithm::Ed25519, 9), &good).unwrap();
    let foreign = signed(&Command { audience: DeviceId::from_bytes([9; 16]), ..good });
    let mut damaged = signed(&good);
    *damaged.last_mut().unwrap() ^= 1;
    for bytes in [&forged[..], &foreign, &damaged, &[]] {
        bench.command(bytes);
    }
    bench.pass(1_000);
    bench.listen();
    assert_eq!(bench.authority.statements, []);
    assert_eq!(bench.actions, []);
    let (forged, foreign) = (Alarm::ForgedCommand, Alarm::ForeignCommand);
    assert_eq!(bench.alarms, [forged, foreign, forged, forged]);
    // The id was not burnt by the forgery.
    let good = signed(&Command { expires_at: good.expires_at.plus_ms(1_000), ..good });
    bench.command(&good);
    bench.pass(1_000);
    bench.listen();
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Opened));
}

#[test]
fn a_known_command_is_answered_with_its_receipt_and_never_executed_again() {
    let mut bench = lock();
    let command = signed(&bench.authority.command(1, OPEN, 0));
    bench.command(&command);
    // While it is under way there is nothing to answer with.
    bench.command(&command);
    bench.pass(1_000);
    bench.metal.close_door(bench.now_ms);
    bench.pass(1_000);
    bench.listen();
    bench.acknowledge();
    let heard = bench.authority.statements.len();
    for _ in 0..3 {
        bench.command(&command);
        bench.frame(&ToDevice::Query { command: command_id(1) });
    }
    bench.pass(100_000);
    assert_eq!(statements(&bench.sent), 6);
    bench.listen();
    assert_eq!(bench.authority.statements.len(), heard);
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Opened));
    assert_eq!(bench.metal.openings(), 1);
}

#[test]
fn reordered_commands_lose_to_the_counter() {
    let mut bench = lock();
    let early = signed(&bench.authority.command(1, OPEN, 0));
    let late = signed(&bench.authority.command(2, OPEN, 0));
    bench.command(&late);
    bench.pass(1_000);
    bench.metal.close_door(bench.now_ms);
    bench.pass(500);
    bench.command(&early);
    bench.pass(1_000);
    bench.listen();
    assert_eq!(bench.authority.outcome(2), Some(Outcome::Opened));
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Refused(RefusalCode::Counter)));
    assert_eq!(bench.metal.openings(), 1);
}

#[test]
fn a_command_that_expires_while_it_is_made_durable_is_refused() {
    let mut bench = lock();
    bench.syncs = false;
    let command = bench.authority.command(1, OPEN, 0);
    bench.command(&signed(&command));
    bench.pass(command::COMMAND_LIFETIME_MS);
    bench.sync();
    bench.listen();
    assert_eq!(bench.actions, []);
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Refused(RefusalCode::Expired)));
}

#[test]
fn a_device_says_hello_attests_answers_pings_and_hears_farewells() {
    let mut bench = Bench::new(SimulatedLock::new(0));
    bench.handle(Input::Attested(vec![1]));
    bench.handle(Input::Connected { seed: [1; 32] });
    assert!(matches!(bench.sent[..], [FromDevice::Hello { boot_epoch: 1, next_sequence: 0, .. }]));
    bench.frame(&ToDevice::Welcome { challenge: [5; 32], acknowledged: None });
    bench.frame(&ToDevice::Challenge { challenge: [6; 32] });
    assert_eq!(bench.challenges, [[5; 32], [6; 32]]);
    bench.handle(Input::Attested(vec![2, 3]));
    bench.frame(&ToDevice::Ping);
    bench.frame(&ToDevice::Farewell { code: FarewellCode::Shutdown });
    bench.handle(Input::Frame(vec![0xff]));
    assert_eq!(bench.sent[1..], [FromDevice::Attestation { eat: vec![2, 3] }, FromDevice::Pong]);
    assert_eq!(bench.farewells, [FarewellCode::Shutdown]);
    assert_eq!(bench.alarms, [Alarm::MalformedFrame]);
}

#[test]
fn a_raised_trust_epoch_outlives_a_restart() {
    let mut bench = lock();
    bench.crash(0);
    bench.syncs = false;
    let old = Command { trust_epoch: TRUST_EPOCH - 1, ..bench.authority.command(1, OPEN, 0) };
    bench.command(&signed(&old));
    bench.settle();
    assert_eq!(bench.authority.outcome(1), Some(Outcome::Refused(RefusalCode::Epoch)));
    // A genuine command of a later epoch raises the floor as well.
    bench.syncs = true;
    let new = bench.authority.command(2, OPEN, bench.now_ms);
    bench.command(&signed(&Command { trust_epoch: TRUST_EPOCH + 1, ..new }));
    let now_old = bench.authority.command(3, OPEN, bench.now_ms);
    bench.command(&signed(&now_old));
    bench.settle();
    assert_eq!(bench.authority.outcome(3), Some(Outcome::Refused(RefusalCode::Epoch)));
}

#[test]
fn a_device_does_not_start_with_the_wrong_key_actuator_or_store() {
    let config = |algorithm| Config {
        device: DEVICE,
        key: key(algorithm, 2),
        issuers: vec![public(&key(Algorithm::Ed25519, 1))],
        capability: Capability::Lock { compartments: vec![1] },
    };
    let observed = Observed::Lock { is_locked: true, openings: None };
    let none: [&[u8]; 0] = [];
    let start = |algorithm, observed| Agent::restore(Quick, config(algorithm), observed, none);
    assert!(start(Algorithm::Es256, observed).is_ok());
    assert_eq!(start(Algorithm::Ed25519, observed).err(), Some(RestoreError::Key));
    let pump = Observed::Pump { totaliser_ml: 0 };
    assert_eq!(start(Algorithm::Es256, pump).err(), Some(RestoreError::Actuator));
    let damaged = Agent::restore(Quick, config(Algorithm::Es256), observed, [[0xff]]);
    assert!(matches!(damaged.err(), Some(RestoreError::Record(error)) if error.index == 0));
}

#[test]
fn with_true_cryptography_a_command_opens_a_lock_once() {
    let suite = RustCrypto;
    let (authority, device) = (key(Algorithm::Ed25519, 1), key(Algorithm::Es256, 2));
    let mut bench = lock();
    let command = bench.authority.command(1, OPEN, 0);
    let observed = Observed::Lock { is_locked: true, openings: None };
    let config = Config {
        device: DEVICE,
        key: device,
        issuers: vec![suite.public_key(&authority).unwrap()],
        capability: Capability::Lock { compartments: vec![1] },
    };
    let none: [&[u8]; 0] = [];
    let mut agent = Agent::restore(suite, config, observed, none).unwrap();
    agent.handle(Input::Connected { seed: [3; 32] }, 0);
    let mut actions = Vec::new();
    let mut frames = Vec::new();
    for _ in 0..2 {
        while let Some(output) = agent.poll_output() {
            match output {
                Output::Persist { ticket, .. } => {
                    agent.handle(Input::Persisted(ticket), 0);
                }
                Output::Send(frame) => {
                    frames.push(FromDevice::decode(&frame).unwrap());
                }
                Output::Actuate(action) => actions.push(action),
                other @ (Output::Attest { .. }
                | Output::Alarm(_)
                | Output::Farewell(_)
                | Output::HangUp) => {
                    panic!("{other:?}")
                }
            }
        }
        if let Some(FromDevice::Hello { clock_nonce: nonce, .. }) = frames.pop() {
            let reply = TimeReply { nonce, now: EPOCH, trust_epoch: TRUST_EPOCH };
            let cose = time_reply::sign(&suite, &authority, &reply).unwrap();
            agent.handle(Input::Frame(ToDevice::Time { cose }.encode()), 0);
            let cose = command::sign(&suite, &authority, &command).unwrap();
            let frame = ToDevice::Command { cose }.encode();
            agent.handle(Input::Frame(frame.clone()), 0);
            agent.handle(Input::Frame(frame), 0);
        }
    }
    assert_eq!(actions, [Action::Open { compartment: 1 }]);
}
