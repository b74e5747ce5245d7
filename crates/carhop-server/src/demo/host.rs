//! The authority of the demo: an ordinary server on embedded defaults, with a software attester that only it trusts
//! (design §9.7), and the fleet that is enrolled with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use carhop_app::ports::Clock;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;
use carhop_proofs::pki::{AttestationRoot, Serial};
use carhop_proofs::suite::{AwsLc, Suite};
use serde_json::json;
use uuid::Uuid;

use super::client::{Client, Credential};
use super::driver::{Driver, Handset, Place};
use super::fleet::{Actuator, Start};
use super::parties::{Devices, Store, text};
use crate::clock::SystemClock;
use crate::config::{Config, Firmware, Window};
use crate::device::attester::SoftwareAttester;
use crate::device::fault::Fault;
use crate::device::{store::draw_key, tls};
use crate::serve::Running;
use crate::{ADMIN_KEY_FILE, CA_FILE, entropy, timers};

/// A running authority.
pub(crate) struct Host {
    /// The server; stopped at the end.
    pub(crate) running: Running,
    /// Where it is.
    pub(crate) place: Place,
    /// The store's back office.
    pub(crate) store: Store,
    /// Somebody who may read the log and nothing else.
    pub(crate) auditor: Client,
    data: PathBuf,
    attestation: AttestationRoot,
}

/// What serves one stop at a time: a driver, and the lock and the pump at the car.
pub(crate) struct Lane {
    /// From one.
    pub(crate) number: usize,
    /// The driver.
    pub(crate) driver: Driver,
    /// The lock of the trunk.
    pub(crate) lock: Actuator,
    /// The pump.
    pub(crate) pump: Actuator,
}

impl Lane {
    /// The ids of lock and pump.
    pub(crate) fn devices(&self) -> Devices {
        Devices { lock: self.lock.device.clone(), pump: self.pump.device.clone() }
    }
}

impl Host {
    /// Starts the authority in a folder, with or without a window for somebody who watches.
    pub(crate) async fn start(
        data: &Path,
        clock: Arc<SystemClock>,
        window: Option<Window>,
    ) -> Result<Self> {
        fs::create_dir_all(data).with_context(|| format!("making {}", data.display()))?;
        let serial = Serial::from_random(entropy::random());
        let attestation =
            AttestationRoot::create(&AwsLc, ATTESTER_NAME, draw_key()?, serial, clock.now())?;
        let root = data.join("attester.crt");
        fs::write(&root, attestation.certificate())?;
        let config = Config { demo: window, ..config(data, root) };
        let running = Running::start(config, Arc::clone(&clock)).await?;
        let roots = tls::roots_from_pem(&fs::read(data.join(CA_FILE))?)?;
        let origin = |port: u16| format!("https://localhost:{port}");
        let http = tls::https(tls::client(&roots, None)?)?;
        let place = Place {
            public: origin(running.public_address().port()),
            devices: origin(running.device_address().port()),
            roots,
            http,
            clock,
        };
        let admin = fs::read_to_string(data.join(ADMIN_KEY_FILE))?;
        let admin = place.with_key(admin.trim());
        let orders = place.with_key(&api_key(&admin, "demo till", &["orders"]).await?);
        let staff = api_key(&admin, "demo back office", &["staff", "fleet", "venues"]).await?;
        let auditor = place.with_key(&api_key(&admin, "demo auditor", &["audit"]).await?);
        let store = Store::new(orders, place.with_key(&staff), admin, Arc::clone(&place.clock));
        Ok(Self { running, place, store, auditor, data: data.to_owned(), attestation })
    }

    /// Enrols a driver with a handset, a lock and a pump, all attested.
    pub(crate) async fn lane(&self, number: usize) -> Result<Lane> {
        let driver = self.driver(number).await?;
        let lock = self.actuator(DeviceClass::Lock, number, None).await?;
        let pump = self.actuator(DeviceClass::Pump, number, None).await?;
        self.wait_for_trust(&[&lock, &pump]).await?;
        Ok(Lane { number, driver, lock, pump })
    }

    /// Enrols a driver with an attested handset.
    pub(crate) async fn driver(&self, number: usize) -> Result<Driver> {
        let (handset, ticket) = self.store.ticket("handset", &format!("handset {number}")).await?;
        let attester = self.attester(DeviceClass::Handset)?;
        let enrolled = Handset::enrol(&self.place, &ticket, attester).await?;
        let name = DRIVERS[number % DRIVERS.len()];
        let driver = self.store.name_driver(name, &handset).await?;
        let driver = enrolled.sign_in(driver, handset);
        driver.attest().await?;
        Ok(driver)
    }

    /// Gives a lane another lock or pump, with something wrong with it, or with nothing.
    pub(crate) async fn exchange(
        &self,
        lane: &mut Lane,
        class: DeviceClass,
        fault: Option<Fault>,
    ) -> Result<()> {
        let fresh = self.actuator(class, lane.number, fault).await?;
        let old = if class == DeviceClass::Pump { &mut lane.pump } else { &mut lane.lock };
        *old = fresh;
        self.wait_for_trust(&[&lane.lock, &lane.pump]).await
    }

