//! Locks and pumps: the agents that run on real devices, around simulated actuators, and the gateway's own connection to
//! each. It moves bytes and metal and judges nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carhop_agent::simulated::{Person, SimulatedLock, SimulatedPump};
use carhop_agent::{Action, Agent, Alarm, Capability, Config, Input, Observed, Output};
use carhop_app::ports::{Carrier, Clock, DeviceFrame, Pending};
use carhop_devices::gateway::{Connection, Inbound, Output as Said, Peer};
use carhop_devices::presence::Notice;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::eat::{Attester, Component, LIFECYCLE_SECURED, bind_nonce, instance_of};
use carhop_proofs::frame::Position;
use carhop_proofs::suite::{PublicKey, RustCrypto, SigningKey, Suite};

use crate::SimError;
use crate::world::ports::VirtualClock;

/// What signs for a device's integrity.
#[derive(Clone, Debug)]
pub struct Integrity {
    /// The attestation key.
    pub key: SigningKey,
    /// Its certificate under the attestation root, DER.
    pub certificate: Vec<u8>,
    /// What runs on the device.
    pub components: Vec<Component>,
    /// Fingerprint of the device's own certificate.
    pub fingerprint: KeyThumbprint,
}

impl Integrity {
    /// A token for a challenge.
    pub fn attest(&self, challenge: &[u8; 32]) -> Result<Vec<u8>, SimError> {
        self.attest_with(&RustCrypto, challenge)
    }

    /// The same by another cryptography.
    pub(crate) fn attest_with(
        &self,
        suite: &dyn Suite,
        challenge: &[u8; 32],
    ) -> Result<Vec<u8>, SimError> {
        let public = suite.public_key(&self.key).map_err(SimError::world)?;
        let attester = Attester {
            key: &self.key,
            certificate: &self.certificate,
            instance: instance_of(suite, &public),
            implementation: [7; 32],
            lifecycle: LIFECYCLE_SECURED,
            components: &self.components,
        };
        let nonce = bind_nonce(suite, challenge, &self.fingerprint);
        attester.sign(suite, &nonce).map_err(SimError::world)
    }
}

/// What a device is made of.
#[derive(Debug)]
pub struct Parts {
    /// Which device.
    pub device: DeviceId,
    /// Its certified key.
    pub key: SigningKey,
    /// What signs for its integrity.
    pub integrity: Integrity,
    /// The authority's key for commands.
    pub issuer: PublicKey,
}

/// All devices, and the way to them.
#[derive(Debug)]
pub struct Metal {
    clock: Arc<VirtualClock>,
    units: Mutex<BTreeMap<DeviceId, Unit>>,
}

/// One device.
#[derive(Debug)]
pub struct Unit {
    agent: Agent<RustCrypto>,
    actuator: Actuator,
    integrity: Integrity,
    peer: Peer,
    line: Line,
    connection: Option<Connection>,
    said: VecDeque<Vec<u8>>,
    inbound: VecDeque<Inbound>,
    alarms: Vec<Alarm>,
}

/// What an agent moves.
#[derive(Debug)]
pub enum Actuator {
    /// A bolt.
    Lock(SimulatedLock),
    /// A valve.
    Pump(SimulatedPump),
}

/// The state of a device's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// There is none, and both sides know it.
    Down,
    /// There is one.
    Up,
    /// There is one, but nothing that is sent to the device arrives.
    Deaf,
}

impl Metal {
    /// No devices yet.
    pub const fn new(clock: Arc<VirtualClock>) -> Self {
        Self { clock, units: Mutex::new(BTreeMap::new()) }
    }

    /// A lock with a trunk behind it.
    pub fn add_lock(&self, parts: Parts) -> Result<(), SimError> {
        let mut lock = SimulatedLock::new(0);
        let observed = lock.power_up(self.clock.now().unix_ms());
        let capability = Capability::Lock { compartments: vec![1] };
        self.add(parts, DeviceClass::Lock, capability, observed, Actuator::Lock(lock))
    }

