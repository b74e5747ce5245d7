//! Single-signer COSE messages (RFC 9052 §4.2) in the one narrow form that Carhop uses, and the key
//! ids that name their signers (RFC 9679).
//!
//! A message is tagged 18, deterministic, with an empty unprotected header; its protected header
//! holds the algorithm (RFC 9864: −19 Ed25519, −9 ESP256) and either a key id of eight bytes or one
//! certificate, and nothing else. The external data says what kind of message it is, so that a
//! receipt can never be replayed as a grant. What names its key by id has one signature only: of the two values of `s` that
//! verify under P-256, the lower; otherwise whoever carries a message could make another of it. Whether a key is trusted or revoked is the caller's
//! look-up to say; what the payload means is the caller's too.

use alloc::vec::Vec;

use crate::cbor::{CborError, Reader, Writer};
use crate::suite::{Algorithm, KeyError, PublicKey, SigningKey, Suite, has_low_s, with_low_s};

/// Names a signing key: the first eight bytes of its COSE key thumbprint.
pub type KeyId = [u8; 8];

/// Why a message could not be made or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// The bytes are not a deterministic, tagged COSE_Sign1.
    #[error("the message is not a COSE_Sign1 in its exact form")]
    Malformed(#[from] CborError),
    /// The unprotected header carries something.
    #[error("the message has an unprotected header")]
    Unprotected,
    /// The protected header is not exactly algorithm and key reference; `crit` falls here as well.
    #[error("the protected header holds something else than algorithm and key")]
    Header,
    /// An algorithm that is neither Ed25519 nor ESP256.
    #[error("the message is signed with an unknown algorithm")]
    Algorithm,
    /// The look-up does not know the key, or no longer.
    #[error("the signing key is unknown")]
    UnknownKey,
    /// The header names another algorithm than the one the key is registered for.
    #[error("the algorithm is not the one the key is registered for")]
    AlgorithmMismatch,
    /// The signature does not verify over header, external data and payload.
    #[error("the signature does not verify")]
    Signature,
    /// The message could not be signed.
    #[error("the message could not be signed")]
    Key(#[from] KeyError),
}

/// A verified message that named its key by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The key it verified under.
    pub kid: KeyId,
    /// The signed payload.
    pub payload: &'a [u8],
}

/// A verified message that carried its signer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedWithCertificate<'a> {
    /// The certificate in DER, as resolved by the caller.
    pub certificate: &'a [u8],
    /// The signed payload.
    pub payload: &'a [u8],
}

/// Signs `payload` as a message of the kind `aad`, naming the key by `kid`.
pub fn sign1(
    suite: &dyn Suite,
    key: &SigningKey,
    kid: KeyId,
    aad: &str,
    payload: &[u8],
) -> Result<Vec<u8>, CoseError> {
    let mut header = Writer::new();
    header.map(2).int(HEADER_ALGORITHM).int(algorithm_code(key.algorithm()));
    header.int(HEADER_KEY_ID).bytes(&kid);
    seal(suite, key, &header.finish(), aad, payload)
}

/// Signs `payload` as a message of the kind `aad`, carrying the signer's certificate (RFC 9360
/// `x5chain` with a single certificate, protected).
pub fn sign1_x5chain(
    suite: &dyn Suite,
    key: &SigningKey,
    certificate_der: &[u8],
    aad: &str,
    payload: &[u8],
) -> Result<Vec<u8>, CoseError> {
    let mut header = Writer::new();
    header.map(2).int(HEADER_ALGORITHM).int(algorithm_code(key.algorithm()));
    header.int(HEADER_X5CHAIN).bytes(certificate_der);
    seal(suite, key, &header.finish(), aad, payload)
}

