//! A bench for one device: a store that loses what was not synchronised, metal in numbers, and an
//! authority that signs. The clock is a number.

use std::collections::BTreeMap;

use carhop_agent::simulated::{SimulatedLock, SimulatedPump};
use carhop_agent::{Action, Agent, Alarm, Capability, Config, Input, Observed, Output, Ticket};
use carhop_kernel::digest::OrderDigest;
use carhop_kernel::id::{CommandId, DeviceId, ReleaseId, SessionId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::command::{self, Command, CommandAction};
use carhop_proofs::frame::{FarewellCode, FromDevice, Position, ToDevice};
use carhop_proofs::statement::{self, Body, ChainError, ChainHead, Outcome, Reading, Statement};
use carhop_proofs::suite::{Algorithm, KeyError, PublicKey, RustCrypto, SigningKey, Suite};
use carhop_proofs::time_reply::{self, TimeReply};

pub const DEVICE: DeviceId = DeviceId::from_bytes([0xd1; 16]);
/// The authority's clock when the bench's own shows zero.
pub const EPOCH: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
pub const TRUST_EPOCH: u64 = 4;
pub const PUMP_ML_MAX: u32 = 60_000;
pub const OPEN: CommandAction = CommandAction::Open { compartment: 1 };

/// What a device moves.
pub trait Metal {
    fn capability() -> Capability;
    fn power_up(&mut self, now_ms: u64) -> Observed;
    fn actuate(&mut self, action: Action, now_ms: u64);
    fn poll_input(&mut self, now_ms: u64) -> Option<Input>;
    fn due_at(&self) -> Option<u64>;
}

impl Metal for SimulatedLock {
    fn capability() -> Capability {
        Capability::Lock { compartments: (1..100).collect() }
    }
    fn power_up(&mut self, now_ms: u64) -> Observed {
        self.power_up(now_ms)
    }
    fn actuate(&mut self, action: Action, now_ms: u64) {
        self.actuate(action, now_ms);
    }
    fn poll_input(&mut self, now_ms: u64) -> Option<Input> {
        self.poll_input(now_ms)
    }
    fn due_at(&self) -> Option<u64> {
        self.due_at()
    }
}

impl Metal for SimulatedPump {
    fn capability() -> Capability {
        Capability::Pump { grades: vec![1, 4], max_ml: PUMP_ML_MAX, flow_ml_per_s_max: 1_000 }
    }
    fn power_up(&mut self, now_ms: u64) -> Observed {
        self.power_up(now_ms)
    }
    fn actuate(&mut self, action: Action, now_ms: u64) {
        self.actuate(action, now_ms);
    }
    fn poll_input(&mut self, now_ms: u64) -> Option<Input> {
        self.poll_input(now_ms)
    }
    fn due_at(&self) -> Option<u64> {
        self.due_at()
    }
}

/// A device on the bench and the authority it talks to.
pub struct Bench<M> {
    pub agent: Agent<Quick>,
    pub metal: M,
    pub now_ms: u64,
    /// Whether records become durable at once.
    pub syncs: bool,
    pub disk: Vec<Vec<u8>>,
    pub unsynced: Vec<(Ticket, Vec<u8>)>,
    pub actions: Vec<Action>,
    /// How many records were durable at each action that lets something out.
    pub durable_at: Vec<(Action, usize)>,
    pub alarms: Vec<Alarm>,
    pub farewells: Vec<FarewellCode>,
    /// How often it gave a connection up.
    pub hang_ups: usize,
    /// Challenges that are to be attested.
    pub challenges: Vec<[u8; 32]>,
    /// Frames the authority has not looked at.
    pub sent: Vec<FromDevice>,
    pub authority: Authority,
    /// How often each connection, and so each seed, was new.
    connections: u8,
}

impl<M: Metal> Bench<M> {
    /// A device that starts for the first time.
    pub fn new(mut metal: M) -> Self {
        let agent = restore::<M>(metal.power_up(0), &[]);
        let mut bench = Self {
            agent,
            metal,
            now_ms: 0,
            syncs: true,
            disk: Vec::new(),
            unsynced: Vec::new(),
            actions: Vec::new(),
            durable_at: Vec::new(),
            alarms: Vec::new(),
            farewells: Vec::new(),
            hang_ups: 0,
            challenges: Vec::new(),
            sent: Vec::new(),
            authority: Authority::default(),
            connections: 0,
        };
        bench.drain();
        bench
    }

    /// A device that is connected and knows the time.
    pub fn online(metal: M) -> Self {
        let mut bench = Self::new(metal);
        bench.connect();
        bench
    }

    /// Power is cut; of what was not synchronised, the first `kept` records survive.
    pub fn crash(&mut self, kept: usize) {
        let lost = std::mem::take(&mut self.unsynced);
        self.disk.extend(lost.into_iter().take(kept).map(|(_, record)| record));
        self.sent.clear();
        let observed = self.metal.power_up(self.now_ms);
        self.agent = restore::<M>(observed, &self.disk);
        self.drain();
    }

    /// A connection stands: hello, welcome, the time.
    pub fn connect(&mut self) {
        self.connections += 1;
        self.handle(Input::Connected { seed: [self.connections; 32] });
        let acknowledged = self.authority.acknowledged;
        self.frame(&ToDevice::Welcome { challenge: [7; 32], acknowledged });
        self.listen();
    }

    /// Everything pending becomes durable.
    pub fn sync(&mut self) {
        while let Some((ticket, _)) = self.unsynced.last() {
            let ticket = *ticket;
            self.disk.extend(self.unsynced.drain(..).map(|(_, record)| record));
            self.handle(Input::Persisted(ticket));
        }
    }

    /// Lets time pass, waking metal and agent whenever they ask for it.
    pub fn pass(&mut self, span_ms: u64) {
        let until_ms = self.now_ms + span_ms;
        loop {
            let due = [self.metal.due_at(), self.agent.due_at()].into_iter().flatten().min();
            // What is due and not dealt with waits a moment, as it would for a scheduler.
            let next_ms = due.unwrap_or(until_ms).max(self.now_ms + 1);
            if next_ms > until_ms {
                break;
            }
            self.now_ms = next_ms;
            self.handle(Input::Tick);
        }
        self.now_ms = until_ms;
        self.handle(Input::Tick);
    }

    pub fn handle(&mut self, input: Input) {
        self.agent.handle(input, self.now_ms);
        self.drain();
    }

    pub fn frame(&mut self, frame: &ToDevice) {
        self.handle(Input::Frame(frame.encode()));
    }

    pub fn command(&mut self, cose: &[u8]) {
        self.frame(&ToDevice::Command { cose: cose.to_vec() });
    }

    /// The authority reads what was sent, answers questions for the time and notes statements.
    pub fn listen(&mut self) {
        for frame in std::mem::take(&mut self.sent) {
            match frame {
                FromDevice::Hello { clock_nonce: nonce, .. } | FromDevice::AskTime { nonce } => {
                    let cose = time_reply_to(nonce, EPOCH.plus_ms(self.now_ms));
                    self.frame(&ToDevice::Time { cose });
                }
                FromDevice::Statement { cose } => self.authority.hear(&cose),
                FromDevice::Unknown { command } => self.authority.unknown.push(command),
                FromDevice::Attestation { .. } | FromDevice::Pong => {}
            }
        }
    }

    /// The authority acknowledges all it has heard.
    pub fn acknowledge(&mut self) {
        if let Some(head) = self.authority.head {
            let through = Position { boot_epoch: head.boot_epoch, sequence: head.sequence };
            self.authority.acknowledged = Some(through);
            self.frame(&ToDevice::Acknowledge { through });
        }
    }

    /// Synchronises, connects and listens until nothing new is said.
    pub fn settle(&mut self) {
        self.sync();
        self.connect();
        loop {
            let heard = self.authority.statements.len();
            self.sync();
            self.listen();
            self.acknowledge();
            self.sync();
            self.listen();
            if self.authority.statements.len() == heard {
                return;
            }
        }
    }

    fn drain(&mut self) {
        loop {
            while let Some(output) = self.agent.poll_output() {
                self.carry_out(output);
            }
            let Some(input) = self.metal.poll_input(self.now_ms) else { return };
            self.agent.handle(input, self.now_ms);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Persist { ticket, record } if self.syncs => {
                self.disk.push(record);
                self.agent.handle(Input::Persisted(ticket), self.now_ms);
            }
            Output::Persist { ticket, record } => self.unsynced.push((ticket, record)),
            Output::Send(frame) => self.sent.push(FromDevice::decode(&frame).unwrap()),
            Output::Actuate(action) => {
                self.actions.push(action);
                if action != Action::Disarm {
                    self.durable_at.push((action, self.disk.len()));
                }
                self.metal.actuate(action, self.now_ms);
            }
            Output::Attest { challenge } => self.challenges.push(challenge),
            Output::Alarm(alarm) => self.alarms.push(alarm),
            Output::Farewell(code) => self.farewells.push(code),
            Output::HangUp => self.hang_ups += 1,
        }
    }

    /// Actions that let something out.
    pub fn releases(&self) -> Vec<Action> {
        self.actions.iter().copied().filter(|action| *action != Action::Disarm).collect()
    }
}

pub fn restore<M: Metal>(observed: Observed, records: &[Vec<u8>]) -> Agent<Quick> {
    let config = Config {
        device: DEVICE,
        key: key(Algorithm::Es256, 2),
        issuers: vec![public(&key(Algorithm::Ed25519, 1))],
        capability: M::capability(),
    };
    Agent::restore(Quick, config, observed, records).unwrap()
}

/// The server's side: what it signed and what it heard.
#[derive(Default)]
pub struct Authority {
    counter: u64,
    pub head: Option<ChainHead>,
    pub acknowledged: Option<Position>,
    /// Each statement once, in the order of the chain.
    pub statements: Vec<Statement>,
    /// What was said about each command by receipts, known to be repeated or not.
    pub outcomes: BTreeMap<CommandId, Vec<Outcome>>,
    pub unknown: Vec<CommandId>,
}

impl Authority {
    /// A good command at `now_ms`, with the next counter.
    pub fn command(&mut self, id: u8, action: CommandAction, now_ms: u64) -> Command {
        self.counter += 1;
        Command {
            id: command_id(id),
            audience: DEVICE,
            action,
            session: SessionId::from_bytes([3; 16]),
            order: OrderDigest([4; 32]),
            release: ReleaseId::from_bytes([5; 16]),
            counter: self.counter,
            trust_epoch: TRUST_EPOCH,
            issued_at: EPOCH.plus_ms(now_ms),
            expires_at: EPOCH.plus_ms(now_ms + command::COMMAND_LIFETIME_MS),
        }
    }

    fn hear(&mut self, cose: &[u8]) {
        let device = public(&key(Algorithm::Es256, 2));
        let told = statement::open(&Quick, cose, |_| Some(device)).unwrap();
        assert_eq!(told.device, DEVICE);
        if let Body::Receipt { command, outcome, .. } = told.body {
            self.outcomes.entry(command).or_default().push(outcome);
        }
        match statement::next_head(&Quick, self.head.as_ref(), &told, cose) {
            Ok(head) => {
                self.head = Some(head);
                self.statements.push(told);
            }
            // Sent again, or ahead of its turn because somebody asked for it.
            Err(ChainError::Repeated | ChainError::Old | ChainError::Gap) => {}
            Err(ChainError::Forked) => panic!("the device tells two stories: {told:?}"),
        }
    }

    /// What every receipt about a command said, if all said the same.
    pub fn outcome(&self, id: u8) -> Option<Outcome> {
        let outcomes = self.outcomes.get(&command_id(id))?;
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
        Some(outcomes[0])
    }

    pub fn bodies(&self) -> Vec<Body> {
        self.statements.iter().map(|statement| statement.body).collect()
    }
}

/// The authority's answer to a question for the time.
pub fn time_reply_to(nonce: [u8; 16], now: Timestamp) -> Vec<u8> {
    let reply = TimeReply { nonce, now, trust_epoch: TRUST_EPOCH };
    time_reply::sign(&Quick, &key(Algorithm::Ed25519, 1), &reply).unwrap()
}

/// The readings of a command among what was said.
pub fn readings_of(bodies: Vec<Body>, of: CommandId) -> Vec<Reading> {
    let mut readings = Vec::new();
    for body in bodies {
        match body {
            Body::Meter { command, reading } if command == of => readings.push(reading),
            Body::Receipt { .. }
            | Body::Lock { .. }
            | Body::Meter { .. }
            | Body::Interlock { .. } => {}
        }
    }
    readings
}

pub fn command_id(id: u8) -> CommandId {
    CommandId::from_bytes([id; 16])
}

pub fn signed(command: &Command) -> Vec<u8> {
    command::sign(&Quick, &key(Algorithm::Ed25519, 1), command).unwrap()
}

pub fn key(algorithm: Algorithm, label: u8) -> SigningKey {
    SigningKey::from_bytes(algorithm, [label; 32]).unwrap()
}

pub fn public(key: &SigningKey) -> PublicKey {
    Quick.public_key(key).unwrap()
}

/// A suite for false worlds: true hashes, signatures that anybody could make.
#[derive(Clone, Copy, Debug)]
pub struct Quick;

impl Suite for Quick {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto.sha256(parts)
    }

    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto.hmac_sha256(key, parts)
    }

    fn public_key(&self, key: &SigningKey) -> Result<PublicKey, KeyError> {
        let x = self.sha256(&[key.as_bytes()]);
        match key.algorithm() {
            Algorithm::Ed25519 => PublicKey::ed25519(x),
            Algorithm::Es256 => Ok(PublicKey::p256_coordinates(&x, &x)),
        }
    }

    fn p256_public_key(&self, sec1: &[u8]) -> Result<PublicKey, KeyError> {
        PublicKey::from_bytes(Algorithm::Es256, sec1)
    }

    fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<[u8; 64], KeyError> {
        Ok(stamp(&self.public_key(key)?, message))
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        signature == stamp(key, message)
    }
}

fn stamp(key: &PublicKey, message: &[u8]) -> [u8; 64] {
    let half = RustCrypto.sha256(&[key.as_bytes(), message]);
    let mut whole = [0; 64];
    whole[..32].copy_from_slice(&half);
    whole[32..].copy_from_slice(&half);
    // Of two values of `s` a message has the lower one.
    whole[32] &= 0x3f;
    whole
}

pub fn lock() -> Bench<SimulatedLock> {
    Bench::online(SimulatedLock::new(0))
}

/// Gives the command after `change` to the device, and says what its receipt says.
pub fn outcome<M: Metal>(
    bench: &mut Bench<M>,
    action: CommandAction,
    change: impl FnOnce(&mut Command),
) -> Option<Outcome> {
    let mut command = bench.authority.command(1, action, bench.now_ms);
    change(&mut command);
    bench.command(&signed(&command));
    bench.pass(400);
    bench.listen();
    bench.authority.outcome(1)
}

pub fn statements(frames: &[FromDevice]) -> usize {
    frames.iter().filter(|frame| matches!(frame, FromDevice::Statement { .. })).count()
}
