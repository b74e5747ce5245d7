//! The authenticator's words (WebAuthn Level 3 §6.1): a fixed head, then the credential that was made, then extensions.
//!
//! Extensions were not asked for; some authenticators speak of theirs all the same. They are read over, never believed.

use crate::cbor::split_first;
use crate::suite::Suite;

use super::{CREDENTIAL_LENGTH_MAX, RelyingParty, SHOWN_LENGTH_MAX, WebauthnError};

/// The words, taken apart.
pub(super) struct AuthenticatorData<'a> {
    relying_party: [u8; 32],
    flags: u8,
    pub(super) counter: u32,
    pub(super) can_be_copied: bool,
    /// The credential, where one was made.
    pub(super) made: Option<Made<'a>>,
}

/// A credential that was made.
pub(super) struct Made<'a> {
    pub(super) credential: &'a [u8],
    /// Its key as a COSE_Key.
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        if bytes.len() > SHOWN_LENGTH_MAX {
            return Err(WebauthnError::AuthenticatorData);
        }
        let (relying_party, rest) = head::<32>(bytes)?;
        let ([flags], rest) = head::<1>(rest)?;
        let (counter, mut rest) = head::<4>(rest)?;
        let mut made = None;
        if flags & CREDENTIAL_MADE != 0 {
            let (_model, after) = head::<16>(rest)?;
            let (length, after) = head::<2>(after)?;
            let length = usize::from(u16::from_be_bytes(length));
            let named = (1..=CREDENTIAL_LENGTH_MAX).contains(&length);
            let split = after.split_at_checked(length).filter(|_| named);
            let (credential, after) = split.ok_or(WebauthnError::AuthenticatorData)?;
            let (key, after) = item(after)?;
            made = Some(Made { credential, key });
            rest = after;
        }
        if flags & EXTENSIONS != 0 {
            (_, rest) = item(rest)?;
        }
        let can_be_copied = flags & CAN_BE_COPIED != 0;
        let contradicts = flags & IS_COPIED != 0 && !can_be_copied;
        if !rest.is_empty() || contradicts {
            return Err(WebauthnError::AuthenticatorData);
        }
        let counter = u32::from_be_bytes(counter);
        Ok(Self { relying_party, flags, counter, can_be_copied, made })
    }

    /// Whether they are for this relying party, and its user was there and was verified.
    pub(super) fn check(
        &self,
        suite: &dyn Suite,
        relying_party: &RelyingParty,
    ) -> Result<(), WebauthnError> {
        if self.relying_party != suite.sha256(&[relying_party.id.as_bytes()]) {
            return Err(WebauthnError::RelyingParty);
        }
        if self.flags & (USER_PRESENT | USER_VERIFIED) != USER_PRESENT | USER_VERIFIED {
            return Err(WebauthnError::UserVerification);
        }
        Ok(())
    }
}

fn head<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), WebauthnError> {
    let (head, rest) = bytes.split_first_chunk().ok_or(WebauthnError::AuthenticatorData)?;
    Ok((*head, rest))
}

/// One CBOR item, and what follows it.
fn item(bytes: &[u8]) -> Result<(&[u8], &[u8]), WebauthnError> {
    split_first(bytes).map_err(|_| WebauthnError::AuthenticatorData)
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const CAN_BE_COPIED: u8 = 1 << 3;
const IS_COPIED: u8 = 1 << 4;
const CREDENTIAL_MADE: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;
