//! Passkeys: what a browser shows when a credential is made and when it signs in (WebAuthn Level 3 §7.1, §7.2; M-IDN-1,
//! `design.md` §5).
//!
//! A credential is taken as it comes (attestation *none*): nobody vouches for the authenticator, and nothing here says whose
//! it is. Which credential, whose, with which counter so far, and whether a challenge was spent before: that is the
//! caller's to look up. Why it is written here and not taken from a library: decision 0013.

mod authenticator;
mod challenge;
mod client;

use alloc::string::String;
use alloc::vec::Vec;

use crate::cbor::{Reader, Writer};
use crate::suite::{PublicKey, Suite, verify_ecdsa_der, verify_rsa_pkcs1};

use authenticator::AuthenticatorData;
use client::{Ceremony, check};

pub use challenge::{CHALLENGE_LENGTH, ChallengeError, Purpose, make_challenge, verify_challenge};
pub use client::challenge_of;

/// Whom credentials are for, and where they may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// A domain; credentials are bound to it.
    pub id: String,
    /// The origins whose pages may use them, such as `https://carhop.example`.
    pub origins: Vec<String>,
}

/// What a browser says when a credential was made, or has signed in.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The authenticator's words.
    pub authenticator_data: &'a [u8],
    /// The browser's words: JSON.
    pub client_data: &'a [u8],
}

/// A credential that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name, chosen by the authenticator: up to [`CREDENTIAL_LENGTH_MAX`] bytes.
    pub credential: Vec<u8>,
    /// The key that verifies what it signs.
    pub key: CredentialKey,
    /// How often it has signed, or zero where it does not count.
    pub counter: u32,
    /// Whether it may be copied to its owner's other devices. That never changes.
    pub can_be_copied: bool,
}

/// What a sign-in has shown besides that the credential's owner was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// How often the credential has signed, or zero where it does not count.
    pub counter: u32,
}

/// The public key of a credential. The algorithms are those that staff's phones, computers and sticks have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialKey {
    /// ES256 or Ed25519.
    Usual(PublicKey),
    /// RS256, which is what older computers have.
    Rsa {
        /// The modulus, big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// The exponent, likewise.
        exponent: Vec<u8>,
    },
}

/// Why something shown proves nothing, in the order in which the faults are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebauthnError {
    /// The browser's words are no JSON object of the right kind, or too long.
    #[error("the client data is malformed")]
    ClientData,
    /// They are about another ceremony.
    #[error("the client data is for another ceremony")]
    Ceremony,
    /// They answer another challenge.
    #[error("the client data answers another challenge")]
    Challenge,
    /// They come from another origin, or from a page inside of another one.
    #[error("the client data comes from elsewhere")]
    Origin,
    /// The authenticator's words are not in their exact form.
    #[error("the authenticator data is malformed")]
    AuthenticatorData,
    /// They are for another relying party.
    #[error("the authenticator data is for another relying party")]
    RelyingParty,
    /// Nobody was there, or who was there was not verified.
    #[error("the user was not verified")]
    UserVerification,
    /// The credential can be copied and could not be when it was made, or the reverse.
    #[error("the credential is not of the kind that was registered")]
    Backup,
    /// A key of an algorithm that was not asked for, or none at all.
    #[error("the credential's key is unusable")]
    Key,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

/// Takes a credential that was made in answer to a challenge (§7.1).
pub fn verify_registration(
    suite: &dyn Suite,
    shown: Shown<'_>,
    relying_party: &RelyingParty,
    challenge: &[u8],
) -> Result<Registered, WebauthnError> {
    check(shown.client_data, Ceremony::Create, relying_party, challenge)?;
    let data = AuthenticatorData::parse(shown.authenticator_data)?;
    data.check(suite, relying_party)?;
    let made = data.made.ok_or(WebauthnError::AuthenticatorData)?;
    Ok(Registered {
        credential: made.credential.to_vec(),
        key: CredentialKey::parse(suite, made.key)?,
        counter: data.counter,
        can_be_copied: data.can_be_copied,
    })
}

/// Takes a sign-in in answer to a challenge, by a credential with this key (§7.2).
pub fn verify_assertion(
    suite: &dyn Suite,
    shown: Shown<'_>,
    signature: &[u8],
    credential: (&CredentialKey, bool),
    relying_party: &RelyingParty,
    challenge: &[u8],
) -> Result<Asserted, WebauthnError> {
    let (key, can_be_copied) = credential;
    check(shown.client_data, Ceremony::Get, relying_party, challenge)?;
    let data = AuthenticatorData::parse(shown.authenticator_data)?;
    data.check(suite, relying_party)?;
    if data.made.is_some() {
        return Err(WebauthnError::AuthenticatorData);
    }
    if data.can_be_copied != can_be_copied {
        return Err(WebauthnError::Backup);
    }
    let mut signed = shown.authenticator_data.to_vec();
    signed.extend_from_slice(&suite.sha256(&[shown.client_data]));
    if key.verifies(suite, &signed, signature) {
        Ok(Asserted { counter: data.counter })
    } else {
        Err(WebauthnError::Signature)
    }
}