    /// Waits until locks and pumps are attested as they are now.
    pub(crate) async fn wait_for_trust(&self, actuators: &[&Actuator]) -> Result<()> {
        for Actuator { device, .. } in actuators {
            for _ in 0..TRUST_LOOKS_MAX {
                if self.store.device(device).await?["tier"] == "attested" {
                    break;
                }
                timers::sleep(TRUST_PAUSE).await;
            }
            if self.store.device(device).await?["tier"] != "attested" {
                bail!("{device} is not attested");
            }
        }
        Ok(())
    }

    /// Starts a lock or a pump, with something wrong with it, or with nothing.
    pub(crate) async fn actuator(
        &self,
        class: DeviceClass,
        number: usize,
        fault: Option<Fault>,
    ) -> Result<Actuator> {
        let name = format!("{} {number}", class.name());
        let (device, ticket) = self.store.ticket(class.name(), &name).await?;
        let folder = self.data.join("devices").join(&device);
        fs::create_dir_all(&folder)?;
        self.attester(class)?.save(&folder)?;
        let gateway = self.place.devices.replacen("https://", "wss://", 1);
        let start = Start {
            class: class.name(),
            device,
            ticket: &ticket,
            folder: &folder,
            server: &self.place.public,
            gateway: &gateway,
            ca: &self.data.join(CA_FILE),
            firmware: &firmware(class).to_string(),
            fault,
        };
        Actuator::start(start).await
    }

    /// An attester of its own for a device of this class.
    fn attester(&self, class: DeviceClass) -> Result<SoftwareAttester> {
        let key = draw_key()?;
        let name = format!("{ATTESTER_NAME} {}", Uuid::from_bytes(entropy::random()));
        let serial = Serial::from_random(entropy::random());
        let public = AwsLc.public_key(&key)?;
        let now = self.place.clock.now();
        let certificate =
            self.attestation.issue(&AwsLc, &public, &name, serial, now, ATTESTER_LIFETIME_MS)?;
        Ok(SoftwareAttester::new(key, certificate, firmware(class)))
    }
}

impl Place {
    fn with_key(&self, key: &str) -> Client {
        let credential = Credential::ApiKey(key.to_owned());
        Client::new(self.http.clone(), &self.public, credential, Arc::clone(&self.clock))
    }
}

async fn api_key(admin: &Client, name: &str, scopes: &[&str]) -> Result<String> {
    let made = admin.post("/v1/api-keys", json!({ "name": name, "scopes": scopes })).await?;
    text(&made, "key")
}

/// Embedded defaults on free ports.
fn config(data: &Path, attestation_root: PathBuf) -> Config {
    let mut config = Config {
        data_dir: data.to_owned(),
        public_address: ([127, 0, 0, 1], 0).into(),
        device_address: ([127, 0, 0, 1], 0).into(),
        attestation_roots: vec![attestation_root],
        firmware: [DeviceClass::Handset, DeviceClass::Lock, DeviceClass::Pump]
            .map(|class| Firmware { class, digest: firmware(class) })
            .to_vec(),
        ..Config::default()
    };
    // All customers, devices and drivers of the demo share one address.
    config.limits.requests_per_second = 1_000;
    config
}

/// What the simulated devices of a class say they run.
fn firmware(class: DeviceClass) -> FirmwareDigest {
    FirmwareDigest(AwsLc.sha256(&[b"carhop demo firmware of a ", class.name().as_bytes()]))
}

const ATTESTER_NAME: &str = "carhop demo attester";
const ATTESTER_LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;
const TRUST_LOOKS_MAX: u32 = 100;
const TRUST_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
const DRIVERS: [&str; 8] = [
    "Mara Quist",
    "Nils Oduya",
    "Olga Reyes",
    "Pavel Stern",
    "Rosa Lind",
    "Sven Akbar",
    "Tara Blum",
    "Uwe Costa",
];

#[cfg(test)]
mod tests {
    use carhop_proofs::suite::RustCrypto;

    use super::*;
    use crate::device::authority::Authority;

    #[tokio::test]
    async fn a_device_enrols_once_with_its_ticket_and_renews_by_its_certificate() {
        let data = tempfile::tempdir().unwrap();
        let host = Host::start(data.path(), Arc::default(), None).await.unwrap();
        let gateway = host.place.devices.replacen("https://", "wss://", 1);
        let roots = host.place.roots.clone();
        let authority = Authority::new(&host.place.public, &gateway, roots).unwrap();
        let (device, ticket) = host.store.ticket("lock", "a lock").await.unwrap();
        let (key, class) = (draw_key().unwrap(), DeviceClass::Lock);
        let wrong = authority.enrol(&key, &ticket.replace("cht_", "chs_"), class).await;
        assert!(wrong.is_err(), "a ticket of another kind");

        let identity = authority.enrol(&key, &ticket, class).await.unwrap();
        assert_eq!(identity.device.to_string(), device);
        assert!(!identity.issuers(&RustCrypto).unwrap().is_empty());
        assert!(authority.enrol(&key, &ticket, class).await.is_err(), "the ticket twice");

        let renewed = authority.renew(&key, &identity).await.unwrap();
        assert_eq!(renewed.device, identity.device);
        assert_ne!(renewed.certificate_chain[0], identity.certificate_chain[0]);
        let stranger = Authority::new(&host.place.public, &gateway, vec![]).unwrap();
        assert!(stranger.renew(&key, &renewed).await.is_err(), "an authority under no root");
        host.running.stop().await;
    }
}
