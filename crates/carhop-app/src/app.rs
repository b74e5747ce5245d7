//! The use cases' common ground: ports, keys, policies and settings.

use std::sync::Arc;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;
use carhop_kernel::time::Timestamp;
use carhop_policy::Bundle;
use carhop_proofs::suite::Suite;

use crate::folded::Folded;
use crate::keyring::Keyring;
use crate::policies::Parsed;
use crate::ports::{Bell, Carrier, Certifier, Clock, Entropy, Journal};

/// Everything the use cases are built from.
pub struct Parts {
    /// What happened.
    pub journal: Arc<dyn Journal>,
    /// The way to devices.
    pub carrier: Arc<dyn Carrier>,
    /// The issuing authorities.
    pub certifier: Arc<dyn Certifier>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The one source of chance.
    pub entropy: Arc<dyn Entropy>,
    /// Tells whoever waits.
    pub bell: Arc<dyn Bell>,
    /// The cryptography.
    pub suite: Arc<dyn Suite>,
    /// The policies that an account judges by until others are activated.
    pub policies: Arc<Bundle>,
    /// The keys.
    pub keyring: Keyring,
    /// What the operator decides.
    pub settings: Settings,
}

/// What the operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Issuer of scannable codes, at most 24 bytes.
    pub issuer: String,
    /// Certificates (DER) of the roots that may vouch for a device's integrity.
    pub attestation_roots: Vec<Vec<u8>>,
    /// Firmware that may run, by class (M-DEV-2).
    pub firmware: Vec<(DeviceClass, FirmwareDigest)>,
}

/// The use cases. Each is a method in a file of its own.
pub struct App {
    pub(crate) parts: Parts,
    pub(crate) folded: Folded,
    pub(crate) parsed: Parsed,
}

impl App {
    /// The use cases over these parts.
    pub const fn new(parts: Parts) -> Self {
        Self { parts, folded: Folded::new(), parsed: Parsed::new() }
    }

    /// What the operator decided.
    pub const fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn suite(&self) -> &dyn Suite {
        &*self.parts.suite
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.parts.entropy.fill(&mut bytes);
        bytes
    }
}

/// Makes a fresh id of the wanted kind.
macro_rules! fresh {
    ($app:expr, $kind:ty) => {
        <$kind>::generate($app.now(), $app.random())
    };
}
pub(crate) use fresh;
