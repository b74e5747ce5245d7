//! Keys and times for tests, each made from a label, so that every fixture can be made again.

use carhop_kernel::time::Timestamp;

use crate::suite::{Algorithm, RustCrypto, SigningKey, Suite};

/// The Ed25519 key with this label.
pub(crate) fn ed25519(label: &str) -> SigningKey {
    labelled(Algorithm::Ed25519, label)
}

/// The P-256 key with this label.
pub(crate) fn es256(label: &str) -> SigningKey {
    labelled(Algorithm::Es256, label)
}

fn labelled(algorithm: Algorithm, label: &str) -> SigningKey {
    let secret = RustCrypto.hmac_sha256(b"carhop test key", &[label.as_bytes()]);
    SigningKey::from_bytes(algorithm, secret).unwrap()
}

/// A message that ends with an ECDSA signature, with the other one that verifies.
pub(crate) fn other_signature(message: &[u8]) -> alloc::vec::Vec<u8> {
    let (start, signature) = message.split_at(message.len() - 64);
    let (r, s) = p256::ecdsa::Signature::from_slice(signature).unwrap().split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
    [start, &other.to_bytes()].concat()
}

/// The moment at which most tests happen.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
