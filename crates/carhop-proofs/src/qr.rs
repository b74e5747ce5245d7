//! The code that the customer's app shows and the driver's device scans (M-QRC-1, standards §1).
//!
//! `CH1:` is one signed CWT, good for 45 seconds; [`rotating`] wraps one for phones without a
//! connection. It names a handoff by random handles and holds no name, place or basket. A valid code
//! is never permission: whether its proof id is still unredeemed, and what follows, is for the
//! authority to say. Whether the issuer is the expected one is for the holder of the key look-up.

pub mod rotating;

use alloc::string::String;
use alloc::vec::Vec;

use carhop_kernel::id::ProofId;
use carhop_kernel::time::Timestamp;

use crate::cbor::{CborError, Reader, Writer};
use crate::cose::{self, CoseError, KeyId};
use crate::suite::{PublicKey, SigningKey, Suite};

/// Why a scanned text is not a valid code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// Longer than any code.
    #[error("the code is too long")]
    TooLong,
    /// Not a code of this kind.
    #[error("the code does not start with the expected prefix")]
    Prefix,
    /// Not base45 in its one exact form.
    #[error("the code is not base45")]
    Encoding,
    /// Not signed as a handoff code by a known key.
    #[error("the code is not a valid signed message")]
    Message(#[from] CoseError),
    /// The signed claims are not exactly those of a handoff, or the envelope around them is wrong.
    #[error("the code does not hold the expected claims")]
    Claims(#[from] CborError),
    /// An issuer name that is empty or longer than [`ISSUER_LENGTH_MAX`].
    #[error("the issuer name has the wrong length")]
    Issuer,
    /// A life other than the one that codes of this kind have.
    #[error("the code was issued for a wrong length of time")]
    Lifetime,
    /// Issued in the future by more than the allowed skew.
    #[error("the code is not valid yet")]
    NotYetValid,
    /// Over, allowed skew included.
    #[error("the code has expired")]
    Expired,
}

/// What a code says. Times are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// Who issued it (`iss`), at most [`ISSUER_LENGTH_MAX`] bytes.
    pub issuer: String,
    /// First instant at which it is over (`exp`), skew aside.
    pub expires_at: Timestamp,
    /// When it was issued (`iat`).
    pub issued_at: Timestamp,
    /// Its own id, redeemed once (`cti`).
    pub proof: ProofId,
    /// The random handle of the handoff (`ord`), not the order number.
    pub order: [u8; 16],
}

impl Handoff {
    /// A handoff code issued now, for the life of a `CH1:` code.
    pub fn issue(issuer: String, now: Timestamp, proof: ProofId, order: [u8; 16]) -> Self {
        let issued_at = Timestamp::from_unix_s(now.unix_s());
        Self { issuer, expires_at: issued_at.plus_ms(LIFE_MS), issued_at, proof, order }
    }

    fn encode(&self) -> Result<Vec<u8>, QrError> {
        if self.issuer.is_empty() || self.issuer.len() > ISSUER_LENGTH_MAX {
            return Err(QrError::Issuer);
        }
        let mut claims = Writer::new();
        claims.map(5).int(CLAIM_ISSUER).text(&self.issuer);
        claims.int(CLAIM_EXPIRES).uint(self.expires_at.unix_s());
        claims.int(CLAIM_ISSUED).uint(self.issued_at.unix_s());
        claims.int(CLAIM_ID).bytes(self.proof.as_bytes());
        claims.int(CLAIM_ORDER).bytes(&self.order);
        Ok(claims.finish())
    }

    fn decode(claims: &[u8]) -> Result<Self, QrError> {
        let mut claims = Reader::new(claims, MESSAGE_LENGTH_MAX)?;
        claims.map_of(5)?;
        claims.key(CLAIM_ISSUER)?;
        let issuer = claims.text()?;
        if issuer.is_empty() || issuer.len() > ISSUER_LENGTH_MAX {
            return Err(QrError::Issuer);
        }
        claims.key(CLAIM_EXPIRES)?;
        let expires_s = claims.uint()?;
        claims.key(CLAIM_ISSUED)?;
        let issued_s = claims.uint()?;
        claims.key(CLAIM_ID)?;
        let proof = ProofId::from_bytes(claims.fixed()?);
        claims.key(CLAIM_ORDER)?;
        let order = claims.fixed()?;
        claims.finish()?;
        if expires_s > UNIX_S_MAX {
            return Err(QrError::Lifetime);
        }
        let [expires_at, issued_at] = [expires_s, issued_s].map(Timestamp::from_unix_s);
        Ok(Self { issuer: issuer.into(), expires_at, issued_at, proof, order })
    }

