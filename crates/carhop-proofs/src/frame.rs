//! The frames between a device and the gateway, `carhop.device.v1`: what is said around the signed
//! objects, over any carrier that keeps messages apart (design §6).
//!
//! A frame proves nothing. Commands, statements, time replies and attestations inside it are signed
//! and judged elsewhere; whoever carries frames can drop, repeat and reorder them, never forge what
//! matters (M-ACT-1).

use alloc::vec::Vec;

use carhop_kernel::id::CommandId;

use crate::cbor::{CborError, Reader, Writer};

/// The name of the protocol; a WebSocket carries it as its subprotocol (RFC 6455 §1.9).
pub const PROTOCOL: &str = "carhop.device.v1";

/// Longest frame in either direction, in bytes.
pub const FRAME_LENGTH_MAX: usize = 8 * 1024;

/// A place in a device's chain of statements. Ordered as statements are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Grows with every start of the device.
    pub boot_epoch: u32,
    /// Number within the boot, from zero.
    pub sequence: u64,
}

/// What the gateway says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToDevice {
    /// The first frame of every connection.
    Welcome {
        /// What a fresh attestation must contain.
        challenge: [u8; 32],
        /// Statements up to and including this one are durable; `None` before the first.
        acknowledged: Option<Position>,
    },
    /// A signed time reply (`crate::time_reply`).
    Time {
        /// The signed bytes.
        cose: Vec<u8>,
    },
    /// A signed command (`crate::command`), exactly as stored.
    Command {
        /// The signed bytes.
        cose: Vec<u8>,
    },
    /// A question for the stored receipt of a command.
    Query {
        /// Which command.
        command: CommandId,
    },
    /// Statements up to and including this one are durable and need not be sent again.
    Acknowledge {
        /// The contiguous high-water mark.
        through: Position,
    },
    /// A fresh attestation is wanted.
    Challenge {
        /// What it must contain.
        challenge: [u8; 32],
    },
    /// Answer with a [`FromDevice::Pong`]: is anybody there?
    Ping,
    /// The last frame.
    Farewell {
        /// Why the connection ends.
        code: FarewellCode,
    },
}

/// What a device says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromDevice {
    /// The first frame of every connection.
    Hello {
        /// The boot it is in.
        boot_epoch: u32,
        /// Asks for the time, as [`FromDevice::AskTime`] does.
        clock_nonce: [u8; 16],
        /// The number its next statement of this boot will have.
        next_sequence: u64,
    },
    /// What time is it?
    AskTime {
        /// Fresh, so that an old answer tells nothing.
        nonce: [u8; 16],
    },
    /// A signed attestation token that contains the latest challenge.
    Attestation {
        /// The signed bytes.
        eat: Vec<u8>,
    },
    /// A signed, chained statement (`crate::statement`).
    Statement {
        /// The signed bytes.
        cose: Vec<u8>,
    },
    /// The honest answer to a query when there is no receipt. It is not signed and proves nothing;
    /// above all it is no proof that the command was never executed: only a cancel yields that.
    Unknown {
        /// Which command.
        command: CommandId,
    },
    /// The answer to a ping.
    Pong,
}

/// Why the gateway ends a connection. A number is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FarewellCode {
    /// The server is going down; come back.
    Shutdown,
    /// Nothing was heard for too long.
    Idle,
    /// A frame was malformed, too long or out of place.
    Protocol,
    /// A newer connection of the same device took over.
    Replaced,
    /// Two live connections claim to be the device; somebody must look.
    Frozen,
    /// The device is revoked or its certificate is over.
    Revoked,
}

/// Why bytes are no frame of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not CBOR in its exact form, or longer than [`FRAME_LENGTH_MAX`].
    #[error("the frame is malformed")]
    Malformed(#[from] CborError),
    /// A kind that this direction does not have.
    #[error("the frame is of an unknown kind")]
    UnknownKind,
}

