//! Thirty-two byte values, one type per meaning, written as 64 lower-case hexadecimal digits.
//! The kernel compares them; it never computes one.

use alloc::string::String;
use core::fmt::{self, Write};
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::BadId;

macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                hex_decode(text).map(Self).ok_or(BadId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

digests! {
    /// SHA-256 over the canonical form of an order's critical fields and its salt (M-ORD-1).
    OrderDigest;
    /// SHA-256 over a delivery intent: order digest, place, window, handoff types (M-ORD-3).
    IntentDigest;
    /// SHA-256 over a salt and a personal or confidential value; the salt lies in the vault.
    Commitment;
    /// Content hash of a policy bundle (M-POL-4).
    PolicyVersion;
    /// SHA-256 thumbprint of a public key: RFC 7638 for DPoP keys, of the certificate for mutual TLS.
    KeyThumbprint;
    /// Keyed hash of a token, code or link as it is stored (M-TOK-2).
    SecretHash;
    /// SHA-256 of a firmware image or of a client application.
    FirmwareDigest;
    /// SHA-256 over the bytes of an outside proof (a receipt, an attestation token).
    EvidenceHash;
    /// SHA-256 of a decision's record as it is stored, which its events commit to (M-AUD-1).
    DecisionDigest;
    /// SHA-256 of a basket's lines as the store sent them.
    BasketHash;
    /// The authority's public Ed25519 key for commands (RFC 8032 §5.1.5).
    CommandKey;
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn write_hex(f: &mut impl Write, bytes: &[u8]) -> fmt::Result {
    let mut digits = [0; 2 * HEX_PART_BYTES];
    for part in bytes.chunks(HEX_PART_BYTES) {
        for (pair, byte) in digits.chunks_exact_mut(2).zip(part) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
        }
        f.write_str(core::str::from_utf8(&digits[..2 * part.len()]).map_err(|_| fmt::Error)?)?;
    }
    Ok(())
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// Bytes from exactly `2 * N` lower-case hexadecimal digits.
pub fn hex_decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Digits are written in parts of so many bytes: the longest value that is written often.
const HEX_PART_BYTES: usize = 32;
