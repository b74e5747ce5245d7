//! Sealing of personal data: AES-256-GCM under a key per subject (NIST SP 800-38D), the field's name as associated data.
//!
//! Which keys exist and when they are destroyed is not known here.

use alloc::vec::Vec;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Something that does not open: another key, another field, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot be sealed or opened")]
pub struct VaultError;

/// Length of the nonce in front of the sealed bytes.
pub const NONCE_LENGTH: usize = 12;

/// Seals `plain` for `field`: nonce, ciphertext, tag. The nonce must never repeat under one key; pass chance.
pub fn seal(
    key: &[u8; 32],
    nonce: &[u8; NONCE_LENGTH],
    field: &str,
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let mut sealed = plain.to_vec();
    cipher(key)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(field.as_bytes()),
            &mut sealed,
        )
        .map_err(|_| VaultError)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// What [`seal`] sealed for this `field` under this `key`.
pub fn open(key: &[u8; 32], field: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(VaultError)?;
    let mut rest = rest.to_vec();
    let plain = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(field.as_bytes()), &mut rest)
        .map_err(|_| VaultError)?;
    Ok(plain.to_vec())
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| VaultError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_field_and_bytes_open() {
        let sealed = seal(&[1; 32], &[2; 12], "plate", b"7KD 201").unwrap();
        assert_eq!(open(&[1; 32], "plate", &sealed).unwrap(), b"7KD 201");
        let mut flipped = sealed.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for (key, field, bytes) in [
            (&[3; 32], "plate", &sealed[..]),
            (&[1; 32], "vin", &sealed[..]),
            (&[1; 32], "plate", &flipped[..]),
            (&[1; 32], "plate", &sealed[..11]),
            (&[1; 32], "plate", &[][..]),
        ] {
            assert_eq!(open(key, field, bytes), Err(VaultError));
        }
    }
}
