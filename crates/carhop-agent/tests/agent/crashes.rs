//! Whatever is lost, repeated, reordered or cut off: one command lets out at most once, only after it
//! is durable, and what is said in the end is what happened (M-ACT-1 to M-ACT-3; M-FLO-5).

use std::collections::BTreeMap;

use super::bench::{
    Bench, EPOCH, Metal, Quick, command_id, readings_of, restore, signed, time_reply_to,
};
use carhop_agent::simulated::{Person, SimulatedLock, SimulatedPump};
use carhop_agent::{Action, Input, Output, SensorEvent, compact};
use carhop_kernel::session::InterlockKind;
use carhop_proofs::command::CommandAction;
use carhop_proofs::frame::{FromDevice, ToDevice};
use carhop_proofs::statement::{Body, LockEvent, Outcome, Reading, ReadingKind};
use proptest::prelude::*;

/// What the world does to a device.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// The first time it is signed, later the same bytes are sent again.
    Command(u8),
    Cancel(u8),
    Query(u8),
    Sync,
    Pass(u16),
    /// Power is cut and some of the unsynchronised records survive.
    Crash {
        kept: usize,
        compacts: bool,
    },
    Connect,
    Disconnect,
    Listen,
    Acknowledge,
    /// Somebody closes the door, or trips and clears an interlock.
    Touch,
}

fn blow() -> impl Strategy<Value = Blow> {
    prop_oneof![
        6 => (1..COMMANDS).prop_map(Blow::Command),
        1 => (1..COMMANDS).prop_map(Blow::Cancel),
        1 => (1..COMMANDS).prop_map(Blow::Query),
        5 => Just(Blow::Sync),
        5 => prop_oneof![0u16..500, 0u16..8_000].prop_map(Blow::Pass),
        2 => (0usize..6, any::<bool>()).prop_map(|(kept, compacts)| Blow::Crash { kept, compacts }),
        3 => Just(Blow::Connect),
        1 => Just(Blow::Disconnect),
        3 => Just(Blow::Listen),
        1 => Just(Blow::Acknowledge),
        3 => Just(Blow::Touch),
    ]
}

/// A device, and the bytes the authority has signed for it.
struct World<M> {
    bench: Bench<M>,
    signed: BTreeMap<u8, Vec<u8>>,
    action: fn(u8) -> CommandAction,
}

impl<M: Metal> World<M> {
    fn new(metal: M, action: fn(u8) -> CommandAction) -> Self {
        let mut bench = Bench::new(metal);
        bench.syncs = false;
        Self { bench, signed: BTreeMap::new(), action }
    }

    fn strike(&mut self, blow: Blow) {
        match blow {
            Blow::Command(id) => self.command(id, (self.action)(id)),
            Blow::Cancel(id) => {
                self.command(id + COMMANDS, CommandAction::Cancel { command: command_id(id) });
            }
            Blow::Query(id) => self.bench.frame(&ToDevice::Query { command: command_id(id) }),
            Blow::Sync => self.bench.sync(),
            Blow::Pass(span_ms) => self.bench.pass(span_ms.into()),
            Blow::Crash { kept, compacts } => {
                if compacts {
                    let records = std::mem::take(&mut self.bench.disk);
                    self.bench.disk = compact(&Quick, records).unwrap();
                    self.bench.durable_at.clear();
                }
                self.bench.crash(if compacts { 0 } else { kept });
            }
            Blow::Connect => self.bench.connect(),
            Blow::Disconnect => self.bench.handle(Input::Disconnected),
            Blow::Listen => self.bench.listen(),
            Blow::Acknowledge => self.bench.acknowledge(),
            Blow::Touch => {}
        }
        self.what_was_let_out_was_durable();
    }

    fn command(&mut self, id: u8, action: CommandAction) {
        let (authority, now_ms) = (&mut self.bench.authority, self.bench.now_ms);
        let bytes =
            self.signed.entry(id).or_insert_with(|| signed(&authority.command(id, action, now_ms)));
        self.bench.command(bytes);
    }

    /// Restores a device from the records that were durable at each action, gives it the same
    /// command, and sees that it does not act again: the record came before the act.
    fn what_was_let_out_was_durable(&mut self) {
        for (action, durable) in std::mem::take(&mut self.bench.durable_at) {
            let id = label(action);
            let observed = M::at_rest();
            let mut agent = restore::<M>(observed, &self.bench.disk[..durable]);
            agent.handle(Input::Connected { seed: [0; 32] }, self.bench.now_ms);
            for _ in 0..4 {
                while let Some(output) = agent.poll_output() {
                    match output {
                        Output::Persist { ticket, .. } => {
                            agent.handle(Input::Persisted(ticket), self.bench.now_ms);
                        }
                        Output::Send(frame) => {
                            if let FromDevice::Hello { clock_nonce, .. } =
                                FromDevice::decode(&frame).unwrap()
                            {
                                let now = EPOCH.plus_ms(self.bench.now_ms);
                                let cose = time_reply_to(clock_nonce, now);
                                let time = ToDevice::Time { cose }.encode();
                                agent.handle(Input::Frame(time), self.bench.now_ms);
                            }
                        }
                        Output::Actuate(action) => assert_eq!(action, Action::Disarm),
                        Output::Attest { .. }
                        | Output::Alarm(_)
                        | Output::Farewell(_)
                        | Output::HangUp => {}
                    }
                }
                let command = ToDevice::Command { cose: self.signed[&id].clone() }.encode();
                agent.handle(Input::Frame(command), self.bench.now_ms);
            }
        }
    }

