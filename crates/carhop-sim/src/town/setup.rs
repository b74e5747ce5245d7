//! How a town comes to be: tenants, venues, devices and drivers, set up through the use cases before anything goes wrong.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use carhop_agent::simulated::{Person, SimulatedLock, SimulatedPump};
use carhop_app::ports::{CertificateAsk, Certified, Certifier, CertifyError};
use carhop_app::record::Partition;
use carhop_app::{Call, Keyring, Settings};
use carhop_kernel::actor::{Actor, StaffBy};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{ApiKeyId, DeviceId, RequestId, TenantId};
use carhop_policy::Bundle;
use carhop_proofs::eat::Component;
use carhop_proofs::jwk::thumbprint;
use carhop_proofs::pki::csr;
use carhop_proofs::suite::{RustCrypto, SigningKey, Suite};

use crate::SimError;
use crate::chance::Chance;
use crate::fixtures::{FILLS_UP, Services, venue, venue_id};
use crate::happening::ServerNumber;
use crate::plan::{Plan, StopPlan};
use crate::quick::{self, Crypto, Identities, QuickCertifier};
use crate::town::asking::Caller;
use crate::town::device::{Device, Parts};
use crate::town::dice::{Dice, Fault};
use crate::town::disk::Disk;
use crate::town::heart::{Heart, Spawner};
use crate::town::notary::Notary;
use crate::town::server::{Process, Server};
use crate::town::visit::{self, Handset, Visit};
use crate::town::{Tenant, Town};
use crate::world::metal::{Actuator, Integrity};
use crate::world::ports::Authorities;
use crate::world::{FIRMWARE, START};

impl Town {
    /// A town without devices and people.
    pub(crate) fn found(plan: &Plan) -> Result<Rc<Self>, SimError> {
        let (forced, spared) = (plan.forced.clone(), plan.spared.clone());
        let dice = Dice::new(plan.seed, &plan.odds, forced, spared);
        let heart = Heart::new(plan.seed, START, dice, plan.restless_per_million);
        let crypto = if plan.real_crypto { Crypto::Real } else { Crypto::Quick };
        let tenants: Result<Vec<_>, _> = TENANTS
            .iter()
            .take(plan.tenants.into())
            .map(|name| tenant(&heart, crypto, name))
            .collect();
        let tenants = tenants?;
        let certifier = Certifiers::new(plan, &tenants)?;
        let classes = [DeviceClass::Handset, DeviceClass::Lock, DeviceClass::Pump];
        let root = Identities::shared()?.root().certificate().to_vec();
        let settings = Settings {
            issuer: "sim".to_owned(),
            attestation_roots: vec![root],
            firmware: classes.map(|class| (class, FIRMWARE)).to_vec(),
        };
        let servers = (0..plan.servers).map(|number| Server::new(ServerNumber(number), &heart));
        Ok(Rc::new(Self {
            plan: plan.clone(),
            disk: Arc::new(Disk::new(&heart)),
            spawner: Spawner::default(),
            crypto,
            policies: policies()?,
            certifier: Arc::new(certifier),
            notary: Notary::new(crypto).ok_or_else(|| SimError::world("a notary without a key"))?,
            settings,
            venue: venue_id()?,
            master: MASTER,
            tenants,
            servers: servers.collect(),
            devices: RefCell::default(),
            visits: RefCell::default(),
            cut_off: RefCell::default(),
            carried_out: RefCell::default(),
            attested: RefCell::default(),
            taken: RefCell::default(),
            pauses: RefCell::default(),
            resumes: RefCell::default(),
            is_closed: Cell::default(),
            seen_appends: Cell::default(),
            questions: Cell::default(),
            people: Cell::default(),
            heart,
        }))
    }

