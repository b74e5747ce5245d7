//! The bytes of a statement: a deterministic CBOR map with integer keys, its body an array that
//! begins with the number of its kind.

use alloc::vec::Vec;

use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::session::InterlockKind;
use carhop_kernel::time::Timestamp;

use super::{
    Body, ClockState, EndReason, LockEvent, Outcome, Reading, ReadingKind, RefusalCode,
    STATEMENT_LENGTH_MAX, Statement,
};
use crate::cbor::{CborError, Reader, Writer};

/// The payload inside a message whose signature has not been looked at.
pub(super) fn payload(message: &[u8]) -> Result<&[u8], CborError> {
    let mut reader = Reader::new(message, STATEMENT_LENGTH_MAX)?;
    reader.tag(TAG_SIGN1)?;
    reader.array_of(4)?;
    reader.skip()?;
    reader.skip()?;
    reader.bytes()
}

pub(super) fn encode(statement: &Statement) -> Vec<u8> {
    let mut writer = Writer::with_capacity(STATEMENT_LENGTH_MAX);
    writer.map(7).int(1).bytes(statement.device.as_bytes());
    writer.int(2).uint(statement.boot_epoch.into()).int(3).uint(statement.sequence);
    writer.int(4).uint(statement.at.unix_ms()).int(5).uint(statement.clock.number());
    writer.int(6).bytes(&statement.previous);
    write_body(writer.int(7), &statement.body);
    writer.finish()
}

pub(super) fn decode(payload: &[u8]) -> Result<Statement, CborError> {
    let mut reader = Reader::new(payload, STATEMENT_LENGTH_MAX)?;
    reader.map_of(7)?;
    reader.key(1)?;
    let device = DeviceId::from_bytes(reader.fixed()?);
    reader.key(2)?;
    let boot_epoch = reader.narrow()?;
    reader.key(3)?;
    let sequence = reader.uint()?;
    reader.key(4)?;
    let at = Timestamp::from_unix_ms(reader.uint()?);
    reader.key(5)?;
    let clock = known(ClockState::from_number(reader.uint()?))?;
    reader.key(6)?;
    let previous = reader.fixed()?;
    reader.key(7)?;
    let body = read_body(&mut reader)?;
    reader.finish()?;
    Ok(Statement { device, boot_epoch, sequence, at, clock, previous, body })
}

fn write_body(writer: &mut Writer, body: &Body) {
    match *body {
        Body::Receipt { command, counter, outcome } => {
            writer.array(4).uint(RECEIPT).bytes(command.as_bytes()).uint(counter);
            write_outcome(writer, outcome);
        }
        Body::Lock { command, event } => {
            write_command(writer.array(3).uint(LOCK), command);
            write_event(writer, event);
        }
        Body::Meter { command, reading } => {
            writer.array(6).uint(METER).bytes(command.as_bytes()).uint(reading.number.into());
            write_reading_kind(writer, reading.kind);
            writer.uint(reading.totaliser_ml).uint(reading.metered_ml.into());
        }
        Body::Interlock { command, kind } => {
            write_command(writer.array(3).uint(INTERLOCK), command);
            writer.uint(interlock_number(kind));
        }
    }
}

fn read_body(reader: &mut Reader<'_>) -> Result<Body, CborError> {
    match (reader.array()?, reader.uint()?) {
        (4, RECEIPT) => Ok(Body::Receipt {
            command: CommandId::from_bytes(reader.fixed()?),
            counter: reader.uint()?,
            outcome: read_outcome(reader)?,
        }),
        (3, LOCK) => Ok(Body::Lock { command: read_command(reader)?, event: read_event(reader)? }),
        (6, METER) => Ok(Body::Meter {
            command: CommandId::from_bytes(reader.fixed()?),
            reading: Reading {
                number: reader.narrow()?,
                kind: read_reading_kind(reader)?,
                totaliser_ml: reader.uint()?,
                metered_ml: reader.narrow()?,
            },
        }),
        (3, INTERLOCK) => Ok(Body::Interlock {
            command: read_command(reader)?,
            kind: known(interlock(reader.uint()?))?,
        }),
        (_, _) => Err(CborError::Unexpected),
    }
}