    /// Lets everything come to rest and be told.
    fn finish(&mut self) {
        self.bench.settle();
        self.bench.pass(20 * 60_000);
        self.bench.settle();
        self.what_was_let_out_was_durable();
        let mut released: Vec<_> = self.bench.releases().into_iter().map(label).collect();
        released.sort_unstable();
        assert!(released.is_sorted_by(|a, b| a < b), "released twice: {released:?}");
    }
}

/// What a device sees that starts beside the world.
trait AtRest: Metal {
    fn at_rest() -> carhop_agent::Observed;
}

impl<M: Metal> AtRest for M {
    fn at_rest() -> carhop_agent::Observed {
        use carhop_agent::{Capability, Observed};
        match M::capability() {
            Capability::Lock { .. } => Observed::Lock { is_locked: true, openings: None },
            Capability::Pump { .. } => Observed::Pump { totaliser_ml: 0 },
        }
    }
}

/// The command that an action came from: each has a compartment or a limit of its own.
fn label(action: Action) -> u8 {
    match action {
        Action::Open { compartment } => compartment,
        Action::Arm { max_ml, .. } => u8::try_from(max_ml - BASE_ML).unwrap(),
        Action::Disarm => unreachable!("a stop is nobody's command"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_lock_opens_once_for_a_command_and_says_the_truth(
        blows in prop::collection::vec(blow(), 1..80)
    ) {
        let open = |id| CommandAction::Open { compartment: id };
        let mut world = World::new(SimulatedLock::new(0), open);
        let mut opened: BTreeMap<u8, u64> = BTreeMap::new();
        for blow in blows {
            let before = world.bench.metal.openings();
            world.strike(blow);
            if matches!(blow, Blow::Touch) {
                let now_ms = world.bench.now_ms;
                world.bench.metal.close_door(now_ms);
            }
            let openings = world.bench.metal.openings() - before;
            if openings > 0 {
                let action = *world.bench.releases().last().unwrap();
                *opened.entry(label(action)).or_default() += openings;
            }
        }
        let before = world.bench.metal.openings();
        world.finish();
        if world.bench.metal.openings() > before {
            let action = *world.bench.releases().last().unwrap();
            *opened.entry(label(action)).or_default() += world.bench.metal.openings() - before;
        }
        for id in 1..COMMANDS {
            let times = opened.get(&id).copied().unwrap_or_default();
            let said = world.bench.authority.outcome(id);
            prop_assert!(times <= 1, "command {} opened {} times", id, times);
            prop_assert_eq!(times == 1, said == Some(Outcome::Opened), "command {}", id);
        }
        let told = world.bench.authority.bodies().into_iter().filter(|body| matches!(body,
            Body::Receipt { outcome: Outcome::Opened, .. }
            | Body::Lock { event: LockEvent::Opened, .. })).count();
        prop_assert_eq!(told as u64, world.bench.metal.openings());
    }

    #[test]
    fn what_a_pump_says_in_the_end_is_what_flowed(
        blows in prop::collection::vec(blow(), 1..80),
        lift_after_ms in prop::option::weighted(0.9, 0u64..3_000),
        flow_ml_per_s in 0u32..=1_000, wanted_ml in 0u32..8_000,
    ) {
        let arm = |id| CommandAction::Arm { max_ml: BASE_ML + u32::from(id), grade: 1 };
        let person = Person { lift_after_ms, flow_ml_per_s, wanted_ml };
        let mut world = World::new(SimulatedPump::new(START_ML, person), arm);
        for blow in blows {
            world.strike(blow);
            if matches!(blow, Blow::Touch) {
                for is_tripped in [true, false] {
                    let kind = InterlockKind::Spill;
                    world.bench.metal.sense(SensorEvent::Interlock { kind, is_tripped });
                }
            }
        }
        world.finish();
        let total_ml: u64 = (1..COMMANDS)
            .map(|id| settled_ml(&dispensing(&world, id), BASE_ML + u32::from(id)))
            .sum();
        prop_assert_eq!(START_ML + total_ml, world.bench.metal.totaliser_ml());
    }
}

/// The readings of a command, as they were told.
fn dispensing(world: &World<SimulatedPump>, id: u8) -> Vec<Reading> {
    let armed = world.bench.authority.outcome(id) == Some(Outcome::Armed);
    let readings = readings_of(world.bench.authority.bodies(), command_id(id));
    assert_eq!(armed, !readings.is_empty(), "command {id}");
    readings
}

/// What the authority settles for these readings: exactly what they metered, once.
fn settled_ml(readings: &[Reading], max_ml: u32) -> u64 {
    let (Some(begin), Some(end)) = (readings.first(), readings.last()) else { return 0 };
    let numbers = readings.iter().map(|reading| reading.number);
    assert!(numbers.eq(0..u32::try_from(readings.len()).unwrap()));
    let ends = readings.iter().filter(|reading| matches!(reading.kind, ReadingKind::End(_)));
    assert_eq!(ends.count(), 1);
    assert!(matches!((begin.kind, end.kind), (ReadingKind::Begin, ReadingKind::End(_))));
    assert_eq!(end.totaliser_ml - begin.totaliser_ml, u64::from(end.metered_ml));
    assert!(end.metered_ml <= max_ml);
    u64::from(end.metered_ml)
}

const COMMANDS: u8 = 8;
const BASE_ML: u32 = 4_000;
const START_ML: u64 = 9_000_000;