impl CredentialKey {
    /// The key in a COSE_Key (RFC 9052 §7, RFC 8812 §2) with the algorithm in it, and nothing else in it.
    pub fn parse(suite: &dyn Suite, cose: &[u8]) -> Result<Self, WebauthnError> {
        let mut reader = Reader::new(cose, KEY_LENGTH_MAX).map_err(|_| WebauthnError::Key)?;
        let key = read_key(suite, &mut reader)?;
        reader.finish().map_err(|_| WebauthnError::Key)?;
        Ok(key)
    }

    /// The COSE_Key again.
    pub fn to_cose(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Usual(PublicKey::P256(point)) => {
                writer.map(5).int(KEY_TYPE).int(EC2).int(ALGORITHM).int(ES256);
                writer.int(CURVE).int(P256).int(X).bytes(point.x()).int(Y).bytes(point.y());
            }
            Self::Usual(PublicKey::Ed25519(point)) => {
                writer.map(4).int(KEY_TYPE).int(OKP).int(ALGORITHM).int(EDDSA);
                writer.int(CURVE).int(ED25519).int(X).bytes(point.as_bytes());
            }
            Self::Rsa { modulus, exponent } => {
                writer.map(4).int(KEY_TYPE).int(RSA).int(ALGORITHM).int(RS256);
                writer.int(MODULUS).bytes(modulus).int(EXPONENT).bytes(exponent);
            }
        }
        writer.finish()
    }

    fn verifies(&self, suite: &dyn Suite, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Usual(key @ PublicKey::Ed25519(_)) => suite.verify(key, signed, signature),
            Self::Usual(PublicKey::P256(point)) => verify_ecdsa_der(point, signed, signature),
            Self::Rsa { modulus, exponent } => {
                verify_rsa_pkcs1(modulus, exponent, signed, signature)
            }
        }
    }
}

fn read_key(suite: &dyn Suite, reader: &mut Reader<'_>) -> Result<CredentialKey, WebauthnError> {
    let bad = |_| WebauthnError::Key;
    let members = reader.map().map_err(bad)?;
    reader.key(KEY_TYPE).map_err(bad)?;
    let kind = reader.int().map_err(bad)?;
    reader.key(ALGORITHM).map_err(bad)?;
    match (kind, reader.int().map_err(bad)?, members) {
        (EC2, ES256, 5) => {
            curve(reader, P256)?;
            reader.key(X).map_err(bad)?;
            let x: [u8; 32] = reader.fixed().map_err(bad)?;
            reader.key(Y).map_err(bad)?;
            let y: [u8; 32] = reader.fixed().map_err(bad)?;
            let point = PublicKey::p256_coordinates(&x, &y);
            let key = suite.p256_public_key(point.as_bytes()).map_err(|_| WebauthnError::Key)?;
            Ok(CredentialKey::Usual(key))
        }
        (OKP, EDDSA, 4) => {
            curve(reader, ED25519)?;
            reader.key(X).map_err(bad)?;
            let key = PublicKey::ed25519(reader.fixed().map_err(bad)?);
            Ok(CredentialKey::Usual(key.map_err(|_| WebauthnError::Key)?))
        }
        (RSA, RS256, 4) => {
            reader.key(MODULUS).map_err(bad)?;
            let modulus = reader.bytes().map_err(bad)?.to_vec();
            reader.key(EXPONENT).map_err(bad)?;
            let exponent = reader.bytes().map_err(bad)?.to_vec();
            let bits = RSA_MODULUS_LENGTH.contains(&modulus.len()) && modulus[0] != 0;
            let usual = exponent == USUAL_EXPONENT;
            if bits && usual {
                Ok(CredentialKey::Rsa { modulus, exponent })
            } else {
                Err(WebauthnError::Key)
            }
        }
        _ => Err(WebauthnError::Key),
    }
}

fn curve(reader: &mut Reader<'_>, wanted: i64) -> Result<(), WebauthnError> {
    let found = reader.key(CURVE).and_then(|()| reader.int());
    if found == Ok(wanted) { Ok(()) } else { Err(WebauthnError::Key) }
}

/// The algorithms that credentials may have, the most wanted first (IANA COSE registry).
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// Longest name of a credential, in bytes (§4).
pub const CREDENTIAL_LENGTH_MAX: usize = 1023;

/// Longest words of a browser or an authenticator, in bytes.
pub const SHOWN_LENGTH_MAX: usize = 4096;

/// Longest signature, in bytes: RS256 with the largest modulus.
pub const SIGNATURE_LENGTH_MAX: usize = 512;

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const P256: i64 = 1;
const ED25519: i64 = 6;
const MODULUS: i64 = -1;
const EXPONENT: i64 = -2;
const USUAL_EXPONENT: [u8; 3] = [1, 0, 1];
/// 2048 to 4096 bits.
const RSA_MODULUS_LENGTH: core::ops::RangeInclusive<usize> = 256..=512;
/// Longest COSE_Key: the largest modulus and what goes around it.
const KEY_LENGTH_MAX: usize = 600;

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests;