fn write_command(writer: &mut Writer, command: Option<CommandId>) {
    match command {
        Some(command) => writer.bytes(command.as_bytes()),
        None => writer.null(),
    };
}

fn read_command(reader: &mut Reader<'_>) -> Result<Option<CommandId>, CborError> {
    reader.nullable(|reader| reader.fixed().map(CommandId::from_bytes))
}

fn write_outcome(writer: &mut Writer, outcome: Outcome) {
    match outcome {
        Outcome::Opened => writer.array(1).uint(1),
        Outcome::Armed => writer.array(1).uint(2),
        Outcome::NeverExecuted => writer.array(1).uint(3),
        Outcome::Jammed => writer.array(1).uint(4),
        Outcome::Refused(code) => writer.array(2).uint(5).uint(code.number()),
    };
}

fn read_outcome(reader: &mut Reader<'_>) -> Result<Outcome, CborError> {
    match (reader.array()?, reader.uint()?) {
        (1, 1) => Ok(Outcome::Opened),
        (1, 2) => Ok(Outcome::Armed),
        (1, 3) => Ok(Outcome::NeverExecuted),
        (1, 4) => Ok(Outcome::Jammed),
        (2, 5) => Ok(Outcome::Refused(known(RefusalCode::from_number(reader.uint()?))?)),
        (_, _) => Err(CborError::Unexpected),
    }
}

fn write_event(writer: &mut Writer, event: LockEvent) {
    match event {
        LockEvent::Opened => writer.array(1).uint(1),
        LockEvent::Closed => writer.array(1).uint(2),
        LockEvent::Locked => writer.array(1).uint(3),
        LockEvent::Jammed => writer.array(1).uint(4),
        LockEvent::Tampered => writer.array(1).uint(5),
        LockEvent::Temperature { c10 } => writer.array(2).uint(6).int(c10.into()),
    };
}

fn read_event(reader: &mut Reader<'_>) -> Result<LockEvent, CborError> {
    match (reader.array()?, reader.uint()?) {
        (1, 1) => Ok(LockEvent::Opened),
        (1, 2) => Ok(LockEvent::Closed),
        (1, 3) => Ok(LockEvent::Locked),
        (1, 4) => Ok(LockEvent::Jammed),
        (1, 5) => Ok(LockEvent::Tampered),
        (2, 6) => Ok(LockEvent::Temperature { c10: known(reader.int()?.try_into().ok())? }),
        (_, _) => Err(CborError::Unexpected),
    }
}

fn write_reading_kind(writer: &mut Writer, kind: ReadingKind) {
    match kind {
        ReadingKind::Begin => writer.array(1).uint(1),
        ReadingKind::Charge => writer.array(1).uint(2),
        ReadingKind::End(reason) => writer.array(2).uint(3).uint(reason.number()),
    };
}

fn read_reading_kind(reader: &mut Reader<'_>) -> Result<ReadingKind, CborError> {
    match (reader.array()?, reader.uint()?) {
        (1, 1) => Ok(ReadingKind::Begin),
        (1, 2) => Ok(ReadingKind::Charge),
        (2, 3) => Ok(ReadingKind::End(known(EndReason::from_number(reader.uint()?))?)),
        (_, _) => Err(CborError::Unexpected),
    }
}

const fn interlock_number(kind: InterlockKind) -> u64 {
    match kind {
        InterlockKind::Motion => 1,
        InterlockKind::Nozzle => 2,
        InterlockKind::Spill => 3,
        InterlockKind::EmergencyStop => 4,
    }
}

const fn interlock(number: u64) -> Option<InterlockKind> {
    match number {
        1 => Some(InterlockKind::Motion),
        2 => Some(InterlockKind::Nozzle),
        3 => Some(InterlockKind::Spill),
        4 => Some(InterlockKind::EmergencyStop),
        _ => None,
    }
}

fn known<T>(value: Option<T>) -> Result<T, CborError> {
    value.ok_or(CborError::Unexpected)
}

const TAG_SIGN1: u64 = 18;
const RECEIPT: u64 = 1;
const LOCK: u64 = 2;
const METER: u64 = 3;
const INTERLOCK: u64 = 4;
