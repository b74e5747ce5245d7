//! The authority's signed answer to a device that asked for the time (design §9.7; standards §8).
//!
//! It keeps no clock: how old an answer has become is for the device's own monotonic clock to say.

use alloc::vec::Vec;

use carhop_kernel::time::Timestamp;

use crate::cbor::{CborError, Reader, Writer};
use crate::cose::{self, CoseError, KeyId};
use crate::suite::{Algorithm, KeyError, PublicKey, SigningKey, Suite};

/// The time, for the one device that drew the nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeReply {
    /// The nonce of the device's question: an answer to another question says nothing about now.
    pub nonce: [u8; 16],
    /// The authority's time when it answered.
    pub now: Timestamp,
    /// The present trust epoch; the device refuses commands of older ones from here on.
    pub trust_epoch: u64,
}

/// Why an answer could not be made or tells no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeReplyError {
    /// Envelope, signer or signature are wrong.
    #[error("the answer is not signed by a known issuer")]
    Cose(#[from] CoseError),
    /// The payload is not an answer in its exact form.
    #[error("the payload is not a time reply in its exact form")]
    Malformed(#[from] CborError),
    /// Answers are signed with Ed25519 alone.
    #[error("time replies are signed with Ed25519")]
    Algorithm,
    /// The signing key is unusable.
    #[error("the signing key is unusable")]
    Key(#[from] KeyError),
    /// It answers another question.
    #[error("the answer is to another question")]
    Nonce,
}

/// Signs an answer under the authority's key.
pub fn sign(
    suite: &dyn Suite,
    key: &SigningKey,
    reply: &TimeReply,
) -> Result<Vec<u8>, TimeReplyError> {
    let public = suite.public_key(key)?;
    if public.algorithm() != Algorithm::Ed25519 {
        return Err(TimeReplyError::Algorithm);
    }
    let mut writer = Writer::new();
    writer.map(3).int(1).bytes(&reply.nonce);
    writer.int(2).uint(reply.now.unix_ms()).int(3).uint(reply.trust_epoch);
    let kid = cose::key_id(suite, &public);
    Ok(cose::sign1(suite, key, kid, AAD, &writer.finish())?)
}

/// The answer of an issuer that `lookup` knows to the question with `nonce`.
pub fn open(
    suite: &dyn Suite,
    bytes: &[u8],
    nonce: &[u8; 16],
    lookup: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<TimeReply, TimeReplyError> {
    let ed25519 = |kid: &KeyId| lookup(kid).filter(|key| key.algorithm() == Algorithm::Ed25519);
    let opened = cose::open1(suite, bytes, AAD, ed25519)?;
    let reply = TimeReply::from_cbor(opened.payload)?;
    if reply.nonce == *nonce { Ok(reply) } else { Err(TimeReplyError::Nonce) }
}

impl TimeReply {
    fn from_cbor(payload: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(payload, PAYLOAD_LENGTH_MAX)?;
        reader.map_of(3)?;
        reader.key(1)?;
        let nonce = reader.fixed()?;
        reader.key(2)?;
        let now = Timestamp::from_unix_ms(reader.uint()?);
        reader.key(3)?;
        let trust_epoch = reader.uint()?;
        reader.finish()?;
        Ok(Self { nonce, now, trust_epoch })
    }
}

/// Says that a message is a time reply.
const AAD: &str = "carhop.time.v1";
const PAYLOAD_LENGTH_MAX: usize = 64;

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{NOW, ed25519, es256};
    use crate::suite::RustCrypto;

    const SUITE: &dyn Suite = &RustCrypto;
    const REPLY: TimeReply = TimeReply { nonce: [7; 16], now: NOW, trust_epoch: 3 };

    fn signed() -> Vec<u8> {
        sign(SUITE, &ed25519("authority"), &REPLY).unwrap()
    }

    fn opened(bytes: &[u8]) -> Result<TimeReply, TimeReplyError> {
        let public = SUITE.public_key(&ed25519("authority")).unwrap();
        open(SUITE, bytes, &REPLY.nonce, |_| Some(public))
    }

    #[test]
    fn an_answer_tells_the_time_only_to_the_question_it_answers() {
        assert_eq!(opened(&signed()), Ok(REPLY));
        let public = SUITE.public_key(&ed25519("authority")).unwrap();
        let other = open(SUITE, &signed(), &[8; 16], |_| Some(public));
        assert_eq!(other, Err(TimeReplyError::Nonce));
        let stranger = open(SUITE, &signed(), &REPLY.nonce, |_| None);
        assert_eq!(stranger, Err(TimeReplyError::Cose(CoseError::UnknownKey)));
        let forged = sign(SUITE, &ed25519("stranger"), &REPLY).unwrap();
        assert_eq!(opened(&forged), Err(TimeReplyError::Cose(CoseError::Signature)));
        let wrong = sign(SUITE, &es256("authority"), &REPLY);
        assert_eq!(wrong, Err(TimeReplyError::Algorithm));
    }

    #[test]
    fn a_message_of_another_kind_tells_no_time() {
        let key = ed25519("authority");
        let payload = [&[0xa3, 1, 0x50][..], &[7; 16], &[2, 0, 3, 3]].concat();
        for (aad, payload, expected) in [
            (AAD, &payload[..], Ok(TimeReply { now: Timestamp::from_unix_ms(0), ..REPLY })),
            ("carhop.command.v1", &payload, Err(TimeReplyError::Cose(CoseError::Signature))),
            (AAD, &payload[1..], Err(TimeReplyError::Malformed(CborError::Malformed))),
            (AAD, &[0xa0], Err(TimeReplyError::Malformed(CborError::Unexpected))),
        ] {
            let bytes = cose::sign1(SUITE, &key, [0; 8], aad, payload).unwrap();
            assert_eq!(opened(&bytes), expected, "{aad}");
        }
    }

    #[test]
    fn no_flipped_bit_survives() {
        for position in 0..signed().len() * 8 {
            let mut flipped = signed();
            flipped[position / 8] ^= 1 << (position % 8);
            // The key id only selects the key; here every id selects the right one.
            assert!(opened(&flipped).is_err(), "bit {position}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(opened(&bytes).is_err());
            let _ = TimeReply::from_cbor(&bytes);
        }
    }
}