impl ToDevice {
    /// The bytes of the frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Welcome { challenge, acknowledged } => {
                writer.array(3).uint(WELCOME).bytes(challenge);
                match acknowledged {
                    Some(position) => position.write(&mut writer),
                    None => writer.null(),
                }
            }
            Self::Time { cose } => writer.array(2).uint(TIME).bytes(cose),
            Self::Command { cose } => writer.array(2).uint(COMMAND).bytes(cose),
            Self::Query { command } => writer.array(2).uint(QUERY).bytes(command.as_bytes()),
            Self::Acknowledge { through } => through.write(writer.array(2).uint(ACKNOWLEDGE)),
            Self::Challenge { challenge } => writer.array(2).uint(CHALLENGE).bytes(challenge),
            Self::Ping => writer.array(1).uint(PING),
            Self::Farewell { code } => writer.array(2).uint(FAREWELL).uint(code.number()),
        };
        writer.finish()
    }

    /// The frame with exactly these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader::new(bytes, FRAME_LENGTH_MAX)?;
        let frame = match (reader.array()?, reader.uint()?) {
            (3, WELCOME) => Self::Welcome {
                challenge: reader.fixed()?,
                acknowledged: reader.nullable(Position::read)?,
            },
            (2, TIME) => Self::Time { cose: reader.bytes()?.into() },
            (2, COMMAND) => Self::Command { cose: reader.bytes()?.into() },
            (2, QUERY) => Self::Query { command: CommandId::from_bytes(reader.fixed()?) },
            (2, ACKNOWLEDGE) => Self::Acknowledge { through: Position::read(&mut reader)? },
            (2, CHALLENGE) => Self::Challenge { challenge: reader.fixed()? },
            (1, PING) => Self::Ping,
            (2, FAREWELL) => {
                let code = FarewellCode::from_number(reader.uint()?);
                Self::Farewell { code: code.ok_or(CborError::Unexpected)? }
            }
            (_, _) => return Err(FrameError::UnknownKind),
        };
        reader.finish()?;
        Ok(frame)
    }
}

impl FromDevice {
    /// The bytes of the frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Hello { boot_epoch, clock_nonce, next_sequence } => {
                writer.array(4).uint(HELLO).uint((*boot_epoch).into());
                writer.bytes(clock_nonce).uint(*next_sequence)
            }
            Self::AskTime { nonce } => writer.array(2).uint(ASK_TIME).bytes(nonce),
            Self::Attestation { eat } => writer.array(2).uint(ATTESTATION).bytes(eat),
            Self::Statement { cose } => writer.array(2).uint(STATEMENT).bytes(cose),
            Self::Unknown { command } => writer.array(2).uint(UNKNOWN).bytes(command.as_bytes()),
            Self::Pong => writer.array(1).uint(PONG),
        };
        writer.finish()
    }

    /// The frame with exactly these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader::new(bytes, FRAME_LENGTH_MAX)?;
        let frame = match (reader.array()?, reader.uint()?) {
            (4, HELLO) => Self::Hello {
                boot_epoch: reader.narrow()?,
                clock_nonce: reader.fixed()?,
                next_sequence: reader.uint()?,
            },
            (2, ASK_TIME) => Self::AskTime { nonce: reader.fixed()? },
            (2, ATTESTATION) => Self::Attestation { eat: reader.bytes()?.into() },
            (2, STATEMENT) => Self::Statement { cose: reader.bytes()?.into() },
            (2, UNKNOWN) => Self::Unknown { command: CommandId::from_bytes(reader.fixed()?) },
            (1, PONG) => Self::Pong,
            (_, _) => return Err(FrameError::UnknownKind),
        };
        reader.finish()?;
        Ok(frame)
    }
}

impl Position {
    fn write(self, writer: &mut Writer) -> &mut Writer {
        writer.array(2).uint(self.boot_epoch.into()).uint(self.sequence)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.array_of(2)?;
        Ok(Self { boot_epoch: reader.narrow()?, sequence: reader.uint()? })
    }
}

impl FarewellCode {
    /// Every code.
    pub const ALL: [Self; 6] =
        [Self::Shutdown, Self::Idle, Self::Protocol, Self::Replaced, Self::Frozen, Self::Revoked];

    /// The number on the wire.
    pub const fn number(self) -> u64 {
        match self {
            Self::Shutdown => 1,
            Self::Idle => 2,
            Self::Protocol => 3,
            Self::Replaced => 4,
            Self::Frozen => 5,
            Self::Revoked => 6,
        }
    }

    fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }
}