/// Verifies a message of the kind `aad` under the key that `lookup` knows by its id.
pub fn open1<'a>(
    suite: &dyn Suite,
    bytes: &'a [u8],
    aad: &str,
    lookup: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<Opened<'a>, CoseError> {
    let message = Message::parse(bytes)?;
    let (algorithm, mut header) = message.header()?;
    let kid = header.key(HEADER_KEY_ID).and_then(|()| header.fixed());
    let kid = kid.map_err(|_| CoseError::Header)?;
    if algorithm == Algorithm::Es256 && !has_low_s(message.signature) {
        return Err(CoseError::Signature);
    }
    message.verify(suite, algorithm, aad, lookup(&kid))?;
    Ok(Opened { kid, payload: message.payload })
}

/// Verifies a message of the kind `aad` under the key that `resolve` finds in its certificate,
/// having decided whether the certificate is to be trusted.
pub fn open1_x5chain<'a>(
    suite: &dyn Suite,
    bytes: &'a [u8],
    aad: &str,
    resolve: impl FnOnce(&'a [u8]) -> Option<PublicKey>,
) -> Result<OpenedWithCertificate<'a>, CoseError> {
    let message = Message::parse(bytes)?;
    let (algorithm, mut header) = message.header()?;
    let certificate = header.key(HEADER_X5CHAIN).and_then(|()| header.bytes());
    let certificate = certificate.map_err(|_| CoseError::Header)?;
    message.verify(suite, algorithm, aad, resolve(certificate))?;
    Ok(OpenedWithCertificate { certificate, payload: message.payload })
}

/// Signs `payload` without an envelope: the signature of a `Sig_structure` whose protected header
/// holds the algorithm alone. Both sides know key and payload already.
pub fn sign_detached(
    suite: &dyn Suite,
    key: &SigningKey,
    aad: &str,
    payload: &[u8],
) -> Result<[u8; 64], KeyError> {
    suite.sign(key, &to_be_signed(&bare_header(key.algorithm()), aad.as_bytes(), payload))
}

/// Whether `signature` is one of [`sign_detached`].
pub fn verify_detached(
    suite: &dyn Suite,
    key: &PublicKey,
    aad: &str,
    payload: &[u8],
    signature: &[u8],
) -> bool {
    let message = to_be_signed(&bare_header(key.algorithm()), aad.as_bytes(), payload);
    suite.verify(key, &message, signature)
}

/// The id that names `key` in headers.
pub fn key_id(suite: &dyn Suite, key: &PublicKey) -> KeyId {
    let mut id = KeyId::default();
    id.copy_from_slice(&thumbprint(suite, key)[..8]);
    id
}

/// The COSE key thumbprint: SHA-256 over the deterministic COSE_Key of the required members
/// (RFC 9679 §4).
pub fn thumbprint(suite: &dyn Suite, key: &PublicKey) -> [u8; 32] {
    suite.sha256(&[&cose_key(key)])
}

/// The COSE_Key with nothing but the required members (RFC 9053 §7).
pub fn cose_key(key: &PublicKey) -> Vec<u8> {
    let mut writer = Writer::new();
    match key {
        PublicKey::Ed25519(point) => {
            writer.map(3).int(KEY_TYPE).int(KEY_TYPE_OKP).int(KEY_CURVE).int(CURVE_ED25519);
            writer.int(KEY_X).bytes(point.as_bytes());
        }
        PublicKey::P256(point) => {
            writer.map(4).int(KEY_TYPE).int(KEY_TYPE_EC2).int(KEY_CURVE).int(CURVE_P256);
            writer.int(KEY_X).bytes(point.x()).int(KEY_Y).bytes(point.y());
        }
    }
    writer.finish()
}

