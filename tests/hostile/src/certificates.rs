//! Certificates, requests for them and private keys, all in DER.

use std::sync::LazyLock;

use carhop_kernel::device::DeviceClass;
use carhop_proofs::pki::{
    self, AttestationRoot, IssuingAuthority, Root, Serial, verify_attestation_key, verify_device,
};
use carhop_proofs::suite::{Algorithm, AwsLc, SigningKey};

use crate::keys::{DEVICE, NOW, authority, device, public};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "certificate", seeds: leaves, law: leaf, cost: Cost::TREE },
    &Target { name: "issuer-certificate", seeds: issuers, law: issuer, cost: Cost::TREE },
    &Target { name: "attestation-certificate", seeds: vouched, law: vouch, cost: Cost::TREE },
    &Target { name: "certificate-request", seeds: requests, law: request, cost: Cost::TREE },
    &Target { name: "private-key", seeds: private_keys, law: private_key, cost: Cost::SMALL },
];

struct Authorities {
    root: Root,
    locks: IssuingAuthority,
    leaf: Vec<u8>,
    attestation_root: Vec<u8>,
    attestation_leaf: Vec<u8>,
}

static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| {
    let serial = |byte| Serial::from_random([byte; 16]);
    let tenant = "acme".parse().unwrap();
    let root = Root::create(&AwsLc, &tenant, key(21), serial(1), NOW).unwrap();
    let locks = root.issuing_authority(&AwsLc, DeviceClass::Lock, key(22), serial(2), NOW).unwrap();
    let request = pki::csr(&AwsLc, &device()).unwrap();
    let leaf = locks.issue(&AwsLc, &request, DEVICE, serial(3), NOW).unwrap();
    let attesters = AttestationRoot::create(&AwsLc, "maker", key(23), serial(4), NOW).unwrap();
    let attestation_leaf =
        attesters.issue(&AwsLc, &public(&device()), "lock", serial(5), NOW, 3_600_000).unwrap();
    let attestation_root = attesters.certificate().to_vec();
    Authorities { root, locks, leaf, attestation_root, attestation_leaf }
});

/// The root of the attesters and the certificate of [`device`]'s key.
pub fn attestation() -> (Vec<u8>, Vec<u8>) {
    (AUTHORITIES.attestation_root.clone(), AUTHORITIES.attestation_leaf.clone())
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(Algorithm::Es256, [byte; 32]).unwrap()
}

fn leaves() -> Vec<Vec<u8>> {
    vec![AUTHORITIES.leaf.clone()]
}

fn leaf(input: &[u8]) -> bool {
    names_the_device(&[input, AUTHORITIES.locks.certificate()])
}

fn issuers() -> Vec<Vec<u8>> {
    vec![AUTHORITIES.locks.certificate().to_vec()]
}

fn issuer(input: &[u8]) -> bool {
    let _ = verify_device(&[input], &[AUTHORITIES.root.certificate()], NOW);
    // A root out of a configuration file is read by the same code.
    let _ = verify_device(&[&AUTHORITIES.leaf, AUTHORITIES.locks.certificate()], &[input], NOW);
    let _ = IssuingAuthority::load(&AwsLc, input, key(22));
    let _ = Root::load(&AwsLc, input, key(21));
    names_the_device(&[&AUTHORITIES.leaf, input])
}

/// Whatever bytes pass, they say what was issued and nothing else.
fn names_the_device(chain: &[&[u8]]) -> bool {
    let Ok(read) = verify_device(chain, &[AUTHORITIES.root.certificate()], NOW) else {
        return false;
    };
    assert_eq!((read.device, read.class), (DEVICE, DeviceClass::Lock));
    assert_eq!((read.tenant.as_str(), read.key), ("acme", public(&device())));
    assert!(read.not_before < read.not_after);
    true
}

fn vouched() -> Vec<Vec<u8>> {
    vec![attestation().1]
}

fn vouch(input: &[u8]) -> bool {
    let roots: [&[u8]; 1] = [&AUTHORITIES.attestation_root];
    let Ok((key, root)) = verify_attestation_key(input, &roots, NOW) else { return false };
    assert_eq!(key, public(&device()));
    assert_eq!(root, pki::certificate_fingerprint(&AUTHORITIES.attestation_root));
    true
}

fn requests() -> Vec<Vec<u8>> {
    vec![pki::csr(&AwsLc, &device()).unwrap(), pki::csr(&AwsLc, &key(30)).unwrap()]
}

/// Of a request only the key counts: what is issued is a certificate of the asked device, whatever else the
/// request holds.
fn request(input: &[u8]) -> bool {
    let locks = &AUTHORITIES.locks;
    let serial = Serial::from_random([9; 16]);
    let Ok(issued) = locks.issue(&AwsLc, input, DEVICE, serial, NOW) else { return false };
    let chain: [&[u8]; 2] = [&issued, locks.certificate()];
    let read = verify_device(&chain, &[AUTHORITIES.root.certificate()], NOW).unwrap();
    assert_eq!((read.device, read.class), (DEVICE, DeviceClass::Lock));
    true
}

fn private_keys() -> Vec<Vec<u8>> {
    [authority(), device()].map(|key| pki::pkcs8(&key).unwrap().to_vec()).to_vec()
}

fn private_key(input: &[u8]) -> bool {
    let Ok(key) = pki::from_pkcs8(input) else { return false };
    let again = pki::from_pkcs8(&pki::pkcs8(&key).unwrap()).unwrap();
    assert_eq!((again.algorithm(), again.as_bytes()), (key.algorithm(), key.as_bytes()));
    true
}