const WELCOME: u64 = 1;
const TIME: u64 = 2;
const COMMAND: u64 = 3;
const QUERY: u64 = 4;
const ACKNOWLEDGE: u64 = 5;
const CHALLENGE: u64 = 6;
const PING: u64 = 7;
const FAREWELL: u64 = 8;
// The directions share no number, so that a reflected frame is never understood.
const HELLO: u64 = 33;
const ASK_TIME: u64 = 34;
const ATTESTATION: u64 = 35;
const STATEMENT: u64 = 36;
const UNKNOWN: u64 = 37;
const PONG: u64 = 38;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    const POSITION: Position = Position { boot_epoch: 3, sequence: 300 };
    const COMMAND_ID: CommandId = CommandId::from_bytes([7; 16]);

    fn to_device() -> Vec<ToDevice> {
        let mut frames = vec![
            ToDevice::Welcome { challenge: [1; 32], acknowledged: None },
            ToDevice::Welcome { challenge: [1; 32], acknowledged: Some(POSITION) },
            ToDevice::Time { cose: vec![2; 40] },
            ToDevice::Command { cose: vec![3; 250] },
            ToDevice::Query { command: COMMAND_ID },
            ToDevice::Acknowledge { through: POSITION },
            ToDevice::Challenge { challenge: [4; 32] },
            ToDevice::Ping,
        ];
        frames.extend(FarewellCode::ALL.map(|code| ToDevice::Farewell { code }));
        frames
    }

    fn from_device() -> Vec<FromDevice> {
        vec![
            FromDevice::Hello { boot_epoch: 3, clock_nonce: [5; 16], next_sequence: u64::MAX },
            FromDevice::AskTime { nonce: [6; 16] },
            FromDevice::Attestation { eat: vec![7; 2000] },
            FromDevice::Statement { cose: vec![] },
            FromDevice::Unknown { command: COMMAND_ID },
            FromDevice::Pong,
        ]
    }

    #[test]
    fn every_frame_reads_back_in_its_own_direction_only() {
        for frame in to_device() {
            let bytes = frame.encode();
            assert_eq!(ToDevice::decode(&bytes), Ok(frame));
            assert!(FromDevice::decode(&bytes).is_err());
        }
        for frame in from_device() {
            let bytes = frame.encode();
            assert_eq!(FromDevice::decode(&bytes), Ok(frame));
            assert!(ToDevice::decode(&bytes).is_err());
        }
    }

    #[test]
    fn the_bytes_of_frames_never_change() {
        let acknowledge = ToDevice::Acknowledge { through: POSITION }.encode();
        assert_eq!(acknowledge, [0x82, 5, 0x82, 3, 0x19, 1, 0x2c]);
        assert_eq!(ToDevice::Ping.encode(), [0x81, 7]);
        let farewell = ToDevice::Farewell { code: FarewellCode::Frozen };
        assert_eq!(farewell.encode(), [0x82, 8, 5]);
        let statement = FromDevice::Statement { cose: vec![9, 8] };
        assert_eq!(statement.encode(), [0x82, 0x18, 36, 0x42, 9, 8]);
        assert_eq!(FromDevice::Pong.encode(), [0x81, 0x18, 38]);
    }

    #[test]
    fn what_is_too_long_too_short_or_unknown_is_refused() {
        let unexpected = FrameError::Malformed(CborError::Unexpected);
        let rows: [(&str, Vec<u8>, FrameError); 7] = [
            (
                "too long",
                ToDevice::Time { cose: vec![0; FRAME_LENGTH_MAX] }.encode(),
                FrameError::Malformed(CborError::TooLong),
            ),
            ("nothing", vec![], FrameError::Malformed(CborError::Malformed)),
            ("no array", vec![7], unexpected),
            ("unknown kind", vec![0x81, 9], FrameError::UnknownKind),
            ("missing field", vec![0x81, 6], FrameError::UnknownKind),
            ("short challenge", vec![0x82, 6, 0x41, 0], unexpected),
            ("unknown farewell", vec![0x82, 8, 7], unexpected),
        ];
        for (name, bytes, expected) in rows {
            assert_eq!(ToDevice::decode(&bytes), Err(expected), "{name}");
        }
        let mut longer = ToDevice::Ping.encode();
        longer.push(0);
        assert!(ToDevice::decode(&longer).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_what_is_accepted_is_the_only_form(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            index in 0usize..20, position: usize, flip in 1u8..,
        ) {
            let frames: Vec<Vec<u8>> = to_device().iter().map(ToDevice::encode)
                .chain(from_device().iter().map(FromDevice::encode)).collect();
            let mut damaged = frames[index % frames.len()].clone();
            let position = position % damaged.len();
            damaged[position] ^= flip;
            for bytes in [bytes, damaged] {
                if let Ok(frame) = ToDevice::decode(&bytes) {
                    prop_assert_eq!(frame.encode(), bytes.clone());
                }
                if let Ok(frame) = FromDevice::decode(&bytes) {
                    prop_assert_eq!(frame.encode(), bytes);
                }
            }
        }
    }
}
