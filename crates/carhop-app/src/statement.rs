//! What devices say: each signed statement is verified, put in its place in the device's chain, kept as it came, and
//! observed by the session it is about. A report is never refused for what it reports (`design.md` §2.1).

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::EvidenceHash;
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::session::{NotExecuted, Report, observe};
use carhop_proofs::cose::key_id;
use carhop_proofs::statement::{
    self, Body as Said, ChainError, ChainHead, LockEvent, Outcome, Reading, ReadingKind, Statement,
};

use crate::app::App;
use crate::batch::{Body, DeviceEvent, Meta, Stream};
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{ChainRecord, CommandRecord, DeviceRecord, ReceiptRecord};

/// How far a device's statements are durable; what it need not repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HighWaterMark {
    /// The boot.
    pub boot_epoch: u32,
    /// The number of the last statement that is in.
    pub sequence: u64,
}

/// What a new statement needs to be understood.
struct Heard {
    statement: Statement,
    head: ChainHead,
    record: DeviceRecord,
    chain: Option<ChainRecord>,
    session: Option<SessionId>,
    /// Whether the command it names, if it names one, was made for this device.
    is_own: bool,
}

impl App {
    /// How far a device's statements have been read, for its connection to resume from.
    pub async fn high_water_mark(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<Option<HighWaterMark>, Failure> {
        let chain = self.peek::<ChainRecord>(partition, device.to_string()).await?;
        Ok(chain
            .map(|chain| HighWaterMark { boot_epoch: chain.boot_epoch, sequence: chain.sequence }))
    }

    /// Notes that a device has connected.
    pub async fn device_connected(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<(), Failure> {
        let reads = Reads::new(self, partition);
        let mut batch = reads.batch();
        let meta = Meta::of(Actor::Device { device });
        let body = Body::Device(DeviceEvent::Connected { device });
        batch.record(self, Stream::Device(device), &meta, body);
        self.ask_again(&mut batch, device).await?;
        self.append(batch, None).await?;
        Ok(())
    }

    /// Takes a device's statement. What it returns is durable; a repeated statement changes nothing.
    pub async fn hear_statement(
        &self,
        partition: &Partition,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<HighWaterMark, Failure> {
        retry!(self.try_hear(partition, device, bytes).await)
    }

    async fn try_hear(
        &self,
        partition: &Partition,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<HighWaterMark, Failure> {
        let mut reads = Reads::new(self, partition);
        let Some(heard) = self.understand(&mut reads, device, bytes).await? else {
            let chain = reads.load::<ChainRecord>(device.to_string()).await?;
            return Ok(HighWaterMark { boot_epoch: chain.boot_epoch, sequence: chain.sequence });
        };
        let Heard { statement, head, record, chain, session, is_own } = heard;
        let observed = match session {
            Some(id) => Some(reads.session(id).await?),
            None => None,
        };
        let mut batch = reads.batch();
        let receipt = EvidenceHash(head.hash);
        let meta = Meta::of(Actor::Device { device }).about(&record, reads.now);
        let stated = DeviceEvent::Stated {
            device,
            what: what(&statement.body).to_owned(),
            command: command_of(&statement.body),
            metered_ml: metered_ml(&statement.body),
            statement: receipt,
        };
        batch.record(self, Stream::Device(device), &meta, Body::Device(stated));
        batch.store(&next_chain(device, &statement, &head, chain))?;
        batch.store(&receipt_record(&statement, session, reads.now, bytes))?;
        let tampered = matches!(statement.body, Said::Lock { event: LockEvent::Tampered, .. });
        if tampered {
            batch.store(&DeviceRecord { tampered: true, ..record.clone() })?;
        }
        if let Some(session) = observed {
            let terms = &session.order.terms;
            let report = report(&statement, terms, receipt, chain.as_ref());
            let report = report.filter(|report| is_own || stands_alone(report));
            let events = report.map(|report| observe(&session, &report, reads.now));
            if let Some(events) = events.filter(|events| !events.is_empty()) {
                batch.advance(self, &session, &meta, &events)?;
            }
        }
        self.append(batch, session).await?;
        Ok(HighWaterMark { boot_epoch: head.boot_epoch, sequence: head.sequence })
    }

    /// Verifies a statement and finds its place; `None` for one that is in already.
    async fn understand(
        &self,
        reads: &mut Reads<'_>,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<Option<Heard>, Failure> {
        let record = reads.load::<DeviceRecord>(device.to_string()).await?;
        let key = record.verifying_key().ok_or(Failure::Unauthenticated)?;
        let suite = self.suite();
        let kid = key_id(suite, &key);
        let statement = statement::open(suite, bytes, |claimed| (*claimed == kid).then_some(key))
            .map_err(|error| Failure::invalid("statement", error.to_string()))?;
        if statement.device != device {
            return Err(Failure::invalid("statement", "made by another device"));
        }
        let chain = reads.find::<ChainRecord>(device.to_string()).await?;
        let before = chain.map(|chain| ChainHead {
            boot_epoch: chain.boot_epoch,
            sequence: chain.sequence,
            hash: chain.hash.0,
        });
        let head = match statement::next_head(suite, before.as_ref(), &statement, bytes) {
            Ok(head) => head,
            Err(ChainError::Repeated | ChainError::Old) => return Ok(None),
            Err(error @ (ChainError::Gap | ChainError::Forked)) => {
                return Err(Failure::invalid("statement", error.to_string()));
            }
        };
        let (session, is_own) = self.session_of(reads, &statement, &record).await?;
        Ok(Some(Heard { statement, head, record, chain, session, is_own }))
    }

    /// The session a statement is about: its command's, or the one the device serves.
    async fn session_of(
        &self,
        reads: &mut Reads<'_>,
        statement: &Statement,
        record: &DeviceRecord,
    ) -> Result<(Option<SessionId>, bool), Failure> {
        let Some(command) = command_of(&statement.body) else { return Ok((record.serving, true)) };
        let known = reads.find::<CommandRecord>(command.to_string()).await?;
        let own = known.filter(|known| known.device == record.device);
        let is_own = own.is_some();
        Ok((own.map(|known| known.session).or(record.serving), is_own))
    }
}

/// Whether a report tells of metal and not merely of a command: it counts whatever command the device names. What came
/// of a command is for the device to say that got it, and for no other.
const fn stands_alone(report: &Report) -> bool {
    match report {
        Report::LockOpened { .. }
        | Report::LockLocked { .. }
        | Report::MeterAdvanced { .. }
        | Report::DispensingEnded { .. }
        | Report::VehicleMoved
        | Report::Tampered { .. }
        | Report::InterlockTripped { .. }
        | Report::TemperatureOutOfRange { .. } => true,
        Report::LockJammed { .. }
        | Report::PumpArmed { .. }
        | Report::NotExecuted { .. }
        | Report::Silence { .. }
        | Report::GivenUp { .. } => false,
    }
}

fn report(
    statement: &Statement,
    terms: &carhop_kernel::order::Terms,
    receipt: EvidenceHash,
    chain: Option<&ChainRecord>,
) -> Option<Report> {
    let device = statement.device;
    match &statement.body {
        Said::Receipt { command, outcome, .. } => {
            Some(receipt_report(device, *command, *outcome, receipt))
        }
        Said::Lock { command, event } => lock_report(device, *command, *event, receipt, terms),
        Said::Meter { command, reading } => meter_report(device, *command, reading, chain),
        Said::Interlock { kind, .. } => Some(Report::InterlockTripped { device, kind: *kind }),
    }
}

fn receipt_report(
    device: DeviceId,
    command: CommandId,
    outcome: Outcome,
    receipt: EvidenceHash,
) -> Report {
    match outcome {
        Outcome::Opened => Report::LockOpened { device, command: Some(command), receipt },
        Outcome::Armed => Report::PumpArmed { command, receipt },
        Outcome::Jammed => Report::LockJammed { command },
        Outcome::NeverExecuted => Report::NotExecuted { command, why: NotExecuted::Cancelled },
        Outcome::Refused(_) => Report::NotExecuted { command, why: NotExecuted::RefusedByDevice },
    }
}

fn lock_report(
    device: DeviceId,
    command: Option<CommandId>,
    event: LockEvent,
    receipt: EvidenceHash,
    terms: &carhop_kernel::order::Terms,
) -> Option<Report> {
    match event {
        LockEvent::Opened => Some(Report::LockOpened { device, command, receipt }),
        LockEvent::Locked => Some(Report::LockLocked { device }),
        LockEvent::Jammed => command.map(|command| Report::LockJammed { command }),
        LockEvent::Tampered => Some(Report::Tampered { device }),
        LockEvent::Temperature { c10 } => terms
            .cold_chain
            .filter(|cold| c10 < cold.min_c10 || c10 > cold.max_c10)
            .map(|_| Report::TemperatureOutOfRange { device }),
        LockEvent::Closed => None,
    }
}

/// A reading counts only in its place: the chain is gapless, and so must be the readings of one dispensing. What is
/// settled is what the meter showed at the end.
fn meter_report(
    device: DeviceId,
    command: CommandId,
    reading: &Reading,
    chain: Option<&ChainRecord>,
) -> Option<Report> {
    let expected = chain.and_then(|chain| chain.reading).unwrap_or(0);
    if reading.number != expected {
        return None;
    }
    let metered_ml = reading.metered_ml;
    Some(match reading.kind {
        ReadingKind::Begin | ReadingKind::Charge => {
            Report::MeterAdvanced { device, command, number: reading.number, metered_ml }
        }
        ReadingKind::End(_) => Report::DispensingEnded { device, command, metered_ml },
    })
}

fn next_chain(
    device: DeviceId,
    statement: &Statement,
    head: &ChainHead,
    before: Option<ChainRecord>,
) -> ChainRecord {
    let (mut totaliser_ml, mut reading) =
        before.map_or((None, None), |chain| (chain.totaliser_ml, chain.reading));
    if let Said::Meter { reading: said, .. } = &statement.body {
        totaliser_ml = Some(said.totaliser_ml);
        reading = match said.kind {
            ReadingKind::Begin | ReadingKind::Charge => Some(said.number.saturating_add(1)),
            ReadingKind::End(_) => None,
        };
    }
    ChainRecord {
        device,
        boot_epoch: head.boot_epoch,
        sequence: head.sequence,
        hash: EvidenceHash(head.hash),
        totaliser_ml,
        reading,
    }
}

fn receipt_record(
    statement: &Statement,
    session: Option<SessionId>,
    received_at: carhop_kernel::time::Timestamp,
    bytes: &[u8],
) -> ReceiptRecord {
    ReceiptRecord {
        device: statement.device,
        session,
        boot_epoch: statement.boot_epoch,
        sequence: statement.sequence,
        what: what(&statement.body).to_owned(),
        device_time: statement.at,
        received_at,
        metered_ml: metered_ml(&statement.body),
        bytes: bytes.to_vec(),
    }
}

fn command_of(said: &Said) -> Option<CommandId> {
    match said {
        Said::Receipt { command, .. } | Said::Meter { command, .. } => Some(*command),
        Said::Lock { command, .. } | Said::Interlock { command, .. } => *command,
    }
}

const fn metered_ml(said: &Said) -> Option<u32> {
    match said {
        Said::Meter { reading, .. } => Some(reading.metered_ml),
        Said::Receipt { .. } | Said::Lock { .. } | Said::Interlock { .. } => None,
    }
}

/// The stable name of what a statement says.
const fn what(said: &Said) -> &'static str {
    match said {
        Said::Receipt { outcome, .. } => match outcome {
            Outcome::Opened => "receipt.opened",
            Outcome::Armed => "receipt.armed",
            Outcome::NeverExecuted => "receipt.never_executed",
            Outcome::Jammed => "receipt.jammed",
            Outcome::Refused(_) => "receipt.refused",
        },
        Said::Lock { event, .. } => match event {
            LockEvent::Opened => "lock.opened",
            LockEvent::Closed => "lock.closed",
            LockEvent::Locked => "lock.locked",
            LockEvent::Jammed => "lock.jammed",
            LockEvent::Tampered => "lock.tampered",
            LockEvent::Temperature { .. } => "lock.temperature",
        },
        Said::Meter { reading, .. } => match reading.kind {
            ReadingKind::Begin => "meter.begin",
            ReadingKind::Charge => "meter.charge",
            ReadingKind::End(_) => "meter.end",
        },
        Said::Interlock { .. } => "pump.interlock",
    }
}
