//! Certificates without X.509: a request is a key and a signature with it, a certificate is what it says. Only the
//! attestation root is a true one, made once for all worlds, because use cases read its certificates themselves.
//!
//! Nobody but a world's own certifier can read these certificates, and nobody in a world tries to.

use std::sync::OnceLock;

use carhop_app::ports::{CertificateAsk, Certified, Certifier, CertifyError};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::TenantId;
use carhop_proofs::pki::{AttestationRoot, Serial, device_lifetime_ms};
use carhop_proofs::suite::{Algorithm, PublicKey, RustCrypto, SigningKey, Suite};

use crate::SimError;
use crate::chance::Chance;
use crate::quick::Crypto;
use crate::world::{START, fresh_key};

/// The request of a device: its key, and proof that it has it.
pub fn request(key: &SigningKey) -> Result<Vec<u8>, SimError> {
    let public = Crypto::Quick.public_key(key).map_err(SimError::world)?;
    let proof = Crypto::Quick.sign(key, public.as_bytes()).map_err(SimError::world)?;
    Ok([public.as_bytes(), &proof].concat())
}

/// Certifies what [`request`] made.
#[derive(Clone, Debug)]
pub struct QuickCertifier {
    tenant: TenantId,
}

impl QuickCertifier {
    /// The authorities of `tenant`.
    pub const fn new(tenant: TenantId) -> Self {
        Self { tenant }
    }
}

impl Certifier for QuickCertifier {
    fn certify(&self, ask: &CertificateAsk<'_>) -> Result<Certified, CertifyError> {
        let refused = |why: &str| CertifyError(why.to_owned());
        if *ask.tenant != self.tenant {
            return Err(refused("no authority of this tenant"));
        }
        let (public, proof) =
            ask.csr.split_at_checked(P256_BYTES).ok_or_else(|| refused("too short"))?;
        let key = PublicKey::from_bytes(Algorithm::Es256, public)
            .map_err(|error| refused(&error.to_string()))?;
        if !Crypto::Quick.verify(&key, public, proof) {
            return Err(refused("the request does not prove possession of its key"));
        }
        let not_after = ask.now.plus_ms(device_lifetime_ms(ask.class));
        let certificate = [
            ask.tenant.to_string().as_bytes(),
            ask.class.name().as_bytes(),
            ask.device.as_bytes(),
            &ask.serial,
            &not_after.unix_ms().to_be_bytes(),
            public,
        ]
        .concat();
        let fingerprint = KeyThumbprint(Crypto::Quick.sha256(&[&certificate]));
        let authority = format!("{} authority of {}", ask.class, ask.tenant).into_bytes();
        let root = root_of(ask.tenant);
        Ok(Certified {
            chain: vec![certificate, authority],
            roots: vec![root],
            fingerprint,
            key,
            not_after,
        })
    }

    fn root(&self, tenant: &TenantId) -> Option<Vec<u8>> {
        (*tenant == self.tenant).then(|| root_of(tenant))
    }
}

fn root_of(tenant: &TenantId) -> Vec<u8> {
    format!("root of {tenant}").into_bytes()
}

/// The keys of devices and attesters, with the true certificates of the latter: made once, whatever the seed, and shared
/// by all worlds of a process.
#[derive(Debug)]
pub struct Identities {
    root: AttestationRoot,
    attesters: Vec<(SigningKey, Vec<u8>)>,
    devices: Vec<SigningKey>,
}

impl Identities {
    /// Those of this process.
    pub fn shared() -> Result<&'static Self, SimError> {
        static SHARED: OnceLock<Option<Identities>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::make().ok());
        shared.as_ref().ok_or_else(|| SimError::world("no identities"))
    }

    /// The one root that vouches for the integrity of devices.
    pub const fn root(&self) -> &AttestationRoot {
        &self.root
    }

    /// The attestation key with this number, and its certificate. Numbers beyond the last begin anew.
    pub fn attester(&self, number: usize) -> &(SigningKey, Vec<u8>) {
        &self.attesters[number % self.attesters.len()]
    }

    /// A device's key by its number. Numbers beyond the last begin anew.
    pub fn device_key(&self, number: usize) -> &SigningKey {
        &self.devices[number % self.devices.len()]
    }

    fn make() -> Result<Self, SimError> {
        let mut chance = Chance::new(0, "identities");
        let key = fresh_key(&mut chance)?;
        let serial = Serial::from_random(chance.bytes());
        let root = AttestationRoot::create(&RustCrypto, "simulated attester", key, serial, START);
        let root = root.map_err(SimError::world)?;
        let attester = |chance: &mut Chance| {
            let key = fresh_key(chance)?;
            let public = RustCrypto.public_key(&key).map_err(SimError::world)?;
            let serial = Serial::from_random(chance.bytes());
            let issued = root.issue(&RustCrypto, &public, "device", serial, START, ATTESTER_MS);
            Ok::<_, SimError>((key, issued.map_err(SimError::world)?))
        };
        let attesters = (0..IDENTITIES).map(|_| attester(&mut chance)).collect::<Result<_, _>>()?;
        let devices = (0..IDENTITIES).map(|_| fresh_key(&mut chance)).collect::<Result<_, _>>()?;
        Ok(Self { root, attesters, devices })
    }
}

const IDENTITIES: usize = 64;
/// Life of an attestation key's certificate: longer than any world.
const ATTESTER_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
const P256_BYTES: usize = 65;

#[cfg(test)]
mod tests {
    use carhop_kernel::device::DeviceClass;
    use carhop_kernel::id::DeviceId;

    use super::*;

    #[test]
    fn a_request_is_certified_for_its_own_key_and_tenant_alone() {
        let key = Identities::shared().unwrap().device_key(3);
        let csr = request(key).unwrap();
        let (own, other): (TenantId, TenantId) =
            ("acme".parse().unwrap(), "umbra".parse().unwrap());
        let authority = QuickCertifier::new(own.clone());
        let certify = |tenant: &TenantId, csr: &[u8]| {
            authority.certify(&CertificateAsk {
                tenant,
                class: DeviceClass::Lock,
                device: DeviceId::from_bytes([7; 16]),
                csr,
                serial: [1; 16],
                now: START,
            })
        };
        assert_eq!(certify(&own, &csr).unwrap().key, RustCrypto.public_key(key).unwrap());
        assert!(certify(&other, &csr).is_err());
        for wrong in 0..csr.len() {
            let mut bent = csr.clone();
            bent[wrong] ^= 1;
            assert!(certify(&own, &bent).is_err(), "byte {wrong}");
        }
        assert!(certify(&own, &csr[..64]).is_err());
    }

    #[test]
    fn the_attestation_keys_are_certified_by_the_shared_root() {
        let shared = Identities::shared().unwrap();
        let root = shared.root().certificate();
        for number in [0, IDENTITIES - 1] {
            let (key, certificate) = shared.attester(number);
            let proven =
                carhop_proofs::pki::verify_attestation_key(certificate, &[root], START).unwrap();
            assert_eq!(proven.0, Crypto::Quick.public_key(key).unwrap());
        }
    }
}
