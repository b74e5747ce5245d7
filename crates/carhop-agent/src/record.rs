//! The records that a device appends before it acts or speaks, and their bytes.
//!
//! What they add up to is the memory's to say; how they reach the flash is the shell's.

use alloc::vec::Vec;

use carhop_kernel::id::CommandId;
use carhop_proofs::cbor::{CborError, Reader, Writer};
use carhop_proofs::frame::Position;

/// One appended fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The device started.
    Started {
        /// The boot that began.
        boot_epoch: u32,
    },
    /// A command was found good: its id and counter are consumed, whatever happens now.
    Accepted(Accepted),
    /// A statement was signed.
    Stated(Stated),
    /// Nobody can tell what came of an accepted command.
    Abandoned {
        /// Which command.
        command: CommandId,
    },
    /// Statements up to and including this one need not be sent again.
    Acknowledged {
        /// The high-water mark.
        through: Position,
    },
    /// Commands of earlier trust epochs are void.
    TrustEpoch {
        /// The lowest epoch that counts.
        floor: u64,
    },
    /// The meter showed less than it had shown, or somebody has looked at it since.
    Meter {
        /// Whether it is in doubt from here on.
        is_doubted: bool,
    },
    /// The last record of a compacted log: what the records that were left out had added up to.
    Base(Base),
}

/// A consumed command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) command: CommandId,
    pub(crate) counter: u64,
    pub(crate) trust_epoch: u64,
    pub(crate) work: Work,
}

/// What an accepted command asks for, with what the actuator showed beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Open; how often the lock had opened, if it counts.
    Open { openings: Option<u64> },
    /// Dispense up to `max_ml`; what the totaliser showed.
    Arm { totaliser_ml: u64, max_ml: u32 },
    /// Never execute a command.
    Cancel { command: CommandId },
}

/// A signed statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) position: Position,
    pub(crate) about: About,
    pub(crate) bytes: Vec<u8>,
}

/// What a statement means to the device itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Nothing.
    Report,
    /// It settles a command.
    Receipt { command: CommandId },
    /// The lock opened; it settles the command that made it.
    Opened { command: Option<CommandId> },
    /// The lock is locked again.
    Locked,
    /// The pump is armed: the receipt of a command that goes on.
    Armed { command: CommandId },
    /// A meter reading that is not the last.
    Reading { number: u32 },
    /// The last reading of a dispensing.
    End,
}

/// The scalars of the memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) boot_epoch: u32,
    pub(crate) next_sequence: u64,
    pub(crate) previous: [u8; 32],
    pub(crate) counter: u64,
    pub(crate) trust_epoch: u64,
    pub(crate) acknowledged: Option<Position>,
    pub(crate) forgotten_through: Option<CommandId>,
    /// Under which command, if any, the lock stands open.
    pub(crate) door: Door,
    /// Whether the pump's meter ran backwards or leapt, and nobody has looked yet.
    pub(crate) is_meter_doubted: bool,
}

/// Where the door of a lock was last known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Door {
    #[default]
    Locked,
    Open {
        under: Option<CommandId>,
    },
}

/// Why the bytes of a store are no record of this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {index} is damaged")]
pub struct RecordError {
    /// Which record, from zero.
    pub index: usize,
    /// What is wrong with it.
    #[source]
    pub source: CborError,
}

