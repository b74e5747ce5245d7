//! Signed commands to devices: the only thing a lock or a pump obeys (M-ACT-1; standards §3).
//!
//! Nothing is remembered here. Whether a command's id is already known, which the device asks
//! before it looks at the counter, and that it persists before it acts, is the agent's duty.

use alloc::vec::Vec;

use carhop_kernel::digest::OrderDigest;
use carhop_kernel::id::{CommandId, DeviceId, ReleaseId, SessionId};
use carhop_kernel::time::Timestamp;

use crate::cbor::{CborError, Reader, Writer};
use crate::cose::{self, CoseError, KeyId};
use crate::suite::{Algorithm, KeyError, PublicKey, SigningKey, Suite};

/// One command to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Which command; a device answers a known one with its stored receipt.
    pub id: CommandId,
    /// The one device that may obey.
    pub audience: DeviceId,
    /// What it shall do.
    pub action: CommandAction,
    /// The session it belongs to.
    pub session: SessionId,
    /// The order version it was decided for.
    pub order: OrderDigest,
    /// The release that allows it.
    pub release: ReleaseId,
    /// Above every counter the device has accepted.
    pub counter: u64,
    /// The trust epoch it was signed in; a device refuses older ones.
    pub trust_epoch: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// First instant at which it is void; after `issued_at`.
    pub expires_at: Timestamp,
}

/// What a device shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandAction {
    /// Open one compartment.
    Open {
        /// The kernel's `Compartment::wire_number`.
        compartment: u8,
    },
    /// Let one person dispense fuel.
    Arm {
        /// Most that may flow, in millilitres.
        max_ml: u32,
        /// The kernel's `FuelGrade::wire_number`.
        grade: u8,
    },
    /// Never execute a command, and say so with a signature if it was not.
    Cancel {
        /// Which command.
        command: CommandId,
    },
}

