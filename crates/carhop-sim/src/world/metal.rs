//! Locks and pumps: the agents that run on real devices, around simulated actuators, behind the carrier. It moves bytes
//! and metal and judges nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carhop_agent::simulated::{Person, SimulatedLock, SimulatedPump};
use carhop_agent::{Action, Agent, Alarm, Capability, Config, Input, Observed, Output};
use carhop_app::ports::{Carrier, Clock, DeviceFrame, Pending};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::eat::{Attester, Component, LIFECYCLE_SECURED, bind_nonce, instance_of};
use carhop_proofs::frame::{FromDevice, ToDevice};
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
        let public = RustCrypto.public_key(&self.key).map_err(SimError::world)?;
        let attester = Attester {
            key: &self.key,
            certificate: &self.certificate,
            instance: instance_of(&RustCrypto, &public),
            implementation: [7; 32],
            lifecycle: LIFECYCLE_SECURED,
            components: &self.components,
        };
        let nonce = bind_nonce(&RustCrypto, challenge, &self.fingerprint);
        attester.sign(&RustCrypto, &nonce).map_err(SimError::world)
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
    line: Line,
    said: VecDeque<FromDevice>,
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
        self.add(parts, capability, observed, Actuator::Lock(lock))
    }

    /// A pump with regular fuel, and who will use it.
    pub fn add_pump(&self, parts: Parts, person: Person) -> Result<(), SimError> {
        let mut pump = SimulatedPump::new(1_000_000, person);
        let observed = pump.power_up(self.clock.now().unix_ms());
        let capability = Capability::Pump { grades: vec![1], max_ml: 100_000 };
        self.add(parts, capability, observed, Actuator::Pump(pump))
    }

    fn add(
        &self,
        parts: Parts,
        capability: Capability,
        observed: Observed,
        actuator: Actuator,
    ) -> Result<(), SimError> {
        let Parts { device, key, integrity, issuer } = parts;
        let config = Config { device, key, issuers: vec![issuer], capability };
        let records: [Vec<u8>; 0] = [];
        let agent = Agent::restore(RustCrypto, config, observed, records);
        let mut unit = Unit {
            agent: agent.map_err(SimError::world)?,
            actuator,
            integrity,
            line: Line::Down,
            said: VecDeque::new(),
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

    /// Lets every device do what is due, and takes what the connected ones said.
    pub fn listen(&self) -> Vec<(DeviceId, FromDevice)> {
        let now_ms = self.now_ms();
        let mut heard = Vec::new();
        for (device, unit) in self.units().iter_mut() {
            unit.handle(Input::Tick, now_ms);
            if unit.line != Line::Down {
                heard.extend(unit.said.drain(..).map(|frame| (*device, frame)));
            }
        }
        heard
    }

    /// When some device wants to do something by itself.
    pub fn due_at(&self) -> Option<Timestamp> {
        let units = self.units();
        let due = units.values().flat_map(|unit| [unit.agent.due_at(), unit.actuator.due_at()]);
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
        let frame = match frame {
            DeviceFrame::Command(cose) => ToDevice::Command { cose },
            DeviceFrame::Query(command) => ToDevice::Query { command },
        };
        let sent = self.with(device, |unit, now_ms| unit.take(&frame, now_ms)).unwrap_or(false);
        Box::pin(core::future::ready(sent))
    }

    fn is_connected(&self, device: DeviceId) -> bool {
        self.units().get(&device).is_some_and(|unit| unit.line != Line::Down)
    }
}

impl Unit {
    /// A connection comes up; `seed` is chance.
    pub fn connect(&mut self, seed: [u8; 32], now_ms: u64) {
        self.line = Line::Up;
        self.handle(Input::Connected { seed }, now_ms);
    }

    /// The connection ends; what was said on it and not heard is lost.
    pub fn disconnect(&mut self, now_ms: u64) {
        self.line = Line::Down;
        self.said.clear();
        self.handle(Input::Disconnected, now_ms);
    }

    /// Nothing arrives at the device any more, or everything again.
    pub fn deafen(&mut self, deaf: bool) {
        self.line = if deaf { Line::Deaf } else { Line::Up };
    }

    /// Takes a frame of the gateway. `false` if there is no connection to take it from.
    pub fn take(&mut self, frame: &ToDevice, now_ms: u64) -> bool {
        if self.line == Line::Up {
            self.handle(Input::Frame(frame.encode()), now_ms);
        }
        self.line != Line::Down
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
        match &self.actuator {
            Actuator::Lock(lock) => lock.openings(),
            Actuator::Pump(pump) => pump.totaliser_ml(),
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
            Output::Send(frame) => self.said.extend(FromDevice::decode(&frame)),
            Output::Actuate(action) => self.actuator.actuate(action, now_ms),
            Output::Attest { challenge } => {
                if let Ok(token) = self.integrity.attest(&challenge) {
                    self.agent.handle(Input::Attested(token), now_ms);
                }
            }
            Output::Alarm(alarm) => self.alarms.push(alarm),
            Output::Farewell(_) => self.disconnect(now_ms),
        }
    }
}

impl Actuator {
    fn actuate(&mut self, action: Action, now_ms: u64) {
        match self {
            Self::Lock(lock) => lock.actuate(action, now_ms),
            Self::Pump(pump) => pump.actuate(action, now_ms),
        }
    }

    fn poll_input(&mut self, now_ms: u64) -> Option<Input> {
        match self {
            Self::Lock(lock) => lock.poll_input(now_ms),
            Self::Pump(pump) => pump.poll_input(now_ms),
        }
    }

    fn due_at(&self) -> Option<u64> {
        match self {
            Self::Lock(lock) => lock.due_at(),
            Self::Pump(pump) => pump.due_at(),
        }
    }
}