impl Record {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Started { boot_epoch } => {
                writer.array(2).uint(STARTED).uint((*boot_epoch).into());
            }
            Self::Accepted(accepted) => {
                writer.array(5).uint(ACCEPTED).bytes(accepted.command.as_bytes());
                writer.uint(accepted.counter).uint(accepted.trust_epoch);
                accepted.work.write(&mut writer);
            }
            Self::Stated(Stated { position, about, bytes }) => {
                write_position(writer.array(4).uint(STATED), *position);
                about.write(&mut writer);
                writer.bytes(bytes);
            }
            Self::Abandoned { command } => {
                writer.array(2).uint(ABANDONED).bytes(command.as_bytes());
            }
            Self::Acknowledged { through } => {
                write_position(writer.array(2).uint(ACKNOWLEDGED), *through);
            }
            Self::TrustEpoch { floor } => {
                writer.array(2).uint(TRUST_EPOCH).uint(*floor);
            }
            Self::Meter { is_doubted } => {
                writer.array(2).uint(METER).bool(*is_doubted);
            }
            Self::Base(base) => base.write(writer.array(10).uint(BASE)),
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes, RECORD_LENGTH_MAX)?;
        let record = match (reader.array()?, reader.uint()?) {
            (2, STARTED) => Self::Started { boot_epoch: reader.narrow()? },
            (5, ACCEPTED) => Self::Accepted(Accepted {
                command: read_command(&mut reader)?,
                counter: reader.uint()?,
                trust_epoch: reader.uint()?,
                work: Work::read(&mut reader)?,
            }),
            (4, STATED) => Self::Stated(Stated {
                position: read_position(&mut reader)?,
                about: About::read(&mut reader)?,
                bytes: reader.bytes()?.into(),
            }),
            (2, ABANDONED) => Self::Abandoned { command: read_command(&mut reader)? },
            (2, ACKNOWLEDGED) => Self::Acknowledged { through: read_position(&mut reader)? },
            (2, TRUST_EPOCH) => Self::TrustEpoch { floor: reader.uint()? },
            (2, METER) => Self::Meter { is_doubted: reader.bool()? },
            (10, BASE) => Self::Base(Base::read(&mut reader)?),
            (_, _) => return Err(CborError::Unexpected),
        };
        reader.finish()?;
        Ok(record)
    }
}

/// The command that a record says was accepted, for a shell that keeps an account of what its device does; `None` for a
/// cancel and for every other record.
pub fn accepted(record: &[u8]) -> Option<CommandId> {
    let Ok(Record::Accepted(Accepted { command, work, .. })) = Record::decode(record) else {
        return None;
    };
    match work {
        Work::Open { .. } | Work::Arm { .. } => Some(command),
        Work::Cancel { .. } => None,
    }
}

/// The epoch below which a record says that nothing is obeyed any more; `None` for every other record.
pub fn trust_floor(record: &[u8]) -> Option<u64> {
    match Record::decode(record) {
        Ok(Record::TrustEpoch { floor }) => Some(floor),
        Ok(_) | Err(_) => None,
    }
}

