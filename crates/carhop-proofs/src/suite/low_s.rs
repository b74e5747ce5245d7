//! ECDSA has two signatures for each: with `(r, s)` verifies `(r, n − s)`, too. Here is which of them is ours.
//!
//! It neither signs nor verifies.

use super::P256_ORDER;

/// Whether `s` of an ECDSA signature `r ‖ s` over P-256 is the lower one of the two that verify.
pub(crate) fn has_low_s(signature: &[u8]) -> bool {
    signature.get(32..).is_some_and(|s| *s <= P256_HALF_ORDER[..])
}

/// The signature with the lower one of the two values of `s` that verify.
pub(crate) fn with_low_s(mut signature: [u8; 64]) -> [u8; 64] {
    if !has_low_s(&signature) {
        let mut borrow = 0;
        for (s, n) in signature[32..].iter_mut().zip(P256_ORDER).rev() {
            let (difference, below) = n.overflowing_sub(*s);
            let (difference, below_again) = difference.overflowing_sub(borrow);
            borrow = u8::from(below || below_again);
            *s = difference;
        }
    }
    signature
}

/// Half of the order of the P-256 group, rounded down, big-endian.
const P256_HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

#[cfg(test)]
#[cfg(all(feature = "aws-lc", feature = "rustcrypto"))]
mod tests {
    use super::*;
    use crate::suite::{Algorithm, AwsLc, RustCrypto, SigningKey, Suite};

    #[test]
    fn of_the_two_signatures_that_verify_the_lower_one_is_told_and_found() {
        let key = SigningKey::from_bytes(Algorithm::Es256, [9; 32]).unwrap();
        let public = AwsLc.public_key(&key).unwrap();
        let mut seen = [false; 2];
        for number in 0..32 {
            let signature = RustCrypto.sign(&key, &[number]).unwrap();
            let low = with_low_s(signature);
            let library = p256::ecdsa::Signature::from_slice(&signature).unwrap().normalize_s();
            assert_eq!(low[..], library.to_bytes()[..]);
            assert_eq!(has_low_s(&signature), low == signature);
            assert!(has_low_s(&low) && with_low_s(low) == low);
            assert!(AwsLc.verify(&public, &[number], &low));
            assert!(RustCrypto.verify(&public, &[number], &low));
            seen[usize::from(low == signature)] = true;
        }
        assert_eq!(seen, [true; 2]);
        let mut edge = [0; 64];
        edge[32..].copy_from_slice(&P256_HALF_ORDER);
        assert!(has_low_s(&edge));
        edge[63] += 1;
        assert!(!has_low_s(&edge) && !has_low_s(&edge[..10]));
    }
}
