//! The suite of devices and of the simulator: RustCrypto, `no_std`, with deterministic ECDSA
//! (RFC 6979), so that a replayed world signs the same bytes.

use ed25519_dalek::{Signature as Ed25519Signature, SigningKey as Ed25519Key, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature as P256Signature, SigningKey as P256Key, VerifyingKey as P256Public};
use sha2::{Digest, Sha256};

use super::{Algorithm, KeyError, PublicKey, SigningKey, Suite, has_sound_r};

/// p256, ed25519-dalek, hmac and sha2.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Suite for RustCrypto {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut block = [0; SHA256_BLOCK_BYTES];
        if key.len() > block.len() {
            block[..32].copy_from_slice(&self.sha256(&[key]));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        // A key of exactly one block is used as it is (RFC 2104 §2), which makes this infallible.
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn public_key(&self, key: &SigningKey) -> Result<PublicKey, KeyError> {
        match key.algorithm() {
            Algorithm::Ed25519 => PublicKey::ed25519(
                Ed25519Key::from_bytes(key.as_bytes()).verifying_key().to_bytes(),
            ),
            Algorithm::Es256 => PublicKey::from_bytes(
                Algorithm::Es256,
                p256_key(key)?.verifying_key().to_sec1_point(false).as_bytes(),
            ),
        }
    }

    fn p256_public_key(&self, sec1: &[u8]) -> Result<PublicKey, KeyError> {
        if !matches!((sec1.len(), sec1.first()), (33, Some(2 | 3)) | (65, Some(4))) {
            return Err(KeyError::Malformed);
        }
        let key = P256Public::from_sec1_bytes(sec1).map_err(|_| KeyError::BadPoint)?;
        PublicKey::from_bytes(Algorithm::Es256, key.to_sec1_point(false).as_bytes())
    }

    fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<[u8; 64], KeyError> {
        match key.algorithm() {
            Algorithm::Ed25519 => Ed25519Key::from_bytes(key.as_bytes())
                .try_sign(message)
                .map(|signature| signature.to_bytes())
                .map_err(|_| KeyError::Refused),
            Algorithm::Es256 => {
                let signature: P256Signature =
                    p256_key(key)?.try_sign(message).map_err(|_| KeyError::Refused)?;
                Ok(signature.to_bytes().into())
            }
        }
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match key {
            PublicKey::Ed25519(point) => {
                let parts = (
                    VerifyingKey::from_bytes(point.as_bytes()),
                    Ed25519Signature::from_slice(signature),
                );
                has_sound_r(signature)
                    && matches!(parts, (Ok(key), Ok(signature))
                        if key.verify_strict(message, &signature).is_ok())
            }
            PublicKey::P256(_) => {
                let parts = (
                    P256Public::from_sec1_bytes(key.as_bytes()),
                    P256Signature::from_slice(signature),
                );
                matches!(parts, (Ok(key), Ok(signature))
                    if key.verify(message, &signature).is_ok())
            }
        }
    }
}

fn p256_key(key: &SigningKey) -> Result<P256Key, KeyError> {
    P256Key::from_slice(key.as_bytes()).map_err(|_| KeyError::ScalarOutOfRange)
}

const SHA256_BLOCK_BYTES: usize = 64;