    /// A pump with regular fuel, and who will use it.
    pub fn add_pump(&self, parts: Parts, person: Person) -> Result<(), SimError> {
        let mut pump = SimulatedPump::new(1_000_000, person);
        let observed = pump.power_up(self.clock.now().unix_ms());
        let capability =
            Capability::Pump { grades: vec![1], max_ml: 100_000, flow_ml_per_s_max: 1_000 };
        self.add(parts, DeviceClass::Pump, capability, observed, Actuator::Pump(pump))
    }

    fn add(
        &self,
        parts: Parts,
        class: DeviceClass,
        capability: Capability,
        observed: Observed,
        actuator: Actuator,
    ) -> Result<(), SimError> {
        let Parts { device, key, integrity, issuer } = parts;
        let public = RustCrypto.public_key(&key).map_err(SimError::world)?;
        let config = Config { device, key, issuers: vec![issuer], capability };
        let records: [Vec<u8>; 0] = [];
        let agent = Agent::restore(RustCrypto, config, observed, records);
        let mut unit = Unit {
            agent: agent.map_err(SimError::world)?,
            actuator,
            integrity,
            peer: Peer { device, class, key: public },
            line: Line::Down,
            connection: None,
            said: VecDeque::new(),
            inbound: VecDeque::new(),
            alarms: Vec::new(),
        };
        unit.work(self.now_ms());
        self.units().insert(device, unit);
        Ok(())
    }

    /// Looks at or changes one device.
    pub fn with<T>(
        &self,
        device: DeviceId,
        look: impl FnOnce(&mut Unit, u64) -> T,
    ) -> Result<T, SimError> {
        let now_ms = self.now_ms();
        let mut units = self.units();
        let unit = units.get_mut(&device).ok_or_else(|| SimError::world("no such device"))?;
        Ok(look(unit, now_ms))
    }

    /// Lets every device and connection do what is due, and takes what came in.
    pub fn listen(&self, mut chance: impl FnMut() -> [u8; 32]) -> Vec<(DeviceId, Inbound)> {
        let now = self.clock.now();
        let mut heard = Vec::new();
        for (device, unit) in self.units().iter_mut() {
            unit.handle(Input::Tick, now.unix_ms());
            if let Some(connection) = &mut unit.connection
                && connection.due_at().is_some_and(|due| due <= now)
            {
                connection.tick(chance(), now);
            }
            unit.exchange(now);
            heard.extend(unit.inbound.drain(..).map(|inbound| (*device, inbound)));
        }
        heard
    }

    /// When some device wants to do something by itself.
    pub fn due_at(&self) -> Option<Timestamp> {
        let units = self.units();
        let due = units.values().flat_map(|unit| {
            let connection = unit.connection.as_ref().and_then(Connection::due_at);
            let connection = connection.map(Timestamp::unix_ms);
            [unit.agent.due_at(), unit.actuator.due_at(), connection]
        });
        due.flatten().min().map(Timestamp::from_unix_ms)
    }

    fn units(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Unit>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().unix_ms()
    }
}

impl Carrier for Metal {
    fn send(&self, device: DeviceId, frame: DeviceFrame) -> Pending<'_, bool> {
        let sent = self.with(device, |unit, now_ms| {
            let now = Timestamp::from_unix_ms(now_ms);
            unit.tell(now, |connection| connection.notice(Notice::Frame(frame), now))
        });
        let sent = sent.unwrap_or(false);
        Box::pin(core::future::ready(sent))
    }

    fn is_connected(&self, device: DeviceId) -> bool {
        self.units().get(&device).is_some_and(|unit| unit.line != Line::Down)
    }
}

impl Unit {
    /// A connection comes up; `acknowledged` is what of the device is durable, `seed` and `challenge` are chance.
    pub fn connect(
        &mut self,
        acknowledged: Option<Position>,
        [seed, challenge]: [[u8; 32]; 2],
        now: Timestamp,
    ) {
        self.line = Line::Up;
        self.connection = Some(Connection::open(self.peer, acknowledged, challenge, now));
        self.handle(Input::Connected { seed }, now.unix_ms());
        self.exchange(now);
    }

    /// The connection ends; what was said on it and not heard is lost.
    pub fn disconnect(&mut self, now_ms: u64) {
        self.line = Line::Down;
        self.connection = None;
        self.said.clear();
        self.inbound.clear();
        self.handle(Input::Disconnected, now_ms);
    }

