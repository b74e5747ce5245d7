//! The world: the use cases with everything they need, and time that passes only by [`World::pass`].
//!
//! Between devices and use cases stand the gateway's own connections; this is only the shell that moves their bytes. There
//! is one connection of one device: those that race for a place are not played here.

pub mod metal;
pub mod ports;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carhop_agent::simulated::Fault;
use carhop_app::batch::{Batch, Write};
use carhop_app::ports::{Carrier, Clock, Journal};
use carhop_app::record::{Kind, Partition, Record, RecordKey};
use carhop_app::records::TenantRecord;
use carhop_app::{App, Failure, Hearing, HighWaterMark, Keyring, Parts, Settings};
use carhop_devices::gateway::{Connection, Inbound};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;
use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::time::Timestamp;
use carhop_policy::Bundle;
use carhop_proofs::frame::Position;
use carhop_proofs::pki::{AttestationRoot, Serial};
use carhop_proofs::suite::{Algorithm, PublicKey, RustCrypto, SigningKey, Suite};

use crate::SimError;
use crate::chance::Chance;
use metal::{Actuator, Metal, Unit};
use ports::{Authorities, CountingBell, SeededEntropy, VirtualClock};

/// A small false world.
pub struct World {
    /// The use cases.
    pub app: App,
    /// What they write to, to be looked at directly.
    pub journal: Arc<dyn Journal>,
    /// Whose world it is.
    pub partition: Partition,
    /// Its time.
    pub clock: Arc<VirtualClock>,
    /// Its locks and pumps.
    pub metal: Arc<Metal>,
    /// Its bell.
    pub bell: Arc<CountingBell>,
    /// Vouches for the integrity of devices.
    pub attestation_root: AttestationRoot,
    command_key: SigningKey,
    seed: u64,
    chance: Mutex<Chance>,
}

/// What a world can be given instead of its own.
pub struct Fittings {
    /// The cryptography of its authority.
    pub suite: Arc<dyn Suite>,
    /// The way to devices; its own metal otherwise.
    pub carrier: Option<Arc<dyn Carrier>>,
    /// Where its authority takes ids and secrets from.
    pub chance: Chance,
}

impl World {
    /// A world without devices, over `journal`.
    pub fn new(seed: u64, journal: Arc<dyn Journal>) -> Result<Self, SimError> {
        let policies = Bundle::embedded().map_err(SimError::world)?;
        Self::with_policies(seed, journal, policies)
    }

    /// The same, judging by other policies.
    pub fn with_policies(
        seed: u64,
        journal: Arc<dyn Journal>,
        policies: Bundle,
    ) -> Result<Self, SimError> {
        let chance = Chance::new(seed, "entropy");
        let fittings = Fittings { suite: Arc::new(RustCrypto), carrier: None, chance };
        Self::fitted(seed, journal, policies, fittings)
    }

    /// The same, with another cryptography, another way to devices, another run of chance.
    pub fn fitted(
        seed: u64,
        journal: Arc<dyn Journal>,
        policies: Bundle,
        fittings: Fittings,
    ) -> Result<Self, SimError> {
        let clock = Arc::new(VirtualClock::new(START));
        let metal = Arc::new(Metal::new(Arc::clone(&clock)));
        Self::around(seed, journal, policies, fittings, (clock, metal))
    }

    /// This world over another journal: its authority has its keys, its devices and its time, and remembers something else.
    pub fn over(&self, journal: Arc<dyn Journal>) -> Result<Self, SimError> {
        let policies = Bundle::embedded().map_err(SimError::world)?;
        let chance = Chance::new(self.seed, "entropy over another journal");
        let fittings = Fittings { suite: Arc::new(RustCrypto), carrier: None, chance };
        let known = (Arc::clone(&self.clock), Arc::clone(&self.metal));
        Self::around(self.seed, journal, policies, fittings, known)
    }

