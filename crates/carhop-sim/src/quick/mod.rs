//! The cryptography of most simulated worlds: true hashes and true keys, but signatures that are a hash over the public
//! key and the message, so that a world spends its time on what is being tested (`design.md` §9.4).
//!
//! Anybody could make such a signature, and nobody in a world does without the key; what a bit of message, key or signature
//! changes still fails. It is never shipped, and a share of the worlds runs the real one.

mod certificates;

pub use certificates::{Identities, QuickCertifier, request};

use std::cell::RefCell;
use std::collections::BTreeMap;

use carhop_proofs::suite::{Algorithm, AwsLc, KeyError, PublicKey, RustCrypto, SigningKey, Suite};

/// Which cryptography a world runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crypto {
    /// That of devices, with deterministic signatures.
    Real,
    /// That of servers beside such devices: the library they run on, wherever it makes the same bytes each time.
    Served,
    /// The quick one.
    Quick,
}

impl Crypto {
    /// What servers run on in the same world.
    pub const fn of_servers(self) -> Self {
        match self {
            Self::Real | Self::Served => Self::Served,
            Self::Quick => Self::Quick,
        }
    }
}

impl Suite for Crypto {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto.sha256(parts)
    }

    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto.hmac_sha256(key, parts)
    }

    fn public_key(&self, key: &SigningKey) -> Result<PublicKey, KeyError> {
        match self {
            Self::Real => RustCrypto.public_key(key),
            Self::Served | Self::Quick => known(key),
        }
    }

    fn p256_public_key(&self, sec1: &[u8]) -> Result<PublicKey, KeyError> {
        match self {
            Self::Real => RustCrypto.p256_public_key(sec1),
            Self::Served | Self::Quick => AwsLc.p256_public_key(sec1),
        }
    }

    fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<[u8; 64], KeyError> {
        match self {
            Self::Real => RustCrypto.sign(key, message),
            Self::Served => match key.algorithm() {
                Algorithm::Ed25519 => AwsLc.sign(key, message),
                Algorithm::Es256 => RustCrypto.sign(key, message),
            },
            Self::Quick => Ok(stamp(&known(key)?, message)),
        }
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Real => RustCrypto.verify(key, message, signature),
            Self::Served => AwsLc.verify(key, message, signature),
            Self::Quick => signature == stamp(key, message),
        }
    }
}

/// What stands for a signature. Its second half is small, as that of a true one in its only form is.
fn stamp(key: &PublicKey, message: &[u8]) -> [u8; 64] {
    let half = RustCrypto.sha256(&[key.as_bytes(), message]);
    let mut whole = [0; 64];
    whole[..32].copy_from_slice(&half);
    whole[32..].copy_from_slice(&half);
    whole[32] &= 0x7f;
    whole
}

/// The public half of a key. Multiplying a point costs more than the rest of a signature, so that it is done once for
/// each key; worlds use the same few keys again and again.
fn known(key: &SigningKey) -> Result<PublicKey, KeyError> {
    KNOWN.with_borrow_mut(|known| {
        let place = (key.algorithm() as u8, *key.as_bytes());
        if let Some(public) = known.get(&place) {
            return Ok(*public);
        }
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let public = AwsLc.public_key(key)?;
        known.insert(place, public);
        Ok(public)
    })
}

thread_local! {
    static KNOWN: RefCell<BTreeMap<(u8, [u8; 32]), PublicKey>> = const { RefCell::new(BTreeMap::new()) };
}

/// Keys that are kept.
const KNOWN_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Crypto; 3] = [Crypto::Quick, Crypto::Real, Crypto::Served];

    fn key(algorithm: Algorithm, byte: u8) -> SigningKey {
        SigningKey::from_bytes(algorithm, [byte; 32]).unwrap()
    }

    #[test]
    fn one_bit_of_message_key_or_signature_makes_a_quick_signature_fail_too() {
        let message = b"open compartment 1";
        for (suite, algorithm) in
            ALL.iter().flat_map(|suite| [(suite, Algorithm::Es256), (suite, Algorithm::Ed25519)])
        {
            let own = suite.public_key(&key(algorithm, 7)).unwrap();
            let signature = suite.sign(&key(algorithm, 7), message).unwrap();
            assert!(suite.verify(&own, message, &signature));
            let other = suite.public_key(&key(algorithm, 6)).unwrap();
            assert!(!suite.verify(&other, message, &signature));
            for bit in 0..signature.len() * 8 {
                let mut wrong = signature;
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert!(!suite.verify(&own, message, &wrong), "{suite:?}: bit {bit}");
            }
            for bit in 0..message.len() * 8 {
                let mut wrong = *message;
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert!(!suite.verify(&own, &wrong, &signature), "{suite:?}: bit {bit}");
            }
            for length in [0, 63] {
                assert!(!suite.verify(&own, message, &signature[..length]));
            }
        }
    }

    #[test]
    fn keys_and_hashes_are_the_true_ones() {
        for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
            let [quick, real, served] =
                ALL.map(|suite| suite.public_key(&key(algorithm, 9)).unwrap());
            assert_eq!((quick, served), (real, real));
        }
        let [quick, real, served] = ALL.map(|suite| suite.hmac_sha256(b"k", &[b"a", b"b"]));
        assert_eq!((quick, served), (real, real));
        assert_eq!(Crypto::Quick.sha256(&[b"abc"]), RustCrypto.sha256(&[b"a", b"bc"]));
    }

    #[test]
    fn servers_sign_the_same_bytes_each_time_and_devices_believe_them() {
        for algorithm in [Algorithm::Ed25519, Algorithm::Es256] {
            let key = key(algorithm, 5);
            let [one, other, device] = [Crypto::Served, Crypto::Served, Crypto::Real]
                .map(|suite| suite.sign(&key, b"open").unwrap());
            assert_eq!((one, other), (device, device));
            assert!(Crypto::Real.verify(&Crypto::Served.public_key(&key).unwrap(), b"open", &one));
        }
    }
}