    /// Everything that the stops need. Nothing goes wrong yet.
    pub(crate) async fn settle_in(self: &Rc<Self>, process: &Process) -> Result<(), SimError> {
        for tenant in 0..self.tenants.len() {
            let call = self.by_staff(tenant);
            process.app.store_venue(&call, venue(Services::All)?).await?;
            let stops = self.plan.stops.iter();
            let stops: Vec<StopPlan> =
                stops.filter(|stop| usize::from(stop.tenant) == tenant).copied().collect();
            let common = if stops.iter().any(|stop| stop.goods && stop.common_lock) {
                Some(self.enrol_device(process, tenant, DeviceClass::Lock).await?)
            } else {
                None
            };
            let pump = if stops.iter().any(|stop| stop.fuel) {
                Some(self.enrol_device(process, tenant, DeviceClass::Pump).await?)
            } else {
                None
            };
            for stop in &stops {
                let lock = match (stop.goods, stop.common_lock) {
                    (false, _) => None,
                    (true, true) => common.clone(),
                    (true, false) => {
                        Some(self.enrol_device(process, tenant, DeviceClass::Lock).await?)
                    }
                };
                let second_lock = if stop.goods && stop.two_doors {
                    Some(self.enrol_device(process, tenant, DeviceClass::Lock).await?)
                } else {
                    None
                };
                let pump = pump.clone().filter(|_| stop.fuel);
                let store = self.caller(tenant, Actor::Store { key: self.tenants[tenant].store });
                let staff = self
                    .caller(tenant, Actor::Staff { by: StaffBy::Key(self.tenants[tenant].staff) });
                let driver = self.hire(process, tenant, &store).await?;
                let rival = self.hire(process, tenant, &store).await?;
                let plan = *stop;
                let parts =
                    visit::Parts { plan, lock, second_lock, pump, driver, rival, store, staff };
                self.visits.borrow_mut().push(Rc::new(Visit::new(parts)));
            }
        }
        Ok(())
    }

    fn caller(&self, tenant: usize, actor: Actor) -> Caller {
        Caller { person: self.somebody(), tenant, actor, key: None }
    }

    /// A call of a tenant's staff, outside of any question.
    pub(crate) fn by_staff(&self, tenant: usize) -> Call {
        Call {
            partition: self.partition(tenant).clone(),
            actor: Actor::Staff { by: StaffBy::Key(self.tenants[tenant].staff) },
            key: None,
            stop: None,
            mutual_tls: false,
            request: RequestId::generate(self.heart.now(), self.heart.bytes()),
            idempotency: None,
            standing: None,
        }
    }

    async fn enrol_device(
        &self,
        process: &Process,
        tenant: usize,
        class: DeviceClass,
    ) -> Result<Rc<Device>, SimError> {
        let (id, key, integrity) = self.enrol(process, tenant, class).await?;
        let issuer = self.crypto.public_key(self.command_key(tenant)).map_err(SimError::world)?;
        let actuator = if class == DeviceClass::Pump {
            // Some want more than was ordered.
            let wanted_ml = u32::try_from(self.heart.draw(500, 45_000)).unwrap_or_default();
            Actuator::Pump(SimulatedPump::new(1_000_000, Person { wanted_ml, ..FILLS_UP }))
        } else {
            Actuator::Lock(SimulatedLock::new(0))
        };
        let drifts = self.heart.strikes(Fault::DeviceDrifts);
        let drift = i64::try_from(self.heart.span(Fault::DeviceDrifts, 0, 401)).unwrap_or_default();
        let drift_ppm = if drifts { drift - 200 } else { 0 };
        let parts = Parts { id, class, tenant, key, issuer, integrity, actuator, drift_ppm };
        let device = Device::new(parts, self.crypto, &self.heart);
        let device = Rc::new(device.ok_or_else(|| SimError::world("a device without a key"))?);
        self.devices.borrow_mut().push(Rc::clone(&device));
        Ok(device)
    }