    fn around(
        seed: u64,
        journal: Arc<dyn Journal>,
        policies: Bundle,
        fittings: Fittings,
        (clock, metal): (Arc<VirtualClock>, Arc<Metal>),
    ) -> Result<Self, SimError> {
        let mut chance = Chance::new(seed, "world");
        let partition = Partition {
            tenant: "acme".parse().map_err(SimError::world)?,
            market: "los-altos".parse().map_err(SimError::world)?,
        };
        let bell = Arc::new(CountingBell::default());
        let certifier = Authorities::create(&partition.tenant, &mut chance, START)?;
        let root_key = fresh_key(&mut chance)?;
        let serial = Serial::from_random(chance.bytes());
        let name = "simulated attester";
        let attestation_root = AttestationRoot::create(&RustCrypto, name, root_key, serial, START)
            .map_err(SimError::world)?;
        let master: [u8; 32] = chance.bytes();
        let command_key = Keyring::new(master).command_key(&RustCrypto, &partition.tenant);
        let classes = [DeviceClass::Handset, DeviceClass::Lock, DeviceClass::Pump];
        let app = App::new(Parts {
            journal: Arc::clone(&journal),
            carrier: fittings.carrier.unwrap_or_else(|| Arc::clone(&metal) as _),
            certifier: Arc::new(certifier),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(SeededEntropy::new(fittings.chance)),
            bell: Arc::clone(&bell) as _,
            suite: fittings.suite,
            policies: Arc::new(policies),
            keyring: Keyring::new(master),
            settings: Settings {
                issuer: "sim".to_owned(),
                attestation_roots: vec![attestation_root.certificate().to_vec()],
                firmware: [FIRMWARE, LOADER]
                    .iter()
                    .flat_map(|part| classes.map(|class| (class, *part)))
                    .collect(),
            },
        });
        Ok(Self {
            app,
            journal,
            partition,
            clock,
            metal,
            bell,
            attestation_root,
            command_key: command_key.map_err(SimError::world)?,
            seed,
            chance: Mutex::new(chance),
        })
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Fresh chance of this world.
    pub fn draw<const N: usize>(&self) -> [u8; N] {
        self.chance().bytes()
    }

    /// A fresh P-256 key.
    pub fn draw_key(&self) -> Result<SigningKey, SimError> {
        fresh_key(&mut self.chance())
    }

    /// The key that devices believe commands of.
    pub fn command_key(&self) -> Result<PublicKey, SimError> {
        RustCrypto.public_key(&self.command_key).map_err(SimError::world)
    }

    /// Connects a device.
    pub async fn connect(&self, device: DeviceId) -> Result<(), SimError> {
        let mark = self.app.high_water_mark(&self.partition, device).await?;
        let chance = [self.draw(), self.draw()];
        let now = self.now();
        self.metal.with(device, |unit, _| {
            unit.connect(mark.as_ref().map(position), chance, now);
        })?;
        self.settle().await
    }

    /// Ends a device's connection.
    pub fn disconnect(&self, device: DeviceId) -> Result<(), SimError> {
        self.metal.with(device, Unit::disconnect)
    }

    /// Something goes wrong with a device's metal.
    pub fn suffer(&self, device: DeviceId, fault: Fault) -> Result<(), SimError> {
        self.metal.with(device, |unit, now_ms| match unit.actuator() {
            Actuator::Lock(lock) => lock.suffer(fault, now_ms),
            Actuator::Pump(pump) => pump.suffer(fault),
        })
    }

    /// Lets time pass, with everything that falls due meanwhile.
    pub async fn pass(&self, span_ms: u64) -> Result<(), SimError> {
        let until = self.now().plus_ms(span_ms);
        self.settle().await?;
        while self.now() < until {
            let soon = self.now().plus_ms(TICK_MS_MAX);
            let due = self.metal.due_at().filter(|due| *due > self.now()).unwrap_or(soon);
            self.clock.set(due.min(soon).min(until));
            self.settle().await?;
        }
        Ok(())
    }

    /// Runs effects, devices, timers and the sequencer until nothing more happens at this instant.
    pub async fn settle(&self) -> Result<(), SimError> {
        for _ in 0..ROUNDS_MAX {
            self.app.run_effects().await?;
            self.app.run_timers().await?;
            // Whatever effects and timers came to is an event, and every event is to be sequenced.
            let heard = self.hear().await?;
            let sequenced = self.app.sequence().await?;
            if heard == 0 && sequenced == 0 {
                return Ok(());
            }
        }
        Err(SimError::world("the world does not come to rest"))
    }

    /// Hears what devices have said. Returns how many frames that were.
    pub async fn hear(&self) -> Result<usize, SimError> {
        let mut count = 0;
        loop {
            let heard = self.metal.listen(|| self.draw());
            if heard.is_empty() {
                return Ok(count);
            }
            count += heard.len();
            for (device, inbound) in heard {
                self.answer(device, inbound).await?;
            }
        }
    }

    async fn answer(&self, device: DeviceId, inbound: Inbound) -> Result<(), SimError> {
        let hearing = self.app.hearing(&self.partition, device).await?;
        if let Hearing::NotAtAll(code) = hearing {
            return self.tell(device, |connection| connection.close(code, None));
        }
        let is_confined = hearing == Hearing::LastWords;
        self.tell(device, |connection| connection.confine(is_confined))?;
        match inbound {
            Inbound::TimeAsked { .. } | Inbound::Attestation { .. } if is_confined => {}
            Inbound::Greeted { next } => {
                self.app.device_connected(&self.partition, device, next).await?;
            }
            Inbound::TimeAsked { nonce } => {
                let epoch = self.trust_epoch().await?;
                let (key, now) = (&self.command_key, self.now());
                self.tell(device, |connection| {
                    // A key that cannot sign leaves the device without a clock, which is what it would be left with.
                    let _ = connection.tell_time(nonce, &RustCrypto, key, epoch, now);
                })?;
            }
            Inbound::Attestation { challenge, eat } => {
                self.app.attest_device(&self.partition, device, &challenge, &eat).await?;
            }
            Inbound::Statement { bytes, .. } => {
                let mark = self.app.hear_statement(&self.partition, device, &bytes).await?;
                self.tell(device, |connection| connection.acknowledge(position(&mark)))?;
                if let Hearing::NotAtAll(code) = self.app.hearing(&self.partition, device).await? {
                    self.tell(device, |connection| connection.close(code, None))?;
                }
            }
            Inbound::Unknown { .. } | Inbound::Alive => {}
        }
        Ok(())
    }

    /// Puts something else, such as nonsense, in the place of what is kept of a command, and gives that back.
    pub async fn replace_command(
        &self,
        command: CommandId,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, SimError> {
        let (partition, kind) = (self.partition.clone(), Kind::Command);
        let key = RecordKey { partition, kind, key: command.to_string() };
        let kept = self.journal.record(key.clone()).await.map_err(Failure::from)?;
        let kept = kept.ok_or(SimError::world("a command of which nothing is kept"))?;
        let mut batch = Batch::new(self.partition.clone(), self.now());
        batch.writes.push(Write { key, body: Some(body), indexes: Vec::new(), until: None });
        self.journal.append(batch).await.map_err(Failure::from)?;
        Ok(kept.body)
    }

    /// The epoch of trust that devices are told.
    pub async fn trust_epoch(&self) -> Result<u64, SimError> {
        let place = TenantRecord::default().place(&self.partition);
        let Some(found) = self.journal.record(place).await? else { return Ok(0) };
        let tenant: TenantRecord = serde_json::from_slice(&found.body).map_err(SimError::world)?;
        Ok(tenant.trust_epoch)
    }

    fn tell(&self, device: DeviceId, say: impl FnOnce(&mut Connection)) -> Result<(), SimError> {
        let now = self.now();
        self.metal.with(device, |unit, _| unit.tell(now, say)).map(|_| ())
    }

    fn chance(&self) -> MutexGuard<'_, Chance> {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A P-256 key from chance.
pub fn fresh_key(chance: &mut Chance) -> Result<SigningKey, SimError> {
    SigningKey::from_bytes(Algorithm::Es256, chance.bytes()).map_err(SimError::world)
}

fn position(mark: &HighWaterMark) -> Position {
    Position { boot_epoch: mark.boot_epoch, sequence: mark.sequence }
}

/// When every world begins.
pub const START: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
/// The firmware that may run.
pub const FIRMWARE: FirmwareDigest = FirmwareDigest([0x5a; 32]);
/// A boot loader that may run beside it.
pub const LOADER: FirmwareDigest = FirmwareDigest([0x5b; 32]);
/// Longest step of the clock, so that timers are looked at in time.
const TICK_MS_MAX: u64 = 1_000;
/// Rounds of one instant after which something runs in circles.
const ROUNDS_MAX: usize = 1_000;
