//! The cryptographic primitives everything else is built from, behind one small trait, so that a
//! server, a lock and a simulated world run the same formats on different libraries (design §9.4).
//!
//! It invents nothing: hashing, HMAC and the two signature schemes come from aws-lc-rs or
//! RustCrypto, and both must agree on every key and every signature.

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod low_s;
#[cfg(feature = "rustcrypto")]
mod rust_crypto;

#[cfg(feature = "aws-lc")]
pub use aws_lc::AwsLc;
#[cfg(feature = "std")]
pub(crate) use aws_lc::{verify_ecdsa_der, verify_rsa_pkcs1};
#[cfg(feature = "rustcrypto")]
pub use rust_crypto::RustCrypto;

pub(crate) use low_s::{has_low_s, with_low_s};

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A signature scheme. Both sign with 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Pure Ed25519 (RFC 8032 §5.1).
    Ed25519,
    /// ECDSA over P-256 with SHA-256, signature `r ‖ s` (RFC 9053 §2.1).
    Es256,
}

/// Why bytes are not a usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither 32 bytes of Ed25519 nor a P-256 point.
    #[error("the key has the wrong length or form")]
    Malformed,
    /// A private scalar of zero or not below the group order.
    #[error("the private scalar is out of range")]
    ScalarOutOfRange,
    /// An Ed25519 point of small order or in a non-canonical encoding, or a point off the curve.
    #[error("the public key is weak or not a point of the curve")]
    BadPoint,
    /// The library would not sign with this key.
    #[error("the key was refused by the library")]
    Refused,
}

/// A private key. Wiped when dropped and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SigningKey {
    #[zeroize(skip)]
    algorithm: Algorithm,
    secret: [u8; 32],
}

impl SigningKey {
    /// A key from its Ed25519 seed or its big-endian P-256 scalar, which must lie in `1..n`.
    pub fn from_bytes(algorithm: Algorithm, secret: [u8; 32]) -> Result<Self, KeyError> {
        let key = Self { algorithm, secret };
        let in_range = match algorithm {
            Algorithm::Ed25519 => true,
            // Not constant time; it tells an observer no more than that the key is usable.
            Algorithm::Es256 => key.secret != [0; 32] && key.secret < P256_ORDER,
        };
        if in_range { Ok(key) } else { Err(KeyError::ScalarOutOfRange) }
    }

    /// The scheme this key signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The seed or scalar. Handle with care: copies are the caller's to wipe.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, hidden)", self.algorithm)
    }
}

/// A public key whose form has been checked. That a P-256 point lies on its curve is checked by
/// [`Suite::p256_public_key`] or at the latest when verifying.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// The 32-byte encoding of RFC 8032 §5.1.5.
    Ed25519(Ed25519Point),
    /// The uncompressed encoding of SEC 1 §2.3.3.
    P256(P256Point),
}

/// A canonical Ed25519 point encoding of large order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ed25519Point([u8; 32]);

/// `04 ‖ x ‖ y`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct P256Point([u8; 65]);

impl PublicKey {
    /// An Ed25519 key. Non-canonical encodings and the points of small order, under which one
    /// signature fits many messages, are refused, so that both suites accept the same keys.
    pub fn ed25519(bytes: [u8; 32]) -> Result<Self, KeyError> {
        if is_sound_point(&bytes) {
            Ok(Self::Ed25519(Ed25519Point(bytes)))
        } else {
            Err(KeyError::BadPoint)
        }
    }

    /// A P-256 key from its 65-byte uncompressed encoding.
    pub fn p256(bytes: [u8; 65]) -> Result<Self, KeyError> {
        if bytes[0] == SEC1_UNCOMPRESSED {
            Ok(Self::P256(P256Point(bytes)))
        } else {
            Err(KeyError::Malformed)
        }
    }

    /// A P-256 key from its coordinates.
    pub fn p256_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Self {
        let mut bytes = [SEC1_UNCOMPRESSED; 65];
        bytes[1..33].copy_from_slice(x);
        bytes[33..].copy_from_slice(y);
        Self::P256(P256Point(bytes))
    }

    /// A key of `algorithm` from 32 bytes of Ed25519 or 65 of P-256.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            Algorithm::Ed25519 => Self::ed25519(bytes.try_into().map_err(|_| KeyError::Malformed)?),
            Algorithm::Es256 => Self::p256(bytes.try_into().map_err(|_| KeyError::Malformed)?),
        }
    }

    /// The scheme whose signatures this key verifies.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    /// The 32 or 65 bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(point) => &point.0,
            Self::P256(point) => &point.0,
        }
    }
}

impl Ed25519Point {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl P256Point {
    /// The affine coordinate x, 32 bytes big-endian.
    pub fn x(&self) -> &[u8] {
        &self.0[1..33]
    }

    /// The affine coordinate y, 32 bytes big-endian.
    pub fn y(&self) -> &[u8] {
        &self.0[33..]
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?} ", self.algorithm())?;
        carhop_kernel::digest::write_hex(f, self.as_bytes())?;
        f.write_str(")")
    }
}

