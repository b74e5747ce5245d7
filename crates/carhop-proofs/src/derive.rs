//! Keys derived from a master key and a label: HKDF with SHA-256 (RFC 5869).
//!
//! Only the one output length that keys here have, 32 bytes; the master key must already be strong,
//! this stretches no password.

use crate::suite::Suite;

/// The key for `label` under `master`. Different labels give independent keys.
pub fn derive_key(suite: &dyn Suite, master: &[u8], label: &str) -> [u8; 32] {
    hkdf(suite, &[], master, label.as_bytes())
}

/// Extract, then the first block of expand, which is all that 32 bytes need.
fn hkdf(suite: &dyn Suite, salt: &[u8], master: &[u8], info: &[u8]) -> [u8; 32] {
    let strong = suite.hmac_sha256(salt, &[master]);
    suite.hmac_sha256(&strong, &[info, &[1]])
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use core::array::from_fn;

    use carhop_kernel::digest::hex_decode;

    use super::*;
    use crate::suite::RustCrypto;

    #[test]
    fn the_first_block_is_that_of_rfc_5869_appendix_a() {
        let first = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        let salt: [u8; 13] = from_fn(|at| u8::try_from(at).unwrap());
        let info: [u8; 10] = from_fn(|at| 0xf0 + u8::try_from(at).unwrap());
        assert_eq!(hkdf(&RustCrypto, &salt, &[0x0b; 22], &info), hex_decode(first).unwrap());
        let third = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(derive_key(&RustCrypto, &[0x0b; 22], ""), hex_decode(third).unwrap());
    }

    #[test]
    fn every_label_and_master_has_its_own_key() {
        let key = derive_key(&RustCrypto, b"master", "tenant:acme");
        assert_eq!(key, derive_key(&RustCrypto, b"master", "tenant:acme"));
        assert_ne!(key, derive_key(&RustCrypto, b"master", "tenant:acmf"));
        assert_ne!(key, derive_key(&RustCrypto, b"mastes", "tenant:acme"));
    }
}
