//! Keys at the edge: as PKCS#8 on disk and in TLS libraries, inside certificate requests, inside
//! certificates.
//!
//! It generates no keys and decides nothing about whom they belong to.

use alloc::vec::Vec;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use carhop_kernel::digest::KeyThumbprint;
use rcgen::{CertificateParams, DistinguishedName, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY};
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::IssueError;
use crate::suite::{Algorithm, AwsLc, PublicKey, SigningKey, Suite};

/// The key as PKCS#8 (RFC 5208), as files and rustls hold it. The bytes are wiped when dropped.
pub fn pkcs8(key: &SigningKey) -> Result<Zeroizing<Vec<u8>>, IssueError> {
    let document = match key.algorithm() {
        Algorithm::Ed25519 => Ed25519KeyPair::from_seed_unchecked(key.as_bytes())
            .map_err(|_| IssueError::BadKey)?
            .to_pkcs8v1(),
        Algorithm::Es256 => {
            let public = AwsLc.public_key(key).map_err(|_| IssueError::BadKey)?;
            EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                key.as_bytes(),
                public.as_bytes(),
            )
            .map_err(|_| IssueError::BadKey)?
            .to_pkcs8v1()
        }
    };
    document
        .map(|document| Zeroizing::new(document.as_ref().to_vec()))
        .map_err(|_| IssueError::BadKey)
}

/// The key in a PKCS#8 file: Ed25519 or P-256.
pub fn from_pkcs8(bytes: &[u8]) -> Result<SigningKey, IssueError> {
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
        let seed = pair.seed().map_err(|_| IssueError::BadKey)?;
        let seed = seed.as_be_bytes().map_err(|_| IssueError::BadKey)?;
        return signing_key(Algorithm::Ed25519, seed.as_ref());
    }
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
        .map_err(|_| IssueError::BadKey)?;
    let scalar = pair.private_key().as_be_bytes().map_err(|_| IssueError::BadKey)?;
    signing_key(Algorithm::Es256, scalar.as_ref())
}

/// A certificate request (RFC 2986) that proves possession of `key` and asks for nothing: what a
/// certificate says is the authority's to decide.
pub fn csr(suite: &dyn Suite, key: &SigningKey) -> Result<Vec<u8>, IssueError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&Signer::new(suite, key)?);
    request.map(|request| request.der().to_vec()).map_err(|_| IssueError::Encoding)
}

/// SHA-256 over a certificate's bytes, as mutual TLS names it (RFC 8705 §3.1).
pub fn certificate_fingerprint(certificate: &[u8]) -> KeyThumbprint {
    KeyThumbprint(AwsLc.sha256(&[certificate]))
}

/// The P-256 key in a subjectPublicKeyInfo, a point on the curve in its uncompressed form.
pub(super) fn p256_key(info: &SubjectPublicKeyInfo<'_>) -> Option<PublicKey> {
    let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
    let is_p256 =
        info.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == Some(OID_EC_P256);
    let point: &[u8; 65] = info.subject_public_key.data.as_ref().try_into().ok()?;
    is_p256.then(|| AwsLc.p256_public_key(point).ok()).flatten()
}

/// Lets rcgen sign with a key of ours, so that a deterministic suite makes deterministic
/// certificates.
pub(super) struct Signer<'a> {
    suite: &'a dyn Suite,
    key: &'a SigningKey,
    public: PublicKey,
}

impl<'a> Signer<'a> {
    pub(super) fn new(suite: &'a dyn Suite, key: &'a SigningKey) -> Result<Self, IssueError> {
        match key.algorithm() {
            Algorithm::Ed25519 => Err(IssueError::KeyKind),
            Algorithm::Es256 => {
                let public = suite.public_key(key).map_err(|_| IssueError::BadKey)?;
                Ok(Self { suite, key, public })
            }
        }
    }
}

impl rcgen::PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature =
            self.suite.sign(self.key, message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(der_signature(&signature))
    }
}

/// A P-256 public key as the subject of a certificate.
pub(super) struct Subject<'a>(pub(super) &'a PublicKey);

impl rcgen::PublicKeyData for Subject<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// `r ‖ s` as SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 §2.2.3).
fn der_signature(signature: &[u8; 64]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let content = [der_integer(r), der_integer(s)].concat();
    // At most 70 bytes: one byte of length.
    [&[0x30, content.len().to_le_bytes()[0]], &content[..]].concat()
}

/// An unsigned big-endian number as an INTEGER: without leading zeros, but with one before a first
/// bit that would read as a sign.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let digits = &number[zeros.min(number.len() - 1)..];
    let sign: &[u8] = if digits[0] & 0x80 == 0 { &[] } else { &[0] };
    let length = (sign.len() + digits.len()).to_le_bytes()[0];
    [&[0x02, length], sign, digits].concat()
}

fn signing_key(algorithm: Algorithm, secret: &[u8]) -> Result<SigningKey, IssueError> {
    let secret = secret.try_into().map_err(|_| IssueError::BadKey)?;
    SigningKey::from_bytes(algorithm, secret).map_err(|_| IssueError::BadKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_integers_are_minimal_and_positive() {
        let cases: [(&[u8], &[u8]); 5] = [
            (&[0x7f, 1], &[2, 2, 0x7f, 1]),
            (&[0x80, 1], &[2, 3, 0, 0x80, 1]),
            (&[0, 0x80], &[2, 2, 0, 0x80]),
            (&[0, 1], &[2, 1, 1]),
            (&[0, 0], &[2, 1, 0]),
        ];
        for (number, der) in cases {
            assert_eq!(der_integer(number), der, "{number:02x?}");
        }
    }

    #[test]
    fn a_key_survives_pkcs8_and_other_bytes_are_refused() {
        for algorithm in [Algorithm::Ed25519, Algorithm::Es256] {
            let key = SigningKey::from_bytes(algorithm, [7; 32]).unwrap();
            let bytes = pkcs8(&key).unwrap();
            let back = from_pkcs8(&bytes).unwrap();
            assert_eq!(back.algorithm(), algorithm);
            assert_eq!(back.as_bytes(), key.as_bytes());
            assert!(from_pkcs8(&bytes[1..]).is_err());
        }
        assert_eq!(from_pkcs8(b"").err(), Some(IssueError::BadKey));
    }
}
