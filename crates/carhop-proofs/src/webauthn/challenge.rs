//! Challenges that need no storage: each says until when it is good and carries a tag that only the authority can make, over
//! what it is for and who asked. Strangers who ask for many fill nothing.
//!
//! That a challenge works once is for the journal to hold, which spends it together with what it led to.

use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::time::Timestamp;

use crate::suite::{Suite, same_secret};

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// A credential is to be made, by whoever holds this invitation.
    Registration {
        /// The invitation's text.
        invitation: &'a str,
    },
    /// A credential is to sign in.
    SignIn,
}

/// Why a challenge is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// Not made here, or for something or somebody else.
    #[error("the challenge was not given for this")]
    Foreign,
    /// Its time is over.
    #[error("the challenge has expired")]
    Expired,
}

/// A challenge that `holder`, a browser's own key, may have answered until `expires_at`.
pub fn make_challenge(
    suite: &dyn Suite,
    key: &[u8; 32],
    purpose: Purpose<'_>,
    holder: &KeyThumbprint,
    expires_at: Timestamp,
    random: [u8; 16],
) -> [u8; CHALLENGE_LENGTH] {
    let expiry = expires_at.unix_ms().to_be_bytes();
    let mut challenge = [0; CHALLENGE_LENGTH];
    challenge[..16].copy_from_slice(&random);
    challenge[16..24].copy_from_slice(&expiry);
    let tag = tag(suite, key, purpose, holder, &challenge[..24]);
    challenge[24..].copy_from_slice(&tag);
    challenge
}

/// Whether a challenge was given for this, to this holder, and is in time; and until when it is.
pub fn verify_challenge(
    suite: &dyn Suite,
    key: &[u8; 32],
    purpose: Purpose<'_>,
    holder: &KeyThumbprint,
    challenge: &[u8],
    now: Timestamp,
) -> Result<Timestamp, ChallengeError> {
    let challenge: &[u8; CHALLENGE_LENGTH] =
        challenge.try_into().map_err(|_| ChallengeError::Foreign)?;
    let (said, shown) = challenge.split_at(24);
    if !same_secret(&tag(suite, key, purpose, holder, said), shown) {
        return Err(ChallengeError::Foreign);
    }
    let mut expiry = [0; 8];
    expiry.copy_from_slice(&said[16..]);
    let expires_at = Timestamp::from_unix_ms(u64::from_be_bytes(expiry));
    if now < expires_at { Ok(expires_at) } else { Err(ChallengeError::Expired) }
}

fn tag(
    suite: &dyn Suite,
    key: &[u8; 32],
    purpose: Purpose<'_>,
    holder: &KeyThumbprint,
    said: &[u8],
) -> [u8; 32] {
    // What varies in length comes last.
    let (label, invitation) = match purpose {
        Purpose::Registration { invitation } => (REGISTRATION, invitation),
        Purpose::SignIn => (SIGN_IN, ""),
    };
    suite.hmac_sha256(key, &[label, said, &holder.0, invitation.as_bytes()])
}

/// Bytes of a challenge: chance, expiry and tag.
pub const CHALLENGE_LENGTH: usize = 16 + 8 + 32;

// Of one length, so that no label continues into what follows.
const REGISTRATION: &[u8] = b"carhop.passkey.make.v1";
const SIGN_IN: &[u8] = b"carhop.passkey.sign.v1";
