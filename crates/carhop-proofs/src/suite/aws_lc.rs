//! The suite of the server: aws-lc-rs, the fastest of the two.
//!
//! Its ECDSA draws its nonce from the library's own generator, so its signatures differ each time.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use super::{Algorithm, KeyError, P256Point, PublicKey, SigningKey, Suite, has_sound_r};

/// AWS-LC through aws-lc-rs.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Suite for AwsLc {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        array(context.finish().as_ref())
    }

    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
        for part in parts {
            context.update(part);
        }
        array(context.sign().as_ref())
    }

    fn public_key(&self, key: &SigningKey) -> Result<PublicKey, KeyError> {
        match key.algorithm() {
            Algorithm::Ed25519 => {
                PublicKey::from_bytes(Algorithm::Ed25519, ed25519(key)?.public_key().as_ref())
            }
            Algorithm::Es256 => PublicKey::from_bytes(Algorithm::Es256, &p256_point(key)?),
        }
    }

    fn p256_public_key(&self, sec1: &[u8]) -> Result<PublicKey, KeyError> {
        if !matches!((sec1.len(), sec1.first()), (33, Some(2 | 3)) | (65, Some(4))) {
            return Err(KeyError::Malformed);
        }
        let parsed =
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, sec1).map_err(|_| KeyError::BadPoint)?;
        // A P-256 SubjectPublicKeyInfo ends with the uncompressed point.
        let info = AsDer::<PublicKeyX509Der>::as_der(&parsed).map_err(|_| KeyError::Refused)?;
        let point = info.as_ref().last_chunk().ok_or(KeyError::Refused)?;
        PublicKey::p256(*point)
    }

    fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<[u8; 64], KeyError> {
        let signature = match key.algorithm() {
            Algorithm::Ed25519 => ed25519(key)?.try_sign(message).map_err(|_| KeyError::Refused)?,
            Algorithm::Es256 => EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                key.as_bytes(),
                &p256_point(key)?,
            )
            .map_err(|_| KeyError::Refused)?
            .sign_digest(&digest(&SHA256, message))
            .map_err(|_| KeyError::Refused)?,
        };
        signature.as_ref().try_into().map_err(|_| KeyError::Refused)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match key.algorithm() {
            Algorithm::Ed25519 if !has_sound_r(signature) => return false,
            Algorithm::Ed25519 => &ED25519,
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        };
        UnparsedPublicKey::new(algorithm, key.as_bytes()).verify(message, signature).is_ok()
    }
}

/// Whether a passkey's ES256 signature verifies: the same scheme as the suite's in the form of X.509 (WebAuthn Level 3
/// §6.5.5). Devices never meet it.
pub(crate) fn verify_ecdsa_der(key: &P256Point, message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.0).verify(message, signature).is_ok()
}

/// Whether a passkey's RS256 signature verifies (RFC 8812 §2). Nothing of Carhop signs so.
pub(crate) fn verify_rsa_pkcs1(
    modulus: &[u8],
    exponent: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    RsaPublicKeyComponents { n: modulus, e: exponent }
        .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
        .is_ok()
}

fn ed25519(key: &SigningKey) -> Result<Ed25519KeyPair, KeyError> {
    Ed25519KeyPair::from_seed_unchecked(key.as_bytes()).map_err(|_| KeyError::Refused)
}

fn p256_point(key: &SigningKey) -> Result<[u8; 65], KeyError> {
    let private = PrivateKey::from_private_key(&ECDH_P256, key.as_bytes())
        .map_err(|_| KeyError::ScalarOutOfRange)?;
    let public = private.compute_public_key().map_err(|_| KeyError::Refused)?;
    public.as_ref().try_into().map_err(|_| KeyError::Refused)
}

/// The library hands out slices; SHA-256 always fills 32 bytes.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    output.copy_from_slice(bytes);
    output
}
