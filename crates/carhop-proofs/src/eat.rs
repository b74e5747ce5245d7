//! Integrity tokens of locks and pumps: the PSA profile of EAT (RFC 9783; standards §4.4; M-DEV-2).
//!
//! A verified token is evidence under a configured root. Whether its measurements are the wanted
//! ones, and whether its instance and key are the enrolled ones, is the policy's to say.

#[cfg(feature = "std")]
mod verify;

use alloc::string::String;
use alloc::vec::Vec;

use carhop_kernel::digest::{FirmwareDigest, KeyThumbprint};

use crate::cbor::Writer;
use crate::cose::{self, CoseError};
use crate::suite::{Algorithm, PublicKey, SigningKey, Suite};

#[cfg(feature = "std")]
pub use verify::{Attestation, EatError, verify};

/// One measured software component (RFC 9783 §4.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// What it is, such as `BL`, `PRoT` or `ARoT`.
    pub kind: String,
    /// SHA-256 of what was loaded.
    pub measurement: FirmwareDigest,
    /// Its version, as its maker writes it.
    pub version: String,
    /// SHA-256 of the key that signed it.
    pub signer: [u8; 32],
}

/// What the device puts into the nonce claim: SHA-256 over a label, the authority's challenge and
/// the fingerprint of the device's own certificate. The token thereby vouches for the key that
/// speaks on the connection, and an honest device cannot be made to vouch for another's.
pub fn bind_nonce(
    suite: &dyn Suite,
    challenge: &[u8; 32],
    certificate_fingerprint: &KeyThumbprint,
) -> [u8; 32] {
    suite.sha256(&[b"carhop.eat.v1", challenge, &certificate_fingerprint.0])
}

/// The instance identifier of a device with this attestation key (RFC 9783 §4.2.1).
pub fn instance_of(suite: &dyn Suite, key: &PublicKey) -> [u8; 33] {
    let mut instance = [INSTANCE_FIRST_BYTE; 33];
    instance[1..].copy_from_slice(&suite.sha256(&[key.as_bytes()]));
    instance
}

/// An attester in software, for hosts without a root of trust of their own.
#[derive(Clone, Copy, Debug)]
pub struct Attester<'a> {
    /// The attestation key.
    pub key: &'a SigningKey,
    /// Its certificate, DER.
    pub certificate: &'a [u8],
    /// Which instance: `01` and 32 bytes that are never given twice (RFC 9783 §4.2.1).
    pub instance: [u8; 33],
    /// Which implementation of the root of trust (RFC 9783 §4.2.2).
    pub implementation: [u8; 32],
    /// The security lifecycle (RFC 9783 §4.3.1): [`LIFECYCLE_SECURED`] in service.
    pub lifecycle: u16,
    /// What runs on it, in boot order.
    pub components: &'a [Component],
}

impl Attester<'_> {
    /// A token with this nonce, which is one of [`bind_nonce`]. The key must be an ES256 key.
    pub fn sign(&self, suite: &dyn Suite, nonce: &[u8; 32]) -> Result<Vec<u8>, CoseError> {
        match self.key.algorithm() {
            Algorithm::Ed25519 => Err(CoseError::Algorithm),
            Algorithm::Es256 => {
                let claims = self.claims(nonce);
                cose::sign1_x5chain(suite, self.key, self.certificate, AAD, &claims)
            }
        }
    }

    fn claims(&self, nonce: &[u8; 32]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(7).int(NONCE).bytes(nonce).int(INSTANCE).bytes(&self.instance);
        writer.int(PROFILE).text(PSA_PROFILE).int(CLIENT).int(CLIENT_SECURE);
        writer.int(LIFECYCLE).uint(self.lifecycle.into());
        writer.int(IMPLEMENTATION).bytes(&self.implementation);
        writer.int(COMPONENTS).array(self.components.len());
        for component in self.components {
            writer.map(4).int(1).text(&component.kind).int(2).bytes(&component.measurement.0);
            writer.int(4).text(&component.version).int(5).bytes(&component.signer);
        }
        writer.finish()
    }
}

/// First value of the secured lifecycle (RFC 9783 §4.3.1).
pub const LIFECYCLE_SECURED: u16 = 0x3000;

/// Most software components of one token.
pub const COMPONENTS_MAX: u64 = 16;

/// Longest kind or version of a component, in bytes.
pub const TEXT_LENGTH_MAX: usize = 64;

/// RFC 9783 gives the token no external data; its key signs nothing else.
const AAD: &str = "";
const PSA_PROFILE: &str = "tag:psacertified.org,2023:psa#tfm";
const INSTANCE_FIRST_BYTE: u8 = 1;
/// Asked for from the secure side.
const CLIENT_SECURE: i64 = 1;
const NONCE: i64 = 10;
const INSTANCE: i64 = 256;
const PROFILE: i64 = 265;
const CLIENT: i64 = 2394;
const LIFECYCLE: i64 = 2395;
const IMPLEMENTATION: i64 = 2396;
const COMPONENTS: i64 = 2399;
