//! An attester in software: vouches for what a device says it runs, under a root that must be
//! configured to count (M-DEV-2; design §9.7).
//!
//! It measures nothing. A demo and a test use it; real hardware brings a root of trust of its own.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use carhop_kernel::digest::{FirmwareDigest, hex_decode};
use carhop_proofs::eat::{Attester, Component, LIFECYCLE_SECURED, bind_nonce, instance_of};
use carhop_proofs::pki;
use carhop_proofs::suite::{SigningKey, Suite};

/// A key, its certificate, and what it vouches for.
#[derive(Debug)]
pub(crate) struct SoftwareAttester {
    key: SigningKey,
    certificate: Vec<u8>,
    firmware: FirmwareDigest,
}

impl SoftwareAttester {
    /// The file with its key.
    pub(crate) const KEY_FILE: &str = "attester.key";
    /// The file with its certificate.
    pub(crate) const CERTIFICATE_FILE: &str = "attester.crt";

    /// An attester that vouches for this firmware.
    pub(crate) const fn new(
        key: SigningKey,
        certificate: Vec<u8>,
        firmware: FirmwareDigest,
    ) -> Self {
        Self { key, certificate, firmware }
    }

    /// The attester in a folder.
    pub(crate) fn load(folder: &Path, firmware: &str) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).with_context(|| format!("reading {}", path.display()))
        };
        let key = pki::from_pkcs8(&read(Self::KEY_FILE)?)?;
        let firmware = hex_decode(firmware).context("the firmware is no SHA-256 in hexadecimal")?;
        Ok(Self::new(key, read(Self::CERTIFICATE_FILE)?, FirmwareDigest(firmware)))
    }

    /// Writes the key and the certificate where [`SoftwareAttester::load`] finds them.
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        super::store::write_private(&folder.join(Self::KEY_FILE), &pki::pkcs8(&self.key)?)?;
        super::store::write_private(&folder.join(Self::CERTIFICATE_FILE), &self.certificate)
    }

    /// A token that answers `challenge` and vouches for whoever holds the leaf certificate.
    pub(crate) fn attest(
        &self,
        suite: &dyn Suite,
        challenge: &[u8; 32],
        leaf: &[u8],
    ) -> Result<Vec<u8>> {
        let public = suite.public_key(&self.key)?;
        let component = Component {
            kind: "ARoT".to_owned(),
            measurement: self.firmware,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            signer: suite.sha256(&[public.as_bytes()]),
        };
        let attester = Attester {
            key: &self.key,
            certificate: &self.certificate,
            instance: instance_of(suite, &public),
            implementation: suite.sha256(&[IMPLEMENTATION]),
            lifecycle: LIFECYCLE_SECURED,
            components: &[component],
        };
        let nonce = bind_nonce(suite, challenge, &pki::certificate_fingerprint(leaf));
        Ok(attester.sign(suite, &nonce)?)
    }
}

/// What the implementation identifier is the hash of (RFC 9783 §4.2.2).
const IMPLEMENTATION: &[u8] = b"carhop software attester";