/// Why a command could not be made or is none of a known issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Envelope, signer or signature are wrong.
    #[error("the command is not signed by a known issuer")]
    Cose(#[from] CoseError),
    /// The payload is not a command in its exact form.
    #[error("the payload is not a command in its exact form")]
    Malformed(#[from] CborError),
    /// Commands are signed with Ed25519 alone.
    #[error("commands are signed with Ed25519")]
    Algorithm,
    /// The signing key is unusable.
    #[error("the signing key is unusable")]
    Key(#[from] KeyError),
}

/// Why a device does not obey a genuine command. In the order in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefusal {
    /// Meant for another device.
    #[error("the command is for another device")]
    Audience,
    /// Signed before trust was last withdrawn.
    #[error("the trust epoch of the command is over")]
    Epoch,
    /// Not above the last counter: replayed or overtaken.
    #[error("the counter of the command is not above the last")]
    Counter,
    /// Lives longer than any command may.
    #[error("the command lives too long")]
    Lifetime,
    /// Its time is over.
    #[error("the command has expired")]
    Expired,
    /// Its time has not come, even for a clock that lags.
    #[error("the command is not valid yet")]
    NotYetValid,
}

/// Signs a command under the authority's key.
pub fn sign(
    suite: &dyn Suite,
    key: &SigningKey,
    command: &Command,
) -> Result<Vec<u8>, CommandError> {
    let public = suite.public_key(key)?;
    if public.algorithm() != Algorithm::Ed25519 {
        return Err(CommandError::Algorithm);
    }
    let kid = cose::key_id(suite, &public);
    Ok(cose::sign1(suite, key, kid, AAD, &command.to_cbor())?)
}

/// A genuine command of an issuer that `lookup` knows. Whether to obey it is [`check`]'s to say.
pub fn open(
    suite: &dyn Suite,
    bytes: &[u8],
    lookup: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<Command, CommandError> {
    if bytes.len() > COMMAND_LENGTH_MAX {
        return Err(CborError::TooLong.into());
    }
    let ed25519 = |kid: &KeyId| lookup(kid).filter(|key| key.algorithm() == Algorithm::Ed25519);
    let opened = cose::open1(suite, bytes, AAD, ed25519)?;
    Ok(Command::from_cbor(opened.payload)?)
}

/// Whether the device `audience` obeys a genuine command at `now` by its bounded clock: nothing of
/// an epoch below `trust_epoch_floor`, no counter that is not above `last_counter`, and only within
/// the command's life (M-ACT-1).
pub fn check(
    command: &Command,
    audience: DeviceId,
    trust_epoch_floor: u64,
    last_counter: u64,
    now: Timestamp,
) -> Result<(), CommandRefusal> {
    if command.audience != audience {
        return Err(CommandRefusal::Audience);
    }
    if command.trust_epoch < trust_epoch_floor {
        return Err(CommandRefusal::Epoch);
    }
    if command.counter <= last_counter {
        return Err(CommandRefusal::Counter);
    }
    if command.expires_at.since_ms(command.issued_at) > COMMAND_LIFETIME_MS_MAX {
        return Err(CommandRefusal::Lifetime);
    }
    if now >= command.expires_at {
        return Err(CommandRefusal::Expired);
    }
    if command.issued_at > now.plus_ms(COMMAND_SKEW_MS) {
        return Err(CommandRefusal::NotYetValid);
    }
    Ok(())
}

impl Command {
    fn to_cbor(self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(COMMAND_LENGTH_MAX);
        writer.map(10).int(1).bytes(self.id.as_bytes()).int(2).bytes(self.audience.as_bytes());
        self.action.write(writer.int(3));
        writer.int(4).bytes(self.session.as_bytes()).int(5).bytes(&self.order.0);
        writer.int(6).bytes(self.release.as_bytes());
        writer.int(7).uint(self.counter).int(8).uint(self.trust_epoch);
        writer.int(9).uint(self.issued_at.unix_ms()).int(10).uint(self.expires_at.unix_ms());
        writer.finish()
    }

    fn from_cbor(payload: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(payload, COMMAND_LENGTH_MAX)?;
        reader.map_of(10)?;
        reader.key(1)?;
        let id = CommandId::from_bytes(reader.fixed()?);
        reader.key(2)?;
        let audience = DeviceId::from_bytes(reader.fixed()?);
        reader.key(3)?;
        let action = CommandAction::read(&mut reader)?;
        reader.key(4)?;
        let session = SessionId::from_bytes(reader.fixed()?);
        reader.key(5)?;
        let order = OrderDigest(reader.fixed()?);
        reader.key(6)?;
        let release = ReleaseId::from_bytes(reader.fixed()?);
        reader.key(7)?;
        let counter = reader.uint()?;
        reader.key(8)?;
        let trust_epoch = reader.uint()?;
        reader.key(9)?;
        let issued_at = Timestamp::from_unix_ms(reader.uint()?);
        reader.key(10)?;
        let expires_at = Timestamp::from_unix_ms(reader.uint()?);
        reader.finish()?;
        // A life that ends before it begins would pass as a short one.
        if expires_at <= issued_at {
            return Err(CborError::Unexpected);
        }
        Ok(Self {
            id,
            audience,
            action,
            session,
            order,
            release,
            counter,
            trust_epoch,
            issued_at,
            expires_at,
        })
    }
}

impl CommandAction {
    fn write(self, writer: &mut Writer) {
        match self {
            Self::Open { compartment } => writer.array(2).uint(OPEN).uint(compartment.into()),
            Self::Arm { max_ml, grade } => {
                writer.array(3).uint(ARM).uint(max_ml.into()).uint(grade.into())
            }
            Self::Cancel { command } => writer.array(2).uint(CANCEL).bytes(command.as_bytes()),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        match (reader.array()?, reader.uint()?) {
            (2, OPEN) => Ok(Self::Open { compartment: reader.narrow()? }),
            (3, ARM) => Ok(Self::Arm { max_ml: reader.narrow()?, grade: reader.narrow()? }),
            (2, CANCEL) => Ok(Self::Cancel { command: CommandId::from_bytes(reader.fixed()?) }),
            (_, _) => Err(CborError::Unexpected),
        }
    }
}

/// Life of a command (standards §3).
pub const COMMAND_LIFETIME_MS: u64 = 5_000;

/// Longest life a device accepts (standards §3).
pub const COMMAND_LIFETIME_MS_MAX: u64 = carhop_kernel::limits::COMMAND_MS_MAX;

/// How far a device's bounded clock may lag behind the authority's. A command can therefore be
/// obeyed this long after its expiry, and a revocation settles that much later (design §9.2).
pub const COMMAND_SKEW_MS: u64 = 2_000;

/// Longest signed command, in bytes.
pub const COMMAND_LENGTH_MAX: usize = 512;

/// Says that a message is a command, so that no other message of the same key can be one.
const AAD: &str = "carhop.command.v1";
const OPEN: u64 = 1;
const ARM: u64 = 2;
const CANCEL: u64 = 3;

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{NOW, ed25519, es256};
    use crate::suite::RustCrypto;

    const SUITE: &dyn Suite = &RustCrypto;
    const LOCK: DeviceId = DeviceId::from_bytes([2; 16]);
    const STRANGER: DeviceId = DeviceId::from_bytes([6; 16]);
    const EPOCH: u64 = 7;
    const COUNTER: u64 = 41;

    type Fault = &'static dyn Fn(&mut Command);

    fn command() -> Command {
        Command {
            id: CommandId::from_bytes([1; 16]),
            audience: LOCK,
            action: CommandAction::Open { compartment: 1 },
            session: SessionId::from_bytes([3; 16]),
            order: OrderDigest([4; 32]),
            release: ReleaseId::from_bytes([5; 16]),
            counter: COUNTER + 1,
            trust_epoch: EPOCH,
            issued_at: NOW,
            expires_at: NOW.plus_ms(COMMAND_LIFETIME_MS),
        }
    }

    fn knows(key: &SigningKey) -> impl Fn(&KeyId) -> Option<PublicKey> + use<> {
        let public = SUITE.public_key(key).unwrap();
        move |kid| (*kid == cose::key_id(SUITE, &public)).then_some(public)
    }

    fn signed(command: &Command) -> Vec<u8> {
        sign(SUITE, &ed25519("authority"), command).unwrap()
    }

    fn opened(bytes: &[u8]) -> Result<Command, CommandError> {
        open(SUITE, bytes, knows(&ed25519("authority")))
    }

    #[test]
    fn every_action_reads_back_and_a_command_fits_one_radio_packet() {
        for action in [
            CommandAction::Open { compartment: u8::MAX },
            CommandAction::Arm { max_ml: u32::MAX, grade: 2 },
            CommandAction::Cancel { command: CommandId::from_bytes([9; 16]) },
        ] {
            let command = Command { action, ..command() };
            let bytes = signed(&command);
            assert_eq!(opened(&bytes), Ok(command));
            assert!(bytes.len() <= 256, "{}", bytes.len());
        }
    }

    #[test]
    fn the_bytes_of_a_command_never_change() {
        let digest = carhop_kernel::digest::EvidenceHash(SUITE.sha256(&[&signed(&command())]));
        assert_eq!(
            alloc::format!("{digest}"),
            "427f4e705912af562ef1909339168dbae13e821d543ff0519e31c88fd52fc0bb"
        );
    }

    #[test]
    fn a_device_obeys_only_a_fresh_command_meant_for_it() {
        use CommandRefusal::{Audience, Counter, Epoch, Expired, Lifetime, NotYetValid};
        let change = |change: &dyn Fn(&mut Command)| {
            let mut command = command();
            change(&mut command);
            opened(&signed(&command)).unwrap()
        };
        let end = NOW.plus_ms(COMMAND_LIFETIME_MS);
        let rows: [(&str, Fault, Timestamp, Result<(), CommandRefusal>); 17] = [
            ("good", &|_| {}, NOW, Ok(())),
            ("later epoch", &|c| c.trust_epoch = EPOCH + 1, NOW, Ok(())),
            ("wrong audience", &|c| c.audience = STRANGER, NOW, Err(Audience)),
            ("old epoch", &|c| c.trust_epoch = EPOCH - 1, NOW, Err(Epoch)),
            ("counter equal", &|c| c.counter = COUNTER, NOW, Err(Counter)),
            ("counter lower", &|c| c.counter = 0, NOW, Err(Counter)),
            ("counter far ahead", &|c| c.counter = u64::MAX, NOW, Ok(())),
            ("longest life", &|c| c.expires_at = NOW.plus_ms(30_000), NOW, Ok(())),
            ("too long a life", &|c| c.expires_at = NOW.plus_ms(30_001), NOW, Err(Lifetime)),
            ("last instant", &|_| {}, end.minus_ms(1), Ok(())),
            ("expired", &|_| {}, end, Err(Expired)),
            ("long expired", &|_| {}, Timestamp::from_unix_ms(u64::MAX), Err(Expired)),
            ("lagging clock", &|_| {}, NOW.minus_ms(COMMAND_SKEW_MS), Ok(())),
            ("not yet", &|_| {}, NOW.minus_ms(COMMAND_SKEW_MS + 1), Err(NotYetValid)),
            ("no clock", &|_| {}, Timestamp::from_unix_ms(0), Err(NotYetValid)),
            // Of several faults the first in the order of the design is told.
            (
                "all wrong",
                &|c| (c.audience, c.trust_epoch, c.counter) = (STRANGER, 0, 0),
                end,
                Err(Audience),
            ),
            ("two wrong", &|c| (c.trust_epoch, c.counter) = (0, 0), end, Err(Epoch)),
        ];
        for (name, fault, now, expected) in rows {
            let checked = check(&change(fault), LOCK, EPOCH, COUNTER, now);
            assert_eq!(checked, expected, "{name}");
        }
    }

    #[test]
    fn only_the_authority_can_make_a_command() {
        let bytes = signed(&command());
        let stranger = open(SUITE, &bytes, knows(&ed25519("stranger")));
        assert_eq!(stranger, Err(CommandError::Cose(CoseError::UnknownKey)));
        let forged = sign(SUITE, &ed25519("stranger"), &command()).unwrap();
        let claimed = SUITE.public_key(&ed25519("authority")).unwrap();
        let opened = open(SUITE, &forged, |_| Some(claimed));
        assert_eq!(opened, Err(CommandError::Cose(CoseError::Signature)));
        // The certified key of a device signs receipts, never commands.
        let es256 = es256("authority");
        assert_eq!(sign(SUITE, &es256, &command()), Err(CommandError::Algorithm));
        let kid = [0; 8];
        let bytes = cose::sign1(SUITE, &es256, kid, AAD, &command().to_cbor()).unwrap();
        let public = SUITE.public_key(&es256).unwrap();
        let opened = open(SUITE, &bytes, |_| Some(public));
        assert_eq!(opened, Err(CommandError::Cose(CoseError::UnknownKey)));
    }

    #[test]
    fn other_messages_of_the_authority_are_no_commands() {
        let key = ed25519("authority");
        let kid = cose::key_id(SUITE, &SUITE.public_key(&key).unwrap());
        for aad in ["", "carhop.time.v1", "carhop.command.v2"] {
            let bytes = cose::sign1(SUITE, &key, kid, aad, &command().to_cbor()).unwrap();
            assert_eq!(opened(&bytes), Err(CommandError::Cose(CoseError::Signature)), "{aad}");
        }
    }

    #[test]
    fn payloads_of_any_other_form_are_refused() {
        let key = ed25519("authority");
        let kid = cose::key_id(SUITE, &SUITE.public_key(&key).unwrap());
        let refused = |payload: &[u8]| {
            let bytes = cose::sign1(SUITE, &key, kid, AAD, payload).unwrap();
            matches!(opened(&bytes), Err(CommandError::Malformed(_)))
        };
        let good = command().to_cbor();
        assert!(!refused(&good));
        assert!(refused(&good[..good.len() - 1]));
        assert!(refused(&[&good[..], &[0]].concat()));
        let fewer = [&[0xa9], &good[1..]].concat();
        assert!(refused(&fewer));
        let mut action = good.clone();
        let at = action.windows(3).position(|window| window == [0x03, 0x82, 0x01]).unwrap();
        for unknown in [0, 2, 4, 23] {
            action[at + 2] = unknown;
            assert!(refused(&action), "{unknown}");
        }
        for (issued_at, expires_at) in [(NOW, NOW), (NOW, NOW.minus_ms(1))] {
            let backwards = Command { issued_at, expires_at, ..command() };
            assert!(refused(&backwards.to_cbor()));
        }
        let long = opened(&[0; COMMAND_LENGTH_MAX + 1]);
        assert_eq!(long, Err(CommandError::Malformed(CborError::TooLong)));
    }

    #[test]
    fn no_flipped_bit_survives() {
        let bytes = signed(&command());
        for position in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[position / 8] ^= 1 << (position % 8);
            assert!(opened(&flipped).is_err(), "bit {position}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(opened(&bytes).is_err());
            let _ = Command::from_cbor(&bytes);
        }

        #[test]
        fn a_payload_that_reads_is_the_one_that_is_written(
            position: prop::sample::Index, byte: u8
        ) {
            let mut payload = command().to_cbor();
            let position = position.index(payload.len());
            payload[position] = byte;
            if let Ok(command) = Command::from_cbor(&payload) {
                prop_assert_eq!(command.to_cbor(), payload);
            }
        }
    }
}
