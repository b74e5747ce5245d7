//! The rotating code of a phone without a connection (M-QRC-2, standards §1): `CH2:` holds a code
//! signed in advance, the current step of 15 seconds, and a proof that the app knows a key which was
//! given to it alone.
//!
//! A screenshot or a forwarded picture dies with its step; a live relay does not, and the reverse
//! challenge is for that. The key being symmetric, only the authority can check a code.

use alloc::string::String;

use carhop_kernel::id::ProofId;
use carhop_kernel::time::Timestamp;

use super::{
    Handoff, MESSAGE_LENGTH_MAX, QrError, TEXT_LENGTH_MAX, from_text, open, sign, to_text,
};
use crate::cbor::{Reader, Writer};
use crate::cose::KeyId;
use crate::suite::{PublicKey, SigningKey, Suite, same_secret};

/// Why a rotating code that is otherwise valid is not the one of this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// The step is not the current one, the one before or the one after.
    #[error("the code is of another moment")]
    Step,
    /// The step was seen before, or a later one was: a second presentation.
    #[error("the code was presented before")]
    Replayed,
    /// The proof was not made with the key.
    #[error("the code was not made by the app it was given to")]
    Proof,
}

/// A rotating code whose signature and times hold and whose proof is still to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The key that signed the handoff.
    pub kid: KeyId,
    /// What the code says.
    pub handoff: Handoff,
    /// The step it claims to be of.
    pub step: u64,
    mac: [u8; 8],
}

impl Presented {
    /// Checks step and proof under the handoff's `key` and returns the step, to be remembered as
    /// `last_step`: the next one must be above it.
    pub fn check(
        &self,
        suite: &dyn Suite,
        key: &[u8; 32],
        last_step: Option<u64>,
        now: Timestamp,
    ) -> Result<u64, RotationError> {
        if step_at(now).abs_diff(self.step) > 1 {
            return Err(RotationError::Step);
        }
        if !same_secret(&mac(suite, key, self.handoff.proof, self.step), &self.mac) {
            return Err(RotationError::Proof);
        }
        if last_step.is_some_and(|last_step| self.step <= last_step) {
            return Err(RotationError::Replayed);
        }
        Ok(self.step)
    }
}

/// Signs a handoff that a phone may show for up to [`LIFE_MS_MAX`] without a connection. The result
/// is what [`show`] turns into a text every 15 seconds.
pub fn issue(
    suite: &dyn Suite,
    key: &SigningKey,
    kid: KeyId,
    handoff: &Handoff,
) -> Result<alloc::vec::Vec<u8>, QrError> {
    check_life(handoff)?;
    sign(suite, key, kid, handoff)
}

/// The text to show at `now`, from the signed message, its proof id and the key given with it.
pub fn show(
    suite: &dyn Suite,
    message: &[u8],
    proof: ProofId,
    key: &[u8; 32],
    now: Timestamp,
) -> String {
    let step = step_at(now);
    let mut envelope = Writer::with_capacity(TEXT_LENGTH_MAX);
    envelope.array(3).bytes(message).uint(step).bytes(&mac(suite, key, proof, step));
    to_text(PREFIX, &envelope.finish())
}

/// Reads the text of a `CH2:` code and verifies everything but the proof, which needs the key that
/// belongs to the handoff it names: see [`Presented::check`].
pub fn read(
    suite: &dyn Suite,
    text: &str,
    now: Timestamp,
    lookup: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<Presented, QrError> {
    let bytes = from_text(PREFIX, text)?;
    let mut envelope = Reader::new(&bytes, MESSAGE_LENGTH_MAX)?;
    envelope.array_of(3)?;
    let message = envelope.bytes()?;
    let step = envelope.uint()?;
    let mac = envelope.fixed()?;
    envelope.finish()?;
    let (kid, handoff) = open(suite, message, lookup)?;
    check_life(&handoff)?;
    handoff.check_time(now)?;
    Ok(Presented { kid, handoff, step, mac })
}

fn check_life(handoff: &Handoff) -> Result<(), QrError> {
    let life_ms = handoff.expires_at.since_ms(handoff.issued_at);
    if (1..=LIFE_MS_MAX).contains(&life_ms) { Ok(()) } else { Err(QrError::Lifetime) }
}

fn mac(suite: &dyn Suite, key: &[u8; 32], proof: ProofId, step: u64) -> [u8; 8] {
    let full = suite.hmac_sha256(key, &[LABEL, proof.as_bytes(), &step.to_be_bytes()]);
    let mut mac = [0; 8];
    mac.copy_from_slice(&full[..8]);
    mac
}

const fn step_at(now: Timestamp) -> u64 {
    now.unix_s() / STEP_S
}

/// Longest life of a code that is signed in advance.
pub const LIFE_MS_MAX: u64 = 15 * 60 * 1000;

const PREFIX: &str = "CH2:";
const LABEL: &[u8] = b"carhop.rot.v1";
const STEP_S: u64 = 15;