impl Work {
    fn write(self, writer: &mut Writer) {
        match self {
            Self::Open { openings } => {
                writer.array(2).uint(1);
                match openings {
                    Some(count) => writer.uint(count),
                    None => writer.null(),
                }
            }
            Self::Arm { totaliser_ml, max_ml } => {
                writer.array(3).uint(2).uint(totaliser_ml).uint(max_ml.into())
            }
            Self::Cancel { command } => writer.array(2).uint(3).bytes(command.as_bytes()),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        match (reader.array()?, reader.uint()?) {
            (2, 1) => Ok(Self::Open { openings: reader.nullable(Reader::uint)? }),
            (3, 2) => Ok(Self::Arm { totaliser_ml: reader.uint()?, max_ml: reader.narrow()? }),
            (2, 3) => Ok(Self::Cancel { command: read_command(reader)? }),
            (_, _) => Err(CborError::Unexpected),
        }
    }
}

impl About {
    fn write(self, writer: &mut Writer) {
        match self {
            Self::Report => writer.array(1).uint(1),
            Self::Receipt { command } => writer.array(2).uint(2).bytes(command.as_bytes()),
            Self::Opened { command } => write_optional(writer.array(2).uint(3), command),
            Self::Locked => writer.array(1).uint(4),
            Self::Armed { command } => writer.array(2).uint(5).bytes(command.as_bytes()),
            Self::Reading { number } => writer.array(2).uint(6).uint(number.into()),
            Self::End => writer.array(1).uint(7),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        match (reader.array()?, reader.uint()?) {
            (1, 1) => Ok(Self::Report),
            (2, 2) => Ok(Self::Receipt { command: read_command(reader)? }),
            (2, 3) => Ok(Self::Opened { command: reader.nullable(read_command)? }),
            (1, 4) => Ok(Self::Locked),
            (2, 5) => Ok(Self::Armed { command: read_command(reader)? }),
            (2, 6) => Ok(Self::Reading { number: reader.narrow()? }),
            (1, 7) => Ok(Self::End),
            (_, _) => Err(CborError::Unexpected),
        }
    }
}

impl Base {
    fn write(&self, writer: &mut Writer) {
        writer.uint(self.boot_epoch.into()).uint(self.next_sequence).bytes(&self.previous);
        writer.uint(self.counter).uint(self.trust_epoch);
        match self.acknowledged {
            Some(position) => write_position(writer, position),
            None => writer.null(),
        };
        write_optional(writer, self.forgotten_through);
        match self.door {
            Door::Locked => writer.array(0),
            Door::Open { under } => write_optional(writer.array(1), under),
        };
        writer.bool(self.is_meter_doubted);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        Ok(Self {
            boot_epoch: reader.narrow()?,
            next_sequence: reader.uint()?,
            previous: reader.fixed()?,
            counter: reader.uint()?,
            trust_epoch: reader.uint()?,
            acknowledged: reader.nullable(read_position)?,
            forgotten_through: reader.nullable(read_command)?,
            door: match reader.array()? {
                0 => Door::Locked,
                1 => Door::Open { under: reader.nullable(read_command)? },
                _ => return Err(CborError::Unexpected),
            },
            is_meter_doubted: reader.bool()?,
        })
    }
}

fn write_position(writer: &mut Writer, position: Position) -> &mut Writer {
    writer.array(2).uint(position.boot_epoch.into()).uint(position.sequence)
}

fn read_position(reader: &mut Reader<'_>) -> Result<Position, CborError> {
    reader.array_of(2)?;
    Ok(Position { boot_epoch: reader.narrow()?, sequence: reader.uint()? })
}

fn write_optional(writer: &mut Writer, command: Option<CommandId>) -> &mut Writer {
    match command {
        Some(command) => writer.bytes(command.as_bytes()),
        None => writer.null(),
    }
}

fn read_command(reader: &mut Reader<'_>) -> Result<CommandId, CborError> {
    reader.fixed().map(CommandId::from_bytes)
}

/// Longest record: a statement and what it means.
const RECORD_LENGTH_MAX: usize = carhop_proofs::statement::STATEMENT_LENGTH_MAX + 64;
const STARTED: u64 = 1;
const ACCEPTED: u64 = 2;
const STATED: u64 = 3;
const ABANDONED: u64 = 4;
const ACKNOWLEDGED: u64 = 5;
const TRUST_EPOCH: u64 = 6;
const BASE: u64 = 7;
const METER: u64 = 8;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn records() -> Vec<Record> {
        let command = CommandId::from_bytes([1; 16]);
        let position = Position { boot_epoch: 2, sequence: 3 };
        let works = [
            Work::Open { openings: None },
            Work::Open { openings: Some(7) },
            Work::Arm { totaliser_ml: u64::MAX, max_ml: u32::MAX },
            Work::Cancel { command },
        ];
        let abouts = [
            About::Report,
            About::Receipt { command },
            About::Opened { command: None },
            About::Opened { command: Some(command) },
            About::Locked,
            About::Armed { command },
            About::Reading { number: 9 },
            About::End,
        ];
        let full = Base {
            boot_epoch: 1,
            next_sequence: 2,
            previous: [3; 32],
            counter: 4,
            trust_epoch: 5,
            acknowledged: Some(position),
            forgotten_through: Some(command),
            door: Door::Open { under: Some(command) },
            is_meter_doubted: true,
        };
        let mut records = vec![
            Record::Started { boot_epoch: u32::MAX },
            Record::Abandoned { command },
            Record::Acknowledged { through: position },
            Record::TrustEpoch { floor: 8 },
            Record::Meter { is_doubted: true },
            Record::Meter { is_doubted: false },
            Record::Base(Base::default()),
            Record::Base(Base { door: Door::Open { under: None }, ..Base::default() }),
            Record::Base(full),
        ];
        records.extend(
            works.map(|work| {
                Record::Accepted(Accepted { command, counter: 5, trust_epoch: 6, work })
            }),
        );
        records.extend(
            abouts.map(|about| Record::Stated(Stated { position, about, bytes: vec![4; 400] })),
        );
        records
    }

    #[test]
    fn every_record_reads_back() {
        for record in records() {
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    proptest! {
        #[test]
        fn damaged_records_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            index: prop::sample::Index, position: prop::sample::Index, flip in 1u8..,
        ) {
            let records = records();
            let mut damaged = index.get(&records).encode();
            let position = position.index(damaged.len());
            damaged[position] ^= flip;
            for bytes in [bytes, damaged] {
                if let Ok(record) = Record::decode(&bytes) {
                    prop_assert_eq!(record.encode(), bytes);
                }
            }
        }
    }
}
