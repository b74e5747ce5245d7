//! Reads and judges a token. The certificate's path is the PKI's to judge.

use alloc::string::String;
use alloc::vec::Vec;

use carhop_kernel::digest::{FirmwareDigest, KeyThumbprint};
use carhop_kernel::time::Timestamp;

use super::{
    AAD, CLIENT, COMPONENTS, COMPONENTS_MAX, Component, IMPLEMENTATION, INSTANCE,
    INSTANCE_FIRST_BYTE, LIFECYCLE, LIFECYCLE_SECURED, NONCE, PROFILE, PSA_PROFILE,
    TEXT_LENGTH_MAX,
};
use crate::cbor::{CborError, Reader};
use crate::cose::{self, CoseError};
use crate::pki::{self, PkiError};
use crate::suite::{PublicKey, Suite, same_secret};

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Which instance: `01` and 32 bytes that its maker never gives twice (RFC 9783 §4.2.1).
    pub instance: [u8; 33],
    /// Which implementation of the root of trust (RFC 9783 §4.2.2).
    pub implementation: [u8; 32],
    /// The security lifecycle, within the secured range (RFC 9783 §4.3.1).
    pub lifecycle: u16,
    /// What runs on it, in boot order.
    pub components: Vec<Component>,
    /// The attestation key, to be compared with the enrolled one.
    pub key: PublicKey,
    /// The configured root that certified the key; the audit names it.
    pub root: KeyThumbprint,
}

/// Why a token attests nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EatError {
    /// Envelope or signature are wrong.
    #[error("the token is not signed by its certified key")]
    Cose(#[from] CoseError),
    /// The certificate in the token proves no attestation key.
    #[error("the certificate in the token proves no attestation key")]
    Certificate(#[source] PkiError),
    /// The claims are not those of the profile in their exact form, or exceed the bounds.
    #[error("the claims are not those of the profile in their exact form")]
    Malformed(#[from] CborError),
    /// The token is of another profile.
    #[error("the token is of another profile")]
    Profile,
    /// It answers another challenge or vouches for another certificate.
    #[error("the token answers another challenge")]
    Nonce,
    /// The device is not in the secured lifecycle: it is in development, debugged or withdrawn.
    #[error("the device is not in the secured lifecycle")]
    NotSecured,
}

/// What a token attests when one of `roots` certified its key for attestation at `now` and it
/// carries `expected_nonce` (M-DEV-2). Each fault has its own error.
pub fn verify(
    suite: &dyn Suite,
    bytes: &[u8],
    roots: &[&[u8]],
    expected_nonce: &[u8; 32],
    now: Timestamp,
) -> Result<Attestation, EatError> {
    let mut certified = Err(PkiError::Malformed);
    let opened = cose::open1_x5chain(suite, bytes, AAD, |certificate| {
        certified = pki::verify_attestation_key(certificate, roots, now);
        certified.ok().map(|(key, _)| key)
    });
    let (key, root) = match (&opened, certified) {
        (Err(CoseError::UnknownKey), Err(error)) => return Err(EatError::Certificate(error)),
        (Err(error), _) => return Err(EatError::Cose(*error)),
        (Ok(_), certified) => certified.map_err(EatError::Certificate)?,
    };
    let claims = Claims::read(opened?.payload)?;
    if !same_secret(&claims.nonce, expected_nonce) {
        return Err(EatError::Nonce);
    }
    if !SECURED.contains(&claims.lifecycle) {
        return Err(EatError::NotSecured);
    }
    let Claims { instance, implementation, lifecycle, components, .. } = claims;
    Ok(Attestation { instance, implementation, lifecycle, components, key, root })
}

/// The claims of the profile that are used here, all of them mandatory.
struct Claims {
    nonce: [u8; 32],
    instance: [u8; 33],
    lifecycle: u16,
    implementation: [u8; 32],
    components: Vec<Component>,
}

impl Claims {
    fn read(payload: &[u8]) -> Result<Self, EatError> {
        let mut reader = Reader::new(payload, CLAIMS_LENGTH_MAX)?;
        reader.map_of(7)?;
        reader.key(NONCE)?;
        let nonce = reader.fixed()?;
        reader.key(INSTANCE)?;
        let instance: [u8; 33] = reader.fixed()?;
        reader.key(PROFILE)?;
        if reader.text()? != PSA_PROFILE {
            return Err(EatError::Profile);
        }
        reader.key(CLIENT)?;
        // Any caller of the root of trust may ask for a token.
        i32::try_from(reader.int()?).map_err(|_| CborError::Unexpected)?;
        reader.key(LIFECYCLE)?;
        let lifecycle = reader.narrow()?;
        reader.key(IMPLEMENTATION)?;
        let implementation = reader.fixed()?;
        reader.key(COMPONENTS)?;
        let count = reader.array()?;
        if instance[0] != INSTANCE_FIRST_BYTE || count == 0 || count > COMPONENTS_MAX {
            return Err(CborError::Unexpected.into());
        }
        let components = (0..count).map(|_| Component::read(&mut reader));
        let components = components.collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { nonce, instance, lifecycle, implementation, components })
    }
}

impl Component {
    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.map_of(4)?;
        reader.key(1)?;
        let kind = short_text(reader)?;
        reader.key(2)?;
        let measurement = FirmwareDigest(reader.fixed()?);
        reader.key(4)?;
        let version = short_text(reader)?;
        reader.key(5)?;
        let signer = reader.fixed()?;
        Ok(Self { kind, measurement, version, signer })
    }
}

fn short_text(reader: &mut Reader<'_>) -> Result<String, CborError> {
    let text = reader.text()?;
    if text.len() > TEXT_LENGTH_MAX { Err(CborError::TooLong) } else { Ok(text.into()) }
}

/// The secured lifecycle; its last byte is the implementation's own (RFC 9783 §4.3.1).
const SECURED: core::ops::RangeInclusive<u16> = LIFECYCLE_SECURED..=0x30ff;
const CLAIMS_LENGTH_MAX: usize = 8 * 1024;

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests;