    /// Nothing arrives at the device any more, or everything again.
    pub fn deafen(&mut self, deaf: bool) {
        self.line = if deaf { Line::Deaf } else { Line::Up };
    }

    /// Has the connection say something. `false` if there is none.
    pub fn tell(&mut self, now: Timestamp, say: impl FnOnce(&mut Connection)) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        say(connection);
        self.exchange(now);
        true
    }

    /// What somebody at the device was alarmed by.
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// The metal itself.
    pub fn actuator(&mut self) -> &mut Actuator {
        &mut self.actuator
    }

    /// What has really opened, or really flowed in millilitres.
    pub fn truth(&self) -> u64 {
        self.actuator.truth()
    }

    /// Carries frames both ways until neither side has anything to say.
    fn exchange(&mut self, now: Timestamp) {
        while let Some(connection) = &mut self.connection {
            if let Some(frame) = self.said.pop_front() {
                connection.receive(&RustCrypto, &frame, now);
                continue;
            }
            match connection.poll_output() {
                Some(Said::Send(frame)) if self.line == Line::Up => {
                    self.handle(Input::Frame(frame), now.unix_ms());
                }
                Some(Said::Send(_)) => {}
                Some(Said::Inbound(inbound)) => self.inbound.push_back(inbound),
                Some(Said::Close { .. }) => self.disconnect(now.unix_ms()),
                None => return,
            }
        }
    }

    fn handle(&mut self, input: Input, now_ms: u64) {
        self.agent.handle(input, now_ms);
        self.work(now_ms);
    }

    /// The loop of a device's shell: its store is durable at once, and its attester is a piece of software.
    fn work(&mut self, now_ms: u64) {
        loop {
            while let Some(output) = self.agent.poll_output() {
                self.obey(output, now_ms);
            }
            let Some(input) = self.actuator.poll_input(now_ms) else { return };
            self.agent.handle(input, now_ms);
        }
    }

    fn obey(&mut self, output: Output, now_ms: u64) {
        match output {
            Output::Persist { ticket, .. } => {
                self.agent.handle(Input::Persisted(ticket), now_ms);
            }
            Output::Send(frame) => self.said.push_back(frame),
            Output::Actuate(action) => self.actuator.actuate(action, now_ms),
            Output::Attest { challenge } => {
                if let Ok(token) = self.integrity.attest(&challenge) {
                    self.agent.handle(Input::Attested(token), now_ms);
                }
            }
            Output::Alarm(alarm) => self.alarms.push(alarm),
            // The connection closes by itself.
            Output::Farewell(_) => {}
            Output::HangUp => self.disconnect(now_ms),
        }
    }
}

impl Actuator {
    /// What has really opened, or what the meter shows in millilitres.
    pub(crate) fn truth(&self) -> u64 {
        match self {
            Self::Lock(lock) => lock.openings(),
            Self::Pump(pump) => pump.totaliser_ml(),
        }
    }

    /// Everything that was wrong is mended.
    pub(crate) fn heal(&mut self) {
        match self {
            Self::Lock(lock) => lock.heal(),
            Self::Pump(pump) => pump.heal(),
        }
    }

    /// The power comes up again.
    pub(crate) fn power_up(&mut self, now_ms: u64) -> Observed {
        match self {
            Self::Lock(lock) => lock.power_up(now_ms),
            Self::Pump(pump) => pump.power_up(now_ms),
        }
    }

    pub(crate) fn actuate(&mut self, action: Action, now_ms: u64) {
        match self {
            Self::Lock(lock) => lock.actuate(action, now_ms),
            Self::Pump(pump) => pump.actuate(action, now_ms),
        }
    }

    pub(crate) fn poll_input(&mut self, now_ms: u64) -> Option<Input> {
        match self {
            Self::Lock(lock) => lock.poll_input(now_ms),
            Self::Pump(pump) => pump.poll_input(now_ms),
        }
    }

    pub(crate) fn due_at(&self) -> Option<u64> {
        match self {
            Self::Lock(lock) => lock.due_at(),
            Self::Pump(pump) => pump.due_at(),
        }
    }
}