    fn check_time(&self, now: Timestamp) -> Result<(), QrError> {
        if now < self.issued_at.minus_ms(SKEW_MS) {
            return Err(QrError::NotYetValid);
        }
        if now >= self.expires_at.plus_ms(SKEW_MS) {
            return Err(QrError::Expired);
        }
        Ok(())
    }
}

/// Signs `handoff` and writes it as the text of a `CH1:` code.
pub fn make(
    suite: &dyn Suite,
    key: &SigningKey,
    kid: KeyId,
    handoff: &Handoff,
) -> Result<String, QrError> {
    Ok(to_text(PREFIX, &sign(suite, key, kid, handoff)?))
}

/// Reads and verifies the text of a `CH1:` code: form, signature under the key that `lookup` knows,
/// claims, exact life, and time within ±5 seconds. Returns what it says and which key signed it.
pub fn verify(
    suite: &dyn Suite,
    text: &str,
    now: Timestamp,
    lookup: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<(KeyId, Handoff), QrError> {
    let (kid, handoff) = open(suite, &from_text(PREFIX, text)?, lookup)?;
    if handoff.issued_at.plus_ms(LIFE_MS) != handoff.expires_at {
        return Err(QrError::Lifetime);
    }
    handoff.check_time(now)?;
    Ok((kid, handoff))
}

fn sign(
    suite: &dyn Suite,
    key: &SigningKey,
    kid: KeyId,
    handoff: &Handoff,
) -> Result<Vec<u8>, QrError> {
    Ok(cose::sign1(suite, key, kid, EXTERNAL_AAD, &handoff.encode()?)?)
}

fn open(
    suite: &dyn Suite,
    message: &[u8],
    lookup: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<(KeyId, Handoff), QrError> {
    let opened = cose::open1(suite, message, EXTERNAL_AAD, lookup)?;
    Ok((opened.kid, Handoff::decode(opened.payload)?))
}

fn to_text(prefix: &str, bytes: &[u8]) -> String {
    let mut text = String::from(prefix);
    text.push_str(&base45::encode(bytes));
    text
}

fn from_text(prefix: &str, text: &str) -> Result<Vec<u8>, QrError> {
    if text.len() > TEXT_LENGTH_MAX {
        return Err(QrError::TooLong);
    }
    let body = text.strip_prefix(prefix).ok_or(QrError::Prefix)?;
    let bytes = base45::decode(body).map_err(|_| QrError::Encoding)?;
    // The library folds a final pair above 255; the exact form has none (RFC 9285 §4.2).
    if base45::encode(&bytes) == body { Ok(bytes) } else { Err(QrError::Encoding) }
}

/// How long a code is good for: three showings of 15 seconds.
pub const LIFE_MS: u64 = 45 * 1000;
/// How far the clocks of issuer and verifier may differ.
pub const SKEW_MS: u64 = 5 * 1000;
/// Longest issuer name, in bytes.
pub const ISSUER_LENGTH_MAX: usize = 24;

const PREFIX: &str = "CH1:";
const EXTERNAL_AAD: &str = "carhop.handoff.qr.v1";
/// Longest text of any code, in bytes.
const TEXT_LENGTH_MAX: usize = 300;
/// Longest signed message or claims of any code, in bytes.
const MESSAGE_LENGTH_MAX: usize = 200;
/// The year 5138; beyond it the arithmetic of milliseconds would begin to saturate.
const UNIX_S_MAX: u64 = 100_000_000_000;
const CLAIM_ISSUER: i64 = 1;
const CLAIM_EXPIRES: i64 = 4;
const CLAIM_ISSUED: i64 = 6;
const CLAIM_ID: i64 = 7;
/// In the range of RFC 8392 §9.1 for private use.
const CLAIM_ORDER: i64 = -65_537;

#[cfg(test)]
#[cfg(all(feature = "std", feature = "rustcrypto"))]
mod tests;