    async fn enrol(
        &self,
        process: &Process,
        tenant: usize,
        class: DeviceClass,
    ) -> Result<(DeviceId, SigningKey, Integrity), SimError> {
        let partition = self.partition(tenant);
        let number = usize::from(self.somebody().0);
        let shared = Identities::shared()?;
        let key = shared.device_key(number).clone();
        let request = if self.plan.real_crypto {
            csr(&RustCrypto, &key).map_err(SimError::world)?
        } else {
            quick::request(&key)?
        };
        let call = self.by_staff(tenant);
        let (_, ticket) = process.app.ticket_device(&call, class, class.name()).await?;
        let (device, certified) =
            process.app.enrol_device(partition, &ticket.secret, &request).await?;
        let (attester, certificate) = shared.attester(number).clone();
        let component = Component {
            kind: "ARoT".to_owned(),
            measurement: FIRMWARE,
            version: "1.0.0".to_owned(),
            signer: [9; 32],
        };
        let (components, fingerprint) = (vec![component], certified.fingerprint);
        Ok((device, key, Integrity { key: attester, certificate, components, fingerprint }))
    }

    async fn hire(
        &self,
        process: &Process,
        tenant: usize,
        by: &Caller,
    ) -> Result<Handset, SimError> {
        let (device, key, integrity) = self.enrol(process, tenant, DeviceClass::Handset).await?;
        let named = process.app.name_driver(&self.by_staff(tenant), "Dana", device).await?;
        let driver = named.made.and_then(|made| made.parse().ok());
        let driver = driver.ok_or_else(|| SimError::world("a driver without a name"))?;
        let public = self.crypto.public_key(&key).map_err(SimError::world)?;
        let key = thumbprint(&self.crypto, &public);
        let by = Caller { person: self.somebody(), ..by.clone() };
        let caller = Handset::caller_of(driver, device, key, &by);
        Ok(Handset { driver, device, caller, integrity })
    }
}

fn tenant(heart: &Heart, crypto: Crypto, name: &str) -> Result<Tenant, SimError> {
    let partition = Partition {
        tenant: name.parse().map_err(SimError::world)?,
        market: "los-altos".parse().map_err(SimError::world)?,
    };
    let command_key = Keyring::new(MASTER).command_key(&crypto, &partition.tenant);
    Ok(Tenant {
        partition,
        command_key: command_key.map_err(SimError::world)?,
        store: ApiKeyId::generate(START, heart.bytes()),
        staff: ApiKeyId::generate(START, heart.bytes()),
    })
}

/// The embedded policies; read once for all worlds.
pub(super) fn policies() -> Result<Arc<Bundle>, SimError> {
    static POLICIES: OnceLock<Option<Arc<Bundle>>> = OnceLock::new();
    let policies = POLICIES.get_or_init(|| Bundle::embedded().ok().map(Arc::new));
    policies.clone().ok_or_else(|| SimError::world("no policies"))
}

/// The authorities of all tenants.
struct Certifiers {
    real: Vec<Authorities>,
    quick: Vec<QuickCertifier>,
}

impl Certifiers {
    fn new(plan: &Plan, tenants: &[Tenant]) -> Result<Self, SimError> {
        let names = tenants.iter().map(|tenant| &tenant.partition.tenant);
        if !plan.real_crypto {
            let quick = names.map(|name| QuickCertifier::new(name.clone())).collect();
            return Ok(Self { real: Vec::new(), quick });
        }
        let mut chance = Chance::new(plan.seed, "authorities");
        let real: Result<_, _> =
            names.map(|name| Authorities::create(name, &mut chance, START)).collect();
        Ok(Self { real: real?, quick: Vec::new() })
    }
}

impl Certifier for Certifiers {
    fn certify(&self, ask: &CertificateAsk<'_>) -> Result<Certified, CertifyError> {
        let mut last = Err(CertifyError("no authority of this tenant".to_owned()));
        let real = self.real.iter().map(|one| one as &dyn Certifier);
        for one in real.chain(self.quick.iter().map(|one| one as &dyn Certifier)) {
            last = one.certify(ask);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn root(&self, tenant: &TenantId) -> Option<Vec<u8>> {
        let real = self.real.iter().map(|one| one as &dyn Certifier);
        let mut all = real.chain(self.quick.iter().map(|one| one as &dyn Certifier));
        all.find_map(|one| one.root(tenant))
    }
}

/// The keys of every town, so that what is derived from them need not be derived anew.
const MASTER: [u8; 32] = [0x3c; 32];
const TENANTS: [&str; 2] = ["acme", "umbra"];