/// The parts of a COSE_Sign1 before anything is believed.
struct Message<'a> {
    protected: &'a [u8],
    unprotected: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes, MESSAGE_LENGTH_MAX)?;
        reader.tag(TAG_SIGN1)?;
        reader.array_of(4)?;
        let protected = reader.bytes()?;
        let unprotected = reader.skip()?;
        let payload = reader.bytes()?;
        let signature = reader.bytes()?;
        reader.finish()?;
        Ok(Self { protected, unprotected, payload, signature })
    }

    /// The algorithm, and the reader standing before the one other entry of the header.
    fn header(&self) -> Result<(Algorithm, Reader<'a>), CoseError> {
        if self.unprotected != EMPTY_MAP {
            return Err(CoseError::Unprotected);
        }
        let mut header = Reader::new(self.protected, MESSAGE_LENGTH_MAX)?;
        let start = header.map_of(2).and_then(|()| header.key(HEADER_ALGORITHM));
        start.map_err(|_| CoseError::Header)?;
        match header.int() {
            Ok(CODE_ED25519) => Ok((Algorithm::Ed25519, header)),
            Ok(CODE_ESP256) => Ok((Algorithm::Es256, header)),
            Ok(_) | Err(_) => Err(CoseError::Algorithm),
        }
    }

    fn verify(
        &self,
        suite: &dyn Suite,
        algorithm: Algorithm,
        aad: &str,
        key: Option<PublicKey>,
    ) -> Result<(), CoseError> {
        let key = key.ok_or(CoseError::UnknownKey)?;
        if key.algorithm() != algorithm {
            return Err(CoseError::AlgorithmMismatch);
        }
        let message = to_be_signed(self.protected, aad.as_bytes(), self.payload);
        if suite.verify(&key, &message, self.signature) {
            Ok(())
        } else {
            Err(CoseError::Signature)
        }
    }
}

fn seal(
    suite: &dyn Suite,
    key: &SigningKey,
    protected: &[u8],
    aad: &str,
    payload: &[u8],
) -> Result<Vec<u8>, CoseError> {
    let signature = suite.sign(key, &to_be_signed(protected, aad.as_bytes(), payload))?;
    let signature = match key.algorithm() {
        Algorithm::Ed25519 => signature,
        Algorithm::Es256 => with_low_s(signature),
    };
    let mut writer = Writer::with_capacity(protected.len() + payload.len() + ENVELOPE_LENGTH_MAX);
    writer.tag(TAG_SIGN1).array(4).bytes(protected).map(0).bytes(payload).bytes(&signature);
    let bytes = writer.finish();
    if bytes.len() > MESSAGE_LENGTH_MAX {
        return Err(CborError::TooLong.into());
    }
    Ok(bytes)
}

/// The `Sig_structure` of RFC 9052 §4.4.
fn to_be_signed(protected: &[u8], aad: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = protected.len() + aad.len() + payload.len() + ENVELOPE_LENGTH_MAX;
    let mut writer = Writer::with_capacity(length);
    writer.array(4).text("Signature1").bytes(protected).bytes(aad).bytes(payload);
    writer.finish()
}

fn bare_header(algorithm: Algorithm) -> Vec<u8> {
    let mut header = Writer::new();
    header.map(1).int(HEADER_ALGORITHM).int(algorithm_code(algorithm));
    header.finish()
}

const fn algorithm_code(algorithm: Algorithm) -> i64 {
    match algorithm {
        Algorithm::Ed25519 => CODE_ED25519,
        Algorithm::Es256 => CODE_ESP256,
    }
}

/// Longest message of any kind, in bytes.
pub const MESSAGE_LENGTH_MAX: usize = 16 * 1024;

/// Room for heads, tag and signature.
const ENVELOPE_LENGTH_MAX: usize = 96;
const EMPTY_MAP: &[u8] = &[0xa0];
const TAG_SIGN1: u64 = 18;
const HEADER_ALGORITHM: i64 = 1;
const HEADER_KEY_ID: i64 = 4;
const HEADER_X5CHAIN: i64 = 33;
const CODE_ED25519: i64 = -19;
const CODE_ESP256: i64 = -9;
const KEY_TYPE: i64 = 1;
const KEY_TYPE_OKP: i64 = 1;
const KEY_TYPE_EC2: i64 = 2;
const KEY_CURVE: i64 = -1;
const CURVE_P256: i64 = 1;
const CURVE_ED25519: i64 = 6;
const KEY_X: i64 = -2;
const KEY_Y: i64 = -3;

#[cfg(test)]
#[cfg(all(feature = "std", feature = "rustcrypto"))]
mod tests;