/// The primitives. Object safe, so that callers hold `&dyn Suite`.
pub trait Suite: Send + Sync {
    /// SHA-256 over the concatenated parts.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];

    /// HMAC-SHA-256 (RFC 2104) over the concatenated parts.
    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; 32];

    /// The public half of `key`.
    fn public_key(&self, key: &SigningKey) -> Result<PublicKey, KeyError>;

    /// A P-256 key from a compressed (33 bytes) or uncompressed (65 bytes) SEC 1 encoding of a
    /// point that is on the curve.
    fn p256_public_key(&self, sec1: &[u8]) -> Result<PublicKey, KeyError>;

    /// The 64-byte signature of `message`: `R ‖ S` or `r ‖ s`.
    fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<[u8; 64], KeyError>;

    /// Whether `signature` is one of `message` under `key`. Ed25519 is strict: `S` below the group
    /// order, neither the key nor `R` of small order.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool;
}

/// Whether two secrets are equal, in time that depends on their lengths alone.
pub fn same_secret(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Whether an Ed25519 encoding is canonical (`y < p`) and of large order. The libraries differ on
/// both, RFC 8032 §5.1.3 asks for the first and prudence for the second.
fn is_sound_point(bytes: &[u8; 32]) -> bool {
    let mut y = *bytes;
    y[31] &= 0x7f;
    let canonical = y[0] < 0xed || y[31] != 0x7f || y[1..31].iter().any(|&byte| byte != 0xff);
    canonical && !SMALL_ORDER_Y.contains(&y)
}

/// The first half of a signature is a point too; the same rule holds for it in both suites.
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
fn has_sound_r(signature: &[u8]) -> bool {
    signature.first_chunk().is_some_and(is_sound_point)
}

const SEC1_UNCOMPRESSED: u8 = 4;

/// The order of the P-256 group (FIPS 186-5), big-endian.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The y coordinates, little-endian, of the eight points of order 1, 2, 4 and 8.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

#[cfg(test)]
#[cfg(all(feature = "aws-lc", feature = "rustcrypto"))]
mod tests {
    use alloc::format;

    use carhop_kernel::digest::hex_decode;
    use proptest::prelude::*;

    use super::*;

    const BOTH: [&dyn Suite; 2] = [&AwsLc, &RustCrypto];
    const ALGORITHMS: [Algorithm; 2] = [Algorithm::Ed25519, Algorithm::Es256];

    fn key(algorithm: Algorithm, byte: u8) -> SigningKey {
        SigningKey::from_bytes(algorithm, [byte; 32]).unwrap()
    }

    #[test]
    fn hash_and_hmac_give_the_published_values() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        // RFC 4231 §4.3.
        let jefe = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for suite in BOTH {
            assert_eq!(suite.sha256(&[b"a", b"", b"bc"]), hex_decode(abc).unwrap());
            assert_eq!(
                suite.hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]),
                hex_decode(jefe).unwrap()
            );
        }
    }

    #[test]
    fn ed25519_signs_as_rfc_8032_section_7_1_says() {
        let seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
        let public = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
        let signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
        let key = SigningKey::from_bytes(Algorithm::Ed25519, hex_decode(seed).unwrap()).unwrap();
        for suite in BOTH {
            let derived = suite.public_key(&key).unwrap();
            assert_eq!(derived.as_bytes(), hex_decode::<32>(public).unwrap());
            let signed = suite.sign(&key, &[0xaf, 0x82]).unwrap();
            assert_eq!(signed, hex_decode::<64>(signature).unwrap());
        }
    }

    #[test]
    fn compressed_and_uncompressed_points_are_one_key_and_others_are_refused() {
        let public = AwsLc.public_key(&key(Algorithm::Es256, 7)).unwrap();
        let full = public.as_bytes();
        let mut short = full[..33].to_vec();
        short[0] = 2 + (full[64] & 1);
        let mut off_curve = full.to_vec();
        off_curve[64] ^= 1;
        for suite in BOTH {
            assert_eq!(suite.p256_public_key(full), Ok(public));
            assert_eq!(suite.p256_public_key(&short), Ok(public));
            for wrong in [&off_curve[..], &full[..64], &[], &[0], &[4; 65], &[2; 32]] {
                assert!(suite.p256_public_key(wrong).is_err(), "{wrong:02x?}");
            }
        }
    }

    #[test]
    fn a_scalar_of_zero_or_the_group_order_is_no_key() {
        for secret in [[0; 32], P256_ORDER, [0xff; 32]] {
            let made = SigningKey::from_bytes(Algorithm::Es256, secret);
            assert_eq!(made.err(), Some(KeyError::ScalarOutOfRange));
        }
        let mut largest = P256_ORDER;
        largest[31] -= 1;
        assert!(SigningKey::from_bytes(Algorithm::Es256, largest).is_ok());
    }

    #[test]
    fn weak_and_non_canonical_ed25519_points_are_refused() {
        for y in SMALL_ORDER_Y {
            for sign in [0, 0x80] {
                let mut bytes = y;
                bytes[31] |= sign;
                assert_eq!(PublicKey::ed25519(bytes), Err(KeyError::BadPoint));
                let weak = ed25519_dalek::VerifyingKey::from_bytes(&bytes);
                assert!(weak.is_ok_and(|point| point.is_weak()) || sign != 0, "{bytes:02x?}");
            }
        }
        let mut beyond = [0xff; 32];
        for low in 0xed..=0xff {
            beyond[0] = low;
            for high in [0x7f, 0xff] {
                beyond[31] = high;
                assert_eq!(PublicKey::ed25519(beyond), Err(KeyError::BadPoint));
            }
        }
    }

    #[test]
    fn an_r_of_small_order_is_refused_even_where_the_equation_holds() {
        use sha2::{Digest, Sha512};
        let key = key(Algorithm::Ed25519, 3);
        let public = AwsLc.public_key(&key).unwrap();
        let point = ed25519_dalek::SigningKey::from_bytes(key.as_bytes());
        // R is the identity, so S = SHA-512(R, A, M) * a makes S * B = R + h * A true.
        let mut signature = [0; 64];
        signature[0] = 1;
        let hash = Sha512::new().chain_update(&signature[..32]).chain_update(public.as_bytes());
        let hash = hash.chain_update(b"m").finalize();
        let secret = point.to_scalar();
        let one = secret * secret.invert();
        let zero = one - one;
        let bits = hash.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        let challenge = bits.fold(zero, |sum, bit| sum + sum + if bit == 1 { one } else { zero });
        signature[32..].copy_from_slice((challenge * secret).as_bytes());
        let loose = ed25519_dalek::Verifier::verify(
            &point.verifying_key(),
            b"m",
            &ed25519_dalek::Signature::from_bytes(&signature),
        );
        assert!(loose.is_ok());
        for suite in BOTH {
            assert!(!suite.verify(&public, b"m", &signature));
        }
    }

    #[test]
    fn a_scalar_raised_by_the_group_order_is_not_a_second_signature() {
        let order =
            hex_decode::<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
                .unwrap();
        let key = key(Algorithm::Ed25519, 9);
        let public = AwsLc.public_key(&key).unwrap();
        let mut signature = AwsLc.sign(&key, b"m").unwrap();
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        for suite in BOTH {
            assert!(!suite.verify(&public, b"m", &signature));
        }
    }

    #[test]
    fn secrets_are_compared_whole_and_never_printed() {
        assert!(same_secret(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"", b"abcd"] {
            assert!(!same_secret(b"abc", other));
        }
        let shown = format!("{:?}", key(Algorithm::Ed25519, 0xab));
        assert_eq!(shown, "SigningKey(Ed25519, hidden)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn each_suite_verifies_what_the_other_signs(
            secret: [u8; 32], other: [u8; 32], message: Vec<u8>, bit in 0usize..512
        ) {
            for algorithm in ALGORITHMS {
                let (Ok(key), Ok(stranger)) = (
                    SigningKey::from_bytes(algorithm, secret),
                    SigningKey::from_bytes(algorithm, other),
                ) else { continue };
                let public = AwsLc.public_key(&key).unwrap();
                let wrong = AwsLc.public_key(&stranger).unwrap();
                prop_assert_eq!(RustCrypto.public_key(&key).unwrap(), public);
                for signer in BOTH {
                    let signature = signer.sign(&key, &message).unwrap();
                    let mut flipped = signature;
                    flipped[bit / 8] ^= 1 << (bit % 8);
                    let mut longer = message.clone();
                    longer.push(0);
                    for verifier in BOTH {
                        prop_assert!(verifier.verify(&public, &message, &signature));
                        prop_assert!(!verifier.verify(&public, &message, &flipped));
                        prop_assert!(!verifier.verify(&public, &longer, &signature));
                        prop_assert!(!verifier.verify(&public, &message, &signature[..63]));
                        prop_assert!(!verifier.verify(&public, &message, &[]));
                        prop_assert_eq!(
                            verifier.verify(&wrong, &message, &signature), secret == other
                        );
                    }
                }
            }
        }

        #[test]
        fn both_judge_arbitrary_signatures_and_points_alike(
            point: [u8; 32], sec1 in proptest::collection::vec(any::<u8>(), 60..68),
            signature in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            prop_assert_eq!(AwsLc.p256_public_key(&sec1), RustCrypto.p256_public_key(&sec1));
            let keys = [
                PublicKey::ed25519(point),
                Ok(PublicKey::p256_coordinates(&point, &point)),
                AwsLc.public_key(&key(Algorithm::Es256, 1)),
                AwsLc.public_key(&key(Algorithm::Ed25519, 1)),
            ];
            for public in keys.into_iter().flatten() {
                prop_assert!(!AwsLc.verify(&public, b"m", &signature));
                prop_assert!(!RustCrypto.verify(&public, b"m", &signature));
            }
        }

        #[test]
        fn both_hash_alike(key: Vec<u8>, a: Vec<u8>, b: Vec<u8>) {
            let [x, y] = BOTH.map(|suite| (suite.sha256(&[&a, &b]), suite.hmac_sha256(&key, &[&a, &b])));
            prop_assert_eq!(x, y);
            prop_assert_eq!(x.0, AwsLc.sha256(&[&[a, b].concat()]));
        }
    }
}
